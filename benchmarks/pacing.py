"""How much of a paced line's time the gateway uses: the ideal time of a round beside the measured one.

`metergate simulate` keeps the pace on a pseudo-terminal in a process of its own. The ideal time is
the characters of all four messages, three reaction times (ours is t2), the quiet time before a sign-on.
The journal is on: a readout is durable before the next meter is addressed. A figure is the median of the rounds.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import trio
from attrs import define, field, frozen

from benchmarks.table import Figure
from gateway.bus import Bus
from gateway.catalog import Catalog
from gateway.errors import Finding
from gateway.journal import Journal
from gateway.memory import MeterMemory
from gateway.protocol.timing import wire_time
from gateway.reading import Readout, Record
from gateway.schedule import Schedule
from gateway.simulator import StillRegister
from gateway.site.model import LineSettings, MeterSettings, SerialPort
from gateway.telemetry import Telemetry
from gateway.visit import Visitor

METERS = 8
ROUNDS = 5
SPEED = 9600
REACTION_MS = T2_MS = QUIET_MS = 20
GOAL = 99.5

# Characters of the messages around what the meter prints.
_REQUEST, _OPTION_SELECT, _LINE_END, _STX_ETX_BCC = 5, 6, 2, 3


@frozen
class PacedLine:
    """A simulated line: the pseudo-terminal to open, the serial numbers on it."""

    device: str
    serials: tuple[str, ...]


@define
class Rounds:
    """Seconds of each round by the clock, beside its ideal ones; a round begins when the one before it ends."""

    measured: list[float] = field(factory=list)
    ideal: list[float] = field(factory=list)
    octets: int = 0
    _ended: int = field(init=False, default=0)
    _ideal_so_far: float = field(init=False, default=0.0)
    _begin: float = field(init=False, default=0.0)

    def count(self, record: Record) -> None:
        """One more visit is over, its record is durable."""
        if not isinstance(record, Readout):
            raise TypeError(record)
        self._ended += 1
        self._ideal_so_far += ideal_time(record)
        self.octets += len(record.block)
        if self._ended % METERS == 0:
            now = time.perf_counter()
            self.measured.append(now - self._begin)
            self.ideal.append(self._ideal_so_far)
            self._begin, self._ideal_so_far = now, 0.0

    def efficiency(self) -> float:
        """Percent of the time that the wire itself needs; the first round, which opens the line, is left out."""
        return median(100 * ideal / took for ideal, took in zip(self.ideal[1:], self.measured[1:], strict=True))


def ideal_time(readout: Readout) -> float:
    """Seconds of one visit by the wire-time formula, the quiet time before it included."""
    characters = (
        _REQUEST
        + len(readout.visit.serial)
        + len(readout.identification)
        + _LINE_END
        + _OPTION_SELECT
        + len(readout.block)
        + _STX_ETX_BCC
    )
    return wire_time(characters, SPEED) + (2 * REACTION_MS + T2_MS + QUIET_MS) / 1000


def figures() -> Iterable[Figure]:
    """One line of METERS meters at one speed."""
    rounds = Rounds()
    with TemporaryDirectory() as folder:
        building = Path(folder) / "building.toml"
        building.write_text(building_text())
        with simulated(building) as line:
            trio.run(read_all, line, rounds, Path(folder))
    remark = (
        f"{METERS} meters of {rounds.octets // (METERS * (ROUNDS + 1))} octets, reaction, t2, quiet {T2_MS} ms each"
    )
    yield Figure(f"line efficiency: one pty, {SPEED} Bd, journal on", rounds.efficiency(), "%", GOAL, remark=remark)


def building_text() -> str:
    """The file of the simulated line; its meters print some six hundred characters."""
    meters = [
        "\n".join(
            [
                "[[line.meter]]",
                f'serial = "{10_000_000 + number}"',
                f"reaction_ms = {REACTION_MS}",
                *_registers_text(number),
            ]
        )
        for number in range(METERS)
    ]
    return "\n".join([f'[[line]]\nport = "pty"\nbaudrate = {SPEED}', *meters, ""])


def _registers_text(number: int) -> Iterator[str]:
    history = [
        StillRegister(f"1.8.{tariff}*{month:02}", f"{number + 7 * month:07}.{tariff:03}*kWh")
        for tariff in range(3)
        for month in range(1, 8)
    ]
    for register in (StillRegister("0.0.0", f"{10_000_000 + number}"), *history):
        yield f'[[line.meter.register]]\naddress = "{register.address}"\nraw = "{register.raw}"'


@contextmanager
def simulated(building: Path) -> Iterator[PacedLine]:
    """Starts `metergate simulate` on a building's file; ends it with the block."""
    command = [sys.executable, "-c", "from gateway.cli.main import main; main()", "simulate", str(building)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            told = json.loads(process.stdout.readline() if process.stdout else "")
            yield PacedLine(told["endpoint"], tuple(meter["serial"] for meter in told["meters"]))
        finally:
            process.terminate()


async def read_all(paced: PacedLine, rounds: Rounds, folder: Path) -> None:
    """All rounds, one more before them, as the gateway reads them."""
    line = LineSettings("riser", SerialPort(paced.device), baudrate=SPEED, serial_close_delay=0)
    meters = _meters(line, paced.serials)
    telemetry = Telemetry()
    async with Journal.open(folder) as journal:

        async def stored(record: Record, memory: MeterMemory | None) -> None:
            await journal.append(record, memory)
            rounds.count(record)

        catalog = Catalog.collect(allow=())
        visitor = Visitor("bench", line, ZoneInfo("UTC"), catalog, {}, telemetry.line(line.alias), _now)
        schedule = Schedule(meters, trio.current_time(), rounds=ROUNDS + 1)
        await Bus(visitor, schedule, stored, _refuse, telemetry, ROUNDS + 1).serve()


def _meters(line: LineSettings, serials: Sequence[str]) -> list[MeterSettings]:
    """One slot follows the other without a pause."""
    return [
        MeterSettings(f"flat{n}", line.alias, serial, t2=T2_MS, poll_delay_ms=QUIET_MS, scan_rate_ms=1)
        for n, serial in enumerate(serials)
    ]


def _now() -> datetime:
    return datetime.now(UTC)


def _refuse(finding: Finding) -> None:
    """A visit that failed would not be one of a good round."""
    raise RuntimeError(finding)
