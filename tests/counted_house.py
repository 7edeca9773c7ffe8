"""A small house in a journal: a main meter with three flats behind it, read each hour at different minutes."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.journal import Store
from gateway.journal.store import Entry
from gateway.reading import Reading, Readout, Visit

ZONE = ZoneInfo("Europe/Vilnius")
BEGIN = datetime(2026, 9, 28, tzinfo=ZONE).astimezone(UTC)
HOUR = timedelta(hours=1)
FLATS = ("flat01", "flat02", "flat03")
RATES = {"flat01": 3, "flat02": 2, "flat03": 1, "main": 6}  # kWh an hour
SITE = """
[gateway]
name = "block-12"
timezone = "Europe/Vilnius"
data_dir = "state"
[defaults]
scan_rate_ms = 3_600_000
[[line]]
alias = "riser-a"
ip = "127.0.0.1"
port = 4001
""" + "".join(
    f"""
[[meter]]
device_alias = "{alias}"
line = "riser-a"
serialnumber = "{serial}"
tags = {{ flat = "{alias}" }}
"""
    for serial, alias in enumerate(RATES, start=100)
)
BALANCE = """
[[balance]]
name = "house"
main = "main.energy_import"
parts = ["flat*.energy_import"]
tolerance_percent = 1.0
"""

Counted = Callable[[float], float]


def site_file(folder: Path, more: str = BALANCE) -> Path:
    path = folder / "metergate.toml"
    path.write_text(SITE + more, encoding="utf-8")
    return path


def readout(meter: str, at: datetime, level: float) -> Readout:
    """One reading of its energy, beside one of its power."""
    raw = f"{Decimal(level).quantize(Decimal('0.01')):010.2f}"
    energy = Reading("energy_import", "1-0:1.8.0*255", "1.8.0", Decimal(raw), "kWh", f"{raw}*kWh")
    power = Reading("power_import", "1-0:1.7.0*255", "1.7.0", Decimal("0.4"), "kW", "0.4*kW")
    return Readout(
        Visit("block-12", "riser-a", meter, "100", at, at, 0),
        "/XMP5VERBA",
        "XMP",
        "V",
        "generic@1",
        at,
        (power, energy),
    )


def readouts(
    hours: float, counted: Mapping[str, Counted] | None = None, meters: Collection[str] = tuple(RATES)
) -> Iterator[Readout]:
    """Those of the hours since the beginning; a meter counts at its rate unless `counted` says otherwise."""
    for n, meter in enumerate(meters):
        grown = (counted or {}).get(meter, of_rate(meter))
        for hour in range(int(hours)):
            moment = hour + n / 5
            yield readout(meter, BEGIN + moment * HOUR, 1000 * (n + 1) + grown(moment))


def of_rate(meter: str) -> Counted:
    return lambda hours: RATES[meter] * hours


def until_hour(meter: str, last: float) -> Counted:
    """It counts nothing more from an hour on."""
    return lambda hours: RATES[meter] * min(hours, last)


def store(folder: Path, records: Iterator[Readout]) -> None:
    """Puts records into the journal of the site file's data directory."""
    journal = Store(folder / "state")
    journal.open()
    journal.commit([Entry(record) for record in sorted(records, key=lambda record: record.read_at)])
    journal.close()
