"""Where a reader finds a simulated line: a pseudo-terminal or a TCP port."""

import contextlib
import errno
import os
import select
import socket
import termios
import tty
from typing import Protocol, assert_never, cast

import anyio
import anyio.abc
from attrs import frozen

from gateway.errors import LineBusy, LineError
from gateway.protocol.characters import SPEEDS
from gateway.simulator.building import PtyPort, SimulatedLine, TcpPort
from gateway.simulator.bus import SimulatedBus

LOCAL_HOST = "127.0.0.1"
_RECEIVE_LIMIT = 4096
# Seconds between two looks whether a reader has opened a pseudo-terminal: nothing else tells.
_OPENING_POLL = 0.02
# The names and numbers of `speed_t` for the speeds that meters use.
_SPEED_OF_CODE = {getattr(termios, f"B{speed}"): speed for speed in SPEEDS}
_CODE_OF_SPEED = {speed: code for code, speed in _SPEED_OF_CODE.items()}
_INPUT_SPEED, _OUTPUT_SPEED = 4, 5


class Wire(Protocol):
    """The simulated end of a line; `speed` is the one that the reader has set, in baud."""

    @property
    def speed(self) -> int:
        """The reader's speed now."""

    async def receive(self) -> bytes:
        """The reader's next octets; raises EndOfStream when it has gone for good."""

    async def send(self, octets: bytes) -> None:
        """Hands octets to the reader; those that nobody takes are lost. Raises BrokenResourceError."""


class OpenPort(Protocol):
    """A simulated line that can be found at `endpoint`."""

    endpoint: str

    async def serve(self, bus: SimulatedBus) -> None:
        """Lets readers talk to the bus, one at a time, until it is cancelled."""

    async def aclose(self) -> None:
        """Gives the port back."""


async def converse(bus: SimulatedBus, wire: Wire) -> None:
    """Carries octets both ways, paced as the bus says; ends only by what the wire raises."""
    while True:
        with anyio.CancelScope(deadline=bus.next_due):
            octets = await wire.receive()
            bus.hear(octets, anyio.current_time(), wire.speed)
        if said := bus.take(anyio.current_time(), wire.speed):
            await wire.send(said)


class OpenPty:
    """A pseudo-terminal: `endpoint` is the path that a reader opens, whose speed is read from its settings."""

    def __init__(self, opening_speed: int) -> None:
        self._master, reader_end = os.openpty()
        self.endpoint = os.ttyname(reader_end)
        tty.setraw(reader_end)
        settings = termios.tcgetattr(reader_end)
        settings[_INPUT_SPEED] = settings[_OUTPUT_SPEED] = _CODE_OF_SPEED[opening_speed]
        termios.tcsetattr(reader_end, termios.TCSANOW, settings)
        # Kept open it would make this process look like a reader that holds the port.
        os.close(reader_end)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLHUP)

    @property
    def speed(self) -> int:
        """The speed of the reader's end; 0 for one that no meter uses."""
        return _SPEED_OF_CODE.get(termios.tcgetattr(self._master)[_OUTPUT_SPEED], 0)

    async def receive(self) -> bytes:
        """See `Wire.receive`; a reader that closes the terminal may come back."""
        while True:
            await anyio.wait_readable(self._master)
            try:
                return os.read(self._master, _RECEIVE_LIMIT)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                await anyio.sleep(_OPENING_POLL)

    async def send(self, octets: bytes) -> None:
        """See `Wire.send`; a wire keeps nothing for a reader that does not listen."""
        if not self._poll.poll(0):
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, octets)

    async def serve(self, bus: SimulatedBus) -> None:
        """See `OpenPort.serve`."""
        await converse(bus, self)

    async def aclose(self) -> None:
        """See `OpenPort.aclose`."""
        os.close(self._master)


@frozen
class _Connection:
    stream: anyio.abc.SocketStream
    speed: int

    async def receive(self) -> bytes:
        return await self.stream.receive()

    async def send(self, octets: bytes) -> None:
        await self.stream.send(octets)


class OpenTcp:
    """A TCP port like that of a serial device server: one reader at a time, the far end's speed is fixed."""

    def __init__(self, listener: anyio.abc.SocketListener, speed: int) -> None:
        self._listener = listener
        self._speed = speed
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - anyio's, no database's
        self.endpoint = f"tcp://{LOCAL_HOST}:{port}"

    async def serve(self, bus: SimulatedBus) -> None:
        """See `OpenPort.serve`; the next reader is served when one has gone."""
        while True:
            stream = await self._listener.accept()
            async with stream:
                # Held back for the previous portion's acknowledgement, octets would lose their pace.
                connection = stream.extra(anyio.abc.SocketAttribute.raw_socket)  # noqa: S610 - anyio's, no database's
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                bus.take(anyio.current_time(), self._speed)  # what a meter said while nobody listened is lost
                with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    await converse(bus, _Connection(stream, self._speed))
            bus.hang_up()

    async def aclose(self) -> None:
        """See `OpenPort.aclose`."""
        await self._listener.aclose()


async def open_port(line: SimulatedLine) -> OpenPort:
    """Makes the line reachable; raises LineBusy or LineError where its TCP port cannot be had."""
    match line.port:
        case PtyPort():
            return OpenPty(line.opening_speed)
        case TcpPort(number):
            try:
                listeners = await anyio.create_tcp_listener(local_host=LOCAL_HOST, local_port=number)
            except OSError as error:
                raise _why_not(number, error) from error
            return OpenTcp(cast("anyio.abc.SocketListener", listeners.listeners[0]), line.opening_speed)
        case _:
            assert_never(line.port)


async def serve_line(
    line: SimulatedLine, *, task_status: anyio.abc.TaskStatus[str] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Serves a simulated line until it is cancelled; reports its endpoint as soon as readers may come.

    The endpoint is a path or `tcp://host:port`, as `metergate read` takes it. Raises what `open_port` raises.
    """
    port = await open_port(line)
    try:
        task_status.started(port.endpoint)
        await port.serve(line.bus())
    finally:
        with anyio.CancelScope(shield=True):
            await port.aclose()


def _why_not(number: int, error: OSError) -> LineError:
    where = f"port {number} of {LOCAL_HOST}"
    match error.errno:
        case errno.EADDRINUSE:
            return LineBusy("E-LINE-3", f"{where} is held by another process", "name another port, or 0 for a free one")
        case errno.EACCES | errno.EPERM:
            return LineBusy("E-LINE-4", f"{where} may not be opened by this user", "name a port above 1023")
        case _:
            return LineError("E-LINE-6", f"{where} cannot be opened: {error}", "name a port from 0 to 65535")
