"""The registers of a simulated meter, as it prints them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from attrs import frozen

from gateway.simulator.clock import season

_SECONDS_AN_HOUR = 3600
_SEASON = "{s}"
_WHOLE = "255"


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
    """A part of the meter's clock, printed in a form of strftime in which `{s}` is the season flag.

    The clock shows `start` at the start, unless the meter has a programming mode, whose clock it then shows.
    """

    address: str
    form: str
    start: datetime


SimulatedRegister = StillRegister | TotalRegister | ClockRegister


def print_of(register: SimulatedRegister, age: float, clock: datetime | None = None) -> str:
    """What stands between the outer brackets, `age` seconds after the start, when the meter's clock shows `clock`."""
    match register:
        case StillRegister():
            return register.raw
        case TotalRegister():
            return _grown(register, age)
        case ClockRegister():
            shown = clock or register.start + timedelta(seconds=age)
            return shown.strftime(register.form.replace(_SEASON, season(shown)))
        case _:
            assert_never(register)


def block_of(prints: Iterable[tuple[str, str]], *, glued: bool) -> bytes:
    """The 7-bit characters of a readout of addresses with their prints (protocol.md 3.8)."""
    lines = "\r\n".join(f"{address}({raw})" for address, raw in prints)
    return f"{lines}{'' if glued else chr(13) + chr(10)}!\r\n".encode("latin-1")


def reduced(address: str) -> str:
    """The address without medium, channel, unused history: what an answer's and a request's have in common."""
    code = address.rpartition(":")[2]
    return code.removesuffix(f"*{_WHOLE}")


def _grown(register: TotalRegister, age: float) -> str:
    number, star, unit = register.raw.partition("*")
    if not age:
        return register.raw
    start = Decimal(number)
    grown = (start + register.hourly * Decimal(age) / _SECONDS_AN_HOUR).quantize(start)
    digits = format(grown, "f").zfill(len(number))
    # The roller passes its highest number to zero and keeps its width.
    return f"{digits[len(digits) - len(number) :]}{star}{unit}"
