"""Visits of simulated meters in virtual time: what becomes of a slot, at which cost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import anyio
import pytest
from attrs import evolve

from gateway.catalog import Catalog
from gateway.errors import Cause, LineLost
from gateway.figures import FrameError, LineFigures, Step
from gateway.job import ReadRegisters
from gateway.memory import MeterMemory, OpenSession
from gateway.protocol.characters import BlockCheck, Mode, without_parity
from gateway.protocol.law import LEFT_BY_BREAK
from gateway.protocol.timing import wire_time
from gateway.reading import Event, Gap, Quality, Readout
from gateway.schedule import Fate, Slot
from gateway.simulator import Fault, MemoryLine, Nameplate, SimulatedBus, SimulatedMeter, StillRegister
from gateway.site.model import (
    AccessSettings,
    JobKind,
    JobSettings,
    LineSettings,
    MeterSettings,
    SerialPort,
    SignalSettings,
    Wakeup,
)
from gateway.visit import Ended, Visitor
from tests.workshop import BREAK, LOCAL_START, PROGRAMMING, WRITING, Workshop, data, scripted, session
from tests.workshop import METER as WORKSHOP_METER
from tests.workshop import PLATE as WORKSHOP_PLATE

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
DUE = START - timedelta(seconds=3)
LINE = LineSettings("riser-a", SerialPort("/dev/ttyS9"))
REGISTERS = (
    StillRegister("0.0.0", "41770326"),
    StillRegister("0.9.1", "120014"),
    StillRegister("0.9.2", "260930"),
    StillRegister("1.8.0", "0012345.678*kWh"),
)
PLATE = Nameplate("41770326", Mode.C, "XMP", "VERBA-3.1", REGISTERS)
METER = MeterSettings("flat01", "riser-a", "41770326", tags={"flat": "1"})
CATALOG = Catalog.collect()
REQUEST = b"/?41770326!\r\n"

pytestmark = pytest.mark.anyio


def line_to(*plates: Nameplate) -> MemoryLine:
    return MemoryLine(SimulatedBus([SimulatedMeter(plate) for plate in plates]))


def visitor(line: LineSettings = LINE) -> Visitor:
    def now() -> datetime:
        return START + timedelta(seconds=anyio.current_time())

    memories = dict[str, MeterMemory]()
    return Visitor("block-12", line, ZoneInfo("Europe/Vilnius"), CATALOG, memories, LineFigures(), now)


async def visit(
    line: MemoryLine, meter: MeterSettings = METER, *, tries: int = 3, answering: int = 0, by: Visitor | None = None
) -> Ended:
    return await (by or visitor()).visit(line, Slot(meter, 0.0, Fate.VISIT, tries), DUE, answering)


async def readout(line: MemoryLine, meter: MeterSettings = METER, by: Visitor | None = None) -> Readout:
    record = (await visit(line, meter, by=by)).record
    assert isinstance(record, Readout), record
    return record


async def gap(line: MemoryLine, meter: MeterSettings = METER, *, tries: int = 3, answering: int = 0) -> Gap:
    record = (await visit(line, meter, tries=tries, answering=answering)).record
    assert isinstance(record, Gap), record
    return record


def words(line: MemoryLine) -> list[bytes]:
    return [without_parity(octets) for _, octets, _ in line.sent]


async def test_a_readout_tells_all_about_its_visit() -> None:
    ended = await visit(line_to(PLATE))
    record = ended.record
    assert isinstance(record, Readout)
    seconds = anyio.current_time()
    assert (record.visit.gateway, record.visit.line, record.visit.meter) == ("block-12", "riser-a", "flat01")
    assert (record.visit.serial, record.visit.attempt, record.visit.tags) == ("41770326", 1, {"flat": "1"})
    assert (record.visit.due_at, record.visit.started_at) == (DUE, START)
    assert record.visit.duration_ms == round(seconds * 1000)
    assert (record.identification, record.manufacturer, record.model) == ("/XMP5VERBA-3.1", "XMP", "VERBA-3.1")
    assert (record.profile, record.quality, record.reason) == ("generic@1", Quality.GOOD, None)
    assert record.meter_time == datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - the meter's own clock
    assert record.read_at == START + timedelta(seconds=seconds)
    assert record.clock_drift_s == round(14 - seconds)
    assert record.block == PLATE.block()
    energy = record.readings[-1]
    assert (energy.address, energy.value, energy.unit) == ("1.8.0", Decimal("12345.678"), "kWh")
    assert [step for step, _ in ended.steps] == [Step.SIGN_ON, Step.SPEED_CHANGE, Step.READOUT, Step.DECODE]


@pytest.mark.parametrize("printed", ["1260930120014", "2260930090014"], ids=["summer", "utc"])
async def test_the_drift_of_a_clock_heeds_the_zone_that_it_prints(printed: str) -> None:
    plate = evolve(PLATE, registers=(*REGISTERS, StillRegister("0.9.4", printed)))
    record = await readout(line_to(plate))
    assert record.clock_drift_s == round(14 - anyio.current_time())


async def test_wanted_signals_alone_are_read() -> None:
    signals = (SignalSettings("Energy", "energy", "1.8.0"),)
    record = await readout(line_to(PLATE), evolve(METER, signals=signals))
    assert [(reading.signal, reading.value) for reading in record.readings] == [("energy", Decimal("12345.678"))]


# Identity


async def test_another_meters_readout_becomes_a_gap_and_nothing_is_remembered_of_it() -> None:
    line = line_to(evolve(PLATE, serial="41770399", faults={Fault.IGNORES_ADDRESS: 1.0}))
    asked = evolve(METER, serialnumber="41770399")
    by = visitor()
    record = (await visit(line, asked, by=by)).record
    assert isinstance(record, Gap)
    assert (record.cause, record.finding.code) == (Cause.WRONG_METER, "E-READ-8")
    assert str(record.finding).startswith("E-READ-8 meter 41770399: asked 41770399, answered 41770326: nothing stored")
    assert words(line).count(b"/?41770399!\r\n") == 1
    assert by.memory(asked).identification is None


async def test_without_an_identity_register_the_readout_says_so() -> None:
    record = await readout(line_to(evolve(PLATE, registers=REGISTERS[3:])))
    assert (record.quality, record.reason) == (Quality.GOOD, "identity not printed")


async def test_a_changed_identification_without_identity_is_suspect() -> None:
    plate, by = evolve(PLATE, registers=REGISTERS[3:]), visitor()
    await readout(line_to(plate), by=by)
    record = await readout(line_to(evolve(plate, model="VERBA-4")), by=by)
    assert record.quality is Quality.SUSPECT
    assert "/XMP5VERBA-4" in (record.reason or "")


# What a failure costs


async def test_a_silent_meter_is_tried_three_times_with_the_silence_of_each() -> None:
    line = line_to()
    record = await gap(line, answering=58)
    assert words(line) == [REQUEST] * 3
    assert record.visit.attempt == 3
    request = wire_time(len(REQUEST), 300)
    # The silence before a second try has passed with the time-out of the first.
    assert anyio.current_time() == pytest.approx(0.2 + 3 * (request + 2.5), abs=0.005)
    assert str(record.finding) == (
        'E-READ-1 meter 41770326: no answer to "/?41770326!" (3 tries, 2.5 s each); 58 others on this '
        "line answer\n        next: check this meter's wiring or number, not the line"
    )


async def test_a_resting_meter_is_tried_once_and_a_line_without_any_answer_is_blamed() -> None:
    line = line_to()
    record = await gap(line, tries=1)
    assert words(line) == [REQUEST]
    assert "(1 try, 2.5 s each)" in record.finding.what
    assert "no meter of it has answered" in (record.finding.next or "")


async def test_a_block_that_is_bad_every_time_is_repeated_twice_a_try() -> None:
    line, by = line_to(evolve(PLATE, faults={Fault.BAD_CHECK: 1.0})), visitor()
    record = (await visit(line, by=by)).record
    assert isinstance(record, Gap)
    assert (record.cause, record.finding.code) == (Cause.GARBLED, "E-READ-6")
    assert words(line) == [REQUEST, b"\x06050\r\n", b"\x15", b"\x15"] * 3
    assert by.figures.frame_errors == {FrameError.BLOCK_CHECK: 9}


async def test_a_good_second_try_is_a_readout_with_its_attempt() -> None:
    line = line_to(evolve(PLATE, reaction=2.6))
    silence = await gap(line, tries=1)
    assert silence.cause is Cause.NO_ANSWER
    line = line_to(evolve(PLATE, faults={Fault.SLOW: 0.5}))
    record = (await visit(line, evolve(METER, timeout_ms=700), tries=9)).record
    assert isinstance(record, Readout)
    assert record.visit.attempt == words(line).count(REQUEST) > 1


# How the meter is spoken to


@pytest.mark.parametrize(
    ("manufacturer", "t2", "expected"), [("XMP", None, 0.2), ("XMp", None, 0.02), ("XMP", 450, 0.45)]
)
async def test_t2_is_the_reaction_class_or_what_is_set(manufacturer: str, t2: int | None, expected: float) -> None:
    line = line_to(evolve(PLATE, manufacturer=manufacturer))
    await readout(line, evolve(METER, t2=t2))
    select = line.sent[1][0]
    identified = max(moment for moment, _, _ in line.received if moment <= select)
    assert select - identified == pytest.approx(expected)


async def test_the_meters_own_times_are_kept() -> None:
    line = line_to()
    await gap(line, evolve(METER, poll_delay_ms=700, timeout_ms=900), tries=2)
    request = wire_time(len(REQUEST), 300)
    assert [moment for moment, _, _ in line.sent] == [0.7, pytest.approx(0.7 + request + 0.9, abs=0.002)]


async def test_a_line_that_wakes_its_meters_up_sends_nulls_first() -> None:
    line = line_to()
    by = visitor(evolve(LINE, wakeup=Wakeup.NULLS))
    await visit(line, tries=1, by=by)
    assert words(line) == [bytes(66), REQUEST]


async def test_the_ceiling_of_the_line_is_kept() -> None:
    line = line_to(PLATE)
    await readout(line, by=visitor(evolve(LINE, max_baudrate=2400)))
    assert words(line)[1] == b"\x06000\r\n"


@pytest.mark.parametrize(
    ("forced", "cause", "code"), [(Mode.E, Cause.REFUSED, "E-READ-2"), (Mode.A, Cause.NO_ANSWER, "E-READ-5")]
)
async def test_type_forces_the_mode(forced: Mode, cause: Cause, code: str) -> None:
    record = await gap(line_to(PLATE), evolve(METER, type=forced), tries=1)
    assert (record.cause, record.finding.code) == (cause, code)


async def test_a_meter_without_serial_number_is_asked_as_any() -> None:
    line = line_to(PLATE)
    record = await readout(line, evolve(METER, serialnumber=""))
    assert words(line)[0] == b"/?!\r\n"
    assert record.quality is Quality.GOOD


async def test_the_block_check_is_that_of_the_profile() -> None:
    summed = evolve(PLATE, check=BlockCheck.SUM7)
    assert (await gap(line_to(summed), tries=1)).finding.code == "E-READ-6"
    record = await readout(line_to(summed), evolve(METER, meter_model="energomera-ce30x"))
    assert record.profile.startswith("energomera-ce30x@")


@pytest.mark.parametrize("mode", [Mode.A, Mode.B])
async def test_modes_without_option_select_are_read(mode: Mode) -> None:
    plate = evolve(PLATE, mode=mode, speed_character="E" if mode is Mode.B else " ", framed=mode is Mode.B)
    record = await readout(line_to(plate))
    assert record.readings[-1].value == Decimal("12345.678")


# Short tables


async def test_a_short_table_is_asked_for_by_its_option_digit() -> None:
    line = line_to(evolve(PLATE, tables={"6": ("0.0.0", "1.8.0")}))
    record = await readout(line, evolve(METER, table="6"))
    assert words(line)[1] == b"\x06056\r\n"
    assert [reading.address for reading in record.readings] == ["0.0.0", "1.8.0"]


# Jobs

NIGHTLY = JobSettings(JobKind.PROFILE_DATA, "00:30")
CLOCK = JobSettings(JobKind.CLOCK, "00:30")


async def test_a_job_is_done_in_its_slot_and_named_in_its_visit() -> None:
    shop = Workshop()
    record = await shop.slot(NIGHTLY)
    assert isinstance(record, Readout)
    assert (record.visit.job, record.visit.meter, record.visit.attempt) == ("profile-data", "flat01", 1)
    assert record.visit.duration_ms == round(anyio.current_time() * 1000)


async def test_a_clock_job_sets_the_clock_where_writing_is_on_and_reads_it_where_not() -> None:
    late = evolve(PROGRAMMING, start=LOCAL_START - timedelta(seconds=100))
    for access, kinds in ((WRITING, 2), (AccessSettings(), 0)):
        shop = Workshop(evolve(WORKSHOP_PLATE, programming=late), access=access)
        record = await shop.slot(CLOCK)
        assert isinstance(record, Event if kinds else Readout)
        assert len(shop.commands(b"W")) == kinds


async def test_a_silent_meter_is_tried_for_its_job_as_often_as_the_slot_grants() -> None:
    shop = Workshop()
    shop.line = line_to()
    record = await shop.slot(NIGHTLY)
    assert isinstance(record, Gap)
    assert (record.cause, record.visit.attempt, record.visit.job) == (Cause.NO_ANSWER, 3, "profile-data")
    assert shop.words == [REQUEST] * 3


async def test_a_refusal_of_the_password_is_not_tried_again() -> None:
    shop = Workshop(settings=evolve(WORKSHOP_METER, password="env:WRONG"))  # noqa: S106 - a reference
    gap = await shop.gap(ReadRegisters(("owner",)))
    assert (gap.cause, gap.visit.attempt) == (Cause.ACCESS_DENIED, 1)
    assert shop.words.count(REQUEST) == 1


async def test_x22_after_the_meters_own_sign_off_one_new_session_follows_and_no_try_is_counted() -> None:
    shop = Workshop()
    shop.line = scripted(session(BREAK), session(data("1.8.0(0012345.678*kWh)")))
    record = await shop.readout(ReadRegisters(("1.8.0",)))
    assert record.visit.attempt == 1
    shop.line = scripted(session(BREAK), session(BREAK), session(data("1.8.0(0012345.678*kWh)")))
    gap = await shop.gap(ReadRegisters(("1.8.0",)))
    assert (gap.cause, gap.finding.code, gap.visit.attempt) == (Cause.REFUSED, "E-PRG-3", 1)


async def test_the_mark_of_an_open_session_is_durable_before_it_is_opened_and_gone_after_it() -> None:
    shop = Workshop()
    options = []

    async def keep(alias: str, memory: MeterMemory) -> None:
        options.append((memory.open_session, len(shop.words)))
        await shop.keep(alias, memory)

    shop.visitor.remember = keep
    await shop.readout(ReadRegisters(("1.8.0",)))
    assert options == [(OpenSession(9600, BlockCheck.XOR), 1)], "after the request, before the option select"
    assert shop.memory.open_session is None


async def test_the_mark_stays_where_the_line_was_lost_before_the_meter_was_left() -> None:
    shop = Workshop()
    receive = shop.line.receive

    async def torn() -> bytes:
        if shop.commands(b"R"):
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return await receive()

    shop.line.receive = torn  # type: ignore[method-assign]
    with pytest.raises(LineLost):
        await shop.do(ReadRegisters(("1.8.0",)))
    assert shop.memory.open_session == OpenSession(9600, BlockCheck.XOR)


async def test_a_job_goes_on_where_it_was_once_the_line_is_back() -> None:
    late = evolve(PROGRAMMING, start=LOCAL_START - timedelta(seconds=100))
    shop = Workshop(evolve(WORKSHOP_PLATE, programming=late), access=WRITING)
    whole = shop.line
    receive = whole.receive

    async def torn() -> bytes:
        if len(shop.commands(b"W")) == 2:
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return await receive()

    whole.receive = torn  # type: ignore[method-assign]
    with pytest.raises(LineLost):
        await shop.slot(CLOCK, 7.0)
    shop.line = MemoryLine(SimulatedBus([shop.meter]))
    await shop.visitor.free(shop.line, [shop.settings])
    record = await shop.slot(CLOCK, 7.0)
    assert isinstance(record, Event)
    assert record.details["confirmed"] is True
    assert shop.commands(b"W") == [], "what was sent on the lost line is not sent again"


async def test_s4_a_meter_that_missed_its_break_is_freed_at_its_speed_before_the_next_try() -> None:
    shop = Workshop()
    send, missed = shop.line.send, [BREAK]

    async def send_but_one_break(octets: bytes) -> None:
        if octets in missed:
            missed.remove(octets)
        else:
            await send(octets)

    shop.line.send = send_but_one_break  # type: ignore[method-assign, assignment]
    await shop.readout(ReadRegisters(("1.8.0",)))
    assert shop.meter.state in LEFT_BY_BREAK
    said = len(shop.words)
    record = await shop.slot(None)
    assert isinstance(record, Readout)
    assert record.visit.attempt == 2
    assert shop.words[said : said + 3] == [REQUEST, BREAK, REQUEST]
    assert shop.line.sent[said + 1][2] == 9600


async def test_s4_a_meter_that_stays_stuck_costs_one_break_a_visit() -> None:
    shop = Workshop(evolve(WORKSHOP_PLATE, faults={Fault.BREAK_LOST: 1.0}))
    await shop.readout(ReadRegisters(("1.8.0",)))
    said = len(shop.words)
    record = await shop.slot(None)
    assert isinstance(record, Gap)
    assert shop.words[said:] == [REQUEST, BREAK, REQUEST, REQUEST]


async def test_the_mark_stays_where_the_meter_still_talked_when_it_was_left() -> None:
    shop = Workshop()
    shop.line = scripted(session(data("1.8.0(" + "1" * 4000 + ")")))
    with anyio.move_on_after(3.0):
        await shop.do(ReadRegisters(("1.8.0",)))
    assert shop.words[-1] == BREAK
    assert shop.memory.open_session == OpenSession(9600, BlockCheck.XOR)
