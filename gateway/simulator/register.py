"""The registers of a simulated meter, as it prints them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from attrs import frozen

_SECONDS_AN_HOUR = 3600


@frozen
class StillRegister:
    """Always prints `raw`: what stands between its outer brackets."""

    address: str
    raw: str


@frozen
class TotalRegister:
    """A total that grows by `hourly` an hour; `raw` is its print at the start, whose width and decimals it keeps."""

    address: str
    raw: str
    hourly: Decimal


@frozen
class ClockRegister:
    """A part of the meter's clock, printed in a form of strftime; the clock shows `start` at the start."""

    address: str
    form: str
    start: datetime


SimulatedRegister = StillRegister | TotalRegister | ClockRegister


def print_of(register: SimulatedRegister, age: float) -> str:
    """What stands between the outer brackets, `age` seconds after the start."""
    match register:
        case StillRegister():
            return register.raw
        case TotalRegister():
            return _grown(register, age)
        case ClockRegister():
            return (register.start + timedelta(seconds=age)).strftime(register.form)
        case _:
            assert_never(register)


def _grown(register: TotalRegister, age: float) -> str:
    number, star, unit = register.raw.partition("*")
    if not age:
        return register.raw
    start = Decimal(number)
    grown = (start + register.hourly * Decimal(age) / _SECONDS_AN_HOUR).quantize(start)
    digits = format(grown, "f").zfill(len(number))
    # The roller passes its highest number to zero and keeps its width.
    return f"{digits[len(digits) - len(number) :]}{star}{unit}"
