"""What a total may do from one visit to the next: it grows, no faster than its connection allows (contract.md 5)."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from math import ceil

from attrs import frozen

from gateway.experience import Experience
from gateway.obis import in_base
from gateway.reading import EventKind, duration_text
from gateway.trust.figure import EXACT, Figure
from gateway.trust.trait import Trait
from gateway.trust.verdict import Doubt, Oddity

USUAL_FUSE_A = 100
_PHASES, _VOLTS = 3, 250
# Base units an hour that the connection of any meter allows; a larger one shows itself at two visits.
_LIMITS = {"J": Decimal("3.6e9"), "m3": Decimal(100), "h": Decimal("1.1")}
_HEAT_LIMIT = Decimal(1_000_000)
_ELECTRIC = frozenset({"Wh", "varh", "VAh"})
_ELECTRICITY = 1
# So long the fastest growth of a meter is learned before a faster one is strange.
LEARNING = timedelta(hours=24)
HEADROOM = 2
STILL = timedelta(days=7)
_HOUR = 3600
_SHORTEST = Decimal(60) / _HOUR


@frozen(eq=False, slots=False)
class Lapse:
    """The time between two reads, with what is known of the meter.

    `seconds` is None where the host's clock was put back meanwhile; `until` is the wall time of the later read, `shown`
    what the meter's clock showed then, in local time, where it tells it.
    """

    seconds: float | None
    until: datetime
    shown: datetime
    experience: Experience
    fuse_a: int | None

    @cached_property
    def hours(self) -> Decimal | None:
        """The same in hours, a begun second as a whole one."""
        return None if self.seconds is None else Decimal(ceil(self.seconds)) / _HOUR

    @property
    def is_learned(self) -> bool:
        """True once the meter is known for LEARNING."""
        since = self.experience.since
        return since is not None and self.until - since >= LEARNING


@frozen(eq=False)
class Growth:
    """How a total has changed: its doubts, its growth in base units an hour where that tells how fast it is."""

    doubts: tuple[Doubt, ...] = ()
    an_hour: Decimal | None = None


def growth_of(trait: Trait, old: Figure, new: Figure, raw: str, lapse: Lapse) -> Growth:
    """What is to be said of a total that has changed."""
    before = old.converted(new.unit)
    if before is None:
        text = f"{trait.key}: {new} after {old}: the units do not measure the same"
        return Growth((Doubt(Oddity.BACKWARDS, text, trait.key, raw),))
    grown = new.value - before
    if grown < 0:
        return _fallen(trait, old, before, new, raw, lapse)
    return _grown(trait, grown, old, new, raw, lapse)


def _grown(trait: Trait, grown: Decimal, old: Figure, new: Figure, raw: str, lapse: Lapse) -> Growth:
    hours = lapse.hours
    if hours is None:
        return Growth()
    peaks = lapse.experience.peaks
    # A tariff may at any time meet what the whole meter has met in another.
    highest = max((peaks[key] for key in (trait.key, trait.total) if key in peaks), default=None)
    peak = None if highest is None else highest / new.factor
    # Over less than a minute a single step of the last place would look fast.
    an_hour = grown * new.factor / max(hours, _SHORTEST)
    limit = limit_an_hour(trait, new.unit, lapse.fuse_a)
    if limit is not None and grown > max(limit, HEADROOM * (peak or 0)) * hours + 2 * new.step:
        allowed = f"its connection allows {limit:.4g} {new.unit}/h"
        text = f"{_in_words(trait, grown, old, new, lapse)}, {allowed}"
        return Growth((Doubt(Oddity.TOO_FAST, text, trait.key, raw),), an_hour)
    if is_faster(grown, peak, new.step, lapse):
        text = f"{_in_words(trait, grown, old, new, lapse)}, faster than ever before"
        return Growth((Doubt(Oddity.FASTER, text, trait.key, raw),), an_hour)
    return Growth((), an_hour)


def _in_words(trait: Trait, grown: Decimal, old: Figure, new: Figure, lapse: Lapse) -> str:
    return f"{trait.key}: {new} after {old}: {grown:f} {new.unit} in {duration_text(lapse.seconds or 0)}"


def is_faster(grown: Decimal, peak: Decimal | None, step: Decimal, lapse: Lapse) -> bool:
    """A growth beyond twice the fastest that was seen, once the meter is known for a day."""
    hours = lapse.hours
    if hours is None or not lapse.is_learned:
        return False
    if not peak:
        return grown > 0
    return grown > HEADROOM * peak * hours + step


def limit_an_hour(trait: Trait, unit: str, fuse_a: int | None) -> Decimal | None:
    """The most that the connection allows, in that unit an hour; None where nothing is known of it."""
    return _limit(unit, fuse_a, is_electric=trait.obis is not None and trait.obis.a == _ELECTRICITY)


@lru_cache(maxsize=256)
def _limit(unit: str, fuse_a: int | None, *, is_electric: bool) -> Decimal | None:
    base = in_base(unit)
    if base is None:
        return None
    name, factor = base
    if name in _ELECTRIC:
        watts = Decimal(_PHASES * _VOLTS * (fuse_a or USUAL_FUSE_A))
        return (watts if is_electric else max(watts, _HEAT_LIMIT)) / factor
    limit = _LIMITS.get(name)
    return None if limit is None else limit / factor


def _fallen(trait: Trait, old: Figure, before: Decimal, new: Figure, raw: str, lapse: Lapse) -> Growth:
    if modulus := modulus_of(trait, old, new):
        grown = EXACT.subtract(EXACT.add(new.value, modulus), before)
        rolled = _grown(trait, grown, old, new, raw, lapse)
        is_near = before >= modulus - modulus / 10 and new.value <= modulus / 10
        if is_near and not any(doubt.oddity is Oddity.TOO_FAST for doubt in rolled.doubts):
            text = f"{trait.key}: {new} after {old}: it rolled over at {modulus:f}, {grown:f} {new.unit} on".rstrip()
            return Growth((Doubt(Oddity.ROLL_OVER, text, trait.key, raw, EventKind.ROLLED_OVER),), rolled.an_hour)
    if new.value == 0:
        text = f"{trait.key}: 0 after {old}: a zero glitch, unless the meter was exchanged"
        return Growth((Doubt(Oddity.ZERO, text, trait.key, raw),))
    text = f"{trait.key}: {new} after {old}: it ran backwards"
    return Growth((Doubt(Oddity.BACKWARDS, text, trait.key, raw),))


def modulus_of(trait: Trait, old: Figure, new: Figure) -> Decimal | None:
    """Where the register begins anew: by the profile, else by the width that both prints share (contract.md 5)."""
    if trait.rollover_width is not None:
        return Decimal(10) ** trait.rollover_width
    if old.unit != new.unit or old.whole_digits != new.whole_digits or old.step != new.step:
        return None
    return Decimal(10) ** new.whole_digits
