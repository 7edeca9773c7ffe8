"""The check of a recorded telegram: what was sent, what was computed, what would fit (protocol.md 2.1, 5.6)."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import lru_cache

from attrs import frozen

from gateway.protocol.characters import CR_LF, BlockCheck, sum_check, without_parity, xor_check

# x^16 + x^15 + x^2 + 1 = (x + 1)(x^15 + x + 1): the second factor, reflected.
_FACTOR = 0xC001
_LINE_END = re.compile(rb"\r*\n")
_FIRST_LINE_END = re.compile(rb"\r?\n")


class CheckKind(StrEnum):
    """How a recorded telegram is checked; a pushed one may carry a CRC."""

    XOR = "xor"
    SUM7 = "sum7"
    CRC16 = "crc16"
    NONE = "none"


_KINDS = {BlockCheck.XOR: CheckKind.XOR, BlockCheck.SUM7: CheckKind.SUM7}
_FUNCTIONS: dict[CheckKind, Callable[[bytes], int]] = {CheckKind.XOR: xor_check, CheckKind.SUM7: sum_check}
_NAMES = {CheckKind.XOR: "the XOR check", CheckKind.SUM7: "the sum check"}


@frozen
class Check:
    """The verdict on one telegram: `sent` and `computed` are None where no check was sent.

    `is_guessed` tells that the kind was told by the telegram alone; `remedy` names what would make a wrong check fit.
    """

    kind: CheckKind
    sent: int | None = None
    computed: int | None = None
    is_guessed: bool = False
    remedy: str | None = None

    @property
    def ok(self) -> bool | None:
        """The check fits; None where there is none."""
        return None if self.kind is CheckKind.NONE else self.sent == self.computed

    @property
    def sent_text(self) -> str | None:
        """What was sent, in hexadecimal."""
        return self._hexadecimal(self.sent)

    @property
    def computed_text(self) -> str | None:
        """What was computed, in hexadecimal."""
        return self._hexadecimal(self.computed)

    def _hexadecimal(self, value: int | None) -> str | None:
        digits = 4 if self.kind is CheckKind.CRC16 else 2
        return None if value is None else f"{value:0{digits}X}"

    def __str__(self) -> str:
        """The verdict as a person reads it."""
        if self.sent is None:
            return "no check"
        name = "CRC" if self.kind is CheckKind.CRC16 else "block check"
        return f"{name}: sent {self.sent_text}, computed {self.computed_text}"


UNCHECKED = Check(CheckKind.NONE)


def block_check(covered: bytes, sent: int, check: BlockCheck | None) -> Check:
    """The verdict on a block's check character; `covered` runs from after SOH or STX to ETX or EOT.

    Without a known `check` it is XOR, or the sum where XOR fails and the sum fits.
    """
    kind = CheckKind.XOR if check is None else _KINDS[check]
    computed = _FUNCTIONS[kind](covered)
    if sent == computed:
        return Check(kind, sent, computed)
    if check is None and sent == sum_check(covered):
        return Check(CheckKind.SUM7, sent, sent, is_guessed=True)
    return Check(kind, sent, computed, remedy=_block_remedy(covered, sent, kind))


def _block_remedy(covered: bytes, sent: int, kind: CheckKind) -> str | None:
    restored = _LINE_END.sub(CR_LF, covered)
    for other in (kind, *(set(_FUNCTIONS) - {kind})):
        function = _FUNCTIONS[other]
        named = () if other is kind else (_NAMES[other],)
        if named and function(covered) == sent:
            return _NAMES[other]
        if function(restored) == sent:
            return " with ".join((*named, "CR LF restored"))
        if function(covered) == sent & 0x7F:
            return " with ".join((*named, "parity cut"))
    return None


def crc_check(telegram: bytes, sent: int) -> Check:
    """The verdict on a pushed telegram from `/` to `!`."""
    computed = crc16(telegram)
    remedy = (
        None if computed == sent else next((name for name, text in _restored(telegram) if crc16(text) == sent), None)
    )
    return Check(CheckKind.CRC16, sent, computed, remedy=remedy)


def _restored(telegram: bytes) -> Iterator[tuple[str, bytes]]:
    """What a recorder may have done to a telegram, undone."""
    with_ends = _LINE_END.sub(CR_LF, telegram)
    yield "CR LF restored", with_ends
    yield (
        "CR LF and the empty line after the identification restored",
        _FIRST_LINE_END.sub(CR_LF * 2, with_ends, count=1),
    )
    lines = telegram.replace(b" ", CR_LF)
    yield "CR LF restored in place of blanks", lines
    yield "CR LF restored in place of blanks", lines.replace(CR_LF, CR_LF * 2, 1)
    yield "parity cut", without_parity(telegram)


def crc16(data: bytes) -> int:
    """CRC-16/ARC: polynomial x^16+x^15+x^2+1, reflected, start 0 (protocol.md 5.6)."""
    return crc16_of_octets(int.from_bytes(data, "little"), len(data))


def crc16_of_octets(number: int, octets: int) -> int:
    """The CRC-16/ARC of so many octets, given as one little-endian number.

    The number is folded, because x^(15k) = x^k + 1 modulo the second factor for every power of two k.
    The first factor is the parity of all bits; both remainders together give the CRC.
    """
    parity = number.bit_count() & 1
    padding, folds = _folds(octets)
    number <<= padding
    for width, mask, power in folds:
        # The lowest bits are the highest powers: the CRC is reflected.
        high = number & mask
        number = (number >> width) ^ high ^ (high << power)
    return number if number.bit_count() & 1 == parity else number ^ _FACTOR


@lru_cache(maxsize=64)
def _folds(octets: int) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    """The zero bits to put before a message, then its folds down to 16 bits: bits cut off, their mask, the power k.

    One fold by k cuts 14k of at least 29k bits; 16 bits more than a multiple of seven octets come out even.
    """
    sevens = -(-octets // 7)
    count, folds = 4 * sevens, []
    while count:
        power = 1 << ((14 * count + 16) // 29).bit_length() - 1
        folds.append((14 * power, (1 << 14 * power) - 1, power))
        count -= power
    return 8 * (7 * sevens - octets), tuple(folds)
