"""Control characters, speed characters, parity, character formats, block checks of IEC 62056-21 (protocol.md 1, 2)."""

from collections.abc import Callable
from enum import Enum, StrEnum
from functools import lru_cache

from attrs import field, frozen, validators

NUL, SOH, STX, ETX, EOT, ACK, NAK = 0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
CR_LF = b"\r\n"

# protocol.md 1.3: the digits serve modes C and E, the letters mode B.
SPEEDS_MODE_C = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
SPEEDS_MODE_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
OPENING_SPEED = 300
SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


class Mode(StrEnum):
    """Connection modes of the standard (protocol.md 5)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class Parity(StrEnum):
    """The parity bit of a character on the wire."""

    NONE = "none"
    EVEN = "even"
    ODD = "odd"


@frozen
class CharacterFormat:
    """Data bits, parity, stop bits of the characters on a line; 7E1 unless a meter says otherwise (protocol.md 1.2)."""

    data_bits: int = field(default=7, validator=validators.in_((7, 8)))
    parity: Parity = Parity.EVEN
    stop_bits: int = field(default=1, validator=validators.in_((1, 2)))

    @property
    def bits(self) -> int:
        """Bit times a character takes on the wire, the start bit included."""
        return 1 + self.data_bits + (self.parity is not Parity.NONE) + self.stop_bits

    def __str__(self) -> str:
        return f"{self.data_bits}{self.parity.value[0].upper()}{self.stop_bits}"


SEVEN_EVEN_ONE = CharacterFormat()

_EVEN_OCTETS = bytes(octet for octet in range(256) if octet.bit_count() % 2 == 0)
_TO_SEVEN_BITS = bytes(octet & 0x7F for octet in range(256))
_TO_EVEN = bytes((octet & 0x7F) | ((octet & 0x7F).bit_count() % 2) << 7 for octet in range(256))
_TO_ODD = bytes(octet ^ 0x80 for octet in _TO_EVEN)
_FLIP = bytes(octet ^ 0x80 for octet in range(256))


def with_even_parity(data: bytes) -> bytes:
    """Each 7-bit character with its even parity in bit 7, as an 8N1 port must send 7E1 (example X20)."""
    return data.translate(_TO_EVEN)


def with_odd_parity(data: bytes) -> bytes:
    """Each 7-bit character with its odd parity in bit 7."""
    return data.translate(_TO_ODD)


def flip_parity(data: bytes) -> bytes:
    """Bit 7 of each octet inverted: turns odd parity into even and back."""
    return data.translate(_FLIP)


def without_parity(data: bytes) -> bytes:
    """The 7-bit characters of octets as they came."""
    return data.translate(_TO_SEVEN_BITS)


class ReceivedParity(Enum):
    """What bit 7 of the received octets of one message tells."""

    PRESENT = "present"
    STRIPPED = "stripped"
    BROKEN = "broken"


def judge_parity(data: bytes) -> ReceivedParity:
    """Even parity in every octet, bit 7 never set, or neither.

    Characters that all happen to weigh even with bit 7 clear fit both; they count as stripped.
    """
    if data.isascii():
        return ReceivedParity.STRIPPED
    return ReceivedParity.BROKEN if parity_errors(data) else ReceivedParity.PRESENT


def parity_errors(data: bytes) -> int:
    """How many octets do not carry even parity."""
    return len(data.translate(None, _EVEN_OCTETS))


_FOLD_STEP = 256
_UNMASKED = 64  # octets from which on folds need no mask


def xor_check(data: bytes) -> int:
    """The longitudinal parity of 7-bit characters: XOR of all (protocol.md 2.1)."""
    return xor_of_octets(int.from_bytes(data, "big"), len(data))


def xor_of_octets(number: int, octets: int) -> int:
    """The lower seven bits of the XOR of all octets of a number that has at most so many."""
    for bits, low in _folds(octets // _FOLD_STEP):
        number = (number >> bits) ^ (number & low)
    # Small numbers fold faster unmasked: what gathers above the lowest octet is cut at the end.
    number ^= number >> 256
    number ^= number >> 128
    number ^= number >> 64
    number ^= number >> 32
    number ^= number >> 16
    return (number ^ number >> 8) & 0x7F


@lru_cache(maxsize=64)
def _folds(steps: int) -> tuple[tuple[int, int], ...]:
    """Shift widths and masks that halve a number down to `_UNMASKED` octets; lengths within one step share them."""
    folds, octets = [], (steps + 1) * _FOLD_STEP
    while octets > _UNMASKED:
        octets = (octets + 1) // 2
        folds.append((8 * octets, (1 << 8 * octets) - 1))
    return tuple(folds)


def sum_check(data: bytes) -> int:
    """The vendors' arithmetic check: sum of all 7-bit characters modulo 128 (protocol.md 2.1)."""
    return sum(data) & 0x7F


class BlockCheck(StrEnum):
    """How the check character of a block is made."""

    XOR = "xor"
    SUM7 = "sum7"
    NONE = "none"

    def of(self, data: bytes) -> int | None:
        """The check character over what follows the first SOH or STX, up to ETX or EOT; None without check."""
        function = _CHECKS[self]
        return None if function is None else function(data)


_CHECKS: dict[BlockCheck, Callable[[bytes], int] | None] = {
    BlockCheck.XOR: xor_check,
    BlockCheck.SUM7: sum_check,
    BlockCheck.NONE: None,
}

XOR = BlockCheck.XOR
