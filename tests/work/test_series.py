"""Load profiles and logs of a simulated meter: which range is asked for, what is kept of the answers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import anyio
import pytest
from attrs import evolve

from gateway.errors import Cause
from gateway.job import ReadSeries
from gateway.profile.programming_mode import SeriesKind
from gateway.protocol.messages import DataBlock, encode
from gateway.reading import Gap, Quality, Readout
from gateway.simulator import Fault
from gateway.site.model import JobKind, JobSettings
from tests.workshop import (
    BREAK,
    CONFIRMED,
    PLATE,
    PROGRAMMING,
    START,
    VERBA,
    VILNIUS,
    Workshop,
    data,
    scripted,
    session,
)

NIGHTLY = JobSettings(JobKind.PROFILE_DATA, "00:30")
LOG = JobSettings(JobKind.EVENTS, "*/60", days=400)
PROFILE = ReadSeries(SeriesKind.LOAD_PROFILE)
HEAD = "P.01(1260930114500)(00)(15)(1)(1.5)(kW)\r\n"
SINCE = datetime(2026, 9, 30, 8, 30, tzinfo=UTC)
RANGE = ReadSeries(SeriesKind.LOAD_PROFILE, since=SINCE)

pytestmark = pytest.mark.anyio


def ends(readout: Readout) -> list[datetime]:
    return sorted({reading.valid_at for reading in readout.readings if reading.valid_at is not None})


def cut(text: str) -> bytes:
    """A data message that stops in the middle."""
    return encode(DataBlock(text.encode()))[:-2]


async def slot(shop: Workshop, job: JobSettings, due: float) -> Readout:
    record = await shop.slot(job, due)
    assert isinstance(record, Readout), record
    return record


async def test_the_first_read_reaches_back_so_many_days_and_the_next_one_asks_for_what_is_missing() -> None:
    shop = Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, events=())))
    first = await slot(shop, NIGHTLY, 0)
    assert len(ends(first)) == 97, "both ends of the range"
    assert {later - earlier for earlier, later in pairwise(ends(first))} == {timedelta(minutes=15)}
    assert first.visit.job == "profile-data"
    assert shop.memory.stored_until == {"P.01": ends(first)[-1]}
    await anyio.sleep(3600)
    second = await slot(shop, NIGHTLY, 1)
    assert ends(second) == [ends(first)[-1] + timedelta(minutes=15) * n for n in range(1, 5)]
    until = (ends(first)[-1] - timedelta(hours=1)).astimezone(VILNIUS)
    assert shop.commands(b"R")[-1] == f"R6\x02P.01(1{until:%y%m%d%H%M};)".encode()


async def test_nothing_new_is_a_readout_that_says_so() -> None:
    shop = Workshop()
    await slot(shop, NIGHTLY, 0)
    again = await slot(shop, NIGHTLY, 1)
    assert again.readings == ()
    assert "nothing is stored in the range" in (again.reason or "")
    assert again.quality is Quality.GOOD


async def test_an_empty_range_is_no_fault() -> None:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    series = ReadSeries(SeriesKind.LOAD_PROFILE, since=since, until=since)
    readout = await Workshop().readout(series)
    assert (readout.readings, readout.quality) == ((), Quality.GOOD)
    assert "or the meter may want a password" in (readout.reason or "")
    admitted = await Workshop().readout(series, evolve(CONFIRMED, presents=True))
    assert (admitted.reason or "").endswith("nothing is stored in the range")


async def test_a_range_that_was_asked_for_is_read_whole_and_leaves_the_memory_alone() -> None:
    shop = Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, events=())))
    shop.memory.stored_until["P.01"] = START
    until = SINCE + timedelta(minutes=15)
    readout = await shop.readout(evolve(RANGE, since=SINCE - timedelta(hours=1), until=until))
    assert ends(readout) == [SINCE + timedelta(minutes=15) * n for n in range(-3, 2)]
    assert shop.memory.stored_until == {"P.01": START}


async def test_a_log_is_read_from_its_last_entry_on() -> None:
    shop = Workshop()
    first = await slot(shop, LOG, 0)
    assert first.visit.job == "events"
    entries = [reading for reading in first.readings if reading.address == "P.98"]
    assert entries
    assert shop.memory.stored_until["P.98"] == ends(first)[-1]
    assert (await slot(shop, LOG, 1)).readings == ()


async def test_values_times_and_states_come_from_the_profile() -> None:
    shop = Workshop()
    shop.line = scripted(session(data(HEAD.replace("(00)", "(20)") + "(0.412)\r\n(0.398)\r\n")))
    readout = await shop.readout(RANGE)
    assert [(str(reading.value), reading.unit, reading.status) for reading in readout.readings] == [
        ("0.412", "kW", "clock set"),
        ("0.398", "kW", "clock set"),
    ]
    assert ends(readout) == [SINCE + timedelta(minutes=15), SINCE + timedelta(minutes=30)]


@pytest.mark.parametrize(("lines", "argument"), [(None, "R6\x02P.01(12609301130;)"), (4, "R6\x02P.01(12609301130;;4)")])
async def test_partial_blocks_are_asked_for_where_the_family_sends_them(lines: int | None, argument: str) -> None:
    shop = Workshop(profile=evolve(VERBA, programming=evolve(VERBA.programming, lines_a_block=lines)))
    await shop.readout(RANGE)
    assert shop.commands(b"R") == [argument.encode()]


async def test_a_family_without_partial_blocks_is_read_by_its_usual_command() -> None:
    programming = evolve(VERBA.programming, read_parts=None, lines_a_block=4)
    shop = Workshop(profile=evolve(VERBA, programming=programming))
    await shop.readout(RANGE)
    assert shop.commands(b"R") == [b"R5\x02P.01(12609301130;)"]


async def test_a_code_that_the_profile_does_not_list_is_read_as_the_usual_ones_are() -> None:
    shop = Workshop()
    shop.line = scripted(session(data(HEAD.replace("P.01", "P.77") + "(0.412)\r\n")))
    readout = await shop.readout(evolve(RANGE, address="P.77"))
    assert readout.visit.job == "profile-data P.77"
    assert len(readout.readings) == 1


# Answers that break off


async def test_the_rest_of_an_answer_that_breaks_off_is_asked_for_from_its_last_whole_row_on() -> None:
    shop = Workshop()
    rest = HEAD.replace("114500", "120000") + "(0.398)\r\n(0.405)\r\n"
    broken = cut(HEAD + "(0.412)\r\n(0.398)\r\n(0.4")
    # The block is asked for again twice before what came of it is taken.
    shop.line = scripted(session(broken, broken, broken, data(rest)))
    readout = await shop.readout(RANGE)
    assert [str(reading.value) for reading in readout.readings] == ["0.412", "0.398", "0.405"]
    assert [reading.quality for reading in readout.readings] == [Quality.SUSPECT, Quality.GOOD, Quality.GOOD]
    assert shop.commands(b"R") == [b"R6\x02P.01(12609301130;)", b"R6\x02P.01(12609301200;)"]
    assert (readout.quality, readout.reason) == (Quality.GOOD, "identity not printed")


async def test_an_answer_that_breaks_off_for_ever_is_asked_on_three_times_and_stored_as_far_as_it_goes() -> None:
    shop = Workshop(evolve(PLATE, faults={Fault.CUT: 1.0}))
    first = await slot(shop, NIGHTLY, 0)
    assert first.quality is Quality.SUSPECT
    assert "the rest is asked for at the next slot" in (first.reason or "")
    assert 1 < len(shop.commands(b"R")) <= 3 + 3, "three times more than sessions were tried"
    assert shop.memory.stored_until == {"P.01": ends(first)[-1]}
    second = await slot(shop, NIGHTLY, 1)
    assert ends(second)[0] > ends(first)[-1]


async def test_x22_rows_that_came_before_the_meter_signed_off_are_kept_in_the_next_session() -> None:
    shop = Workshop()
    broken = cut(HEAD + "(0.412)\r\n(0.398)\r\n(0.4")
    rest = HEAD.replace("114500", "120000") + "(0.398)\r\n(0.405)\r\n"
    shop.line = scripted(session(broken, broken, broken, BREAK), session(data(rest)))
    readout = await shop.readout(RANGE)
    assert [str(reading.value) for reading in readout.readings] == ["0.412", "0.398", "0.405"]
    assert readout.visit.attempt == 1


async def test_s7_rows_that_came_before_the_meter_fell_silent_are_recorded() -> None:
    shop = Workshop()
    broken = cut(HEAD + "(0.412)\r\n(0.398)\r\n(0.4")
    shop.line = scripted(session(broken, broken, broken))
    record = await shop.slot(NIGHTLY)
    assert isinstance(record, Readout)
    assert [str(reading.value) for reading in record.readings] == ["0.412", "0.398"]
    assert (record.quality, record.visit.attempt) == (Quality.SUSPECT, 3)
    assert shop.memory.stored_until == {"P.01": SINCE + timedelta(minutes=30)}


async def test_a_meter_that_says_nothing_of_the_series_is_a_gap() -> None:
    shop = Workshop()
    shop.line = scripted(session(), session(), session())
    record = await shop.slot(NIGHTLY)
    assert isinstance(record, Gap)
    assert (record.cause, record.visit.job, record.visit.attempt) == (Cause.NO_ANSWER, "profile-data", 3)
    assert shop.memory.stored_until == {}


# Clocks that are wrong


async def test_a_clock_that_was_far_ahead_does_not_hide_what_is_stored_after_it_was_set_right() -> None:
    shop = Workshop()
    ahead = "P.01(1361231114500)(00)(15)(1)(1.5)(kW)\r\n(0.1)\r\n"
    shop.line = scripted(session(data(ahead)))
    await slot(shop, NIGHTLY, 0)
    assert shop.memory.stored_until["P.01"] < START + timedelta(hours=2)


async def test_the_season_change_is_read_without_a_row_lost_or_twice() -> None:
    autumn = datetime(2026, 10, 25, 12, 0)  # noqa: DTZ001 - local time of the meter
    shop = Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, start=autumn, events=())))
    begin = datetime(2026, 10, 25, 10, 0, tzinfo=UTC)
    shop.visitor.now = lambda: begin + timedelta(seconds=anyio.current_time())
    found = ends(await slot(shop, NIGHTLY, 0))
    assert found == [begin - timedelta(minutes=15) * n for n in reversed(range(len(found)))]
    assert len(found) in {96, 97}
