"""One sink and its cursor: whatever the sink does, nothing is lost and nobody else waits."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import define, field, frozen

from gateway.delivery import BATCH, Outlet
from gateway.errors import Cause, Finding, PermanentSinkError, SinkError, TransientSinkError
from gateway.journal import Journal
from gateway.reading import Event, EventKind, Gap, Readout, Record, Visit
from gateway.sinks import Sink, SinkKind

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.anyio


def slot(n: int) -> Gap:
    due = START + timedelta(minutes=n)
    visit = Visit("block-12", "riser-a", f"flat{n:02}", str(n), due, due, 7500)
    return Gap(visit, Cause.NO_ANSWER, Finding("E-READ-1", "", "no answer"))


def number(record: Record) -> int:
    return int(record.visit.serial)


@frozen
class Nothing:
    """A sink without settings."""


@define
class Place:
    """A sink that takes records until `judge` objects."""

    judge: Callable[[list[int]], None] = lambda _: None
    taken: list[int] = field(factory=list)
    batches: list[list[int]] = field(factory=list)
    opened: int = 0
    closed: int = 0

    def write(self, batch: Sequence[Record]) -> None:
        numbers = [number(record) for record in batch]
        self.batches.append(numbers)
        self.judge(numbers)
        self.taken += numbers

    @contextmanager
    def open(self, _: Nothing) -> Iterator[Sink]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1


@define
class Scene:
    """A journal with one running outlet."""

    journal: Journal
    outlet: Outlet[Nothing]
    findings: list[Finding]

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]


@asynccontextmanager
async def running(
    data_dir: Path, kind: SinkKind[Nothing], records: int = 0, *, inline: bool = True, limit_s: float = 30
) -> AsyncIterator[Scene]:
    findings: list[Finding] = []
    async with Journal.open(data_dir, inline=inline) as journal, trio.open_nursery() as nursery:
        for n in range(records):
            nursery.start_soon(journal.append, slot(n))
            await trio.testing.wait_all_tasks_blocked()
        outlet = Outlet(journal, "broker", kind, Nothing(), findings.append, call_limit_s=limit_s)
        nursery.start_soon(outlet.run)
        yield Scene(journal, outlet, findings)
        nursery.cancel_scope.cancel()


async def test_records_arrive_in_their_order_and_move_the_cursor(tmp_path: Path) -> None:
    place = Place()
    async with running(tmp_path, SinkKind(Nothing, place.open), 3) as scene:
        assert await scene.outlet.drain(1)
        await scene.journal.append(slot(3))
        assert await scene.outlet.drain(1)
        assert await scene.journal.cursor("broker") == scene.journal.last
        assert (scene.outlet.delivered, scene.outlet.figures.lag, scene.codes) == (4, 0, [])
    assert place.taken == [0, 1, 2, 3]
    assert (place.opened, place.closed) == (1, 1)


async def test_a_restart_goes_on_where_the_sink_stood(tmp_path: Path) -> None:
    place = Place()
    for records in (2, 4):
        async with running(tmp_path, SinkKind(Nothing, place.open), records) as scene:
            assert await scene.outlet.drain(1)
    assert place.batches == [[0, 1], [2, 3]]


async def test_a_long_backlog_comes_in_bounded_batches(tmp_path: Path) -> None:
    place = Place()
    async with Journal.open(tmp_path, inline=True) as journal, trio.open_nursery() as nursery:
        for n in range(BATCH + 1):
            nursery.start_soon(journal.append, slot(n))
    async with running(tmp_path, SinkKind(Nothing, place.open)) as scene:
        assert await scene.outlet.drain(1)
    assert [len(batch) for batch in place.batches] == [BATCH, 1]
    assert sorted(place.taken) == list(range(BATCH + 1))


async def test_a_sink_that_is_not_reached_gets_the_same_batch_until_it_is(tmp_path: Path) -> None:
    tries: list[float] = []

    def judge(_: list[int]) -> None:
        tries.append(trio.current_time() - begun)
        if len(tries) < 9:
            raise TransientSinkError("W-SINK-1", "connection refused", "start the broker")

    place = Place(judge)
    async with running(tmp_path, SinkKind(Nothing, place.open), 2) as scene:
        begun = trio.current_time()
        assert not await scene.outlet.drain(0.5)
        assert scene.outlet.figures.lag == 2
        await trio.sleep(1000)
        assert scene.outlet.figures.lag == 0
        assert scene.outlet.figures.delay_s == 0
    assert place.batches == [[0, 1]] * 9
    assert [later - earlier for earlier, later in pairwise(tries)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert scene.codes == ["W-SINK-1", "W-SINK-2", "W-SINK-4"]
    refused, silent, reached = scene.findings
    assert str(refused) == (
        "W-SINK-1 sink broker: connection refused; 2 records wait in the journal, none lost\n"
        "        next: start the broker"
    )
    assert silent.what == "not reached for 1 min; 2 records wait in the journal, none lost"
    assert reached.what.startswith("reached again after 183 s")


NEVER = datetime(9000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "record",
    [
        Event(slot(1).visit, EventKind.WRITE, NEVER, "0.9.1 is now 120000"),
        Readout(slot(1).visit, "", "", "", "", NEVER, ()),
    ],
)
async def test_the_delay_counts_from_the_end_of_what_waits(tmp_path: Path, record: Record) -> None:
    def judge(_: list[int]) -> None:
        raise TransientSinkError("W-SINK-1", "busy")

    async with running(tmp_path, SinkKind(Nothing, Place(judge).open)) as scene:
        await scene.journal.append(record)
        assert not await scene.outlet.drain(1)
        assert scene.outlet.figures.delay_s < 0  # it ended long after now, its visit began before


async def test_a_second_outage_is_told_again(tmp_path: Path) -> None:
    ends = trio.current_time() + 200

    def judge(_: list[int]) -> None:
        if trio.current_time() < ends:
            raise TransientSinkError("W-SINK-1", "busy")

    async with running(tmp_path, SinkKind(Nothing, Place(judge).open), 1) as scene:
        assert await scene.outlet.drain(1000)
        ends = trio.current_time() + 200
        await scene.journal.append(slot(1))
        assert await scene.outlet.drain(1000)
    assert scene.codes == ["W-SINK-1", "W-SINK-2", "W-SINK-4"] * 2


async def test_only_the_record_that_is_refused_for_good_is_set_aside(tmp_path: Path) -> None:
    def judge(numbers: list[int]) -> None:
        if 5 in numbers:
            raise PermanentSinkError("E-SINK-1", "topic too long", "shorten the alias")

    place = Place(judge)
    async with running(tmp_path, SinkKind(Nothing, place.open), 8) as scene:
        assert await scene.outlet.drain(1)
        letters = await scene.journal.dead_letters("broker")
        assert (scene.outlet.delivered, scene.outlet.refused) == (7, 1)
    assert place.taken == [0, 1, 2, 3, 4, 6, 7]
    assert [(numbers[0], len(numbers)) for numbers in place.batches] == [
        (0, 8),
        (0, 4),
        (4, 4),
        (4, 2),
        (4, 1),
        (5, 3),
        (5, 1),
        (6, 2),
    ]
    assert letters == {6: "topic too long"}
    (finding,) = scene.findings
    assert str(finding) == (
        "E-SINK-1 sink broker: the record of flat05 due 2026-09-30T09:05:00Z was set aside: topic too long\n"
        "        next: shorten the alias"
    )


async def test_an_unforeseen_error_of_a_sink_ends_nothing(tmp_path: Path) -> None:
    errors = [SinkError("E-SINK-9", "neither"), ValueError("no such field"), ZeroDivisionError("division by zero")]

    def judge(_: list[int]) -> None:
        if errors:
            raise errors.pop()

    place = Place(judge)
    async with running(tmp_path, SinkKind(Nothing, place.open), 1) as scene:
        assert await scene.outlet.drain(60)
    assert place.taken == [0]
    assert scene.codes == ["E-SINK-2", "W-SINK-4"]
    assert scene.findings[0].what.startswith("it raised ZeroDivisionError: division by zero; 1 records wait")


@pytest.mark.parametrize(
    "error", [TransientSinkError("W-SINK-1", "no route"), PermanentSinkError("E-SINK-1", "no"), OSError()]
)
async def test_a_sink_that_cannot_be_opened_is_opened_later(tmp_path: Path, error: Exception) -> None:
    place, errors = Place(), [error]

    @contextmanager
    def opened(settings: Nothing) -> Iterator[Sink]:
        if errors:
            raise errors.pop()
        with place.open(settings) as sink:
            yield sink

    async with running(tmp_path, SinkKind(Nothing, opened), 1) as scene:
        assert await scene.outlet.drain(60)
    assert (place.taken, place.closed) == ([0], 1)


async def test_an_error_at_closing_is_reported(tmp_path: Path) -> None:
    place = Place()

    @contextmanager
    def leaky(settings: Nothing) -> Iterator[Sink]:
        with place.open(settings) as sink:
            yield sink
        raise OSError("flush failed")

    async with running(tmp_path, SinkKind(Nothing, leaky), 1) as scene:
        await scene.outlet.drain(1)
    assert [finding.what for finding in scene.findings] == ["it raised OSError: flush failed"]


async def test_a_drain_tries_a_resting_sink_once_more_at_once(tmp_path: Path) -> None:
    reachable: list[bool] = []

    def judge(_: list[int]) -> None:
        if not reachable:
            raise TransientSinkError("W-SINK-1", "connection refused")

    place = Place(judge)
    async with running(tmp_path, SinkKind(Nothing, place.open), 1) as scene:
        await trio.sleep(200)
        reachable.append(True)
        assert await scene.outlet.drain(0.001)
    assert place.taken == [0]


@pytest.mark.real_time
async def test_a_sink_that_hangs_delays_no_append_and_gets_no_second_call(tmp_path: Path) -> None:
    release, entered = threading.Event(), threading.Semaphore(0)
    at_once: list[int] = []

    def judge(_: list[int]) -> None:
        at_once.append(1)
        entered.release()
        assert len(at_once) == 1
        release.wait()
        at_once.pop()

    place = Place(judge)
    with release_at_end(release):
        async with running(tmp_path, SinkKind(Nothing, place.open), 1, inline=False, limit_s=0.05) as scene:
            await trio.to_thread.run_sync(entered.acquire)
            for n in range(1, 20):
                await scene.journal.append(slot(n))
            while "W-SINK-3" not in scene.codes:
                await trio.lowlevel.checkpoint()
            assert await scene.journal.cursor("broker") == 0
            assert len(place.batches) == 1
            release.set()
            assert await scene.outlet.drain(60)
    assert set(place.taken) == set(range(20))
    assert scene.codes == ["W-SINK-3", "W-SINK-4"]


@pytest.mark.real_time
async def test_an_opening_that_came_late_is_not_made_twice(tmp_path: Path) -> None:
    release, place = threading.Event(), Place()

    @contextmanager
    def slow(settings: Nothing) -> Iterator[Sink]:
        release.wait()
        with place.open(settings) as sink:
            yield sink

    with release_at_end(release):
        async with running(tmp_path, SinkKind(Nothing, slow), 1, inline=False, limit_s=0.05) as scene:
            while "W-SINK-3" not in scene.codes:
                await trio.lowlevel.checkpoint()
            release.set()
            assert await scene.outlet.drain(60)
    assert (place.opened, place.closed, place.taken) == (1, 1, [0])


@contextmanager
def release_at_end(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()


@pytest.mark.real_time
async def test_two_sinks_do_not_wait_for_each_other(tmp_path: Path) -> None:
    release = threading.Event()

    def judge(_: list[int]) -> None:
        release.wait()

    stuck, free = Place(judge), Place()
    findings: list[Finding] = []
    async with Journal.open(tmp_path) as journal, trio.open_nursery() as nursery:
        outlets = [
            Outlet(journal, name, SinkKind(Nothing, place.open), Nothing(), findings.append)
            for name, place in (("stuck", stuck), ("free", free))
        ]
        for outlet in outlets:
            nursery.start_soon(outlet.run)
        with release_at_end(release):
            for n in range(5):
                await journal.append(slot(n))
            assert await outlets[1].drain(60)
            assert await journal.cursor("stuck") == 0
        assert await outlets[0].drain(60)
        nursery.cancel_scope.cancel()
    assert (free.taken, stuck.taken) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])
