"""Readouts a second of one core of the gateway, over many TCP endpoints with one meter each.

The far ends answer at once, in a process of their own. The gateway's own bus, visit, dialogue, line run here with
poll_delay_ms = 0, with time_scale = TIME_SCALE so that no time of the wire is waited out: only processor time counts.
A readout is all of a visit: sign-on, option select, checks, choice of the profile, readings; with the journal on also
its durable commit. Connecting is left out, as is the first lap, in which layouts are learned.
A figure is the median of the laps.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import trio
from attrs import define, evolve, field

from benchmarks.far_end import HOST, SECONDS_BETWEEN_BLOCKS, START, FarMeter, far_meters
from benchmarks.limits import allow_open_files
from benchmarks.table import Figure
from gateway.bus import Append, Bus
from gateway.catalog import Catalog
from gateway.errors import Finding
from gateway.journal import Journal
from gateway.memory import MeterMemory
from gateway.reading import Readout, Record
from gateway.schedule import Schedule
from gateway.site.model import LineSettings, MeterSettings, TcpEndpoint
from gateway.telemetry import Telemetry
from gateway.visit import Visitor

TIME_SCALE = 1000
TIMEOUT_MS = 20_000 * TIME_SCALE  # nothing is lost here, yet a thousand endpoints wait for each other
SCAN_RATE_MS = TIME_SCALE  # due times are a millisecond apart, all long past when they are seen to
SECONDS_TO_CONNECT = 0.004  # an endpoint: nothing is due before all are connected
SPEED = 9600
LAPS = 5
# Rounds a lap, so that all laps are of equal length.
ROUNDS_A_LAP = {100: 10, 1000: 1}
GOALS = {100: 10_000.0}
# Reads by what is given to it, with records going somewhere.
Run = Callable[[Callable[[Append], Awaitable[None]]], Awaitable[None]]


@define
class Laps:
    """Processor time of this process in seconds, lap after lap of `readouts` each; `octets` of the last data block."""

    readouts: int
    times: list[float] = field(factory=list)
    octets: int = 0
    _ended: int = field(init=False, default=0)
    _begin: float = field(init=False, default=0.0)

    def count(self, record: Record) -> None:
        """One more visit is over; one that failed or read twice is not what is measured."""
        if not isinstance(record, Readout) or record.grounds is None or record.grounds.confirming:
            raise TypeError(record.visit)
        self._ended += 1
        if self._ended % self.readouts == 0:
            now = time.process_time()
            self.times.append(now - self._begin)
            self._begin, self.octets = now, len(record.block)

    def seconds(self) -> float:
        """Processor time of one readout; the first lap learns, in the last one endpoints end one by one."""
        return median(self.times[1:-1]) / self.readouts


def figures() -> Iterable[Figure]:
    """Both numbers of endpoints, each without the journal first."""
    catalog = Catalog.collect(allow=())
    for endpoints, rounds in ROUNDS_A_LAP.items():
        allow_open_files(endpoints)
        for has_journal in (False, True):
            laps = laps_of(endpoints, rounds, catalog, journalled if has_journal else unjournalled)
            yield _figure(endpoints, laps, has_journal=has_journal)


def laps_of(endpoints: int, rounds: int, catalog: Catalog, run: Run) -> Laps:
    """Reads so many meters all laps long, each lap so many times."""
    laps = Laps(rounds * endpoints)
    with far_meters(endpoints, (LAPS + 2) * rounds) as meters:
        trio.run(run, partial(read_all, meters, catalog, laps))
    return laps


def _figure(endpoints: int, laps: Laps, *, has_journal: bool) -> Figure:
    name = f"gateway: readouts a core, {endpoints:,} TCP endpoints, journal {'on' if has_journal else 'off'}"
    remark = f"{laps.seconds() * 1e6:,.0f} µs each, {laps.octets} octets, poll_delay_ms 0, time_scale {TIME_SCALE:,}"
    goal = None if has_journal else GOALS.get(endpoints)
    return Figure(name, 1 / laps.seconds(), "/s", goal, remark=remark)


@define
class Calendar:
    """The wall time of one meter's bus: it goes on with the meter's blocks, so that its clock is never wrong."""

    _append: Append
    _visits: int = 0

    def now(self) -> datetime:
        """The time of the next visit."""
        return START.replace(tzinfo=UTC) + timedelta(seconds=self._visits * SECONDS_BETWEEN_BLOCKS)

    async def append(self, record: Record, memory: MeterMemory | None) -> None:
        """Stores what a visit came to; the next one is later by this time alone, as after a restart."""
        await self._append(record, memory)
        self._visits += 1
        if memory is not None and memory.experience.accepted is not None:
            memory.experience.accepted = evolve(memory.experience.accepted, heard_at=None)


async def unjournalled(read: Callable[[Append], Awaitable[None]]) -> None:
    """Reads; records go nowhere."""
    await read(_stored_nowhere)


async def journalled(read: Callable[[Append], Awaitable[None]]) -> None:
    """Reads into a journal of its own."""
    with TemporaryDirectory() as folder:
        async with Journal.open(Path(folder)) as journal:
            await read(journal.append)


async def read_all(meters: Sequence[FarMeter], catalog: Catalog, laps: Laps, append: Append) -> None:
    """All laps, with one more before and after them."""
    rounds = (LAPS + 2) * laps.readouts // len(meters)

    async def stored(record: Record, memory: MeterMemory | None) -> None:
        await append(record, memory)
        laps.count(record)

    begin = trio.current_time() + SECONDS_TO_CONNECT * len(meters)
    async with trio.open_nursery() as nursery:
        for number, meter in enumerate(meters):
            nursery.start_soon(bus_of(number, meter, catalog, begin, rounds, stored).serve)


def bus_of(number: int, far: FarMeter, catalog: Catalog, begin: float, rounds: int, append: Append) -> Bus:
    """The bus of one endpoint, whose slots are due from `begin` on."""
    line = LineSettings(
        f"line-{number}",
        TcpEndpoint(HOST, far.port),
        baudrate=SPEED,
        serial_close_delay=0,
        time_scale=TIME_SCALE,
    )
    meter = MeterSettings(
        f"meter-{number}",
        line.alias,
        far.serial,
        poll_delay_ms=0,
        scan_rate_ms=SCAN_RATE_MS,
        timeout_ms=TIMEOUT_MS,
    )
    telemetry = Telemetry()
    calendar = Calendar(append)
    visitor = Visitor("bench", line, ZoneInfo("UTC"), catalog, {}, telemetry.line(line.alias), calendar.now)
    schedule = Schedule([meter], begin, rounds=rounds, scale=TIME_SCALE)
    return Bus(visitor, schedule, calendar.append, _refuse, telemetry, rounds)


def _refuse(finding: Finding) -> None:
    """A visit that failed would count as a quick one."""
    raise RuntimeError(finding)


async def _stored_nowhere(record: Record, memory: MeterMemory | None) -> None:
    del record, memory
    await trio.lowlevel.checkpoint()
