"""The facts of a simulated meter's programming mode."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from attrs import field, frozen

from gateway.reading import Access

# The operands of P0 that stand for something else than themselves.
SERIAL_OPERAND, RANDOM_OPERAND = "serial", "random"
# protocol.md 3.5: the commands whose answers come in partial blocks.
PARTED = frozenset(("R3", "R4", "R6"))


class Decline(StrEnum):
    """How a meter says no (protocol.md 3.5, 3.6): by an error text, NAK, a mere ACK, a break, or not at all."""

    ERROR = "error"
    NAK = "nak"
    ACK = "ack"
    BREAK = "break"
    SILENCE = "silence"


class Farewell(StrEnum):
    """What a meter says to a break (protocol.md 3.7)."""

    NOTHING = "nothing"
    BREAK = "break"
    ACK = "ack"


class Reason(StrEnum):
    """Why a command is declined."""

    COMMAND = "unknown command"
    REGISTER = "unknown register"
    STRUCTURE = "bad structure"
    VALUE = "bad value"
    NO_DATA = "nothing stored in the range"
    ACCESS = "access denied"
    PASSWORD = "wrong password"  # noqa: S105 - a reason, no password
    SEALED = "sealed switch closed"


class ErrorStyle(StrEnum):
    """The three shapes of error texts (protocol.md 3.6): one text, a table of two digits, the name in front."""

    TEXT = "text"
    TABLE = "table"
    NAMED = "named"


_TABLE = {
    Reason.COMMAND: "ER01",
    Reason.REGISTER: "ER02",
    Reason.STRUCTURE: "ER03",
    Reason.VALUE: "ER04",
    Reason.NO_DATA: "ER05",
    Reason.ACCESS: "ER06",
    Reason.PASSWORD: "ER07",
    Reason.SEALED: "ER08",
}
_NAMED = {
    Reason.COMMAND: "ERR11",
    Reason.REGISTER: "ERR12",
    Reason.STRUCTURE: "ERR13",
    Reason.VALUE: "ERR17",
    Reason.NO_DATA: "ERR18",
    Reason.ACCESS: "ERR15",
    Reason.PASSWORD: "ERR15",
    Reason.SEALED: "ERR14",
}


def error_text(style: ErrorStyle, reason: Reason, address: str) -> str:
    """The data set by which a meter declines; an empty range always carries its code (example X12)."""
    text = {ErrorStyle.TEXT: {}, ErrorStyle.TABLE: _TABLE, ErrorStyle.NAMED: _NAMED}[style].get(reason, "ERROR")
    has_address = style is ErrorStyle.NAMED or reason is Reason.NO_DATA
    return f"{address if has_address else ''}({text})"


class PasswordScheme(StrEnum):
    """How a password is said: as it is, or as its CRC-32 from the operand on (protocol.md 6)."""

    CLEAR = "clear"
    CRC32 = "crc32"


@frozen
class SimulatedPassword:
    """What opens an access group; P1 is for the low one, P2 for the high one."""

    secret: str = field(repr=False)
    scheme: PasswordScheme = PasswordScheme.CLEAR


@frozen
class LoadProfile:
    """A load profile: values of `channels`, each a reduced code with its unit, every `minutes` (protocol.md 7.3).

    `minutes` divides an hour, or is a day's 1440. `rows` are the values from the beginning of its recording on; none:
    they are made up, up to what the clock shows.
    """

    address: str = "P.01"
    minutes: int = 15
    channels: tuple[tuple[str, str], ...] = (("1.5", "kW"), ("2.5", "kW"))
    rows: tuple[tuple[str, ...], ...] = ()


@frozen
class EventLog:
    """A log of what happened to the meter (protocol.md 7.3)."""

    address: str = "P.98"


StoredData = LoadProfile | EventLog
USUAL_ZONE = ZoneInfo("Europe/Vilnius")
USUAL_STORED: tuple[StoredData, ...] = (LoadProfile(), LoadProfile("P.02", 1440, (("1.8.0", "kWh"),)), EventLog())


@frozen
class PowerLoss:
    """The supply failed `at` a local time, for so many seconds."""

    at: datetime
    seconds: int


@frozen
class ClockSet:
    """The clock was put forward by so many seconds (negative: back) when it showed `at`."""

    at: datetime
    seconds: int


# protocol.md 7.4: the registers by which clocks are set, the last one time and date at once.
TIME_REGISTER, DATE_REGISTER, MOMENT_REGISTER = "0.9.1", "0.9.2", "0.9.4"
CLOCK_REGISTERS = (TIME_REGISTER, DATE_REGISTER, MOMENT_REGISTER)


@frozen
class SimulatedProgramming:
    """What a simulated meter does in programming mode.

    `start` is what its clock shows at first, local time of `time_zone` (so are all times here). `operand` is that of
    P0; "serial": its serial number, "random": eight fresh hexadecimal digits a session. `commands` are those it knows.
    `passwords` is what opens the low or the high group, a group without one stays closed; `wrong_password` is how it
    declines others, and after `tries` of them it declines every one for `lockout_s`.
    `idle_s`: so many seconds without a message end the session.
    `access` is the group of registers and stored data that may only be read there, `reads` that of all others;
    `writable` that of the ones that can be written. The command or register `reset_by` resets the demand.
    `has_addresses` False: answers come without. `ends_lines`: a line end follows every data set.
    `ends_parts`: partial blocks end with a line end; `part_lines` is their size where the reader wants none.
    `since`: recording began then; None: 400 days before `start`. `events`: what happened since then; None: made up.
    `status_digits` is the width of a load profile's status word.
    """

    start: datetime
    time_zone: ZoneInfo = USUAL_ZONE
    operand: str = ""
    commands: frozenset[str] = frozenset(("R5", "R6", "W5", "E2"))
    passwords: Mapping[Access, SimulatedPassword] = field(
        factory=lambda: {Access.LOW: SimulatedPassword("00000000")}, repr=False
    )
    wrong_password: Decline = Decline.BREAK
    tries: int = 3
    lockout_s: float = 60.0
    idle_s: float = 60.0
    unknown_command: Decline = Decline.ERROR
    refusal: Decline = Decline.ERROR
    errors: ErrorStyle = ErrorStyle.TEXT
    farewell: Farewell = Farewell.NOTHING
    access: Mapping[str, Access] = field(factory=dict)
    reads: Access = Access.NONE
    writable: Mapping[str, Access] = field(factory=lambda: dict.fromkeys(CLOCK_REGISTERS, Access.LOW))
    reset_by: str = "1.6.0"
    reset_access: Access = Access.LOW
    is_cover_open: bool = False
    is_switch_open: bool = False
    has_addresses: bool = True
    ends_lines: bool = False
    ends_parts: bool = True
    part_lines: int = 8
    stored: tuple[StoredData, ...] = USUAL_STORED
    since: datetime | None = None
    events: tuple[PowerLoss | ClockSet, ...] | None = None
    status_digits: int = 8
