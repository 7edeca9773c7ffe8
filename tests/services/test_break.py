"""A programming session told to end at a random instant: the meter is always freed."""

import os
import random
import signal
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import trio
from attrs import define, field

from gateway.protocol.characters import Mode
from gateway.protocol.law import State
from gateway.reading import Access
from gateway.simulator import (
    Nameplate,
    PtyPort,
    SimulatedBus,
    SimulatedLine,
    SimulatedMeter,
    SimulatedPassword,
    SimulatedProgramming,
    StillRegister,
    WireForm,
    open_port,
)
from tests.services.processes import ENVIRONMENT, METERGATE, PATIENCE

pytestmark = [pytest.mark.services, pytest.mark.anyio, pytest.mark.real_time]

SIGNALS = 200
LINES = 4  # so many processes at a time
LIMIT = 3.0  # seconds from the signal to the end of the process, as docs/operate.md says
TIME_SCALE = 5.0  # divides every time of the wire
SERIAL = "41770326"
START = datetime(2026, 10, 26, 12, 0)  # noqa: DTZ001 - a meter's local time
# Octets in which one session goes past the password and all partial blocks of two days.
SESSION_OCTETS = 3000
PROGRAMMING = frozenset({State.ENTRY, State.PROGRAMMING, State.READ, State.PENDING})
ENVIRONMENT_OF_METER = {**ENVIRONMENT, "METER": "24681357"}


def plate() -> Nameplate:
    programming = SimulatedProgramming(
        START, operand="serial", passwords={Access.LOW: SimulatedPassword("24681357")}, reads=Access.LOW, part_lines=12
    )
    return Nameplate(SERIAL, Mode.C, "XMp", "VERBA-3.1", (StillRegister("0.0.0", SERIAL),), programming=programming)


@define(eq=False)
class Trigger:
    """Fires in the middle of a programming session, after so many octets of the meter in it."""

    meter: SimulatedMeter
    octets: int = SESSION_OCTETS
    fired: trio.Event = field(factory=trio.Event)
    seen: int = 0

    def count(self, octets: int) -> None:
        self.seen += octets if self.meter.state in PROGRAMMING else 0
        if self.seen >= self.octets:
            self.fired.set()


class CountedBus(SimulatedBus):
    """A bus whose octets fire a trigger."""

    trigger: Trigger

    @property
    def is_speaking(self) -> bool:
        """The meter is in the middle of a message."""
        return bool(self._transmissions)

    def take(self, now: float, speed: int) -> bytes:
        octets = super().take(now, speed)
        self.trigger.count(len(octets))
        return octets


@define
class Count:
    mid_message: int = 0
    freed: int = 0
    longest: float = 0.0


def write_site(folder: Path, device: str) -> Path:
    profiles = folder / "profiles"
    profiles.mkdir(parents=True)
    path = folder / "site.toml"
    path.write_text(
        f'[gateway]\ntimezone = "Europe/Vilnius"\ndata_dir = "{folder}/state"\nlog_level = "warn"\n'
        f'profiles = "{profiles}"\n'
        f'[[line]]\nalias = "riser"\ndevice = "{device}"\ntime_scale = {TIME_SCALE}\nserial_close_delay = 0\n'
        f'[[meter]]\ndevice_alias = "flat01"\nline = "riser"\nserialnumber = "{SERIAL}"\nmeter_model = "verba"\n'
        'password = "env:METER"\n'
    )
    (profiles / "verba.toml").write_text(
        'id = "verba"\nversion = 1\ntitle = "Verba"\nmaker = "XMP"\nidentification = "/XMp5VERBA"\n'
        'differs = "Reading wants the password."\n'
        '[programming]\nread = "R5"\nread_parts = "R6"\nwrite = "W5"\nreads = "low"\nlines_a_block = 12\n'
        '[[programming.series]]\naddress = "P.01"\nkind = "load-profile"\ntitle = "load profile"\naccess = "low"\n'
        '[[example]]\nidentification = "/XMp5VERBA-3.1"\nblock = "1.8.0(1*kWh)\\n!\\n"\n'
        'readings = [{ address = "1.8.0", value = "1", unit = "kWh" }]\n'
    )
    return path


def reading(site: Path) -> Sequence[str]:
    span = ("--from", "2026-10-24T00:00", "--to", "2026-10-26T00:00")
    return METERGATE, "profile-data", "flat01", "--config", str(site), *span


async def one_signal(bus: CountedBus, site: Path, chance: random.Random, count: Count) -> None:
    """Starts a session, ends it at a random instant, looks at the meter."""
    meter = bus.meters[0]
    bus.trigger = trigger = Trigger(meter, chance.randrange(1, SESSION_OCTETS))
    before = meter.breaks_heard
    with (site.parent / "messages").open("w") as messages:
        process = await trio.lowlevel.open_process(
            reading(site), stdout=subprocess.DEVNULL, stderr=messages, env=ENVIRONMENT_OF_METER
        )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_with, process, trigger.fired)
        with trio.fail_after(PATIENCE):
            await trigger.fired.wait()
        assert process.poll() is None, (site.parent / "messages").read_text()
        count.mid_message += bus.is_speaking
        os.kill(process.pid, signal.SIGTERM)
        begin = trio.current_time()
    count.longest = max(count.longest, trio.current_time() - begin)
    assert process.returncode == 0
    assert meter.state is State.IDLE
    count.freed += meter.breaks_heard > before


async def _end_with(process: trio.Process, ended: trio.Event) -> None:
    with trio.fail_after(PATIENCE):
        await process.wait()
    ended.set()


async def many_signals(folder: Path, seed: int, count: Count) -> None:
    line = SimulatedLine(PtyPort(), (plate(),), 300, WireForm.PARITY, TIME_SCALE)
    port = await open_port(line)
    bus = CountedBus(line.bus().meters, time_scale=TIME_SCALE)
    bus.trigger = Trigger(bus.meters[0])
    site, chance = write_site(folder, port.endpoint), random.Random(seed)  # noqa: S311 - repeatable on purpose
    async with trio.open_nursery() as nursery:
        nursery.start_soon(port.serve, bus)
        for _ in range(SIGNALS // LINES):
            await one_signal(bus, site, chance, count)
        nursery.cancel_scope.cancel()
    await port.aclose()


async def test_s6_h9_two_hundred_sessions_told_to_end_leave_no_meter_in_programming_mode(tmp_path: Path) -> None:
    count = Count()
    async with trio.open_nursery() as nursery:
        for n in range(LINES):
            nursery.start_soon(many_signals, tmp_path / str(n), 20261122 + n, count)
    assert count.freed == SIGNALS, "each meter heard a break"
    assert count.mid_message >= 0.3 * SIGNALS
    assert count.longest < LIMIT
