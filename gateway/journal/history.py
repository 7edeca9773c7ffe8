"""What the journal holds, read while a gateway writes."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import groupby
from pathlib import Path

from attrs import frozen

from gateway.errors import JournalFailed
from gateway.journal import rows
from gateway.journal.faults import damaged, journal_errors
from gateway.journal.schema import check_format
from gateway.journal.store import FILE_NAME
from gateway.memory import MeterMemory
from gateway.reading import Record, local_text, utc_text, value_text

VISIT_COLUMNS = ("meter", "line", "due_at", "started_at", "duration_ms", "outcome", "cause", "attempts")
EVENT_COLUMNS = ("at", "meter", "serial", "kind", "text")

_EVER = (-(2**63), 2**63 - 1)


@frozen
class History:
    """A reading connection to the journal of a data directory; it cannot change anything.

    Every method blocks. Errors: JournalFailed when the file cannot be read, JournalForeign when it is damaged.
    """

    path: Path
    connection: sqlite3.Connection

    @classmethod
    def open(cls, data_dir: Path) -> "History":
        """Opens the journal, which must exist; JournalForeign if it is none of this version."""
        path = data_dir / FILE_NAME
        if not path.exists():
            raise JournalFailed(
                "E-JRN-8",
                f"there is no journal in {data_dir}",
                "name the site file with --config or its data_dir with --data-dir",
            )
        with journal_errors(path):
            # One thread at a time uses it, but not always the same one.
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            with ExitStack() as undone:
                undone.callback(connection.close)
                connection.row_factory = sqlite3.Row
                check_format(connection, path)
                undone.pop_all()
        return cls(path, connection)

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()

    def last(self) -> int:
        """The position of the newest record ever stored; 0 for none."""
        return self._number(rows.SELECT_LAST)

    def cursor(self, sink: str) -> int:
        """The position of a sink; a sink that never moved stands before the oldest record."""
        return self._number(
            "SELECT coalesce((SELECT position FROM cursor WHERE sink = ?), (SELECT min(id) - 1 FROM visit),"
            " (SELECT seq FROM sqlite_sequence WHERE name = 'visit'), 0)",
            sink,
        )

    def batch(self, after: int, limit: int) -> Sequence[tuple[int, Record]]:
        """At most `limit` records after a position, oldest first, each with its own position."""
        with journal_errors(self.path):
            visits = self.connection.execute(rows.SELECT_VISITS, (after, limit)).fetchall()
            if not visits:
                return ()
            found = self.connection.execute(rows.SELECT_READINGS, (visits[0]["id"], visits[-1]["id"]))
            readings = {
                visit: [rows.reading_of(row) for row in group]
                for visit, group in groupby(found, lambda row: row["visit"])
            }
        return [(row["id"], rows.record_of(row, readings.get(row["id"], ()))) for row in visits]

    def newest(self) -> datetime | None:
        """The latest time at which a record was taken; None for none."""
        with journal_errors(self.path):
            (latest,) = self.connection.execute("SELECT max(ended_at) FROM visit").fetchone()
        return None if latest is None else rows.moment_of(latest)

    def memories(self) -> Mapping[str, MeterMemory]:
        """What was learned of each meter, by its device_alias."""
        with journal_errors(self.path):
            found = self.connection.execute("SELECT alias, text FROM memory JOIN meter ON meter.id = memory.meter")
            return {alias: self._memory(alias, text) for alias, text in found}

    def _memory(self, alias: str, text: str) -> MeterMemory:
        try:
            return MeterMemory.from_text(text)
        # A latch in it keeps passwords back: none may be forgotten in silence.
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
            raise damaged(self.path, f"what it remembers of {alias} is no memory of a meter") from error

    def aliases(self) -> Sequence[str]:
        """The device_alias of each meter that anything was ever stored of, in alphabetical order."""
        with journal_errors(self.path):
            return [alias for (alias,) in self.connection.execute("SELECT alias FROM meter ORDER BY alias")]

    def dead_letters(self, sink: str) -> Mapping[int, str]:
        """The records that a sink will never take: cause by position."""
        with journal_errors(self.path):
            found = self.connection.execute("SELECT visit, cause FROM dead_letter WHERE sink = ?", (sink,))
            return dict(found.fetchall())

    def _number(self, query: str, *parameters: str) -> int:
        with journal_errors(self.path):
            (number,) = self.connection.execute(query, parameters).fetchone()
        return int(number)


def read_readings(
    data_dir: Path,
    meter: str | None = None,
    signal: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[dict[str, object]]:
    """The logged readings taken from `since` to before `until`, oldest first.

    The keys are those of `READING_COLUMNS`, then `id`, by which `read_provenance` finds the reading again.
    `meter` is a device_alias, `signal` a signal_alias; None: all. Raises what `History.open` raises.
    """
    for row in _rows(data_dir, _READINGS, {"meter": meter, "signal": signal}, since, until):
        meter_time = row["meter_time"]
        yield {
            "meter": row["alias"],
            "serial": row["serial"],
            "signal": row["signal"],
            "obis": row["obis"],
            "address": row["address"],
            "value": value_text(rows.value_of(row["type"], row["value"])),
            "unit": row["unit"],
            "raw": row["raw"],
            "quality": row["quality"],
            "reason": row["reason"],
            "read_at": utc_text(rows.moment_of(row["ended_at"])),
            "valid_at": None if row["valid_at"] is None else utc_text(rows.moment_of(row["valid_at"])),
            "meter_time": local_text(None if meter_time is None else datetime.fromisoformat(meter_time)),
            "status": row["status"],
            "id": f"{row['visit']}.{row['n']}",
        }


def read_visits(
    data_dir: Path, meter: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> Iterator[dict[str, object]]:
    """The slots due from `since` to before `until`, in that order, with the keys of `VISIT_COLUMNS`; no events.

    `meter` is a device_alias; None: all. Raises what `History.open` raises.
    """
    for row in _rows(data_dir, _VISITS, {"meter": meter}, since, until):
        yield {
            "meter": row["alias"],
            "line": row["line"],
            "due_at": utc_text(rows.moment_of(row["due_at"])),
            "started_at": utc_text(rows.moment_of(row["started_at"])),
            "duration_ms": row["duration_ms"],
            "outcome": row["outcome"],
            "cause": row["cause"],
            "attempts": row["attempt"],
        }


def read_events(
    data_dir: Path, meter: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> Iterator[dict[str, object]]:
    """What happened to meters from `since` to before `until`, oldest first.

    The keys are those of `EVENT_COLUMNS`, then `line`, `details`. `meter` is a device_alias; None: all. Raises what
    `History.open` raises.
    """
    for row in _rows(data_dir, _EVENTS, {"meter": meter}, since, until):
        yield {
            "at": utc_text(rows.moment_of(row["ended_at"])),
            "meter": row["alias"],
            "serial": row["serial"],
            "kind": row["event_kind"],
            "text": row["event_text"],
            "line": row["line"],
            "details": json.loads(row["event_details"]),
        }


def _rows(
    data_dir: Path, query: str, wanted: Mapping[str, str | None], since: datetime | None, until: datetime | None
) -> Iterator[sqlite3.Row]:
    first = _EVER[0] if since is None else rows.instant(since)
    end = _EVER[1] if until is None else rows.instant(until)
    history = History.open(data_dir)
    with closing(history), journal_errors(history.path):
        yield from history.connection.execute(query, {**wanted, "since": first, "until": end})


_READINGS = """
SELECT alias, serial, signal, obis, address, type, value, unit, raw, reading.quality, reading.reason,
       ended_at, valid_at, meter_time, status, visit, n
FROM visit
CROSS JOIN meter ON meter.id = visit.meter
CROSS JOIN reading ON reading.visit = visit.id
CROSS JOIN register ON register.id = reading.register
WHERE ended_at >= :since AND ended_at < :until AND logged = 1
  AND (:meter IS NULL OR alias = :meter) AND (:signal IS NULL OR signal = :signal)
ORDER BY ended_at, visit.id, n
"""

_VISITS = """
SELECT alias, line, due_at, started_at, duration_ms, outcome, cause, attempt
FROM visit CROSS JOIN meter ON meter.id = visit.meter
WHERE due_at >= :since AND due_at < :until AND outcome <> 'event' AND (:meter IS NULL OR alias = :meter)
ORDER BY due_at, visit.id
"""

_EVENTS = """
SELECT alias, serial, line, ended_at, event_kind, event_text, event_details
FROM visit CROSS JOIN meter ON meter.id = visit.meter
WHERE ended_at >= :since AND ended_at < :until AND outcome = 'event' AND (:meter IS NULL OR alias = :meter)
ORDER BY ended_at, visit.id
"""
