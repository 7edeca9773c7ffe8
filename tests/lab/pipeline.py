"""Damaged transmissions through the whole pipeline, counted layer by layer."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import lru_cache

from attrs import define, field, frozen

from gateway.errors import Garbled, MeterError, WrongMeter
from gateway.memory import MeterMemory
from gateway.profile import GENERIC, MeterProfile, shipped_profiles
from gateway.protocol.characters import ReceivedParity, judge_parity, without_parity
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.law import Role, State
from gateway.protocol.messages import DataBlock, Identification
from gateway.protocol.session import Session
from gateway.reading import Layer, Quality, Reading, Value
from gateway.trust import Doubt, Expected, LineState, Sight, Verdict, Weight, judge, learn, settle, unconfirmed
from gateway.trust.trait import traits_of
from tests.lab.noise import MODELS, Noise, Sent
from tests.lab.reference import QUARTER, START, ZONE, Household, Print

BATCH = 500
SAID = Identification("XMP", "5", "VERBA-3.1")
LEARNED = 150  # quarters of an hour
METERS = 3  # of each print
CONFIRMED_AFTER = 12  # seconds from a read to the confirming one
EXAMPLES = 6
REFUSED = Garbled("E-READ-6", "the block check did not fit")


class Lane(StrEnum):
    """Whether the octets reach the gateway with their parity."""

    PARITY = "with parity"
    STRIPPED = "parity stripped"


class Stage(IntEnum):
    """How far a damaged transmission has come."""

    DAMAGED = 0
    PARITY = 1
    CHECK = 2
    GRAMMAR = 3
    SHAPE = 4
    SINGLE = 5
    WORST = 6  # confirmed by a read that is surely damaged too
    CONFIRMED = 7  # by one that is damaged as often as not


# The first stage that what this layer sees does not reach.
_STAGES = {
    Layer.PARITY: Stage.PARITY,
    Layer.CHECK: Stage.CHECK,
    Layer.GRAMMAR: Stage.GRAMMAR,
    Layer.SHAPE: Stage.SHAPE,
    Layer.IDENTITY: Stage.SINGLE,
    Layer.PLAUSIBILITY: Stage.SINGLE,
}


@define
class Tally:
    """How many transmissions have reached each stage; `examples` are values that passed for true and are not."""

    reached: Counter[Stage] = field(factory=Counter)
    examples: dict[Stage, list[str]] = field(factory=dict)

    def tell(self, stage: Stage, text: str) -> None:
        """Keeps the first few of such values."""
        told = self.examples.setdefault(stage, [])
        if len(told) < EXAMPLES:
            told.append(text)

    def add(self, other: "Tally") -> None:
        """Takes in what was counted elsewhere."""
        self.reached += other.reached
        for stage, texts in other.examples.items():
            for text in texts:
                self.tell(stage, text)

    def rate(self, stage: Stage) -> float:
        """The share of the damaged transmissions that reached a stage."""
        return self.reached[stage] / self.reached[Stage.DAMAGED]


@frozen(eq=False)
class Scene:
    """A meter that has been read for days, with the next transmission and the one that confirms it."""

    memory: MeterMemory
    expected: Expected
    first: Sent
    second: Sent


@lru_cache(maxsize=1)
def generic() -> MeterProfile:
    return next(profile for profile in shipped_profiles() if profile.id == GENERIC)


@lru_cache(maxsize=8)
def scenes(prints: tuple[Print, ...]) -> tuple[Scene, ...]:
    """Meters of these prints, one print after the other."""
    return tuple(scene_of(shown, number) for number in range(METERS) for shown in prints)


def scene_of(shown: Print, number: int) -> Scene:
    """One meter, read every quarter of an hour until some hour of the day."""
    chance = random.Random(f"{shown.value} {number}")  # noqa: S311 - a test's choice, no secret
    meter = Household(shown, chance)
    memory, expected = MeterMemory(), Expected(meter.serial, ZONE, fuse_a=35)
    for _ in range(LEARNED + 25 * number):
        meter.live(QUARTER)
        sent = sent_by(meter)
        sets = memory.blocks.sets(sent.body)
        sight = Sight(
            SAID,
            sets,
            sent.body,
            framed=True,
            check="xor",
            parity=ReceivedParity.PRESENT,
            read_at=sent.read_at,
            heard_at=sent.heard_at,
            layout=memory.blocks.layout,
        )
        learn(sight, judge(sight, memory, generic(), expected), memory, generic())
    meter.live(QUARTER)
    first = sent_by(meter)
    meter.live(CONFIRMED_AFTER)
    return Scene(memory, expected, first, sent_by(meter))


def sent_by(meter: Household) -> Sent:
    return Sent(meter.body(), meter.now, (meter.now - START) / timedelta(seconds=1))


class Ear:
    """The reader's side of a session that awaits a readout, again and again."""

    def __init__(self) -> None:
        self.session = Session(Role.READER)

    def hear(self, octets: bytes, scene: Scene, sent: Sent) -> Sight | None:
        """What is made of octets with a silence after them; None where they are refused."""
        session = self.session
        session.forget()
        session.state, session.layout = State.READOUT, scene.memory.blocks.layout
        try:
            message = session.hear(octets) or session.quiet()
            if not isinstance(message, DataBlock):
                return None
            layout = message.layout
            sets = parse_block(message.body) if layout is None else layout.sets(message.body)
        except MeterError:
            return None
        return Sight(
            SAID, sets, message.body, message.framed, "xor", session.parity, sent.read_at, sent.heard_at, layout
        )


@define
class Bench:
    """One lane of one model."""

    lane: Lane
    noise: Noise
    tally: Tally = field(factory=Tally)
    _ear: Ear = field(factory=Ear)

    def try_out(self, scene: Scene, octets: bytes, origin: str) -> None:
        """Follows one transmission until a layer sees its damage, or none does; `origin` seeds its confirming read."""
        sent, reached = scene.first, self.tally.reached
        if octets == (sent.octets if self.lane is Lane.PARITY else sent.stripped):
            return
        reached[Stage.DAMAGED] += 1
        sight = self._ear.hear(octets, scene, sent)
        if sight is None:
            if judge_parity(octets) is not ReceivedParity.BROKEN:
                reached[Stage.PARITY] += 1
            return
        if sight.sets == sent.sets:
            # Nothing but a line end or the like was damaged: all values are true.
            return
        try:
            told = judge(sight, scene.memory, generic(), scene.expected)
        except WrongMeter:
            last = Stage.SHAPE
        else:
            last = self._last_stage(scene, sight, told)
            self._confirm(scene, sight, told, origin)
        for stage in range(Stage.PARITY, last + 1):
            reached[Stage(stage)] += 1

    def _last_stage(self, scene: Scene, sight: Sight, verdict: Verdict) -> Stage:
        """The last stage that a single read reaches."""
        if not verdict.confirm and wrong_values(sight.sets, scene.first.sets, verdict):
            self.tally.tell(Stage.SINGLE, told_of(sight.sets, scene.first.sets))
            return Stage.SINGLE
        return Stage(min((_STAGES[doubt.oddity.layer] for doubt in weighty(verdict)), default=Stage.SINGLE) - 1)

    def _confirm(self, scene: Scene, first: Sight, told: Verdict, origin: str) -> None:
        """Counts a wrong value that is taken for true although each read of the line is confirmed."""
        memory, expected, line = scene.memory, scene.expected, LineState.DAMAGED
        chance = random.Random(origin)  # noqa: S311 - a test's choice, no secret
        sent, octets = scene.second, self.noise(scene.second, chance)
        second = self._ear.hear(octets if self.lane is Lane.PARITY else without_parity(octets), scene, sent)
        if second is None:
            final, kept, truth = unconfirmed(told, REFUSED), first.sets, scene.first.sets
        else:
            try:
                then = judge(second, memory, generic(), expected, line)
            except WrongMeter:
                return
            final = settle(first, told, second, then, memory, generic(), expected, line)
            kept, truth = second.sets, sent.sets
        wrong = wrong_values(kept, truth, final)
        if wrong:
            self.tally.reached[Stage.WORST] += 1
            # Half of the confirming reads are clean, and a clean one brings true values.
            self.tally.reached[Stage.CONFIRMED] += chance.random() < 0.5
            after = "nothing" if second is None else told_of(second.sets, sent.sets)
            text = f"{', '.join(wrong)} of {told_of(first.sets, scene.first.sets)}; then {after}"
            self.tally.tell(Stage.WORST, text)


def by_key(sets: Sequence[DataSet]) -> dict[str, tuple[str, ...]]:
    """What is printed, by register."""
    traits = traits_of(generic(), tuple(data_set.address for data_set in sets))
    return {trait.key: data_set.raw for trait, data_set in zip(traits.each, sets, strict=True)}


def told_of(sets: Sequence[DataSet], truth: Sequence[DataSet]) -> str:
    """How what was heard differs from what was sent."""
    heard, sent = by_key(sets), by_key(truth)
    came = [_shown(key, raw) for key, raw in heard.items() if sent.get(key) != raw]
    went = [_shown(key, raw) for key, raw in sent.items() if heard.get(key) != raw]
    return f"{', '.join(came)} for {', '.join(went)}" if came or went else "another order"


def _shown(key: str, raw: tuple[str, ...]) -> str:
    return f"{key}({')('.join(raw)})"


def weighty(verdict: Verdict) -> list[Doubt]:
    """The doubts that are more than a note."""
    return [doubt for doubt in verdict.doubts if doubt.oddity.weight is not Weight.NOTE]


def wrong_values(sets: Sequence[DataSet], truth: Sequence[DataSet], verdict: Verdict) -> list[str]:
    """The registers whose readings are good although no such value was sent under their address."""
    told = {doubt.register for doubt in weighty(verdict)}
    if "" in told:
        return []
    sent, heard = by_key(truth), by_key(sets)
    if all(key in told or sent.get(key) == raw for key, raw in heard.items()):
        return []
    meant = {reading.address: _meaning(reading) for reading in generic().interpret(truth)}
    return [
        key
        for key, reading in zip(heard, generic().interpret(sets), strict=True)
        if key not in told and reading.quality is not Quality.BAD and _meaning(reading) != meant.get(reading.address)
    ]


def _meaning(reading: Reading) -> tuple[Value, str | None, datetime | None]:
    return reading.value, reading.unit, reading.time


def trials(
    name: str, prints: tuple[Print, ...], seed: int, batches: Sequence[int]
) -> Iterator[tuple[Scene, bytes, str]]:
    """Transmissions that a model has damaged, with the words that seed what follows; each batch stands by itself."""
    noise, shown = MODELS[name], scenes(prints)
    for batch in batches:
        origin = f"{name} {seed} {batch}"
        chance = random.Random(origin)  # noqa: S311 - a test's choice, no secret
        for number in range(BATCH):
            scene = shown[number % len(shown)]
            yield scene, noise(scene.first, chance), f"{origin} {number}"


def run(name: str, prints: tuple[Print, ...], seed: int, batches: Sequence[int]) -> Mapping[Lane, Tally]:
    """Both lanes of one model."""
    noise = MODELS[name]
    lanes = {lane: Bench(lane, noise) for lane in Lane}
    for scene, octets, origin in trials(name, prints, seed, batches):
        lanes[Lane.PARITY].try_out(scene, octets, origin)
        lanes[Lane.STRIPPED].try_out(scene, without_parity(octets), origin)
    return {lane: bench.tally for lane, bench in lanes.items()}
