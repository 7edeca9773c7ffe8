"""The tree of tasks of one gateway, from its start to its orderly end."""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, field, frozen

from gateway.bus import Append, Bus
from gateway.catalog import Catalog
from gateway.delivery import Outlet
from gateway.equipment import WantedSink
from gateway.errors import Cause, Finding
from gateway.journal import Journal
from gateway.memory import MeterMemory
from gateway.reading import Gap, Record
from gateway.schedule import Schedule
from gateway.site.model import Site
from gateway.telemetry import Telemetry
from gateway.visit import Visitor

PRUNE_EVERY = 3600.0  # seconds
DRAIN_AT_END = 10.0  # seconds for the sinks when all rounds are done
DRAIN_AT_SIGNAL = 0.8  # seconds: the process shall be gone 3 s after the signal
FORCED_EXIT = 143


@define
class Tally:
    """What a run has done: delivered records, gaps by cause, sinks not drained, the signal that ended it."""

    delivered: int = 0
    gaps: Counter[Cause] = field(factory=Counter)
    undelivered: list[str] = field(factory=list)
    interrupted_by: signal.Signals | None = None

    def count(self, record: Record) -> None:
        """Adds one ended slot."""
        if isinstance(record, Gap):
            self.gaps[record.cause] += 1
        else:
            self.delivered += 1


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
            buses = self._buses(journal.append, dict(await journal.memories()), tally)
            outer.start_soon(self._prune, journal)
            async with trio.open_nursery() as delivery:
                outlets = [self._outlet(sink, journal) for sink in self.sinks]
                for outlet in outlets:
                    delivery.start_soon(outlet.run)
                await serve(buses, signalled)
                await _drain(outlets, tally, signalled)
                delivery.cancel_scope.cancel()
            outer.cancel_scope.cancel()
        return tally

    async def rehearse(self, limit: float = float("inf")) -> Tally:
        """Reads without journal, without sinks: records go to `watch` alone. Ends after `limit` seconds."""
        tally = Tally()
        async with _signals(tally) as signalled:
            with trio.move_on_after(limit):
                await serve(self._buses(_stored_nowhere, {}, tally), signalled)
        return tally

    def _buses(self, append: Append, memories: MutableMapping[str, MeterMemory], tally: Tally) -> list[Bus]:
        async def stored(record: Record, memory: MeterMemory | None) -> None:
            await append(record, memory)
            tally.count(record)
            self.watch(record)

        return list(self._made(stored, memories))

    def _made(self, append: Append, memories: MutableMapping[str, MeterMemory]) -> Iterator[Bus]:
        begin = trio.current_time()
        for line in self.site.lines:
            meters = [meter for meter in self.site.meters_of(line.alias) if self._is_wanted(meter.device_alias)]
            if not meters:
                continue
            figures = self.telemetry.line(line.alias)
            zone = self.site.gateway.timezone
            visitor = Visitor(self.site.gateway.name, line, zone, self.catalog, memories, figures, self.now)
            schedule = Schedule(meters, begin, rounds=self.rounds, scale=line.time_scale)
            yield Bus(visitor, schedule, append, self.report, self.telemetry, self.rounds)

    def _is_wanted(self, alias: str) -> bool:
        return self.only is None or alias in self.only

    def _outlet(self, sink: WantedSink, journal: Journal) -> Outlet[object]:
        return Outlet(journal, sink.name, sink.kind, sink.settings, self.report, self.telemetry.sink(sink.name))

    async def _prune(self, journal: Journal) -> None:
        names = [sink.name for sink in self.sinks]
        while True:
            await journal.prune(self.now(), self.site.gateway.retention_days, names)
            await trio.sleep(PRUNE_EVERY)


async def serve(buses: list[Bus], signalled: trio.Event) -> None:
    """Runs the buses until their schedules have ended or a signal came; each leaves its meter properly."""
    async with trio.open_nursery() as outer:
        async with trio.open_nursery() as lines:
            outer.start_soon(_cancel_when, signalled, lines.cancel_scope)
            for bus in buses:
                lines.start_soon(bus.serve)
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
