"""What stands still in a meter: its whole block, a total under load, a total for days."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from gateway.protocol.datablock import DataSet
from gateway.reading import duration_text
from gateway.trust.figure import figure_of
from gateway.trust.growth import STILL, Lapse
from gateway.trust.sight import Sight
from gateway.trust.trait import Traits
from gateway.trust.verdict import Doubt, Oddity

_FROZEN_S = 120.0  # a clock that shows the same time again after so long stands still
_FROZEN_AFTER = timedelta(hours=1)
_FROZEN_STEPS = 5  # steps of the last place that the power printed would have made since the last read


def standstill_doubts(sight: Sight, old: Sequence[DataSet | None], traits: Traits, lapse: Lapse) -> Iterator[Doubt]:
    """What has not changed since the last block, whose data sets stand in `old`, though it should have."""
    experience, accepted = lapse.experience, lapse.experience.accepted
    seconds = lapse.seconds or 0.0
    if accepted is not None and sight.body == accepted.body and traits.shows_time and seconds >= _FROZEN_S:
        yield Doubt(
            Oddity.FROZEN, f"frozen: the block of {duration_text(seconds)} ago came again, its clock stands still"
        )
        return
    powers = dict(traits.imports)
    for place in traits.totals:
        trait, before = traits.each[place], old[place]
        moved = experience.moved.get(trait.key)
        if moved is None or before is None or before.raw != sight.sets[place].raw:
            continue
        stood = sight.read_at - moved
        raw = ")(".join(sight.sets[place].raw)
        drawn = [old[powers[place]], sight.sets[powers[place]]] if place in powers else []
        if stood >= _FROZEN_AFTER and drawn and _should_have_moved(sight.sets[place], drawn, lapse):
            text = f"{trait.key}: frozen at {raw} for {duration_text(stood.total_seconds())} while power is drawn"
            yield Doubt(Oddity.FROZEN, text, trait.key, raw)
        elif stood >= STILL:
            text = f"{trait.key}: has stood still for {duration_text(stood.total_seconds())}"
            yield Doubt(Oddity.STILL, text, trait.key, raw)


def _should_have_moved(total: DataSet, drawn: Sequence[DataSet | None], lapse: Lapse) -> bool:
    """The least power that was printed, now or at the last read, would have moved the total in between."""
    energy = figure_of(total)
    powers = [None if one is None else figure_of(one) for one in drawn]
    if energy is None or lapse.hours is None or not energy.unit.endswith("h"):
        return False
    amounts = [None if power is None else power.converted(energy.unit.removesuffix("h")) for power in powers]
    least = min((Decimal() if amount is None else amount for amount in amounts), default=Decimal())
    return least * lapse.hours >= _FROZEN_STEPS * energy.step
