"""The journal's file as its only writer sees it."""

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import define, field, frozen

from gateway.errors import JournalError, JournalFailed, JournalForeign
from gateway.journal import rows
from gateway.journal.faults import damaged, foreign, journal_errors
from gateway.journal.schema import APPLICATION_ID, CREATE, VERSION
from gateway.reading import Reading, Readout, Record

FILE_NAME = "metergate.db"
LOCK_NAME = "metergate.lock"

PRUNE_STEP = 500  # visits a transaction: no commit of readings waits long behind it
REGISTERS_KEPT = 10_000  # bounds memory when a meter prints ever new addresses


@frozen(eq=False)
class Entry:
    """What one append stores: a record with the text of its meter's memory; equal to itself alone."""

    record: Record
    memory: str | None = None


@define
class Store:
    """The one writing connection to `metergate.db`; the file is locked against a second gateway while it is open.

    Every method blocks, each is one transaction that is durable on return. Errors: JournalFull, JournalFailed,
    JournalForeign. After JournalFailed the next call begins with a fresh connection to the verified file, because the
    old one may hide a lost write.
    """

    data_dir: Path
    connection: sqlite3.Connection = field(init=False)
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
            try:
                self.data_dir.mkdir(parents=True, exist_ok=True)
                self._lock = os.open(self.data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                undone.callback(os.close, self._lock)
                self._take_lock()
            except OSError as error:
                raise JournalFailed(
                    "E-JRN-1",
                    f"the data directory {self.data_dir} cannot be written: {error.strerror}",
                    "name another data_dir, or give this user the right to write there",
                ) from error
            self._connect()
            undone.pop_all()

    def close(self) -> None:
        """Closes the file, then frees the lock."""
        self.connection.close()
        os.close(self._lock)

    def commit(self, entries: Sequence[Entry]) -> int:
        """Stores records in their order, with the memories of their meters; gives the position of the newest record.

        A record whose meter has one of the same due time already is left out.
        """
        with self._transaction():
            for entry in entries:
                meter = self._meter(entry.record.visit.meter)
                added = self.connection.execute(rows.INSERT_VISIT, rows.visit_row(entry.record, meter))
                if added.rowcount == 1 and isinstance(entry.record, Readout):
                    self._add_readings(added.lastrowid, entry.record.readings)
                if entry.memory is not None:
                    self._remember(meter, entry.memory)
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
                    (_PRUNE_VISITS, {"before": visits_before}),
                    (_PRUNE_BLOCKS, {"before": blocks_before}),
                    (_PRUNE_UNLOGGED, {}),
                )
            )

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            raise JournalForeign(
                "E-JRN-2",
                f"{self.data_dir} is in use by another gateway, process {holder or 'unknown'}",
                "stop that process, or name another data_dir",
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode("ascii"), 0)

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
        if execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
            check_format(self.connection, self.path)
        if execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise JournalFailed("E-JRN-1", f"the file system of {self.path} cannot hold a journal", "use a local disk")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        if execute("PRAGMA user_version").fetchone() == (0,):
            self.connection.executescript(CREATE)
            _make_name_durable(self.data_dir)

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

    def _passed_by_all(self, sinks: Collection[str]) -> int:
        cursors = dict(self.connection.execute("SELECT sink, position FROM cursor"))
        (last,) = self.connection.execute(rows.SELECT_LAST).fetchone()
        return min([int(last), *(int(cursors.get(sink, 0)) for sink in sinks)])


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises JournalForeign unless the file is a journal that this version understands."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise foreign(path, "is no journal of Metergate")
    if version > VERSION:
        raise foreign(path, f"was written by a newer Metergate (schema {version}, this one knows {VERSION})")


def _make_name_durable(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_PRUNE_VISITS = """
DELETE FROM visit WHERE id IN (
    SELECT id FROM visit WHERE ended_at < :before AND id <= :passed ORDER BY ended_at LIMIT :step
)
"""

_PRUNE_BLOCKS = """
UPDATE visit SET block = NULL WHERE id IN (
    SELECT id FROM visit WHERE block IS NOT NULL AND ended_at < :before AND id <= :passed ORDER BY ended_at LIMIT :step
)
"""

_PRUNE_UNLOGGED = """
DELETE FROM reading WHERE (visit, n) IN (
    SELECT visit, n FROM reading WHERE logged = 0 AND visit <= :passed LIMIT :step
)
"""
