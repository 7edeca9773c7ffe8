"""The tables of the journal's SQLite file."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.errors import JournalForeign
from gateway.journal.faults import damaged, foreign

APPLICATION_ID = 0x4D544A31  # "MTJ1": tells a journal from any other SQLite file
VERSION = 3

# Instants are microseconds since 1970 in UTC, local times of meters ISO 8601 text.
# A position of a cursor is a visit's id: AUTOINCREMENT, so that a pruned id never comes back.
_VISIT_COLUMNS = """ (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    meter INTEGER NOT NULL REFERENCES meter (id),
    due_at INTEGER NOT NULL,
    job TEXT NOT NULL DEFAULT '',
    ended_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'gap', 'event')),
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
    event_kind TEXT,
    event_text TEXT,
    event_details TEXT,
    grounds TEXT
) STRICT;
"""

# One record a slot; what happened to a meter is never left out because its slot has a record already.
_VISIT_INDEXES = """
CREATE UNIQUE INDEX visit_slot ON visit (due_at, meter, job) WHERE outcome <> 'event';
CREATE UNIQUE INDEX visit_event ON visit (ended_at, meter, job, due_at, event_kind, event_text, event_details)
    WHERE outcome = 'event';
CREATE INDEX visit_by_end ON visit (ended_at);
CREATE INDEX visit_with_block ON visit (ended_at) WHERE block IS NOT NULL;
"""

_OTHER_TABLES = """
CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    alias TEXT NOT NULL UNIQUE
) STRICT;

-- What repeats from readout to readout stands once; `type` tells how the text of a value is to be read.
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
    status TEXT,
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
"""

_CREATE = (
    "BEGIN IMMEDIATE; PRAGMA application_id = 0x4D544A31; PRAGMA user_version = 3; CREATE TABLE visit",
    _VISIT_COLUMNS,
    _VISIT_INDEXES,
    _OTHER_TABLES,
    "COMMIT;",
)

_COLUMNS_OF_1 = """
    id, meter, due_at, ended_at, started_at, duration_ms, attempt, outcome, gateway, line, serial, tags,
    cause, finding_code, finding_where, finding_text, finding_next,
    identification, manufacturer, model, profile, meter_time, clock_drift_s, quality, reason, block
"""

# Version 1 knew neither jobs, events nor grounds. The table is copied, because SQLite cannot alter a constraint; its
# last id goes along, the rows that refer to it stay as they are.
_FROM_1 = (
    "BEGIN IMMEDIATE; CREATE TABLE visit_new",
    _VISIT_COLUMNS,
    "INSERT INTO visit_new (",
    _COLUMNS_OF_1,
    ") SELECT ",
    _COLUMNS_OF_1,
    "FROM visit ORDER BY id;",
    "DELETE FROM sqlite_sequence WHERE name = 'visit_new';",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'visit_new', seq FROM sqlite_sequence WHERE name = 'visit';",
    "DROP TABLE visit; ALTER TABLE visit_new RENAME TO visit;",
    _VISIT_INDEXES,
    "ALTER TABLE reading ADD COLUMN status TEXT; PRAGMA user_version = 3; COMMIT;",
)

# Version 2 knew no grounds.
_FROM_2 = ("BEGIN IMMEDIATE; ALTER TABLE visit ADD COLUMN grounds TEXT; PRAGMA user_version = 3; COMMIT;",)

_STEPS: Mapping[int, Sequence[str]] = {0: _CREATE, 1: _FROM_1, 2: _FROM_2, VERSION: ()}


def format_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's tables; 0 for an empty file. JournalForeign where this version cannot read it."""
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        return 0
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise foreign(path, "is no journal of Metergate")
    if version > VERSION:
        raise foreign(path, f"was written by a newer Metergate (schema {version}, this one knows {VERSION})")
    if version < 1:
        raise damaged(path, f"a schema {version} was never written")
    return int(version)


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Makes the tables of this version out of those of a known one, in one transaction.

    Leaves foreign keys unwatched, because a table that others refer to may be replaced.
    """
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.executescript("".join(_STEPS[version]))


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises JournalForeign unless the file is a journal of this version, for a connection that cannot change it."""
    version = format_of(connection, path)
    if version < VERSION:
        raise JournalForeign(
            "E-JRN-11",
            f"{path} is not brought up to date yet (schema {version}, this version has {VERSION})",
            "start the gateway once: it does so when it opens its journal",
        )
