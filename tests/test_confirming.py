"""The confirming read of a slot, from the line to what is stored, in virtual time."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, evolve, field

from gateway.bus import Bus
from gateway.catalog import Catalog
from gateway.errors import Cause, Finding
from gateway.figures import LineFigures, Step
from gateway.memory import MeterMemory
from gateway.protocol.characters import Mode, without_parity
from gateway.reading import Event, EventKind, Gap, Quality, Readout, Record
from gateway.schedule import Fate, Schedule, Slot
from gateway.simulator import Fault, MemoryLine, Nameplate, SimulatedBus, SimulatedMeter, StillRegister
from gateway.site.model import LineSettings, MeterSettings, SerialPort
from gateway.telemetry import Telemetry
from gateway.visit import Ended, Visitor

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
LINE = LineSettings("riser-a", SerialPort("/dev/ttyS9"))
METER = MeterSettings("flat01", "riser-a", "41770326")
CATALOG = Catalog.collect()

pytestmark = pytest.mark.anyio


def plate(energy: str = "0012345.678", serial: str = "41770326", **traits: object) -> Nameplate:
    registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", f"{energy}*kWh"))
    return evolve(Nameplate("41770326", Mode.C, "XMP", "VERBA-3.1", registers), **traits)  # type: ignore[arg-type]


USUAL = plate()
# Two bits of one column, each in an octet of its own with its parity bit: neither parity nor the check shows it.
FLIPPED = plate("0052305.678")
ZERO = plate("0000000.000")
SILENT = plate(faults={Fault.SILENT: 1.0})
BAD_CHECK = plate(faults={Fault.BAD_CHECK: 1.0})
ANOTHER = plate(serial="41770327")


class Succession(MemoryLine):
    """A line on which the meter is another one from each sign-on to the next."""

    sign_on: ClassVar[bytes] = b"/?41770326!\r\n"

    def __init__(self, *plates: Nameplate) -> None:
        self.plates = list(plates)
        super().__init__(SimulatedBus([SimulatedMeter(plates[0])]))

    async def send(self, data: bytes) -> None:
        if self.sign_on in without_parity(data) and self.plates:
            self._bus = SimulatedBus([SimulatedMeter(self.plates.pop(0))])
        await super().send(data)

    @property
    def sign_ons(self) -> int:
        return sum(self.sign_on in without_parity(octets) for _, octets, _ in self.sent)


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


def visitor() -> Visitor:
    return Visitor("block-12", LINE, ZoneInfo("UTC"), CATALOG, dict[str, MeterMemory](), LineFigures(), now)


async def visited(*plates: Nameplate) -> tuple[Ended, Succession, Visitor]:
    """The visit after one that was good."""
    line, by = Succession(USUAL, *plates), visitor()
    await by.visit(line, Slot(METER, 0.0, Fate.VISIT, 3), now(), 0)
    assert line.sign_ons == 1
    await trio.sleep(900)
    return await by.visit(line, Slot(METER, 900.0, Fate.VISIT, 3), now(), 1), line, by


def readout(ended: Ended) -> Readout:
    assert isinstance(ended.record, Readout), ended.record
    return ended.record


def energy(ended: Ended) -> tuple[str, Quality]:
    one = readout(ended).readings[-1]
    return one.raw, one.quality


def confirming(ended: Ended) -> str:
    grounds = readout(ended).grounds
    assert grounds is not None
    return grounds.confirming


@pytest.mark.parametrize("damaged", [FLIPPED, ZERO], ids=["flipped-bits", "zeros"])
async def test_what_one_read_alone_shows_is_read_again_in_the_same_slot_then_dismissed(damaged: Nameplate) -> None:
    ended, line, _ = await visited(damaged, USUAL)
    assert line.sign_ons == 3
    assert energy(ended) == ("0012345.678*kWh", Quality.GOOD)
    assert (confirming(ended), readout(ended).visit.attempt, ended.events) == ("replaced", 1, ())
    assert "was dismissed" in (readout(ended).reason or "")
    assert [step for step, _ in ended.steps].count(Step.SIGN_ON) == 2


async def test_d11_zeros_that_both_reads_show_are_stored_suspect_with_their_block() -> None:
    ended, line, by = await visited(ZERO, ZERO)
    assert line.sign_ons == 3
    assert energy(ended) == ("0000000.000*kWh", Quality.SUSPECT)
    assert confirming(ended) == "agreed"
    assert "zero glitch" in (readout(ended).readings[-1].reason or "")
    assert readout(ended).block == ZERO.block()
    accepted = by.memory(METER).experience.accepted
    assert accepted is not None
    assert accepted.body == USUAL.block()


@pytest.mark.parametrize("failing", [SILENT, BAD_CHECK], ids=["silent", "damaged"])
async def test_a_confirming_read_that_fails_leaves_the_first_suspect(failing: Nameplate) -> None:
    ended, _, by = await visited(ZERO, failing)
    assert energy(ended) == ("0000000.000*kWh", Quality.SUSPECT)
    assert confirming(ended) == "failed"
    assert {one.quality for one in readout(ended).readings} == {Quality.SUSPECT}
    accepted = by.memory(METER).experience.accepted
    assert accepted is not None
    assert accepted.body == USUAL.block()


async def test_s2_another_meter_that_answers_to_the_confirming_read_leaves_nothing_good() -> None:
    ended, line, by = await visited(FLIPPED, ANOTHER)
    assert line.sign_ons == 3
    assert {one.quality for one in readout(ended).readings} == {Quality.SUSPECT}
    assert readout(ended).readings[0].raw == "41770326"
    assert "answered 41770327" in (readout(ended).reason or "")
    assert by.memory(METER).experience.identity == "41770326"


async def test_s2_another_meter_that_answers_first_ends_the_visit() -> None:
    ended, line, _ = await visited(ANOTHER, USUAL)
    assert isinstance(ended.record, Gap)
    assert (ended.record.cause, line.sign_ons) == (Cause.WRONG_METER, 2)


@define
class Riser:
    """One bus that reads one meter each minute; `slow` appends end only when the gateway does."""

    line: Succession
    slow: bool = False
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)

    async def append(self, record: Record, memory: MeterMemory | None) -> None:
        self.records.append(record)
        assert (memory is None) is isinstance(record, Event)
        await trio.sleep(3600 if self.slow and isinstance(record, Event) else 0)

    async def serve(self, rounds: int, seconds: float = 3600) -> None:
        schedule = Schedule([evolve(METER, scan_rate_ms=60_000, serialnumber="")], trio.current_time(), rounds=rounds)
        opener = lambda _settings: opened(self.line)  # noqa: E731 - one line
        bus = Bus(visitor(), schedule, self.append, self.findings.append, Telemetry(), rounds, opener)
        with trio.move_on_after(seconds):
            await bus.serve()


def opened(line: Succession) -> "Opened":
    return Opened(line)


@define
class Opened:
    """A line that is open already."""

    line: Succession

    async def __aenter__(self) -> Succession:
        return self.line

    async def __aexit__(self, *_: object) -> None:
        """It stays open."""


class Asked(Succession):
    """Whoever is there is asked."""

    sign_on = b"/?!\r\n"


@pytest.mark.parametrize("slow", [False, True], ids=["", "cancelled"])
async def test_what_has_happened_is_appended_before_the_readout_that_showed_it(slow: bool) -> None:  # noqa: FBT001
    riser = Riser(Asked(USUAL, ANOTHER, ANOTHER), slow)
    await riser.serve(2, 100)
    assert [type(record) for record in riser.records] == [Readout, Event, Readout]
    first, event, last = riser.records
    assert isinstance(event, Event)
    assert isinstance(last, Readout)
    assert (event.kind, event.at) == (EventKind.METER_SWAPPED, last.read_at)
    assert (event.details["end 1.8.0"], event.details["new_identity"]) == ("0012345.678*kWh", "41770327")
    assert isinstance(first, Readout)
