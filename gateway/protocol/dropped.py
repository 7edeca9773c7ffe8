"""Octets of a line on which meters push that gave no telegram, with the reason (protocol.md 5.5)."""

from enum import StrEnum

from attrs import define, frozen

from gateway.protocol.parse import evidence

_SHOWN = 17  # octets: one more than a message shows, so that it says that there are more
_BLANKS = b"\x00\x7f\r\n\t "


class Damage(StrEnum):
    """Why octets of a line gave no telegram."""

    BEGUN_INSIDE = "the line was heard from the middle of a telegram on"
    NOISE = "no telegram"
    HEADLESS = "a telegram without its identification"
    CUT = "a telegram that broke off"
    GARBLED = "a telegram that is no data block"
    PARITY = "a telegram with parity errors"
    CHECK = "a telegram whose check does not fit"
    EMPTY = "a telegram without data"
    OVERSIZE = "a telegram beyond the limits"

    @property
    def is_loss(self) -> bool:
        """A telegram was lost."""
        return self not in (Damage.BEGUN_INSIDE, Damage.NOISE)


@frozen
class Dropped:
    """Octets that gave no telegram: why, how many they were, the first of them in hexadecimal."""

    damage: Damage
    octets: int
    evidence: str

    def __str__(self) -> str:
        return f"{self.damage.value} ({self.octets:,} octets: {self.evidence})"


@define
class Noise:
    """What came since the last telegram and belongs to none; blanks and fill do not count.

    `is_first`: no telegram has come yet; `is_told`: it is the rest of a dropped telegram.
    """

    is_first: bool = True
    is_told: bool = False
    octets: int = 0
    first: bytes = b""
    has_brackets: bool = False

    def add(self, octets: bytes, characters: bytes) -> None:
        """More of it: the octets as they came, their 7-bit characters."""
        if count := len(characters.translate(None, _BLANKS)):
            self.octets += count
            self.first = (self.first + octets.strip(_BLANKS))[:_SHOWN]
            self.has_brackets = self.has_brackets or b"(" in characters

    @property
    def dropped(self) -> Dropped | None:
        """What is to be told of it; None where there is nothing to tell."""
        if self.is_told or not self.octets:
            return None
        lost = Damage.HEADLESS if self.has_brackets else Damage.NOISE
        return Dropped(Damage.BEGUN_INSIDE if self.is_first else lost, self.octets, evidence(self.first))
