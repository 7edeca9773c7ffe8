"""The place of a data set in the block that it was read from."""

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

from gateway.protocol.datablock import DataSet, parse_block

_DIGIT = re.compile("[0-9]")
_NUMBER = re.compile(r"[+-]?([0-9]+)(?:[.,]([0-9]*))?")


@frozen
class WirePlace:
    """One data set with where it stands: offsets of its begin and end, and of what each bracket holds.

    They count from the block's first character. `line` is the text of its first line, `line_number` counts from 1.
    """

    data_set: DataSet
    begin: int
    end: int
    contents: tuple[tuple[int, int], ...]
    line_number: int
    line: str


def places_in(body: bytes) -> tuple[WirePlace, ...]:
    """The place of every data set of a block, in the order of the wire."""
    return tuple(_places(body, parse_block(body)))


def _places(body: bytes, sets: Sequence[DataSet]) -> Iterator[WirePlace]:
    position = 0
    for data_set in sets:
        begin = body.index(data_set.address.encode("latin-1") or b"(", position)
        position = begin + len(data_set.address)
        contents = list[tuple[int, int]]()
        for content in data_set.raw:
            opened = body.index(b"(", position) + 1
            contents.append((opened, opened + len(content)))
            position = opened + len(content) + 1
        line_begin = body.rfind(b"\n", 0, begin) + 1
        line = body[line_begin:].split(b"\n", 1)[0].decode("latin-1").strip("\r")
        yield WirePlace(data_set, begin, position, tuple(contents), body.count(b"\n", 0, begin) + 1, line)


def form_of(content: str) -> str:
    """A print with every digit as 0."""
    return _DIGIT.sub("0", content)


def digits_of(content: str) -> tuple[int, int] | None:
    """How many digits a bracket prints before and behind the decimal point; None where it prints no number."""
    found = _NUMBER.fullmatch(content.partition("*")[0].strip())
    return None if found is None else (len(found[1]), len(found[2] or ""))
