"""The registers of a simulated meter, as it prints them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import assert_never

from attrs import frozen

from gateway.simulator.clock import season
from gateway.simulator.load import Load, Rate

_SECONDS_AN_HOUR = 3600
_SEASON = "{s}"
_WHOLE = "255"
_JOULES_A_KILOWATT_HOUR = 3_600_000
_STAMP = "%y%m%d%H%M"
_LEFT = Decimal("0.99")


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


@frozen
class LoadRegister:
    """A total of what a load takes; `raw` is its print at the start, whose decimals it keeps, digits cut off.

    `joules` are those of one unit. `digits` None: its roller is as wide as the print; else it has so many in front of
    the point, which are printed without leading zeros.
    """

    address: str
    raw: str
    load: Load
    rate: Rate = Rate.ALL
    joules: int = _JOULES_A_KILOWATT_HOUR
    digits: int | None = None

    def counted(self, age: float) -> Decimal:
        """What it would show after so many seconds if its roller had no end."""
        return Decimal(self.count(age)).scaleb(-self.decimals)

    def count(self, age: float) -> int:
        """The same in units of its last digit."""
        number = self.raw.partition("*")[0]
        unit: int = 10**self.decimals
        return int(number.replace(".", "")) + self.load.joules(age, self.rate) * unit // self.joules

    @property
    def decimals(self) -> int:
        """How many digits stand behind its point."""
        return len(self.raw.partition("*")[0].partition(".")[2])


class Quantity(StrEnum):
    """A momentary value of a load, in the unit that the meter prints."""

    POWER = "power in kW"
    VOLTAGE = "voltage in V"
    CURRENT = "current of one of three phases in A"
    FREQUENCY = "frequency in Hz"
    POWER_FACTOR = "power factor"
    FLOW_TEMPERATURE = "flow temperature in °C"
    RETURN_TEMPERATURE = "return temperature in °C"


@frozen
class MomentaryRegister:
    """What a load does at the moment; `raw` is the print at the start, whose width and decimals it keeps."""

    address: str
    raw: str
    load: Load
    quantity: Quantity


@frozen
class MaximumRegister:
    """The largest mean in kW of a quarter of an hour, with its stamp, since the age `since`.

    `raw` is the print at the start, which stands until a larger mean comes or the maximum begins anew.
    """

    address: str
    raw: str
    load: Load
    since: float = 0.0


SimulatedRegister = StillRegister | TotalRegister | ClockRegister | LoadRegister | MomentaryRegister | MaximumRegister


def print_of(  # noqa: PLR0911 - one arm a kind
    register: SimulatedRegister, age: float, clock: datetime | None = None
) -> str:
    """What stands between the outer brackets, `age` seconds after the start, when the meter's clock shows `clock`."""
    if isinstance(register, ClockRegister):
        shown = clock or register.start + timedelta(seconds=age)
        return shown.strftime(register.form.replace(_SEASON, season(shown)))
    if not age:
        return register.raw
    match register:
        case StillRegister():
            return register.raw
        case TotalRegister():
            return _grown(register, age)
        case LoadRegister():
            return _taken(register, age)
        case MomentaryRegister():
            return _like(register.raw, _momentary(register, age))
        case MaximumRegister():
            return _maximum(register, age)
        case _:
            assert_never(register)


def zeroed(raw: str) -> str:
    """The print with a number of zero, in the same width, its unit and stamp kept; one without number as it is."""
    number, star, unit = raw.partition("*")
    try:
        zero = Decimal(number) * 0
    except InvalidOperation:
        return raw
    return f"{format(zero, 'f').zfill(len(number))}{star}{unit}"


def lowered(raw: str) -> str:
    """The print of a total that has lost a hundredth; one without number as it is."""
    number, star, unit = raw.partition("*")
    try:
        value = Decimal(number)
    except InvalidOperation:
        return raw
    return f"{format((value * _LEFT).quantize(value), 'f').zfill(len(number))}{star}{unit}"


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
    start = Decimal(number)
    grown = (start + register.hourly * Decimal(age) / _SECONDS_AN_HOUR).quantize(start)
    digits = format(grown, "f").zfill(len(number))
    # The roller passes its highest number to zero and keeps its width.
    return f"{digits[len(digits) - len(number) :]}{star}{unit}"


def _taken(register: LoadRegister, age: float) -> str:
    number, star, unit = register.raw.partition("*")
    whole, point, behind = number.partition(".")
    width = len(whole) if register.digits is None else register.digits
    digits = f"{register.count(age) % 10 ** (width + len(behind)):0{width + len(behind)}}"
    shown, rest = digits[:width], digits[width:]
    return f"{shown if register.digits is None else shown.lstrip('0') or '0'}{point}{rest}{star}{unit}"


def _like(raw: str, value: float) -> str:
    number, star, unit = raw.partition("*")
    return f"{value:0{len(number)}.{len(number.partition('.')[2])}f}{star}{unit}"


def _momentary(register: MomentaryRegister, age: float) -> float:  # noqa: PLR0911 - one arm a quantity
    watts, noise = register.load.watts(age), register.load.noise(age, register.address)
    match register.quantity:
        case Quantity.POWER:
            return watts * (1 + 0.2 * noise) / 1000
        case Quantity.VOLTAGE:
            return 232 - watts / 1500 + 3 * noise
        case Quantity.CURRENT:
            return watts * (1 + 0.3 * noise) / 3 / 230
        case Quantity.FREQUENCY:
            return 50 + 0.04 * noise
        case Quantity.POWER_FACTOR:
            return 0.95 + 0.05 * noise
        case Quantity.FLOW_TEMPERATURE:
            return 62 + watts / 2000 + 2 * noise
        case Quantity.RETURN_TEMPERATURE:
            return 38 + 3 * noise
        case _:
            assert_never(register.quantity)


def _maximum(register: MaximumRegister, age: float) -> str:
    """Before the first quarter of an hour has ended the stamp of a maximum begun anew is a filler."""
    first, _, stamp = register.raw.partition(")(")
    peak = register.load.peak(register.since, age)
    at_start = float(first.partition("*")[0])
    if not register.since and (peak is None or peak.watts / 1000 <= at_start):
        return register.raw
    if peak is None:
        return f"{zeroed(first)})({'0' * len(stamp)}"
    return f"{_like(first, peak.watts / 1000)})({peak.end.astimezone(register.load.zone):{_STAMP}}"
