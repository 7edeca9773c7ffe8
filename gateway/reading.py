"""What a visit of a meter gives: registers, readings, readouts, gaps."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from attrs import define, field, frozen

from gateway.errors import Cause, Finding

READING_SCHEMA = "metergate.reading/1"
GAP_SCHEMA = "metergate.gap/1"
EVENT_SCHEMA = "metergate.event/1"

# One reading as a row of its own: `metergate readings`, the csv sink.
READING_COLUMNS = (
    "meter",
    "serial",
    "signal",
    "obis",
    "address",
    "value",
    "unit",
    "raw",
    "quality",
    "reason",
    "read_at",
    "valid_at",
    "meter_time",
    "status",
)

Value = Decimal | int | str | datetime | frozenset[str] | None


class Quality(StrEnum):
    """How far a value can be trusted; the reason stands beside it in words."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"


class Access(StrEnum):
    """The logical groups of a meter's registers and commands, by what they ask of the reader (protocol.md 6).

    NONE: nothing. LOW: the password. HIGH: an encrypted answer to the meter's challenge. SEALED: a sealed switch behind
    the cover, for calibration; Metergate never goes there.
    """

    NONE = "none"
    LOW = "low"
    HIGH = "high"
    SEALED = "sealed"


@frozen
class Register:
    """What is known of one register of a meter family: its address as printed, its name, how its print is decoded.

    `decoder` is a name under which a plugin brought a decoder, or None: by the print.
    `parameters` are plain values for that decoder. `access` is the group that may read it, `write_access` the one that
    may write it; None: as the profile says of registers it does not list.
    """

    address: str
    name: str | None = None
    title: str | None = None
    unit: str | None = None
    decoder: str | None = None
    parameters: Mapping[str, str | int | bool] = field(factory=dict)
    aliases: tuple[str, ...] = ()
    access: Access | None = None
    write_access: Access | None = None


@define
class Reading:
    """One register of one readout.

    `raw` is the print between the register's outer brackets; `value` is exact, None when it cannot be told.
    `title` names the register for a person; `logged` False: for the sinks only, absent from `readings`.
    `time` is the meter's own stamp of the value (local, no zone), `valid_at` the instant for stored intervals and log
    entries; `status` names the flags that the meter stored beside it, parted by ", ".
    """

    signal: str
    obis: str | None
    address: str
    value: Value
    unit: str | None
    raw: str
    time: datetime | None = None
    valid_at: datetime | None = None
    quality: Quality = Quality.GOOD
    reason: str | None = None
    title: str | None = None
    logged: bool = True
    status: str | None = None


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
    """All that one visit of one meter gave; `block` holds the 7-bit characters of its data block."""

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


def reading_as_json(reading: Reading) -> dict[str, object]:
    """One entry of a record's `values`; `status` stands there only where the meter stored one."""
    entry: dict[str, object] = {
        "signal": reading.signal,
        "obis": reading.obis,
        "address": reading.address,
        "value": value_text(reading.value),
        "unit": reading.unit,
        "raw": reading.raw,
        "time": local_text(reading.time),
        "valid_at": None if reading.valid_at is None else utc_text(reading.valid_at),
        "quality": reading.quality.value,
        "reason": reading.reason,
    }
    return entry if reading.status is None else {**entry, "status": reading.status}


def value_text(value: Value) -> str | None:
    """A value as text without loss: plain decimals, ISO 8601 local times, flags in alphabetic order."""
    match value:
        case None:
            return None
        case Decimal():
            return format(value, "f")
        case datetime():
            return local_text(value)
        case frozenset():
            return " ".join(sorted(value))
        case _:
            return str(value)


def utc_text(moment: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_text(moment: datetime | None) -> str | None:
    """A meter's local time as ISO 8601 without a zone."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds")
