"""Processes of the command line, with what they print."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attrs import frozen

ROOT = Path(__file__).parents[2]
METERGATE = str(Path(sys.executable).with_name("metergate"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
PATIENCE = 60.0  # seconds after which what was waited for will never come

Row = dict[str, Any]  # JSON as it came
Value = tuple[str, str | None, str | None, str]


class Running:
    """A process under way, whose lines of text can be waited for; made by `running`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[str] = []
        self._printed = self._collected(process.stdout, [])
        self._messages = self._collected(process.stderr, self.told)

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        """The next line of standard output; AssertionError when none comes."""
        line = self._printed.get(timeout=PATIENCE)
        assert line is not None, f"the process ended: {self.told}"
        return line

    def wait_for(self, pattern: str) -> str:
        """The next message on standard error in which the pattern is found."""
        while (line := self._messages.get(timeout=PATIENCE)) is not None:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"{pattern} was never told: {self.told}")

    def end(self, number: signal.Signals = signal.SIGTERM, limit: float = PATIENCE) -> int:
        """Sends a signal; gives the exit code, or raises TimeoutExpired."""
        self.process.send_signal(number)
        return self.process.wait(limit)

    def messages(self) -> str:
        """All that an ended process has told on standard error."""
        while self._messages.get(timeout=PATIENCE) is not None:
            pass
        return "\n".join(self.told)

    def _collected(self, stream: IO[str] | None, kept: list[str]) -> "queue.SimpleQueue[str | None]":
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert stream is not None

        def collect() -> None:
            for line in stream:
                kept.append(line.rstrip("\n"))
                lines.put(kept[-1])
            lines.put(None)

        threading.Thread(target=collect, daemon=True).start()
        return lines


@contextmanager
def running(*command: str | Path) -> Iterator[Running]:
    """A command for the length of the block; it is ended at its end, if need be by force."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    with process:
        try:
            yield Running(process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def metergate(
    *arguments: str | Path, limit: float = PATIENCE, through: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself, started `through` another one."""
    command = [*through, METERGATE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=limit, check=False)


def rows(*arguments: str | Path, through: Sequence[str] = ()) -> list[Row]:
    """What a verb prints, which must succeed: one row a line."""
    done = metergate(*arguments, "--format", "jsonl", through=through)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@frozen
class TrueMeter:
    """A simulated meter: its serial number, its mode, what it prints as (address, value, unit, raw)."""

    serial: str
    mode: str
    values: tuple[Value, ...]


@frozen
class TrueLine:
    """A simulated line as its simulator prints it."""

    endpoint: str
    baudrate: int
    meters: tuple[TrueMeter, ...]

    @classmethod
    def from_text(cls, text: str) -> "TrueLine":
        truth: Row = json.loads(text)
        meters = (
            TrueMeter(meter["serial"], meter["mode"], tuple(value_of(row) for row in meter["values"]))
            for meter in truth["meters"]
        )
        return cls(truth["endpoint"], truth["baudrate"], tuple(meters))

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of a TCP line."""
        host, _, port = self.endpoint.removeprefix("tcp://").partition(":")
        return host, int(port)


def value_of(row: Row) -> Value:
    """What a row of ground truth, of `read` or of `readings` says about a register."""
    return row["address"], row["value"], row["unit"], row["raw"]


@contextmanager
def simulated(*lines: str, meters: int = 8, options: Sequence[str] = ()) -> Iterator[tuple[TrueLine, ...]]:
    """Simulated lines for the length of the block: `pty` or `tcp:PORT` each."""
    ports = [word for line in lines for word in ("--line", line)]
    with running(METERGATE, "simulate", "--meters", str(meters), *ports, *options) as process:
        yield tuple(TrueLine.from_text(process.line()) for _ in lines)


@contextmanager
def gateway(site: Path) -> Iterator[Running]:
    """`metergate run` for the length of the block."""
    with running(METERGATE, "run", site) as process:
        yield process


def write_site(
    folder: Path,
    lines: Mapping[str, TrueLine],
    *,
    time_scale: float = 1.0,
    meter: Mapping[str, object] | None = None,
    sink: Path | None = None,
    data_dir: Path | None = None,
) -> Path:
    """The site file that an engineer would write for simulated lines, named by alias; `meter` holds further keys."""
    text = [f'[gateway]\nname = "services"\nlog_level = "warn"\ndata_dir = "{data_dir or folder / "state"}"']
    if sink is not None:
        text.append(f'[[sink]]\nname = "file"\ntype = "jsonl"\npath = "{sink}"')
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in (meter or {}).items())
    for alias, line in lines.items():
        text.append(f'[[line]]\nalias = "{alias}"\nbaudrate = {line.baudrate}\ntime_scale = {time_scale}')
        text.append(_far_end(line))
        text += [
            f'[[meter]]\ndevice_alias = "{alias}-{one.serial}"\nline = "{alias}"\nserialnumber = "{one.serial}"\n{keys}'
            for one in line.meters
        ]
    path = folder / "site.toml"
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def _far_end(line: TrueLine) -> str:
    if not line.endpoint.startswith("tcp://"):
        return f'device = "{line.endpoint}"'
    host, port = line.address
    return f'ip = "{host}"\nport = {port}'
