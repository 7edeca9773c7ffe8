"""The records from which the consumption of meters is told."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby

from gateway.journal import rows
from gateway.journal.faults import journal_errors
from gateway.journal.history import History
from gateway.reading import Reading, Record


def read_counted(
    history: History, meters: Collection[str], signals: Collection[str], since: datetime, until: datetime
) -> Iterator[Record]:
    """Readouts and events of some meters from `since` to `until`, both included, oldest first.

    The meters are named by device_alias; of their readouts only the readings with one of these signals, or addresses.
    Errors as those of `History`.
    """
    wanted = {
        "meters": json.dumps(list(meters)),
        "signals": json.dumps(list(signals)),
        "since": rows.instant(since),
        "until": rows.instant(until),
    }
    with journal_errors(history.path):
        found = groupby(history.connection.execute(_READINGS, wanted), lambda row: row["visit"])
        visit, readings = next(found, (None, iter(())))
        for row in history.connection.execute(_VISITS, wanted):
            own: tuple[Reading, ...] = ()
            if row["id"] == visit:
                own = tuple(rows.reading_of(reading) for reading in readings)
                visit, readings = next(found, (None, iter(())))
            yield rows.record_of(row, own)


_VISITS = """
SELECT visit.*, meter.alias AS alias FROM visit CROSS JOIN meter ON meter.id = visit.meter
WHERE ended_at BETWEEN :since AND :until AND outcome <> 'gap' AND alias IN (SELECT value FROM json_each(:meters))
ORDER BY ended_at, visit.id
"""

_READINGS = """
SELECT reading.visit, signal, obis, address, type, reading.value, unit, raw, time, valid_at, reading.quality,
       reading.reason, title, logged, status
FROM visit
CROSS JOIN meter ON meter.id = visit.meter
CROSS JOIN reading ON reading.visit = visit.id
CROSS JOIN register ON register.id = reading.register
WHERE ended_at BETWEEN :since AND :until AND outcome = 'delivered'
  AND alias IN (SELECT value FROM json_each(:meters))
  AND (signal IN (SELECT value FROM json_each(:signals)) OR address IN (SELECT value FROM json_each(:signals)))
ORDER BY ended_at, visit.id, n
"""


def oldest(history: History) -> datetime | None:
    """When the oldest record that the journal still holds ended; None for none. Errors as those of `History`."""
    with journal_errors(history.path):
        (ended,) = history.connection.execute("SELECT min(ended_at) FROM visit").fetchone()
    return None if ended is None else rows.moment_of(ended)
