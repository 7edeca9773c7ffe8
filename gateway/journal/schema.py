"""The tables of the journal's SQLite file."""

APPLICATION_ID = 0x4D544A31  # "MTJ1": tells a journal from any other SQLite file
VERSION = 1

# Instants are microseconds since 1970 in UTC, local times of meters ISO 8601 text.
# A position of a cursor is a visit's id: AUTOINCREMENT, so that a pruned id never comes back.
CREATE = """
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
