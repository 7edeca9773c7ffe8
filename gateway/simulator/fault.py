"""The faults that a simulated line can have, each with how often it strikes."""

from enum import StrEnum
from typing import Self

from attrs import frozen

# How often a fault of a message strikes unless told otherwise.
USUAL_RATE = 0.2
# How old a meter is, in its own seconds, when what befalls it during its life does.
ONSET_S = 900.0


class Fault(StrEnum):
    """What can go wrong with a meter or with its line; `about` says it in words."""

    SILENT = "silent"
    SLOW = "slow"
    BAD_CHECK = "bad_check"
    NOISE = "noise"
    CUT = "cut"
    POWER_LOST = "power_lost"
    ACK_LOST = "ack_lost"
    ANSWER_LOST = "answer_lost"
    BREAK_LOST = "break_lost"
    ECHO = "echo"
    WRONG_IDENTITY = "wrong_identity"
    IGNORES_ADDRESS = "ignores_address"
    CLOCK_WRONG = "clock_wrong"
    UNASKED = "unasked"
    READOUT_INSTEAD = "readout_instead"
    NO_REPEAT = "no_repeat"
    ZERO_GLITCH = "zero_glitch"
    DIGITS = "digits"
    FROZEN = "frozen"
    BACKWARDS = "backwards"
    SAME_SERIAL = "same_serial"
    CLOCK_LOST = "clock_lost"

    @property
    def strikes_messages(self) -> bool:
        """True where every message may be hit, False where a meter has the fault for good."""
        return self in _OF_MESSAGES

    @property
    def about(self) -> str:
        """What happens."""
        return (_OF_MESSAGES | _OF_METERS)[self]


_OF_MESSAGES = {
    Fault.SLOW: "reacts 1.2 to 2.4 s late",
    Fault.BAD_CHECK: "sends a wrong block check",
    Fault.NOISE: "one bit flipped, or spurious octets in front",
    Fault.CUT: "stops in the middle of its data",
    Fault.POWER_LOST: "the same, then it stands at its sign-on again",
    Fault.ACK_LOST: "does not hear an ACK, so it says its partial block again",
    Fault.ANSWER_LOST: "does what it was told, but its ACK never arrives",
    Fault.BREAK_LOST: "does not hear a break",
    Fault.ZERO_GLITCH: "prints zero for all its totals",
    Fault.DIGITS: "two digits of its data are others, which the block check does not show",
}
_OF_METERS = {
    Fault.SILENT: "never answers",
    Fault.ECHO: "its line returns the reader's own octets",
    Fault.WRONG_IDENTITY: "prints another serial number",
    Fault.IGNORES_ADDRESS: "answers every sign-on",
    Fault.CLOCK_WRONG: "its clock is hours or years off",
    Fault.UNASKED: "sends its data without an option select",
    Fault.READOUT_INSTEAD: "answers the choice of programming mode with its data",
    Fault.NO_REPEAT: "does not hear repeat requests",
    Fault.FROZEN: "its values stand still after a quarter of an hour, its clock goes on",
    Fault.BACKWARDS: "its totals lose a hundredth after a quarter of an hour, then go on",
    Fault.SAME_SERIAL: "another meter of its serial number answers at the same time",
    Fault.CLOCK_LOST: "its clock begins at 2000-01-01",
}


@frozen
class FaultRate:
    """A fault of a line with its rate from 0 to 1: the share of messages that it hits, or of meters that have it.

    None: USUAL_RATE of the messages, or exactly one meter a line.
    """

    fault: Fault
    rate: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `NAME` or `NAME:rate`; raises ValueError that says what is wanted."""
        name, colon, rate = text.partition(":")
        if name not in set(Fault):
            raise ValueError(f'"{name}" is no fault; known are {", ".join(Fault)}')
        if not colon:
            return cls(Fault(name))
        try:
            number = float(rate)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            raise ValueError(f'"{rate}" is no rate; a number from 0 to 1 is wanted')
        return cls(Fault(name), number)

    def __str__(self) -> str:
        return self.fault.value if self.rate is None else f"{self.fault.value}:{self.rate:g}"
