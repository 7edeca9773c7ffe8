"""The verb profile on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main

LOCAL = """
id = "mine"
title = "Mine"
maker = "XMP"
identification = '/XMP5MINE'
differs = "It is made up."
[[programming.command]]
name = "calibrate"
address = "K.1"
title = "Calibration constant"
access = "sealed"
[[example]]
identification = '/XMP5MINE'
block = '''
1.8.0(1*kWh)
!
'''
readings = [{ address = "1.8.0", value = "1" }]
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["profile", *arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "profiles.d").mkdir()
    (tmp_path / "profiles.d" / "mine.toml").write_text(LOCAL, encoding="utf-8")
    path = tmp_path / "site.toml"
    path.write_text(f'config_version = 1\n[gateway]\nprofiles = "{tmp_path}/profiles.d"\n', encoding="utf-8")
    return path


def test_list_prints_a_line_a_profile() -> None:
    result = run("list", "--json")
    rows = {row["profile"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert rows["energomera-ce30x@1"] == {
        "profile": "energomera-ce30x@1",
        "title": "Energomera CE102M, CE301, CE303",
        "maker": "Energomera",
        "identification": "/EKT5CE(102M|301|303)",
        "mode": "C",
        "check": "sum7",
    }
    assert rows["generic@1"]["mode"] == "auto"


def test_list_holds_the_local_profiles_of_a_site(site: Path) -> None:
    assert "mine@1" in run("list", "--config", str(site)).stdout
    assert "mine@1" not in run("list").stdout


def test_show_prints_all_facts_as_one_object() -> None:
    shown = json.loads(run("show", "energomera-ce30x", "--json").stdout)
    assert (shown["medium"], shown["address"], shown["identity"]) == (
        "electricity",
        {"prefix": "", "last_digits": 9},
        ["SNUMB"],
    )
    assert shown["registers"][0]["decoder"] == "decimal"
    programming = shown["programming"]
    assert (programming["read"], programming["idle_s"]) == ("R1", 1.5)
    assert programming["passwords"] == {"low": "clear", "high": "crc32"}
    assert {"pattern": "ERR18", "meaning": "nothing is stored for this date", "cause": "empty"} in programming["errors"]


def test_show_prints_the_logical_groups_with_the_way_into_each() -> None:
    groups = json.loads(run("show", "energomera-ce30x", "--json").stdout)["groups"]
    assert [(group["title"], group["reachable"]) for group in groups] == [
        ("no-security logical group", True),
        ("low-security logical group", True),
        ("high-security logical group", True),
        ("calibration", False),
    ]
    assert "crc32" in groups[2]["way"]
    assert {"use": "read", "address": "VOLTA", "name": "voltage", "title": "Voltage"} in groups[0]["members"]


def test_show_recognises_calibration_as_out_of_reach(site: Path) -> None:
    lines = run("show", "mine", "--config", str(site), "--format", "table").stdout.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("calibration: out of reach"))
    assert lines[place + 2].split() == ["execute", "K.1", "calibrate", "Calibration", "constant"]


def test_show_prints_a_section_a_group_for_people() -> None:
    text = run("show", "makel-c500", "--format", "table").stdout
    assert text.startswith("makel-c500@1  Makel C500 (Makel)\n")
    sections = [text.index(f"\n{group}-security logical group: ") for group in ("no", "low", "high")]
    assert sections == sorted(sections)
    assert "5 technical quality, 6 short list, 7 history, 8 warnings, 9 outages" in text
    assert "demand-reset" in text[sections[1] : sections[2]]


def test_show_prints_the_members_of_the_groups_as_rows() -> None:
    rows = run("show", "makel-c500", "--format", "csv").stdout.splitlines()
    assert rows[0] == "group,use,address,name,title"
    assert "low,execute,1.6.0,demand-reset,Reset of the maximum demand" in rows


def test_show_prints_one_line_for_programs() -> None:
    result = run("show", "generic", "--format", "jsonl")
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout)["profile"] == "generic@1"


def test_an_unknown_id_is_invalid_and_the_nearest_is_named() -> None:
    result = run("show", "makel-c50")
    assert (result.exit_code, result.stdout) == (78, "")
    assert 'did you mean "makel-c500"' in result.stderr


def test_an_invalid_local_profile_is_told(site: Path) -> None:
    (site.parent / "profiles.d" / "mine.toml").write_text(LOCAL.replace('"sealed"', '"closed"'), encoding="utf-8")
    result = run("list", "--config", str(site))
    assert (result.exit_code, result.stdout) == (78, "")
    assert "mine.toml:11" in result.stderr
    assert "E-PRO-3" in result.stderr


def test_a_profile_whose_password_answer_nobody_brings_is_refused(site: Path) -> None:
    text = LOCAL.replace(
        "[[programming.command]]", '[programming]\npasswords = { high = "x.y" }\n[[programming.command]]'
    )
    (site.parent / "profiles.d" / "mine.toml").write_text(text, encoding="utf-8")
    result = run("list", "--config", str(site))
    assert result.exit_code == 78
    assert 'E-PRO-11 profile mine: nobody brings the password answer "x.y" of the high group' in result.stderr
