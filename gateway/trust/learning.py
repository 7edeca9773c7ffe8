"""What a meter's memory takes up of a read that was judged."""

from gateway.experience import Experience, Remembered
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.datablock import DATA_SET_LIMIT
from gateway.trust.comparison import aligned
from gateway.trust.shape import form_of, is_known_form
from gateway.trust.sight import Sight
from gateway.trust.trait import Nature, Traits, traits_of
from gateway.trust.verdict import Oddity, Verdict, Weight

# What keeps a block from being the one that later ones are judged by.
_REFUSED = frozenset({Oddity.UNCONFIRMED, Oddity.UNSYNCED})
_WAYS = frozenset({Oddity.FROZEN, Oddity.SUM, Oddity.RANGE})
# In front of what a single read has shown.
_ONCE = "once: "
_EXCHANGES = frozenset({Oddity.SWAP, Oddity.RESET})


def learn(sight: Sight, verdict: Verdict, memory: MeterMemory, profile: MeterProfile) -> None:
    """Takes up what a read has shown; only what was taken for true becomes the measure of later reads."""
    memory.identification = sight.said.raw
    memory.block_octets = len(sight.body)
    experience = memory.experience
    if any(doubt.oddity is Oddity.UNSYNCED for doubt in verdict.doubts):
        return
    block = Remembered(sight.body, sight.read_at, sight.heard_at, sight.sets)
    odd = {doubt.key for doubt in verdict.doubts if doubt.oddity.weight is Weight.ODD}
    if odd:
        experience.odd, experience.oddities = block, _oddities(odd, verdict, experience)
        return
    if not is_taken(verdict):
        return
    if any(doubt.was in _EXCHANGES for doubt in verdict.doubts) or experience.accepted is None:
        _begin_anew(experience)
    _take(block, sight, verdict, experience, profile)
    memory.framed = sight.framed


def is_taken(verdict: Verdict) -> bool:
    """What a read has shown is taken for true, so that later reads are judged by it."""
    return not any(doubt.oddity in _REFUSED or doubt.oddity.weight is Weight.ODD for doubt in verdict.doubts)


def _oddities(odd: set[str], verdict: Verdict, experience: Experience) -> frozenset[str]:
    """What the next visit may bear out: what two reads of this slot have shown, or one of it with one of the last."""
    if all(doubt.oddity is not Oddity.UNCONFIRMED for doubt in verdict.doubts):
        return frozenset(odd)
    return frozenset(key if f"{_ONCE}{key}" in experience.oddities else f"{_ONCE}{key}" for key in odd)


def _begin_anew(experience: Experience) -> None:
    """Another meter, or the first: nothing of what was known holds."""
    experience.accepted, experience.since, experience.drift_s = None, None, None
    experience.peaks.clear()
    experience.moved.clear()
    experience.forms.clear()
    experience.lively.clear()
    experience.usual.clear()
    experience.changed = frozenset()


def _take(block: Remembered, sight: Sight, verdict: Verdict, experience: Experience, profile: MeterProfile) -> None:
    lesson, traits = verdict.lesson, traits_of(profile, sight.addresses)
    before = experience.accepted
    if before is None:
        totals = (trait.key for trait in traits.each if trait.nature is Nature.TOTAL)
        experience.moved.update(dict.fromkeys(totals, sight.read_at))
    elif sight.layout is None or sight.layout is not experience.layout:
        _take_forms(before, sight, traits, experience, profile)
    experience.moved.update(dict.fromkeys(lesson.growths, sight.read_at))
    for key, peak in (*lesson.growths.items(), *lesson.heights.items()):
        if peak > experience.peaks.get(key, -1):
            experience.peaks[key] = peak
    experience.lively |= lesson.lively | (lesson.changed & experience.changed)
    experience.changed = lesson.changed
    experience.usual |= {f"{doubt.was} {doubt.register}" for doubt in verdict.doubts if doubt.was in _WAYS}
    experience.identity = lesson.identity
    experience.drift_s = lesson.drift_s
    experience.accepted, experience.odd, experience.oddities = block, None, frozenset()
    experience.since = experience.since or sight.read_at
    experience.layout, experience.announced = sight.layout, None
    _forget(experience, {trait.key for trait in traits.each})


def _forget(experience: Experience, printed: set[str]) -> None:
    """What is known of registers that are printed no more is dropped where it is more than a block may hold."""
    for known in (experience.peaks, experience.moved, experience.forms):
        if len(known) > DATA_SET_LIMIT:
            for key in known.keys() - printed:
                del known[key]
    if len(experience.lively) > DATA_SET_LIMIT:
        experience.lively &= printed
    if len(experience.usual) > DATA_SET_LIMIT:
        experience.usual = {way for way in experience.usual if way.partition(" ")[2] in printed}


def _take_forms(
    before: Remembered, sight: Sight, traits: Traits, experience: Experience, profile: MeterProfile
) -> None:
    """A print of another form than the last one's is known from now on, as is that one."""
    pairs = zip(traits.each, aligned(before, profile, traits), sight.sets, strict=True)
    for trait, was, data_set in pairs:
        if was is None or was.raw == data_set.raw or trait.nature is Nature.LIVELY:
            continue
        forms = form_of(was.raw), form_of(data_set.raw)
        known = experience.forms.setdefault(trait.key, []) if forms[0] != forms[1] else ()
        for form in forms:
            if isinstance(known, list) and not is_known_form(form, known):
                known.append(form)
