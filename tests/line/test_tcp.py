"""Raw TCP on the loopback interface: any segmentation, parity, and what goes wrong with a connection."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from attrs import evolve

from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import LineLost, LineMissing
from gateway.line.base import Line
from gateway.line.opening import open_line
from gateway.line.tcp import TcpLine
from gateway.profile import Conduct
from gateway.protocol.characters import Mode, with_even_parity, without_parity
from gateway.protocol.messages import DataBlock, encode
from gateway.site.model import LineSettings, TcpEndpoint

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

WORDS = b"/?41770326!\r\n"
BODY = b"0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"
BLOCK = encode(DataBlock(BODY))
HOST = "127.0.0.1"
FAST = LineSettings("", TcpEndpoint(HOST, 1), baudrate=9600, serial_close_delay=0, time_scale=100)


@asynccontextmanager
async def connected(settings: LineSettings = FAST) -> AsyncIterator[tuple[Line, socket.socket]]:
    """A line, and the socket of its far end."""
    with socket.create_server((HOST, 0)) as server:
        endpoint = TcpEndpoint(HOST, server.getsockname()[1])
        async with open_line(evolve(settings, endpoint=endpoint)) as line:
            far_end, _ = server.accept()
            with far_end:
                far_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield line, far_end


async def receive(line: Line, octets: int) -> bytes:
    heard = b""
    with anyio.fail_after(5):
        while len(heard) < octets:
            heard += await line.receive()
    return heard


@pytest.mark.parametrize(("soft_parity", "expected"), [(False, WORDS), (True, with_even_parity(WORDS))])
async def test_plain_characters_are_sent_unless_soft_parity_is_asked_for(
    soft_parity: bool,  # noqa: FBT001 - a parameter of the test
    expected: bytes,
) -> None:
    async with connected(evolve(FAST, soft_parity=soft_parity)) as (line, far_end):
        await line.send(WORDS)
        assert far_end.recv(100) == expected
        assert line.octets_sent == len(WORDS)


async def test_octets_are_received_as_they_came() -> None:
    octets = bytes(range(256))
    async with connected() as (line, far_end):
        far_end.sendall(octets)
        assert await receive(line, 256) == octets
        assert line.octets_received == 256


async def test_send_takes_the_time_that_the_far_ends_wire_takes() -> None:
    async with connected(evolve(FAST, time_scale=1)) as (line, _):
        begin = anyio.current_time()
        await line.send(bytes(96))
        assert line.quiet_since >= begin + 0.1


async def test_the_speed_of_the_far_end_cannot_be_changed() -> None:
    async with connected() as (line, _):
        assert (line.speed, line.can_change_speed) == (9600, False)
        await line.set_speed(9600)
        with pytest.raises(ValueError, match="stays at 9600 Bd"):
            await line.set_speed(300)


@pytest.mark.parametrize("cuts", [[1] * 400, [7, 20, 3], [400], [21, 1, 1, 1, 60]], ids=["octets", "a", "whole", "b"])
async def test_any_segmentation_gives_the_same_readout(cuts: Sequence[int]) -> None:
    async with connected() as (line, far_end), anyio.create_task_group() as group:

        async def meter() -> None:
            """A mode A meter that says all in one go, cut as told."""
            await anyio.wait_readable(far_end)
            far_end.recv(100)
            said, left = b"/XMP HZ-4\r\n" + BLOCK, list(cuts)
            while said:
                size = left.pop(0) if left else len(said)
                far_end.sendall(said[:size])
                said = said[size:]
                await anyio.lowlevel.checkpoint()

        group.start_soon(meter)
        dialogue = Dialogue(line, Manners("41770326", 0.2, 250))
        async with signed_on(dialogue) as identification:
            assert await dialogue.read_out(identification, Conduct(Mode.A), 0.2) == DataBlock(BODY)


@pytest.mark.parametrize("heard", [b"", BLOCK[:20]])
async def test_a_far_end_that_closes_within_a_message_is_lost(heard: bytes) -> None:
    async with connected() as (line, far_end):
        far_end.sendall(heard)
        far_end.shutdown(socket.SHUT_WR)
        if heard:
            assert await receive(line, len(heard)) == heard
        with pytest.raises(LineLost, match="closed the connection") as lost:
            await line.receive()
    assert lost.value.code == "E-LINE-5"


async def test_a_reset_connection_is_lost() -> None:
    async with connected() as (line, far_end):
        far_end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        far_end.close()
        with pytest.raises(LineLost) as lost:
            await line.receive()
        assert lost.value.code == "E-LINE-5"
        with pytest.raises(LineLost):
            await line.send(WORDS)


async def test_a_vanished_far_end_is_noticed_by_the_system() -> None:
    async with connected() as (line, far_end):
        assert isinstance(line, TcpLine)
        connection = line._stream.extra(anyio.abc.SocketAttribute.raw_socket)  # noqa: S610 - anyio's, no database's
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000
        assert far_end.getpeername() == connection.getsockname()


async def test_a_cancelled_receive_loses_no_octet() -> None:
    async with connected() as (line, far_end):
        with anyio.move_on_after(0.01):
            await line.receive()
        far_end.sendall(WORDS)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await line.receive()
        assert without_parity(await receive(line, len(WORDS))) == WORDS


async def test_a_refused_connection_is_named_with_its_reason() -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
    with pytest.raises(LineMissing, match=f"{HOST}:{port} cannot be reached: Connection refused") as missing:
        async with open_line(evolve(FAST, endpoint=TcpEndpoint(HOST, port))):
            pass
    assert missing.value.code == "E-LINE-2"


async def test_an_unknown_host_is_named() -> None:
    with pytest.raises(LineMissing, match=r"nowhere\.invalid:4001 cannot be reached: ") as missing:
        async with open_line(evolve(FAST, endpoint=TcpEndpoint("nowhere.invalid", 4001))):
            pass
    assert missing.value.code == "E-LINE-2"
    assert "Unknown error" not in missing.value.what


async def test_a_name_that_no_host_can_have_is_refused() -> None:
    with pytest.raises(LineMissing, match="no host can have this name") as missing:
        async with open_line(evolve(FAST, endpoint=TcpEndpoint("zähler..invalid", 4001))):
            pass
    assert missing.value.code == "E-LINE-2"
