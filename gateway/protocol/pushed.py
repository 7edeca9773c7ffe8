"""A telegram that a meter sends unasked: its octets, its data, the print that it repeats (protocol.md 5.5, 5.6)."""

from functools import cached_property
from typing import Self

from attrs import field, frozen

from gateway.protocol.characters import CR_LF, BlockCheck, ReceivedParity
from gateway.protocol.check import CheckKind, crc16, crc16_of_octets
from gateway.protocol.datablock import DataSet, Layout, parse_block
from gateway.protocol.messages import DataBlock, Identification, encode

_LOOSE_DIGITS = bytes(0xF0 if chr(octet) in "0123456789" else 0xFF for octet in range(128)) + b"\xff" * 128
_CRC_LINE_END = 6  # octets: four hexadecimal digits, CR LF


@frozen
class PushedTelegram:
    """One whole telegram of mode D or DSMR P1, its check found to fit where it carries one.

    `body` holds the 7-bit characters of its data up to the line end after `!`, without the digits of a CRC; where it is
    `framed`, all between STX and ETX. `check` is how it was checked: by the character after ETX (XOR, SUM7), by the
    digits after `!` (CRC16), or not at all. `parity` is what bit 7 of it told, `layout` the learned layout that the
    body was found to fit, if any.
    """

    identification: Identification
    body: bytes
    check: CheckKind = CheckKind.NONE
    framed: bool = False
    has_empty_line: bool = True
    parity: ReceivedParity = field(default=ReceivedParity.STRIPPED, eq=False)
    layout: Layout | None = field(default=None, eq=False, repr=False)

    @property
    def is_checked(self) -> bool:
        """Damage would have shown."""
        return self.check is not CheckKind.NONE

    @cached_property
    def sets(self) -> tuple[DataSet, ...]:
        """Its data sets in the order of the wire; raises Garbled (E-READ-7) beyond the limits."""
        return parse_block(self.body) if self.layout is None else self.layout.sets(self.body)

    @property
    def values(self) -> tuple[str, ...]:
        """The contents of all brackets in the order of the wire; raises as `sets` does."""
        if self.layout is None:
            return tuple(content for data_set in self.sets for content in data_set.raw)
        return self.layout.values(self.body)


def encode_pushed(telegram: PushedTelegram) -> bytes:
    """The 7-bit characters that a tariff device sends for a telegram, its check made anew."""
    head = telegram.identification.raw.encode("latin-1") + CR_LF * (1 + telegram.has_empty_line)
    if telegram.framed:
        kind = BlockCheck.SUM7 if telegram.check is CheckKind.SUM7 else BlockCheck.XOR
        return head + encode(DataBlock(telegram.body), kind if telegram.is_checked else BlockCheck.NONE)
    if telegram.check is not CheckKind.CRC16:
        return head + telegram.body
    covered = head + telegram.body.rstrip(CR_LF)
    return covered + _crc_line_end(crc16(covered))


@frozen(eq=False)
class Print:
    """What the telegrams of one meter look like, CRC included: a fixed print in which only digits change.

    `octets` is the length from `/` to the line end after the CRC.
    """

    octets: int
    _usual: PushedTelegram
    _layout: Layout
    _data_at: int
    _mask: int
    _template: int

    @classmethod
    def of(cls, message: bytes, telegram: PushedTelegram, layout: Layout) -> Self | None:
        """The print of a whole telegram whose body fits the layout; None where no CRC of the usual form ends it."""
        covered, body = message[:-_CRC_LINE_END], telegram.body.rstrip(CR_LF)
        is_usual = telegram.check is CheckKind.CRC16 and message[-_CRC_LINE_END:] == _crc_line_end(crc16(covered))
        if not is_usual or not covered.endswith(body):
            return None
        data_at = len(covered) - len(body)
        mask = bytearray(b"\xff" * len(covered))
        for span in layout.spans:
            place = slice(data_at + span.start, data_at + span.stop)
            mask[place] = covered[place].translate(_LOOSE_DIGITS)
        loose = int.from_bytes(mask, "little")
        return cls(len(message), telegram, layout, data_at, loose, int.from_bytes(covered, "little") & loose)

    def telegram(self, message: bytes) -> PushedTelegram | None:
        """The telegram of `octets` octets that is this print with other digits, its CRC fitting; else None."""
        end = self.octets - _CRC_LINE_END
        # One number serves both the comparison with the print and the CRC.
        number = int.from_bytes(message[:end], "little")
        if number & self._mask != self._template or message[end:] != _crc_line_end(crc16_of_octets(number, end)):
            return None
        usual, body = self._usual, message[self._data_at : end] + CR_LF
        return PushedTelegram(
            usual.identification, body, CheckKind.CRC16, has_empty_line=usual.has_empty_line, layout=self._layout
        )


def _crc_line_end(crc: int) -> bytes:
    return b"%04X\r\n" % crc
