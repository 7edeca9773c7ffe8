"""The gateway killed again and again with a wrong password, or in programming mode: what its meter sees of it."""

import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field

from gateway.protocol.characters import without_parity
from gateway.simulator import PtyPort, SimulatedBus, SimulatedLine, SimulatedMeter, WireForm, open_port
from tests.services.processes import ENVIRONMENT, PATIENCE
from tests.services.test_break import ENVIRONMENT_OF_METER, PROGRAMMING, TIME_SCALE, plate, reading, write_site

pytestmark = [pytest.mark.services, pytest.mark.anyio, pytest.mark.real_time]

RESTARTS = 50
FREED_WITHIN = 5.0  # seconds from the restart to the break
WRONG = {**ENVIRONMENT, "METER": "11111111"}
# What a reader says from the sign-on to the end of a wrong password.
SAID_OCTETS = 35
ANSWER_S = 0.1  # seconds within which the meter's answer comes
BREAK = b"\x01B0\x03q"


class HeardBus(SimulatedBus):
    """A bus that keeps what it hears, with its speed, and fires once so many octets more were heard, breaks aside."""

    heard: list[tuple[bytes, int]]
    left: int
    fired: trio.Event

    def wait_for(self, octets: int) -> None:
        self.heard, self.left, self.fired = [], octets, trio.Event()

    def hear(self, octets: bytes, begin: float, speed: int) -> None:
        super().hear(octets, begin, speed)
        self.heard.append((without_parity(octets), speed))
        self.left -= 0 if without_parity(octets) == BREAK else len(octets)
        if self.left <= 0:
            self.fired.set()


@define
class Scene:
    """One meter on a pseudo-terminal, with the site file of its gateway, whose jobs are processes."""

    site: Path
    bus: HeardBus
    meter: SimulatedMeter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.meter = self.bus.meters[0]

    @asynccontextmanager
    async def job(self, environment: Mapping[str, str]) -> AsyncIterator[trio.Process]:
        """A visit that says the password; it is killed at the end of the block, unless it has ended before."""
        with (self.site.parent / "messages").open("w") as messages:
            process = await trio.lowlevel.open_process(
                reading(self.site), stdout=subprocess.DEVNULL, stderr=messages, env=dict(environment)
            )
        try:
            yield process
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()

    async def killed(self, octets: int, pause: float) -> bool:
        """A visit with a wrong password, killed so long after so many octets of it; False: it ended before."""
        self.bus.wait_for(octets)
        async with self.job(WRONG) as process:
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_after, process, nursery.cancel_scope)
                    await self.bus.fired.wait()
                    await trio.sleep(pause)
                    nursery.cancel_scope.cancel()
            return process.poll() is None

    def messages(self) -> str:
        return (self.site.parent / "messages").read_text()


async def _cancel_after(process: trio.Process, scope: trio.CancelScope) -> None:
    await process.wait()
    scope.cancel()


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    line = SimulatedLine(PtyPort(), (plate(),), 300, WireForm.PARITY, TIME_SCALE)
    port = await open_port(line)
    bus = HeardBus(line.bus().meters, time_scale=TIME_SCALE)
    bus.wait_for(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(port.serve, bus)
        yield Scene(write_site(folder, port.endpoint), bus)
        nursery.cancel_scope.cancel()
    await port.aclose()


async def test_s9_h11_killed_at_fifty_instants_a_wrong_password_is_sent_once(tmp_path: Path) -> None:
    chance = random.Random(20261123)  # noqa: S311 - repeatable on purpose
    in_session = said = 0
    async with scene(tmp_path) as one:
        wrong_before = 0
        for _ in range(RESTARTS):
            # Every other one has the password out and waits for what the meter makes of it.
            octets = chance.choice((chance.randint(1, SAID_OCTETS), SAID_OCTETS))
            was_killed = await one.killed(octets, chance.uniform(0, ANSWER_S))
            in_session += was_killed
            assert one.meter.wrong_passwords - wrong_before <= 1
            if not was_killed and "E-ACC-1" in one.messages():
                # Latched: from here on no octet is sent, so that a gateway begins which knows nothing.
                shutil.rmtree(tmp_path / "state")
                said, wrong_before = said + 1, one.meter.wrong_passwords
    assert in_session >= 0.3 * RESTARTS
    assert said >= 3, "it was latched, as often as a gateway began anew"


async def test_s5_killed_in_programming_mode_the_restarted_gateway_frees_the_meter_first(tmp_path: Path) -> None:
    async with scene(tmp_path) as one:
        one.bus.wait_for(SAID_OCTETS)
        async with one.job(ENVIRONMENT_OF_METER):
            with trio.fail_after(PATIENCE):
                await one.bus.fired.wait()
            assert one.meter.state in PROGRAMMING
        assert one.meter.state in PROGRAMMING
        one.bus.wait_for(0)
        async with one.job(ENVIRONMENT_OF_METER):
            with trio.fail_after(FREED_WITHIN):
                await one.bus.fired.wait()
            assert one.bus.heard[0] == (BREAK, 9600)
            assert one.meter.breaks_heard == 1
