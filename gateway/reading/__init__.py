"""What a visit of a meter gives: registers, readings, readouts, gaps, events."""

from gateway.reading.quality import Grounds, Layer, Quality, Remark
from gateway.reading.reading import READING_COLUMNS, Reading, reading_as_json
from gateway.reading.record import (
    EVENT_SCHEMA,
    GAP_SCHEMA,
    READING_SCHEMA,
    Event,
    EventKind,
    Gap,
    Readout,
    Record,
    Visit,
)
from gateway.reading.register import Access, Register
from gateway.reading.value import Value, duration_text, local_text, utc_text, value_text

__all__ = [
    "EVENT_SCHEMA",
    "GAP_SCHEMA",
    "READING_COLUMNS",
    "READING_SCHEMA",
    "Access",
    "Event",
    "EventKind",
    "Gap",
    "Grounds",
    "Layer",
    "Quality",
    "Reading",
    "Readout",
    "Record",
    "Register",
    "Remark",
    "Value",
    "Visit",
    "duration_text",
    "local_text",
    "reading_as_json",
    "utc_text",
    "value_text",
]
