"""What the journal makes of a host whose clock was put, or had lost the time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import Cause, Finding
from gateway.journal import Journal
from gateway.reading import Gap, Readout, Record, Visit

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
AT_BOOT = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.anyio


def gap(due_at: datetime, late_s: float = 0.0, job: str = "", duration_ms: int = 2000) -> Gap:
    """A slot that was begun so many seconds after it was due."""
    started_at = due_at + timedelta(seconds=late_s)
    visit = Visit("block-12", "riser-a", "flat01", "01234567", due_at, started_at, duration_ms, job=job)
    return Gap(visit, Cause.NO_ANSWER, Finding("E-READ-1", "meter flat01", "no answer"))


def readout(read_at: datetime) -> Readout:
    visit = Visit("block-12", "riser-a", "flat01", "01234567", read_at, read_at, 2000)
    return Readout(visit, "/XMP5VERBA", "XMP", "VERBA", "generic@1", read_at, (), block=b"1.8.0(1)\r\n!\r\n")


async def stored(journal: Journal) -> Sequence[Record]:
    return [record for _, record in await journal.batch(0, 100)]


@pytest.mark.parametrize("job", ["", "profile-data"])
async def test_d8_two_slots_of_the_same_due_time_are_both_kept_where_the_clock_was_put_back(
    tmp_path: Path, job: str
) -> None:
    before, again, third = gap(START, 0.2, job), gap(START, 0.3, job), gap(START, 0.3, job, duration_ms=1900)
    async with Journal.open(tmp_path, inline=True) as journal:
        for record in (before, again, third, again, before):
            await journal.append(record)
        kept = await stored(journal)
    assert [record.visit.started_at for record in kept] == [
        before.visit.started_at,
        again.visit.started_at,
        third.visit.started_at,
    ]
    assert [(record.visit.due_at - START) // timedelta(microseconds=1) for record in kept] == [0, 1, 2]


async def test_d9_records_of_a_host_that_had_lost_the_time_are_pruned_with_those_that_follow_them(
    tmp_path: Path,
) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        for moment in (START, AT_BOOT, AT_BOOT + HOUR, START + HOUR):
            await journal.append(readout(moment))
        await journal.prune(START + timedelta(days=8), 90, [])
        assert [bool(record.block) for record in await stored(journal) if isinstance(record, Readout)] == [False] * 4
        await journal.prune(START + timedelta(days=90, minutes=30), 90, [])
        assert [record.visit.due_at for record in await stored(journal)] == [AT_BOOT, AT_BOOT + HOUR, START + HOUR]
        await journal.prune(START + timedelta(days=91), 90, [])
        assert await stored(journal) == []


async def test_d9_what_was_just_read_without_the_time_is_kept(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(AT_BOOT))
        await journal.prune(START, 90, [])
        assert await stored(journal) == [readout(AT_BOOT)], "its block too"
        assert await journal.newest() == AT_BOOT
        await journal.append(readout(START))
        await journal.append(readout(AT_BOOT + HOUR))
        assert await journal.newest() == START
