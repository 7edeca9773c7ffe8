"""The verb `clock`: what the clock of a simulated meter shows, who may set it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.clock import wait_text
from tests.cli.utility import START, ZONE, Tap, metergate, site_file

pytestmark = pytest.mark.usefixtures("password")
TOLERANCE = 3  # seconds between the meter's answer and the end of the session


def test_show_tells_the_meters_time_beside_ours(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap)
    done = metergate("clock", "show", "feeder1", "--config", site)
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert list(shown) == ["meter_time", "read_at", "drift_s"]
    assert shown["meter_time"] == "2026-09-30T09:00:00"
    read_at = datetime.fromisoformat(shown["read_at"])
    assert abs(shown["drift_s"] - (START.replace(tzinfo=ZONE) - read_at).total_seconds()) < TOLERANCE
    assert read_at.tzinfo == UTC


@pytest.mark.parametrize(
    ("options", "message"), [(("--yes",), "E-ACC-5"), (("--allow-write",), "E-ACC-7")], ids=["not allowed", "no yes"]
)
def test_nothing_is_sent_to_set_a_clock_that_may_not_be_set(tap: Tap, options: tuple[str, ...], message: str) -> None:
    done = metergate("clock", "set", tap.endpoint, *options)
    assert (done.exit_code, done.stdout, tap.calls) == (7, "", 0)
    assert f"{message} " in done.stderr


def test_a_clock_outside_the_writable_registers_is_not_set(tap: Tap, tmp_path: Path, password: str) -> None:
    site = site_file(tmp_path, tap, more=f'password = "{password}"\nwritable = ["0.2.*"]')
    done = metergate("clock", "set", "feeder1", "--config", site, "--yes")
    assert (done.exit_code, done.stdout, tap.count(b"W")) == (7, "", 0)
    assert "E-ACC-6" in done.stderr


@pytest.mark.parametrize(("second", "told"), [(51, "waiting 14 s"), (4, "waiting 1 s"), (5, None), (50, None)])
def test_the_wait_for_the_middle_of_a_minute_is_told(second: int, told: str | None) -> None:
    text = wait_text(datetime(2026, 9, 30, 9, 0, second, tzinfo=UTC), ZONE)
    assert text is told if told is None else told in (text or "")
