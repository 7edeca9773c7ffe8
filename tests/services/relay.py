"""A relay between the gateway and a simulated TCP line, which sees every octet."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from attrs import evolve

from gateway.protocol.characters import ETX
from tests.services.processes import TrueLine

_PORTION = 64


class Odometer:
    """Counts octets that cross relays; calls `act` at the moment when so many have crossed since it was set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._act: Callable[[], None] = lambda: None
        self.reached = threading.Event()

    def set(self, octets: int, act: Callable[[], None]) -> None:
        with self._lock:
            self._left, self._act = octets, act
            self.reached.clear()

    def count(self, octets: int) -> None:
        with self._lock:
            is_due = 0 < self._left <= octets
            self._left -= min(octets, self._left)
            if is_due:
                self._act()
                self.reached.set()


class Relay:
    """One relayed line; `endpoint` stands for that of the line. Made by `relayed`."""

    def __init__(self, line: TrueLine, odometer: Odometer) -> None:
        self._far_end = line.address
        self._odometer = odometer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.line = evolve(line, endpoint=f"tcp://127.0.0.1:{self._listener.getsockname()[1]}")
        self.has_session = False
        self._said = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                reader, _ = self._listener.accept()
                with reader, socket.create_connection(self._far_end) as meters:
                    self.has_session = False
                    upwards = threading.Thread(target=self._carry, args=(meters, reader, self._hear_meter), daemon=True)
                    upwards.start()
                    self._carry(reader, meters, self._hear_reader)
                    upwards.join()

    def _carry(self, source: socket.socket, target: socket.socket, hear: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while octets := source.recv(_PORTION):
                hear(octets)
                target.sendall(octets)
                self._odometer.count(len(octets))
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def _hear_reader(self, _octets: bytes) -> None:
        """A session begins with a sign-on, goes on with an option select or a NAK."""
        self.has_session = True
        self._said = b""

    def _hear_meter(self, octets: bytes) -> None:
        """A session is over with the block check, the one octet behind ETX."""
        self._said += octets
        if self._said[-2:-1] == bytes([ETX]):
            self.has_session = False


@contextmanager
def relayed(line: TrueLine, odometer: Odometer) -> Iterator[Relay]:
    """A relay in front of a simulated TCP line for the length of the block."""
    relay = Relay(line, odometer)
    try:
        yield relay
    finally:
        relay.close()
