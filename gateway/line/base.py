"""The interface of a line: one half-duplex way to the meters that hang on it."""

from typing import Protocol, assert_never

import anyio

from gateway.protocol.characters import Parity, flip_parity, with_even_parity, with_odd_parity
from gateway.protocol.timing import wire_time
from gateway.site.model import LineSettings

ADVICE_WHEN_LOST = "look at cable and power, at the device server's idle time-out, and for a second client"


class Line(Protocol):
    """One opened serial port or TCP endpoint; exactly one task talks on it.

    `name` stands in messages, `speed` is the present one in baud.
    `can_change_speed` is False where only the far end's settings count.
    `character_bits` is what one character takes on the wire, in bit times.
    `character_gap` is the longest pause between two characters of one message, in seconds.
    `time_scale` divides every time of the wire: 1 but for simulated lines.
    `quiet_since` is the clock when the last octet was sent or received, at first when the line was opened.
    `octets_sent` and `octets_received` count since the line was opened.
    """

    name: str
    speed: int
    can_change_speed: bool
    character_bits: int
    character_gap: float
    time_scale: float
    quiet_since: float
    octets_sent: int
    octets_received: int

    async def send(self, data: bytes) -> None:
        """Sends 7-bit characters, with parity bits where this line makes them; returns when the last bit has left.

        Raises LineLost when the line hangs up.
        """

    async def receive(self) -> bytes:
        """The next octets as they came, at least one, odd parity turned into even; raises LineLost at hang-up."""

    async def set_speed(self, baud: int) -> None:
        """Changes the speed of both directions; only where `can_change_speed`. Raises LineLost."""

    async def aclose(self) -> None:
        """Gives the line back, `serial_close_delay` after its last octet."""


class PhysicalLine:
    """What an open port and an open connection have in common: the facts of `Line`, parity bits made in software."""

    def __init__(self, settings: LineSettings, *, makes_parity: bool, character_gap: float) -> None:
        self.settings = settings
        self.name = settings.alias or str(settings.endpoint)
        self.speed = settings.baudrate
        self.can_change_speed = settings.can_change_speed
        self.character_bits = settings.format.bits
        self.character_gap = character_gap
        self.time_scale = settings.time_scale
        self.quiet_since = anyio.current_time()
        self.octets_sent = 0
        self.octets_received = 0
        self._parity = settings.format.parity if makes_parity else Parity.NONE

    def outgoing(self, characters: bytes) -> bytes:
        """The octets to send for 7-bit characters."""
        match self._parity:
            case Parity.EVEN:
                return with_even_parity(characters)
            case Parity.ODD:
                return with_odd_parity(characters)
            case Parity.NONE:
                return characters
            case _:
                assert_never(self._parity)

    def transmission(self, octets: int) -> float:
        """Seconds that so many octets take on this wire."""
        return wire_time(octets, self.speed, self.character_bits) / self.time_scale

    def count_sent(self, octets: int) -> None:
        """The last bit of so many octets has just left."""
        self.octets_sent += octets
        self.quiet_since = anyio.current_time()

    def received(self, octets: bytes) -> bytes:
        """Octets that have just come, with even parity for the session to judge."""
        self.octets_received += len(octets)
        self.quiet_since = anyio.current_time()
        return flip_parity(octets) if self._parity is Parity.ODD else octets

    async def rest(self) -> None:
        """Waits out `serial_close_delay` since the last octet."""
        await anyio.sleep_until(self.quiet_since + self.settings.serial_close_delay / 1000 / self.time_scale)
