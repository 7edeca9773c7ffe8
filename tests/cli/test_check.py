"""The verbs check, schema, completion, explain on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.codes import CODES

GOOD = """
[[line]]
alias = "riser-a"
ip = "10.20.0.5"
port = 4001
baudrate = 9600

[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "01234567"

[[meter]]
device_alias = "flat02"
line = "riser-a"
serialnumber = "01234568"
"""
TOO_MUCH = GOOD.replace("9600", "300").replace('"01234567"', '"01234567"\nscan_rate_ms = 10_000')
INVALID = GOOD.replace("port = 4001", "port = 0").replace('"flat02"', '"flat01"')


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_good_site_prints_the_budget_of_each_line(site: Path) -> None:
    result = run("check", str(site), "--json")
    (budget,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert (budget["line"], budget["meters"], budget["scan_rate_s"]) == ("riser-a", 2, 900.0)
    assert budget["seconds_per_meter"] == pytest.approx(1.47, abs=0.01)
    assert budget["round_s"] == pytest.approx(2.9, abs=0.1)
    assert budget["share"] == pytest.approx(0.003, abs=0.001)


def test_the_table_has_a_column_a_figure(site: Path) -> None:
    head, line = run("check", "--config", str(site), "--format", "table").stdout.splitlines()
    assert head.split() == ["line", "meters", "seconds_per_meter", "round_s", "scan_rate_s", "share"]
    assert line.split()[:2] == ["riser-a", "2"]


def test_a_line_that_only_listens_has_no_round_to_keep(site: Path) -> None:
    site.write_text(TOO_MUCH.replace("baudrate = 300", 'push = "D"\nbaudrate = 300'), encoding="utf-8")
    result = run("check", str(site), "--json")
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (0, [], "")


def test_errors_come_at_once_on_standard_error_with_exit_78(site: Path) -> None:
    site.write_text(INVALID, encoding="utf-8")
    result = run("check", str(site))
    assert result.exit_code == 78
    assert result.stdout == ""
    assert f"E-CFG-6 {site}:5 [[line]] riser-a: port = 0" in result.stderr
    assert f"E-CFG-8 {site}:14 [[meter]] flat01: device_alias" in result.stderr


def test_unknown_sinks_and_profiles_are_told_beside_the_errors_of_the_file(site: Path) -> None:
    more = 'meter_model = "no-such-profile"\n[[sink]]\nname = "log"\ntype = "jsonk"\n'
    site.write_text(GOOD.replace("port = 4001", "port = 0") + more, encoding="utf-8")
    result = run("check", str(site))
    assert result.exit_code == 78
    for where in (f"E-CFG-6 {site}:5 ", f"{site}:17 [[meter]] flat02: meter_model", f"E-CFG-19 {site}:20 [[sink]] log"):
        assert where in result.stderr


def test_settings_that_a_sink_does_not_know_are_told_with_their_line(site: Path) -> None:
    site.write_text(GOOD + '[[sink]]\nname = "log"\ntype = "jsonl"\npaht = "x"\n', encoding="utf-8")
    result = run("check", str(site))
    assert result.exit_code == 78
    assert f'E-CFG-2 {site}:20 [[sink]] log: unknown key "paht"\n        next: did you mean "path"?' in result.stderr


def test_a_round_that_is_too_long_is_a_warning_unless_warnings_are_denied(site: Path) -> None:
    site.write_text(TOO_MUCH, encoding="utf-8")
    warned, denied = run("check", str(site)), run("check", str(site), "--deny-warnings")
    assert (warned.exit_code, denied.exit_code) == (0, 78)
    assert warned.stderr.startswith("W-BUS-1 line riser-a: one round takes ")
    assert warned.stdout == denied.stdout != ""


def test_without_a_name_the_file_of_the_environment_is_checked(site: Path) -> None:
    result = CliRunner(env={"METERGATE_CONFIG": str(site)}).invoke(main, ["check"])
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_file_that_is_not_there_is_invalid(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "none.toml"))
    assert result.exit_code == 78
    assert result.stderr.startswith("E-CFG-1 ")


def test_two_names_for_one_file_are_a_usage_error(site: Path) -> None:
    assert run("check", str(site), "--config", str(site)).exit_code == 2


def test_schema_prints_json() -> None:
    assert json.loads(run("schema").stdout)["title"] == "Metergate site file"


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_METERGATE_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.parametrize("code", CODES)
def test_explain_prints_a_code_in_full(code: str) -> None:
    result = run("explain", code.lower())
    assert result.exit_code == 0
    for text in (code, CODES[code].title, CODES[code].meaning, CODES[code].next):
        assert text in result.stdout


def test_an_unknown_code_is_a_usage_error_that_names_the_nearest() -> None:
    result = run("explain", "E-CGF-7")
    assert result.exit_code == 2
    assert "E-CFG-7" in result.stderr
