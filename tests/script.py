"""A far end that says what a test has written down, in virtual time."""

from collections.abc import Sequence

from attrs import frozen

from gateway.protocol.characters import with_even_parity
from gateway.simulator import SimulatedBus


@frozen
class Say:
    """Octets that the far end says, so many seconds after what was heard or said last; 7-bit ones get their parity."""

    octets: bytes
    speed: int = 300
    pause: float = 0.2


class Script(SimulatedBus):
    """A far end that answers each sending of the reader by the next of its turns, whatever was sent."""

    def __init__(self, *turns: Sequence[Say], time_scale: float = 1.0) -> None:
        super().__init__([], time_scale=time_scale)
        self.turns = list(turns)
        self.words: list[bytes] = []

    def hear(self, octets: bytes, begin: float, speed: int) -> None:
        moment = self._transmission(begin, octets, speed).end
        for say in self.turns.pop(0) if self.turns else ():
            begin = moment + say.pause / self.time_scale
            octets = with_even_parity(say.octets) if say.octets.isascii() else say.octets
            said = self._transmission(begin, octets, say.speed)
            self._transmissions.append(said)
            moment = said.end
