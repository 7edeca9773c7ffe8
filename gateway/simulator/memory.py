"""A line in memory to a simulated bus, for virtual time."""

import anyio

from gateway.protocol.characters import OPENING_SPEED, SEVEN_EVEN_ONE, with_even_parity
from gateway.protocol.timing import T_A, wire_time
from gateway.simulator.bus import SimulatedBus


class MemoryLine:
    """A `gateway.line.base.Line` whose far end is a simulated bus; it needs no task of its own.

    `sent` and `received` record what passed: the moment of its first octet, or the one when it was taken; the octets;
    the speed in baud. `makes_parity`: octets carry even parity, as on a serial port; else they are plain.
    """

    def __init__(
        self,
        bus: SimulatedBus,
        *,
        name: str = "memory",
        speed: int = OPENING_SPEED,
        makes_parity: bool = True,
        can_change_speed: bool = True,
    ) -> None:
        self.name = name
        self.speed = speed
        self.can_change_speed = can_change_speed
        self.character_bits = SEVEN_EVEN_ONE.bits
        self.character_gap = T_A
        self.time_scale = bus.time_scale
        self.quiet_since = anyio.current_time()
        self.octets_sent = 0
        self.octets_received = 0
        self.sent: list[tuple[float, bytes, int]] = []
        self.received: list[tuple[float, bytes, int]] = []
        self._bus = bus
        self._makes_parity = makes_parity
        self._arrived = bytearray()
        self._heard = anyio.Event()

    async def send(self, data: bytes) -> None:
        """See `Line.send`."""
        octets = with_even_parity(data) if self._makes_parity else data
        begin = anyio.current_time()
        self.sent.append((begin, octets, self.speed))
        await anyio.sleep_until(begin + wire_time(len(octets), self.speed, self.character_bits) / self.time_scale)
        self._bus.hear(octets, begin, self.speed)
        self.octets_sent += len(octets)
        self.quiet_since = anyio.current_time()
        self._heard.set()
        self._heard = anyio.Event()

    async def receive(self) -> bytes:
        """See `Line.receive`; this line never hangs up."""
        await anyio.lowlevel.checkpoint()
        while not self._take():
            with anyio.CancelScope(deadline=self._bus.next_due):
                await self._heard.wait()
        octets = bytes(self._arrived)
        self._arrived.clear()
        self.octets_received += len(octets)
        self.quiet_since = anyio.current_time()
        self.received.append((self.quiet_since, octets, self.speed))
        return octets

    async def set_speed(self, baud: int) -> None:
        """See `Line.set_speed`; what has arrived before was received at the old speed."""
        await anyio.lowlevel.checkpoint()
        if baud != self.speed and not self.can_change_speed:
            raise ValueError(f"{self.name} stays at {self.speed} Bd")
        self._take()
        self.speed = baud

    async def aclose(self) -> None:
        """See `Line.aclose`."""
        await anyio.lowlevel.checkpoint()
        self._bus.hang_up()

    def _take(self) -> bool:
        self._arrived += self._bus.take(anyio.current_time(), self.speed)
        return bool(self._arrived)
