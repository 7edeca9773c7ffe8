"""The judgement of one read of a meter, layer by layer, by what is remembered of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from attrs import evolve, frozen

from gateway.experience import Experience, Remembered
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Identification
from gateway.reading import EventKind, Grounds, Remark, duration_text
from gateway.trust.bounds import bound_doubts
from gateway.trust.clock import clock_doubts, stamp_doubts
from gateway.trust.comparison import Comparison, aligned, compared, sum_doubts
from gateway.trust.figure import figure_of
from gateway.trust.growth import Lapse
from gateway.trust.identity import is_identified, number_of
from gateway.trust.level import range_doubts
from gateway.trust.shape import grammar_doubts, shape_doubts, shaped_otherwise
from gateway.trust.sight import Expected, LineState, Sight
from gateway.trust.standstill import standstill_doubts
from gateway.trust.trait import Nature, Traits, traits_of
from gateway.trust.verdict import Doubt, Lesson, Oddity, Verdict, Weight, quality_of

NEW = "new"  # nothing is known to compare the shape with
_KNOWN, _CHANGED = "known", "changed"
_PRINTED, _NOT_PRINTED, _NOT_ASKED = "printed", "not printed", "not asked"
_GAP = 2.5  # due slots: so long after its last block a reading is told to follow a gap
_FALLING = frozenset({Oddity.BACKWARDS, Oddity.ZERO})
# Zero again is the glitch going on; what the site rules out is so at every visit.
_NEVER_TRUE = frozenset({Oddity.ZERO, Oddity.BOUND})


def judge(
    sight: Sight,
    memory: MeterMemory,
    profile: MeterProfile,
    expected: Expected,
    line: LineState = LineState.SOUND,
) -> Verdict:
    """What a read is worth, by what came and by what is remembered of the meter; nothing is learned of it yet.

    Raises WrongMeter (E-READ-8) where identity registers are printed and none is the serial number.
    """
    traits, experience = traits_of(profile, sight.addresses), memory.experience
    is_printed = is_identified(sight.sets, profile, expected.serial, is_pushed=sight.is_pushed)
    swap = _swap(sight, memory, profile, expected)
    if swap is not None or experience.accepted is None:
        findings = _met_first(sight, traits, profile, expected)
    else:
        findings = _met_again(sight, experience.accepted, experience, traits, profile, expected)
    doubts = [*_transport_doubts(sight, memory, expected), *([] if swap is None else [swap]), *findings.doubts]
    if swap is None:
        doubts = _second_sighting(doubts, sight, traits, profile, experience, expected)
    doubts += _identity_doubts(sight.said, memory, expected.serial, is_printed=is_printed, is_swap=swap is not None)
    if not sight.is_synced:
        text = f"unsynced: the host's clock was not set, it showed {sight.read_at:%Y-%m-%d %H:%M} UTC"
        doubts.append(Doubt(Oddity.UNSYNCED, text))
    grounds = Grounds(
        sight.parity.value, sight.check, findings.shape, _identity_word(expected.serial, is_printed=is_printed)
    )
    comparison, number = findings.comparison, number_of(sight, profile, expected)
    lesson = Lesson(comparison.growths, comparison.heights, frozenset(comparison.changed), findings.drift_s, number)
    asks = any(doubt.asks for doubt in doubts) or _is_unproven(sight, experience, expected, line)
    return verdict_of(doubts, grounds, lesson, confirm=asks)


@frozen(eq=False)
class _Findings:
    """What a block shows beside what is remembered."""

    shape: str
    doubts: Sequence[Doubt]
    comparison: Comparison
    drift_s: int | None


def _met_first(sight: Sight, traits: Traits, profile: MeterProfile, expected: Expected) -> _Findings:
    """What a meter shows of which nothing is known: strange ways may be its own, if it shows them twice."""
    nothing = [None] * len(sight.sets)
    out_of_range = range_doubts(sight.sets, traits, expected.fuse_a, set(), nothing)
    ways = (*out_of_range, *sum_doubts(sight.sets, traits, set()))
    doubts = [
        *grammar_doubts(traits.named(sight.sets)),
        *(evolve(doubt, oddity=Oddity.UNUSUAL, was=doubt.oddity) for doubt in ways),
        *bound_doubts(sight, profile, expected, ()),
    ]
    drift = None
    if sight.is_synced:
        meter_time = profile.meter_time(traits.clocks_in(sight.sets))
        drift, clock_found = clock_doubts(meter_time, sight.read_at, expected.zone, Experience())
        doubts += [*clock_found, *stamp_doubts(traits.named(sight.sets), sight.read_at, expected.zone, drift)]
    return _Findings(NEW, doubts, Comparison(), drift)


def _met_again(
    sight: Sight,
    accepted: Remembered,
    experience: Experience,
    traits: Traits,
    profile: MeterProfile,
    expected: Expected,
) -> _Findings:
    """What is strange beside the last block that was taken for true."""
    old, meter_time = aligned(accepted, profile, traits), profile.meter_time(traits.clocks_in(sight.sets))
    lapse = _lapse(sight, accepted, experience, expected, meter_time)
    comparison = compared(old, sight.sets, traits, lapse)
    shape, doubts = _shape(sight, accepted, old, traits, lapse.experience, is_reset=comparison.is_reset)
    before = profile.interpret(accepted.sets, expected.signals, expected.decoders) if expected.signals else ()
    doubts += bound_doubts(sight, profile, expected, before)
    doubts += _against_the_last(sight, old, traits, comparison, lapse, expected)
    drift = None
    if sight.is_synced:
        drift, clock_found = clock_doubts(meter_time, sight.read_at, expected.zone, experience, sight.heard_at)
        doubts += clock_found
        if comparison.doubts or comparison.is_reset:
            doubts += stamp_doubts(traits.named(sight.sets), sight.read_at, expected.zone, experience.drift_s)
        doubts += standstill_doubts(sight, old, traits, lapse)
    return _Findings(shape, doubts, comparison, drift)


def identified(
    sets: Sequence[DataSet],
    said: Identification,
    profile: MeterProfile,
    memory: MeterMemory,
    serial: str,
) -> Verdict:
    """What single registers are worth, by whose they are alone.

    Raises WrongMeter (E-READ-8).
    """
    is_printed = is_identified(sets, profile, serial, is_pushed=False)
    doubts = list(_identity_doubts(said, memory, serial, is_printed=is_printed))
    return verdict_of(doubts, Grounds("", "", "", _identity_word(serial, is_printed=is_printed)), Lesson())


def verdict_of(doubts: Sequence[Doubt], grounds: Grounds, lesson: Lesson, *, confirm: bool = False) -> Verdict:
    """The verdict that doubts lead to."""
    remarks = tuple([Remark(doubt.oddity.layer, doubt.register, doubt.text) for doubt in doubts])
    told = evolve(grounds, remarks=remarks) if remarks else grounds
    return Verdict(quality_of(doubts), told, tuple(doubts), confirm, lesson)


def _transport_doubts(sight: Sight, memory: MeterMemory, expected: Expected) -> Iterator[Doubt]:
    is_stripped = sight.parity is ReceivedParity.STRIPPED and not sight.is_pushed
    if is_stripped and expected.is_lasting and memory.experience.accepted is None:
        yield Doubt(Oddity.PARITY_STRIPPED, "parity was stripped on the way: the other layers are tightened")
    if memory.framed and not sight.framed:
        text = "the block came without check character, this meter's last one had one"
        yield Doubt(Oddity.CHECK_MISSING, text)


def _swap(sight: Sight, memory: MeterMemory, profile: MeterProfile, expected: Expected) -> Doubt | None:
    """Another meter than the one that was known, by its number or because a person has told of it."""
    experience = memory.experience
    number = number_of(sight, profile, expected)
    if experience.announced is not None:
        text = f"the meter was exchanged, as told at {experience.announced.at:%Y-%m-%d %H:%M} UTC"
    elif experience.identity is not None and number is not None and not _is_same(profile, number, experience.identity):
        text = f"the meter was exchanged: number {number} after {experience.identity}"
    else:
        return None
    return Doubt(Oddity.SWAP, text, happened=EventKind.METER_SWAPPED)


def _is_same(profile: MeterProfile, number: str, other: str) -> bool:
    return profile.address.is_same(number, other)


def _shape(
    sight: Sight,
    accepted: Remembered,
    old: Sequence[DataSet | None],
    traits: Traits,
    experience: Experience,
    *,
    is_reset: bool,
) -> tuple[str, list[Doubt]]:
    if sight.layout is not None and sight.layout is experience.layout:
        return _KNOWN, []
    found = list(shape_doubts(accepted, old, sight.sets, traits.each, experience, is_reset=is_reset))
    if found:
        found += grammar_doubts(traits.named(sight.sets))
    return (_CHANGED if found else _KNOWN), found


def _lapse(
    sight: Sight, before: Remembered, experience: Experience, expected: Expected, meter_time: datetime | None
) -> Lapse:
    seconds = before.seconds_until(sight.read_at, sight.heard_at)
    shown = meter_time or sight.read_at.astimezone(expected.zone)
    return Lapse(
        None if seconds < 0 else seconds, sight.read_at, shown.replace(tzinfo=None), experience, expected.fuse_a
    )


def _against_the_last(
    sight: Sight,
    old: Sequence[DataSet | None],
    traits: Traits,
    comparison: Comparison,
    lapse: Lapse,
    expected: Expected,
) -> Iterator[Doubt]:
    """What is implausible beside the last block that was taken for true."""
    experience = lapse.experience
    yield from _falls(sight, traits, comparison)
    yield from range_doubts(sight.sets, traits, expected.fuse_a, experience.usual, old)
    yield from sum_doubts(sight.sets, traits, experience.usual)
    if lapse.seconds is not None and lapse.seconds > _GAP * expected.period_s:
        yield Doubt(Oddity.GAP, f"the reading before it is {duration_text(lapse.seconds)} old")


def _falls(sight: Sight, traits: Traits, comparison: Comparison) -> Iterator[Doubt]:
    """The doubts of a comparison; where every total fell, the meter may be another one."""
    fallen = {doubt.register for doubt in comparison.doubts if doubt.oddity in _FALLING}
    if not fallen:
        yield from comparison.doubts
        return
    totals = {
        trait.key: figure.value
        for trait, data_set in zip(traits.each, sight.sets, strict=True)
        if trait.nature is Nature.TOTAL and (figure := figure_of(data_set)) is not None
    }
    if not any(totals.values()) or any(value and key not in fallen for key, value in totals.items()):
        yield from comparison.doubts
        return
    yield from (doubt for doubt in comparison.doubts if doubt.oddity not in _FALLING)
    for doubt in comparison.doubts:
        if doubt.oddity in _FALLING:
            text = f"{doubt.text}, as all totals did: the meter was exchanged or reset"
            yield evolve(doubt, oddity=Oddity.RESET, text=text, happened=EventKind.METER_SWAPPED)


def _identity_doubts(
    said: Identification, memory: MeterMemory, serial: str, *, is_printed: bool, is_swap: bool = False
) -> Iterator[Doubt]:
    if serial and not is_printed:
        yield Doubt(Oddity.IDENTITY_MISSING, "identity not printed")
    if is_swap or memory.identification in (None, said.raw):
        return
    text = f"identification changed from {memory.identification} to {said.raw}"
    # Without a printed number nothing else vouches that this is still the same meter.
    yield Doubt(Oddity.IDENTIFICATION if is_printed else Oddity.UNVOUCHED, text)


def _identity_word(serial: str, *, is_printed: bool) -> str:
    if not serial:
        return _NOT_ASKED
    return _PRINTED if is_printed else _NOT_PRINTED


def _is_unproven(sight: Sight, experience: Experience, expected: Expected, line: LineState) -> bool:
    """No layer but plausibility has seen to the octets, or the line damages what it carries."""
    if sight.is_pushed and sight.check == "crc16":
        return False
    is_stripped = sight.parity is ReceivedParity.STRIPPED
    is_beginning = expected.is_lasting and experience.accepted is None
    return line is LineState.DAMAGED or (is_stripped and (not sight.framed or is_beginning))


def _second_sighting(
    doubts: list[Doubt],
    sight: Sight,
    traits: Traits,
    profile: MeterProfile,
    experience: Experience,
    expected: Expected,
) -> list[Doubt]:
    """What was odd at the visit before, was read twice then, and goes on from there now is true."""
    odd = experience.odd
    asked = [doubt for doubt in doubts if doubt.oddity.weight is Weight.ODD]
    if odd is None or not asked:
        return doubts
    lapse = _lapse(sight, odd, experience, expected, profile.meter_time(traits.clocks_in(sight.sets)))
    old = aligned(odd, profile, traits)
    again, other = compared(old, sight.sets, traits, lapse), shaped_otherwise(odd, old, sight.sets, traits.each)
    unlike = {doubt.register for doubt in again.doubts if doubt.oddity.weight is Weight.ODD and not _is_fast(doubt)}
    return [_adopted(doubt, experience, other if doubt.oddity is Oddity.MISSHAPEN else unlike) for doubt in doubts]


def _adopted(doubt: Doubt, experience: Experience, unlike: Iterable[str]) -> Doubt:
    is_odd = doubt.oddity.weight is Weight.ODD
    if not is_odd or doubt.oddity in _NEVER_TRUE or doubt.register in unlike or doubt.key not in experience.oddities:
        return doubt
    happened = doubt.happened
    if doubt.oddity is Oddity.BACKWARDS:
        happened = EventKind.LEVEL_ADOPTED
    text = f"{doubt.text}; so it was at the visit before, from now on it is taken for true"
    return evolve(doubt, oddity=Oddity.ADOPTED, text=text, happened=happened, was=doubt.oddity)


def _is_fast(doubt: Doubt) -> bool:
    return doubt.oddity is Oddity.TOO_FAST
