"""The voice of a simulated meter: what becomes of its messages on the way to the wire."""

import random

from attrs import frozen

from gateway.protocol.characters import BlockCheck, with_even_parity
from gateway.protocol.messages import Break, Command, DataBlock, Message
from gateway.protocol.timing import T_R_MIN, T_R_MIN_FAST, wire_time
from gateway.simulator.fault import Fault
from gateway.simulator.plate import Nameplate

# Beyond the standard's 1.5 s at its worst, yet within the time-out that most readers have.
SLOW_REACTION = (1.2, 2.4)
_SPURIOUS_OCTETS = bytes((0x00, 0xFF))
_EXPOSED_OCTETS = 100  # noise strikes a message of so many octets or more at its full rate, a shorter one less
_SPURIOUS_SHARE = 0.25
_DIGITS = b"0123456789"


@frozen
class Answer:
    """Octets that a meter says, `pause` seconds after the octet heard or said last, at `speed` baud."""

    octets: bytes
    pause: float
    speed: int


class Voice:
    """Makes answers of a meter's messages, damaged as its faults want it; equal seeds give equal faults."""

    def __init__(self, plate: Nameplate, seed: str, time_scale: float, *, has_parity: bool) -> None:
        self._plate = plate
        self._time_scale = time_scale
        self._has_parity = has_parity
        self._chance = random.Random(f"{seed}/{plate.serial}")  # noqa: S311 - repeatable on purpose

    def answer(self, message: Message, octets: bytes, speed: int, *, is_cut: bool = False) -> Answer:
        """A message, whose characters are `octets`, as it leaves the meter; `is_cut`: it stops in the middle."""
        is_framed = isinstance(message, Command | Break) or (isinstance(message, DataBlock) and message.framed)
        is_checked = is_framed and self._plate.check is not BlockCheck.NONE
        if is_checked and not isinstance(message, Break) and self.strikes(Fault.BAD_CHECK):
            octets = octets[:-1] + bytes((octets[-1] ^ self._chance.randrange(1, 0x80),))
        if isinstance(message, DataBlock) and self.strikes(Fault.DIGITS):
            octets = self.with_other_digits(octets)
        if self._has_parity:
            octets = with_even_parity(octets)
        if self.strikes(Fault.NOISE, exposure=len(octets) / _EXPOSED_OCTETS):
            octets = self.noisy(octets, may_flip=self._has_parity or is_checked)
        if is_cut or (isinstance(message, DataBlock) and self.strikes(Fault.CUT)):
            octets = octets[: self._chance.randrange(1, len(octets))]
        usual = T_R_MIN_FAST if self._plate.identification.is_fast else T_R_MIN
        pause = usual if self._plate.reaction is None else self._plate.reaction
        if self.strikes(Fault.SLOW):
            pause = self._chance.uniform(*SLOW_REACTION)
        return Answer(octets, pause / self._time_scale, speed)

    def duration(self, answer: Answer) -> float:
        """Seconds from the octet before the answer to its last."""
        return answer.pause + wire_time(len(answer.octets), answer.speed) / self._time_scale

    def strikes(self, fault: Fault, exposure: float = 1.0) -> bool:
        """True where chance wants it: at the fault's rate, or less for a message that is exposed less."""
        rate = self._plate.faults.get(fault, 0.0)
        return rate > 0 and self._chance.random() < 1 - (1 - rate) ** min(exposure, 1.0)

    def with_other_digits(self, octets: bytes) -> bytes:
        """Two digits with the same bits flipped, so that an XOR of all octets stays; as they are where none fit."""
        bits = self._chance.randrange(1, 8)
        # The last octet may be the block check, which is no digit of the data.
        places = [place for place, octet in enumerate(octets[:-1]) if octet in _DIGITS and octet ^ bits in _DIGITS]
        changed = bytearray(octets)
        for place in self._chance.sample(places, 2) if len(places) > 1 else ():
            changed[place] ^= bits
        return bytes(changed)

    def noisy(self, octets: bytes, *, may_flip: bool) -> bytes:
        """One bit flipped, or spurious octets in front; never damage that neither parity nor block check can show."""
        if not may_flip or self._chance.random() < _SPURIOUS_SHARE:
            return bytes(self._chance.choices(_SPURIOUS_OCTETS, k=self._chance.randint(1, 3))) + octets
        place = self._chance.randrange(len(octets))
        bit = 1 << self._chance.randrange(8 if self._has_parity else 7)
        return octets[:place] + bytes((octets[place] ^ bit,)) + octets[place + 1 :]
