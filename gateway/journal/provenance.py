"""Where one reading of the journal came from, with the sinks that took it."""

from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from attrs import frozen

from gateway.errors import Finding
from gateway.journal import rows
from gateway.journal.faults import journal_errors
from gateway.journal.history import History
from gateway.reading import Event, Gap, Reading, Readout

_NEXT = "`metergate readings` shows the ID of each reading; those older than retention_days are removed"


@frozen
class Delivery:
    """How far one sink is with the record of a reading.

    `before` counts the records that it takes first, None: the record is behind it, taken or set aside. `dead_letter`
    is why it was set aside, None: it was not.
    """

    sink: str
    before: int | None
    dead_letter: str | None


@frozen
class Provenance:
    """One reading with the readout that it stands in, by its ID of `visit` and ordinal `n`.

    `events` are what happened to its meter at the moment at which it was read.
    """

    visit: int
    n: int
    readout: Readout
    reading: Reading
    events: tuple[Event, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def id(self) -> str:
        """The ID as `metergate readings` shows it."""
        return f"{self.visit}.{self.n}"


def read_provenance(data_dir: Path, visit: int, n: int, sinks: Collection[str] = ()) -> Provenance | Finding:
    """Where a reading came from, or the message that tells why there is none (E-JRN-12).

    `sinks` are configured ones, told of beside those that have a cursor. Raises what `History.open` raises.
    """
    history = History.open(data_dir)
    with closing(history), journal_errors(history.path):
        # One moment of a journal that is being written.
        history.connection.execute("BEGIN")
        record = next((record for position, record in history.batch(visit - 1, 1) if position == visit), None)
        if not isinstance(record, Readout):
            return _missing(history, f"{visit}.{n}", record)
        numbers = [number for (number,) in history.connection.execute(_NUMBERS, (visit,))]
        if n not in numbers:
            return _absent(f"{visit}.{n}", f"that readout holds {_counted(numbers)}")
        events = tuple(_events(history, visit))
        reading = record.readings[numbers.index(n)]
        return Provenance(visit, n, record, reading, events, tuple(_deliveries(history, visit, sinks)))


def _missing(history: History, wanted: str, record: Gap | Event | None) -> Finding:
    match record:
        case Gap(cause=cause):
            return _absent(wanted, f"that visit ended without a readout: {cause.value}")
        case Event(kind=kind):
            return _absent(wanted, f"that record is an event: {kind.value}")
        case None:
            (oldest,) = history.connection.execute("SELECT min(id) FROM visit").fetchone()
            held = "it is empty" if oldest is None else f"it holds the visits {oldest} to {history.last()}"
            return _absent(wanted, held)


def _absent(wanted: str, evidence: str) -> Finding:
    return Finding("E-JRN-12", "journal", f"no reading {wanted}: {evidence}", _NEXT)


def _counted(numbers: Sequence[int]) -> str:
    return "no readings any more" if not numbers else f"the readings {numbers[0]} to {numbers[-1]}"


def _events(history: History, visit: int) -> list[Event]:
    found = (rows.record_of(row, ()) for row in history.connection.execute(_EVENTS, (visit,)))
    return [record for record in found if isinstance(record, Event)]


def _deliveries(history: History, visit: int, sinks: Collection[str]) -> list[Delivery]:
    known = {sink for (sink,) in history.connection.execute("SELECT sink FROM cursor")}
    deliveries = list[Delivery]()
    for sink in sorted(known.union(sinks)):
        cursor = history.cursor(sink)
        (before,) = history.connection.execute(_BETWEEN, (cursor, visit)).fetchone()
        cause = history.connection.execute(_DEAD_LETTER, (sink, visit)).fetchone()
        deliveries.append(Delivery(sink, None if cursor >= visit else before, None if cause is None else cause[0]))
    return deliveries


_NUMBERS = "SELECT n FROM reading WHERE visit = ? ORDER BY n"

_BETWEEN = "SELECT count(*) FROM visit WHERE id > ? AND id < ?"

_DEAD_LETTER = "SELECT cause FROM dead_letter WHERE sink = ? AND visit = ?"

_EVENTS = """
SELECT event.*, meter.alias AS alias
FROM visit JOIN visit AS event ON event.ended_at = visit.ended_at AND event.meter = visit.meter
JOIN meter ON meter.id = event.meter
WHERE visit.id = ? AND event.outcome = 'event' ORDER BY event.id
"""
