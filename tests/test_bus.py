"""A line with many meters in virtual time, its records in a real journal."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, evolve, field

from gateway.bus import Bus
from gateway.cadence import Cadence
from gateway.catalog import Catalog
from gateway.errors import Cause, Finding, LineLost, LineMissing
from gateway.figures import LineFigures
from gateway.host_clock import ClockWatch, HostClock
from gateway.journal import Journal
from gateway.line.base import Line
from gateway.memory import MeterMemory, OpenSession
from gateway.protocol.characters import BlockCheck, Mode, without_parity
from gateway.protocol.law import LEFT_BY_BREAK, State
from gateway.reading import Event, EventKind, Gap, Readout, Record
from gateway.schedule import Schedule
from gateway.simulator import Fault, MemoryLine, Nameplate, SimulatedBus, SimulatedMeter, StillRegister
from gateway.site.model import AccessSettings, JobKind, JobSettings, LineSettings, MeterSettings, SerialPort
from gateway.telemetry import Telemetry
from gateway.visit import Visitor
from tests.workshop import LOCAL_START, PROGRAMMING, VILNIUS, Workshop
from tests.workshop import PLATE as WORKSHOP_PLATE
from tests.workshop import START as WORKSHOP_START

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
CATALOG = Catalog.collect()
SERIALS = tuple(f"4177032{digit}" for digit in range(8))
SETTINGS = LineSettings("riser-a", SerialPort("/dev/ttyS9"))

pytestmark = pytest.mark.anyio

Opener = Callable[[LineSettings], AbstractAsyncContextManager[Line]]


def plate(serial: str) -> Nameplate:
    registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", "0012345.678*kWh"))
    return Nameplate(serial, Mode.C, "XMP", "VERBA-3.1", registers)


def wire(serials: Sequence[str] = SERIALS) -> SimulatedBus:
    return SimulatedBus([SimulatedMeter(plate(serial)) for serial in serials])


class TornLine(MemoryLine):
    """A line that hangs up whenever so many octets have been received, until its budget of hang-ups is spent."""

    def __init__(self, bus: SimulatedBus, tears: "Tears") -> None:
        super().__init__(bus)
        self.tears = tears

    async def receive(self) -> bytes:
        octets = await super().receive()
        if self.tears.left and self.octets_received > self.tears.after:
            self.tears.left -= 1
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return octets


@define
class Tears:
    """How many hang-ups a line still has before it holds, each after so many octets."""

    left: int
    after: int = 20


@define
class Riser:
    """One bus in virtual time, what it said, stored, reported."""

    opener: Opener
    serials: Sequence[str] = SERIALS
    scan_rate_s: float = 60
    rounds: int | None = None
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)

    def bus(self) -> Bus:
        meters = [MeterSettings(n, "riser-a", n, scan_rate_ms=round(self.scan_rate_s * 1000)) for n in self.serials]
        visitor = Visitor("block-12", SETTINGS, ZoneInfo("UTC"), CATALOG, {}, LineFigures(), now)
        schedule = Schedule(meters, trio.current_time(), rounds=self.rounds)
        return Bus(visitor, schedule, self.store, self.findings.append, Telemetry(), self.rounds, self.opener)

    async def store(self, record: Record, memory: MeterMemory | None) -> None:
        assert isinstance(record, Gap) or memory is not None
        await trio.lowlevel.checkpoint()
        self.records.append(record)

    async def serve(self, seconds: float = 3600) -> None:
        with trio.move_on_after(seconds):
            await self.bus().serve()

    def outcomes(self) -> Counter[tuple[str, str]]:
        """How often each meter ended how."""
        return Counter((record.visit.meter[-1], outcome(record)) for record in self.records)


def outcome(record: Record) -> str:
    return record.cause.value if isinstance(record, Gap) else "read"


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


def always(*lines: MemoryLine) -> Opener:
    """Opens the same line each time, or one after the other and the last for ever."""
    left = list(lines)

    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        yield left.pop(0) if len(left) > 1 else left[0]

    return opener


async def test_every_due_slot_ends_in_the_journal_delivered_or_as_a_gap(tmp_path: Path) -> None:
    line = MemoryLine(wire(SERIALS[1:]))
    riser = Riser(always(line), rounds=1)
    async with Journal.open(tmp_path, inline=True) as journal:
        bus = riser.bus()
        bus.append = journal.append
        await bus.serve()
        records = [record for _, record in await journal.batch(0, 100)]
        memories = await journal.memories()
    assert [outcome(record) for record in records] == ["no_answer", *["read"] * 7]
    assert {record.visit.due_at for record in records} == {START}
    readouts = [record for record in records if isinstance(record, Readout)]
    assert [record.visit.serial for record in readouts] == list(SERIALS[1:])
    assert [str(record.readings[-1].value) for record in readouts] == ["12345.678"] * 7
    assert memories[SERIALS[1]].identification == "/XMP5VERBA-3.1"
    assert [finding.code for finding in riser.findings] == ["E-READ-1"]


async def test_one_talker_speaks_at_a_time_and_only_to_those_that_are_wanted() -> None:
    line = MemoryLine(wire())
    await Riser(always(line), SERIALS[:4], rounds=2).serve()
    said = [without_parity(octets) for _, octets, _ in line.sent]
    assert said == [octets for n in SERIALS[:4] * 2 for octets in (f"/?{n}!\r\n".encode(), b"\x06050\r\n")]
    ends = [moment + len(octets) * 10 / speed for moment, octets, speed in line.sent]
    assert all(begin >= end for (begin, _, _), end in zip(line.sent[1:], ends, strict=False))


async def test_a_battery_meter_is_woken_and_spared_once_its_profile_is_known() -> None:
    registers = (StillRegister("9.20", SERIALS[0]), StillRegister("6.8", "0029.055*MWh"))
    plates = [Nameplate(SERIALS[0], Mode.B, "LUG", "UH50", registers, speed_character="C")]
    line = MemoryLine(SimulatedBus([SimulatedMeter(plate) for plate in plates]))
    riser = Riser(always(line), SERIALS[:1], scan_rate_s=600)
    await riser.serve(2 * 3600)
    assert [record.visit.due_at for record in riser.records] == [START, START + timedelta(hours=1)]
    assert [finding.code for finding in riser.findings] == ["W-BUS-5"]
    assert "every 3600 s instead of every 600 s" in riser.findings[0].what
    requests = [octets for _, octets, _ in line.sent]
    assert requests[1] == bytes(66), "the second visit knows the meter and wakes it"


async def test_lines_are_read_at_the_same_time() -> None:
    begin = trio.current_time()
    await Riser(always(MemoryLine(wire())), rounds=1).serve()
    alone = trio.current_time() - begin
    risers = [Riser(always(MemoryLine(wire())), rounds=1) for _ in range(4)]
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for riser in risers:
            nursery.start_soon(riser.serve)
    assert trio.current_time() - begin == pytest.approx(alone, abs=0.1)
    assert [len(riser.records) for riser in risers] == [8] * 4


async def test_a_dead_meter_costs_its_neighbours_nothing() -> None:
    riser = Riser(always(MemoryLine(wire(SERIALS[1:]))), scan_rate_s=30)
    await riser.serve(1199)
    outcomes = riser.outcomes()
    assert {outcomes[serial[-1], "read"] for serial in SERIALS[1:]} == {40}
    assert outcomes["0", "no_answer"] < 9
    assert outcomes["0", "no_answer"] + outcomes["0", "resting"] == 40


async def test_a_meter_that_comes_back_is_read_again_at_its_next_try() -> None:
    bus = wire()
    silent, bus.meters = bus.meters, bus.meters[1:]
    riser = Riser(always(MemoryLine(bus)), SERIALS[:1], scan_rate_s=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(riser.serve, 600)
        await trio.sleep(205)
        bus.meters = silent
    outcomes = [outcome(record) for record in riser.records]
    assert set(outcomes[: outcomes.index("read")]) == {"no_answer", "resting"}
    assert set(outcomes[outcomes.index("read") :]) == {"read"}


async def test_the_late_answer_of_one_meter_is_not_taken_for_the_next_ones() -> None:
    slow, quick = SimulatedMeter(evolve(plate(SERIALS[0]), reaction=2.6)), SimulatedMeter(plate(SERIALS[1]))
    riser = Riser(always(MemoryLine(SimulatedBus([slow, quick]))), SERIALS[:2], rounds=3)
    await riser.serve()
    outcomes = riser.outcomes()
    assert (outcomes["0", "read"], outcomes["1", "read"]) == (0, 3)


async def test_an_overloaded_line_books_what_it_could_not_read() -> None:
    riser = Riser(always(MemoryLine(wire())), scan_rate_s=10)
    await riser.serve(600)
    del riser.records[-1]  # cut short by the end
    outcomes = riser.outcomes()
    assert {cause for _, cause in outcomes} == {"read", "overrun"}
    reads = [outcomes[serial[-1], "read"] for serial in SERIALS]
    assert max(reads) - min(reads) <= 1
    slots = Counter((record.visit.meter, record.visit.due_at) for record in riser.records)
    assert set(slots.values()) == {1}


# A line that fails


async def test_a_line_that_cannot_be_opened_is_tried_with_growing_pauses_and_told_once() -> None:
    moments = list[float]()

    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        moments.append(trio.current_time())
        if len(moments) < 10:
            raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield MemoryLine(wire())

    riser = Riser(opener, SERIALS[:1], scan_rate_s=20)
    await riser.serve(195)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [str(finding) for finding in riser.findings] == ["E-LINE-1 line riser-a: /dev/ttyS9 does not exist"]
    assert riser.outcomes() == {("0", "line_down"): 6, ("0", "read"): 4}


async def test_with_rounds_a_line_that_cannot_be_opened_ends_every_slot() -> None:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield MemoryLine(wire())

    riser = Riser(opener, rounds=1)
    await riser.serve()
    assert set(riser.outcomes().values()) == {1}
    assert [outcome(record) for record in riser.records] == ["line_down"] * 8


@pytest.mark.parametrize("rounds", [1, None])
async def test_a_line_that_hangs_up_is_opened_again_for_the_same_slot(rounds: int | None) -> None:
    tears = Tears(2)
    lines = [TornLine(wire(), tears) for _ in range(3)]
    riser = Riser(always(*lines), SERIALS[:3], rounds=rounds)
    await riser.serve(50)
    assert [outcome(record) for record in riser.records] == ["read"] * 3
    assert tears.left == 0
    assert [finding.code for finding in riser.findings] == ["E-LINE-5"]


async def test_a_meter_that_makes_the_line_hang_up_cannot_wedge_the_rest() -> None:
    tears = Tears(3)
    lines = [TornLine(wire(), tears) for _ in range(4)]
    riser = Riser(always(*lines), SERIALS[:3])
    await riser.serve(50)
    assert [outcome(record) for record in riser.records] == ["line_down", "read", "read"]


async def test_a_failed_line_delays_no_other() -> None:
    tears = Tears(1000)
    torn = Riser(always(TornLine(wire(), tears)), rounds=1)
    sound = Riser(always(MemoryLine(wire())), rounds=1)
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(torn.serve, 60)
        await sound.serve()
        assert trio.current_time() - begin < 30
    assert [outcome(record) for record in sound.records] == ["read"] * 8


# The end


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.5, 2.5, 4.0])
async def test_cancelled_within_a_visit_its_slot_is_booked_once_as_cancelled(seconds: float) -> None:
    line = MemoryLine(wire())
    riser = Riser(always(line))
    await riser.serve(seconds)
    assert outcome(riser.records[-1]) == Cause.CANCELLED.value
    assert len(riser.records) == len({record.visit.meter for record in riser.records})
    assert line.octets_sent == sum(len(octets) for _, octets, _ in line.sent)
    assert line.speed == 300


async def test_cancelled_between_visits_no_gap_is_made() -> None:
    riser = Riser(always(MemoryLine(wire())), SERIALS[:1])
    await riser.serve(30)
    assert [outcome(record) for record in riser.records] == ["read"]


async def test_the_octets_of_a_line_are_counted() -> None:
    line = MemoryLine(wire())
    bus = Riser(always(line), rounds=1).bus()
    await bus.serve()
    assert bus.visitor.figures.sent == line.octets_sent > 0
    assert bus.visitor.figures.received == line.octets_received > 0
    assert bus.visitor.figures.meters == {"answering": 8, "failing": 0, "resting": 0}


async def test_the_length_of_a_round_counts_no_idle_time() -> None:
    line = MemoryLine(wire())
    bus = Riser(always(line), scan_rate_s=300).bus()
    with trio.move_on_after(310):
        await bus.serve()
    last_octet_of_round = max(moment for moment, _, _ in line.received if moment < 300)
    assert bus.visitor.figures.round_s == pytest.approx(last_octet_of_round, abs=0.01)


# Jobs

NIGHTLY = JobSettings(JobKind.PROFILE_DATA, "12:01")
CLOCK = JobSettings(JobKind.CLOCK, "12:01")
LATE = LOCAL_START - timedelta(seconds=100)


@define
class Utility:
    """A bus of one meter with jobs, its records in the order in which they were stored."""

    jobs: tuple[JobSettings, ...] = (NIGHTLY,)
    scan_rate_s: float = 30
    rounds: int | None = None
    access: AccessSettings = field(factory=AccessSettings)
    shop: Workshop = field(factory=Workshop)
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    opener: Opener | None = None

    def bus(self) -> Bus:
        meter = evolve(self.shop.settings, jobs=self.jobs, scan_rate_ms=round(self.scan_rate_s * 1000))
        visitor = self.shop.visitor
        visitor.access = self.access
        schedule = Schedule([meter], trio.current_time(), rounds=self.rounds, moments=due_after)
        opener = self.opener or always(self.shop.line)
        return Bus(visitor, schedule, self.store, self.findings.append, Telemetry(), self.rounds, opener)

    async def store(self, record: Record, memory: MeterMemory | None) -> None:
        await trio.lowlevel.checkpoint()
        self.records.append(record)
        if memory is not None:
            self.shop.kept.append(MeterMemory.from_text(memory.to_text()))

    async def serve(self, seconds: float) -> list[Record]:
        with trio.move_on_after(seconds):
            await self.bus().serve()
        return self.records


def due_after(schedule: str, moment: float) -> float:
    """The cadence of the wall clock that begins at the workshop's START with the loop's."""
    wall = WORKSHOP_START + timedelta(seconds=moment)
    return (Cadence.from_text(schedule).next(wall, VILNIUS) - WORKSHOP_START).total_seconds()


def told(records: Sequence[Record]) -> list[str]:
    """What each record is of: a readout or a job, and how it ended."""
    return [f"{record.visit.job or 'readout'} {outcome(record)}" for record in records]


async def until(sign: Callable[[], bool]) -> None:
    """Returns soon after the sign is there."""
    for _ in range(10_000):
        if sign():
            return
        await trio.sleep(0.05)
    pytest.fail("the sign never came")


async def test_a_job_is_done_between_two_readouts_at_its_wall_clock_moment() -> None:
    records = await Utility().serve(80)
    assert told(records) == ["readout read", "readout read", "profile-data read", "readout read"]
    due = records[2].visit.due_at
    assert due == datetime(2026, 9, 30, 9, 1, tzinfo=UTC)
    assert due.microsecond == 0


async def test_with_rounds_no_jobs_are_done() -> None:
    assert told(await Utility(rounds=4, scan_rate_s=30).serve(300)) == ["readout read"] * 4


async def test_jobs_neither_starve_readouts_nor_are_starved_by_them() -> None:
    jobs = tuple(JobSettings(JobKind.EVENTS, "12:01", f"P.{number}") for number in (98, 99, 200, 210))
    records = await Utility(jobs, scan_rate_s=1).serve(120)
    visits = [name for name in told(records) if name.endswith(" read")]
    first = next(n for n, name in enumerate(visits) if name.startswith("events"))
    assert [name.partition(" ")[0] for name in visits[first : first + 8]] == ["events", "readout"] * 4


async def test_the_job_of_a_meter_that_rests_is_a_gap_and_no_failure_of_it() -> None:
    utility = Utility((evolve(NIGHTLY, schedule="12:02"),), scan_rate_s=10)
    utility.opener = always(MemoryLine(wire(())))
    records = await utility.serve(125)
    ended = [record for record in records if record.visit.job]
    assert told(ended) == ["profile-data resting"]
    assert isinstance(ended[0], Gap)
    assert ended[0].finding.code == "W-BUS-3"


async def test_a_job_whose_successor_is_due_is_a_gap_of_its_own() -> None:
    utility = Utility((JobSettings(JobKind.EVENTS, "*/1"),), scan_rate_s=600)
    utility.shop.settings = evolve(utility.shop.settings, timeout_ms=60_000)
    utility.opener = always(MemoryLine(wire(())))
    await utility.serve(200)
    jobs = [record for record in utility.records if record.visit.job == "events"]
    assert [outcome(record) for record in jobs] == ["overrun", "overrun", "cancelled"]
    assert [record.visit.due_at.minute for record in jobs] == [1, 2, 3]


async def test_h12_a_clock_job_writes_nothing_while_writing_is_off() -> None:
    late = evolve(WORKSHOP_PLATE, programming=evolve(PROGRAMMING, start=LATE))
    utility = Utility((CLOCK,), shop=Workshop(late))
    assert "clock read" in told(await utility.serve(100))
    assert utility.shop.commands(b"W", b"E") == []


async def test_a_clock_job_sets_a_clock_once_while_writing_is_on() -> None:
    late = evolve(WORKSHOP_PLATE, programming=evolve(PROGRAMMING, start=LATE))
    utility = Utility((evolve(CLOCK, schedule="*/1"),), shop=Workshop(late), access=AccessSettings(allow_write=True))
    clocks = [record for record in await utility.serve(300) if record.visit.job == "clock"]
    assert [type(record) for record in clocks[:3]] == [Event, Readout, Readout]
    assert len(utility.shop.commands(b"W")) == 2, "time and date"


@pytest.mark.parametrize("seconds", [50.5, 51.0, 51.6, 52.0, 52.5])
async def test_s6_cancelled_within_a_job_the_meter_is_freed_and_the_slot_booked(seconds: float) -> None:
    utility = Utility(scan_rate_s=600)
    await utility.serve(seconds)
    assert told(utility.records)[1:] == ["profile-data cancelled"]
    assert utility.shop.meter.state in {State.IDLE, State.IDENTIFIED}, "in no programming mode"
    assert utility.shop.line.speed == 300
    assert utility.shop.kept[-1].open_session is None


async def test_s6_cancelled_after_a_write_the_audit_record_is_stored() -> None:
    late = evolve(WORKSHOP_PLATE, programming=evolve(PROGRAMMING, start=LATE))
    utility = Utility((CLOCK,), scan_rate_s=600, shop=Workshop(late), access=AccessSettings(allow_write=True))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(utility.serve, 600)
        await until(lambda: bool(utility.shop.commands(b"W")))
        nursery.cancel_scope.cancel()
    event = utility.records[-1]
    assert isinstance(event, Event)
    assert event.details["confirmed"] is False
    assert "cut short" in event.text
    assert utility.shop.meter.state is State.IDLE


class KilledLine(MemoryLine):
    """A line whose process may be killed: nothing more of it reaches the wire."""

    is_killed = False

    async def send(self, data: bytes) -> None:
        if not self.is_killed:
            await super().send(data)


async def test_s5_a_meter_that_a_killed_gateway_left_in_programming_mode_is_freed_first() -> None:
    killed = Utility(scan_rate_s=600)
    bus = SimulatedBus([killed.shop.meter])
    line = KilledLine(bus)
    killed.opener = always(line)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(killed.serve, 600)
        await until(lambda: killed.shop.meter.state in LEFT_BY_BREAK - {State.IDENTIFIED})
        line.is_killed = True
        durable = killed.shop.kept[-1]
        nursery.cancel_scope.cancel()
    assert durable.open_session == OpenSession(9600, BlockCheck.XOR)
    assert killed.shop.meter.state in LEFT_BY_BREAK

    restarted = Utility((), scan_rate_s=600, shop=Workshop(memories={"flat01": durable}))
    restarted.shop.line = MemoryLine(bus)
    begin = trio.current_time()
    records = await restarted.serve(30)
    assert told(records) == ["readout read"]
    assert records[0].visit.attempt == 1
    assert restarted.shop.words[0] == b"\x01B0\x03q"
    freed_at, _, speed = restarted.shop.line.sent[0]
    assert (freed_at - begin < 5, speed) == (True, 9600)
    assert killed.shop.meter.breaks_heard == 1
    assert restarted.shop.kept[0].open_session is None


async def test_s14_a_meter_that_misses_its_break_gets_it_once_more_and_is_then_left_alone_for_its_idle_time() -> None:
    shop = Workshop(evolve(WORKSHOP_PLATE, faults={Fault.BREAK_LOST: 1.0}))
    other = evolve(shop.settings, device_alias="flat02", serialnumber="41770327", password=None)
    neighbour = SimulatedMeter(
        evolve(WORKSHOP_PLATE, serial="41770327", registers=(StillRegister("0.0.0", "41770327"),))
    )
    line = MemoryLine(SimulatedBus([shop.meter, neighbour]))
    records: list[Record] = []

    async def store(record: Record, memory: MeterMemory | None) -> None:
        del memory
        await trio.lowlevel.checkpoint()
        records.append(record)

    meters = [evolve(meter, scan_rate_ms=20_000) for meter in (evolve(shop.settings, jobs=(NIGHTLY,)), other)]
    schedule = Schedule(meters, trio.current_time(), moments=due_after)
    with trio.move_on_after(300):
        await Bus(shop.visitor, schedule, store, list[Finding]().append, Telemetry(), None, always(line)).serve()
    said = [(moment, without_parity(octets), speed) for moment, octets, speed in line.sent]
    breaks = [moment for moment, octets, speed in said if (octets, speed) == (b"\x01B0\x03q", 9600)]
    assert len(breaks) == 2, "one at the end of the session, one where the meter was silent next"
    requests = [moment for moment, octets, _ in said if b"41770326" in octets and moment > breaks[1]]
    last_try = max(moment for moment in requests if moment < breaks[1] + 30)
    assert min(moment for moment in requests if moment > last_try) >= last_try + 120
    own = [outcome(record) for record in records if record.visit.meter == "flat01" and not record.visit.job]
    assert own[-1] == "read", "its idle time has freed it"
    assert "resting" in own
    others = [record for record in records if record.visit.meter == "flat02"]
    assert {outcome(record) for record in others} == {"read"}
    assert len(others) >= 14


# A wall clock that is put while the gateway runs


@define
class WallClock:
    """The wall clock of a host that somebody puts; each look at it takes some microseconds of its own."""

    put_by: timedelta = timedelta()
    looks: int = 0

    def now(self) -> datetime:
        self.looks += 1
        return WORKSHOP_START + timedelta(seconds=trio.current_time(), microseconds=self.looks % 7) + self.put_by

    def due_after(self, schedule: str, moment: float) -> float:
        wall = self.now() + timedelta(seconds=moment - trio.current_time())
        return moment + (Cadence.from_text(schedule).next(wall, VILNIUS) - wall).total_seconds()


@pytest.mark.parametrize(
    "put_by",
    [timedelta(days=-15), timedelta(days=15), timedelta(seconds=-60), timedelta(seconds=-120), timedelta(hours=1)],
    ids=str,
)
async def test_d8_no_slot_is_missed_or_doubled_when_the_wall_clock_is_put(tmp_path: Path, put_by: timedelta) -> None:
    clock, riser, serials = WallClock(), Riser(always(MemoryLine(wire()))), SERIALS[:3]
    riser.serials = serials
    async with Journal.open(tmp_path, inline=True) as journal:
        bus = riser.bus()
        bus.append, bus.visitor.now = journal.append, clock.now
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bus.serve)
            for _ in range(4):
                await trio.sleep(610)
                clock.put_by += put_by
            await trio.sleep(590)
            nursery.cancel_scope.cancel()
        records = [record for _, record in await journal.batch(0, 1000)]
    assert {outcome(record) for record in records} == {"read"}
    assert Counter(record.visit.meter for record in records) == dict.fromkeys(serials, 51)
    assert len({(record.visit.meter, record.visit.due_at) for record in records}) == 3 * 51


async def test_d8_a_clock_that_slews_changes_no_cadence() -> None:
    riser = Riser(always(MemoryLine(wire())), SERIALS[:1])
    bus = riser.bus()
    bus.visitor.now = lambda: START + timedelta(seconds=1.0005 * trio.current_time())
    with trio.move_on_after(3590):
        await bus.serve()
    assert [outcome(record) for record in riser.records] == ["read"] * 60


@pytest.mark.parametrize(
    ("put_at", "put_by", "done"), [(24.6, 1, [0.5, 24.5, 47.5]), (24.0, -1, [0.5, 25.5, 49.5])], ids=["ahead", "back"]
)
async def test_d8_a_daily_job_follows_the_wall_clock_when_that_is_put(
    put_at: float, put_by: int, done: Sequence[float]
) -> None:
    """It is due at 12:30, the gateway starts at 12:00; all in hours."""
    clock, utility, moments = (
        WallClock(),
        Utility((evolve(NIGHTLY, schedule="12:30"),), scan_rate_s=6 * 3600),
        list[float](),
    )
    bus = utility.bus()
    schedule = bus.schedule = Schedule(bus.schedule.meters, trio.current_time(), moments=clock.due_after)
    bus.visitor.now = clock.now
    host = HostClock(clock.now, None, trio.current_time)
    watch = ClockWatch(host, "block-12", utility.findings.append, forget, [schedule.wall_was_put])

    async def store(record: Record, memory: MeterMemory | None) -> None:
        if record.visit.job:
            moments.append(trio.current_time() / 3600)
        await utility.store(record, memory)

    bus.append = store
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bus.serve)
        nursery.start_soon(watch.run)
        await trio.sleep(put_at * 3600)
        clock.put_by += timedelta(hours=put_by)
        await trio.sleep(26 * 3600)
        nursery.cancel_scope.cancel()
    assert moments == pytest.approx(done, abs=0.01)
    due = [record.visit.due_at.astimezone(VILNIUS) for record in utility.records if record.visit.job]
    assert [f"{moment:%H:%M:%S.%f}" for moment in due] == ["12:30:00.000000"] * 3
    assert [finding.code for finding in utility.findings] == ["W-CLK-2"]


async def forget(event: Event) -> None:
    assert event.kind is EventKind.HOST_CLOCK
    await trio.lowlevel.checkpoint()
