"""The verdict on a readout, with every doubt that led to it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum, StrEnum

from attrs import field, frozen

from gateway.reading import EventKind, Grounds, Layer, Quality


class Weight(Enum):
    """What a doubt does to a readout.

    NOTE: it is told. FLAG: what it is about is suspect. CHANGE: it asks for a confirming read; what that shows too is
    true. ODD: it asks for one too; what stays so is suspect, until the next visit bears it out.
    """

    NOTE = "note"
    FLAG = "flag"
    CHANGE = "change"
    ODD = "odd"


class Oddity(StrEnum):
    """What can be strange about a readout."""

    PARITY_STRIPPED = "parity stripped"
    CHECK_MISSING = "check missing"
    UNCLEAN = "unclean"
    SHAPE = "shape"
    MISSHAPEN = "misshapen"
    IDENTITY_MISSING = "identity missing"
    IDENTIFICATION = "identification"
    SWAP = "swap"
    BACKWARDS = "backwards"
    RESET = "reset"
    TOO_FAST = "too fast"
    FASTER = "faster"
    LEVEL = "level"
    ROLL_OVER = "roll-over"
    ZERO = "zero"
    FROZEN = "frozen"
    STILL = "still"
    SUM = "sum"
    RANGE = "range"
    BOUND = "bound"
    BEYOND = "beyond"
    CHANGED = "changed"
    BILLING_RESET = "billing reset"
    STAMP = "stamp"
    CLOCK_STEP = "clock step"
    CLOCK_WRONG = "clock wrong"
    GAP = "gap"
    UNSYNCED = "unsynced"
    UNUSUAL = "unusual"
    UNVOUCHED = "unvouched"
    ADOPTED = "adopted"
    DISMISSED = "dismissed"
    UNCONFIRMED = "unconfirmed"

    @property
    def layer(self) -> Layer:
        """The layer of trust that it belongs to."""
        return _LAYERS.get(self, Layer.PLAUSIBILITY)

    @property
    def weight(self) -> Weight:
        """What it does to a readout."""
        return _WEIGHTS[self]


_LAYERS = {
    Oddity.PARITY_STRIPPED: Layer.PARITY,
    Oddity.CHECK_MISSING: Layer.CHECK,
    Oddity.UNCLEAN: Layer.GRAMMAR,
    Oddity.SHAPE: Layer.SHAPE,
    Oddity.MISSHAPEN: Layer.SHAPE,
    Oddity.IDENTITY_MISSING: Layer.IDENTITY,
    Oddity.IDENTIFICATION: Layer.IDENTITY,
    Oddity.UNVOUCHED: Layer.IDENTITY,
    Oddity.SWAP: Layer.IDENTITY,
}

_WEIGHTS = {
    Oddity.PARITY_STRIPPED: Weight.NOTE,
    Oddity.CHECK_MISSING: Weight.ODD,
    Oddity.UNCLEAN: Weight.ODD,
    Oddity.SHAPE: Weight.CHANGE,
    Oddity.MISSHAPEN: Weight.ODD,
    Oddity.IDENTITY_MISSING: Weight.NOTE,
    Oddity.IDENTIFICATION: Weight.NOTE,
    Oddity.UNVOUCHED: Weight.ODD,
    Oddity.UNUSUAL: Weight.CHANGE,
    Oddity.SWAP: Weight.CHANGE,
    Oddity.BACKWARDS: Weight.ODD,
    Oddity.RESET: Weight.ODD,
    Oddity.TOO_FAST: Weight.ODD,
    Oddity.FASTER: Weight.CHANGE,
    Oddity.LEVEL: Weight.CHANGE,
    Oddity.ROLL_OVER: Weight.CHANGE,
    Oddity.ZERO: Weight.ODD,
    Oddity.FROZEN: Weight.FLAG,
    Oddity.STILL: Weight.NOTE,
    Oddity.SUM: Weight.ODD,
    Oddity.RANGE: Weight.ODD,
    Oddity.BOUND: Weight.ODD,
    Oddity.BEYOND: Weight.FLAG,
    Oddity.CHANGED: Weight.CHANGE,
    Oddity.BILLING_RESET: Weight.CHANGE,
    Oddity.STAMP: Weight.FLAG,
    Oddity.CLOCK_STEP: Weight.CHANGE,
    Oddity.CLOCK_WRONG: Weight.NOTE,
    Oddity.GAP: Weight.NOTE,
    Oddity.UNSYNCED: Weight.FLAG,
    Oddity.ADOPTED: Weight.NOTE,
    Oddity.DISMISSED: Weight.NOTE,
    Oddity.UNCONFIRMED: Weight.FLAG,
}


@frozen
class Doubt:
    """One strange thing about a readout, told in `text`; `register` is its address as printed, "" the whole block.

    `raw` is the print it is about. `happened` is what has happened to the meter if the doubt is borne out. `was` is the
    oddity of a doubt that was borne out at the next visit.
    """

    oddity: Oddity
    text: str
    register: str = ""
    raw: str = ""
    happened: EventKind | None = None
    was: Oddity | None = None

    @property
    def key(self) -> str:
        """What makes it the same doubt another time."""
        return f"{self.oddity} {self.register}".rstrip()

    @property
    def asks(self) -> bool:
        """True where a confirming read is wanted."""
        return self.oddity.weight in (Weight.CHANGE, Weight.ODD)


@frozen
class Lesson:
    """What there is to learn of a read once it is taken for true.

    `growths` are those of totals in base units an hour, `heights` the amounts of momentary values in base units,
    `changed` the constant registers that changed, `lively` those that were seen to change at will. `drift_s` is how far
    the meter's clock is ahead, `identity` the number it is known by.
    """

    growths: Mapping[str, Decimal] = field(factory=dict)
    heights: Mapping[str, Decimal] = field(factory=dict)
    changed: frozenset[str] = frozenset()
    drift_s: int | None = None
    identity: str | None = None
    lively: frozenset[str] = frozenset()


@frozen
class Verdict:
    """What is held of a readout: its quality, with every doubt; `confirm` asks for a second read in the same slot.

    `lesson` is what there is to learn of it.
    """

    quality: Quality
    grounds: Grounds
    doubts: tuple[Doubt, ...] = ()
    confirm: bool = False
    lesson: Lesson = Lesson()

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is worth telling, in words."""
        return tuple(doubt.text for doubt in self.doubts)

    @property
    def reason(self) -> str | None:
        """All reasons as one text; None where there is nothing to tell."""
        return "; ".join(self.reasons) or None


def quality_of(doubts: Iterable[Doubt]) -> Quality:
    """Suspect where a doubt is more than a note."""
    is_suspect = any(doubt.oddity.weight is not Weight.NOTE for doubt in doubts)
    return Quality.SUSPECT if is_suspect else Quality.GOOD
