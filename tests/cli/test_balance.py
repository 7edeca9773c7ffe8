"""The verb `balance` on the journal of a small house."""

import json
from pathlib import Path

import pytest

from tests.cli.utility import metergate
from tests.counted_house import BALANCE, FLATS, RATES, readouts, site_file, store, until_hour

DAY = ("--from", "2026-09-30", "--to", "2026-10-01")


def rows(text: str) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The site file of a house that was read for four days."""
    store(tmp_path, readouts(96))
    return site_file(tmp_path)


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """The same with flat02 stuck since the evening of the second day."""
    store(tmp_path, readouts(96, {"flat02": until_hour("flat02", 46)}))
    return site_file(tmp_path)


def test_a_balance_lists_its_parts_then_sum_main_residual(house: Path) -> None:
    done = metergate("balance", "house", "--config", house, *DAY)
    assert (done.exit_code, done.stderr) == (0, "")
    told = rows(done.stdout)
    assert [(row["role"], row["meter"], row["consumption"], row["percent"]) for row in told] == [
        ("part", "flat01", "72.00", "50.0"),
        ("part", "flat02", "48.00", "33.3"),
        ("part", "flat03", "24.00", "16.7"),
        ("sum", None, "144.00", "100.0"),
        ("main", "main", "144.00", "100.0"),
        ("residual", None, "0.00", "0.0"),
    ]
    assert told[0]["signal"] == "energy_import"
    assert (told[0]["start"], told[0]["end"], told[0]["unit"]) == ("1144.00", "1216.00", "kWh")
    assert {row["finding"] for row in told} == {None}
    assert {(row["since"], row["until"]) for row in told} == {("2026-09-29T21:00:00.000Z", "2026-09-30T21:00:00.000Z")}


def test_a_balance_that_is_off_names_the_cause_and_ends_with_3(stuck: Path) -> None:
    done = metergate("balance", "--config", stuck, *DAY)
    assert done.exit_code == 3
    findings = {row["meter"]: row["finding"] for row in rows(done.stdout)}
    assert findings == {"flat01": None, "flat02": "stuck", "flat03": None, "main": None, None: None}
    assert done.stderr == (
        "W-BAL-1 balance house: from 2026-09-30 00:00 to 2026-10-01 00:00: flat02.energy_import counted nothing,"
        " 44.00 kWh are usual in this time; 48.00 kWh of main.energy_import are missing\n"
        "        next: look at meter flat02: it may be broken, or bypassed\n"
    )


def test_what_no_part_counts_is_told_at_the_residual(tmp_path: Path) -> None:
    store(tmp_path, readouts(96, {"main": lambda hours: 7 * hours}))
    done = metergate("balance", "--config", site_file(tmp_path), *DAY)
    assert done.exit_code == 3
    assert rows(done.stdout)[-1]["finding"] == "unmetered"
    assert "24.00 kWh of main.energy_import (about 14.3 % of it) are counted by no part" in done.stderr


def test_a_meter_that_was_not_read_is_missing_and_told_first(tmp_path: Path) -> None:
    store(tmp_path, readouts(96, meters=[meter for meter in RATES if meter != "flat03"]))
    done = metergate("balance", "--config", site_file(tmp_path), *DAY)
    assert done.exit_code == 3
    missing = rows(done.stdout)[2]
    assert (missing["meter"], missing["start"], missing["consumption"], missing["finding"]) == (
        *("flat03", None, None, "missing"),
    )
    assert done.stderr.endswith("next: metergate visits --meter flat03\n")


@pytest.mark.parametrize(
    ("options", "since", "until"),
    [
        (("--from", "2026-09-29"), "2026-09-28T21:00:00.000Z", "2026-09-29T21:00:00.000Z"),
        (("--to", "2026-10-01"), "2026-09-29T21:00:00.000Z", "2026-09-30T21:00:00.000Z"),
        (
            ("--from", "2026-09-28T12:00Z", "--to", "2026-09-28T18:00Z"),
            *("2026-09-28T12:00:00.000Z", "2026-09-28T18:00:00.000Z"),
        ),
    ],
)
def test_any_time_can_be_asked_for(house: Path, options: tuple[str, ...], since: str, until: str) -> None:
    done = metergate("balance", "--config", house, *options)
    assert done.exit_code == 0, done.output
    first = rows(done.stdout)[0]
    assert (first["since"], first["until"]) == (since, until)


def test_without_a_time_the_newest_whole_interval_is_drawn(house: Path) -> None:
    """Nothing was read lately, so that all meters are missing."""
    done = metergate("balance", "--config", house)
    assert done.exit_code == 3
    assert {row["finding"] for row in rows(done.stdout)} == {"missing", None}


def test_each_balance_is_drawn_unless_one_is_named(house: Path) -> None:
    second = BALANCE.replace('"house"', '"two"').replace("flat*", "flat0?")
    house.write_text(house.read_text() + second, encoding="utf-8")
    both = rows(metergate("balance", "--config", house, *DAY).stdout)
    assert [row["balance"] for row in both] == ["house"] * 6 + ["two"] * 6
    named = rows(metergate("balance", "two", "--config", house, *DAY).stdout)
    assert {row["balance"] for row in named} == {"two"}


def test_a_table_is_for_people(house: Path) -> None:
    done = metergate("balance", "--config", house, *DAY, "--format", "table")
    header, *lines = done.stdout.splitlines()
    assert header.split() == [
        *("balance", "role", "meter", "signal", "start", "end", "consumption", "unit", "percent", "finding"),
    ]
    assert lines[0].split() == [
        *("house", "part", "flat01", "energy_import", "1144.00", "1216.00", "72.00", "kWh", "50.0"),
    ]
    assert len(lines) == len(FLATS) + 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("attic",), 'no balance "attic"'),
        (("--from", "2026-10-01", "--to", "2026-09-30"), "--from lies not before --to"),
    ],
)
def test_what_cannot_be_drawn_is_wrong_usage(house: Path, arguments: tuple[str, ...], told: str) -> None:
    done = metergate("balance", *arguments, "--config", house)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_site_without_balances_is_wrong_usage(tmp_path: Path) -> None:
    done = metergate("balance", "--config", site_file(tmp_path, more=""))
    assert done.exit_code == 2
    assert "no [[balance]]" in done.stderr


def test_without_a_journal_nothing_can_be_told(tmp_path: Path) -> None:
    done = metergate("balance", "--config", site_file(tmp_path), *DAY)
    assert done.exit_code == 73
    assert "E-JRN-8" in done.stderr


def test_a_site_file_that_is_wrong_is_told(tmp_path: Path) -> None:
    path = site_file(tmp_path, BALANCE.replace("main.energy_import", "mian.energy_import"))
    done = metergate("balance", "--config", path, *DAY)
    assert done.exit_code == 78
    assert "E-BAL-1" in done.stderr
