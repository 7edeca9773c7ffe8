"""Meters that answer at once, or for another: what is said of them, what is stored."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, evolve, field

from gateway.bus import Bus
from gateway.catalog import Catalog
from gateway.collision import AGAIN, Collisions, Suspicion
from gateway.damage import LineDamage
from gateway.errors import Finding
from gateway.figures import LineFigures
from gateway.line.base import Line
from gateway.memory import MeterMemory
from gateway.protocol.characters import Mode, flip_parity, with_even_parity, without_parity
from gateway.protocol.messages import DataBlock, encode
from gateway.reading import Event, EventKind, Gap, Readout, Record, Visit
from gateway.schedule import Schedule
from gateway.simulator import Fault, MemoryLine, Nameplate, SimulatedBus, SimulatedMeter, StillRegister
from gateway.site.model import LineSettings, MeterSettings, SerialPort
from gateway.telemetry import Telemetry
from gateway.visit import Visitor

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
REMEMBERED = "/XMP5VERBA-3.1"
FIRST = with_even_parity(b"/XMP5VERBA-3.1\r\n")
SECOND = with_even_parity(b"/XMP5OTTO 77-B\r\n")
BLOCK = encode(DataBlock(b"0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"))
OTHER_BLOCK = encode(DataBlock(b"0.0.0(41770326)\r\n1.8.0(0098761.204*kWh)\r\n!\r\n"))


def wired_and(one: bytes, other: bytes, skew: int = 0) -> bytes:
    """What is heard of two talkers, the second of which begins so many octets later."""
    length = max(len(one), skew + len(other))
    first, second = one.ljust(length, b"\xff"), (b"\xff" * skew + other).ljust(length, b"\xff")
    return bytes(a & b for a, b in zip(first, second, strict=True))


def flipped(octets: bytes, chance: random.Random, flips: int = 1) -> bytes:
    noisy = bytearray(octets)
    for _ in range(flips):
        noisy[chance.randrange(len(noisy))] ^= 1 << chance.randrange(8)
    return bytes(noisy)


def suspicion(*heard: bytes | None, others: int = 2, remembered: str | None = None) -> Suspicion | None:
    """What is held of a meter of which these were heard, None for what came sound, beside others that come sound."""
    damage = LineDamage()
    for number in range(others):
        damage.sound(f"other-{number}")
    for octets in heard:
        if octets is None:
            damage.sound("flat01")
        else:
            damage.damaged("flat01", octets)
    return Collisions(damage).news("flat01", remembered, 0.0)


# What two talkers at once sound like


@pytest.mark.parametrize("skew", [0, 1, 5])
def test_l13_identifications_that_are_garbled_alike_three_times_are_a_collision(skew: int) -> None:
    garbled = wired_and(FIRST, SECOND, skew)
    assert suspicion(garbled, garbled) is None
    assert suspicion(garbled, garbled, garbled) == Suspicion(3, 3, 2)


def test_l13_blocks_that_are_garbled_alike_are_a_collision_though_a_clock_ticks_in_them() -> None:
    heard = []
    for second in range(3):
        clock = f"0.9.1(12001{second})\r\n".encode()
        both = [encode(DataBlock(clock + without_parity(block)[1:-2])) for block in (BLOCK, OTHER_BLOCK)]
        heard.append(wired_and(with_even_parity(both[0]), with_even_parity(both[1])))
    assert len(set(heard)) == 3
    assert suspicion(*heard) == Suspicion(3, 3, 2)


def test_l13_noise_of_the_turn_around_before_the_damage_does_not_hide_it() -> None:
    garbled = wired_and(FIRST, SECOND)
    assert suspicion(b"\x00" + garbled, garbled, b"\xff\xff" + garbled) == Suspicion(3, 3, 2)


def test_l13_without_parity_equal_octets_tell_it_once_the_meter_was_heard_well() -> None:
    garbled = wired_and(BLOCK, OTHER_BLOCK)
    assert garbled.isascii()
    assert suspicion(garbled, garbled, garbled) is None
    assert suspicion(garbled, garbled, garbled, remembered=REMEMBERED) == Suspicion(3, 3, 2)
    assert suspicion(garbled, garbled, garbled[:-1] + b"!", remembered=REMEMBERED) is None


def test_l13_a_remembered_identification_with_bits_lost_tells_it_though_the_talkers_drift() -> None:
    heard = [wired_and(FIRST, SECOND, skew)[: len(FIRST)] for skew in (1, 3, 5, 7)]
    assert suspicion(*heard) is None
    assert suspicion(*heard, remembered=REMEMBERED) == Suspicion(4, 4, 2)
    assert suspicion(*map(without_parity, heard), remembered=REMEMBERED) == Suspicion(4, 4, 2)


def test_l13_garbled_blocks_do_not_hide_what_the_identifications_tell() -> None:
    chance = random.Random("blocks")  # noqa: S311 - repeatable on purpose
    heard = [wired_and(FIRST, SECOND, skew)[: len(FIRST)] for skew in (1, 3, 5, 7)]
    blocks = [flipped(with_even_parity(BLOCK), chance) for _ in range(2)]
    assert suspicion(*heard, *blocks, remembered=REMEMBERED) == Suspicion(4, 6, 2)


def test_octets_that_gain_bits_are_noise() -> None:
    chance = random.Random("gain")  # noqa: S311 - repeatable on purpose
    heard = [FIRST[:1] + flipped(FIRST[1:], chance, flips=8) for _ in range(6)]
    assert suspicion(*heard, remembered=REMEMBERED) is None


def test_a_bit_that_is_lost_now_and_then_is_a_weak_contact() -> None:
    heard = [FIRST[:place] + b"\x00" + FIRST[place + 1 :] for place in range(2, 8)]
    assert suspicion(*heard, remembered=REMEMBERED) is None


def test_noise_that_hits_one_meter_alone_is_no_collision() -> None:
    chance = random.Random("noise")  # noqa: S311 - repeatable on purpose
    whole = (FIRST, with_even_parity(BLOCK))
    told = [suspicion(*(flipped(chance.choice(whole), chance) for _ in range(6))) for _ in range(600)]
    assert told == [None] * 600


# What else is damaged alike every time


def test_a_meter_with_another_check_character_collides_with_nobody() -> None:
    block = with_even_parity(BLOCK[:-1] + b"!")
    assert suspicion(block, block, block, remembered=REMEMBERED) is None


def test_a_meter_with_another_parity_collides_with_nobody() -> None:
    odd = flip_parity(FIRST)
    assert suspicion(odd, odd, odd, remembered=REMEMBERED) is None


def test_what_a_wrong_speed_makes_of_a_meter_collides_with_nobody() -> None:
    garbage = bytes.fromhex("66 1E 06 E0 98 7F 33 18 86 01")
    assert suspicion(garbage, garbage, garbage, remembered=REMEMBERED) is None


# Whose damage it is


def test_a_meter_that_is_damaged_less_than_two_times_in_three_is_not_suspected() -> None:
    garbled = wired_and(FIRST, SECOND)
    assert suspicion(None, garbled, garbled, None, garbled, garbled) == Suspicion(4, 6, 2)
    assert suspicion(None, garbled, garbled, None, garbled, None) is None


def test_where_the_others_are_damaged_too_the_line_is_to_blame() -> None:
    garbled, damage = wired_and(FIRST, SECOND), LineDamage()
    for _ in range(4):
        damage.sound("other")
        damage.damaged("flat01", garbled)
    assert Collisions(damage).news("flat01", None, 0.0) == Suspicion(4, 4, 1)
    damage.damaged("other")
    assert Collisions(damage).news("flat01", None, 0.0) is None


def test_alone_on_its_line_a_meter_is_suspected_once_it_was_heard_well() -> None:
    garbled = wired_and(FIRST, SECOND)
    assert suspicion(garbled, garbled, garbled, others=0) is None
    assert suspicion(garbled, garbled, garbled, others=0, remembered=REMEMBERED) == Suspicion(3, 3, 0)


# How it is told


def test_a_suspicion_is_told_once_then_every_hour_then_anew_after_the_meter_was_sound() -> None:
    damage, garbled = LineDamage(), wired_and(FIRST, SECOND)
    collisions = Collisions(damage)
    damage.sound("other")
    for _ in range(6):
        damage.damaged("flat01", garbled)
    told = [collisions.news("flat01", None, moment) is not None for moment in (0.0, 60.0, AGAIN - 1, AGAIN, AGAIN + 1)]
    assert told == [True, False, False, True, False]
    for _ in range(3):
        damage.sound("flat01")
    assert collisions.news("flat01", None, AGAIN + 2) is None
    for _ in range(4):
        damage.damaged("flat01", garbled)
    assert collisions.news("flat01", None, AGAIN + 3) == Suspicion(4, 6, 1)


@pytest.mark.parametrize(
    ("others", "rest"), [(0, ""), (1, ", those of 1 other are sound"), (11, ", those of 11 others are sound")]
)
def test_the_message_tells_the_evidence(others: int, rest: str) -> None:
    assert Suspicion(5, 6, others).finding("meter 01234567", "01234567") == Finding(
        "W-READ-13",
        "meter 01234567",
        f"two meters may answer to 01234567: 5 of its last 6 answers came damaged alike{rest}",
        "look for a second meter with that number on this line, or one that ignores addresses",
    )


def test_the_journal_keeps_the_numbers() -> None:
    visit = Visit("block-12", "riser-a", "flat01", "01234567", START, START, 900)
    event = Suspicion(5, 6, 0).event(visit, START)
    assert (event.visit, event.kind, event.at) == (visit, EventKind.COLLISION, START)
    assert event.text == "two meters may answer to 01234567: 5 of its last 6 answers came damaged alike"
    assert event.details == {"damaged": "5", "answers": "6"}


# Two meters on one simulated line

LINE = LineSettings("riser-a", SerialPort("/dev/ttyS9"))
CATALOG = Catalog.collect(allow=())
TWIN, HEALTHY = "41770326", ("41770327", "41770328")
ENERGIES = {TWIN: "0012345.678", HEALTHY[0]: "0000207.004", HEALTHY[1]: "0063111.950"}


def plate(serial: str, energy: str, model: str = "VERBA-3.1", reaction: float | None = None) -> Nameplate:
    registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", f"{energy}*kWh"))
    return Nameplate(serial, Mode.C, "XMP", model, registers, reaction=reaction)


HEALTHY_PLATES = tuple(plate(serial, ENERGIES[serial]) for serial in HEALTHY)


@define
class Riser:
    """A line in virtual time, what was stored of it, what was said."""

    plates: Sequence[Nameplate]
    has_parity: bool = True
    seed: str = ""
    memories: dict[str, MeterMemory] = field(factory=dict)
    records: list[Record] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    figures: LineFigures = field(factory=LineFigures)

    async def serve(self, rounds: int, *serials: str) -> None:
        meters = [MeterSettings(serial, "riser-a", serial, scan_rate_ms=600_000) for serial in serials]
        simulated = [SimulatedMeter(one, has_parity=self.has_parity, seed=self.seed) for one in self.plates]
        line = MemoryLine(SimulatedBus(simulated), makes_parity=self.has_parity)

        @asynccontextmanager
        async def opener(_: LineSettings) -> AsyncIterator[Line]:
            yield line

        visitor = Visitor("block-12", LINE, UTC_ZONE, CATALOG, self.memories, self.figures, now)
        schedule = Schedule(meters, trio.current_time(), rounds=rounds)
        await Bus(visitor, schedule, self.store, self.findings.append, Telemetry(), rounds, opener).serve()

    async def store(self, record: Record, memory: MeterMemory | None) -> None:
        assert isinstance(record, Gap | Event) or memory is not None
        await trio.lowlevel.checkpoint()
        self.records.append(record)

    def of(self, serial: str) -> list[Record]:
        return [record for record in self.records if record.visit.meter == serial]

    def warned(self) -> list[str]:
        return [str(finding) for finding in self.findings if finding.code == "W-READ-13"]

    def values(self, serial: str) -> set[str]:
        """All values of the energy that were stored for a meter."""
        readouts = [record for record in self.of(serial) if isinstance(record, Readout)]
        return {reading.raw for readout in readouts for reading in readout.readings if reading.address == "1.8.0"}


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


UTC_ZONE = ZoneInfo("UTC")
TWINS = {
    "of one model": ("VERBA-3.1", None),
    "of two models": ("OTTO 77-B", None),
    "half an octet late": ("VERBA-3.1", 0.215),
    "two octets late": ("VERBA-3.1", 0.27),
    "half an identification late": ("OTTO 77-B", 0.45),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("model", "reaction"), TWINS.values(), ids=TWINS)
async def test_l13_two_meters_of_one_address_are_suspected_within_three_visits(
    model: str, reaction: float | None
) -> None:
    twins = plate(TWIN, ENERGIES[TWIN]), plate(TWIN, "0098761.204", model, reaction)
    riser = Riser((*twins, *HEALTHY_PLATES))
    await riser.serve(3, TWIN, *HEALTHY)
    assert riser.values(TWIN) == set()
    assert [riser.values(serial) for serial in HEALTHY] == [{f"{ENERGIES[serial]}*kWh"} for serial in HEALTHY]
    assert [type(record) for serial in HEALTHY for record in riser.of(serial)] == [Readout] * 6
    assert {finding.where for finding in riser.findings} == {f"meter {TWIN}"}
    [warning] = riser.warned()
    assert "those of 2 others are sound" in warning
    [event] = [record for record in riser.records if isinstance(record, Event)]
    assert (event.kind, event.visit.meter) == (EventKind.COLLISION, TWIN)
    assert event.details == {"damaged": "6", "answers": "6"}


@pytest.mark.anyio
async def test_l13_a_second_meter_on_a_line_without_parity_is_suspected_too() -> None:
    riser = Riser((plate(TWIN, ENERGIES[TWIN]), *HEALTHY_PLATES), has_parity=False)
    await riser.serve(1, TWIN, *HEALTHY)
    assert riser.values(TWIN) == {f"{ENERGIES[TWIN]}*kWh"}
    riser.plates = (*riser.plates, plate(TWIN, "0098761.204"))
    await riser.serve(3, TWIN, *HEALTHY)
    assert riser.values(TWIN) == {f"{ENERGIES[TWIN]}*kWh"}
    assert len(riser.warned()) == 1
    assert [type(record) for serial in HEALTHY for record in riser.of(serial)] == [Readout] * 8


@pytest.mark.anyio
@pytest.mark.parametrize("rate", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("is_whole_line", [True, False], ids=["the whole line", "one meter"])
async def test_a_noisy_line_alone_raises_no_such_alarm(rate: float, is_whole_line: bool) -> None:  # noqa: FBT001
    noisy = {Fault.NOISE: rate}
    plates = [plate(serial, energy) for serial, energy in ENERGIES.items()]
    riser = Riser([evolve(one, faults=noisy if is_whole_line or n == 0 else {}) for n, one in enumerate(plates)])
    for seed in range(6):
        riser.seed = f"noise {seed}"
        await riser.serve(5, *ENERGIES)
    assert riser.figures.frame_errors.total() >= 10
    assert riser.warned() == []
    assert [riser.values(serial) - {f"{energy}*kWh"} for serial, energy in ENERGIES.items()] == [set()] * 3


# Another meter than the one that was asked


@pytest.mark.anyio
async def test_s2_what_a_meter_says_that_ignores_addresses_is_not_stored_as_another_ones() -> None:
    stranger = evolve(plate("41770399", "0098761.204"), faults={Fault.IGNORES_ADDRESS: 1.0})
    riser = Riser([stranger])
    await riser.serve(2, TWIN)
    assert riser.values(TWIN) == set()
    assert [(type(record), record.as_json()["cause"]) for record in riser.of(TWIN)] == [(Gap, "wrong_meter")] * 2
    assert {str(finding).partition("\n")[0] for finding in riser.findings} == {
        f"E-READ-8 meter {TWIN}: asked {TWIN}, answered 41770399: nothing stored"
    }
    assert riser.memories[TWIN].identification is None


@pytest.mark.anyio
async def test_s2_a_meter_that_prints_another_number_than_it_is_addressed_by_is_not_stored() -> None:
    riser = Riser([evolve(plate("41770399", "0098761.204"), serial=TWIN), *HEALTHY_PLATES])
    await riser.serve(2, TWIN, *HEALTHY)
    assert riser.values(TWIN) == set()
    assert {finding.code for finding in riser.findings} == {"E-READ-8"}
    assert [riser.values(serial) for serial in HEALTHY] == [{f"{ENERGIES[serial]}*kWh"} for serial in HEALTHY]
