"""The durable store: visits, readings, meter memories, sink cursors."""

from gateway.journal.history import VISIT_COLUMNS, read_readings, read_visits
from gateway.journal.journal import Counts, Journal
from gateway.journal.store import FILE_NAME, Store
from gateway.journal.thread import OwnThread, growing_pauses

__all__ = [
    "FILE_NAME",
    "VISIT_COLUMNS",
    "Counts",
    "Journal",
    "OwnThread",
    "Store",
    "growing_pauses",
    "read_readings",
    "read_visits",
]
