"""The verdict after the confirming read of a slot."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from gateway.errors import MeterError
from gateway.experience import Experience, Remembered
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import ReceivedParity
from gateway.reading import Grounds
from gateway.trust.clock import SHOWS_MINUTES, STEP_AT_LEAST
from gateway.trust.comparison import aligned, disagree
from gateway.trust.growth import Lapse
from gateway.trust.judgement import NEW, verdict_of
from gateway.trust.shape import difference
from gateway.trust.sight import Expected, LineState, Sight
from gateway.trust.trait import Trait, traits_of
from gateway.trust.verdict import Doubt, Oddity, Verdict, Weight

# How far above the fastest mean of a slot a growth is for seconds; times HEADROOM.
SURGE = 5
AGREED, REPLACED, DISAGREED, FAILED = "agreed", "replaced", "disagreed", "failed"


def settle(
    first: Sight,
    told: Verdict,
    second: Sight,
    then: Verdict,
    memory: MeterMemory,
    profile: MeterProfile,
    expected: Expected,
    line: LineState = LineState.SOUND,
) -> Verdict:
    """The final verdict on a slot that was read twice; the second read's values count.

    What both show alike has changed or stays odd, what only the first shows is dismissed, what they contradict each
    other in is suspect.
    """
    traits = {trait.key: trait for trait in traits_of(profile, second.addresses).each}
    lively = _lively(told, then, traits)
    then = evolve(
        then,
        doubts=tuple(doubt for doubt in then.doubts if doubt.register not in lively),
        lesson=evolve(then.lesson, lively=lively),
    )
    shown = {one.key for one in then.doubts} | {doubt.key for doubt in told.doubts if doubt.register in lively}
    seen = _with_growths(memory.experience, then)
    lapse = Lapse(second.heard_at - first.heard_at, second.read_at, second.read_at, seen, expected.fuse_a)
    unlike = dict(_unlike(first, second, profile, lapse, is_strict=False))
    dismissed = [
        doubt for doubt in told.doubts if doubt.asks and doubt.key not in shown and not _is_passing(doubt, unlike)
    ]
    # Where something damages what the line carries, what one read alone shows is not proven.
    is_unsafe = line is LineState.DAMAGED and second.parity is ReceivedParity.STRIPPED
    if is_unsafe or dismissed:
        unlike = dict(_unlike(first, second, profile, lapse, is_strict=True))
    alone = _told_once(told, then, unlike, second.heard_at - first.heard_at)
    doubts = [_settled(doubt, is_borne_out=not (dismissed or alone)) for doubt in then.doubts]
    asked = set() if is_unsafe else {doubt.register for doubt in told.doubts if doubt.asks}
    unsettled = {key: text for key, text in unlike.items() if key not in lively | asked}
    contradicted = [Doubt(Oddity.UNCONFIRMED, text, key) for key, text in unsettled.items()]
    contradicted += _torn(first, told, second, then)
    doubts += contradicted
    doubts += _of_the_block(contradicted, dismissed, alone)
    outcome = DISAGREED if contradicted or alone else REPLACED if dismissed else AGREED
    return verdict_of(doubts, _confirmed(then.grounds, outcome), then.lesson)


def _of_the_block(contradicted: Sequence[Doubt], dismissed: Sequence[Doubt], alone: Sequence[Doubt]) -> Iterator[Doubt]:
    """What is to be said of all of it: damage that shows in one register may have hit another unseen."""
    if contradicted and dismissed:
        yield Doubt(Oddity.UNCONFIRMED, "the first read of this slot was damaged, the second does not agree")
    if alone:
        yield Doubt(Oddity.UNCONFIRMED, f"the confirming read showed what the first did not ({alone[0].text})")
    for doubt in dismissed[:1]:
        yield Doubt(Oddity.DISMISSED, f"the first read of this slot was dismissed ({doubt.text})")


def unconfirmed(told: Verdict, failure: MeterError) -> Verdict:
    """The final verdict where the confirming read has failed: all of the block is suspect."""
    doubts = [_alone(doubt) if doubt.oddity.weight is Weight.CHANGE else doubt for doubt in told.doubts]
    # Damage that was seen in one register may have hit another unseen.
    doubts.append(Doubt(Oddity.UNCONFIRMED, f"the confirming read failed: {failure.what}"))
    return verdict_of(doubts, _confirmed(told.grounds, FAILED), told.lesson)


def _confirmed(grounds: Grounds, outcome: str) -> Grounds:
    return evolve(grounds, confirming=outcome)


def _is_passing(doubt: Doubt, unlike: Mapping[str, str]) -> bool:
    """A load comes or goes between two reads, the voltage with it; a growth is just beyond its limit in one of them."""
    return doubt.oddity is Oddity.LEVEL or (doubt.oddity is Oddity.FASTER and doubt.register not in unlike)


def _with_growths(experience: Experience, then: Verdict) -> Experience:
    """The fastest growths as they may be between the two reads of a slot: for seconds a load is far above its mean."""
    growths = {**experience.peaks}
    for register, an_hour in then.lesson.growths.items():
        growths[register] = max(an_hour, growths.get(register, an_hour))
    return evolve(experience, peaks={register: SURGE * an_hour for register, an_hour in growths.items()})


def _told_once(told: Verdict, then: Verdict, unlike: Mapping[str, str], seconds: float) -> list[Doubt]:
    """What the second read alone shows, as far as it asks for another."""
    before = {one.key: one for one in told.doubts}
    is_one_clock = _is_one_clock(told.lesson.drift_s, then.lesson.drift_s, seconds)
    return [
        one
        for one in then.doubts
        if one.asks
        and not _is_passing(one, unlike)
        and not _is_told_twice(one, before.get(one.key), unlike, is_one_clock=is_one_clock)
    ]


def _is_one_clock(drift: int | None, other: int | None, seconds: float) -> bool:
    """Both reads show a clock that runs on, by whole minutes too, or stands still in the seconds between; or none."""
    if drift is None or other is None:
        return drift is other
    return abs(drift - other) <= STEP_AT_LEAST + max(seconds, SHOWS_MINUTES)


def _is_told_twice(doubt: Doubt, same: Doubt | None, unlike: Mapping[str, str], *, is_one_clock: bool) -> bool:
    """The first read has shown the same.

    A total, or a clock, moves on between two reads of a slot; of shapes and of other meters the whole text has to be
    the same.
    """
    if same is None:
        return False
    match doubt.oddity:
        case Oddity.SHAPE | Oddity.MISSHAPEN | Oddity.SWAP:
            return same.text == doubt.text
        case Oddity.CLOCK_STEP:
            return is_one_clock
        case _:
            return doubt.register not in unlike


def _torn(first: Sight, told: Verdict, second: Sight, then: Verdict) -> Iterator[Doubt]:
    """Two reads of a meter that is met for the first time differ in shape: no older one tells which is damaged."""
    if told.grounds.shape == then.grounds.shape == NEW and first.addresses != second.addresses:
        how = difference(first.addresses, second.addresses)
        yield Doubt(Oddity.UNCONFIRMED, f"the second read of this slot has another shape than the first: {how}")


def _settled(doubt: Doubt, *, is_borne_out: bool) -> Doubt:
    if doubt.oddity is Oddity.BOUND and is_borne_out:
        return evolve(doubt, oddity=Oddity.BEYOND)
    if doubt.oddity.weight is not Weight.CHANGE:
        return doubt
    return _borne_out(doubt) if is_borne_out else _alone(doubt)


def _lively(told: Verdict, then: Verdict, traits: Mapping[str, Trait]) -> frozenset[str]:
    """Registers of unknown meaning that changed once more between the reads of a slot: they change at will."""
    before = {doubt.register: doubt.raw for doubt in told.doubts if doubt.oddity is Oddity.CHANGED}
    return frozenset(
        doubt.register
        for doubt in then.doubts
        if doubt.oddity is Oddity.CHANGED
        and not traits[doubt.register].is_known
        and before.get(doubt.register, doubt.raw) != doubt.raw
    )


def _borne_out(doubt: Doubt) -> Doubt:
    return evolve(doubt, oddity=Oddity.ADOPTED, text=f"{doubt.text} (read twice)", was=doubt.was or doubt.oddity)


def _alone(doubt: Doubt) -> Doubt:
    return evolve(doubt, oddity=Oddity.UNCONFIRMED, text=f"{doubt.text} (not confirmed)", happened=None)


def _unlike(
    first: Sight, second: Sight, profile: MeterProfile, lapse: Lapse, *, is_strict: bool
) -> Iterator[tuple[str, str]]:
    """The registers that both reads give differently, each with what they gave."""
    traits = traits_of(profile, second.addresses)
    before = aligned(Remembered(first.body, first.read_at, parsed=first.sets), profile, traits)
    for trait, one, other in zip(traits.each, before, second.sets, strict=True):
        if one is None:
            if is_strict:
                yield trait.key, f"{trait.key}: in one of two reads alone"
        elif disagree(trait, one, other, lapse, is_strict=is_strict):
            yield trait.key, f"{trait.key}: {')('.join(one.raw)}, then {')('.join(other.raw)} in the same slot"
