"""Lines, files and folders that cannot be used, beside good ones."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.journal import FILE_NAME
from tests.services.processes import PATIENCE, TrueLine, TrueMeter, gateway, metergate, rows, simulated, write_site
from tests.services.relay import Odometer
from tests.services.write_ahead import writes_watched

pytestmark = pytest.mark.services

TIME_SCALE = 10
SIMULATION = ["--time-scale", str(TIME_SCALE)]
OTHER_METERS = ["--seed", "2"]
TWO_METERS = (TrueMeter("11111111", "C", ()), TrueMeter("22222222", "C", ()))
MESSAGE = re.compile(r"[EW]-[A-Z]+-\d+ (line|meter) \S+: \S.*")
NEXT_STEP = re.compile(r" {8}next: \S.*")
HOLD = "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print('held', flush=True); input()"


@contextmanager
def far_end(converse: Callable[[socket.socket], None]) -> Iterator[TrueLine]:
    """A TCP endpoint that treats each connection like that, then closes it."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    converse(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield TrueLine(f"tcp://127.0.0.1:{listener.getsockname()[1]}", 9600, TWO_METERS)
        listener.shutdown(socket.SHUT_RDWR)


def half_open() -> AbstractContextManager[TrueLine]:
    def say_nothing(connection: socket.socket) -> None:
        while connection.recv(64):
            pass

    return far_end(say_nothing)


def closing() -> AbstractContextManager[TrueLine]:
    def close_within_a_message(connection: socket.socket) -> None:
        connection.recv(64)
        connection.sendall(b"/XMP BROKEN\r\n\x020.0.0(1111")

    return far_end(close_within_a_message)


@contextmanager
def refused() -> Iterator[TrueLine]:
    """A TCP endpoint at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield TrueLine(f"tcp://127.0.0.1:{bound.getsockname()[1]}", 9600, TWO_METERS)


@contextmanager
def missing() -> Iterator[TrueLine]:
    yield TrueLine("/dev/ttyMetergateNone", 300, TWO_METERS)


@contextmanager
def held() -> Iterator[TrueLine]:
    """A serial port that another process has for itself."""
    with (
        simulated("pty", meters=2, options=OTHER_METERS) as (line,),
        subprocess.Popen(
            [sys.executable, "-c", HOLD, line.endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder,
    ):
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield line
        finally:
            holder.kill()


@contextmanager
def served_elsewhere() -> Iterator[TrueLine]:
    """A device server whose one connection another reader has."""
    with simulated("tcp:0", meters=2, options=OTHER_METERS) as (line,), socket.create_connection(line.address):
        yield line


@pytest.mark.parametrize(
    ("bad_line", "told", "cause", "code"),
    [
        (
            missing,
            r"E-LINE-1 line bad: /dev/ttyMetergateNone does not exist. Present now: .*\n +next: plug",
            "line_down",
            69,
        ),
        (
            refused,
            r"E-LINE-2 line bad: 127\.0\.0\.1:\d+ cannot be reached: Connection refused\n +next: check address",
            "line_down",
            69,
        ),
        (
            held,
            r"E-LINE-3 line bad: /dev/pts/\d+ is held by process \d+ \(.+\)\n +next: stop that process",
            "line_down",
            69,
        ),
        (closing, r"E-LINE-5 line bad: 127\.0\.0\.1:\d+ closed the connection", "line_down", 69),
        (half_open, r'E-READ-1 meter \d+: no answer to "/\?\d+!" .*\n +next: check speed', "no_answer", 4),
        (served_elsewhere, r'E-READ-1 meter \d+: no answer to "/\?\d+!" .*\n +next: check speed', "no_answer", 4),
    ],
)
def test_a_bad_line_is_told_while_the_good_one_goes_on(
    tmp_path: Path, bad_line: Callable[[], AbstractContextManager[TrueLine]], told: str, cause: str, code: int
) -> None:
    with bad_line() as bad, simulated("tcp:0", meters=3, options=SIMULATION) as (good,):
        site = write_site(tmp_path, {"bad": bad, "good": good}, time_scale=TIME_SCALE)
        both = metergate("run", "--once", site)
        only = [word for meter in bad.meters for word in ("--only", f"bad-{meter.serial}")]
        alone = metergate("run", "--once", *only, site)
    for done, expected in ((both, 3), (alone, code)):
        assert (done.returncode, done.stdout) == (expected, ""), done.stderr
        assert re.search(told, done.stderr)
        *messages, _ = done.stderr.splitlines()
        assert all(MESSAGE.fullmatch(line) or NEXT_STEP.fullmatch(line) for line in messages), done.stderr
    slots = [(visit["line"], visit["outcome"], visit["cause"]) for visit in rows("visits", "--config", site)]
    assert sorted(slots, key=str) == sorted([("bad", "gap", cause)] * 4 + [("good", "delivered", None)] * 3, key=str)


def test_a_line_that_was_down_is_read_as_soon_as_it_is_back(tmp_path: Path) -> None:
    with refused() as promised:
        port = promised.address[1]
    with simulated("tcp:0", meters=2) as (truth,):
        meters = truth.meters
    site = write_site(tmp_path, {"bad": TrueLine(promised.endpoint, 9600, meters)}, time_scale=TIME_SCALE)
    data_dir = tmp_path / "state"
    data_dir.mkdir()
    writes = Odometer()
    with gateway(site) as process:
        process.wait_for("E-LINE-2 line bad")
        with (
            writes_watched(data_dir, f"{FILE_NAME}-wal", writes.count),
            simulated(f"tcp:{port}", meters=2, options=SIMULATION),
        ):
            writes.set(1, lambda: None)
            assert writes.reached.wait(PATIENCE), process.told
            assert process.end() == 0
    assert "delivered" in {visit["outcome"] for visit in rows("visits", "--config", site)}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        (b"\xff\xfe12\n", "codec can't decode"),
        (b"# none yet\n", "no serial number"),
    ],
)
def test_a_file_of_serial_numbers_that_cannot_be_used_is_a_usage_error(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    serials = tmp_path / "serials.txt"
    if content is not None:
        serials.write_bytes(content)
    done = metergate("read", "tcp://127.0.0.1:9", "--serials", serials)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert str(serials) in done.stderr


def test_a_data_directory_serves_one_gateway_and_names_it(tmp_path: Path) -> None:
    with refused() as line:
        site = write_site(tmp_path, {"bad": line})
        with gateway(site) as holder:
            holder.wait_for("E-LINE-2")
            second = metergate("run", "--once", site)
    assert (second.returncode, second.stdout) == (73, "")
    assert f"E-JRN-2 journal: {tmp_path / 'state'} is in use by another gateway, process {holder.pid}" in second.stderr
    assert "next: stop that process" in second.stderr


def test_a_data_directory_below_a_file_ends_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused() as line:
        site = write_site(tmp_path, {"bad": line}, data_dir=tmp_path / "file" / "state")
        done = metergate("run", "--once", site)
    assert (done.returncode, done.stdout) == (73, "")
    assert f"E-JRN-1 journal: the data directory {tmp_path / 'file' / 'state'} cannot be written" in done.stderr
    assert "next: name another data_dir" in done.stderr
