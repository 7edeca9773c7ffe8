"""What has changed between two blocks of a meter, register by register."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import reduce
from typing import assert_never

from attrs import define, field

from gateway.experience import Remembered
from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.trust.figure import EXACT, Figure, figure_of
from gateway.trust.growth import Lapse, growth_of, modulus_of
from gateway.trust.level import is_new_maximum, level_doubts
from gateway.trust.trait import Nature, Trait, Traits, traits_of
from gateway.trust.verdict import Doubt, Oddity


@define(eq=False)
class Comparison:
    """The doubts of a block that come of an older one, with what is to be learned of it.

    `growths` are those of totals in base units an hour, `heights` the amounts of momentary values in base units,
    `changed` the constant registers that changed.
    """

    doubts: list[Doubt] = field(factory=list)
    growths: dict[str, Decimal] = field(factory=dict)
    heights: dict[str, Decimal] = field(factory=dict)
    changed: set[str] = field(factory=set)
    is_reset: bool = False


def aligned(block: Remembered, profile: MeterProfile, traits: Traits) -> Sequence[DataSet | None]:
    """The data sets of a remembered block in the places of other traits; None where it does not have the register."""
    own = traits_of(profile, block.addresses)
    if own is traits:
        return block.sets
    found = {trait.key: data_set for trait, data_set in zip(own.each, block.sets, strict=True)}
    return [found.get(trait.key) for trait in traits.each]


def compared(old: Sequence[DataSet | None], new: Sequence[DataSet], traits: Traits, lapse: Lapse) -> Comparison:
    """What has changed since an older block, whose data sets stand in the places of the new ones."""
    comparison = Comparison()
    pairs = [
        (trait, before, data_set)
        for trait, before, data_set in zip(traits.each, old, new, strict=True)
        if before is not None and before.raw != data_set.raw
    ]
    comparison.is_reset = any(trait.nature is Nature.RESET for trait, _, _ in pairs)
    for trait, before, data_set in pairs:
        _compare(comparison, trait, before, data_set, lapse)
    return comparison


def _compare(comparison: Comparison, trait: Trait, before: DataSet, data_set: DataSet, lapse: Lapse) -> None:
    match trait.nature:
        case Nature.CLOCK | Nature.LIVELY:
            pass
        case Nature.TOTAL:
            _compare_totals(comparison, trait, before, data_set, lapse)
        case Nature.MOMENTARY:
            _compare_levels(comparison, trait, before, data_set, lapse)
        case Nature.MAXIMUM:
            if not comparison.is_reset and not is_new_maximum(before, data_set, lapse):
                comparison.doubts.append(_changed(trait, before, ")(".join(data_set.raw)))
        case Nature.STORED | Nature.RESET | Nature.CONSTANT:
            _compare_constants(comparison, trait, before, ")(".join(data_set.raw), lapse)
        case _:
            assert_never(trait.nature)


def _compare_totals(comparison: Comparison, trait: Trait, before: DataSet, data_set: DataSet, lapse: Lapse) -> None:
    raw = ")(".join(data_set.raw)
    old, new = figure_of(before), figure_of(data_set)
    if old is None or new is None:
        comparison.doubts.append(_changed(trait, before, raw))
        return
    growth = growth_of(trait, old, new, raw, lapse)
    comparison.doubts += growth.doubts
    if growth.an_hour is not None:
        comparison.growths[trait.key] = growth.an_hour


def _compare_levels(comparison: Comparison, trait: Trait, before: DataSet, data_set: DataSet, lapse: Lapse) -> None:
    new = figure_of(data_set)
    if new is None:
        comparison.doubts.append(_changed(trait, before, ")(".join(data_set.raw)))
        return
    comparison.heights[trait.key] = abs(new.value) * new.factor
    comparison.doubts += level_doubts(trait, figure_of(before), new, data_set, lapse)


def _compare_constants(comparison: Comparison, trait: Trait, before: DataSet, raw: str, lapse: Lapse) -> None:
    if comparison.is_reset and trait.nature is not Nature.CONSTANT:
        text = f"{trait.key}: {raw} after {')('.join(before.raw)}: a billing reset"
        comparison.doubts.append(Doubt(Oddity.BILLING_RESET, text, trait.key, raw))
    elif trait.key not in lapse.experience.lively:
        comparison.changed.add(trait.key)
        comparison.doubts.append(_changed(trait, before, raw))


def _changed(trait: Trait, before: DataSet, raw: str) -> Doubt:
    return Doubt(Oddity.CHANGED, f"{trait.key}: {raw} after {')('.join(before.raw)}", trait.key, raw)


def sum_doubts(new: Sequence[DataSet], traits: Traits, usual: set[str]) -> Iterator[Doubt]:
    """Totals that the registers of their tariffs do not add up to; nothing tells which of them is wrong.

    A meter cuts or rounds each print: so many tariffs are off by one step of the last place less than there are.
    """
    for total, tariffs in traits.sums:
        trait, whole = traits.each[total], figure_of(new[total])
        parts = [figure_of(new[place]) for place in tariffs]
        figures = [part for part in parts if part is not None]
        if whole is None or len(figures) < len(parts) or any(part.unit != whole.unit for part in figures):
            continue
        steps = {whole.step, *(part.step for part in figures)}
        slack = (len(figures) - (len(steps) == 1)) * max(steps)
        added = reduce(EXACT.add, (part.value for part in figures))
        if abs(added - whole.value) > slack:
            # The total has rolled over before its tariffs do.
            added = EXACT.remainder(added, modulus_of(trait, whole, whole) or Decimal(1))
        if abs(added - whole.value) > slack:
            text = f"{trait.key}: {whole}, its tariffs add up to {added:f}"
            found = [
                Doubt(Oddity.SUM, text, traits.each[place].key, ")(".join(new[place].raw))
                for place in (total, *tariffs)
            ]
            if found[0].key not in usual:
                yield from found


def disagree(trait: Trait, first: DataSet, second: DataSet, lapse: Lapse, *, is_strict: bool) -> bool:
    """Two reads in one slot give a register differently.

    Totals may have grown in the seconds between; momentary values count only where `is_strict`.
    """
    if first.raw == second.raw or trait.key in lapse.experience.lively:
        return False
    match trait.nature:
        case Nature.CLOCK | Nature.LIVELY:
            return False
        case Nature.MOMENTARY:
            return is_strict
        case Nature.TOTAL:
            return not _has_grown(trait, figure_of(first), figure_of(second), lapse)
        case Nature.CONSTANT | Nature.STORED | Nature.RESET | Nature.MAXIMUM:
            return True
        case _:
            assert_never(trait.nature)


def _has_grown(trait: Trait, one: Figure | None, other: Figure | None, lapse: Lapse) -> bool:
    if one is None or other is None or one.unit != other.unit:
        return False
    growth = growth_of(trait, one, other, "", lapse)
    return not any(doubt.oddity is not Oddity.ROLL_OVER for doubt in growth.doubts)
