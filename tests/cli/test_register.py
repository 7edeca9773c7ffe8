"""The verb `register` against a simulated utility meter: what is printed, sent, refused, left in the journal."""

import json
import os
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.protocol.characters import with_even_parity
from gateway.simulator import AddressRule, Decline, Nameplate, Port, TcpPort
from tests.cli.utility import SECRET, Tap, metergate, site_file, tapped, utility

Serve = Callable[[Port, Sequence[Nameplate]], str]
pytestmark = pytest.mark.usefixtures("password")


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


# get


def test_a_register_is_one_line_with_its_raw_text_value_and_unit(tap: Tap) -> None:
    done = metergate("register", "get", tap.endpoint, "1.8.0", "0.2.0")
    assert done.exit_code == 0, done.output
    assert lines(done.stdout) == [
        {"register": "1.8.0", "raw": "0070326.678*kWh", "value": "70326.678", "unit": "kWh", "quality": "good"},
        {"register": "0.2.0", "raw": "V2.07", "value": "V2.07", "unit": None, "quality": "good"},
    ]
    assert tap.count(b"P1") == 0, "what needs no password is read without one"
    assert bytes(tap.said).endswith(b"\x01B0\x03q"), "the meter is left by a break"


def test_a_person_gets_a_table_with_titles(tap: Tap) -> None:
    done = metergate("register", "get", tap.endpoint, "1.8.0", "--format", "table")
    assert done.stdout.splitlines()[0].split() == ["register", "title", "value", "unit", "quality", "reason"]
    assert "Active energy import total" in done.stdout


def test_a_register_that_is_missing_or_undecodable_is_told_by_the_exit_code_and_the_others_are_printed(
    tap: Tap,
) -> None:
    done = metergate("register", "get", tap.endpoint, "1.8.0", "7.7.7", "32.7.0", "0.2.0")
    assert done.exit_code == 7
    rows = lines(done.stdout)
    assert [(row["register"], row["quality"]) for row in rows] == [
        ("1.8.0", "good"),
        ("7.7.7", "bad"),
        ("32.7.0", "bad"),
        ("0.2.0", "good"),
    ]
    assert "ERROR" in str(rows[1]["reason"])


def test_a_protected_register_is_read_after_the_password(tap: Tap, password: str) -> None:
    without = metergate("register", "get", tap.endpoint, "0.2.1", "1.8.0")
    assert (without.exit_code, [row["quality"] for row in lines(without.stdout)]) == (7, ["bad", "good"])
    done = metergate("register", "get", tap.endpoint, "0.2.1", "--password", password)
    assert (done.exit_code, lines(done.stdout)[0]["raw"]) == (0, "0005")
    assert tap.count(b"P1") == 1


@pytest.mark.parametrize(
    ("serial", "code", "message"), [("99", 4, "E-READ-1 meter 99: no answer"), ("41770326", 0, "")]
)
def test_the_serial_number_addresses_the_meter(tap: Tap, serial: str, code: int, message: str) -> None:
    done = metergate("register", "get", tap.endpoint, "1.8.0", "--serial", serial)
    assert done.exit_code == code
    assert message in done.stderr


def test_another_meter_is_told_and_nothing_is_printed(serve: Serve) -> None:
    plate = evolve(utility(), address_rule=AddressRule.IGNORE)
    done = metergate("register", "get", serve(TcpPort(), [plate]), "0.0.0", "1.8.0", "--serial", "41770327")
    assert (done.exit_code, done.stdout) == (8, "")
    assert "E-READ-8 meter 41770327: asked 41770327, answered 41770326" in done.stderr


def test_the_command_ends_when_its_time_is_up(serve: Serve) -> None:
    with tapped(serve(TcpPort(), [utility(refusal=Decline.SILENCE)])) as tap:
        done = metergate("register", "get", tap.endpoint, "7.7.7", "--timeout", "0.4")
        assert (done.exit_code, done.stdout) == (4, "")
        assert "W-READ-12" in done.stderr
        assert 0 < bytes(tap.said).count(b"\x06051\r\n") <= tap.count(b"B0"), "the meter is freed"


def test_a_data_directory_in_use_ends_with_73(tap: Tap, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = metergate("register", "get", tap.endpoint, "1.8.0", "--data-dir", tmp_path / "file")
    assert (done.exit_code, done.stdout) == (73, "")
    assert "E-JRN-1" in done.stderr
    assert tap.calls == 0


# set, execute


def test_a_register_is_written_and_read_back(tap: Tap, tmp_path: Path, password: str) -> None:
    site = site_file(tmp_path, tap, more=f'password = "{password}"')
    done = metergate("register", "set", "feeder1", "0.2.1", "0007", "--config", site, "--yes")
    assert done.exit_code == 0, done.output
    (row,) = lines(done.stdout)
    assert (row["register"], row["new"], row["confirmed"]) == ("0.2.1", "0007", True)
    assert (tap.count(b"P1"), tap.count(b"W5")) == (1, 1)
    with closing(sqlite3.connect(tmp_path / "state" / "metergate.db")) as journal, journal:
        kept = "".join(str(row) for table in tables(journal) for row in journal.execute(f'SELECT * FROM "{table}"'))  # noqa: S608
    assert "0.2.1 written" in kept, "what was done stands in the journal"


def test_a_command_is_executed_once_with_its_counter_before_and_after(tap: Tap, password: str) -> None:
    command = ("register", "execute", tap.endpoint, "demand-reset", "--password", password)
    done = metergate(*command, "--allow-write", "--yes")
    assert done.exit_code == 0, done.output
    assert lines(done.stdout) == [{"register": "1.6.0", "old": "07", "new": "08", "confirmed": True}]
    assert tap.count(b"E2") == 1


def test_a_value_that_the_meter_does_not_take_is_refused(serve: Serve, password: str) -> None:
    with tapped(serve(TcpPort(), [utility(writable={})])) as tap:
        command = ("register", "set", tap.endpoint, "0.2.1", "7", "--password", password, "--allow-write", "--yes")
        done = metergate(*command)
        assert (done.exit_code, done.stdout) == (7, "")
        assert "E-PRG-1" in done.stderr
        assert tap.count(b"W5") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--yes",), "E-ACC-5 meter 41770326: 0.2.1: writing is off"),
        (("--allow-write",), "E-ACC-7 meter 41770326: 0.2.1: a meter is changed only when that is confirmed"),
    ],
    ids=["not allowed", "not confirmed"],
)
@pytest.mark.parametrize("verb", [("set", "0.2.1", "7"), ("execute", "0.2.1")], ids=["set", "execute"])
def test_nothing_is_sent_for_a_change_that_is_not_permitted(
    tap: Tap, verb: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    done = metergate("register", verb[0], tap.endpoint, *verb[1:], "--serial", "41770326", *options)
    assert (done.exit_code, done.stdout, tap.calls) == (7, "", 0)
    assert message in done.stderr


def test_nothing_is_sent_for_a_register_that_is_not_writable(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap, more='writable = ["0.9.*"]')
    done = metergate("register", "set", "feeder1", "0.2.1", "7", "--config", site, "--yes")
    assert (done.exit_code, tap.calls) == (7, 0)
    assert "E-ACC-6 meter 41770326: 0.2.1 is not writable here" in done.stderr


def test_allow_write_does_not_overrule_a_site_file(tap: Tap, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap, allow_write=False)
    done = metergate("register", "set", "feeder1", "0.2.1", "7", "--config", site, "--yes", "--allow-write")
    assert (done.exit_code, tap.calls) == (2, 0)
    assert "[access] allow_write" in done.stderr


# Any text of register and value; line ends and control characters among them.
TEXTS = st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["1.8.0)\x03\x01W5\x020.2.2(9", "0.2.2(9)", "\x01W5\x020.2.2(9)\x03", "-x", "1.8.0(\x03", "0.2.2"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(register=TEXTS, value=TEXTS)
def test_h12_with_writing_off_no_text_makes_a_write_or_execute_command_go_out(
    tap: Tap, register: str, value: str
) -> None:
    assert metergate("register", "set", tap.endpoint, "--yes", "--", register, value).exit_code == 7
    assert metergate("register", "execute", tap.endpoint, "--yes", "--", register).exit_code == 7
    metergate("register", "get", tap.endpoint, "--", register, value)
    assert not any(tap.count(kind) for kind in (b"W", b"E"))


# The password


def test_s9_a_refused_password_is_not_sent_again_until_it_changes(
    tap: Tap, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(password.partition(":")[2], "wrong")
    command = ("register", "set", tap.endpoint, "0.2.1", "7", "--password", password, "--allow-write", "--yes")
    first, second = metergate(*command), metergate(*command)
    assert (first.exit_code, second.exit_code) == (6, 6)
    assert "E-ACC-4" in first.stderr
    assert "E-ACC-1" in second.stderr
    assert tap.count(b"P1") == 1
    monkeypatch.setenv(password.partition(":")[2], SECRET)
    assert metergate(*command).exit_code == 0
    assert tap.count(b"P1") == 2


def test_h10_the_password_stands_nowhere_but_on_the_wire(tap: Tap, password: str, tmp_path: Path) -> None:
    site = site_file(tmp_path, tap, more=f'password = "{password}"')
    shown = ""
    for arguments in (
        ("register", "get", "feeder1", "0.2.1", "1.8.0"),
        ("register", "set", "feeder1", "0.2.1", "7", "--yes"),
        ("register", "execute", "feeder1", "demand-reset", "--yes"),
        ("clock", "show", "feeder1"),
        ("profile-data", "feeder1", "--from", "2026-09-30"),
        ("events", "feeder1", "--from", "2026-09-30"),
        ("describe", "feeder1"),
        ("read", "feeder1", "--obis", "1.8.0", "--password", password),
        ("readings",),
    ):
        done = metergate(*arguments, "--config", site)
        shown += done.stdout + done.stderr + repr(done.exception)
    kept = b"".join(Path(folder, name).read_bytes() for folder, _, names in os.walk(tmp_path) for name in names)
    plain = SECRET.encode()
    assert plain in bytes(tap.said), "it was sent, so that there is something to look for"
    for form in (plain, plain.hex().encode(), plain.hex(" ").encode(), b64encode(plain), with_even_parity(plain)):
        assert form not in kept
        assert form not in shown.encode("utf-8", "surrogateescape")
        assert form.upper() not in shown.encode()


def tables(journal: sqlite3.Connection) -> list[str]:
    return [name for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
