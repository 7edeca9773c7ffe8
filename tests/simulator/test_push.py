"""Simulated lines that push: what a listener hears of them."""

from datetime import datetime
from pathlib import Path

import anyio
import pytest
from attrs import evolve

from gateway.protocol.characters import BlockCheck, Mode, ReceivedParity
from gateway.protocol.check import CheckKind
from gateway.protocol.dropped import Damage, Dropped
from gateway.protocol.push import PushStream
from gateway.protocol.pushed import PushedTelegram
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    MemoryLine,
    Nameplate,
    PtyPort,
    SimulatedLine,
    StillRegister,
    TcpPort,
    WireForm,
    load_building,
    simulated_line,
)
from gateway.site.model import Push

pytestmark = pytest.mark.anyio
START = datetime(2026, 3, 1, 14, 30)  # noqa: DTZ001 - the meters' own clocks
PLATE = Nameplate(
    "41770326", Mode.C, "XMP", "HAUS-1", (StillRegister("0.0.0", "41770326"), StillRegister("1.8.0", "1*kWh"))
)
P1 = LineWish(PtyPort(), START, 1, push=Push.P1)
MODE_D = LineWish(PtyPort(), START, 1, push=Push.MODE_D, period=5)


async def heard(line: SimulatedLine, seconds: float, speed: int | None = None) -> list[PushedTelegram | Dropped]:
    memory = MemoryLine(line.bus(), speed=speed or line.opening_speed)
    stream, found = PushStream(), list[PushedTelegram | Dropped]()
    with anyio.move_on_after(seconds):
        while True:
            found += stream.hear(await memory.receive())
    return found


async def test_a_p1_port_sends_a_telegram_with_its_crc_each_second() -> None:
    line = simulated_line(P1)
    assert (line.opening_speed, line.wire) == (115_200, WireForm.PLAIN)
    found = await heard(line, 9.5)
    assert [one.check for one in found if isinstance(one, PushedTelegram)] == [CheckKind.CRC16] * 10
    assert all(one == found[0] for one in found)


async def test_a_p1_port_without_check_is_one_of_dsmr_2() -> None:
    plate = evolve(simulated_line(P1).plates[0], check=BlockCheck.NONE)
    found = await heard(simulated_line(evolve(P1, meters=0, plates=(plate,))), 2.5)
    assert [one.check for one in found if isinstance(one, PushedTelegram)] == [CheckKind.NONE] * 2


async def test_mode_d_at_the_standards_speed_comes_with_block_check_and_parity() -> None:
    line = simulated_line(MODE_D)
    assert (line.opening_speed, line.wire) == (2400, WireForm.PARITY)
    (telegram,) = await heard(line, 4.5)
    assert isinstance(telegram, PushedTelegram)
    assert (telegram.check, telegram.framed, telegram.parity) == (CheckKind.XOR, True, ReceivedParity.PRESENT)
    assert telegram.identification.baud == "3"


async def test_a_household_meter_at_9600_baud_pushes_without_check() -> None:
    found = await heard(simulated_line(evolve(MODE_D, baudrate=9600, port=TcpPort())), 10.5)
    assert [(one.check, one.framed) for one in found if isinstance(one, PushedTelegram)] == [
        (CheckKind.NONE, False)
    ] * 2


async def test_given_meters_push_their_block_with_the_check_of_their_plate() -> None:
    plate = evolve(PLATE, check=BlockCheck.SUM7)
    line = simulated_line(evolve(MODE_D, meters=0, plates=(plate,)))
    assert line.plates[0].mode is Mode.D
    memory = MemoryLine(line.bus(), speed=2400)
    (telegram,) = PushStream(lambda _: BlockCheck.SUM7).hear(await received(memory, 2))
    assert isinstance(telegram, PushedTelegram)
    assert telegram.body == plate.block()


async def received(memory: MemoryLine, seconds: float) -> bytes:
    octets = b""
    with anyio.move_on_after(seconds):
        while True:
            octets += await memory.receive()
    return octets


async def test_the_meters_of_one_line_speak_in_turn() -> None:
    line = simulated_line(evolve(MODE_D, meters=3))
    found = await heard(line, 60)
    assert {type(one) for one in found} == {PushedTelegram}
    assert len({one.values[1] for one in found if isinstance(one, PushedTelegram)}) == 3


async def test_telegrams_take_the_time_of_their_wire() -> None:
    memory = MemoryLine(simulated_line(MODE_D).bus(), speed=2400)
    begin = anyio.current_time()
    octets = await received(memory, 4.9)
    last = memory.received[-1][0] - begin
    assert last == pytest.approx(len(octets) * 10 / 2400, abs=0.01)


async def test_a_listener_at_another_speed_hears_garbage() -> None:
    assert not [one for one in await heard(simulated_line(P1), 3.5, speed=9600) if isinstance(one, PushedTelegram)]


async def test_what_is_said_on_such_a_line_reaches_nobody() -> None:
    memory = MemoryLine(simulated_line(P1).bus(), speed=115_200)
    await memory.send(b"/?!\r\n")
    assert PushStream().hear(await received(memory, 0.9))


async def test_a_listener_that_comes_back_hears_no_telegram_of_the_meantime() -> None:
    bus = simulated_line(P1).bus()
    memory = MemoryLine(bus, speed=115_200)
    await received(memory, 1.5)
    await memory.aclose()
    await anyio.sleep(100)
    assert len(PushStream().hear(await received(memory, 1.5))) == 2


async def test_live_totals_grow_from_telegram_to_telegram() -> None:
    plate = simulated_line(P1).plates[0]
    found = await heard(simulated_line(evolve(P1, is_live=True, period=600.0)), 3700)
    totals = [one.values[4] for one in found if isinstance(one, PushedTelegram)]
    assert totals == sorted(totals)
    assert totals[0] != totals[-1]
    assert f"({totals[0]})" in plate.block().decode()


@pytest.mark.parametrize(
    ("fault", "damage"),
    [(Fault.BAD_CHECK, Damage.CHECK), (Fault.CUT, Damage.CUT), (Fault.NOISE, Damage.CHECK)],
)
async def test_faults_damage_telegrams_which_are_told(fault: Fault, damage: Damage) -> None:
    found = await heard(simulated_line(evolve(P1, faults=(FaultRate(fault, 0.5),))), 60)
    assert damage in [one.damage for one in found if isinstance(one, Dropped)]
    assert len({one.body for one in found if isinstance(one, PushedTelegram)}) == 1


async def test_other_digits_are_seen_by_a_crc_but_not_by_an_xor() -> None:
    usual = await heard(simulated_line(MODE_D), 4.9)
    for wish, damage in ((P1, [Damage.CHECK]), (MODE_D, [])):
        found = await heard(simulated_line(evolve(wish, faults=(FaultRate(Fault.DIGITS, 1.0),))), wish.period * 0.99)
        assert [one.damage for one in found if isinstance(one, Dropped)] == damage
    assert isinstance(found[0], PushedTelegram)
    assert found != usual


async def test_what_befalls_a_meter_befalls_one_that_pushes_too() -> None:
    async def totals(fault: Fault, rate: float | None = None) -> list[str]:
        wish = evolve(P1, period=400.0, is_live=True, faults=(FaultRate(fault, rate),))
        return [one.values[3] for one in await heard(simulated_line(wish), 1700) if isinstance(one, PushedTelegram)]

    assert {total.strip("0*.kWh") for total in await totals(Fault.ZERO_GLITCH, 1.0)} == {""}
    assert len(set((await totals(Fault.FROZEN))[-2:])) == 1
    begun, *_, last = await totals(Fault.BACKWARDS)
    assert last < begun


async def test_a_wrong_block_check_is_sent_where_there_is_one() -> None:
    found = await heard(simulated_line(evolve(MODE_D, faults=(FaultRate(Fault.BAD_CHECK, 1.0),))), 4.9)
    assert [one.damage for one in found if isinstance(one, Dropped)] == [Damage.CHECK]


async def test_a_silent_meter_pushes_nothing() -> None:
    assert await heard(simulated_line(evolve(P1, faults=(FaultRate(Fault.SILENT),))), 10) == []


def test_a_building_file_describes_lines_that_push(tmp_path: Path) -> None:
    path = tmp_path / "building.toml"
    path.write_text('[[line]]\nport = "tcp:0"\npush = "P1"\nperiod_s = 10\nmeters = 1\n')
    line = simulated_line(load_building(path, START)[0])
    truth = line.as_json("tcp://127.0.0.1:4711")
    assert (truth["push"], truth["period_s"], truth["baudrate"], truth["wire"]) == ("P1", 10.0, 115_200, "plain")
    assert line.plates[0].mode is Mode.D
