"""The suspicion that two meters of one line answer to the same number."""

from collections.abc import Sequence
from datetime import datetime

from attrs import define, field, frozen

from gateway.damage import FAILING_SHARE, TELLING, LineDamage
from gateway.errors import Finding
from gateway.protocol.characters import parity_errors, with_even_parity
from gateway.reading import Event, EventKind, Visit

OTHERS_SHARE = 0.2  # from here on the line is to blame, not one of its meters
AGAIN = 3600.0  # seconds until a suspicion is told again while it lasts
# Of the broken octets: a clock within a block ticks from one answer to the next.
ALIKE_SHARE = 0.5
# So many octets that are not as expected tell whether bits were lost alone: noise adds a bit as often as it takes one.
TELLING_OCTETS = 16
LOST_SHARE = 0.9

_BEGINNINGS = (b"/", b"\x02")
_BEGINNINGS_WITH_PARITY = tuple(with_even_parity(begin) for begin in _BEGINNINGS)
_FILL = b"\x00\x7f\x80\xff"


@frozen
class Suspicion:
    """Two meters may answer to one number: of its last `answers` so many came `damaged` in the same way.

    `others` meters of the line come sound meanwhile.
    """

    damaged: int
    answers: int
    others: int

    def text(self, number: str) -> str:
        """It in one sentence, for the meter that is addressed by that number."""
        what = (
            f"two meters may answer to {number}: {self.damaged} of its last {self.answers} answers came damaged alike"
        )
        match self.others:
            case 0:
                return what
            case 1:
                return f"{what}, those of 1 other are sound"
            case _:
                return f"{what}, those of {self.others} others are sound"

    def finding(self, where: str, number: str) -> Finding:
        """The message for a person (W-READ-13)."""
        advice = "look for a second meter with that number on this line, or one that ignores addresses"
        return Finding("W-READ-13", where, self.text(number), advice)

    def event(self, visit: Visit, at: datetime) -> Event:
        """What the journal keeps of it; `details` holds `damaged`, `answers` as decimal numbers."""
        details = {"damaged": str(self.damaged), "answers": str(self.answers)}
        return Event(visit, EventKind.COLLISION, at, self.text(visit.serial or visit.meter), details)


@define(eq=False)
class Collisions:
    """Looks for meters whose answers collide, in the `damage` of one line (reliability.md, L13).

    Meters that answer at once pull the line low against each other: the receiver hears the AND of both, the same one
    every time. Noise hits at random, and it hits all meters of a line.
    """

    damage: LineDamage
    _told_at: dict[str, float] = field(init=False, factory=dict)

    def news(self, meter: str, remembered: str | None, now: float) -> Suspicion | None:
        """A suspicion worth telling: a new one, or one that has lasted for another AGAIN.

        `remembered` is the meter's last good identification; `now` is in seconds of one monotonic clock.
        """
        suspicion = self._suspicion(meter, remembered)
        if suspicion is None:
            self._told_at.pop(meter, None)
            return None
        if now < self._told_at.get(meter, float("-inf")) + AGAIN:
            return None
        self._told_at[meter] = now
        return suspicion

    def _suspicion(self, meter: str, remembered: str | None) -> Suspicion | None:
        if not self.damage.is_failing(meter):
            return None
        share, others = self.damage.others(meter)
        # Before anything was heard well, a wrong setting of the line looks the same.
        if share >= OTHERS_SHARE or not (others or remembered):
            return None
        answers = self.damage.answers(meter)
        heard = [answer.octets.lstrip(_FILL) for answer in answers if answer.is_damaged]
        begun = [octets for octets in heard if _is_begun(octets)]
        alike = max(_most_alike(begun, is_known=remembered is not None), _anded(begun, remembered))
        if alike < max(TELLING, FAILING_SHARE * len(heard)):
            return None
        return Suspicion(alike, len(answers), others)


def _is_begun(octets: bytes) -> bool:
    """What two meters say begins alike; what a wrong speed makes of one does not begin at all."""
    return octets.startswith(_BEGINNINGS if octets.isascii() else _BEGINNINGS_WITH_PARITY)


def _most_alike(heard: Sequence[bytes], *, is_known: bool) -> int:
    """How many of them are damaged alike. `is_known`: the meter's check character has been good before."""
    return max((sum(_is_alike(one, other, is_known=is_known) for other in heard) for one in heard), default=0)


def _is_alike(one: bytes, other: bytes, *, is_known: bool) -> bool:
    """The same octets are broken in the same way; without parity nothing tells them, so that all must be equal."""
    if one.isascii() or other.isascii():
        return is_known and one == other
    broken, also = _broken(one), _broken(other)
    # Whole parity and a wrong check are those of a meter that makes its check in another way.
    return bool(broken) and len(broken & also) >= ALIKE_SHARE * len(broken | also)


def _broken(octets: bytes) -> frozenset[tuple[int, int]]:
    return frozenset((place, octet) for place, octet in enumerate(octets) if parity_errors(bytes((octet,))))


def _anded(heard: Sequence[bytes], remembered: str | None) -> int:
    """How many of them are the remembered identification with bits lost, 0 unless that is told by octets enough."""
    if remembered is None:
        return 0
    line = f"{remembered}\r\n".encode("latin-1")
    messages = differing = lost = 0
    for octets in heard:
        expected = line if octets.isascii() else with_even_parity(line)
        if octets[0] != expected[0]:
            continue
        pairs = [(came, due) for came, due in zip(octets, expected, strict=False) if came != due]
        messages += bool(pairs)
        differing += len(pairs)
        lost += sum(came & due == came for came, due in pairs)
    return messages if differing >= TELLING_OCTETS and lost >= LOST_SHARE * differing else 0
