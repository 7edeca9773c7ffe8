"""Models of what a line does to a transmission, each of octets with even parity."""

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

from attrs import field, frozen

from gateway.protocol.characters import with_even_parity, without_parity, xor_check
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.messages import DataBlock, encode

_BRACKET = re.compile(rb"\([^)]*\)")
_DIGIT = re.compile(rb"[0-9]")
_TO_DIGIT = bytes(48 + octet % 10 for octet in range(256))
_MOST_FLIPS = 400
LINE_END = b"\r\n"


@frozen(eq=False)
class Sent:
    """One transmission of a meter: `octets` with parity from STX to the check character, where its digits stand."""

    body: bytes
    read_at: datetime
    heard_at: float
    sets: tuple[DataSet, ...] = field(init=False)
    octets: bytes = field(init=False)
    stripped: bytes = field(init=False)
    digits: tuple[int, ...] = field(init=False)
    _digit_mask: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        frame = encode(DataBlock(self.body))
        places = tuple(
            bracket.start() + digit.start()
            for bracket in _BRACKET.finditer(frame)
            for digit in _DIGIT.finditer(bracket[0])
        )
        mask = bytearray(len(frame))
        for place in places:
            mask[place] = 0xFF
        object.__setattr__(self, "sets", parse_block(self.body))
        object.__setattr__(self, "stripped", frame)
        object.__setattr__(self, "octets", with_even_parity(frame))
        object.__setattr__(self, "digits", places)
        object.__setattr__(self, "_digit_mask", int.from_bytes(mask, "big"))

    def with_other_values(self, chance: random.Random) -> bytes:
        """What a meter of the same print sends whose values have nothing to do with these, without its check."""
        length = len(self.stripped)
        digits = int.from_bytes(chance.randbytes(length).translate(_TO_DIGIT), "big")
        own = int.from_bytes(self.stripped, "big")
        return (digits & self._digit_mask | own & ~self._digit_mask).to_bytes(length, "big")[:-1]


Noise = Callable[[Sent, random.Random], bytes]


def _flip(octets: bytes, bits: Sequence[int]) -> bytes:
    damaged = bytearray(octets)
    for bit in bits:
        damaged[bit >> 3] ^= 1 << (bit & 7)
    return bytes(damaged)


def flipped_bits(count: int) -> Noise:
    """So many bits at any places."""

    def noise(sent: Sent, chance: random.Random) -> bytes:
        return _flip(sent.octets, chance.sample(range(8 * len(sent.octets)), count))

    return noise


@lru_cache(maxsize=64)
def _chances_of_flips(bits: int, rate: float) -> tuple[float, ...]:
    """How likely are at most 1, 2, 3 … flipped bits where there is at least one."""
    none = one = (1 - rate) ** bits
    chances = []
    for count in range(1, min(bits, _MOST_FLIPS) + 1):
        one *= (bits - count + 1) / count * rate / (1 - rate)
        chances.append(one / (1 - none))
    return tuple(accumulate(chances))


def bit_errors(rate: float) -> Noise:
    """Each bit flips with the same chance, and one at least does."""

    def noise(sent: Sent, chance: random.Random) -> bytes:
        bits = 8 * len(sent.octets)
        count = bisect_left(_chances_of_flips(bits, rate), chance.random()) + 1
        return _flip(sent.octets, chance.sample(range(bits), count))

    return noise


def burst(sent: Sent, chance: random.Random) -> bytes:
    """Two to thirty random octets in place of what was sent."""
    length = chance.randint(2, 30)
    begin = chance.randrange(len(sent.octets) - length + 1)
    return sent.octets[:begin] + chance.randbytes(length) + sent.octets[begin + length :]


def lost_run(sent: Sent, chance: random.Random) -> bytes:
    """One to four characters lost in a row."""
    length = chance.randint(1, 4)
    begin = chance.randrange(len(sent.octets) - length + 1)
    return sent.octets[:begin] + sent.octets[begin + length :]


def lost_here_and_there(sent: Sent, chance: random.Random) -> bytes:
    """Two or four characters lost, each by itself."""
    left = bytearray(sent.octets)
    for place in sorted(chance.sample(range(len(left)), chance.choice((2, 4))), reverse=True):
        del left[place]
    return bytes(left)


def doubled(sent: Sent, chance: random.Random) -> bytes:
    """One to sixteen characters that come twice."""
    begin = chance.randrange(len(sent.octets))
    run = sent.octets[begin : begin + chance.randint(1, 16)]
    return sent.octets[:begin] + run + sent.octets[begin:]


def swapped_lines(sent: Sent, chance: random.Random) -> bytes:
    """Two lines in each other's place."""
    lines = sent.stripped[1:-1].split(LINE_END)
    one, other = chance.sample(range(len(lines) - 2), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return sent.octets[:1] + with_even_parity(LINE_END.join(lines)) + sent.octets[-1:]


def _collided(sent: Sent, other: bytes) -> bytes:
    """Both at once on a line where a space wins over a mark."""
    octets = with_even_parity(other + bytes((xor_check(other[1:]),)))
    both = int.from_bytes(sent.octets, "big") & int.from_bytes(octets, "big")
    return both.to_bytes(len(octets), "big")


def collision(sent: Sent, chance: random.Random) -> bytes:
    """Another meter of the same print talks too; its values have nothing to do with these."""
    return _collided(sent, sent.with_other_values(chance))


def near_collision(sent: Sent, chance: random.Random) -> bytes:
    """Another meter talks too whose block differs in eight digits."""
    return _collided(sent, _substituted(sent, chance, 8)[:-1])


def _substituted(sent: Sent, chance: random.Random, count: int) -> bytes:
    characters = bytearray(sent.stripped)
    for place in chance.sample(sent.digits, count):
        characters[place] = 48 + (characters[place] - 48 + chance.randrange(1, 10)) % 10
    return bytes(characters)


def other_digits(sent: Sent, chance: random.Random) -> bytes:
    """Two to four digits become others, all with right parity."""
    return with_even_parity(_substituted(sent, chance, chance.randint(2, 4)))


def rectangle(sent: Sent, chance: random.Random) -> bytes:
    """The same two bits of two characters flip: neither parity nor the check can see it."""
    one, other = chance.sample(range(1, len(sent.octets)), 2)
    left, right = chance.sample(range(8), 2)
    return _flip(sent.octets, (8 * one + left, 8 * one + right, 8 * other + left, 8 * other + right))


def garbage(sent: Sent, chance: random.Random) -> bytes:
    """Random octets between STX and ETX."""
    return sent.octets[:1] + chance.randbytes(len(sent.octets) - 3) + sent.octets[-2:-1] + chance.randbytes(1)


MODELS: dict[str, Noise] = {
    "1 flipped bit": flipped_bits(1),
    "2 flipped bits": flipped_bits(2),
    "3 flipped bits": flipped_bits(3),
    "bit error rate 1e-4": bit_errors(1e-4),
    "bit error rate 1e-3": bit_errors(1e-3),
    "bit error rate 1e-2": bit_errors(1e-2),
    "burst of 2-30 characters": burst,
    "1-4 characters lost in a row": lost_run,
    "2 or 4 characters lost": lost_here_and_there,
    "1-16 characters doubled": doubled,
    "2 lines swapped": swapped_lines,
    "collision": collision,
    "collision, 8 digits differ": near_collision,
    "2-4 other digits": other_digits,
    "4 bits in a rectangle": rectangle,
    "random octets": garbage,
}


def is_damaged(sent: Sent, octets: bytes) -> bool:
    """The characters are not those that were sent."""
    return without_parity(octets) != sent.stripped
