"""The verbs `profile-data`, `events`: the rows that a simulated meter has stored."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.utility import Tap, metergate, site_file

pytestmark = pytest.mark.usefixtures("password")
COLUMNS = ["meter", "signal", "address", "value", "unit", "raw", "valid_at", "time", "status", "quality", "reason"]
RANGE = ("--from", "2026-09-30T08:00+03:00", "--to", "2026-09-30T09:00+03:00")


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_row_of_the_load_profile_is_a_line_a_channel_with_its_instant(tap: Tap, tmp_path: Path) -> None:
    done = metergate("profile-data", "feeder1", "--config", site_file(tmp_path, tap), *RANGE)
    assert done.exit_code == 0, done.output
    rows = lines(done.stdout)
    assert list(rows[0]) == COLUMNS
    assert [(row["address"], row["value"], row["unit"], row["valid_at"], row["time"]) for row in rows[:2]] == [
        ("1.5", "1.000", "kW", "2026-09-30T05:15:00.000Z", "2026-09-30T08:15:00"),
        ("2.5", "0.100", "kW", "2026-09-30T05:15:00.000Z", "2026-09-30T08:15:00"),
    ]
    assert [row["value"] for row in rows] == ["1.000", "0.100", "2.000", "0.200", "3.000", "0.300"]
    assert {row["meter"] for row in rows} == {"feeder1"}


def test_times_without_an_offset_are_in_the_zone_of_the_site(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap)
    limits = ("--from", "2026-09-30T08:20", "--to", "2026-09-30T08:40")
    rows = lines(metergate("profile-data", "feeder1", "--config", site, *limits).stdout)
    assert [row["value"] for row in rows] == ["2.000", "0.200"]


def test_an_interval_that_ends_where_the_range_begins_lies_before_it(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap)
    limits = ("--from", "2026-09-30T08:15", "--to", "2026-09-30T08:45")
    rows = lines(metergate("profile-data", "feeder1", "--config", site, *limits).stdout)
    assert [row["value"] for row in rows] == ["2.000", "0.200", "3.000", "0.300"]


def test_the_rows_of_an_alias_stand_in_the_journal(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap)
    printed = lines(metergate("profile-data", "feeder1", "--config", site, *RANGE).stdout)
    stored = lines(metergate("readings", "--config", site, "--format", "jsonl").stdout)
    assert [(row["valid_at"], row["value"]) for row in stored] == [(row["valid_at"], row["value"]) for row in printed]


def test_the_rows_of_an_endpoint_are_printed_only(tap: Tap, tmp_path: Path) -> None:
    day = ("--from", "2026-09-30", "--to", "2026-10-01")
    done = metergate("profile-data", tap.endpoint, *day, "--data-dir", tmp_path)
    assert (done.exit_code, len(lines(done.stdout))) == (0, 6)
    assert metergate("readings", "--data-dir", tmp_path).stdout == ""


def test_csv_holds_the_same_columns(tap: Tap, tmp_path: Path) -> None:
    done = metergate("profile-data", "feeder1", "--config", site_file(tmp_path, tap), *RANGE, "--format", "csv")
    assert list(csv.DictReader(io.StringIO(done.stdout)).fieldnames or ()) == COLUMNS


def test_the_log_tells_what_happened_to_the_meter(tap: Tap, tmp_path: Path, password: str) -> None:
    site = site_file(tmp_path, tap, more=f'password = "{password}"')
    assert metergate("register", "execute", "feeder1", "demand-reset", "--config", site, "--yes").exit_code == 0
    done = metergate("events", "feeder1", "--config", site, "--from", "2026-09-30", "--to", "2026-10-01")
    assert done.exit_code == 0, done.output
    rows = lines(done.stdout)
    assert (rows[-1]["address"], rows[-1]["status"]) == ("P.98", "device reset")
    assert rows[-1]["valid_at"] == "2026-09-30T06:00:00.000Z"


def test_an_empty_range_is_told_and_good(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap)
    done = metergate("profile-data", "feeder1", "--config", site, "--from", "2025-01-01", "--to", "2025-01-02")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing is stored in the range" in done.stderr


def test_a_range_that_ends_before_it_begins_is_wrong_usage(tap: Tap) -> None:
    done = metergate("profile-data", tap.endpoint, "--from", "2026-09-30", "--to", "2026-09-30")
    assert (done.exit_code, tap.calls) == (2, 0)


def test_a_code_that_the_meter_does_not_know_is_refused(tap: Tap) -> None:
    done = metergate("profile-data", tap.endpoint, "--code", "P.77")
    assert (done.exit_code, done.stdout) == (7, "")
    assert "E-PRG-1" in done.stderr
