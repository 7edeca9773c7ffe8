"""The verb `access unlatch`: a refused password is held back until somebody says otherwise."""

from pathlib import Path

import pytest

from tests.cli.utility import Tap, metergate, site_file


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, password: str) -> str:
    """The reference of a password that the meter does not take."""
    monkeypatch.setenv(password.partition(":")[2], "wrong")
    return password


def write(tap: Tap, *options: str | Path) -> int:
    return metergate("register", "set", *(options or (tap.endpoint, "--allow-write")), "0.2.1", "7", "--yes").exit_code


def test_the_password_of_an_alias_is_tried_once_more(tap: Tap, tmp_path: Path, refused: str) -> None:
    site = site_file(tmp_path, tap, more=f'password = "{refused}"')
    assert [write(tap, "feeder1", "--config", site) for _ in range(2)] == [6, 6]
    assert tap.count(b"P1") == 1
    done = metergate("access", "unlatch", "feeder1", "--config", site)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "feeder1: forgotten; its password is tried once more" in done.stderr
    assert [write(tap, "feeder1", "--config", site) for _ in range(2)] == [6, 6]
    assert tap.count(b"P1") == 2


def test_a_meter_without_site_file_is_named_by_its_serial_number(tap: Tap, refused: str) -> None:
    def try_it() -> int:
        return write(tap, tap.endpoint, "--serial", "41770326", "--password", refused, "--allow-write")

    assert [try_it() for _ in range(2)] == [6, 6]
    assert "41770326: forgotten" in metergate("access", "unlatch", "41770326").stderr
    assert try_it() == 6
    assert tap.count(b"P1") == 2


def test_a_meter_without_any_number_is_named_as_its_message_says(tap: Tap, refused: str) -> None:
    command = ("register", "set", tap.endpoint, "0.2.1", "7", "--password", refused, "--allow-write", "--yes")
    assert metergate(*command).exit_code == 6
    told = metergate(*command).stderr
    name = told.partition("metergate access unlatch ")[2].split()[0]
    assert f"{name}: forgotten" in metergate("access", "unlatch", name).stderr


@pytest.mark.usefixtures("password")
def test_nothing_to_forget_is_said(tap: Tap, tmp_path: Path) -> None:
    done = metergate("access", "unlatch", "feeder1", "--config", site_file(tmp_path, tap))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "feeder1: no password is held back" in done.stderr
    assert not (tmp_path / "state").exists(), "looking makes no journal"


def test_an_unknown_alias_is_told_with_those_that_are_known(tap: Tap, tmp_path: Path) -> None:
    done = metergate("access", "unlatch", "feeder2", "--config", site_file(tmp_path, tap))
    assert done.exit_code == 2
    assert "it has: feeder1" in done.stderr
