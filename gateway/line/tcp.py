"""A raw TCP connection to a serial device server or modem."""

import os
import socket

import anyio
import anyio.abc

from gateway.errors import LineLost, LineMissing
from gateway.line.base import ADVICE_WHEN_LOST, PhysicalLine
from gateway.site.model import LineSettings, TcpEndpoint

CONNECT_LIMIT = 5.0  # seconds: a reachable far end answers far sooner
_UNACKNOWLEDGED_LIMIT = 8_000  # milliseconds: a half-open connection is found while a request is unacknowledged
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 3), (socket.TCP_KEEPCNT, 3))
_PACKET_GAP = 3.0  # protocol.md 4: gateways on packet networks pause longer within a message


class TcpLine(PhysicalLine):
    """A connected endpoint; the contract is that of `Line`. Its far end keeps its own speed."""

    def __init__(self, settings: LineSettings, stream: anyio.abc.SocketStream) -> None:
        super().__init__(settings, makes_parity=settings.soft_parity, character_gap=_PACKET_GAP)
        self._stream = stream

    async def send(self, data: bytes) -> None:
        """See `Line.send`."""
        begin = anyio.current_time()
        try:
            await self._stream.send(self.outgoing(data))
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise self._lost(error) from error
        await anyio.sleep_until(begin + self.transmission(len(data)))
        self.count_sent(len(data))

    async def receive(self) -> bytes:
        """See `Line.receive`."""
        try:
            return self.received(await self._stream.receive())
        except anyio.EndOfStream as error:
            raise LineLost("E-LINE-5", f"{self.settings.endpoint} closed the connection", ADVICE_WHEN_LOST) from error
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise self._lost(error) from error

    async def set_speed(self, baud: int) -> None:
        """A raw socket has no speed to change; asking for another one is a bug, raised as ValueError."""
        if baud != self.speed:
            raise ValueError(f"a raw TCP line stays at {self.speed} Bd")

    async def aclose(self) -> None:
        """See `Line.aclose`."""
        try:
            await self.rest()
        finally:
            await self._stream.aclose()

    def _lost(self, error: Exception) -> LineLost:
        reason = _reason(error.__cause__ or error)
        return LineLost("E-LINE-5", f"{self.settings.endpoint} hung up ({reason})", ADVICE_WHEN_LOST)


async def open_tcp(settings: LineSettings, endpoint: TcpEndpoint) -> TcpLine:
    """Connects within CONNECT_LIMIT; raises LineMissing with the reason."""
    try:
        with anyio.fail_after(CONNECT_LIMIT):
            stream = await anyio.connect_tcp(endpoint.host, endpoint.port)
    except TimeoutError as error:
        raise _unreachable(endpoint, f"no connection within {CONNECT_LIMIT:g} s") from error
    except OSError as error:
        raise _unreachable(endpoint, _reason(error.__cause__ or error)) from error
    except UnicodeError as error:
        raise _unreachable(endpoint, f"no host can have this name ({error})") from error
    _watch(stream.extra(anyio.abc.SocketAttribute.raw_socket))  # noqa: S610 - anyio's, no database's
    return TcpLine(settings, stream)


def _watch(connection: socket.socket) -> None:
    """A peer that vanished is noticed: idle by keepalive, with a request under way by its own limit."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_LIMIT)


def _reason(error: BaseException) -> str:
    """The operating system's words, without the library's."""
    if isinstance(error, socket.gaierror):
        return str(error.strerror)  # its number is none of the operating system's errors
    number = error.errno if isinstance(error, OSError) else None
    return str(error) if number is None else os.strerror(number)


def _unreachable(endpoint: TcpEndpoint, reason: str) -> LineMissing:
    return LineMissing(
        "E-LINE-2",
        f"{endpoint} cannot be reached: {reason}",
        "check address and port, and that no other client holds the device server",
    )
