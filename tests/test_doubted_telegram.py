"""A pushed telegram that is doubted waits for the next one, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, field

from gateway.catalog import Catalog
from gateway.errors import Finding
from gateway.figures import LineFigures
from gateway.line.base import Line
from gateway.listen import Listener
from gateway.memory import MeterMemory
from gateway.protocol.check import CheckKind
from gateway.protocol.messages import Identification
from gateway.protocol.pushed import PushedTelegram, encode_pushed
from gateway.reading import Event, EventKind, Quality, Readout, Record
from gateway.simulator import MemoryLine, SimulatedBus
from gateway.site.model import LineSettings, MeterSettings, Push, SerialPort
from gateway.telemetry import Telemetry
from gateway.visit import Visitor

START = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
SPEED = 115_200
METER = MeterSettings("home", "home", "41770326", scan_rate_ms=60_000)
ANYONE = MeterSettings("home", "home", "", scan_rate_ms=60_000)
USUAL, ZERO = "001234.567", "000000.000"

pytestmark = pytest.mark.anyio


def telegram(energy: str, serial: str = "41770326") -> bytes:
    body = f"0-0:96.1.1({serial})\r\n1-0:1.8.0({energy}*kWh)\r\n!\r\n".encode()
    return encode_pushed(PushedTelegram(Identification("XMP", "5", "HAUS"), body, CheckKind.CRC16))


class Pushes(SimulatedBus):
    """A far end that says each telegram at its moment."""

    def __init__(self, said: dict[float, bytes]) -> None:
        super().__init__([])
        self._transmissions += [self._transmission(begin, octets, SPEED) for begin, octets in said.items()]


@define
class Home:
    """One listener, what it stored; `slow` appends of events end only when the gateway does."""

    said: dict[float, bytes]
    meter: MeterSettings = METER
    slow: bool = False
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    memory: MeterMemory = field(factory=MeterMemory)

    async def append(self, record: Record, memory: MeterMemory | None) -> None:
        self.records.append(record)
        assert (memory is None) is isinstance(record, Event)
        await trio.sleep(3600 if self.slow and isinstance(record, Event) else 0)

    async def listen(self, seconds: float = 3600, rounds: int | None = None) -> None:
        line = MemoryLine(Pushes(self.said), speed=SPEED, makes_parity=False)

        @asynccontextmanager
        async def opener(_: LineSettings) -> AsyncIterator[Line]:
            yield line

        settings = LineSettings("home", SerialPort("/dev/ttyS9"), baudrate=SPEED, push=Push.P1)
        memories = {"home": self.memory}
        visitor = Visitor("g", settings, ZoneInfo("UTC"), Catalog.collect(), memories, LineFigures(), now)
        listener = Listener(
            visitor, [self.meter], self.append, self.findings.append, Telemetry(), rounds, opener=opener
        )
        with trio.move_on_after(seconds):
            await listener.serve()

    @property
    def energies(self) -> list[tuple[str, Quality]]:
        return [(one.readings[-1].raw[:10], one.quality) for one in self.records if isinstance(one, Readout)]


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


async def test_a_telegram_that_the_next_one_contradicts_is_dismissed() -> None:
    home = Home({1.0: telegram(USUAL), 58.0: telegram(ZERO), 68.0: telegram(USUAL)})
    await home.listen(rounds=2)
    assert home.energies == [(USUAL, Quality.GOOD)] * 2
    last = home.records[-1]
    assert isinstance(last, Readout)
    assert last.read_at - START > timedelta(seconds=68)
    assert "was dismissed" in (last.reason or "")


async def test_a_telegram_that_the_next_one_bears_out_is_stored_once() -> None:
    home = Home({1.0: telegram(USUAL), 58.0: telegram(ZERO), 68.0: telegram(ZERO), 100.0: telegram(USUAL)})
    await home.listen(rounds=3)
    assert home.energies == [(USUAL, Quality.GOOD), (ZERO, Quality.SUSPECT), (USUAL, Quality.GOOD)]


async def test_a_slot_that_ends_without_a_second_telegram_stores_the_first_as_suspect() -> None:
    home = Home({1.0: telegram(USUAL), 58.0: telegram(ZERO)})
    await home.listen(rounds=2)
    assert home.energies == [(USUAL, Quality.GOOD), (ZERO, Quality.SUSPECT)]
    last = home.records[-1]
    assert isinstance(last, Readout)
    assert "no other telegram came" in (last.reason or "")
    assert last.visit.duration_ms >= 15_000


async def test_a_shutdown_loses_no_doubted_telegram() -> None:
    home = Home({1.0: telegram(USUAL), 58.0: telegram(ZERO)})
    await home.listen(62)
    assert home.energies == [(USUAL, Quality.GOOD), (ZERO, Quality.SUSPECT)]


@pytest.mark.parametrize("slow", [False, True], ids=["", "cancelled"])
async def test_what_has_happened_is_appended_before_the_telegram_that_showed_it(slow: bool) -> None:  # noqa: FBT001
    another = telegram("000003.100", "41770327")
    home = Home({1.0: telegram(USUAL), 58.0: another, 68.0: another}, ANYONE, slow)
    await home.listen(90)
    assert [type(record) for record in home.records] == [Readout, Event, Readout]
    event = home.records[1]
    assert isinstance(event, Event)
    assert event.kind is EventKind.METER_SWAPPED
    assert home.energies == [(USUAL, Quality.GOOD), ("000003.100", Quality.GOOD)]


async def test_a_telegram_of_another_meter_leaves_a_doubted_one_suspect() -> None:
    home = Home({1.0: telegram(USUAL), 58.0: telegram(ZERO), 68.0: telegram(USUAL, "41770327")})
    await home.listen(rounds=2)
    assert home.energies == [(USUAL, Quality.GOOD), (ZERO, Quality.SUSPECT)]
