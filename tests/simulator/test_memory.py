"""The line in memory, under a virtual clock."""

import anyio
import pytest

from gateway.line.base import Line
from gateway.protocol.characters import Mode, with_even_parity
from gateway.protocol.law import Role
from gateway.protocol.messages import DataBlock, Identification, OptionSelect, Request
from gateway.protocol.session import Session
from gateway.simulator import MemoryLine, Nameplate, SimulatedBus, SimulatedMeter, StillRegister

pytestmark = pytest.mark.anyio
REGISTERS = (StillRegister("0.0.0", "10000001"), StillRegister("1.8.0", "0012345.678*kWh"))
BLOCK_OCTETS = len(b"\x020.0.0(10000001)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n\x03?")


def memory_line(time_scale: float = 1.0, *, can_change_speed: bool = True) -> MemoryLine:
    meter = SimulatedMeter(Nameplate("10000001", Mode.C, "XMP", "VERBA", REGISTERS), time_scale=time_scale)
    return MemoryLine(SimulatedBus([meter], time_scale=time_scale), can_change_speed=can_change_speed)


async def read_out(line: Line) -> DataBlock:
    session = Session(Role.READER)
    await line.send(session.say(Request("10000001")))
    message = None
    while message is None:
        message = session.hear(await line.receive())
    assert isinstance(message, Identification)
    await anyio.sleep(0.2 / line.time_scale)
    await line.send(session.say(OptionSelect("5")))
    await line.set_speed(9600)
    message = None
    while message is None:
        message = session.hear(await line.receive())
    assert isinstance(message, DataBlock)
    return message


async def test_a_visit_takes_exactly_the_time_of_its_wire() -> None:
    line = memory_line()
    begin = anyio.current_time()
    block = await read_out(line)
    assert block.body == b"0.0.0(10000001)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"
    sign_on = (13 + 12 + 6) * 10 / 300 + 3 * 0.2
    assert anyio.current_time() - begin == pytest.approx(sign_on + BLOCK_OCTETS * 10 / 9600, abs=1e-6)


async def test_time_scale_makes_the_same_visit_shorter() -> None:
    line = memory_line(time_scale=50.0)
    begin = anyio.current_time()
    await read_out(line)
    sign_on = (13 + 12 + 6) * 10 / 300 + 3 * 0.2
    assert anyio.current_time() - begin == pytest.approx((sign_on + BLOCK_OCTETS * 10 / 9600) / 50, abs=1e-6)


async def test_what_is_sent_is_recorded_with_its_moment_and_speed() -> None:
    line = memory_line()
    begin = anyio.current_time()
    await read_out(line)
    sign_on, select = line.sent
    assert sign_on == (begin, with_even_parity(b"/?10000001!\r\n"), 300)
    moment = begin + (13 + 12) * 10 / 300 + 2 * 0.2
    assert select[0] == pytest.approx(moment, abs=1e-6)
    assert select[1:] == (with_even_parity(b"\x06050\r\n"), 300)
    assert line.octets_sent == 13 + 6


async def test_what_is_received_is_recorded_with_the_speed_of_the_reader() -> None:
    line = memory_line()
    await read_out(line)
    octets = b"".join(octets for _, octets, _ in line.received)
    assert octets.startswith(with_even_parity(b"/XMP5VERBA\r\n\x02"))
    assert [speed for _, _, speed in line.received][-1] == 9600
    assert line.octets_received == 12 + BLOCK_OCTETS
    assert line.quiet_since == line.received[-1][0]


async def test_octets_that_came_before_a_speed_change_keep_their_meaning() -> None:
    line = memory_line()
    await line.send(b"/?10000001!\r\n")
    await anyio.sleep(1.0)
    await line.set_speed(9600)
    assert await line.receive() == with_even_parity(b"/XMP5VERBA\r\n")


async def test_a_line_of_fixed_speed_refuses_another() -> None:
    line = memory_line(can_change_speed=False)
    await line.set_speed(300)
    with pytest.raises(ValueError, match="300 Bd"):
        await line.set_speed(9600)


async def test_a_receiver_that_waits_hears_the_answer_to_what_another_task_sends() -> None:
    line = memory_line()
    async with anyio.create_task_group() as group:

        async def listen() -> None:
            heard = b""
            while len(heard) < 12:
                heard += await line.receive()
            assert heard == with_even_parity(b"/XMP5VERBA\r\n")

        group.start_soon(listen)
        await anyio.sleep(1.0)
        await line.send(b"/?10000001!\r\n")


async def test_a_closed_line_leaves_nothing_on_the_bus() -> None:
    line = memory_line()
    await line.send(b"/?10000001!\r\n")
    await line.aclose()
    with anyio.move_on_after(5.0) as silence:
        await line.receive()
    assert silence.cancelled_caught
