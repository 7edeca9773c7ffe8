"""What a meter family says of its programming mode: commands, access groups, error texts, stored series, clock."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property

from attrs import field, frozen

from gateway.errors import Cause
from gateway.reading import Access

# protocol.md 4: a session without a message ends after 60 to 120 s; some makes end it after 1.5 s.
USUAL_IDLE_S = 60.0
# protocol.md 3.6 says 32 characters; a longer bracket holds data.
ERROR_TEXT_LIMIT = 64


class SeriesKind(StrEnum):
    """What a stored series holds: mean values of intervals, or entries of a log."""

    LOAD_PROFILE = "load-profile"
    LOG = "log"


@frozen
class ErrorText:
    """A text by which the family refuses (protocol.md 3.6).

    `pattern` is a regular expression that matches the whole bracket content; `meaning` is for a person. `cause` is what
    a refusal of this kind ends a visit with; None: nothing is stored in the range that was asked for.
    """

    pattern: str
    meaning: str
    cause: Cause | None = Cause.REFUSED

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern)


# The forms seen in more than one family; a profile's own texts are tried first.
_DECLINED = "ERROR"
USUAL_ERRORS = (
    ErrorText(_DECLINED, "the meter declined"),
    ErrorText(r"ERROR ?[0-9]{1,2}|ERR?[0-9]{1,3}|#[0-9]{1,4}", "the meter declined, its code is none of the profile's"),
)


@frozen
class StoredSeries:
    """A load profile or log that the family keeps, read by its code with a range of time (protocol.md 7.3).

    `limit_form` is how the limits of a range are written, in the tokens of `gateway.profile.stamp`.
    `status` names the bits of its status words, the key being the bit's number from the lowest.
    """

    address: str
    kind: SeriesKind
    title: str
    limit_form: str = "sYYMMDDhhmm"
    status: Mapping[int, str] = field(factory=dict)
    access: Access = Access.NONE


@frozen
class StoredCommand:
    """A command that the family executes, such as the reset of the demand registers.

    `address` and `argument` make its data set `address(argument)`. `watched` are registers read before and after it.
    """

    name: str
    address: str
    title: str
    argument: str = ""
    access: Access = Access.LOW
    watched: tuple[str, ...] = ("0.1.0",)


@frozen
class ClockForm:
    """How the clock is set: register by register, each with the form of its value in the tokens of `stamp`.

    No registers: how this family's clock is set is not known.
    """

    registers: tuple[tuple[str, str], ...] = (("0.9.1", "shhmmss"), ("0.9.2", "sYYMMDD"))
    access: Access = Access.LOW


@frozen
class ProgrammingMode:
    """The programming mode of a meter family.

    `read`, `read_parts`, `write`, `execute` are the commands that it understands, kind with digit (R1, R2, R5; R3, R6;
    W1, W2, W5; E2); `read_parts` None: it sends no partial blocks. `argument` stands between the brackets of a read.
    `lines_a_block` is asked of partial blocks, None: left to the meter.
    `passwords` names the password answer of each group that wants one; a group without one is out of reach.
    `reads` and `writes` are the groups of registers that are not listed. `idle_s` is after how many seconds of silence
    the meter ends the session. `tables` maps option digits 5 to 9 to what they read.
    """

    read: str = "R1"
    read_parts: str | None = None
    write: str = "W1"
    execute: str = "E2"
    argument: str = ""
    lines_a_block: int | None = None
    passwords: Mapping[Access, str] = field(factory=lambda: {Access.LOW: "clear"})
    reads: Access = Access.NONE
    writes: Access = Access.LOW
    idle_s: float = USUAL_IDLE_S
    errors: tuple[ErrorText, ...] = ()
    tables: Mapping[str, str] = field(factory=dict)
    series: tuple[StoredSeries, ...] = ()
    commands: tuple[StoredCommand, ...] = ()
    clock: ClockForm = ClockForm()

    def refusal(self, raw: Sequence[str]) -> ErrorText | None:
        """The error text that the brackets of an answer hold, or None where they hold data."""
        if len(raw) != 1 or len(raw[0]) > ERROR_TEXT_LIMIT:
            return None
        content = raw[0].strip()
        return next((error for error in (*self.errors, *USUAL_ERRORS) if error.expression.fullmatch(content)), None)

    def is_empty(self, address: str, error: ErrorText) -> bool:
        """True where this text, answered to the code of a stored series, says that nothing is stored in the range."""
        return error.cause is None or (error.pattern == _DECLINED and self.series_of(address) is not None)

    def series_of(self, address: str) -> StoredSeries | None:
        """The stored series under a code, or None where the family states none."""
        return next((series for series in self.series if series.address == address), None)

    def command_of(self, name: str) -> StoredCommand | None:
        """The command of that name or address, or None where the family states none."""
        return next((command for command in self.commands if name in (command.name, command.address)), None)
