"""A line that is opened again as long as it is needed, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import Finding, LineLost, LineMissing
from gateway.line.base import Line
from gateway.line.reopening import Reopening
from gateway.simulator import MemoryLine, SimulatedBus
from gateway.site.model import LineSettings, SerialPort

pytestmark = pytest.mark.anyio
SETTINGS = LineSettings("riser-a", SerialPort("/dev/ttyS9"))


class Port:
    """A port that is missing so many times, then hangs up whenever it is worked on."""

    def __init__(self, missing: int) -> None:
        self.missing = missing
        self.moments: list[float] = []
        self.failures: list[bool] = []
        self.findings: list[Finding] = []
        self.reopening = Reopening(SETTINGS, self.opened, self.findings.append)

    @asynccontextmanager
    async def opened(self, _: LineSettings) -> AsyncIterator[Line]:
        self.moments.append(anyio.current_time())
        if len(self.moments) <= self.missing:
            raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield MemoryLine(SimulatedBus([]))

    async def failed(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.failures.append(self.reopening.was_opened)


async def test_each_failure_is_followed_by_a_longer_pause() -> None:
    port = Port(8)

    async def work(_: Line) -> None:
        await anyio.lowlevel.checkpoint()

    await port.reopening.serve(lambda: len(port.moments) <= 8, work, port.failed)
    assert [later - earlier for earlier, later in zip(port.moments, port.moments[1:], strict=False)] == [
        *(0.5, 1, 2, 4, 8, 16),
        *(30, 30),
    ]
    assert port.failures == [False] * 8
    assert [str(finding) for finding in port.findings] == ["E-LINE-1 line riser-a: /dev/ttyS9 does not exist"]
    assert (port.reopening.was_down, port.reopening.was_opened) == (True, True)


async def test_a_line_that_has_worked_is_opened_soon_and_told_again() -> None:
    port = Port(0)

    async def work(line: Line) -> None:
        await anyio.lowlevel.checkpoint()
        line.octets_received = 9
        port.reopening.is_sound()
        raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")

    await port.reopening.serve(lambda: len(port.moments) < 4, work, port.failed)
    assert [later - earlier for earlier, later in zip(port.moments, port.moments[1:], strict=False)] == [0.5, 0.5, 0.5]
    assert [finding.code for finding in port.findings] == ["E-LINE-5"] * 4
    assert port.failures == [True] * 4
