"""The balances of a site file: the registers that they name, and what is wrong with them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cadence import Span
from gateway.codes import CODES
from gateway.errors import Finding, SiteError
from gateway.site.balance import BalanceSettings, Counter
from gateway.site.load import load_site
from gateway.site.model import Site

METERS = """
[[line]]
alias = "riser-a"
ip = "10.20.0.5"
port = 4001
""" + "".join(
    f"""
[[meter]]
device_alias = "{alias}"
line = "riser-a"
serialnumber = "{serial}"
enable = {enable}
[[meter.signal]]
signal_alias = "{signal}"
tag_job_todo = "1.8.0"
log = {log}
"""
    for alias, serial, enable, signal, log in (
        ("main", "100", "true", "energy", 1),
        ("flat01", "101", "true", "energy", 1),
        ("flat02", "102", "true", "energy", 1),
        ("flat03", "103", "false", "energy", 1),
        ("flat04", "104", "true", "power", 1),
        ("flat05", "105", "true", "energy", 0),
    )
)
BARE = """
[[meter]]
device_alias = "lift"
line = "riser-a"
serialnumber = "200"
"""

Balance = Callable[..., Path]


@pytest.fixture
def balance(tmp_path: Path) -> Balance:
    """A site file with one balance of these keys."""

    def written(main: str = '"main.energy"', parts: str = '["flat*.energy"]', more: str = "") -> Path:
        path = tmp_path / "metergate.toml"
        text = f'{METERS}{BARE}[[balance]]\nname = "house"\nmain = {main}\nparts = {parts}\n{more}\n'
        path.write_text(text, encoding="utf-8")
        return path

    return written


def site_of(path: Path) -> Site:
    return load_site(path)[0]


def only_error(path: Path) -> Finding:
    with pytest.raises(SiteError) as caught:
        load_site(path)
    (error,) = (finding for finding in caught.value.findings if finding.is_error)
    assert error.code in CODES
    return error


def test_a_balance_has_the_documented_defaults(balance: Balance) -> None:
    parts = (Counter("flat01", "energy"), Counter("flat02", "energy"))
    expected = BalanceSettings("house", Counter("main", "energy"), parts, Span(0, 1), 3.0)
    assert site_of(balance()).balances == (expected,)


def test_a_pattern_stands_for_enabled_meters_with_the_signal_but_the_main(balance: Balance) -> None:
    (found,) = site_of(balance(parts='["*.energy", "flat??.energy", "flat01.energy"]')).balances
    assert [str(part) for part in found.parts] == ["flat01.energy", "flat02.energy", "lift.energy"]


def test_interval_and_tolerance_are_read(balance: Balance) -> None:
    (found,) = site_of(balance(more='interval = "6h"\ntolerance_percent = 0.5')).balances
    assert (found.interval, found.tolerance_percent) == (Span(6, 0), 0.5)


def test_a_meter_without_signals_is_named_by_an_address(balance: Balance) -> None:
    (found,) = site_of(balance(main='"lift.1-0:1.8.0"', parts='["main.energy"]')).balances
    assert (found.main, str(found.main)) == (Counter("lift", "1-0:1.8.0"), "lift.1-0:1.8.0")


@pytest.mark.parametrize(
    ("keys", "code", "what", "advice"),
    [
        ({"main": '"mian.energy"'}, "E-BAL-1", 'there is no enabled meter "mian"', 'did you mean "main"?'),
        (
            {"main": '"main.enrgy"'},
            "E-BAL-1",
            'meter main has no signal "enrgy" that is enabled and logged',
            'did you mean "energy"?',
        ),
        (
            {"parts": '["flat03.energy"]'},
            "E-BAL-1",
            'there is no enabled meter "flat03"',
            'did you mean "flat05"?',
        ),
        (
            {"parts": '["flat05.energy"]'},
            "E-BAL-1",
            'meter flat05 has no signal "energy" that is enabled and logged',
            "its signals: none",
        ),
        (
            {"parts": '["main.energy"]'},
            "E-BAL-2",
            '"main.energy" is the main itself',
            "name the registers behind it",
        ),
        (
            {"parts": '["attic*.energy"]'},
            "E-BAL-2",
            '"attic*.energy" fits no enabled meter that has this signal',
            "meters here: main, flat01, flat02, flat04, flat05, lift",
        ),
        (
            {"parts": "[]"},
            "E-CFG-6",
            "parts = []: a list of device_alias.signal_alias, * and ? in the first is wanted",
            '["flat*.energy_import"]',
        ),
        (
            {"parts": '"flat*.energy"'},
            "E-CFG-5",
            'parts = "flat*.energy" is text, a list is wanted',
            '["flat*.energy_import"]',
        ),
        (
            {"main": '"energy"'},
            "E-CFG-6",
            'main = "energy": device_alias.signal_alias is wanted',
            'for example "main.energy_import"',
        ),
        (
            {"more": 'interval = "5h"'},
            "E-CFG-6",
            'interval = "5h": hours that divide a day (1h), or 1 to 31 days (7d) is wanted',
            'for example "6h" or "1d"',
        ),
        (
            {"more": "interval = 24"},
            "E-CFG-5",
            "interval = 24 is a number, text that is not empty is wanted",
            'in quotes: "24"',
        ),
        ({"more": "tolerance_percent = 101"}, "E-CFG-6", "tolerance_percent = 101 is outside its range", None),
    ],
)
def test_what_is_wrong_with_a_balance_is_told(
    balance: Balance, keys: dict[str, str], code: str, what: str, advice: str | None
) -> None:
    error = only_error(balance(**keys))
    assert (error.code, error.what) == (code, what)
    assert advice is None or error.next == advice
    assert "[[balance]] house" in error.where


def test_two_balances_do_not_share_a_name(balance: Balance) -> None:
    second = '[[balance]]\nname = "house"\nmain = "main.energy"\nparts = ["lift.energy"]'
    assert only_error(balance(more=second)).code == "E-CFG-8"
