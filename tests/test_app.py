"""The end of a gateway by signals: its process on a pseudo-terminal whose far end is played here."""

import os
import select
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define

from gateway.protocol.characters import with_even_parity, without_parity

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from gateway.cli.main import main; main()"]
REQUEST = b"/?41770326!\r\n"
MODE_A, MODE_B, MODE_C = b"/XMP HZ-4\r\n", b"/XMPAVERBA-B\r\n", b"/XMP5VERBA-3.1\r\n"
BREAK = b"\x01B0\x03q"
ENDS_WITHIN = 3.0  # seconds after the first signal
SITE = """
config_version = 1
[gateway]
log_level = "warn"
data_dir = "{folder}/state"
[[line]]
alias = "riser-a"
device = "{device}"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "41770326"
t2 = 200
[[sink]]
name = "lines"
type = "jsonl"
path = "{folder}/{sink_folder}readings.jsonl"
"""


@define
class Gateway:
    """A running gateway, with the far end of its one line at 300 Bd."""

    process: subprocess.Popen[bytes]
    master: int

    def hear(self, wanted: bytes) -> bytes:
        """All that comes until it ends as wanted."""
        heard = b""
        while not heard.endswith(wanted):
            readable, _, _ = select.select([self.master], [], [], 10)
            assert readable, f"after {heard!r} nothing came"
            heard += without_parity(os.read(self.master, 4096))
        return heard

    def say(self, octets: bytes) -> None:
        os.write(self.master, with_even_parity(octets))

    def is_identified(self) -> None:
        """Returns when the gateway has followed a mode B meter to 600 Bd, whose data it now waits for."""
        self.hear(REQUEST)
        self.say(MODE_B)
        self.wait_for(lambda: termios.tcgetattr(self.master)[5] == termios.B600)

    def wait_for(self, sign: Callable[[], bool]) -> None:
        """Returns as soon as the sign is seen."""
        tries = 500
        while not sign():
            assert (tries := tries - 1)
            select.select([], [], [], 0.02)

    def ends(self) -> tuple[int, bytes]:
        """The exit code, within the time that it has for its end, and its messages."""
        _, messages = self.process.communicate(timeout=ENDS_WITHIN)
        return self.process.returncode, messages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def gateway(folder: Path) -> Iterator[Gateway]:
    with started(folder) as gateway:
        yield gateway


@contextmanager
def started(folder: Path, *options: str, sink_folder: str = "") -> Iterator[Gateway]:
    master, slave = os.openpty()
    tty.setraw(slave)
    site = folder / "site.toml"
    site.write_text(SITE.format(folder=folder, device=os.ttyname(slave), sink_folder=sink_folder))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*COMMAND, "run", *options, str(site)], stderr=subprocess.PIPE, env=environment)
    try:
        yield Gateway(process, master)
    finally:
        process.kill()
        process.communicate()
        os.close(master)
        os.close(slave)


@pytest.mark.services
def test_a_signal_while_a_sink_is_waited_for_ends_at_once(folder: Path) -> None:
    with started(folder, "--once", sink_folder="missing/") as gateway:
        gateway.hear(REQUEST)
        gateway.say(MODE_A + b"0.0(41770326)\r\n!\r\n")
        gateway.wait_for(lambda: b"delivered" in b"".join(row.encode() for row in visits(folder)))
        gateway.process.send_signal(signal.SIGINT)
        code, messages = gateway.ends()
    assert code == 130
    assert b"Traceback" not in messages
    assert b"sink lines: not all records delivered" in messages


def visits(folder: Path) -> list[str]:
    listed = subprocess.run(
        [*COMMAND, "visits", "--data-dir", str(folder / "state"), "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return listed.stdout.decode().splitlines()[1:]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_within_a_session_frees_the_meter_and_books_the_slot(
    gateway: Gateway, folder: Path, number: signal.Signals, code: int
) -> None:
    gateway.is_identified()
    gateway.process.send_signal(number)
    assert gateway.hear(BREAK) == BREAK
    assert gateway.ends() == (code, b"")
    assert ["cancelled" in row for row in visits(folder)] == [True]


def test_a_message_at_300_bd_that_is_being_sent_is_finished(gateway: Gateway) -> None:
    gateway.hear(REQUEST)
    gateway.say(MODE_C)
    begun = gateway.hear(b"\n")
    gateway.process.send_signal(signal.SIGTERM)
    assert begun == b"\x06050\r\n"
    assert gateway.ends() == (0, b"")


def test_a_signal_while_a_request_at_300_bd_is_being_sent_ends_in_time(gateway: Gateway) -> None:
    assert gateway.hear(REQUEST) == REQUEST
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (0, b"")


@pytest.mark.services
def test_a_meter_that_keeps_talking_does_not_hold_up_the_end(gateway: Gateway) -> None:
    gateway.is_identified()
    gateway.process.send_signal(signal.SIGTERM)
    for _ in range(60):
        gateway.say(b"1.8.0(")
        select.select([], [], [], ENDS_WITHIN / 60)
    assert gateway.process.poll() == 0


def test_a_second_signal_ends_at_once(gateway: Gateway) -> None:
    gateway.is_identified()
    gateway.process.send_signal(signal.SIGTERM)
    gateway.hear(BREAK)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (143, b"")


def test_a_signal_between_visits_ends_with_all_records_delivered(gateway: Gateway, folder: Path) -> None:
    gateway.hear(REQUEST)
    gateway.say(MODE_A + b"0.0(41770326)\r\n!\r\n")
    readings = folder / "readings.jsonl"
    gateway.wait_for(lambda: readings.exists() and readings.stat().st_size > 0)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (0, b"")
    assert len(readings.read_text().splitlines()) == 1
    assert ["delivered" in row for row in visits(folder)] == [True]
