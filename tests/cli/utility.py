"""A utility meter in programming mode for tests of the command line, with all that a reader says to it."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.protocol.characters import Mode
from gateway.reading import Access
from gateway.simulator import (
    ClockRegister,
    LoadProfile,
    Nameplate,
    SimulatedPassword,
    SimulatedProgramming,
    StillRegister,
)

SERIAL = "41770326"
SECRET = "7c3a9e51"  # noqa: S105 - that of a simulated meter
REFERENCE = "env:METERGATE_TEST_PASSWORD"
ZONE = ZoneInfo("Europe/Vilnius")
START = datetime(2026, 9, 30, 9)  # noqa: DTZ001 - local time, as the meter shows it
ROWS = (("1.000", "0.100"), ("2.000", "0.200"), ("3.000", "0.300"))
SITE = """
[gateway]
timezone = "Europe/Vilnius"
data_dir = "{folder}/state"
[access]
allow_write = {allow_write}
[[line]]
alias = "substation"
ip = "127.0.0.1"
port = {port}
baudrate = 9600
time_scale = 10
[[meter]]
device_alias = "feeder1"
line = "substation"
serialnumber = "41770326"
{more}
"""


def utility(**facts: object) -> Nameplate:
    """The meter: 1.8.0 for all, 0.2.1 for the password to read and write, a load profile of three rows, a log."""
    usual: Mapping[str, object] = {
        "start": START,
        "time_zone": ZONE,
        "passwords": {Access.LOW: SimulatedPassword(SECRET)},
        "access": {"0.2.1": Access.LOW},
        "writable": {"0.2.1": Access.LOW, "0.2.2": Access.NONE, "0.9.1": Access.LOW, "0.9.2": Access.LOW},
        "since": datetime(2026, 9, 30, 8),  # noqa: DTZ001 - local time, as the meter shows it
        "events": (),
        "stored": (LoadProfile(rows=ROWS), *SimulatedProgramming(START).stored[1:]),
    }
    return Nameplate(
        SERIAL,
        Mode.C,
        "XMP",
        "VERBA-3.1",
        (
            StillRegister("0.0.0", SERIAL),
            StillRegister("0.2.0", "V2.07"),
            StillRegister("0.2.1", "0005"),
            StillRegister("0.2.2", "0001"),
            StillRegister("0.4.2", "0060"),
            StillRegister("1.8.0", "0070326.678*kWh"),
            StillRegister("32.7.0", "not a number*V"),
            StillRegister("0.1.0", "07"),
            ClockRegister("0.9.1", "%H%M%S", START),
            ClockRegister("0.9.2", "%y%m%d", START),
            StillRegister("F.F", "00000081"),
        ),
        escapes=("@",),
        programming=SimulatedProgramming(**{**usual, **facts}),  # type: ignore[arg-type]
    )


class Tap:
    """A relay in front of a TCP line of the simulator; `said` is all that readers have said through it."""

    def __init__(self, endpoint: str) -> None:
        self.said = bytearray()
        self.calls = 0
        self._far_end = ("127.0.0.1", int(endpoint.partition("?")[0].rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.endpoint = f"tcp://127.0.0.1:{self.port}?{endpoint.partition('?')[2]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def count(self, command: bytes) -> int:
        """How often a command, such as b"P1", was said."""
        return bytes(self.said).count(b"\x01" + command)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                reader, _ = self._listener.accept()
                self.calls += 1
                with reader, socket.create_connection(self._far_end) as meters:
                    upwards = threading.Thread(target=_carry, args=(meters, reader, bytearray()), daemon=True)
                    upwards.start()
                    _carry(reader, meters, self.said)
                    upwards.join()


@contextmanager
def tapped(endpoint: str) -> Iterator[Tap]:
    """A tap on an endpoint for the length of the block."""
    tap = Tap(endpoint)
    try:
        yield tap
    finally:
        tap.close()


def _carry(source: socket.socket, target: socket.socket, heard: bytearray) -> None:
    with suppress(OSError):
        while octets := source.recv(64):
            heard += octets
            target.sendall(octets)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def metergate(*arguments: str | Path) -> Result:
    """A command line, run to its end within this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def site_file(folder: Path, tap: Tap, *, allow_write: bool = True, more: str = "") -> Path:
    """A site file that knows the meter behind a tap as feeder1."""
    path = folder / "metergate.toml"
    text = SITE.format(folder=folder, port=tap.port, allow_write=str(allow_write).lower(), more=more)
    path.write_text(text, encoding="utf-8")
    return path
