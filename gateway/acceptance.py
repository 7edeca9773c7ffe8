"""The way from what a meter said to the readout that is stored: judged, marked, with what happened to the meter."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, frozen

from gateway.damage import LineDamage
from gateway.decoders import Decoder
from gateway.errors import MeterError
from gateway.experience import Experience, Remembered
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import DataBlock, Identification
from gateway.reading import Event, EventKind, Quality, Reading, Readout, Visit
from gateway.site.model import MeterSettings
from gateway.trust import (
    Doubt,
    Expected,
    LineState,
    Oddity,
    Sight,
    Verdict,
    Weight,
    is_taken,
    judge,
    learn,
    modulus,
    prints,
    registers,
    settle,
    totals,
    unconfirmed,
)
from gateway.work import composed

_BOUNDS = ("min", "max", "max_step")


@frozen
class Heard:
    """What a meter said in one good session, or in one telegram that it pushed.

    `heard_at` is the moment of `read_at` in seconds of the process's own clock; `check` is the kind of the block's
    check: xor, sum7, none, crc16.
    """

    identification: Identification
    profile: MeterProfile
    block: DataBlock
    parity: ReceivedParity
    check: str
    read_at: datetime
    heard_at: float


@frozen(eq=False)
class Judged:
    """A read of a meter with the verdict on it."""

    heard: Heard
    sight: Sight
    verdict: Verdict

    @property
    def wants_another(self) -> bool:
        """True where a confirming read in the same slot is asked for."""
        return self.verdict.confirm


@define(eq=False)
class Acceptance:
    """Graded acceptance of what the meters of a line say.

    `zone` is that of the meters' clocks; `is_pushed` tells that nobody asks them. `is_synced` tells whether the host's
    clock can be believed. `is_lasting` False: what is learned of a meter goes with this process. `damage` is what the
    line's messages came with lately.
    """

    zone: ZoneInfo
    decoders: Mapping[str, Decoder]
    is_pushed: bool = False
    is_synced: Callable[[], bool] = lambda: True
    is_lasting: bool = True
    damage: LineDamage = field(init=False, factory=LineDamage)
    _expected: dict[str, tuple[MeterSettings, Expected]] = field(init=False, factory=dict)

    def judged(
        self, heard: Heard, meter: MeterSettings, memory: MeterMemory, line: LineState = LineState.SOUND
    ) -> Judged:
        """The verdict on one read; raises WrongMeter (E-READ-8), Garbled (E-READ-7) beyond the limits of a block."""
        block = heard.block
        sight = Sight(
            heard.identification,
            memory.blocks.sets(block.body, block.layout),
            block.body,
            block.framed,
            heard.check,
            heard.parity,
            heard.read_at,
            heard.heard_at,
            memory.blocks.layout if block.layout is not None else None,
            self.is_pushed,
            self.is_synced(),
        )
        return Judged(heard, sight, judge(sight, memory, heard.profile, self._expected_of(meter), line))

    def settled(
        self,
        first: Judged,
        second: Judged,
        meter: MeterSettings,
        memory: MeterMemory,
        line: LineState = LineState.SOUND,
    ) -> Judged:
        """What both reads of a slot come to; the values are those of the second."""
        profile, expected = second.heard.profile, self._expected_of(meter)
        verdict = settle(first.sight, first.verdict, second.sight, second.verdict, memory, profile, expected, line)
        return evolve(second, verdict=verdict)

    def unconfirmed(self, first: Judged, failure: MeterError) -> Judged:
        """What one read comes to whose confirming read has failed."""
        return evolve(first, verdict=unconfirmed(first.verdict, failure))

    def accepted(
        self, judged: Judged, meter: MeterSettings, memory: MeterMemory, visit: Visit
    ) -> tuple[Readout, tuple[Event, ...]]:
        """The readout of a read that is judged for good, with what happened to the meter; the memory learns of it."""
        heard, sight, verdict = judged.heard, judged.sight, judged.verdict
        events = tuple(_events(judged, meter, memory.experience, visit))
        readings = heard.profile.interpret(sight.sets, meter.signals, self.decoders)
        if verdict.doubts:
            names = registers(sight.addresses, heard.profile)
            about = _by_register(readings, sight.addresses, names, all_of_it=not meter.signals)
            _mark(readings, verdict.doubts, about)
        readout = composed(
            visit, heard.identification, heard.profile, sight.sets, readings, verdict, heard.read_at, self.zone
        )
        learn(sight, verdict, memory, heard.profile)
        drift = verdict.lesson.drift_s
        return evolve(readout, block=sight.body, grounds=verdict.grounds, clock_drift_s=drift), events

    def line_state(self, meter: MeterSettings, parity: ReceivedParity) -> LineState:
        """Whether what comes from a meter is read twice: without parity for any damage lately, with it for much."""
        alias, is_stripped = meter.device_alias, parity is ReceivedParity.STRIPPED
        is_damaged = self.damage.is_high(alias) or (is_stripped and self.damage.is_lately(alias))
        return LineState.DAMAGED if is_damaged else LineState.SOUND

    def _expected_of(self, meter: MeterSettings) -> Expected:
        known = self._expected.get(meter.device_alias)
        if known is None or known[0] is not meter:
            bounded = tuple(
                signal for signal in meter.signals if any(getattr(signal, name) is not None for name in _BOUNDS)
            )
            expected = Expected(
                meter.serialnumber,
                self.zone,
                meter.scan_rate_ms / 1000,
                meter.fuse_a,
                bounded,
                self.decoders,
                self.is_lasting,
            )
            known = self._expected[meter.device_alias] = meter, expected
        return known[1]


def _mark(readings: Sequence[Reading], doubts: Sequence[Doubt], about: Mapping[str, Sequence[Reading]]) -> None:
    """Makes what is doubted `suspect`, with the reason in words; a doubt of the whole block is one of each reading.

    `about` are the readings of each register.
    """
    for doubt in dict.fromkeys(doubts):
        is_note = doubt.oddity.weight is Weight.NOTE
        if is_note and not doubt.register:
            continue
        for reading in about.get(doubt.register, ()) if doubt.register else readings:
            if reading.quality is Quality.BAD or (doubt.register and doubt.raw not in ("", reading.raw)):
                continue
            reading.reason = doubt.text if reading.reason is None else f"{reading.reason}; {doubt.text}"
            if not is_note:
                reading.quality = Quality.SUSPECT


def _by_register(
    readings: Sequence[Reading], addresses: Sequence[str], names: Sequence[str], *, all_of_it: bool
) -> Mapping[str, Sequence[Reading]]:
    """The readings of each register by its name, and by its address as printed where signals alone are read."""
    if all_of_it:
        return {name: [reading] for name, reading in zip(names, readings, strict=True)}
    printed = defaultdict[str, list[Reading]](list)
    for reading in readings:
        printed[reading.address].append(reading)
    return {**{name: printed.get(address, []) for name, address in zip(names, addresses, strict=True)}, **printed}


def _events(judged: Judged, meter: MeterSettings, experience: Experience, visit: Visit) -> Iterator[Event]:
    """What has happened to the meter as far as it is borne out; one exchange, however many registers tell of it.

    Of what is not taken for true the next read tells once more.
    """
    if not is_taken(judged.verdict) or any(doubt.asks for doubt in judged.verdict.doubts):
        return
    happened = {doubt.happened: doubt for doubt in judged.verdict.doubts if doubt.happened is not None}
    at, profile = judged.heard.read_at, judged.heard.profile
    if (swap := happened.get(EventKind.METER_SWAPPED)) is not None:
        # Where the new registers were seen at the visit before, they began there.
        is_second = swap.was is Oddity.RESET and experience.odd is not None
        begin = experience.odd.sets if is_second and experience.odd is not None else judged.sight.sets
        yield Event(visit, EventKind.METER_SWAPPED, at, swap.text, _exchange(judged, meter, experience, begin))
        return
    for doubt in judged.verdict.doubts:
        if doubt.happened not in (None, EventKind.LAYOUT_CHANGED):
            yield Event(visit, doubt.happened, at, doubt.text, _details(doubt, experience, profile))
    if anew := [doubt for doubt in judged.verdict.doubts if doubt.happened is EventKind.LAYOUT_CHANGED]:
        text = "; ".join(doubt.text for doubt in anew)
        yield Event(visit, EventKind.LAYOUT_CHANGED, at, text, _layout(anew, judged, experience.accepted))


def _exchange(
    judged: Judged, meter: MeterSettings, experience: Experience, begin: Sequence[DataSet]
) -> dict[str, str | bool | None]:
    announced, accepted, profile = experience.announced, experience.accepted, judged.heard.profile
    ends = {} if accepted is None else totals(accepted.sets, profile)
    starts = totals(begin, profile)
    if announced is not None:
        addresses = {signal.signal_alias: signal.tag_job_todo for signal in meter.signals}
        ends |= {addresses.get(register, register): raw for register, raw in announced.ends.items()}
        starts |= {addresses.get(register, register): raw for register, raw in announced.starts.items()}
    return {
        "old_identity": experience.identity,
        "new_identity": judged.verdict.lesson.identity,
        **{f"end {register}": raw for register, raw in ends.items()},
        **{f"start {register}": raw for register, raw in starts.items()},
    }


def _details(doubt: Doubt, experience: Experience, profile: MeterProfile) -> dict[str, str | bool | None]:
    """The register with its print before and after; where it began anew."""
    old = _print_of(experience.accepted, doubt.register, profile)
    begun = experience.odd if doubt.happened is EventKind.LEVEL_ADOPTED else None
    new = _print_of(begun, doubt.register, profile) if begun is not None else doubt.raw
    details: dict[str, str | bool | None] = {"register": doubt.register, "old": old, "new": new}
    if doubt.happened is EventKind.ROLLED_OVER:
        details["modulus"] = modulus(doubt.register, old, doubt.raw, profile)
    return details


def _layout(doubts: Sequence[Doubt], judged: Judged, before: Remembered | None) -> dict[str, str | bool | None]:
    """What was printed anew, before and after; which registers went and came."""
    profile = judged.heard.profile
    old = {} if before is None else prints(before.sets, profile)
    new = prints(judged.sight.sets, profile)
    details: dict[str, str | bool | None] = {}
    for doubt in doubts:
        if doubt.register:
            details |= {f"old {doubt.register}": old.get(doubt.register), f"new {doubt.register}": doubt.raw}
        else:
            details["gone"] = ", ".join(key for key in old if key not in new)
            details["added"] = ", ".join(key for key in new if key not in old)
    return details


def _print_of(block: Remembered | None, register: str, profile: MeterProfile) -> str | None:
    return None if block is None else prints(block.sets, profile).get(register)
