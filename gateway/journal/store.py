"""The journal's file as its only writer sees it."""

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import assert_never

from attrs import define, field, frozen

from gateway.errors import JournalError, JournalFailed
from gateway.host_clock import RELEASED
from gateway.journal import rows
from gateway.journal.directory import key_of, make_names_durable, take_directory
from gateway.journal.faults import damaged, journal_errors
from gateway.journal.schema import bring_up_to_date, format_of
from gateway.reading import Event, Reading, Readout, Record

FILE_NAME = "metergate.db"

PRUNE_STEP = 500  # visits a transaction: no commit of readings waits long behind it
REGISTERS_KEPT = 10_000  # bounds memory when a meter prints ever new addresses


@frozen(eq=False)
class Entry:
    """What one append stores: a record with the text of its meter's memory; equal to itself alone."""

    record: Record
    memory: str | None = None


@frozen(eq=False)
class Note:
    """The text of a meter's memory without a record, by the meter's device_alias; equal to itself alone."""

    meter: str
    memory: str


@define
class Store:
    """The one writing connection to `metergate.db`; the file is locked against a second gateway while it is open.

    Every method blocks, each is one transaction that is durable on return. Errors: JournalFull, JournalFailed,
    JournalForeign. After JournalFailed the next call begins with a fresh connection to the verified file, because the
    old one may hide a lost write. `key` is the secret under which hashes in the journal are keyed.
    """

    data_dir: Path
    connection: sqlite3.Connection = field(init=False)
    key: bytes = field(init=False, repr=False)
    _lock: int = field(init=False)
    _sound: bool = field(init=False, default=True)
    _meters: dict[str, int] = field(init=False, factory=dict)
    _registers: dict[rows.Row, int] = field(init=False, factory=dict)

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self.data_dir / FILE_NAME

    def open(self) -> None:
        """Creates what is missing, takes the lock, opens the file; the lock is free again after an error."""
        with ExitStack() as undone:
            self._lock = take_directory(self.data_dir)
            undone.callback(os.close, self._lock)
            self._connect()
            undone.callback(self.connection.close)
            self.key = key_of(self.data_dir)
            undone.pop_all()

    def close(self) -> None:
        """Closes the file, then frees the lock."""
        self.connection.close()
        os.close(self._lock)

    def commit(self, entries: Sequence[Entry | Note]) -> int:
        """Stores records and memories in their order; gives the position of the newest record.

        A readout or gap is left out where it stands there already, an event too. One of another visit with the due
        time and job of one that stands there is due a microsecond later.
        """
        with self._transaction():
            for entry in entries:
                match entry:
                    case Entry(record, memory):
                        meter = self._meter(record.visit.meter)
                        self._add(meter, record)
                        if memory is not None:
                            self._remember(meter, memory)
                    case Note(alias, memory):
                        self._remember(self._meter(alias), memory)
                    case _:
                        assert_never(entry)
            (position,) = self.connection.execute(rows.SELECT_LAST).fetchone()
        return int(position)

    def advance(self, sink: str, position: int) -> None:
        """Moves a sink's cursor: all up to `position` is delivered or set aside."""
        with self._transaction():
            self._advance(sink, position)

    def set_aside(self, sink: str, position: int, cause: str) -> None:
        """Keeps a record that a sink will never take among its dead letters, and moves its cursor past it."""
        with self._transaction():
            self.connection.execute(
                "INSERT INTO dead_letter (sink, visit, cause) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET cause = excluded.cause",
                (sink, position, cause),
            )
            self._advance(sink, position)

    def prune(self, visits_before: int, blocks_before: int, sinks: Collection[str]) -> int:
        """Removes a step of what is old and delivered; gives how many rows it touched, 0 when nothing is left to do.

        `visits_before` and `blocks_before` are instants; only what every sink of `sinks` has passed is removed.
        """
        with self._transaction():
            passed = self._passed_by_all(sinks)
            return sum(
                self.connection.execute(statement, {**limits, "passed": passed, "step": PRUNE_STEP}).rowcount
                for statement, limits in (
                    (_PRUNE_VISITS, self._older_than(visits_before)),
                    (_PRUNE_BLOCKS, self._older_than(blocks_before)),
                    (_PRUNE_UNLOGGED, {}),
                )
            )

    def _connect(self) -> None:
        with journal_errors(self.path):
            # One thread at a time uses it, but not always the same one.
            self.connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except (sqlite3.Error, JournalError):
                self.connection.close()
                raise

    def _prepare(self) -> None:
        execute = self.connection.execute
        version = format_of(self.connection, self.path)  # a file of another program is left as it is
        if execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise JournalFailed("E-JRN-1", f"the file system of {self.path} cannot hold a journal", "use a local disk")
        execute("PRAGMA synchronous = FULL")
        bring_up_to_date(self.connection, version)
        execute("PRAGMA foreign_keys = ON")
        if version == 0:
            make_names_durable(self.data_dir)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if not self._sound:
            self._renew()
        done = False
        try:
            with journal_errors(self.path):
                self.connection.execute("BEGIN IMMEDIATE")
                yield
                self.connection.execute("COMMIT")
            done = True
        except JournalFailed:
            self._sound = False
            raise
        finally:
            if not done:
                self._roll_back()

    def _roll_back(self) -> None:
        self._meters.clear()
        self._registers.clear()
        if self._sound and self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _renew(self) -> None:
        self.connection.close()
        self._connect()
        with journal_errors(self.path):
            (verdict,) = self.connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(self.path, verdict)
        self._sound = True

    def _meter(self, alias: str) -> int:
        if alias not in self._meters:
            (self._meters[alias],) = self.connection.execute(
                "INSERT INTO meter (alias) VALUES (?) ON CONFLICT DO UPDATE SET alias = excluded.alias RETURNING id",
                (alias,),
            ).fetchone()
        return self._meters[alias]

    def _register(self, register: rows.Row) -> int:
        known = self._registers.get(register, 0)
        if not known:
            if len(self._registers) >= REGISTERS_KEPT:
                self._registers.clear()
            found = self.connection.execute(rows.SELECT_REGISTER, register).fetchone()
            (known,) = found or self.connection.execute(rows.INSERT_REGISTER, register).fetchone()
            self._registers[register] = known
        return known

    def _add(self, meter: int, record: Record) -> None:
        row = rows.visit_row(record, meter)
        added = self.connection.execute(rows.INSERT_VISIT, row)
        while added.rowcount == 0 and not isinstance(record, Event) and not self._is_stored(row):
            # The host's clock was put back: a slot of the same due time was another one.
            row["due_at"] = int(row["due_at"] or 0) + 1
            added = self.connection.execute(rows.INSERT_VISIT, row)
        if added.rowcount == 1 and isinstance(record, Readout):
            self._add_readings(added.lastrowid, record.readings)

    def _is_stored(self, row: Mapping[str, rows.Cell]) -> bool:
        return self.connection.execute(rows.SELECT_SAME, row).fetchone() is not None

    def _add_readings(self, visit: int | None, readings: Sequence[Reading]) -> None:
        cells = []
        for n, reading in enumerate(readings):
            register, own = rows.reading_cells(reading)
            cells.append((visit, n, self._register(register), *own))
        self.connection.executemany(rows.INSERT_READING, cells)

    def _remember(self, meter: int, memory: str) -> None:
        self.connection.execute(
            "INSERT INTO memory (meter, text) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET text = excluded.text WHERE text <> excluded.text",
            (meter, memory),
        )

    def _advance(self, sink: str, position: int) -> None:
        self.connection.execute(
            "INSERT INTO cursor (sink, position) VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
            (sink, position),
        )

    def _older_than(self, before: int) -> Mapping[str, int]:
        """What tells old records, those of a host whose clock had lost the time by the ones that follow them."""
        limits = {"before": before, "released": rows.instant(RELEASED)}
        (followed,) = self.connection.execute(_LAST_OLD, limits).fetchone()
        return {**limits, "followed": followed}

    def _passed_by_all(self, sinks: Collection[str]) -> int:
        cursors = dict(self.connection.execute("SELECT sink, position FROM cursor"))
        (last,) = self.connection.execute(rows.SELECT_LAST).fetchone()
        return min([int(last), *(int(cursors.get(sink, 0)) for sink in sinks)])


_LAST_OLD = "SELECT coalesce(max(id), 0) FROM visit WHERE ended_at >= :released AND ended_at < :before"

_PRUNE_VISITS = """
DELETE FROM visit WHERE id IN (
    SELECT id FROM visit
    WHERE ended_at < :before AND id <= :passed AND (ended_at >= :released OR id < :followed)
    ORDER BY ended_at LIMIT :step
)
"""

_PRUNE_BLOCKS = """
UPDATE visit SET block = NULL WHERE id IN (
    SELECT id FROM visit
    WHERE block IS NOT NULL AND ended_at < :before AND id <= :passed AND (ended_at >= :released OR id < :followed)
    ORDER BY ended_at LIMIT :step
)
"""

_PRUNE_UNLOGGED = """
DELETE FROM reading WHERE (visit, n) IN (
    SELECT visit, n FROM reading WHERE logged = 0 AND visit <= :passed LIMIT :step
)
"""
