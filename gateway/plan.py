"""Wire-time arithmetic: how long the visits of a line take (protocol.md 9)."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from gateway.errors import Finding
from gateway.memory import MeterMemory
from gateway.protocol.characters import SPEEDS_MODE_B, SPEEDS_MODE_C, Mode
from gateway.protocol.timing import T_R_MIN, T_R_MIN_FAST, wire_time
from gateway.site.model import LineSettings, MeterSettings

ASSUMED_BLOCK = 600  # characters between STX and !, as in the bus sweeps of protocol.md 9
ASSUMED_IDENTIFICATION = 20  # characters of the line, its end included
ASSUMED_SPEED = 9600  # what most mode C meters offer
_REQUEST = 5  # / ? ! CR LF around the address
_OPTION_SELECT = 6  # ACK V Z Y CR LF
_FRAME = 6  # STX ! CR LF ETX BCC
_FRAME_OF_BODY = 3  # STX ETX BCC: a remembered length counts ! CR LF
_LINE_END = 2
_ROUND_SCAN_RATES_MS = tuple(
    60_000 * minutes for minutes in (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
)
_DAY_MS = 86_400_000


@frozen
class MeterBudget:
    """What one visit of a meter costs its line: the silence before it included, retries not.

    `seconds` of the line's time, `octets` of the data message, `baud` that it comes at, `scan_rate_s` between visits.
    """

    meter: str
    seconds: float
    octets: int
    baud: int
    scan_rate_s: float

    @property
    def share(self) -> float:
        """The part of the line's time that this meter takes; 1 is all of it."""
        return self.seconds / self.scan_rate_s


@frozen
class LineBudget:
    """What the enabled meters of one line cost it."""

    line: str
    meters: tuple[MeterBudget, ...]

    @property
    def round_s(self) -> float:
        """Seconds of one visit of each meter."""
        return sum(meter.seconds for meter in self.meters)

    @property
    def seconds_a_meter(self) -> float:
        """Mean seconds of a visit; 0 without meters."""
        return self.round_s / len(self.meters) if self.meters else 0.0

    @property
    def share(self) -> float:
        """The part of the line's time that is asked for; above 1 it cannot be kept."""
        return sum(meter.share for meter in self.meters)

    @property
    def scan_rate_s(self) -> float:
        """The scan rate that is asked for, in seconds; of different ones a weighted mean; 0 without meters."""
        return self.round_s / self.share if self.meters else 0.0

    def findings(self) -> tuple[Finding, ...]:
        """W-BUS-1 where a round takes longer than the scan rate."""
        if self.share <= 1:
            return ()
        octets = round(sum(meter.octets for meter in self.meters) / len(self.meters))
        slowest = min(meter.baud for meter in self.meters)
        count = f"{len(self.meters)} meter{'' if len(self.meters) == 1 else 's'}"
        what = (
            f"one round takes {duration_text(self.round_s)}, scan_rate_ms asks for {duration_text(self.scan_rate_s)} "
            f"({count} x {octets} bytes at {slowest} Bd)"
        )
        advice = f"speed_change, fewer registers, or scan_rate_ms = {_kept_scan_rate_ms(self.round_s):_}"
        return (Finding("W-BUS-1", f"line {self.line}", what, advice),)


def line_budget(
    line: LineSettings, meters: Sequence[MeterSettings], memories: Mapping[str, MeterMemory] | None = None
) -> LineBudget:
    """The budget of a line with these meters; `memories` by device alias, as far as they are known."""
    known = memories or {}
    return LineBudget(line.alias, tuple(meter_budget(line, meter, known.get(meter.device_alias)) for meter in meters))


def meter_budget(line: LineSettings, meter: MeterSettings, memory: MeterMemory | None = None) -> MeterBudget:
    """One readout: T_s + c(N+6, B) after the silence of poll_delay_ms.

    What memory does not hold is assumed: mode C, an offer of 9600 Bd, 600 characters, reaction times of 200 ms.
    """
    seen = MeterMemory() if memory is None else memory
    identification = seen.identification or ""
    baud = _readout_speed(line, meter, identification)
    octets = ASSUMED_BLOCK + _FRAME if seen.block_octets is None else seen.block_octets + _FRAME_OF_BODY
    seconds = (
        meter.poll_delay_ms / 1000
        + _sign_on_time(line, meter, identification)
        + wire_time(octets, baud, line.format.bits)
    )
    return MeterBudget(meter.device_alias, seconds / line.time_scale, octets, baud, meter.scan_rate_ms / 1000)


def duration_text(seconds: float) -> str:
    """A length of time for people: seconds below two minutes, minutes below three hours, else hours."""
    if seconds < 2 * 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.3g} h"


def _sign_on_time(line: LineSettings, meter: MeterSettings, identification: str) -> float:
    """T_s: request, identification, in mode C the option select, with the reaction time before each answer."""
    reaction = T_R_MIN_FAST if identification[3:4].islower() else T_R_MIN
    length = len(identification) + _LINE_END if identification else ASSUMED_IDENTIFICATION
    octets = _REQUEST + len(meter.serialnumber) + length
    waits = 2 * reaction
    if _mode(meter, identification) is Mode.C:
        octets += _OPTION_SELECT
        waits += reaction if meter.t2 is None else meter.t2 / 1000
    return wire_time(octets, line.baudrate, line.format.bits) + waits


def _mode(meter: MeterSettings, identification: str) -> Mode:
    if meter.type in (Mode.A, Mode.B, Mode.C):
        return meter.type
    speed = identification[4:5]
    if not identification or speed.isdigit():
        return Mode.C
    return Mode.B if speed in SPEEDS_MODE_B else Mode.A


def _readout_speed(line: LineSettings, meter: MeterSettings, identification: str) -> int:
    """The speed of the data message: the offered one where mode, line and ceiling allow it, else the opening speed."""
    mode = _mode(meter, identification)
    if not line.can_change_speed or mode is Mode.A:
        return line.baudrate
    if not identification:
        assumed = min(ASSUMED_SPEED, line.max_baudrate or ASSUMED_SPEED)
        return max(line.baudrate, assumed)
    offered = (SPEEDS_MODE_B if mode is Mode.B else SPEEDS_MODE_C).get(identification[4:5], line.baudrate)
    return line.baudrate if line.max_baudrate is not None and offered > line.max_baudrate else offered


def _kept_scan_rate_ms(round_s: float) -> int:
    """The next round scan rate that a round of that length keeps."""
    needed = round_s * 1000
    days = -(-needed // _DAY_MS)
    return next((rate for rate in _ROUND_SCAN_RATES_MS if rate >= needed), round(days * _DAY_MS))
