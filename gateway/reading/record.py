"""What the slots of meters end in: readouts, gaps, beside them events."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from gateway.errors import Cause, Finding
from gateway.reading.quality import Grounds, Quality
from gateway.reading.reading import Reading, reading_as_json
from gateway.reading.value import local_text, utc_text

READING_SCHEMA = "metergate.reading/1"
GAP_SCHEMA = "metergate.gap/1"
EVENT_SCHEMA = "metergate.event/1"


@frozen
class Visit:
    """One due slot of one meter: where, when due, when begun, how long it took, with which attempt it ended.

    `job` names the work that was due: "" for the usual readout, else `profile-data`, `events`, `clock` or what a person
    asked for on the command line.
    """

    gateway: str
    line: str
    meter: str
    serial: str
    due_at: datetime
    started_at: datetime
    duration_ms: int
    attempt: int = 1
    tags: Mapping[str, str] = field(factory=dict)
    job: str = ""


@frozen
class Readout:
    """All that one visit of one meter gave; `block` holds the 7-bit characters of its data block.

    `grounds` is what its quality rests on, None for readouts that were put together register by register.
    """

    visit: Visit
    identification: str
    manufacturer: str
    model: str
    profile: str
    read_at: datetime
    readings: tuple[Reading, ...]
    meter_time: datetime | None = None
    clock_drift_s: int | None = None
    quality: Quality = Quality.GOOD
    reason: str | None = None
    block: bytes = b""
    grounds: Grounds | None = None

    def as_json(self) -> dict[str, object]:
        """The record that sinks and programs get, schema metergate.reading/1."""
        visit = self.visit
        return {
            "schema": READING_SCHEMA,
            "gateway": visit.gateway,
            "line": visit.line,
            "meter": visit.meter,
            "serial": visit.serial,
            "manufacturer": self.manufacturer,
            "model": self.model,
            "profile": self.profile,
            "read_at": utc_text(self.read_at),
            "meter_time": local_text(self.meter_time),
            "clock_drift_s": self.clock_drift_s,
            "duration_ms": visit.duration_ms,
            "attempt": visit.attempt,
            "quality": self.quality.value,
            "reason": self.reason,
            "tags": dict(visit.tags),
            "values": [reading_as_json(reading) for reading in self.readings],
        }


@frozen
class Gap:
    """A due slot that ended without a readout, with its cause and the message that tells it."""

    visit: Visit
    cause: Cause
    finding: Finding

    def as_json(self) -> dict[str, object]:
        """The record that sinks get for a slot without a readout, schema metergate.gap/1."""
        visit = self.visit
        return {
            "schema": GAP_SCHEMA,
            "gateway": visit.gateway,
            "line": visit.line,
            "meter": visit.meter,
            "serial": visit.serial,
            "due_at": utc_text(visit.due_at),
            "started_at": utc_text(visit.started_at),
            "duration_ms": visit.duration_ms,
            "attempt": visit.attempt,
            "cause": self.cause.value,
            "code": self.finding.code,
            "text": self.finding.what,
            "tags": dict(visit.tags),
        }


class EventKind(StrEnum):
    """What happened to a meter beside its readouts."""

    WRITE = "write"
    EXECUTE = "execute"
    CLOCK_SET = "clock_set"
    METER_SWAPPED = "meter_swapped"
    ROLLED_OVER = "rolled_over"
    LEVEL_ADOPTED = "level_adopted"
    LAYOUT_CHANGED = "layout_changed"
    COLLISION = "collision_suspected"
    HOST_CLOCK = "host_clock_set"
    BALANCE = "balance"


@frozen
class Event:
    """Something worth telling beside readings: a write, a command.

    `text` says it in one sentence, `details` holds what programs want: register, old, new, confirmed.
    """

    visit: Visit
    kind: EventKind
    at: datetime
    text: str
    details: Mapping[str, str | bool | None] = field(factory=dict)

    def as_json(self) -> dict[str, object]:
        """The record that sinks get for an event, schema metergate.event/1."""
        visit = self.visit
        return {
            "schema": EVENT_SCHEMA,
            "gateway": visit.gateway,
            "line": visit.line,
            "meter": visit.meter,
            "serial": visit.serial,
            "at": utc_text(self.at),
            "kind": self.kind.value,
            "text": self.text,
            "details": dict(self.details),
            "tags": dict(visit.tags),
        }


Record = Readout | Gap | Event
