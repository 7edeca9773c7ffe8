"""The verb `describe`: what a simulated meter is, what it holds, who may read it."""

import json
from pathlib import Path

from tests.cli.utility import Tap, metergate, site_file


def test_a_program_gets_the_meter_with_its_registers_and_groups(tap: Tap, tmp_path: Path) -> None:
    done = metergate("describe", "feeder1", "--config", site_file(tmp_path, tap), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    told = ("meter", "serial", "manufacturer", "model", "firmware", "meter_time", "error_register", "errors", "ratios")
    assert [found[key] for key in told] == [
        *("feeder1", "41770326", "XMP", "VERBA-3.1", "V2.07", "2026-09-30T09:00:00", "00000081"),
        ["bit 0", "bit 7"],
        {"0.4.2": "0060"},
    ]
    energy = next(row for row in found["registers"] if row["address"] == "1.8.0")
    shown = ("title", "value", "unit", "access", "write_access")
    assert [energy[key] for key in shown] == ["Active energy import total", "70326.678", "kWh", "none", "low"]
    assert [group["title"] for group in found["groups"]] == [
        "no-security logical group",
        "low-security logical group",
        "high-security logical group",
        "calibration",
    ]
    assert (tap.count(b"P"), tap.count(b"R")) == (0, 0), "a readout needs no programming mode"


def test_a_person_sees_facts_registers_and_how_each_group_is_reached(tap: Tap) -> None:
    done = metergate("describe", tap.endpoint, "--format", "table")
    assert done.exit_code == 0, done.output
    facts = dict(line.split(maxsplit=1) for line in done.stdout.partition("\n\n")[0].splitlines())
    assert (facts["serial"], facts["firmware"], facts["errors"]) == ("41770326", "V2.07", "bit 0, bit 7")
    assert "high-security logical group: out of reach" in done.stdout
    assert "calibration: out of reach: behind a sealed switch" in done.stdout


def test_registers_of_the_profile_that_are_not_printed_stand_there_without_value(tap: Tap) -> None:
    found = json.loads(metergate("describe", tap.endpoint, "--profile", "landisgyr-e350", "--json").stdout)
    rows = {row["address"]: row["value"] for row in found["registers"]}
    assert rows["1.8.0"] == "70326.678"
    assert None in rows.values()


def test_a_silent_meter_is_told(tap: Tap) -> None:
    done = metergate("describe", tap.endpoint, "--serial", "7")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "E-READ-1 meter 7: no answer" in done.stderr
