"""Simulated lines on real pseudo-terminals and TCP ports."""

import os
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import anyio
import anyio.abc
import pytest

from gateway.errors import LineBusy
from gateway.line.opening import open_line
from gateway.protocol.characters import parity_errors, with_even_parity
from gateway.protocol.law import Role
from gateway.protocol.messages import Identification, Message, OptionSelect, Request
from gateway.protocol.session import Session
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    PtyPort,
    SimulatedLine,
    TcpPort,
    open_port,
    serve_line,
    simulated_line,
)
from gateway.simulator.wire import OpenPty
from gateway.site.endpoint import endpoint_from_text

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]
START = datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - a meter's local time
PTY = simulated_line(LineWish(PtyPort(), START, meters=2, time_scale=5.0))
ECHOING = simulated_line(LineWish(PtyPort(), START, 1, faults=(FaultRate(Fault.ECHO),), time_scale=5.0))
TCP = simulated_line(LineWish(TcpPort(0), START, meters=2, time_scale=5.0))


@asynccontextmanager
async def served(line: SimulatedLine) -> AsyncIterator[str]:
    async with anyio.create_task_group() as group:
        with anyio.fail_after(20):
            yield await group.start(serve_line, line)
        group.cancel_scope.cancel()


def sign_on(line: SimulatedLine, meter: int = 0) -> bytes:
    return f"/?{line.plates[meter].serial}!\r\n".encode()


def identification(line: SimulatedLine, meter: int = 0) -> bytes:
    return f"{line.plates[meter].identification.raw}\r\n".encode()


async def heard_on(descriptor: int, octets: int) -> bytes:
    heard = b""
    while len(heard) < octets:
        await anyio.wait_readable(descriptor)
        heard += os.read(descriptor, 4096)
    return heard


@asynccontextmanager
async def opened(path: str, speed: int) -> AsyncIterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    set_speed(descriptor, speed)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def test_a_fresh_pty_shows_the_opening_speed_and_carries_octets_as_they_are() -> None:
    async with served(PTY) as path:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        assert termios.tcgetattr(descriptor)[4:6] == [termios.B300, termios.B300]
        os.write(descriptor, with_even_parity(sign_on(PTY)))
        assert await heard_on(descriptor, 16) == with_even_parity(identification(PTY))
        os.close(descriptor)


def set_speed(descriptor: int, speed: int) -> None:
    settings = termios.tcgetattr(descriptor)
    settings[4] = settings[5] = speed
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)


async def test_only_a_reader_at_the_right_speed_is_understood() -> None:
    async with served(ECHOING) as path, opened(path, termios.B2400) as descriptor:
        said = with_even_parity(sign_on(ECHOING))
        os.write(descriptor, said)
        assert await heard_on(descriptor, len(said)) == said
        set_speed(descriptor, termios.B300)
        os.write(descriptor, said)
        expected = said + with_even_parity(identification(ECHOING))
        assert await heard_on(descriptor, len(expected)) == expected


async def test_only_a_reader_with_parity_is_understood() -> None:
    async with served(PTY) as path, opened(path, termios.B300) as descriptor:
        os.write(descriptor, sign_on(PTY, 0) + with_even_parity(sign_on(PTY, 1)))
        expected = with_even_parity(identification(PTY, 1))
        assert await heard_on(descriptor, len(expected)) == expected


async def test_a_reader_that_changes_its_speed_too_early_gets_garbage() -> None:
    async with served(PTY) as path, opened(path, termios.B300) as descriptor:
        os.write(descriptor, with_even_parity(sign_on(PTY)))
        first = await heard_on(descriptor, 1)
        set_speed(descriptor, termios.B9600)
        rest = await heard_on(descriptor, 16 - len(first))
        assert with_even_parity(identification(PTY)).startswith(first)
        assert parity_errors(rest) > 0


async def test_a_pty_serves_a_reader_that_comes_again() -> None:
    async with served(PTY) as path:
        for _ in range(3):
            async with opened(path, termios.B300) as descriptor:
                os.write(descriptor, with_even_parity(sign_on(PTY)))
                assert await heard_on(descriptor, 16) == with_even_parity(identification(PTY))


async def test_what_nobody_listens_to_is_lost() -> None:
    port = OpenPty(300)
    os.close(os.open(port.endpoint, os.O_RDWR | os.O_NOCTTY))
    await port.send(b"lost")
    async with opened(port.endpoint, termios.B300) as descriptor:
        await port.send(b"taken")
        assert await heard_on(descriptor, 1) == b"taken"
    await port.aclose()


async def test_a_wire_keeps_no_more_than_the_reader_s_buffer_holds() -> None:
    port = OpenPty(300)
    async with opened(port.endpoint, termios.B300) as descriptor:
        for _ in range(1000):
            await port.send(bytes(1000))
        assert len(await heard_on(descriptor, 1)) > 0
    await port.aclose()


async def test_our_own_lines_read_a_pty_through_its_speed_change() -> None:
    async with served(PTY) as path, open_line(endpoint_from_text(f"serial://{path}?time_scale=5")) as line:
        session = Session(Role.READER)

        async def message() -> Message:
            while (heard := session.hear(await line.receive())) is None:
                pass
            return heard

        await line.send(session.say(Request(PTY.plates[0].serial)))
        identified = await message()
        assert isinstance(identified, Identification)
        await line.send(session.say(OptionSelect(identified.baud)))
        await line.set_speed(identified.speed or 0)
        assert getattr(await message(), "body", None) == PTY.plates[0].block()


async def connected(endpoint: str) -> anyio.abc.SocketStream:
    host, _, port = endpoint.removeprefix("tcp://").partition(":")
    return await anyio.connect_tcp(host, int(port))


async def answer_on(stream: anyio.abc.SocketStream, octets: bytes, length: int) -> bytes:
    await stream.send(octets)
    heard = b""
    while len(heard) < length:
        heard += await stream.receive()
    return heard


async def test_a_tcp_port_serves_one_reader_after_the_other() -> None:
    async with served(TCP) as endpoint:
        for meter in (0, 1, 0):
            expected = identification(TCP, meter)
            async with await connected(endpoint) as stream:
                assert await answer_on(stream, sign_on(TCP, meter), len(expected)) == expected


async def test_a_second_reader_waits_until_the_first_has_gone() -> None:
    async with served(TCP) as endpoint:
        expected = identification(TCP)
        first, second = await connected(endpoint), await connected(endpoint)
        await second.send(sign_on(TCP, 1))
        for _ in range(2):
            assert await answer_on(first, sign_on(TCP), len(expected)) == expected
        with pytest.raises(BlockingIOError):
            second.extra(anyio.abc.SocketAttribute.raw_socket).recv(1)  # noqa: S610 - anyio's, no database's
        await first.aclose()
        other = identification(TCP, 1)
        assert await answer_on(second, b"\r\n", len(other)) == other
        await second.aclose()


async def test_a_reader_that_leaves_in_the_middle_leaves_nothing_for_the_next() -> None:
    async with served(TCP) as endpoint:
        async with await connected(endpoint) as stream:
            await stream.send(sign_on(TCP))
            await stream.receive()
        expected = identification(TCP, 1)
        async with await connected(endpoint) as stream:
            assert await answer_on(stream, sign_on(TCP, 1), len(expected)) == expected


async def test_a_busy_tcp_port_is_a_busy_line() -> None:
    first = await open_port(TCP)
    number = int(first.endpoint.rpartition(":")[2])
    with pytest.raises(LineBusy) as busy:
        await open_port(simulated_line(LineWish(TcpPort(number), START)))
    assert busy.value.code == "E-LINE-3"
    assert str(number) in busy.value.what
    await first.aclose()
