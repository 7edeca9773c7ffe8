"""The verb `read` against simulated meters on real ports: values, exit codes, what stands on standard output."""

import csv
import io
import json
import socket
import threading
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.protocol.characters import Mode
from gateway.simulator import Fault, Nameplate, Port, PtyPort, StillRegister, TcpPort
from tests.cli.utility import SECRET, Tap

Serve = Callable[[Port, Sequence[Nameplate]], str]
Plate = Callable[..., Nameplate]

SITE = """
[[line]]
alias = "riser-a"
{line}
time_scale = 10
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "41770326"
enable = true
{more}
"""


def metergate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def record(*arguments: str | Path) -> dict[str, object]:
    done = metergate("read", *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def values(found: dict[str, object]) -> list[tuple[str, str, str]]:
    rows = found["values"]
    assert isinstance(rows, list)
    return [(row["address"], row["value"], row["unit"]) for row in rows]


def port_of(endpoint: str) -> str:
    return endpoint.partition("?")[0].rpartition(":")[2]


def line_of(endpoint: str) -> str:
    """The keys of a `[[line]]` for a TCP endpoint of the simulator."""
    return f'ip = "127.0.0.1"\nport = {port_of(endpoint)}\nbaudrate = 9600'


# What is read


@pytest.mark.parametrize("port", [TcpPort(), PtyPort()], ids=["tcp", "pty"])
def test_the_addressed_meter_is_read_to_the_last_digit(serve: Serve, plate: Plate, port: Port) -> None:
    endpoint = serve(port, [plate("41770325"), plate("41770326")])
    found = record(endpoint, "--serial", "41770326")
    assert values(found) == [("0.0.0", "41770326", None), ("1.8.0", "70326.678", "kWh")]
    told = ("schema", "gateway", "line", "meter", "serial", "manufacturer", "model", "profile", "quality")
    assert [found[key] for key in told] == [
        "metergate.reading/1",
        *("", "", "41770326", "41770326"),
        *("XMP", "VERBA-3.1", "generic@1", "good"),
    ]


@pytest.mark.parametrize(
    "traits",
    [
        {"mode": Mode.A, "speed_character": " ", "framed": False},
        {"mode": Mode.A, "speed_character": " "},
        {"mode": Mode.B, "speed_character": "E", "glued": True},
        {"mode": Mode.C, "speed_character": "6"},
        {"mode": Mode.C, "escapes": ("2",), "faults": {Fault.ECHO: 1.0}},
    ],
    ids=["A, bare", "A", "B", "C", "C, echo"],
)
def test_every_mode_is_read_on_a_serial_port(serve: Serve, plate: Plate, traits: dict[str, object]) -> None:
    assert values(record(serve(PtyPort(), [plate("41770326", **traits)]), "--serial", "41770326"))[-1] == (
        "1.8.0",
        "70326.678",
        "kWh",
    )


def test_one_meter_alone_needs_no_serial_number(serve: Serve, plate: Plate) -> None:
    assert values(record(serve(PtyPort(), [plate("41770326")])))[-1] == ("1.8.0", "70326.678", "kWh")


def test_registers_are_chosen_as_printed_or_by_obis(serve: Serve, plate: Plate) -> None:
    found = record(serve(TcpPort(), [plate("41770326")]), "--serial", "41770326", "--obis", "1-0:1.8.0*255, 0.0.0")
    assert [value for _, value, _ in values(found)] == ["70326.678", "41770326"]


def test_a_register_that_the_meter_lacks_is_bad_and_told_by_the_exit_code(serve: Serve, plate: Plate) -> None:
    done = metergate("read", serve(TcpPort(), [plate("41770326")]), "--serial", "41770326", "--obis", "1.8.0,2.8.0")
    assert done.exit_code == 7
    found = json.loads(done.stdout)["values"]
    assert [(row["value"], row["quality"]) for row in found] == [("70326.678", "good"), (None, "bad")]


def test_a_chosen_register_keeps_the_name_that_the_code_gives_it(serve: Serve, plate: Plate) -> None:
    endpoint = serve(TcpPort(), [plate("41770326")])
    done = metergate("read", endpoint, "--serial", "41770326", "--obis", "1.8.0", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["title"] == "Active energy import total"


@pytest.mark.parametrize("form", ["table", "csv", "raw", "jsonl"])
def test_every_form_shows_the_value(serve: Serve, plate: Plate, form: str) -> None:
    done = metergate("read", serve(TcpPort(), [plate("41770326")]), "--serial", "41770326", "--format", form)
    assert done.exit_code == 0
    match form:
        case "table":
            assert done.stdout.splitlines()[0] == "41770326  /XMP5VERBA-3.1  profile generic@1  good"
            assert done.stdout.splitlines()[-1].split()[0] == "1.8.0"
            assert "70326.678  kWh" in done.stdout
        case "csv":
            rows = list(csv.DictReader(io.StringIO(done.stdout)))
            assert [(row["address"], row["value"]) for row in rows][-1] == ("1.8.0", "70326.678")
        case "raw":
            assert done.stdout_bytes == b"0.0.0(41770326)\r\n1.8.0(0070326.678*kWh)\r\n!\r\n"
        case _:
            assert values(json.loads(done.stdout))[-1] == ("1.8.0", "70326.678", "kWh")


def test_a_changed_opening_speed_is_used(serve: Serve, plate: Plate) -> None:
    endpoint = serve(PtyPort(), [plate("41770326")])
    wrong = endpoint.replace("baud=300", "baud=9600")
    assert values(record(wrong, "--serial", "41770326", "--baud", "300"))
    assert metergate("read", wrong, "--serial", "41770326").exit_code == 4


# A whole bus


@pytest.fixture
def serials(tmp_path: Path) -> Path:
    file = tmp_path / "flats.txt"
    file.write_text("# riser A\n41770325\n41770326  # first floor\n\n41770327\n")
    return file


def test_a_file_of_serial_numbers_reads_the_whole_bus_into_one_table(serve: Serve, plate: Plate, serials: Path) -> None:
    endpoint = serve(TcpPort(), [plate(f"4177032{n}") for n in (5, 6, 7)])
    done = metergate("read", endpoint, "--serials", serials, "--obis", "1.8.0", "--format", "table")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["meter", "41770325", "41770326", "41770327"]
    assert all(f"7032{n}.678" in row for n, row in zip((5, 6, 7), rows[1:], strict=True))


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_of_a_bus_with_a_silent_meter_the_others_are_printed(
    serve: Serve, plate: Plate, serials: Path, form: str
) -> None:
    endpoint = serve(TcpPort(), [plate("41770325"), plate("41770327")])
    done = metergate("read", endpoint, "--serials", serials, "--format", form)
    assert done.exit_code == 3
    found = json.loads(done.stdout) if form == "json" else [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["serial"] for one in found] == ["41770325", "41770327"]
    assert "E-READ-1 meter 41770326: no answer" in done.stderr


# Why nothing is read


@pytest.mark.parametrize(
    ("traits", "options", "code", "message"),
    [
        ({"faults": {Fault.SILENT: 1.0}}, (), 4, 'E-READ-1 meter 41770326: no answer to "/?41770326!"'),
        ({"faults": {Fault.BAD_CHECK: 1.0}}, (), 5, "E-READ-6 meter 41770326: block check: sent "),
        ({}, ("--mode", "E"), 7, "E-READ-2 meter 41770326: speaks DLMS/COSEM"),
        ({"registers": (StillRegister("0.0.0", "5"),)}, (), 8, "E-READ-8 meter 41770326: asked 41770326, answered 5"),
    ],
    ids=["no answer", "bad check", "refused", "wrong meter"],
)
def test_nothing_stands_on_standard_output_when_nothing_was_understood(
    serve: Serve, plate: Plate, traits: dict[str, object], options: tuple[str, ...], code: int, message: str
) -> None:
    endpoint = serve(TcpPort(), [plate("41770326", **traits)])
    done = metergate("read", endpoint, "--serial", "41770326", *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr


def test_a_line_that_cannot_be_opened_ends_with_69(tmp_path: Path) -> None:
    done = metergate("read", tmp_path / "ttyUSB7", "--serial", "1")
    assert (done.exit_code, done.stdout) == (69, "")
    assert done.stderr.startswith("E-LINE-1 ")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    done = metergate("read", f"tcp://127.0.0.1:{port}")
    assert done.exit_code == 69
    assert f"E-LINE-2 127.0.0.1:{port} cannot be reached" in done.stderr


def test_the_whole_command_ends_when_its_time_is_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = metergate("read", f"tcp://127.0.0.1:{port}?baud=9600", "--serial", "1", "--timeout", "0.3")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "W-READ-12 the time was up before 1 of 1 meters had been read" in done.stderr


def test_the_time_may_be_up_while_the_line_is_opened_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_at_once() -> None:
            connection, _ = server.accept()
            connection.close()

        closing = threading.Thread(target=close_at_once)
        closing.start()
        done = metergate("read", f"tcp://127.0.0.1:{server.getsockname()[1]}", "--timeout", "0.4")
        closing.join()
    assert (done.exit_code, done.stdout) == (4, "")
    assert "E-LINE-5" in done.stderr
    assert "W-READ-12" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("ttyUSB0:9600",), 78, "E-CFG-18"),
        (("tcp://127.0.0.1:9/", "--profile", "generik"), 78, "E-PRO-10"),
        (("tcp://127.0.0.1:9", "--serial", "1", "--serials", "x"), 2, "not both"),
        (("tcp://127.0.0.1:9", "--json", "--format", "csv"), 2, "give --json or --format csv, not both"),
        (("tcp://127.0.0.1:9", "--serials", "/nonexistent"), 2, "cannot be read"),
        (("flat01", "--config", "/nonexistent"), 78, "E-CFG-1"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named(arguments: tuple[str, ...], code: int, message: str) -> None:
    done = metergate("read", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr


# With a site file


@pytest.fixture
def site(serve: Serve, plate: Plate, tmp_path: Path) -> Path:
    path = tmp_path / "metergate.toml"
    signal = '[[meter.signal]]\nsignal_name = "Energy"\nsignal_alias = "energy"\ntag_job_todo = "1.8.0"'
    path.write_text(SITE.format(line=line_of(serve(TcpPort(), [plate("41770326")])), more=signal))
    return path


def test_an_alias_is_read_by_its_site_file(site: Path) -> None:
    found = record("flat01", "--config", site)
    assert (found["line"], found["meter"]) == ("riser-a", "flat01")
    rows = found["values"]
    assert isinstance(rows, list)
    assert [(row["signal"], row["value"]) for row in rows] == [("energy", "70326.678")]


def test_not_a_byte_is_sent_for_a_disabled_meter(site: Path) -> None:
    site.write_text(site.read_text().replace("enable = true", "enable = false"))
    done = metergate("read", "flat01", "--config", site)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "flat01 has enable = false" in done.stderr


def test_an_unknown_alias_is_told_with_those_that_are_known(site: Path) -> None:
    done = metergate("read", "flat02", "--config", site)
    assert done.exit_code == 2
    assert "it has: flat01" in done.stderr


def test_signals_are_ready_for_a_site_file(serve: Serve, plate: Plate, tmp_path: Path) -> None:
    odd = tuple(StillRegister(address, "0001.5*kWh") for address in ("1.8.0", "1.8.0*05", "1.8.0", 'a"b', "a\\ 1"))
    endpoint = serve(PtyPort(), [plate("41770326", registers=odd)])
    done = metergate("read", endpoint, "--serial", "41770326", "--signals")
    assert done.exit_code == 0
    printed = tomllib.loads("[[meter]]\n" + done.stdout)["meter"][0]["signal"]
    assert [signal["tag_job_todo"] for signal in printed] == [register.address for register in odd]
    path = tmp_path / "metergate.toml"
    path.write_text(SITE.format(line='device = "/dev/ttyS9"', more=done.stdout).replace("enable = true", ""))
    checked = metergate("check", path)
    assert checked.exit_code == 0, checked.output


# In programming mode


def test_with_a_password_the_named_registers_are_read_one_by_one_after_it_was_sent_once(
    tap: Tap, password: str
) -> None:
    found = record(tap.endpoint, "--password", password, "--obis", "1.8.0,0.2.1")
    assert [(address, value) for address, value, _ in values(found)] == [("1.8.0", "70326.678"), ("0.2.1", "0005")]
    assert (found["meter"], found["serial"], found["model"]) == ("", "", "VERBA-3.1")
    assert (tap.count(b"P1"), tap.count(b"R5"), tap.count(b"W")) == (1, 2, 0)


def test_with_a_password_alone_the_registers_of_the_profile_are_read(tap: Tap, password: str) -> None:
    done = metergate("read", tap.endpoint, "--password", password, "--profile", "landisgyr-e350", "--json")
    addresses = [row["address"] for row in json.loads(done.stdout)["values"]]
    assert "1.8.0" in addresses
    assert tap.count(b"R") >= len(addresses)


def test_a_profile_without_registers_wants_them_named(tap: Tap, password: str) -> None:
    done = metergate("read", tap.endpoint, "--password", password)
    assert (done.exit_code, done.stdout, tap.count(b"P1")) == (7, "", 0)
    assert "E-JOB-5" in done.stderr
    assert "--obis" in done.stderr


def test_a_wrong_password_ends_with_6(tap: Tap, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(password.partition(":")[2], "wrong")
    done = metergate("read", tap.endpoint, "--password", password, "--obis", "1.8.0")
    assert (done.exit_code, done.stdout, tap.count(b"P1")) == (6, "", 1)
    assert "E-ACC-4" in done.stderr


def test_a_password_in_clear_is_refused_without_printing_it(tap: Tap, password: str) -> None:
    assert password
    done = metergate("read", tap.endpoint, "--password", SECRET, "--obis", "1.8.0")
    assert (done.exit_code, tap.calls) == (2, 0)
    assert "given by reference" in done.stderr
    assert SECRET not in done.output


def test_a_short_table_is_asked_for_by_its_digit(serve: Serve, plate: Plate) -> None:
    endpoint = serve(TcpPort(), [plate("41770326", tables={"6": ("1.8.0",)})])
    assert values(record(endpoint, "--table", "6")) == [("1.8.0", "70326.678", "kWh")]


@pytest.mark.parametrize("option", [("--serials", __file__), ("--table", "6")], ids=["serials", "table"])
def test_a_password_is_for_single_registers_of_one_meter(option: tuple[str, str]) -> None:
    done = metergate("read", "tcp://127.0.0.1:9", "--password", "env:X", *option)
    assert done.exit_code == 2
    assert "--password goes to one meter" in done.stderr
