"""The verb `simulate`, as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.simulate import simulate
from gateway.simulator import Fault

COMMAND = [sys.executable, "-c", "from gateway.cli.main import main; main()", "simulate"]
ROOT = Path(__file__).parents[2]
Truth = dict[str, Any]  # JSON as it came


@contextmanager
def running(*arguments: str, lines: int = 1) -> Iterator[tuple[subprocess.Popen[str], list[Truth]]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield process, [json.loads(process.stdout.readline()) for _ in range(lines)]
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(10)
        process.stdout.close()


def test_each_line_prints_its_ground_truth_and_can_be_reached() -> None:
    with running("--meters", "2", "--line", "tcp:0", "--line", "pty", lines=2) as (_, (tcp, pty)):
        assert list(tcp) == ["endpoint", "baudrate", "wire", "meters"]
        assert (tcp["baudrate"], tcp["wire"]) == (9600, "plain")
        assert (pty["baudrate"], pty["wire"]) == (300, "parity")
        assert list(tcp["meters"][0]) == ["serial", "mode", "manufacturer", "model", "faults", "values"]
        assert list(tcp["meters"][0]["values"][0]) == ["address", "raw", "value", "unit"]
        assert [len(line["meters"]) for line in (tcp, pty)] == [2, 2]
        assert Path(pty["endpoint"]).is_char_device()
        host, _, port = tcp["endpoint"].removeprefix("tcp://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(f"/?{tcp['meters'][0]['serial']}!\r\n".encode())
            assert connection.makefile("rb").readline() == b"/XMP5VERBA-3.1\r\n"


def test_one_pty_with_four_meters_is_the_default() -> None:
    with running() as (_, (line,)):
        assert line["endpoint"].startswith("/dev/")
        assert len(line["meters"]) == 4
        assert not any(meter["faults"] for meter in line["meters"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_by_a_signal_without_a_traceback(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--line", "tcp:0", "--line", "pty"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    process.send_signal(number)
    _, told = process.communicate(timeout=10)
    assert (process.returncode, told) == (code, "")


def test_equal_seeds_print_equal_totals() -> None:
    totals = []
    for seed in ("5", "5", "6"):
        with running("--seed", seed) as (_, (line,)):
            totals.append([meter["values"][4] for meter in line["meters"]])
    assert totals[0] == totals[1]
    assert totals[0] != totals[2]


def test_faults_show_in_the_ground_truth() -> None:
    with running("--fault", "silent", "--fault", "noise:0.1") as (_, (line,)):
        assert sorted(len(meter["faults"]) for meter in line["meters"]) == [1, 1, 1, 2]


def test_wire_and_time_scale_can_be_chosen() -> None:
    with running("--wire", "parity", "--line", "tcp:0", "--time-scale", "100") as (_, (line,)):
        assert line["wire"] == "parity"


def test_a_building_file_is_served(tmp_path: Path) -> None:
    path = tmp_path / "building.toml"
    path.write_text('[[line]]\n[[line.meter]]\nserial = "77"\nmanufacturer = "XYZ"\n')
    with running(str(path)) as (_, (line,)):
        (meter,) = line["meters"]
        assert (meter["serial"], meter["manufacturer"]) == ("77", "XYZ")
        assert meter["values"][-1] == {
            "address": "1.8.0",
            "raw": "0012345.678*kWh",
            "value": "12345.678",
            "unit": "kWh",
        }


def test_a_busy_port_ends_with_69_and_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ended = CliRunner().invoke(simulate, ["--line", f"tcp:{port}"])
    assert ended.exit_code == 69
    assert ended.stdout == ""
    assert f"E-LINE-3 line 1: port {port} of 127.0.0.1 is held by another process" in ended.stderr
    assert "next:" in ended.stderr


def test_a_file_that_cannot_be_used_ends_with_78(tmp_path: Path) -> None:
    path = tmp_path / "building.toml"
    path.write_text("sed = 1\n")
    ended = CliRunner().invoke(simulate, [str(path)])
    assert ended.exit_code == 78
    assert ended.stdout == ""
    assert "building.toml:1" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--line", "com1"], "pty or tcp:PORT is wanted"),
        (["--fault", "smoke"], '"smoke" is no fault; known are silent, slow'),
        (["--fault", "noise:7"], '"7" is no rate'),
        (["--meters", "0"], "0 is not in the range"),
        (["b.toml", "--meters", "3"], "--meters stands in BUILDING.toml"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_is_wanted(arguments: list[str], told: str) -> None:
    ended = CliRunner().invoke(simulate, arguments)
    assert ended.exit_code == 2
    assert told in ended.stderr


def test_the_help_names_every_fault() -> None:
    shown = CliRunner().invoke(simulate, ["--help"]).stdout
    for fault in Fault:
        assert f"\n    {fault.value} " in shown
