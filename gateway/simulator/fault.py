"""The faults that a simulated line can have, each with how often it strikes."""

from enum import StrEnum
from typing import Self

from attrs import frozen

# How often a fault of a message strikes unless told otherwise.
USUAL_RATE = 0.2


class Fault(StrEnum):
    """What can go wrong with a meter or with its line.

    SLOW, BAD_CHECK, NOISE, CUT strike single messages, the others are lasting traits of a meter.
    """

    SILENT = "silent"
    SLOW = "slow"
    BAD_CHECK = "bad_check"
    NOISE = "noise"
    CUT = "cut"
    ECHO = "echo"
    WRONG_IDENTITY = "wrong_identity"
    IGNORES_ADDRESS = "ignores_address"
    CLOCK_WRONG = "clock_wrong"

    @property
    def strikes_messages(self) -> bool:
        """True where every message may be hit, False where a meter has the fault for good."""
        return self in (Fault.SLOW, Fault.BAD_CHECK, Fault.NOISE, Fault.CUT)


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
