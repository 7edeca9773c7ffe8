"""The journal as its tasks use it, mostly under a virtual clock."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

import attrs
import pytest
import trio

from gateway.errors import Cause, Finding, JournalFailed, JournalForeign
from gateway.journal import FILE_NAME, Counts, Journal, Store, growing_pauses, read_readings, read_visits
from gateway.journal.journal import CLOSING_S
from gateway.journal.store import PRUNE_STEP, Entry
from gateway.memory import Latch, MeterMemory, OpenSession
from gateway.protocol.characters import BlockCheck
from gateway.reading import Event, EventKind, Gap, Reading, Readout, Record, Visit

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)

pytestmark = pytest.mark.anyio


def visit(n: int, meter: str = "flat01") -> Visit:
    due = START + n * QUARTER
    return Visit("block-12", "riser-a", meter, "01234567", due, due + timedelta(seconds=3), 2412)


def readout(n: int, meter: str = "flat01", *, logged: bool = True, block: bytes = b"1.8.0(1)\r\n!\r\n") -> Readout:
    energy = Reading("energy_import", "1-0:1.8.0*255", "1.8.0", Decimal(n), "kWh", f"{n}*kWh", logged=logged)
    slot = visit(n, meter)
    read_at = slot.started_at + timedelta(seconds=2)
    return Readout(slot, "/XMP5VERBA", "XMP", "VERBA", "generic@1", read_at, (energy,), block=block)


def gap(n: int, meter: str = "flat01") -> Gap:
    return Gap(visit(n, meter), Cause.NO_ANSWER, Finding("E-READ-1", f"meter {meter}", "no answer"))


def write(n: int, meter: str = "flat01") -> Event:
    """A register of the meter written at its slot n."""
    details: dict[str, str | bool | None] = {
        "register": "0.9.1",
        "old": "120000",
        "new": f"12000{n}",
        "confirmed": True,
    }
    slot = attrs.evolve(visit(n, meter), job="register")
    return Event(slot, EventKind.WRITE, slot.started_at + timedelta(seconds=2), f"0.9.1 is now 12000{n}", details)


async def all_of(journal: Journal) -> list[Record]:
    return [record for _, record in await journal.batch(0, 10_000)]


async def test_what_append_acknowledged_is_in_the_file(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(1))
        assert [row["value"] for row in read_readings(tmp_path)] == ["1"]
        await journal.append(gap(2))
        assert [row["outcome"] for row in read_visits(tmp_path)] == ["delivered", "gap"]


async def test_a_commit_is_forced_to_the_disk(tmp_path: Path) -> None:
    """K2: with less than FULL (2) a power cut takes acknowledged rows with it."""
    async with Journal.open(tmp_path, inline=True) as journal:
        assert journal.store.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert journal.store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_batch_starts_after_a_position_with_the_oldest(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        for n in range(4):
            await journal.append(readout(n))
        first = await journal.batch(0, 2)
        assert [record for _, record in first] == [readout(0), readout(1)]
        rest = await journal.batch(first[-1][0], 10)
        assert [record for _, record in rest] == [readout(2), readout(3)]
        assert journal.last == rest[-1][0]
        assert await journal.batch(journal.last, 10) == ()


async def test_a_slot_that_is_appended_twice_is_stored_once(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(1))
        await journal.append(readout(1))
        await journal.append(readout(1, meter="flat02"))
        assert await all_of(journal) == [readout(1), readout(1, meter="flat02")]


async def test_work_of_another_kind_that_is_due_at_the_same_time_is_a_slot_of_its_own(tmp_path: Path) -> None:
    clock = attrs.evolve(gap(1), visit=attrs.evolve(visit(1), job="clock"))
    async with Journal.open(tmp_path, inline=True) as journal:
        for record in (readout(1), clock, clock):
            await journal.append(record)
        assert await all_of(journal) == [readout(1), clock]
    assert [row["outcome"] for row in read_visits(tmp_path)] == ["delivered", "gap"]


async def test_an_event_is_kept_beside_the_record_of_its_slot(tmp_path: Path) -> None:
    slot = attrs.evolve(readout(1), visit=write(1).visit)
    undone = attrs.evolve(write(1), text="0.9.1 is 120000 again")
    async with Journal.open(tmp_path, inline=True) as journal:
        for record in (slot, write(1), undone, write(1)):
            await journal.append(record)
        assert await all_of(journal) == [slot, write(1), undone]


async def test_events_have_positions_like_every_record(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        for record in (readout(1), write(2), gap(3)):
            await journal.append(record)
        assert await journal.batch(1, 1) == [(2, write(2))]
        await journal.set_aside("broker", 2, "no topic")
        assert await journal.batch(await journal.cursor("broker"), 9) == [(3, gap(3))]
        assert await journal.dead_letters("broker") == {2: "no topic"}


async def test_an_event_is_no_slot(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(write(1))
        await journal.append(gap(2))
    assert [row["due_at"] for row in read_visits(tmp_path)] == ["2026-09-30T09:30:00.000Z"]


LATCHED = MeterMemory(latch=Latch("env:FLATS", "5ec2e7", is_refused=False))
IN_SESSION = MeterMemory(open_session=OpenSession(4800, BlockCheck.XOR), stored_until={"P.01": START})


async def test_s9_a_memory_is_durable_before_remember_returns(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.remember("flat01", LATCHED)
        await journal.remember("flat02", IN_SESSION)
        assert await journal.memories() == {"flat01": LATCHED, "flat02": IN_SESSION}
        await journal.remember("flat02", MeterMemory())
        assert await journal.memories() == {"flat01": LATCHED, "flat02": MeterMemory()}
        assert (journal.last, journal.counts()) == (0, Counts(stored=0, commits=3, waiting=0))


async def test_what_is_remembered_last_stays_however_the_commits_fall(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        with trio.CancelScope() as scope:
            scope.cancel()
            await journal.append(gap(1), MeterMemory("/XMP5OLD"))
        await journal.remember("flat01", LATCHED)
        assert (await all_of(journal), await journal.memories()) == ([gap(1)], {"flat01": LATCHED})


async def test_remember_waits_for_room(tmp_path: Path) -> None:
    alarms: list[Finding] = []
    async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
        journal.store.connection.execute("PRAGMA max_page_count = 1")
        big = MeterMemory("/" + 100_000 * "X")
        with trio.move_on_after(10) as limit:
            await journal.remember("flat01", big)
        assert (limit.cancelled_caught, await journal.memories(), journal.counts().waiting) == (True, {}, 0)
        journal.store.connection.execute("PRAGMA max_page_count = 1000000")
    assert [alarm.code for alarm in alarms] == ["E-JRN-5"]
    async with Journal.open(tmp_path, inline=True) as journal:
        assert await journal.memories() == {"flat01": big}


S5_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import trio
from gateway.journal import Journal
from gateway.memory import MeterMemory, OpenSession
from gateway.protocol.characters import BlockCheck

async def main():
    async with Journal.open(Path(sys.argv[1])) as journal:
        memory = MeterMemory(open_session=OpenSession(4800, BlockCheck.XOR))
        memory.stored_until["P.01"] = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
        await journal.remember("flat01", memory)
        os.kill(os.getpid(), signal.SIGKILL)

trio.run(main)
"""


async def test_s5_the_mark_of_an_open_session_outlives_a_kill(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", S5_KILLED, tmp_path], check=False)  # noqa: ASYNC221 - nothing else runs
    assert done.returncode == -signal.SIGKILL
    async with Journal.open(tmp_path, inline=True) as journal:
        assert await journal.memories() == {"flat01": IN_SESSION}


async def test_memories_outlive_the_process(tmp_path: Path) -> None:
    first, second = MeterMemory("/XMP5OLD", 400, framed=True), MeterMemory("/XMP5VERBA", 512, framed=False)
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(1), first)
        await journal.append(gap(2), second)
        await journal.append(readout(1, meter="flat02"))
    async with Journal.open(tmp_path, inline=True) as journal:
        assert await journal.memories() == {"flat01": second}


async def test_cursors_outlive_the_process(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        assert await journal.cursor("broker") == 0
        await journal.append(readout(1))
        await journal.append(readout(2))
        await journal.advance("broker", 1)
        await journal.advance("broker", 2)
    async with Journal.open(tmp_path, inline=True) as journal:
        assert (await journal.cursor("broker"), await journal.cursor("other")) == (2, 0)
        assert journal.last == 2


async def test_a_dead_letter_keeps_its_cause_and_moves_the_cursor(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(1))
        await journal.set_aside("broker", 1, "topic too long")
        assert await journal.dead_letters("broker") == {1: "topic too long"}
        assert await journal.dead_letters("other") == {}
        assert await journal.cursor("broker") == 1


async def test_waiting_for_the_next_record_ends_with_its_commit(tmp_path: Path) -> None:
    order: list[str] = []
    async with Journal.open(tmp_path, inline=True) as journal, trio.open_nursery() as nursery:
        await journal.beyond(-1)

        async def wait() -> None:
            await journal.beyond(0)
            order.append("seen")

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        order.append("append")
        await journal.append(readout(1))
    assert order == ["append", "seen"]


@pytest.mark.real_time
async def test_an_idle_journal_commits_each_record_at_once(tmp_path: Path) -> None:
    async with Journal.open(tmp_path) as journal:
        for n in range(5):
            await journal.append(readout(n))
            assert journal.counts().stored == n + 1
        assert journal.counts().commits == 5


@pytest.mark.real_time
async def test_records_that_come_together_share_a_commit(tmp_path: Path) -> None:
    async with Journal.open(tmp_path) as journal:
        async with trio.open_nursery() as nursery:
            for n in range(500):
                nursery.start_soon(journal.append, readout(n))
        counts = journal.counts()
        assert (counts.stored, counts.waiting) == (500, 0)
        assert 3 <= counts.commits <= 6  # a group is bounded, so that a commit stays short
        assert Counter(record.visit.due_at for record in await all_of(journal)) == Counter(
            visit(n).due_at for n in range(500)
        )


async def test_a_cancelled_append_is_still_stored(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        with trio.CancelScope() as scope:
            scope.cancel()
            await journal.append(readout(1))
        assert scope.cancelled_caught
    assert [row["value"] for row in read_readings(tmp_path)] == ["1"]


async def test_a_second_gateway_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    """K6."""
    async with Journal.open(tmp_path, inline=True):
        with pytest.raises(JournalForeign, match=rf"in use by another gateway, process {os.getpid()}") as refused:
            async with Journal.open(tmp_path, inline=True):
                pass
        assert refused.value.code == "E-JRN-2"
    async with Journal.open(tmp_path, inline=True):
        pass  # free again


async def test_a_data_directory_is_made(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "new" / "state", inline=True) as journal:
        await journal.append(readout(1))
    assert (tmp_path / "new" / "state" / FILE_NAME).is_file()


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalFailed, match="cannot be written: Not a directory") as refused:
        async with Journal.open(tmp_path / "file" / "state", inline=True):
            pass
    assert refused.value.code == "E-JRN-1"


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other, other:
        other.execute("CREATE TABLE their (own TEXT)")
    other.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(JournalForeign, match="is no journal of Metergate"):
        async with Journal.open(tmp_path, inline=True):
            pass
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True):
        pass
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as newer, newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(JournalForeign, match=r"newer Metergate \(schema 99, this one knows 3\)"):
        async with Journal.open(tmp_path, inline=True):
            pass


async def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    """K5."""
    (tmp_path / FILE_NAME).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(JournalForeign) as refused:
        async with Journal.open(tmp_path, inline=True):
            pass
    assert refused.value.code == "E-JRN-4"
    assert "move it away" in str(refused.value.next_step)


async def test_a_full_disk_makes_appends_wait_until_there_is_room(tmp_path: Path) -> None:
    """K3."""
    alarms: list[Finding] = []
    async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
        await journal.append(readout(0))
        journal.store.connection.execute("PRAGMA max_page_count = 1")  # at once: no page more than there are now

        async def cure() -> None:
            await trio.sleep(3600)
            assert [alarm.code for alarm in alarms] == ["E-JRN-5"]
            assert await all_of(journal) == [readout(0)]
            journal.store.connection.execute("PRAGMA max_page_count = 1000000")

        big = [readout(n, block=b"x" * 100_000) for n in range(1, 4)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cure)
            for record in big:
                nursery.start_soon(journal.append, record)
        assert trio.current_time() >= 3600
        assert sorted(await all_of(journal), key=lambda record: record.visit.due_at) == [readout(0), *big]
        assert [alarm.code for alarm in alarms] == ["E-JRN-5", "W-JRN-7"]


async def test_one_alarm_an_outage_however_many_wait(tmp_path: Path) -> None:
    alarms: list[Finding] = []
    async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
        for n in range(2):
            journal.store.connection.execute("PRAGMA max_page_count = 1")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.append, readout(n, block=b"x" * 100_000))
                nursery.start_soon(journal.advance, f"{n}" * 100_000, 1)
                await trio.sleep(100)
                journal.store.connection.execute("PRAGMA max_page_count = 1000000")
        assert [alarm.code for alarm in alarms] == ["E-JRN-5", "W-JRN-7"] * 2


async def test_the_end_waits_for_an_append_that_is_on_its_way(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        alarms: list[Finding] = []
        async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
            journal.store.connection.execute("PRAGMA max_page_count = 1")
            for n in range(3):
                nursery.start_soon(journal.append, readout(n, block=b"x" * 100_000))
            await trio.testing.wait_all_tasks_blocked()
            journal.store.connection.execute("PRAGMA max_page_count = 1000000")
    assert [row["value"] for row in read_readings(tmp_path)] == ["0", "1", "2"]


def test_a_commit_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    without_zone = attrs.evolve(readout(1), read_at=datetime(2026, 9, 30))  # noqa: DTZ001 - that is the fault
    with pytest.raises(TypeError, match="offset-naive"):
        store.commit([Entry(readout(0)), Entry(without_zone)])
    assert list(read_visits(tmp_path)) == []
    store.commit([Entry(readout(2))])
    assert [row["value"] for row in read_readings(tmp_path)] == ["2"]
    store.close()


async def test_a_cursor_moves_while_an_append_waits_for_room(tmp_path: Path) -> None:
    alarms: list[Finding] = []
    async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
        await journal.append(readout(0))
        await journal.advance("broker", 0)
        journal.store.connection.execute("PRAGMA max_page_count = 1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.append, readout(1, block=b"x" * 100_000))
            await trio.testing.wait_all_tasks_blocked()
            await journal.advance("broker", 1)
            assert (await journal.cursor("broker"), journal.counts().waiting) == (1, 1)
            nursery.cancel_scope.cancel()
        journal.store.connection.execute("PRAGMA max_page_count = 1000000")
    assert [alarm.code for alarm in alarms] == ["E-JRN-5"]


async def test_a_disk_that_stays_full_does_not_hold_up_the_end(tmp_path: Path) -> None:
    alarms: list[Finding] = []
    async with Journal.open(tmp_path, inline=True, alarm=alarms.append) as journal:
        journal.store.connection.execute("PRAGMA max_page_count = 1")
        with trio.move_on_after(10):
            await journal.append(readout(1, block=b"x" * 100_000))
        stopped = trio.current_time()
    assert trio.current_time() - stopped <= CLOSING_S
    assert alarms[-1].code == "E-JRN-9"
    assert "1 records could not be stored" in alarms[-1].what
    assert list(read_visits(tmp_path)) == []


FAILING_WRITES = """
import resource, sys
from pathlib import Path
import trio, trio.testing
from gateway.journal import Journal

exec(sys.argv[2])
limits = resource.getrlimit(resource.RLIMIT_FSIZE)

def lift(finding):
    print(finding.code, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)

async def main():
    async with Journal.open(Path(sys.argv[1]), inline=True, alarm=lift) as journal:
        await journal.append(record(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
        first = journal.store.connection
        await journal.append(record(1))
        await journal.append(record(2))
        print("same" if journal.store.connection is first else "fresh")

trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
"""

RECORD = """
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from gateway.reading import Reading, Readout, Visit

def record(n):
    due = datetime(2026, 9, 30, tzinfo=UTC) + timedelta(minutes=n)
    visit = Visit("", "", "flat01", "1", due, due, 1)
    reading = Reading("n", None, "1.8.0", Decimal(n), None, str(n))
    return Readout(visit, "", "", "", "", due, (reading,), block=bytes(200_000))
"""


def test_after_a_failed_write_the_file_is_verified_and_the_record_stored(tmp_path: Path) -> None:
    """K4: the system refuses to let the file grow."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING_WRITES, tmp_path, RECORD], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["E-JRN-6", "W-JRN-7", "fresh"]
    assert [row["value"] for row in read_readings(tmp_path)] == ["0", "1", "2"]


WRITING = """
import sys
from pathlib import Path
import trio
from gateway.journal import Journal

exec(sys.argv[2])

async def main():
    async with Journal.open(Path(sys.argv[1])) as journal:
        n = 0
        while True:
            await journal.append(record(n))
            print(n, flush=True)
            n += 1

trio.run(main)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 30])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    """K1."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, tmp_path, RECORD], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        seen = [int(line) for line in islice(child.stdout, acknowledged)]
        child.send_signal(signal.SIGKILL)
        seen += [int(line) for line in child.stdout]
    values = [int(str(row["value"])) for row in read_readings(tmp_path)]
    assert values == list(range(len(values)))
    assert len(values) >= len(seen) >= acknowledged
    trio.run(_opens_again, tmp_path)


async def _opens_again(data_dir: Path) -> None:
    async with Journal.open(data_dir) as journal:
        await journal.append(readout(1, meter="other"))


LATER = START + timedelta(days=100)


async def test_pruning_keeps_what_a_sink_has_not_taken(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        for n in range(3):
            await journal.append(readout(n))
        await journal.advance("broker", 2)
        await journal.prune(LATER, 90, ["broker", "new"])
        assert len(await all_of(journal)) == 3
        await journal.prune(LATER, 90, ["broker"])
        assert await all_of(journal) == [readout(2)]
        assert await journal.cursor("new") == 2
        assert journal.store.connection.execute("SELECT count(*) FROM reading").fetchone() == (1,)


async def test_pruning_keeps_what_is_not_old(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(0))
        await journal.append(gap(1))
        await journal.append(write(2))
        await journal.append(readout(4 * 24))
        await journal.prune(START + timedelta(days=90, hours=1), 90, [])
        assert [record.visit.due_at for record in await all_of(journal)] == [visit(4 * 24).due_at]


async def test_raw_blocks_go_after_a_week(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(0))
        await journal.append(readout(4 * 24))
        await journal.prune(START + timedelta(days=7, hours=1), 90, [])
        blocks = [record.block for record in await all_of(journal) if isinstance(record, Readout)]
        assert blocks == [b"", readout(0).block]


async def test_readings_that_are_not_to_be_logged_go_once_they_are_delivered(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(0, logged=False))
        await journal.append(readout(1, logged=False))
        assert list(read_readings(tmp_path)) == []
        await journal.advance("broker", 1)
        await journal.prune(START, 90, ["broker"])
        kept = [len(record.readings) for record in await all_of(journal) if isinstance(record, Readout)]
        assert kept == [0, 1]


async def test_pruning_goes_on_to_the_end_in_steps(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        async with trio.open_nursery() as nursery:
            for n in range(PRUNE_STEP + 1):
                nursery.start_soon(journal.append, gap(n))
        await journal.prune(LATER, 0, [])
        assert await all_of(journal) == []


async def test_positions_do_not_come_back_after_pruning(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, inline=True) as journal:
        await journal.append(readout(0))
        await journal.advance("broker", journal.last)
        await journal.prune(LATER, 90, ["broker"])
    async with Journal.open(tmp_path, inline=True) as journal:
        assert journal.last == 1
        await journal.append(readout(1))
        assert [record for _, record in await journal.batch(await journal.cursor("broker"), 9)] == [readout(1)]
        assert [record for _, record in await journal.batch(await journal.cursor("new"), 9)] == [readout(1)]


def test_pauses_grow_up_to_the_longest() -> None:
    assert list(islice(growing_pauses(1, 5), 5)) == [1, 2, 4, 5, 5]
