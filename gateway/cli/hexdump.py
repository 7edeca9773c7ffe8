"""The octets of a hex dump, in any of the usual forms."""

import re

from attrs import define

_OFFSET_WITH_COLON = re.compile(r"\s*[0-9A-Fa-f]+:")
_WIDE_OFFSET = re.compile(r"\s*[0-9A-Fa-f]{6,16}(?=  |\t)")
_LONE_OFFSET = re.compile(r"\s*[0-9A-Fa-f]{6,16}\s*")
_TEXT_COLUMN = re.compile(r"\s{2,}.*")
_OCTETS = re.compile(r"(?:0[xX])?((?:[0-9A-Fa-f]{2})+)")
_SEPARATOR = re.compile(r"[\s,;]+")


class NotHexadecimal(ValueError):
    """A line that is no part of a hex dump: its number, counted from 1, and its first strange word."""

    def __init__(self, line: int, word: str) -> None:
        super().__init__(f'line {line}: "{word}" is no octet in hexadecimal')


@define
class _Dump:
    """What the lines read so far tell of the form."""

    has_offsets: bool = False

    def octets(self, number: int, line: str) -> bytes:
        """The octets of one line, its offset and its text column left out."""
        data = line.partition("|")[0].partition("#")[0].rstrip()
        if offset := _OFFSET_WITH_COLON.match(data):
            # Such dumps part the text column by two blanks.
            data = _TEXT_COLUMN.sub("", data[offset.end() :].lstrip())
        elif self.has_offsets and _LONE_OFFSET.fullmatch(data):
            return b""
        elif offset := _WIDE_OFFSET.match(data):
            self.has_offsets = True
            data = data[offset.end() :]
        words = [(word, _OCTETS.fullmatch(word)) for word in _SEPARATOR.split(data) if word]
        strange = next((word for word, found in words if found is None), None)
        if strange is not None:
            raise NotHexadecimal(number, strange)
        return b"".join(bytes.fromhex(found[1]) for _, found in words if found)


def octets_of(dump: str) -> bytes:
    """The octets of a dump: plain hexadecimal with blanks or without, or with offsets as of xxd and hexdump -C.

    Raises NotHexadecimal for the first line that is none.
    """
    form = _Dump()
    return b"".join(form.octets(number, line) for number, line in enumerate(dump.splitlines(), 1))
