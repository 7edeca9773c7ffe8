"""The journal as the gateway's tasks use it: durable on return, grouped only under load."""

import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import trio
from attrs import define, field, frozen

from gateway.errors import Finding
from gateway.journal import rows
from gateway.journal.history import History
from gateway.journal.store import Entry, Note, Store
from gateway.journal.thread import OwnThread, PatientThread
from gateway.memory import MeterMemory
from gateway.reading import Record

T = TypeVar("T")

GROUP = 200  # records a commit: about 50 ms of work at the measured rate
CLOSING_S = 0.75  # a full disk does not hold up the end of the process beyond the 3 s after a signal
BLOCKS_KEPT = timedelta(days=7)


@frozen
class Counts:
    """What a journal has done since it was opened: records stored, commits made, records that wait for one."""

    stored: int
    commits: int
    waiting: int


def to_standard_error(finding: Finding) -> None:
    """Shows a message where messages go when nobody has chosen another place."""
    sys.stderr.write(f"{finding}\n")


@define
class Journal:
    """The durable store of one data directory, used by many tasks of one trio loop; made by `Journal.open`.

    When the disk is full or a write fails, every method waits until the journal can be used again: JournalFull and
    JournalFailed do not leave it. JournalForeign does: the file is damaged, nothing more can be stored in it.
    `last` is the position of the newest record; `inline` tells that nothing runs in threads.
    """

    store: Store
    inline: bool
    last: int
    _history: History
    _writes: PatientThread
    _reads: PatientThread
    _turn: trio.Lock = field(init=False, factory=trio.Lock)
    _waiting: list[Entry | Note] = field(init=False, factory=list)
    _grown: trio.Event = field(init=False, factory=trio.Event)
    _stored: int = field(init=False, default=0)
    _commits: int = field(init=False, default=0)

    @property
    def key(self) -> bytes:
        """The secret under which hashes in this journal are keyed: 32 random octets, the same for ever."""
        return self.store.key

    @classmethod
    @asynccontextmanager
    async def open(
        cls, data_dir: Path, *, inline: bool = False, alarm: Callable[[Finding], None] = to_standard_error
    ) -> "AsyncIterator[Journal]":
        """Opens the journal of a data directory and keeps it from a second gateway.

        Raises JournalFailed when the directory cannot be written, JournalFull when there is no room, JournalForeign
        when another gateway holds it or the file is no sound journal. `inline` commits on the loop, for virtual time.
        `alarm` gets a message when storing begins to fail, and one when the journal stores again.
        """
        store = Store(data_dir)
        writer, reader = OwnThread(inline=inline), OwnThread(inline=inline)
        await writer.run(store.open)
        history = await reader.run(lambda: History.open(data_dir))
        journal = cls(
            store, inline, history.last(), history, PatientThread(writer, alarm), PatientThread(reader, alarm)
        )
        try:
            yield journal
        finally:
            with trio.CancelScope(shield=True):
                await journal._finish()

    async def append(self, record: Record, memory: MeterMemory | None = None) -> None:
        """Returns when the record, with its meter's memory, is durable.

        What stands there already is left out. A readout or gap of another visit with the same meter, due time and job
        is due a microsecond later: the host's clock was put back between the two.
        Cancelled while it waits, the record is still stored with the next commit or at the end.
        """
        await self._store(Entry(record, None if memory is None else memory.to_text()))

    async def remember(self, alias: str, memory: MeterMemory) -> None:
        """Returns when the memory of the meter of that alias is durable; what is appended before is stored before.

        Cancelled while it waits, the memory is still stored with the next commit or at the end.
        """
        await self._store(Note(alias, memory.to_text()))

    async def batch(self, after: int, limit: int) -> Sequence[tuple[int, Record]]:
        """At most `limit` records after a position, oldest first, each with its own position."""
        return await self._reads.run(lambda: self._history.batch(after, limit))

    async def cursor(self, sink: str) -> int:
        """The position up to which a sink has taken the records; a new sink stands before the oldest one."""
        return await self._reads.run(lambda: self._history.cursor(sink))

    async def advance(self, sink: str, position: int) -> None:
        """Moves a sink's cursor, durably."""
        await self._writes.run(lambda: self.store.advance(sink, position))

    async def set_aside(self, sink: str, position: int, cause: str) -> None:
        """Keeps the record at `position` as a dead letter of a sink, and moves its cursor past it, durably."""
        await self._writes.run(lambda: self.store.set_aside(sink, position, cause))

    async def dead_letters(self, sink: str) -> Mapping[int, str]:
        """The records that a sink will never take: cause by position."""
        return await self._reads.run(lambda: self._history.dead_letters(sink))

    async def memories(self) -> Mapping[str, MeterMemory]:
        """What was learned of each meter, by its device_alias."""
        return await self._reads.run(self._history.memories)

    async def newest(self) -> datetime | None:
        """The latest time at which a record was taken; None for none."""
        return await self._reads.run(self._history.newest)

    async def look(self, query: Callable[[History], T]) -> T:
        """What a query gives that only reads; it holds up deliveries while it runs."""
        return await self._reads.run(lambda: query(self._history))

    async def beyond(self, position: int) -> None:
        """Returns when there is a record after a position."""
        while self.last <= position:
            await self._grown.wait()

    async def prune(self, now: datetime, retention_days: int, sinks: Collection[str]) -> None:
        """Removes records older than `retention_days`, raw blocks after a week, readings that are not to be logged.

        `sinks` are the configured ones: what one of them has not passed stays.
        """
        visits = rows.instant(now - timedelta(days=retention_days))
        blocks = rows.instant(now - BLOCKS_KEPT)
        while await self._writes.run(lambda: self.store.prune(visits, blocks, sinks)):
            await trio.lowlevel.checkpoint()

    def counts(self) -> Counts:
        """Plain numbers for telemetry."""
        return Counts(self._stored, self._commits, _records(self._waiting))

    async def _store(self, entry: Entry | Note) -> None:
        self._waiting.append(entry)
        while entry in self._waiting:
            async with self._turn:
                if entry in self._waiting:
                    await self._commit_group()

    async def _finish(self) -> None:
        self._writes.hurry()
        try:
            with trio.move_on_after(CLOSING_S):
                async with self._turn:
                    while self._waiting:
                        await self._commit_group()
            if lost := _records(self._waiting):
                what = f"{lost} records could not be stored before the end; none of them was acknowledged"
                self._writes.alarm(Finding("E-JRN-9", "journal", what, "their meters are read again at the next start"))
        finally:
            await self._reads.thread.run(self._history.close)
            await self._writes.thread.run(self.store.close)

    async def _commit_group(self) -> None:
        group = self._waiting[:GROUP]
        self.last = await self._writes.run(lambda: self.store.commit(group))
        del self._waiting[: len(group)]
        self._stored += _records(group)
        self._commits += 1
        self._grown.set()
        self._grown = trio.Event()


def _records(entries: Iterable[Entry | Note]) -> int:
    return sum(isinstance(entry, Entry) for entry in entries)
