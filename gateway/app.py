"""The tree of tasks of one gateway, from its start to its orderly end."""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_never

import trio
from attrs import define, field, frozen

from gateway.access import Secrets
from gateway.audit import Audit
from gateway.bus import Append, Bus
from gateway.cadence import Cadence
from gateway.catalog import Catalog
from gateway.delivery import Outlet
from gateway.equipment import WantedSink
from gateway.errand import Errand
from gateway.errors import Cause, Finding
from gateway.host_clock import ClockWatch, HostClock
from gateway.job import Job
from gateway.journal import Journal
from gateway.listen import Listener
from gateway.memory import MeterMemory
from gateway.reading import Event, Gap, Readout, Record
from gateway.schedule import Schedule
from gateway.site.model import LineSettings, MeterSettings, Push, Site
from gateway.telemetry import Telemetry
from gateway.visit import Visitor
from gateway.work import Terms

PRUNE_EVERY = 3600.0  # seconds
DRAIN_AT_END = 10.0  # seconds for the sinks when all rounds are done
DRAIN_AT_SIGNAL = 0.8  # seconds: the process shall be gone 3 s after the signal
FORCED_EXIT = 143
# For the record of a job that was cut short; then the journal says at its end that it waits.
STORING_LIMIT = 2.0  # seconds
CLOCKS_DIFFER = 1.0  # seconds that the wall clock may be put between two looks at it


@define
class Tally:
    """What a run has done: readouts delivered, gaps by cause, sinks not drained, the signal that ended it."""

    delivered: int = 0
    gaps: Counter[Cause] = field(factory=Counter)
    undelivered: list[str] = field(factory=list)
    interrupted_by: signal.Signals | None = None

    def count(self, record: Record) -> None:
        """Adds one ended slot; an event is no slot."""
        match record:
            case Readout():
                self.delivered += 1
            case Gap():
                self.gaps[record.cause] += 1
            case Event():
                pass
            case _:
                assert_never(record)


@frozen(eq=False)
class App:
    """A site made ready to run.

    `rounds` None: until a signal comes. `only` restricts the run to those device_aliases.
    `report` shows a message, `watch` sees each record once it is durable, `now` gives the wall time.
    """

    site: Site
    catalog: Catalog
    sinks: tuple[WantedSink, ...]
    telemetry: Telemetry
    report: Callable[[Finding], None]
    rounds: int | None = None
    only: frozenset[str] | None = None
    watch: Callable[[Record], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self, data_dir: Path) -> Tally:
        """Reads into the journal of a data directory, delivers from it, until all rounds are done or a signal came.

        Raises JournalError where the directory cannot be used.
        """
        tally = Tally()
        async with (
            _signals(tally) as signalled,
            Journal.open(data_dir, alarm=self.report) as journal,
            trio.open_nursery() as outer,
        ):
            buses = self._buses(journal.append, dict(await journal.memories()), tally, journal)
            watch = await self._watched(buses, journal)
            outer.start_soon(watch.run)
            outer.start_soon(self._prune, journal)
            outer.start_soon(Audit(self.site, journal, self.report, self.now, watch.clock.is_synced).run)
            async with trio.open_nursery() as delivery:
                outlets = [self._outlet(sink, journal) for sink in self.sinks]
                for outlet in outlets:
                    delivery.start_soon(outlet.run)
                await serve(buses, signalled)
                await _drain(outlets, tally, signalled)
                delivery.cancel_scope.cancel()
            outer.cancel_scope.cancel()
        return tally

    async def perform(
        self,
        job: Job,
        meter: MeterSettings,
        data_dir: Path,
        terms: Terms,
        tally: Tally | None = None,
        *,
        keeps_readings: bool = True,
    ) -> Record:
        """Does one job of one meter; its record is in the journal of that data directory on return.

        Without `keeps_readings` only what changed the meter is, with what was learned of it. A failure becomes a Gap,
        that of the line and a signal too; `tally` tells which signal it was, `watch` gets the record also when this is
        cancelled. Raises JournalError where the directory cannot be used.
        """
        tally = Tally() if tally is None else tally
        line = next(line for line in self.site.lines if line.alias == meter.line)
        async with _signals(tally) as signalled, Journal.open(data_dir, alarm=self.report) as journal:
            visitor = self._visitor(line, dict(await journal.memories()), journal)
            errand = Errand(visitor, meter, job, terms)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_when, signalled, nursery.cancel_scope)
                    await errand.run()
                    nursery.cancel_scope.cancel()
            finally:
                record = errand.record()
                with trio.CancelScope(shield=True, relative_deadline=STORING_LIMIT):
                    if keeps_readings or isinstance(record, Event):
                        await journal.append(record, visitor.memory(meter))
                    else:
                        await journal.remember(meter.device_alias, visitor.memory(meter))
                    self.watch(record)
        tally.count(record)
        return record

    async def rehearse(self, limit: float = float("inf")) -> Tally:
        """Reads without journal, without sinks: records go to `watch` alone. Ends after `limit` seconds."""
        tally = Tally()
        async with _signals(tally) as signalled:
            with trio.move_on_after(limit):
                await serve(self._buses(_stored_nowhere, {}, tally), signalled)
        return tally

    def _buses(
        self,
        append: Append,
        memories: MutableMapping[str, MeterMemory],
        tally: Tally,
        journal: Journal | None = None,
    ) -> list[Bus | Listener]:
        async def stored(record: Record, memory: MeterMemory | None) -> None:
            await append(record, memory)
            tally.count(record)
            self.watch(record)

        return list(self._made(stored, memories, journal))

    def _made(
        self, append: Append, memories: MutableMapping[str, MeterMemory], journal: Journal | None
    ) -> Iterator[Bus | Listener]:
        begin = trio.current_time()
        for line in self.site.lines:
            all_meters = self.site.meters_of(line.alias)
            meters = [meter for meter in all_meters if self._is_wanted(meter.device_alias)]
            if not meters:
                continue
            visitor = self._visitor(line, memories, journal)
            if line.push is not Push.NONE:
                others = [meter for meter in all_meters if meter not in meters]
                yield Listener(visitor, meters, append, self.report, self.telemetry, self.rounds, others)
                continue
            schedule = Schedule(meters, begin, rounds=self.rounds, scale=line.time_scale, moments=self.due_after)
            yield Bus(visitor, schedule, append, self.report, self.telemetry, self.rounds)

    def _visitor(
        self, line: LineSettings, memories: MutableMapping[str, MeterMemory], journal: Journal | None
    ) -> Visitor:
        gateway, figures = self.site.gateway, self.telemetry.line(line.alias)
        visitor = Visitor(gateway.name, line, gateway.timezone, self.catalog, memories, figures, self.now)
        visitor.access = self.site.access
        visitor.acceptance.is_lasting = journal is not None
        if journal is not None:
            visitor.secrets, visitor.remember = Secrets(journal.key), journal.remember
        return visitor

    async def _watched(self, served: Sequence[Bus | Listener], journal: Journal) -> ClockWatch:
        """The watch over the host's clock: what it tells goes to all lines."""
        clock = HostClock(self.now, await journal.newest(), trio.current_time)
        schedules = [one.schedule.wall_was_put for one in served if isinstance(one, Bus)]
        for one in served:
            one.visitor.acceptance.is_synced = clock.is_synced
        watch = ClockWatch(clock, self.site.gateway.name, self.report, journal.append, schedules)
        await watch.begin()
        return watch

    def due_after(self, schedule: str, moment: float) -> float:
        """When a cadence of the wall clock is due next after a moment of the loop's clock."""
        # The two clocks do not run quite alike: what was due at this moment is not due once more.
        after = moment + CLOCKS_DIFFER
        wall = self.now() + timedelta(seconds=after - trio.current_time())
        due = Cadence.from_text(schedule).next(wall, self.site.gateway.timezone)
        return after + (due - wall).total_seconds()

    def _is_wanted(self, alias: str) -> bool:
        return self.only is None or alias in self.only

    def _outlet(self, sink: WantedSink, journal: Journal) -> Outlet[object]:
        return Outlet(journal, sink.name, sink.kind, sink.settings, self.report, self.telemetry.sink(sink.name))

    async def _prune(self, journal: Journal) -> None:
        names = [sink.name for sink in self.sinks]
        while True:
            await journal.prune(self.now(), self.site.gateway.retention_days, names)
            await trio.sleep(PRUNE_EVERY)


async def serve(served: Sequence[Bus | Listener], signalled: trio.Event) -> None:
    """Serves the lines until their schedules have ended or a signal came; each leaves its meter properly."""
    async with trio.open_nursery() as outer:
        async with trio.open_nursery() as lines:
            outer.start_soon(_cancel_when, signalled, lines.cancel_scope)
            for one in served:
                lines.start_soon(one.serve)
        outer.cancel_scope.cancel()


@asynccontextmanager
async def _signals(tally: Tally) -> AsyncIterator[trio.Event]:
    """An event for the first SIGINT or SIGTERM within the block; a second one ends the process."""
    signalled = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(_watch_signals, signalled, tally)
        yield signalled
        nursery.cancel_scope.cancel()


async def _watch_signals(
    signalled: trio.Event, tally: Tally, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            tally.interrupted_by = signal.Signals(number)
            signalled.set()
            break
    signal.signal(signal.SIGINT, _end_at_once)
    signal.signal(signal.SIGTERM, _end_at_once)
    await trio.sleep_forever()


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


def _end_at_once(_number: int, _frame: object) -> None:
    """A second signal: somebody is in a hurry."""
    os._exit(FORCED_EXIT)


async def _drain(outlets: list[Outlet[object]], tally: Tally, signalled: trio.Event) -> None:
    """Gives the sinks time for what waits; less after a signal, no more when one comes meanwhile."""
    limit, drained = DRAIN_AT_SIGNAL if signalled.is_set() else DRAIN_AT_END, set[str]()

    async def drain(outlet: Outlet[object]) -> None:
        if await outlet.drain(limit):
            drained.add(outlet.name)

    async with trio.open_nursery() as outer:
        async with trio.open_nursery() as sinks:
            if not signalled.is_set():
                outer.start_soon(_cancel_when, signalled, sinks.cancel_scope)
            for outlet in outlets:
                sinks.start_soon(drain, outlet)
        outer.cancel_scope.cancel()
    tally.undelivered += [outlet.name for outlet in outlets if outlet.name not in drained]


async def _stored_nowhere(record: Record, memory: MeterMemory | None) -> None:
    del record, memory
    await trio.lowlevel.checkpoint()
