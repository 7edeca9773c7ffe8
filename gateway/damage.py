"""The damage that the messages of one line came with lately."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain

from attrs import define, field, frozen

MESSAGES = 32  # of a line: enough to tell a share, few enough to be of now
ANSWERS = 6  # of a meter: two tries of a block that is repeated twice
KEPT_OCTETS = 1024  # of a damaged message: more than most meters say
HIGH_SHARE = 0.3
# A meter of which so much comes damaged has a trouble of its own.
FAILING_SHARE = 2 / 3
TELLING = 3  # fewer damaged messages are no share yet


@frozen
class Answer:
    """One message of a meter that said data or should have; `octets` are those of a damaged one, as they came."""

    is_damaged: bool
    octets: bytes = b""


@define(eq=False)
class LineDamage:
    """Which of the last messages of a line came damaged, by meter; it keeps no more than a few for each.

    What belongs to one failing meter tells nothing of the others' messages: it is left out where these are judged.
    """

    _lately: deque[tuple[str, bool]] = field(init=False, factory=lambda: deque(maxlen=MESSAGES))
    _answers: dict[str, deque[Answer]] = field(init=False, factory=dict)
    _failing: set[str] = field(init=False, factory=set)

    def sound(self, meter: str) -> None:
        """The meter has given what it was asked for."""
        self._note(meter, Answer(is_damaged=False))

    def damaged(self, meter: str, octets: bytes = b"") -> None:
        """A message of the meter could not be taken; `octets` are what came, with their parity."""
        self._note(meter, Answer(is_damaged=True, octets=octets[:KEPT_OCTETS]))

    def answers(self, meter: str) -> Sequence[Answer]:
        """The last ANSWERS messages of a meter, the newest last."""
        return tuple(self._answers.get(meter, ()))

    def is_lately(self, meter: str) -> bool:
        """True where any of the line's last MESSAGES came damaged, those of other, failing meters left out."""
        return any(self._telling(meter))

    def is_high(self, meter: str) -> bool:
        """True where HIGH_SHARE of the same messages or more came damaged, and TELLING at least."""
        telling = self._telling(meter)
        return sum(telling) >= max(TELLING, HIGH_SHARE * len(telling))

    def is_failing(self, meter: str) -> bool:
        """True where FAILING_SHARE of a meter's last answers or more came damaged, and TELLING at least."""
        return meter in self._failing

    def others(self, meter: str) -> tuple[float, int]:
        """The damaged share of the last answers of the line's other meters; the number of those meters."""
        others = [answers for alias, answers in self._answers.items() if alias != meter]
        answers = list(chain.from_iterable(others))
        return _damaged(answers) / max(len(answers), 1), len(others)

    def _note(self, meter: str, answer: Answer) -> None:
        self._lately.append((meter, answer.is_damaged))
        answers = self._answers.setdefault(meter, deque(maxlen=ANSWERS))
        answers.append(answer)
        if _damaged(answers) >= max(TELLING, FAILING_SHARE * len(answers)):
            self._failing.add(meter)
        else:
            self._failing.discard(meter)

    def _telling(self, meter: str) -> list[bool]:
        return [is_damaged for alias, is_damaged in self._lately if alias == meter or alias not in self._failing]


def _damaged(answers: Iterable[Answer]) -> int:
    return sum(answer.is_damaged for answer in answers)
