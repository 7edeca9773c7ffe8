"""The whole error tree of Metergate, with the one place that catches each branch."""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

from attrs import frozen


class Cause(StrEnum):
    """Why a due slot ended without a readout; the list is closed."""

    NO_ANSWER = "no_answer"
    GARBLED = "garbled"
    REFUSED = "refused"
    ACCESS_DENIED = "access_denied"
    WRONG_METER = "wrong_meter"
    LINE_DOWN = "line_down"
    CANCELLED = "cancelled"
    OVERRUN = "overrun"
    RESTING = "resting"
    DECODE = "decode"


@frozen
class Finding:
    """One message to a person: its code, where, what with the evidence, and the next step.

    `code` is a key of `gateway.codes.CODES`; its first letter tells an error (E) from a warning (W).
    """

    code: str
    where: str
    what: str
    next: str | None = None

    @property
    def is_error(self) -> bool:
        """False for a warning."""
        return self.code.startswith("E")

    def __str__(self) -> str:
        """The message as it is shown: one line, and one more for the next step."""
        first = f"{self.code} {self.where}: {self.what}" if self.where else f"{self.code} {self.what}"
        return first if self.next is None else f"{first}\n        next: {self.next}"


class MetergateError(Exception):
    """Base of every error that Metergate raises on purpose: what was seen, and the next step."""

    def __init__(self, code: str, what: str, next_step: str | None = None) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.next_step = next_step

    def finding(self, where: str) -> Finding:
        """The message for a person, told where it happened."""
        return Finding(self.code, where, self.what, self.next_step)


class _Findings(MetergateError):
    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        super().__init__(first.code, "\n".join(str(finding) for finding in self.findings), first.next)


class SiteError(_Findings):
    """A site file is invalid: all its findings at once. Caught in the command line at start, exit 78."""


class ProfileError(_Findings):
    """A meter profile is invalid: all its findings at once. Caught in the command line at start, exit 78."""


class PluginError(MetergateError):
    """A plugin cannot be used: it fails to import, or claims a name twice. Caught at start, exit 78."""


class LineError(MetergateError):
    """A line cannot be used. Caught in `serve_bus`: reopened with back-off, meters keep their due times."""


class LineMissing(LineError):
    """The port does not exist, or the far end cannot be reached."""


class LineBusy(LineError):
    """Another process holds the port, or it may not be opened by this user."""


class LineLost(LineError):
    """An open line hung up."""


class JournalError(MetergateError):
    """The journal cannot store. Caught in the journal writer, or in the command line at start (exit 73)."""


class JournalFull(JournalError):
    """No room on the disk: buses wait, nothing acknowledged is lost."""


class JournalFailed(JournalError):
    """A write or an fsync failed: the file is reopened and verified."""


class JournalForeign(JournalError):
    """The file is no journal of this version, or another gateway holds it."""


class MeterError(MetergateError):
    """A visit failed for this meter alone. Caught in the visit: recorded as the slot's outcome."""

    cause: ClassVar[Cause]


class NoAnswer(MeterError):
    """The meter stayed silent."""

    cause = Cause.NO_ANSWER


class Garbled(MeterError):
    """Octets came that are no valid message; `octets` are those, as they came, where they may be shown."""

    cause = Cause.GARBLED
    octets: bytes = b""


class OutOfTurn(MeterError):
    """The far end said what the protocol does not allow in this state."""

    cause = Cause.GARBLED


class Refused(MeterError):
    """The meter understood and declined, or speaks a protocol that is not served."""

    cause = Cause.REFUSED


class SessionEnded(MeterError):
    """The meter has signed off by itself: one new session follows, no failure is counted."""

    cause = Cause.REFUSED


class AccessDenied(MeterError):
    """The meter wants a password that was not given or not accepted."""

    cause = Cause.ACCESS_DENIED


class WrongMeter(MeterError):
    """Another meter than the one addressed has answered: nothing of it is stored."""

    cause = Cause.WRONG_METER


class DecodeError(MetergateError):
    """One register's print cannot be understood: its reading is `bad`, the others survive."""


class UnitError(MetergateError):
    """Units that cannot be converted into each other. Caught in the balance: its part is left out, which is told."""


class SinkError(MetergateError):
    """A sink did not take a batch. Caught in the Outlet."""


class TransientSinkError(SinkError):
    """The same batch may be accepted later."""


class PermanentSinkError(SinkError):
    """The sink will never accept this batch."""


class NotOurTurn(Exception):
    """Our side was about to speak against the protocol's table: a bug of ours, caught nowhere."""
