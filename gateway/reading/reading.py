"""One register of one readout."""

from datetime import datetime

from attrs import define

from gateway.reading.quality import Quality
from gateway.reading.value import Value, local_text, utc_text, value_text

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
