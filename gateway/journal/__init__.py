"""The durable store: visits, readings, meter memories, sink cursors."""

from gateway.journal.counted import oldest, read_counted
from gateway.journal.history import EVENT_COLUMNS, VISIT_COLUMNS, History, read_events, read_readings, read_visits
from gateway.journal.journal import Counts, Journal
from gateway.journal.provenance import Delivery, Provenance, read_provenance
from gateway.journal.store import FILE_NAME, Store
from gateway.journal.thread import OwnThread, growing_pauses

__all__ = [
    "EVENT_COLUMNS",
    "FILE_NAME",
    "VISIT_COLUMNS",
    "Counts",
    "Delivery",
    "History",
    "Journal",
    "OwnThread",
    "Provenance",
    "Store",
    "growing_pauses",
    "oldest",
    "read_counted",
    "read_events",
    "read_provenance",
    "read_readings",
    "read_visits",
]
