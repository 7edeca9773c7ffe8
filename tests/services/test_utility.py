"""A utility meter read, set and written from the command line, each verb a process of its own."""

import itertools
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.services.processes import METERGATE, Row, TrueLine, metergate, rows, running, write_site
from tests.services.relay import Odometer, relayed

pytestmark = pytest.mark.services

PASSWORD = "4b81c7d2"  # noqa: S105 - that of a simulated meter
BUILDING = f"""
live = true
[[line]]
port = "tcp:0"
[[line.meter]]
serial = "41770326"
escapes = "@"
[[line.meter.register]]
address = "0.0.0"
raw = "41770326"
[[line.meter.register]]
address = "0.1.0"
raw = "07"
[[line.meter.register]]
address = "0.2.1"
raw = "0005"
access = "low"
write = "low"
[[line.meter.register]]
address = "0.9.1"
clock = "%H%M%S"
[[line.meter.register]]
address = "0.9.2"
clock = "%y%m%d"
[[line.meter.register]]
address = "1.8.0"
raw = "0012345.678*kWh"
[line.meter.programming]
operand = "serial"
commands = ["R5", "R6", "W5", "E2"]
low_password = "{PASSWORD}"
clock = 2026-11-20T12:00:00
since = 2026-03-20T00:00:00
"""


@contextmanager
def utility(folder: Path) -> Iterator[TrueLine]:
    """The utility meter for the length of the block."""
    (folder / "building.toml").write_text(BUILDING, encoding="utf-8")
    with running(METERGATE, "simulate", folder / "building.toml") as process:
        yield TrueLine.from_text(process.line())


def site_of(folder: Path, line: TrueLine) -> Path:
    """A site file that may write, whose meter is substation-41770326."""
    (folder / "password").write_text(f"{PASSWORD}\n", encoding="ascii")
    site = write_site(folder, {"substation": line}, meter={"password": f"file:{folder / 'password'}"})
    text = site.read_text(encoding="utf-8").replace("[gateway]\n", '[gateway]\ntimezone = "Europe/Vilnius"\n')
    site.write_text(f"{text}\n[access]\nallow_write = true\n", encoding="utf-8")
    return site


METER = "substation-41770326"


def test_it_is_read_its_clock_set_and_its_register_written(tmp_path: Path) -> None:
    with utility(tmp_path) as line:
        options = ("--config", str(site_of(tmp_path, line)))
        # The profile does not know that 0.2.1 wants the password: who names it on the command line sends it.
        reference = ("--password", f"file:{tmp_path / 'password'}")
        assert rows("register", "get", METER, "1.8.0", "0.2.1", *reference, *options) == [
            {"register": "1.8.0", "raw": "0012345.678*kWh", "value": "12345.678", "unit": "kWh", "quality": "good"},
            {"register": "0.2.1", "raw": "0005", "value": "0005", "unit": None, "quality": "good"},
        ]
        for day, intervals in ((datetime(2026, 3, 29), 92), (datetime(2026, 10, 25), 100)):  # noqa: DTZ001
            limits = ("--from", day.isoformat(), "--to", (day + timedelta(days=1)).isoformat())
            check_continuous(rows("profile-data", METER, *limits, *options), intervals)
        changes = rows("events", METER, "--from", "2026-10-25", "--to", "2026-10-26", *options)
        assert "season changed" in {row["status"] for row in changes}
        (written,) = rows("register", "set", METER, "0.2.1", "0007", "--yes", *options)
        assert (written["register"], written["new"], written["confirmed"]) == ("0.2.1", "0007", True)
        check_clock(options)
        (log,) = rows("events", METER, "--from", "2026-11-20T12:00", "--code", "P.98", *options)[:1]
        assert log["status"] is not None
    with closing(sqlite3.connect(tmp_path / "state" / "metergate.db")) as journal, journal:
        names = [name for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = "".join(str(row) for name in names for row in journal.execute(f'SELECT * FROM "{name}"'))  # noqa: S608
    assert "0.2.1 written" in kept
    assert "clock set" in kept
    assert PASSWORD not in kept


def check_continuous(found: list[Row], intervals: int) -> None:
    """Each channel has one value a quarter of an hour, whatever the season does."""
    moments = [datetime.fromisoformat(row["valid_at"]) for row in found if row["address"] == "1.5"]
    assert len(moments) == intervals
    assert {after - before for before, after in itertools.pairwise(moments)} == {timedelta(minutes=15)}


def check_clock(options: tuple[str, ...]) -> None:
    """A clock that is far off is set only by force, and is right then."""
    refused = metergate("clock", "set", METER, "--yes", *options)
    assert refused.returncode == 7
    assert "E-JOB-2" in refused.stderr
    (done,) = rows("clock", "set", METER, "--yes", "--force", *options)
    assert done["confirmed"] is True
    (shown,) = rows("clock", "show", METER, *options)
    assert abs(shown["drift_s"]) <= 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_frees_the_meter(tmp_path: Path, number: signal.Signals, code: int) -> None:
    octets = Odometer()
    with utility(tmp_path) as line, relayed(line, octets) as relay:
        reference = f"file:{tmp_path / 'password'}"
        site_of(tmp_path, line)
        command = ("profile-data", f"{relay.line.endpoint}?baud=9600", "--from", "2026-03-20", "--password", reference)
        with running(METERGATE, *command, "--data-dir", tmp_path / "home") as process:
            octets.set(2000, lambda: process.process.send_signal(number))
            assert octets.reached.wait(60), process.told
            assert process.process.wait(3) == code
            assert "not done: the visit was cut short" in process.messages()
        after = metergate("register", "get", f"{line.endpoint}?baud=9600", "1.8.0", "--data-dir", tmp_path / "home")
        assert after.returncode == 0, after.stderr
        assert json.loads(after.stdout)["value"] == "12345.678"
