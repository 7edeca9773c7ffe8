"""A simulated meter's clock, read and set by a gateway whose wall clock starts at START."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest
from attrs import evolve

from gateway.errors import Cause
from gateway.job import ReadClock, SetClock
from gateway.profile.programming_mode import ClockForm
from gateway.protocol.timing import wire_time
from gateway.reading import EventKind, Readout
from gateway.work import SCHEDULED, Terms
from gateway.work.clock import ClockSetting
from gateway.work.order import Order
from tests.workshop import (
    CONFIRMED,
    LOCAL_START,
    METER,
    PLATE,
    PROGRAMMING,
    START,
    VERBA,
    VILNIUS,
    WRITING,
    Workshop,
    data,
    now,
    scripted,
    session,
)

pytestmark = pytest.mark.anyio


def off_by(seconds: float) -> Workshop:
    """A meter whose clock is so many seconds ahead."""
    start = LOCAL_START + timedelta(seconds=seconds)
    return Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, start=start)), access=WRITING)


async def test_the_clock_is_read_with_its_drift() -> None:
    shop = off_by(75)
    readout = await shop.readout(ReadClock())
    assert [reading.address for reading in readout.readings] == ["0.9.1", "0.9.2"]
    assert readout.clock_drift_s in {74, 75}
    assert readout.visit.job == "clock"
    assert shop.commands(b"P", b"W") == []


@pytest.mark.parametrize("seconds", [-250, -30, 30, 250])
async def test_a_clock_is_set_to_within_two_seconds_and_read_back(seconds: float) -> None:
    shop = off_by(seconds)
    event = await shop.event(SetClock())
    assert event.kind is EventKind.CLOCK_SET
    assert (event.details["register"], event.details["confirmed"]) == ("0.9.1, 0.9.2", True)
    after = (await shop.readout(ReadClock())).clock_drift_s
    assert after is not None
    assert abs(after) <= 1
    old, new = (datetime.fromisoformat(str(event.details[key])) for key in ("old", "new"))
    assert (new - old).total_seconds() == pytest.approx(-seconds, abs=5)


async def test_d7_a_clock_that_was_set_is_no_longer_known_to_be_off() -> None:
    shop = off_by(30)
    shop.memory.experience.drift_s = 30
    await shop.readout(ReadClock())
    assert shop.memory.experience.drift_s == 30
    await shop.event(SetClock())
    assert shop.memory.experience.drift_s is None


async def test_each_register_is_written_once_time_first_so_that_it_ends_with_the_second_it_says() -> None:
    shop = off_by(60)
    await shop.event(SetClock())
    time, date = shop.commands(b"W")
    assert date == b"W5\x020.9.2(1260930)"
    moment, octets, speed = shop.line.sent[[word[1:-2] for word in shop.words].index(time)]
    end = moment + wire_time(len(octets), speed)
    ended = (START + timedelta(seconds=end)).astimezone(VILNIUS)
    assert time == f"W5\x020.9.1(1{ended + timedelta(milliseconds=20):%H%M%S})".encode()
    assert min(ended.microsecond, 1_000_000 - ended.microsecond) < 20_000


async def test_a_long_step_wants_to_be_forced() -> None:
    shop = off_by(400)
    gap = await shop.gap(SetClock())
    assert (gap.cause, gap.finding.code) == (Cause.REFUSED, "E-JOB-2")
    assert "+400 s" in gap.finding.what or "+399 s" in gap.finding.what
    assert shop.commands(b"W") == []
    assert (await shop.event(SetClock(), evolve(CONFIRMED, forced=True))).details["confirmed"] is True


async def test_a_clock_that_tells_no_time_wants_to_be_forced() -> None:
    garbled = [data("0.9.1(--:--:--)"), data("0.9.2(000000)")]
    shop = Workshop(access=WRITING)
    shop.line = scripted(session(b"\x06", data("0.0.0(41770326)"), *garbled))
    assert (await shop.gap(SetClock())).finding.code == "E-JOB-3"


async def test_a_scheduled_job_leaves_a_right_clock_alone() -> None:
    shop = off_by(1)
    record = await shop.do(SetClock(), SCHEDULED)
    assert isinstance(record, Readout)
    assert shop.commands(b"W") == []
    shop = off_by(30)
    assert (await shop.event(SetClock(), SCHEDULED)).details["confirmed"] is True


async def test_a_family_whose_clock_is_not_known_is_not_signed_on_to() -> None:
    shop = Workshop(access=WRITING, profile=evolve(VERBA, programming=evolve(VERBA.programming, clock=ClockForm(()))))
    gap = await shop.gap(SetClock())
    assert gap.finding.code == "E-JOB-4"
    assert shop.words == []


async def test_s7_a_clock_that_is_written_in_part_leaves_an_audit_record() -> None:
    shop = Workshop(access=WRITING)
    before = [data("0.0.0(41770326)"), data("0.9.1(1120100)"), data("0.9.2(1260930)")]
    shop.line = scripted(session(b"\x06", *before, b"\x06", data("(ERROR)")))
    event = await shop.event(SetClock())
    assert event.details["confirmed"] is False
    assert [command[:9] for command in shop.commands(b"W")] == [b"W5\x020.9.1(", b"W5\x020.9.2("]


# Near midnight


@pytest.mark.parametrize(
    ("begin", "seconds"),
    [
        ("2026-09-30T12:00:05+03:00", 0),
        ("2026-09-30T12:00:50+03:00", 0),
        ("2026-09-30T12:00:51+03:00", 14),
        ("2026-09-30T12:00:00+03:00", 5),
        ("2026-09-30T23:59:20+03:00", 70),
        ("2026-10-01T00:00:10+03:00", 20),
        ("2026-10-25T03:59:30+03:00", 60),
        ("2026-03-29T02:59:40+02:00", 50),
    ],
    ids=["early", "late", "end of minute", "begin of minute", "midnight", "after midnight", "winter", "summer"],
)
async def test_the_session_begins_in_mid_minute_far_from_midnight_and_season_changes(begin: str, seconds: int) -> None:
    shop = Workshop(access=WRITING)
    visit, memory = shop.visitor.blank(METER, START), shop.memory
    moment = datetime.fromisoformat(begin).astimezone(UTC)
    order = Order(visit, METER, Terms(), WRITING, memory, VILNIUS, {}, lambda: moment)
    assert ClockSetting(order).pause() == seconds


async def test_a_clock_set_at_midnight_waits_before_it_talks() -> None:
    midnight = datetime(2026, 9, 30, 23, 59, 50)  # noqa: DTZ001 - local time of the meter
    shop = Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, start=midnight)), access=WRITING)
    shop.visitor.now = lambda: datetime(2026, 9, 30, 20, 59, 50, tzinfo=UTC) + timedelta(seconds=anyio.current_time())
    event = await shop.event(SetClock(), evolve(CONFIRMED, forced=True))
    assert event.details["confirmed"] is True
    assert shop.line.sent[0][0] >= 40
    assert now() >= START + timedelta(seconds=40)
