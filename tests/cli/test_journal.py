"""The verbs `readings`, `visits` against a journal with known content."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.errors import Cause, Finding
from gateway.journal import Store
from gateway.journal.store import Entry
from gateway.reading import Event, EventKind, Gap, Quality, Reading, Readout, Visit

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
SITE = """
config_version = 1
[gateway]
timezone = "Europe/Vilnius"
data_dir = "{data_dir}"
[[line]]
alias = "riser-a"
device = "/dev/ttyS9"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "01234567"
"""


def visit(meter: str, n: int) -> Visit:
    due = START + n * timedelta(minutes=15)
    return Visit("block-12", "riser-a", meter, "01234567", due, due + timedelta(milliseconds=204), 2412, 2)


def readout(meter: str, n: int) -> Readout:
    readings = (
        Reading(
            "energy",
            "1-0:1.8.0*255",
            "1.8.0",
            Decimal("147238.40"),
            "kWh",
            "0147238.40*kWh",
            None,
            START,
            status="summer",
        ),
        Reading("relay", None, "=C.3", None, None, "x", quality=Quality.BAD, reason="no number"),
        Reading("hidden", None, "0.1", 5, None, "5", logged=False),
    )
    slot = visit(meter, n)
    return Readout(slot, "", "", "", "", slot.started_at, readings, datetime(2026, 9, 30, 12, 0, 14))  # noqa: DTZ001


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A journal whose gateway still runs."""
    store = Store(tmp_path / "state")
    store.open()
    gap = Gap(visit("flat02", 0), Cause.NO_ANSWER, Finding("E-READ-1", "", "no answer"))
    store.commit([Entry(record) for record in (readout("flat01", 1), gap, readout("flat01", 0))])
    yield store.data_dir
    store.close()


def metergate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(*arguments: str | Path) -> list[dict[str, object]]:
    done = metergate(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_readings_come_oldest_first_without_those_not_to_be_logged(data_dir: Path) -> None:
    found = rows("readings", "--data-dir", data_dir)
    assert [(row["signal"], row["read_at"]) for row in found] == [
        ("energy", "2026-09-30T09:00:00.204Z"),
        ("relay", "2026-09-30T09:00:00.204Z"),
        ("energy", "2026-09-30T09:15:00.204Z"),
        ("relay", "2026-09-30T09:15:00.204Z"),
    ]
    assert found[0] == {
        "meter": "flat01",
        "serial": "01234567",
        "signal": "energy",
        "obis": "1-0:1.8.0*255",
        "address": "1.8.0",
        "value": "147238.40",
        "unit": "kWh",
        "raw": "0147238.40*kWh",
        "quality": "good",
        "reason": None,
        "read_at": "2026-09-30T09:00:00.204Z",
        "valid_at": "2026-09-30T09:00:00.000Z",
        "meter_time": "2026-09-30T12:00:14",
        "status": "summer",
        "id": "3.0",
    }
    assert [row["id"] for row in found] == ["3.0", "3.1", "1.0", "1.1"]
    assert (found[1]["value"], found[1]["quality"], found[1]["reason"]) == (None, "bad", "no number")
    assert (found[1]["valid_at"], found[1]["status"]) == (None, None)


def test_a_job_is_a_slot_but_what_it_changed_is_none(tmp_path: Path) -> None:
    slot = attrs.evolve(visit("flat01", 0), job="clock")
    records = (
        readout("flat01", 0),
        Gap(slot, Cause.ACCESS_DENIED, Finding("E-ACC-1", "", "refused")),
        Event(slot, EventKind.CLOCK_SET, START, "the clock is set"),
    )
    store = Store(tmp_path)
    store.open()
    store.commit([Entry(record) for record in records])
    store.close()
    found = rows("visits", "--data-dir", tmp_path)
    assert [(row["outcome"], row["cause"]) for row in found] == [("delivered", None), ("gap", "access_denied")]


def test_visits_come_in_the_order_in_which_they_were_due(data_dir: Path) -> None:
    found = rows("visits", "--data-dir", data_dir)
    assert [row["due_at"] for row in found] == sorted(str(row["due_at"]) for row in found)
    assert next(row for row in found if row["meter"] == "flat02") == {
        "meter": "flat02",
        "line": "riser-a",
        "due_at": "2026-09-30T09:00:00.000Z",
        "started_at": "2026-09-30T09:00:00.204Z",
        "duration_ms": 2412,
        "outcome": "gap",
        "cause": "no_answer",
        "attempts": 2,
    }


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--meter", "flat01"], 4),
        (["--meter", "flat02"], 0),
        (["--signal", "relay"], 2),
        (["--from", "2026-09-30T09:15:00.204Z"], 2),
        (["--to", "2026-09-30T09:15:00.204Z"], 2),
        (["--from", "2026-10-01"], 0),
        (["--meter", "flat01", "--signal", "energy", "--from", "2026-09-30", "--to", "2026-09-30T09:01"], 1),
    ],
)
def test_readings_can_be_narrowed(data_dir: Path, filters: list[str], count: int) -> None:
    assert len(rows("readings", "--data-dir", data_dir, *filters)) == count


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--meter", "flat02"], 1),
        (["--from", "2026-09-30T09:15Z"], 1),
        (["--to", "2026-09-30T12:15+03:00"], 2),
        (["--to", "2026-09-30T09:15"], 2),
    ],
)
def test_visits_can_be_narrowed(data_dir: Path, filters: list[str], count: int) -> None:
    assert len(rows("visits", "--data-dir", data_dir, *filters)) == count


def test_the_site_file_names_the_journal_with_its_zone(data_dir: Path, tmp_path: Path) -> None:
    site = tmp_path / "metergate.toml"
    site.write_text(SITE.format(data_dir=data_dir))
    assert len(rows("visits", "--config", site)) == 3
    assert len(rows("visits", "--config", site, "--to", "2026-09-30T12:15")) == 2


def test_csv_has_the_columns_in_their_published_order(data_dir: Path) -> None:
    done = metergate("readings", "--data-dir", data_dir, "--format", "csv")
    header = next(csv.reader(done.stdout.splitlines()))
    assert header == list(rows("readings", "--data-dir", data_dir)[0])


def test_a_table_shows_the_beginning_of_a_long_reason_which_the_other_forms_have_whole(data_dir: Path) -> None:
    reason = "1.8.0: 147238.40 kWh after 147239.00 kWh: it ran backwards"
    doubted = Reading("energy", None, "1.8.0", None, None, "x", quality=Quality.SUSPECT, reason=reason)
    with closing(Store(data_dir / "other")) as store:
        store.open()
        store.commit([Entry(attrs.evolve(readout("flat01", 2), readings=(doubted,)))])
        shown = metergate("readings", "--data-dir", data_dir / "other", "--format", "table").stdout
        assert "  1.8.0: 147238.40 kWh after 147239.00 kWh: it …  2026-09-30" in shown
        assert [row["reason"] for row in rows("readings", "--data-dir", data_dir / "other")] == [reason]


def test_json_lines_are_the_default_where_nobody_watches(data_dir: Path) -> None:
    done = metergate("visits", "--data-dir", data_dir)
    assert [json.loads(line)["meter"] for line in done.stdout.splitlines()].count("flat01") == 2


@pytest.mark.parametrize("verb", ["readings", "visits"])
def test_no_journal_ends_with_a_message(tmp_path: Path, verb: str) -> None:
    done = metergate(verb, "--data-dir", tmp_path)
    assert done.exit_code == 73
    assert done.stdout == ""
    assert f"E-JRN-8 journal: there is no journal in {tmp_path}" in done.stderr


def test_a_foreign_file_ends_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "metergate.db").write_bytes(b"not a database at all" * 100)
    done = metergate("readings", "--data-dir", tmp_path)
    assert done.exit_code == 73
    assert "E-JRN-4" in done.stderr


def test_a_database_of_another_program_ends_with_a_message(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "metergate.db")) as other, other:
        other.execute("CREATE TABLE visit (own TEXT)")
    other.close()
    done = metergate("visits", "--data-dir", tmp_path)
    assert done.exit_code == 73
    assert "E-JRN-3" in done.stderr


def test_an_invalid_site_file_ends_with_its_messages(tmp_path: Path) -> None:
    site = tmp_path / "metergate.toml"
    site.write_text("config_version = 1\n[gateway]\nnmae = 'x'\n")
    done = metergate("readings", "--config", site)
    assert done.exit_code == 78
    assert "metergate.toml:3" in done.stderr


def test_a_time_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    done = metergate("readings", "--data-dir", tmp_path, "--from", "yesterday")
    assert done.exit_code == 2
    assert "'yesterday' is no ISO 8601 date or time" in done.stderr
