"""Records as rows of the journal, without loss both ways."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from gateway.errors import Cause, Finding
from gateway.journal.grounds import grounds_of, grounds_text
from gateway.reading import Event, EventKind, Gap, Quality, Reading, Readout, Record, Value, Visit

Cell = str | int | bytes | None
Row = Sequence[Cell]


class Outcome(StrEnum):
    """What kind of record a row of `visit` holds."""

    DELIVERED = "delivered"
    GAP = "gap"
    EVENT = "event"


INSERT_VISIT = """
INSERT INTO visit (
    meter, due_at, job, ended_at, started_at, duration_ms, attempt, outcome, gateway, line, serial, tags,
    cause, finding_code, finding_where, finding_text, finding_next,
    identification, manufacturer, model, profile, meter_time, clock_drift_s, quality, reason, block,
    event_kind, event_text, event_details, grounds
) VALUES (
    :meter, :due_at, :job, :ended_at, :started_at, :duration_ms, :attempt, :outcome, :gateway, :line, :serial, :tags,
    :cause, :finding_code, :finding_where, :finding_text, :finding_next,
    :identification, :manufacturer, :model, :profile, :meter_time, :clock_drift_s, :quality, :reason, :block,
    :event_kind, :event_text, :event_details, :grounds
) ON CONFLICT DO NOTHING
"""

INSERT_REGISTER = """
INSERT INTO register (signal, obis, address, type, unit, title) VALUES (?, ?, ?, ?, ?, ?) RETURNING id
"""

SELECT_REGISTER = """
SELECT id FROM register
WHERE signal = ? AND obis IS ? AND address = ? AND type IS ? AND unit IS ? AND title IS ?
"""

INSERT_READING = """
INSERT INTO reading (visit, n, register, value, raw, quality, reason, time, valid_at, logged, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

SELECT_SAME = """
SELECT 1 FROM visit
WHERE due_at = :due_at AND meter = :meter AND job = :job AND outcome <> 'event'
  AND started_at = :started_at AND duration_ms = :duration_ms
"""

SELECT_LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'visit'"

SELECT_VISITS = """
SELECT visit.*, meter.alias AS alias FROM visit JOIN meter ON meter.id = visit.meter
WHERE visit.id > ? ORDER BY visit.id LIMIT ?
"""

SELECT_READINGS = """
SELECT reading.visit, signal, obis, address, type, value, unit, raw, time, valid_at, quality, reason, title, logged,
       status
FROM reading JOIN register ON register.id = reading.register
WHERE reading.visit BETWEEN ? AND ? ORDER BY reading.visit, reading.n
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> int:
    """An aware instant as microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The instant, in UTC, that `instant` wrote."""
    return _EPOCH + microseconds * _MICROSECOND


def written_value(value: Value) -> tuple[str | None, str | None]:
    """The type tag of a value, with the text that holds it exactly; both None for no value."""
    match value:
        case None:
            return None, None
        case Decimal():
            return "decimal", str(value)
        case int():
            return "integer", str(value)
        case str():
            return "text", value
        case datetime():
            return "time", value.isoformat()
        case frozenset():
            return "flags", json.dumps(sorted(value))
        case _:
            assert_never(value)


def value_of(tag: str | None, text: str) -> Value:
    """The value that `written_value` wrote."""
    match tag:
        case None:
            return None
        case "decimal":
            return Decimal(text)
        case "integer":
            return int(text)
        case "text":
            return text
        case "time":
            return datetime.fromisoformat(text)
        case "flags":
            return frozenset(json.loads(text))
        case _:
            raise ValueError(tag)


def visit_row(record: Record, meter: int) -> dict[str, Cell]:
    """The parameters of `INSERT_VISIT` for a record; `meter` is the id of its meter's row."""
    visit = record.visit
    row: dict[str, Cell] = {
        "meter": meter,
        "due_at": instant(visit.due_at),
        "job": visit.job,
        "ended_at": instant(visit.started_at) + 1000 * visit.duration_ms,
        "started_at": instant(visit.started_at),
        "duration_ms": visit.duration_ms,
        "attempt": visit.attempt,
        "gateway": visit.gateway,
        "line": visit.line,
        "serial": visit.serial,
        "tags": json.dumps(dict(visit.tags)),
        **_NO_OUTCOME,
    }
    match record:
        case Readout():
            row.update(_readout_cells(record))
        case Gap():
            row.update(_gap_cells(record))
        case Event():
            row.update(_event_cells(record))
        case _:
            assert_never(record)
    return row


_NO_OUTCOME: Mapping[str, Cell] = {
    "cause": None,
    "finding_code": None,
    "finding_where": None,
    "finding_text": None,
    "finding_next": None,
    "identification": None,
    "manufacturer": None,
    "model": None,
    "profile": None,
    "meter_time": None,
    "clock_drift_s": None,
    "quality": None,
    "reason": None,
    "block": None,
    "event_kind": None,
    "event_text": None,
    "event_details": None,
    "grounds": None,
}


def _readout_cells(readout: Readout) -> dict[str, Cell]:
    return {
        "outcome": Outcome.DELIVERED.value,
        "ended_at": instant(readout.read_at),
        "identification": readout.identification,
        "manufacturer": readout.manufacturer,
        "model": readout.model,
        "profile": readout.profile,
        "meter_time": None if readout.meter_time is None else readout.meter_time.isoformat(),
        "clock_drift_s": readout.clock_drift_s,
        "quality": readout.quality.value,
        "reason": readout.reason,
        "block": readout.block or None,
        "grounds": grounds_text(readout.grounds),
    }


def _gap_cells(gap: Gap) -> dict[str, Cell]:
    return {
        "outcome": Outcome.GAP.value,
        "cause": gap.cause.value,
        "finding_code": gap.finding.code,
        "finding_where": gap.finding.where,
        "finding_text": gap.finding.what,
        "finding_next": gap.finding.next,
    }


def _event_cells(event: Event) -> dict[str, Cell]:
    return {
        "outcome": Outcome.EVENT.value,
        "ended_at": instant(event.at),
        "event_kind": event.kind.value,
        "event_text": event.text,
        "event_details": json.dumps(dict(event.details)),
    }


def reading_cells(reading: Reading) -> tuple[Row, Row]:
    """The cells of a reading that repeat from readout to readout (its register's row), then those of its own row."""
    tag, text = written_value(reading.value)
    register = (reading.signal, reading.obis, reading.address, tag, reading.unit, reading.title)
    own = (
        text,
        reading.raw,
        reading.quality.value,
        reading.reason,
        None if reading.time is None else reading.time.isoformat(),
        None if reading.valid_at is None else instant(reading.valid_at),
        int(reading.logged),
        reading.status,
    )
    return register, own


def reading_of(row: sqlite3.Row) -> Reading:
    """The reading of a row of `SELECT_READINGS`."""
    _, signal, obis, address, tag, value, unit, raw, time, valid_at, quality, reason, title, logged, status = row
    return Reading(
        signal=signal,
        obis=obis,
        address=address,
        value=value_of(tag, value),
        unit=unit,
        raw=raw,
        time=None if time is None else datetime.fromisoformat(time),
        valid_at=None if valid_at is None else moment_of(valid_at),
        quality=Quality(quality),
        reason=reason,
        title=title,
        logged=bool(logged),
        status=status,
    )


def record_of(row: sqlite3.Row, readings: Sequence[Reading]) -> Record:
    """The record of a row of `SELECT_VISITS` with its readings."""
    visit = Visit(
        gateway=row["gateway"],
        line=row["line"],
        meter=row["alias"],
        serial=row["serial"],
        due_at=moment_of(row["due_at"]),
        started_at=moment_of(row["started_at"]),
        duration_ms=row["duration_ms"],
        attempt=row["attempt"],
        tags=json.loads(row["tags"]),
        job=row["job"],
    )
    match Outcome(row["outcome"]):
        case Outcome.DELIVERED:
            return _readout_of(row, visit, readings)
        case Outcome.GAP:
            finding = Finding(row["finding_code"], row["finding_where"], row["finding_text"], row["finding_next"])
            return Gap(visit, Cause(row["cause"]), finding)
        case Outcome.EVENT:
            at, details = moment_of(row["ended_at"]), json.loads(row["event_details"])
            return Event(visit, EventKind(row["event_kind"]), at, row["event_text"], details)
        case outcome:
            assert_never(outcome)


def _readout_of(row: sqlite3.Row, visit: Visit, readings: Sequence[Reading]) -> Readout:
    meter_time = row["meter_time"]
    return Readout(
        visit=visit,
        identification=row["identification"],
        manufacturer=row["manufacturer"],
        model=row["model"],
        profile=row["profile"],
        read_at=moment_of(row["ended_at"]),
        readings=tuple(readings),
        meter_time=None if meter_time is None else datetime.fromisoformat(meter_time),
        clock_drift_s=row["clock_drift_s"],
        quality=Quality(row["quality"]),
        reason=row["reason"],
        block=row["block"] or b"",
        grounds=grounds_of(row["grounds"]),
    )
