"""A host whose clock is put, or has lost the time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
from attrs import define, field

from gateway.errors import Finding
from gateway.host_clock import LOOK_EVERY, ClockStep, ClockWatch, HostClock
from gateway.journal import Journal
from gateway.reading import Event, EventKind, Quality, Readout
from tests.workshop import Workshop

TODAY = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
AT_BOOT = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
DAY = timedelta(days=1)


@define
class Host:
    """A host with its two clocks, both moved by hand."""

    wall: datetime = TODAY
    seconds: float = 500.0

    def clock(self, newest: datetime | None = None) -> HostClock:
        return HostClock(lambda: self.wall, newest, lambda: self.seconds)

    def runs(self, seconds: float, put_by: timedelta = timedelta()) -> None:
        """Both clocks run on; meanwhile the wall clock is put."""
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds) + put_by


@pytest.mark.parametrize(
    ("wall", "newest", "is_synced"),
    [
        (TODAY, None, True),
        (TODAY, TODAY - 30 * DAY, True),
        (TODAY, TODAY + DAY, True),
        (TODAY, TODAY + DAY + timedelta(seconds=1), False),
        (AT_BOOT, None, False),
        (AT_BOOT, AT_BOOT, False),
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), None, False),
    ],
    ids=["no journal", "later", "a day earlier", "more than a day earlier", "1970", "1970 again", "before the release"],
)
def test_d9_a_clock_is_believed_unless_it_shows_what_cannot_be(
    wall: datetime, newest: datetime | None, *, is_synced: bool
) -> None:
    assert Host(wall).clock(newest).is_synced() is is_synced


def test_d9_a_clock_that_is_set_is_believed_from_then_on() -> None:
    host = Host(AT_BOOT)
    clock = host.clock(TODAY - DAY)
    host.runs(600)
    assert not clock.is_synced()
    assert clock.steps() == []
    host.runs(5, TODAY - AT_BOOT)
    assert clock.is_synced()
    (step,) = clock.steps()
    assert step == ClockStep(AT_BOOT + timedelta(seconds=605), TODAY + timedelta(seconds=605), was_synced=False)
    assert AT_BOOT + timedelta(seconds=10 + step.offset_s) == TODAY + timedelta(seconds=10)
    assert clock.steps() == [], "told once"


def test_d9_a_clock_that_is_set_by_somebody_is_believed_although_a_record_is_later() -> None:
    host = Host(TODAY)
    clock = host.clock(TODAY + 15 * DAY)
    assert not clock.is_synced()
    host.runs(1, timedelta(seconds=30))
    assert clock.is_synced()


@pytest.mark.parametrize("days", [-15, 15])
def test_d8_a_clock_that_is_put_is_believed_and_the_step_is_told(days: int) -> None:
    host = Host()
    clock = host.clock(TODAY)
    host.runs(3, days * DAY)
    assert clock.is_synced()
    assert [(step.offset_s, step.was_synced) for step in clock.steps()] == [(days * 86_400, True)]


@pytest.mark.parametrize("slew", [-1.0, -0.005, 0.0, 0.005, 1.0], ids=str)
def test_d8_a_clock_that_slews_or_leaps_a_second_is_not_put(slew: float) -> None:
    host = Host()
    clock = host.clock()
    for _ in range(10_000):
        host.runs(LOOK_EVERY, timedelta(seconds=slew))
        assert clock.is_synced()
    assert clock.steps() == []


# What is told


@define
class Told:
    """The watch over a host's clock in virtual time, with what it tells."""

    host: Host
    newest: datetime | None = None
    findings: list[Finding] = field(factory=list)
    events: list[Event] = field(factory=list)
    put: list[float] = field(factory=list)

    async def append(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.events.append(event)

    def watch(self) -> ClockWatch:
        clock = HostClock(self.now, self.newest, trio.current_time)
        return ClockWatch(clock, "block-12", self.findings.append, self.append, [self.put.append])

    def now(self) -> datetime:
        return self.host.wall + timedelta(seconds=trio.current_time())


@pytest.mark.anyio
async def test_d9_a_host_without_clock_says_so_until_its_clock_is_set() -> None:
    told = Told(Host(AT_BOOT), newest=TODAY)
    watch = told.watch()
    await watch.begin()
    (first,) = told.findings
    assert first.code == "W-CLK-1"
    assert "shows 1970-01-01T00:03:0" in first.what
    assert "before this release" in first.what
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        await trio.sleep(100)
        assert told.findings == [first]
        told.host.wall = TODAY
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert [finding.code for finding in told.findings] == ["W-CLK-1", "W-CLK-2"]
    assert "marked unsynced" in str(told.findings[1])
    lost, found = told.events
    assert (lost.details["synced"], lost.details["offset_s"]) == (False, None)
    assert (found.details["synced"], found.details["was_synced"]) == (True, False)
    assert float(str(found.details["offset_s"])) == pytest.approx((TODAY - AT_BOOT).total_seconds(), abs=0.01)
    assert {event.kind for event in told.events} == {EventKind.HOST_CLOCK}
    assert len(told.put) == 1


@pytest.mark.anyio
async def test_d9_a_clock_behind_the_newest_record_names_that() -> None:
    told = Told(Host(TODAY), newest=TODAY + 10 * DAY)
    await told.watch().begin()
    assert "before the newest record of 2026-10-10T09:00:00.000Z" in told.findings[0].what


@pytest.mark.anyio
async def test_a_clock_that_is_right_is_not_told_of() -> None:
    told = Told(Host(), newest=TODAY)
    watch = told.watch()
    await watch.begin()
    with trio.move_on_after(3600):
        await watch.run()
    assert (told.findings, told.events, told.put) == ([], [], [])


@pytest.mark.anyio
async def test_d8_a_step_is_told_without_a_word_of_readings_that_were_believed() -> None:
    told = Told(Host())
    watch = told.watch()
    with trio.move_on_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            await trio.sleep(25)
            told.host.wall += 15 * DAY
    (finding,) = told.findings
    assert finding.what.startswith("the host's clock was put by +1296000.000 s: from 2026-09-30T09:00")
    assert finding.next is None
    assert [event.details["was_synced"] for event in told.events] == [True]


@pytest.mark.anyio
async def test_d9_the_events_are_records_of_the_journal_and_no_slots(tmp_path: Path) -> None:
    told = Told(Host(AT_BOOT))
    async with Journal.open(tmp_path, inline=True) as journal:
        assert await journal.newest() is None
        clock = HostClock(told.now, None, trio.current_time)
        await ClockWatch(clock, "block-12", told.findings.append, journal.append).begin()
        ((_, event),) = await journal.batch(0, 10)
        assert isinstance(event, Event)
        assert event.as_json()["kind"] == "host_clock_set"
        assert (event.visit.meter, event.visit.line) == ("", "")
        newest = await journal.newest()
        assert newest is not None
        assert newest - AT_BOOT < timedelta(minutes=1)


@pytest.mark.anyio
async def test_d9_readings_without_the_time_are_marked_and_can_be_stamped_anew() -> None:
    """By the rule of docs/operate.md: true time = read_at + offset_s, for those marked unsynced."""
    begin, shop = trio.current_time(), Workshop()
    told = Told(Host(AT_BOOT - timedelta(seconds=begin)), newest=TODAY)
    watch = told.watch()
    shop.visitor.now, shop.visitor.acceptance.is_synced = told.now, watch.clock.is_synced
    readouts = list[Readout]()
    async with trio.open_nursery() as nursery:
        await watch.begin()
        nursery.start_soon(watch.run)
        for n in range(4):
            await trio.sleep_until(begin + 900 * n)
            if n == 2:
                told.host.wall += TODAY - AT_BOOT
            record = await shop.slot(None, trio.current_time())
            assert isinstance(record, Readout)
            readouts.append(record)
        nursery.cancel_scope.cancel()
    is_marked = ["unsynced: " in (record.reason or "") for record in readouts]
    assert is_marked == [True, True, False, False]
    assert [record.quality for record in readouts] == [Quality.SUSPECT] * 2 + [Quality.GOOD] * 2
    offset = timedelta(seconds=float(str(told.events[-1].details["offset_s"])))
    true = [
        record.read_at + (offset if marked else timedelta()) for record, marked in zip(readouts, is_marked, strict=True)
    ]
    assert [(moment - TODAY).total_seconds() for moment in true] == pytest.approx([0, 900, 1800, 2700], abs=5)
