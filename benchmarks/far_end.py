"""Meters behind TCP ports of their own that answer at once, as a process beside the gateway.

`python -m benchmarks.far_end COUNT BLOCKS` prints one line of JSON, a list of [port, serial number], then answers till
killed. Answers are canned: BLOCKS for each meter, encoded once from the simulator's nameplates, so that this process is
faster than any reader of it. From one block to the next the meter has counted on for SECONDS_BETWEEN_BLOCKS.
"""

import json
import random
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import define, frozen

from benchmarks.limits import allow_open_files
from gateway.protocol.characters import Mode, with_even_parity
from gateway.protocol.messages import DataBlock, encode
from gateway.simulator import Nameplate
from gateway.simulator.household import household_registers

HOST = "127.0.0.1"
REGISTERS = 16
SECONDS_BETWEEN_BLOCKS = 900.0
MOST_OCTETS = 4096
_SLASH = ord("/")
_ROOT = Path(__file__).parents[1]
START = datetime(2026, 1, 1)  # noqa: DTZ001 - meters print local time


@frozen
class FarMeter:
    """A meter of the other process, reachable at `port`."""

    port: int
    serial: str


@define
class Replies:
    """What one meter says: its identification to a sign-on, else its next data message."""

    identification: bytes
    blocks: Iterator[bytes]

    def to(self, octets: bytes) -> bytes:
        """The answer to one message of a reader."""
        return self.identification if octets[0] & 0x7F == _SLASH else next(self.blocks)


def plate_of(number: int) -> Nameplate:
    """A mode C meter with the quick reaction class, whose offered speed is 9600 Bd."""
    chance = random.Random(number)  # noqa: S311 - data, no secret
    serial = f"{10_000_000 + number}"
    return Nameplate(serial, Mode.C, "XMp", "VERBA-3.5", household_registers(chance, serial, START, REGISTERS))


def message_of(plate: Nameplate, number: int) -> bytes:
    """The data message that a meter says at its readout of that number."""
    return with_even_parity(encode(DataBlock(plate.block(number * SECONDS_BETWEEN_BLOCKS))))


def replies_of(plate: Nameplate, blocks: int) -> Replies:
    """All that a meter will ever say."""
    messages = [message_of(plate, number) for number in range(blocks)]
    return Replies(with_even_parity(encode(plate.identification)), iter(messages))


@contextmanager
def far_meters(count: int, blocks: int) -> Iterator[Sequence[FarMeter]]:
    """Starts the process, whose meters can be read so often; ends it with the block."""
    command = [sys.executable, "-m", "benchmarks.far_end", str(count), str(blocks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:  # noqa: S603 - our own
        try:
            told = process.stdout.readline() if process.stdout else ""
            yield [FarMeter(port, serial) for port, serial in json.loads(told)]
        finally:
            process.kill()


def serve(count: int, blocks: int) -> None:
    """Listens on one port a meter, tells them, answers for ever."""
    allow_open_files(2 * count)
    selector, told = selectors.DefaultSelector(), []
    for number in range(count):
        listener, plate = socket.create_server((HOST, 0)), plate_of(number)
        selector.register(listener, selectors.EVENT_READ, replies_of(plate, blocks))
        told.append((listener.getsockname()[1], plate.serial))
    print(json.dumps(told), flush=True)
    listeners = {key.fd for key in selector.get_map().values()}
    while True:
        for key, _ in selector.select():
            # Only sockets are registered, each with its replies.
            ready, replies = key.fileobj, key.data
            if not isinstance(ready, socket.socket) or not isinstance(replies, Replies):
                raise TypeError(key)
            if key.fd in listeners:
                connection, _ = ready.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ, replies)
            elif octets := ready.recv(MOST_OCTETS):
                ready.sendall(replies.to(octets))
            else:
                selector.unregister(ready)
                ready.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
