"""A line that only listens, in virtual time."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, evolve, field

from gateway.app import App
from gateway.bus import Bus
from gateway.catalog import Catalog
from gateway.errand import Errand
from gateway.errors import Cause, Finding, LineLost, LineMissing
from gateway.figures import FrameError, LineFigures
from gateway.job import ReadRegisters
from gateway.journal import Journal
from gateway.line.base import Line
from gateway.line.reopening import Opener
from gateway.listen import Listener
from gateway.memory import MeterMemory
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.check import CheckKind
from gateway.protocol.messages import Identification
from gateway.protocol.pushed import PushedTelegram, encode_pushed
from gateway.reading import Gap, Quality, Readout, Record
from gateway.schedule import Schedule
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    MemoryLine,
    Nameplate,
    Port,
    PtyPort,
    SimulatedBus,
    SimulatedMeter,
    StillRegister,
    TcpPort,
    serve_line,
    simulated_line,
)
from gateway.site.endpoint import endpoint_from_text
from gateway.site.locate import Locator
from gateway.site.model import GatewaySettings, LineSettings, MeterSettings, Push, SerialPort, Site
from gateway.telemetry import Telemetry
from gateway.visit import Visitor
from gateway.work import SCHEDULED

START = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
CATALOG = Catalog.collect()
P1 = LineWish(PtyPort(), START.replace(tzinfo=None), 1, push=Push.P1, is_live=True)
SERIAL = simulated_line(P1).plates[0].serial
MODE_D = evolve(P1, push=Push.MODE_D, meters=3, baudrate=9600, period=2.0, is_live=False)

pytestmark = pytest.mark.anyio


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


def meter(serial: str, alias: str = "", **traits: object) -> MeterSettings:
    usual = MeterSettings(alias or f"m{serial}", "home", serial, scan_rate_ms=60_000)
    return evolve(usual, **traits)  # type: ignore[arg-type]


def plate(serial: str, *, prints_number: bool = True, **traits: object) -> Nameplate:
    registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", f"00{serial[-5:]}.678*kWh"))
    usual = Nameplate(serial, Mode.D, "XMP", "HAUS-1", registers if prints_number else registers[1:])
    return evolve(usual, **traits)  # type: ignore[arg-type]


def lines(wish: LineWish) -> MemoryLine:
    line = simulated_line(wish)
    return MemoryLine(line.bus(), speed=line.opening_speed)


def always(line: MemoryLine) -> Opener:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        yield line

    return opener


@define
class Home:
    """One listener, what it stored, what it reported."""

    opener: Opener
    meters: Sequence[MeterSettings]
    rounds: int | None = None
    unwanted: Sequence[MeterSettings] = ()
    push: Push = Push.P1
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    memories: dict[str, MeterMemory] = field(factory=dict)
    figures: LineFigures = field(factory=LineFigures)

    def listener(self) -> Listener:
        settings = LineSettings("home", SerialPort("/dev/ttyS9"), baudrate=115_200, push=self.push)
        visitor = Visitor("block-12", settings, ZoneInfo("UTC"), CATALOG, self.memories, self.figures, now)
        telemetry = Telemetry()
        return Listener(
            visitor, self.meters, self.store, self.findings.append, telemetry, self.rounds, self.unwanted, self.opener
        )

    async def store(self, record: Record, memory: MeterMemory | None) -> None:
        assert memory is not None
        await trio.lowlevel.checkpoint()
        self.records.append(record)

    async def serve(self, seconds: float = 3600) -> None:
        with trio.move_on_after(seconds):
            await self.listener().serve()

    @property
    def readouts(self) -> list[Readout]:
        return [record for record in self.records if isinstance(record, Readout)]

    @property
    def causes(self) -> list[Cause]:
        return [record.cause for record in self.records if isinstance(record, Gap)]


# What is stored


async def test_of_what_a_meter_pushes_each_second_one_telegram_a_slot_is_stored() -> None:
    line = lines(P1)
    home = Home(always(line), [meter(SERIAL)])
    await home.serve(299.5)
    assert [record.visit.due_at for record in home.records] == [START + timedelta(minutes=n) for n in range(5)]
    assert [(readout.quality, readout.reason) for readout in home.readouts] == [(Quality.GOOD, None)] * 5
    assert all(timedelta(0) <= one.visit.due_at - one.read_at < timedelta(seconds=1) for one in home.readouts[1:])
    assert line.octets_received == home.figures.received > 0


async def test_nothing_is_ever_sent() -> None:
    line = lines(P1)
    await Home(always(line), [meter(SERIAL), meter("99999999")]).serve(1000)
    assert line.octets_sent == 0
    assert line.sent == []


async def test_a_slot_takes_the_last_telegram_that_came_before_it() -> None:
    home = Home(always(lines(evolve(P1, period=25.0))), [meter(SERIAL)])
    await home.serve(61)
    assert [round((one.read_at - START).total_seconds()) for one in home.readouts] == [0, 50]
    assert home.readouts[1].clock_drift_s == 0
    clocks = [reading.raw for one in home.readouts for reading in one.readings if reading.address == "0-0:1.0.0"]
    assert clocks == ["260301143000W", "260301143050W"]


async def test_a_telegram_is_stored_once() -> None:
    home = Home(always(lines(evolve(P1, period=300.0))), [meter(SERIAL)])
    await home.serve(119)
    assert [type(record) for record in home.records] == [Readout, Gap]


async def test_the_meters_of_a_line_are_told_apart_by_their_numbers() -> None:
    serials = [plate.serial for plate in simulated_line(MODE_D).plates]
    home = Home(always(lines(MODE_D)), [meter(serial) for serial in reversed(serials)], push=Push.MODE_D)
    await home.serve(130)
    assert Counter(one.visit.serial for one in home.readouts) == Counter(serials * 3)
    for one in home.readouts:
        assert one.visit.serial in [reading.raw for reading in one.readings]
    assert home.findings == []


async def test_a_meter_alone_on_its_line_needs_no_number() -> None:
    home = Home(always(lines(P1)), [meter("", "p1")], rounds=1)
    await home.serve()
    assert [one.visit.meter for one in home.readouts] == ["p1"]


async def test_a_meter_that_prints_no_number_is_known_by_its_identification() -> None:
    wish = evolve(MODE_D, meters=0, plates=(plate("41770326", prints_number=False, framed=False),))
    home = Home(always(lines(wish)), [meter("41770326"), meter("55", meter_model="landisgyr-uh50")], rounds=1)
    await home.serve()
    assert [(one.visit.serial, one.reason) for one in home.readouts] == [("41770326", "identity not printed")]


async def test_the_number_of_a_gas_meter_behind_the_port_is_not_that_of_the_meter() -> None:
    wish = evolve(P1, meters=0, plates=(_without_number(simulated_line(P1).plates[0]),))
    home = Home(always(lines(wish)), [meter(f"G{SERIAL}"), meter("1")], rounds=1)
    await home.serve(100)
    assert home.readouts == []
    assert [finding.code for finding in home.findings] == ["W-PUSH-3", "E-PUSH-1", "E-PUSH-1"]
    assert home.findings[0].what == "/XMP5\\2GATE500 prints no number: no meter of this line, nothing stored"


def _without_number(plate: Nameplate) -> Nameplate:
    return evolve(plate, registers=tuple(one for one in plate.registers if one.address != "0-0:96.1.1"))


async def test_l16_telegrams_of_an_unknown_meter_are_told_once_and_dropped() -> None:
    known, stranger = plate("41770326", framed=False), plate("41770999", framed=False)
    wish = evolve(MODE_D, meters=0, plates=(stranger, known))
    home = Home(always(lines(wish)), [meter("41770326")])
    await home.serve(600)
    assert {one.visit.serial for one in home.readouts} == {"41770326"}
    assert {str(reading.value) for one in home.readouts for reading in one.readings[1:]} == {"70326.678"}
    (finding,) = home.findings
    assert str(finding) == (
        "W-PUSH-3 line home: /XMP5HAUS-1 prints 41770999: no meter of this line, nothing stored\n"
        '        next: a [[meter]] with serialnumber = "41770999"'
    )


async def test_a_meter_of_the_line_that_is_not_wanted_is_no_stranger() -> None:
    wish = evolve(MODE_D, meters=0, plates=(plate("41770326", framed=False), plate("41770999", framed=False)))
    home = Home(always(lines(wish)), [meter("41770326")], rounds=1, unwanted=[meter("41770999")])
    await home.serve()
    assert [record.visit.serial for record in home.records] == ["41770326"]
    assert home.findings == []


async def test_the_check_of_a_block_is_that_of_the_profile() -> None:
    summed = plate("41770326", manufacturer="EKT", model="CE301v12", check=BlockCheck.SUM7)
    home = Home(always(lines(evolve(MODE_D, meters=0, plates=(summed,)))), [meter("41770326")], rounds=1)
    await home.serve()
    assert [one.profile.partition("@")[0] for one in home.readouts] == ["energomera-ce30x"]


async def test_a_telegram_that_lost_its_check_since_the_last_run_is_suspect() -> None:
    home = Home(always(lines(P1)), [meter(SERIAL)], rounds=1)
    await home.serve()
    unchecked = evolve(simulated_line(P1).plates[0], check=BlockCheck.NONE)
    home.opener = always(lines(evolve(P1, meters=0, plates=(unchecked,))))
    await home.serve()
    assert [one.quality for one in home.readouts] == [Quality.GOOD, Quality.SUSPECT]


async def test_readings_of_pushed_telegrams_stand_in_the_journal(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        listener = Home(always(lines(evolve(P1, is_live=False))), [meter(SERIAL)], rounds=2).listener()
        listener.append = journal.append
        await listener.serve()
        records = [record for _, record in await journal.batch(0, 10)]
        memories = await journal.memories()
    assert [type(record) for record in records] == [Readout, Readout]
    values = {reading.address: reading.value for reading in records[0].readings if isinstance(reading.value, Decimal)}  # type: ignore[union-attr]
    assert values["1-0:2.7.0"] == Decimal("0.000")
    assert memories[f"m{SERIAL}"].identification == "/XMP5\\2GATE500"


# What is not


@pytest.mark.parametrize(("timeout_ms", "seconds"), [(2500, 15), (30_000, 30)])
async def test_a_slot_without_telegram_ends_as_a_gap(timeout_ms: int, seconds: float) -> None:
    wish = evolve(P1, faults=(FaultRate(Fault.SILENT),))
    home = Home(always(lines(wish)), [meter(SERIAL, timeout_ms=timeout_ms)])
    await home.serve(59)
    assert home.causes == [Cause.NO_ANSWER]
    (finding,) = home.findings
    assert str(finding) == (
        f"E-PUSH-1 meter {SERIAL}: no P1 telegram within {seconds} s\n"
        "        next: look at the cable and the meter's request line, or raise timeout_ms"
    )
    assert home.records[0].visit.duration_ms == seconds * 1000
    assert home.figures.meters == {"answering": 0, "failing": 1, "resting": 0}


async def test_a_slot_lasts_no_longer_than_to_its_successor() -> None:
    wish = evolve(P1, faults=(FaultRate(Fault.SILENT),))
    home = Home(always(lines(wish)), [meter(SERIAL, scan_rate_ms=5000)])
    await home.serve(31)
    assert home.causes == [*[Cause.NO_ANSWER] * 6, Cause.CANCELLED]
    assert home.findings[0].what == "no P1 telegram within 5 s"


async def test_a_slot_in_which_only_damage_came_says_which() -> None:
    wish = evolve(P1, faults=(FaultRate(Fault.BAD_CHECK, 1.0),))
    home = Home(always(lines(wish)), [meter(SERIAL)])
    await home.serve(16)
    assert home.causes == [Cause.GARBLED]
    assert home.findings[0].code == "E-PUSH-2"
    assert "no whole P1 telegram within 15 s: a telegram whose check does not fit (" in home.findings[0].what
    assert home.figures.frame_errors == {FrameError.BLOCK_CHECK: 16}


async def test_octets_at_the_wrong_speed_are_evidence() -> None:
    line = simulated_line(P1)
    home = Home(always(MemoryLine(line.bus(), speed=9600)), [meter(SERIAL)], rounds=1)
    await home.serve()
    assert home.causes == [Cause.GARBLED]
    assert home.findings[0].next == "check speed and polarity of the line: baudrate = 115200"


async def test_damaged_telegrams_cost_no_slot_as_long_as_good_ones_come() -> None:
    wish = evolve(P1, faults=(FaultRate(Fault.NOISE, 0.5), FaultRate(Fault.CUT, 0.3)), is_live=False)
    home = Home(always(lines(wish)), [meter(SERIAL)])
    await home.serve(1000)
    assert home.causes == []
    assert len({tuple(reading.raw for reading in one.readings) for one in home.readouts}) == 1
    assert home.figures.frame_errors.total() > 100


async def test_a_silent_meter_costs_its_neighbours_nothing() -> None:
    serials = [plate.serial for plate in simulated_line(MODE_D).plates]
    home = Home(always(lines(MODE_D)), [meter("1"), *map(meter, serials)])
    await home.serve(299)
    assert Counter(one.visit.serial for one in home.readouts) == Counter(serials * 5)
    assert home.causes == [Cause.NO_ANSWER] * 5


async def test_a_telegram_that_nothing_follows_is_taken_after_a_silence() -> None:
    wish = evolve(MODE_D, meters=0, plates=(plate("41770326", framed=False),), period=500.0)
    home = Home(always(lines(wish)), [meter("41770326")], rounds=1)
    begin = trio.current_time()
    await home.serve()
    assert len(home.readouts) == 1
    assert trio.current_time() - begin < 2


# A line that fails


async def test_slots_that_pass_while_the_line_is_down_end_as_gaps() -> None:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        if trio.current_time() < 130:
            raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield lines(P1)

    home = Home(opener, [meter(SERIAL)])
    await home.serve(241)
    assert home.causes == [Cause.LINE_DOWN] * 3
    assert len(home.readouts) == 2
    assert [finding.code for finding in home.findings] == ["E-LINE-1"]


async def test_with_rounds_a_line_that_cannot_be_opened_ends_every_slot() -> None:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield lines(P1)

    home = Home(opener, [meter(SERIAL), meter("1")], rounds=1)
    await home.serve()
    assert home.causes == [Cause.LINE_DOWN] * 2
    assert trio.current_time() < 10


class Torn(MemoryLine):
    """A line that hangs up in the middle of its third telegram."""

    async def receive(self) -> bytes:
        octets = await super().receive()
        if self.octets_received > 1100:
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return octets


async def test_a_line_that_hangs_up_is_opened_again_and_no_half_telegram_is_taken() -> None:
    left: list[MemoryLine] = []

    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        line = simulated_line(evolve(P1, is_live=False))
        left.append(Torn(line.bus(), speed=line.opening_speed))
        yield left[-1]

    home = Home(opener, [meter(SERIAL, scan_rate_ms=1000)])
    await home.serve(30)
    assert len(left) > 2
    assert len({tuple(reading.raw for reading in one.readings) for one in home.readouts}) == 1


# The end


async def test_cancelled_its_open_slots_are_booked_once() -> None:
    wish = evolve(P1, faults=(FaultRate(Fault.SILENT),))
    home = Home(always(lines(wish)), [meter(SERIAL), meter("1")])
    await home.serve(3)
    assert home.causes == [Cause.CANCELLED] * 2


async def test_cancelled_between_slots_no_gap_is_made() -> None:
    home = Home(always(lines(P1)), [meter(SERIAL)])
    await home.serve(30)
    assert [type(record) for record in home.records] == [Readout]


async def test_nothing_is_asked_of_a_meter_on_such_a_line() -> None:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        raise AssertionError("the line was opened")
        yield lines(P1)

    visitor = Home(opener, []).listener().visitor
    errand = Errand(visitor, meter(SERIAL), ReadRegisters(("1.8.0",)), SCHEDULED, opener)
    await errand.run()
    record = errand.record()
    assert isinstance(record, Gap)
    assert (record.cause, record.finding.code) == (Cause.REFUSED, "E-PUSH-4")


# A line that asks, on which somebody pushes


class Babbling(SimulatedBus):
    """A bus on which one more meter pushes between the visits."""

    telegram = encode_pushed(
        PushedTelegram(Identification("XKV", "3", "WASSER1"), b"8.1(00117.402*m3)\r\n!\r\n", CheckKind.XOR, framed=True)
    )
    due = 7.0

    @property
    def next_due(self) -> float:
        return min(super().next_due, self.due)

    def take(self, now: float, speed: int) -> bytes:
        octets = super().take(now, speed)
        if now < self.due:
            return octets
        is_busy = super().next_due < float("inf")
        self.due = now + (1 if is_busy else 13.7)
        return octets if is_busy else octets + self.telegram


async def test_l16_what_is_pushed_between_visits_gets_into_no_readout() -> None:
    serials = ("41770321", "41770322", "41770323")
    bus = Babbling([SimulatedMeter(plate(serial, mode=Mode.C)) for serial in serials])
    records: list[Record] = []

    async def store(record: Record, _: MeterMemory | None) -> None:
        await trio.lowlevel.checkpoint()
        records.append(record)

    settings = LineSettings("riser", SerialPort("/dev/ttyS9"))
    visitor = Visitor("block-12", settings, ZoneInfo("UTC"), CATALOG, {}, LineFigures(), now)
    schedule = Schedule([meter(serial, scan_rate_ms=15_000) for serial in serials], trio.current_time())
    with trio.move_on_after(600):
        await Bus(visitor, schedule, store, lambda _: None, Telemetry(), None, always(MemoryLine(bus))).serve()
    readouts = [record for record in records if isinstance(record, Readout)]
    assert len(readouts) > 100
    for one in readouts:
        raw = [reading.raw for reading in one.readings]
        assert raw == [one.visit.serial, f"00{one.visit.serial[-5:]}.678*kWh"]


# Real ports


@pytest.mark.real_time
@pytest.mark.parametrize("port", [PtyPort(), TcpPort()])
@pytest.mark.parametrize("push", [Push.P1, Push.MODE_D])
async def test_what_is_pushed_at_a_real_port_gets_into_the_journal(port: Port, push: Push, tmp_path: Path) -> None:
    line = simulated_line(LineWish(port, START.replace(tzinfo=None), 2, push=push, period=0.3, baudrate=115_200))
    findings: list[Finding] = []
    async with trio.open_nursery() as nursery:
        endpoint = endpoint_from_text(await nursery.start(serve_line, line)).endpoint
        settings = LineSettings("home", endpoint, baudrate=115_200, push=push, serial_close_delay=0)
        meters = tuple(meter(plate.serial) for plate in line.plates)
        site = Site(tmp_path, GatewaySettings(), (settings,), meters, (), None, Locator(""))
        tally = await App(site, CATALOG, (), Telemetry(), findings.append, rounds=1).run(tmp_path / "state")
        nursery.cancel_scope.cancel()
    assert findings == []
    assert (tally.delivered, tally.gaps) == (2, Counter())
