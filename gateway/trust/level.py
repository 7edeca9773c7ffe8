"""What a momentary value may be, or a maximum."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from gateway.decoders import timestamp
from gateway.errors import DecodeError
from gateway.obis import in_base
from gateway.protocol.datablock import DataSet
from gateway.trust.figure import Figure, figure_of
from gateway.trust.growth import HEADROOM, USUAL_FUSE_A, Lapse
from gateway.trust.trait import Nature, Trait, Traits
from gateway.trust.verdict import Doubt, Oddity

# Base unit: what a momentary value may be; a meter behind transformers shows itself at two visits.
_RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    "V": (Decimal(0), Decimal(500)),
    "Hz": (Decimal(45), Decimal(65)),
    "°C": (Decimal(-50), Decimal(250)),
    "K": (Decimal(-100), Decimal(250)),
    "°": (Decimal(-360), Decimal(360)),
    "m3/h": (Decimal(-100), Decimal(100)),
}
# Base unit: how far from its last value, as a share of it; 0 is always possible, a phase may have failed.
_STEADY = {"V": Decimal("0.1"), "Hz": Decimal("0.02")}
_POWERS = frozenset({"W", "var", "VA"})
_PHASES_VOLTS = 3 * 250
_OVERLOAD = 2  # a fuse carries more than its rating for a while
# A stamp of a maximum may be as old as the period that it ends, an hour, or another season's.
_PERIOD = timedelta(hours=2)
_AHEAD = timedelta(minutes=1)


def level_doubts(trait: Trait, old: Figure | None, new: Figure, data_set: DataSet, lapse: Lapse) -> tuple[Doubt, ...]:
    """What is to be said of a momentary value that has changed: of steady ones a jump, of others an unseen height."""
    base = in_base(new.unit)
    if base is None:
        return ()
    if base[0] in _STEADY:
        was = None if old is None else old.converted(new.unit)
        if was and new.value and abs(new.value - was) > _STEADY[base[0]] * was:
            return (Doubt(Oddity.LEVEL, f"{trait.key}: {new} after {old}", trait.key, ")(".join(data_set.raw)),)
        return ()
    peak = lapse.experience.peaks.get(trait.key)
    if peak is not None and lapse.is_learned and abs(new.value) > HEADROOM * peak / base[1] + new.step:
        text = f"{trait.key}: {new}, higher than ever before"
        return (Doubt(Oddity.LEVEL, text, trait.key, ")(".join(data_set.raw)),)
    return ()


def is_new_maximum(before: DataSet, data_set: DataSet, lapse: Lapse) -> bool:
    """A maximum that has grown, stamped since the last read where it carries a stamp."""
    old, new = figure_of(before), figure_of(data_set)
    if old is None or new is None or old.unit != new.unit or new.value <= old.value:
        return False
    if len(data_set.raw) == 1:
        return len(before.raw) == 1 and new.value <= 2 * old.value
    stamp: datetime | None = None
    with suppress(DecodeError):
        stamp = timestamp(data_set.raw[1])
    if stamp is None or lapse.seconds is None:
        return False
    # The age, since a clock may show the first year of all, or the last.
    age = lapse.shown - stamp.replace(tzinfo=None)
    return -_AHEAD <= age <= timedelta(seconds=lapse.seconds) + _PERIOD


def range_doubts(
    new: Sequence[DataSet], traits: Traits, fuse_a: int | None, usual: set[str], old: Sequence[DataSet | None]
) -> Iterator[Doubt]:
    """Momentary values beyond what their connection, or any, allows; those of `old` were looked at before."""
    for trait, before, data_set in zip(traits.each, old, new, strict=True):
        if before is not None and before.raw == data_set.raw:
            continue
        if trait.nature is not Nature.MOMENTARY and trait.nature is not Nature.MAXIMUM:
            continue
        figure = figure_of(data_set)
        if figure is None or not figure.unit:
            continue
        bounds = _bounds(figure.unit, fuse_a)
        if bounds is not None and not bounds[0] <= figure.value <= bounds[1]:
            text = f"{trait.key}: {figure} is out of range, {bounds[0]:f} to {bounds[1]:f} {figure.unit} is possible"
            doubt = Doubt(Oddity.RANGE, text, trait.key, ")(".join(data_set.raw))
            if doubt.key not in usual:
                yield doubt


@lru_cache(maxsize=256)
def _bounds(unit: str, fuse_a: int | None) -> tuple[Decimal, Decimal] | None:
    base = in_base(unit)
    if base is None:
        return None
    name, factor = base
    amperes = Decimal(_OVERLOAD * (fuse_a or USUAL_FUSE_A))
    if name in _POWERS:
        return -amperes * _PHASES_VOLTS / factor, amperes * _PHASES_VOLTS / factor
    if name == "A":
        return -amperes / factor, amperes / factor
    found = _RANGES.get(name)
    return None if found is None else (found[0] / factor, found[1] / factor)
