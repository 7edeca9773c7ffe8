"""The npm package smartmeter-obis in a node process of its own, which tells its own processor time."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks.contest import Absent

PACKAGE, VERSION = "smartmeter-obis", "4.0.0"
SECONDS_TO_INSTALL = 180
_SCRIPT = Path(__file__).with_name("node_peer.js")


@frozen
class NodeProcess:
    """A contestant that reads in node; what it is told and tells are lines of text."""

    process: subprocess.Popen[str]

    def seconds(self, repeats: int) -> float:
        """Processor time of node's process, its compiler and collector included."""
        if self.process.stdin is None or self.process.stdout is None:
            raise TypeError(self.process)
        self.process.stdin.write(f"{repeats}\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline()
        if not told:
            raise RuntimeError("node ended; its own message stands above")
        return float(told)


@contextmanager
def node_peer(messages: Sequence[bytes]) -> Iterator[NodeProcess | Absent]:
    """Starts node with these messages, ends it with the block."""
    home = installed()
    if isinstance(home, Absent):
        yield home
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "messages.json"
        file.write_text(json.dumps([message.decode("latin-1") for message in messages]))
        command = ["node", str(_SCRIPT), str(home), str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                yield NodeProcess(process)
            finally:
                process.kill()


@cache
def installed() -> Path | Absent:
    """Where the package is, installed into the user's cache when it is not there yet; else why not."""
    missing = [program for program in ("node", "npm") if which(program) is None]
    if missing:
        return Absent(f"not measured: no {' and no '.join(missing)} on this machine")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = caches / "metergate" / f"{PACKAGE}-{VERSION}"
    if (home / "node_modules" / PACKAGE / "package.json").exists():
        return home
    home.mkdir(parents=True, exist_ok=True)
    # Its parser is plain JavaScript; the scripts would build a serial port driver.
    quiet = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = ["npm", "install", *quiet, "--prefix", str(home), f"{PACKAGE}@{VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_TO_INSTALL)  # noqa: S603 - our own words
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return Absent(f"not measured: npm could not install {PACKAGE} {VERSION}")
    return home
