"""A journal of an older version becomes one of this version, whole."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from gateway.errors import Cause, Finding, JournalForeign
from gateway.journal import FILE_NAME, Store, read_readings, read_visits
from gateway.journal.history import History
from gateway.journal.rows import instant
from gateway.journal.store import Entry
from gateway.memory import MeterMemory
from gateway.reading import Event, EventKind, Gap, Grounds, Quality, Reading, Readout, Visit

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)

VERSION_1 = """
BEGIN IMMEDIATE;
PRAGMA application_id = 0x4D544A31;
PRAGMA user_version = 1;

CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    alias TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE visit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    meter INTEGER NOT NULL REFERENCES meter (id),
    due_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'gap')),
    gateway TEXT NOT NULL,
    line TEXT NOT NULL,
    serial TEXT NOT NULL,
    tags TEXT NOT NULL,
    cause TEXT,
    finding_code TEXT,
    finding_where TEXT,
    finding_text TEXT,
    finding_next TEXT,
    identification TEXT,
    manufacturer TEXT,
    model TEXT,
    profile TEXT,
    meter_time TEXT,
    clock_drift_s INTEGER,
    quality TEXT,
    reason TEXT,
    block BLOB,
    UNIQUE (due_at, meter)
) STRICT;

CREATE INDEX visit_by_end ON visit (ended_at);
CREATE INDEX visit_with_block ON visit (ended_at) WHERE block IS NOT NULL;

CREATE TABLE register (
    id INTEGER PRIMARY KEY,
    signal TEXT NOT NULL,
    obis TEXT,
    address TEXT NOT NULL,
    type TEXT,
    unit TEXT,
    title TEXT
) STRICT;

CREATE INDEX register_by_signal ON register (signal, address);

CREATE TABLE reading (
    visit INTEGER NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    register INTEGER NOT NULL,
    value TEXT,
    raw TEXT NOT NULL,
    quality TEXT NOT NULL,
    reason TEXT,
    time TEXT,
    valid_at INTEGER,
    logged INTEGER NOT NULL,
    PRIMARY KEY (visit, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX reading_unlogged ON reading (visit) WHERE logged = 0;

CREATE TABLE memory (
    meter INTEGER PRIMARY KEY REFERENCES meter (id),
    text TEXT NOT NULL
) STRICT;

CREATE TABLE cursor (
    sink TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
    sink TEXT NOT NULL,
    visit INTEGER NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    PRIMARY KEY (sink, visit)
) STRICT, WITHOUT ROWID;

CREATE INDEX dead_letter_by_visit ON dead_letter (visit);

COMMIT;
"""

ROWS_OF_1 = """
INSERT INTO meter VALUES (1, 'flat01'), (2, 'flat02');
INSERT INTO visit VALUES
    (3, 1, :start, :start, :start, 2412, 2, 'delivered', 'block-12', 'riser-a', '01234567', '{"flat": "1"}',
     NULL, NULL, NULL, NULL, NULL, '/XMP5VERBA', 'XMP', 'VERBA', 'generic@1', '2026-09-30T12:00:14', 14, 'suspect',
     'odd', x'312e382e3028312921'),
    (4, 2, :start, :start + 7500000, :start, 7500, 3, 'gap', 'block-12', 'riser-a', '41770326', '{}',
     'no_answer', 'E-READ-1', 'meter flat02', 'no answer', 'check its wiring', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL);
INSERT INTO register VALUES (1, 'energy', '1-0:1.8.0*255', '1.8.0', 'decimal', 'kWh', 'Energy');
INSERT INTO reading VALUES (3, 0, 1, '147.40', '147.40*kWh', 'good', NULL, NULL, NULL, 1);
INSERT INTO memory VALUES (1, '{"identification": "/XMP5VERBA", "block_octets": 400, "framed": true}');
INSERT INTO cursor VALUES ('broker', 3);
INSERT INTO dead_letter VALUES ('broker', 3, 'topic too long');
UPDATE sqlite_sequence SET seq = 9 WHERE name = 'visit';
"""

# What version 2 changed: a slot is of a job, events are records, readings have a status.
VERSION_2 = (
    VERSION_1.replace("PRAGMA user_version = 1", "PRAGMA user_version = 2")
    .replace("    due_at INTEGER NOT NULL,\n", "    due_at INTEGER NOT NULL,\n    job TEXT NOT NULL DEFAULT '',\n")
    .replace("('delivered', 'gap')", "('delivered', 'gap', 'event')")
    .replace(
        "    block BLOB,\n    UNIQUE (due_at, meter)\n",
        "    block BLOB,\n    event_kind TEXT,\n    event_text TEXT,\n    event_details TEXT\n",
    )
    .replace(
        "CREATE INDEX visit_by_end",
        """CREATE UNIQUE INDEX visit_slot ON visit (due_at, meter, job) WHERE outcome <> 'event';
CREATE UNIQUE INDEX visit_event ON visit (ended_at, meter, job, due_at, event_kind, event_text, event_details)
    WHERE outcome = 'event';
CREATE INDEX visit_by_end""",
    )
    .replace("    logged INTEGER NOT NULL,\n", "    logged INTEGER NOT NULL,\n    status TEXT,\n")
)

ROWS_OF_2 = (
    ROWS_OF_1.replace("(3, 1, :start, :start", "(3, 1, :start, '', :start")
    .replace("(4, 2, :start, :start", "(4, 2, :start, '', :start")
    .replace("x'312e382e3028312921')", "x'312e382e3028312921', NULL, NULL, NULL)")
    .replace(
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL,\n     NULL, NULL);",
        """ NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL),
    (7, 1, :start, 'clock', :start, :start, 5, 1, 'event', 'block-12', 'riser-a', '01234567', '{}',
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     'clock_set', 'the clock is set', '{"old": "5"}');""",
    )
    .replace("NULL, NULL, NULL, 1);", "NULL, NULL, NULL, 1, NULL);")
)

FILES = {1: (VERSION_1, ROWS_OF_1), 2: (VERSION_2, ROWS_OF_2)}

READOUT = Readout(
    Visit("block-12", "riser-a", "flat01", "01234567", START, START, 2412, 2, {"flat": "1"}),
    "/XMP5VERBA",
    "XMP",
    "VERBA",
    "generic@1",
    START,
    (Reading("energy", "1-0:1.8.0*255", "1.8.0", Decimal("147.40"), "kWh", "147.40*kWh", title="Energy"),),
    datetime(2026, 9, 30, 12, 0, 14),  # noqa: DTZ001 - a meter's local time
    14,
    Quality.SUSPECT,
    "odd",
    b"1.8.0(1)!",
)
GAP = Gap(
    Visit("block-12", "riser-a", "flat02", "41770326", START, START, 7500, 3),
    Cause.NO_ANSWER,
    Finding("E-READ-1", "meter flat02", "no answer", "check its wiring"),
)


@pytest.fixture(params=FILES)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def data_dir(tmp_path: Path, version: int) -> Path:
    """A journal of an older version, as its gateway left it; its newest records are pruned."""
    tables, content = FILES[version]
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(tables)
        connection.executescript(content.replace(":start", str(instant(START))))
    return tmp_path


@contextmanager
def opened(data_dir: Path) -> Iterator[Store]:
    store = Store(data_dir)
    store.open()
    try:
        yield store
    finally:
        store.close()


@contextmanager
def history_of(data_dir: Path) -> Iterator[History]:
    history = History.open(data_dir)
    try:
        yield history
    finally:
        history.close()


def version_of(data_dir: Path) -> int:
    with closing(sqlite3.connect(data_dir / FILE_NAME)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_all_that_an_older_version_held_is_there_in_this_version(data_dir: Path) -> None:
    with opened(data_dir), history_of(data_dir) as history:
        assert history.batch(0, 2) == [(3, READOUT), (4, GAP)]
        assert history.memories() == {"flat01": MeterMemory("/XMP5VERBA", 400, framed=True)}
        assert (history.cursor("broker"), history.dead_letters("broker")) == (3, {3: "topic too long"})
    assert [row["value"] for row in read_readings(data_dir)] == ["147.40"]
    assert [row["outcome"] for row in read_visits(data_dir)] == ["delivered", "gap"]


@pytest.mark.parametrize("version", [2], indirect=True)
def test_the_events_of_version_2_are_there_in_this_version(data_dir: Path) -> None:
    with opened(data_dir), history_of(data_dir) as history:
        slot = Visit("block-12", "riser-a", "flat01", "01234567", START, START, 5, job="clock")
        event = Event(slot, EventKind.CLOCK_SET, START, "the clock is set", {"old": "5"})
        assert history.batch(4, 9) == [(7, event)]


def test_a_journal_that_was_brought_up_to_date_takes_grounds(data_dir: Path) -> None:
    visit = Visit("", "", "flat01", "", START + timedelta(minutes=15), START, 1)
    grounds = Grounds("present", "xor", "known", "printed")
    with opened(data_dir) as store, history_of(data_dir) as history:
        assert store.commit([Entry(evolve(READOUT, visit=visit, grounds=grounds))]) == 10
        ((_, found),) = history.batch(9, 1)
        assert isinstance(found, Readout)
        assert found.grounds == grounds


def test_positions_go_on_where_an_older_version_stood(data_dir: Path) -> None:
    with opened(data_dir) as store, history_of(data_dir) as history:
        assert history.last() == 9
        later = Gap(Visit("", "", "flat02", "", START, START, 1, job="clock"), Cause.RESTING, Finding("", "", ""))
        assert store.commit([Entry(later)]) == 10
        assert history.batch(9, 9) == [(10, later)]


def test_what_referred_to_a_visit_of_an_older_version_still_goes_with_it(data_dir: Path) -> None:
    with opened(data_dir) as store:
        while store.prune(instant(START) + 10**9, 0, []):
            pass
        count = store.connection.execute("SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM dead_letter)")
        assert count.fetchone() == (0,)


def test_a_file_brought_up_to_date_has_the_tables_of_a_new_one(data_dir: Path, tmp_path: Path) -> None:
    with opened(data_dir) as old, opened(tmp_path / "new") as new:
        assert layout(old.connection) == layout(new.connection)
        assert old.connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert old.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def layout(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Columns, indexes with their conditions, references of every table."""
    columns = """SELECT t.name, c.name, c.type, c.[notnull], c.dflt_value, c.pk
        FROM pragma_table_list t JOIN pragma_table_info(t.name) c ORDER BY t.name, c.name"""
    indexes = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name"
    references = """SELECT t.name, f.[table], f.[from], f.[to], f.on_delete
        FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f ORDER BY t.name, f.[from]"""
    return [row for query in (columns, indexes, references) for row in connection.execute(query)]


def test_a_verb_that_only_looks_leaves_an_older_journal_to_the_gateway(data_dir: Path, version: int) -> None:
    with pytest.raises(JournalForeign, match="not brought up to date yet") as refused:
        list(read_readings(data_dir))
    assert (refused.value.code, version_of(data_dir)) == ("E-JRN-11", version)


def test_a_schema_that_was_never_written_is_damage(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / FILE_NAME)) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(JournalForeign, match="a schema 0 was never written") as refused, opened(data_dir):
        pass
    assert refused.value.code == "E-JRN-4"


KILLED = """
import os, signal, sqlite3, sys
from gateway.journal.schema import bring_up_to_date

def end_before(statement):
    if statement.lstrip().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.set_trace_callback(end_before)
bring_up_to_date(connection, int(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("version", "statement"),
    [
        *((1, begin) for begin in ("INSERT INTO visit_new", "DROP TABLE visit", "ALTER TABLE reading")),
        (2, "ALTER TABLE visit"),
        *((version, begin) for version in FILES for begin in ("PRAGMA user_version = 3", "COMMIT")),
    ],
    indirect=["version"],
)
def test_a_kill_while_it_is_brought_up_to_date_leaves_the_older_version(
    data_dir: Path, version: int, statement: str
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, data_dir / FILE_NAME, statement, str(version)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert version_of(data_dir) == version
    with opened(data_dir), history_of(data_dir) as history:
        assert [record for _, record in history.batch(0, 2)] == [READOUT, GAP]
