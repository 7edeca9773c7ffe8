"""The demo as somebody sees it who has just installed Metergate."""

import json
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.services.processes import ENVIRONMENT, METERGATE, PATIENCE, metergate

pytestmark = pytest.mark.services

STEERING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
CTRL_C = b"\x03"


class Terminal:
    """A terminal of 120 columns with a program in its foreground; made by `on_a_terminal`."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self._end = end
        self._seen = b""

    @property
    def text(self) -> str:
        return STEERING.sub(b"", self._seen).decode(errors="replace")

    def see(self, pattern: str) -> None:
        """Returns when the pattern has been on the screen."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern} did not come: {self.text[-9000:]}"
            assert self._look(), f"the program ended: {self.text[-9000:]}"

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def watch_the_end(self) -> int:
        """The exit code, once nothing more comes."""
        while self._look():
            pass
        return self.process.wait(PATIENCE)

    def _look(self) -> bool:
        assert select.select([self._end], [], [], PATIENCE)[0], f"the screen stands still: {self.text}"
        try:
            octets = os.read(self._end, 65536)
        except OSError:  # the last program has closed the terminal
            return False
        self._seen += octets
        return bool(octets)


@contextmanager
def on_a_terminal(*command: str) -> Iterator[Terminal]:
    """Runs a command as a person does: in a session of its own, whose controlling terminal takes Ctrl-C."""
    end, inner = pty.openpty()
    termios.tcsetwinsize(inner, (60, 120))
    # A session's leader that opens a terminal gets it as its controlling one.
    shell = ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(inner), *command]
    environment = {**ENVIRONMENT, "TERM": "xterm"}
    with subprocess.Popen(shell, start_new_session=True, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            with os.fdopen(end, "rb", buffering=0):
                # The program's own opening must come first: with no end open the screen would look closed.
                terminal = Terminal(process, end)
                terminal.see(".")
                os.close(inner)
                yield terminal
        finally:
            process.kill()


def test_two_rounds_print_a_record_a_good_meter_and_round() -> None:
    done = metergate("demo", "--rounds", "2", "--no-web", "--format", "jsonl", limit=2 * PATIENCE)
    assert done.returncode == 3, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 118
    assert {record["schema"] for record in records} == {"metergate.reading/1"}
    assert sorted(Counter(record["meter"] for record in records).values()) == [2] * 59
    assert "Traceback" not in done.stderr


def names_noisy(line: str, text: str) -> bool:
    """Whether a picture of the table says so below the name of the line."""
    rows = [row for row in re.split(r"[\r\n]+", text) if row]
    return any(
        (column := title.find(f"{line}: ")) >= 0 and re.match(r"noisy: \d+ damaged", remark[column:])
        for title, remark in pairwise(rows)
    )


def test_the_table_fills_and_ctrl_c_ends_it_without_a_traceback() -> None:
    with on_a_terminal(METERGATE, "demo", "--no-web") as terminal:
        for pattern in (
            r"flat01 +\d+\.\d+",
            r"flat\d\d +- +no_answer",
            r"E-READ-1 meter \d+: no answer",
            r"garage: 20 read",
            r"riser-b: 20 read",
        ):
            terminal.see(pattern)
        assert names_noisy("riser-b", terminal.text)
        terminal.type(CTRL_C)
        assert terminal.watch_the_end() == 130
        assert "Traceback" not in terminal.text
        assert "line riser-b: noisy" in terminal.text
