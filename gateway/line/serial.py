"""A serial port: opened by pyserial, its octets moved by file descriptor."""

import contextlib
import errno
import os
import termios
from collections.abc import Iterator
from pathlib import Path

import anyio
import serial

from gateway.errors import LineBusy, LineError, LineLost, LineMissing
from gateway.line.base import ADVICE_WHEN_LOST, PhysicalLine
from gateway.protocol.characters import CharacterFormat, Parity
from gateway.protocol.timing import T_A
from gateway.site.model import ControlLevel, FlowControl, LineSettings

_PORTS = ("/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyAMA*", "/dev/ttyS[0-9]")
_RECEIVE_LIMIT = 4096
_SEND_SLACK = 2.0  # seconds beyond the wire's time: flow control that holds octets back for longer has stopped the line
_PARITY_OF_DRIVER = {Parity.NONE: serial.PARITY_NONE, Parity.EVEN: serial.PARITY_EVEN, Parity.ODD: serial.PARITY_ODD}


class SerialLine(PhysicalLine):
    """An open serial port; the contract is that of `Line`.

    7E1 and 7O1 look like 8N1 to the driver, which would hide parity errors: their parity bits are made here
    and judged by the session.
    """

    def __init__(self, settings: LineSettings, port: serial.Serial) -> None:
        super().__init__(settings, makes_parity=_is_parity_soft(settings.format), character_gap=T_A)
        self._port = port
        self._descriptor: int = port.fileno()

    async def send(self, data: bytes) -> None:
        """See `Line.send`."""
        begin = anyio.current_time()
        end = begin + self.transmission(len(data))
        with anyio.move_on_after(end + _SEND_SLACK - begin) as limit, self._hang_up():
            await self._write(memoryview(self.outgoing(data)))
            await anyio.sleep_until(end)
            # A slow driver may still hold octets although the wire's time has passed.
            while self._port.out_waiting:  # noqa: ASYNC110 - a driver raises no event
                await anyio.sleep(self.transmission(1))
        if limit.cancelled_caught:
            raise LineLost(
                "E-LINE-5", f"{self.settings.endpoint} takes no octets", "look at flow control and the far end"
            )
        self.count_sent(len(data))

    async def _write(self, unsent: memoryview) -> None:
        while unsent:
            try:
                unsent = unsent[os.write(self._descriptor, unsent) :]
            except BlockingIOError:
                await anyio.wait_writable(self._descriptor)

    async def receive(self) -> bytes:
        """See `Line.receive`."""
        with self._hang_up():
            while True:
                await anyio.wait_readable(self._descriptor)
                try:
                    octets = os.read(self._descriptor, _RECEIVE_LIMIT)
                except BlockingIOError:
                    continue
                if not octets:
                    raise LineLost("E-LINE-5", f"{self.settings.endpoint} hung up", ADVICE_WHEN_LOST)
                return self.received(octets)

    async def set_speed(self, baud: int) -> None:
        """See `Line.set_speed`."""
        if baud != self.speed:
            with self._hang_up():
                self._port.baudrate = baud
        self.speed = baud

    async def aclose(self) -> None:
        """See `Line.aclose`."""
        try:
            await self.rest()
        finally:
            self._port.close()

    @contextlib.contextmanager
    def _hang_up(self) -> Iterator[None]:
        """Every way in which a port says that it is gone becomes LineLost."""
        try:
            yield
        except (OSError, termios.error, serial.SerialException, anyio.ClosedResourceError) as error:
            raise LineLost("E-LINE-5", f"{self.settings.endpoint} hung up ({error})", ADVICE_WHEN_LOST) from error


async def open_serial(settings: LineSettings, device: str) -> SerialLine:
    """Opens a port for this process alone, at the line's opening speed.

    Raises LineMissing, LineBusy or LineError with what stands in the way.
    """
    return SerialLine(settings, _opened(settings, device))


def _opened(settings: LineSettings, device: str) -> serial.Serial:
    form = settings.format
    is_soft = _is_parity_soft(form)
    port = serial.Serial()
    port.port = device
    port.baudrate = settings.baudrate
    port.bytesize = serial.EIGHTBITS if is_soft else form.data_bits
    port.parity = serial.PARITY_NONE if is_soft else _PARITY_OF_DRIVER[form.parity]
    port.stopbits = form.stop_bits
    port.rtscts = settings.flowcontrol is FlowControl.RTSCTS
    port.xonxoff = settings.flowcontrol is FlowControl.XONXOFF
    port.exclusive = True
    # Without a minimum of one octet a read without data would look like a hang-up.
    port.inter_byte_timeout = 0
    if settings.rts is not ControlLevel.AUTO:
        port.rts = settings.rts is ControlLevel.HIGH
    if settings.dtr is not ControlLevel.AUTO:
        port.dtr = settings.dtr is ControlLevel.HIGH
    try:
        port.open()
    except (OSError, termios.error, ValueError) as error:
        raise _why_not(device, error) from error
    os.set_blocking(port.fileno(), False)
    return port


def _is_parity_soft(form: CharacterFormat) -> bool:
    return form.data_bits == 7 and form.parity is not Parity.NONE  # noqa: PLR2004 - 7 and a parity bit make an octet


def _why_not(device: str, error: Exception) -> LineError:
    number = getattr(error, "errno", None) or (error.args[0] if error.args and isinstance(error.args[0], int) else None)
    match number:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return LineMissing(
                "E-LINE-1",
                f"{device} does not exist. Present now: {_present()}",
                "plug the adapter in, or name another port",
            )
        case errno.EACCES | errno.EPERM:
            return LineBusy(
                "E-LINE-4",
                f"{device} may not be opened by this user",
                "add the user to the port's group, dialout on Debian",
            )
        case errno.EBUSY | errno.EAGAIN:
            return LineBusy(
                "E-LINE-3", f"{device} is held by {_holder(device)}", "stop that process: a port has one owner"
            )
        case _:
            return LineError(
                "E-LINE-6",
                f"{device} cannot be used as a serial port: {error}",
                "name a serial port and settings that its driver knows",
            )


def _present() -> str:
    found = [str(path) for pattern in _PORTS for path in sorted(Path("/").glob(pattern[1:]))]
    return ", ".join(found) or "no serial port"


def _holder(device: str) -> str:
    """The process that has the port open, where this user may see it."""
    real = os.path.realpath(device)
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while they are looked at; the name of one is any octets, cut after fifteen.
        with contextlib.suppress(OSError):
            ports = {os.path.realpath(link) for link in (process / "fd").iterdir()}
            if real in ports and process.name != str(os.getpid()):
                return f"process {process.name} ({(process / 'comm').read_text(errors='replace').strip()})"
    return "another process"
