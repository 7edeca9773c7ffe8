"""The data sets of a block, read by a general parser or by the layout that one meter repeats (protocol.md 3.8)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter

from attrs import define

from gateway.errors import Garbled
from gateway.protocol.characters import STX, xor_of_octets

# Practical limits (protocol.md 3.8), so that no block costs unbounded memory or time.
BLOCK_LIMIT = 256 * 1024  # the longest load profiles stay below half of it
LINE_LIMIT = 2048  # a line of several long texts; the standard allows 78
VALUE_LIMIT = 1024  # the longest text of a home-area port
DATA_SET_LIMIT = 4000  # forty days of quarter hours, one row a data set

_NOT_BRACKETS = bytes(octet for octet in range(256) if octet not in b"()")
_NOT_DELIMITERS = bytes(octet for octet in range(256) if octet not in b"()*!\r\n\x02\x03\x04")
_LINE_END = re.compile(r"[\r\n]+")
_HEXADECIMAL_WORD = re.compile(rb"(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{2,}")
_BRACKET = re.compile(r"[()]")
_DIGIT = re.compile(rb"[0-9]")
_MESSAGE = b"%b%b%b%b"  # STX, body, ETX, block check
_MESSAGE_EXTRA = 3


@define
class DataSet:
    """One register as printed: its address (may be empty) and the contents of its brackets, in the order of the wire.

    A line of text without brackets is a data set whose address is the line and whose `raw` is empty.
    """

    address: str
    raw: tuple[str, ...]


def parse_block(body: bytes) -> tuple[DataSet, ...]:
    """Every data set of a block's 7-bit characters, in the order of the wire; nothing is dropped.

    Raises Garbled (E-READ-7) beyond the limits of block, line, value or number of data sets.
    """
    longest_line = _longest_line(body)
    text = _without_end_mark(body)
    brackets = body.translate(None, _NOT_BRACKETS)
    pieces = text.replace(")", "(").split("(")
    contents = pieces[1::2]
    if brackets == b"()" * len(contents) and not _has_line_end("".join(contents)):
        sets = _flat_sets(pieces[::2], contents)
    else:
        nested = (data_set for line in _LINE_END.split(text) for data_set in _nested_sets(line))
        sets = list(islice(nested, DATA_SET_LIMIT + 1))
    _check_number(len(sets))
    if longest_line > VALUE_LIMIT:
        _check_values(sets)
    return tuple(sets)


def _flat_sets(between: Sequence[str], contents: Sequence[str]) -> list[DataSet]:
    """The data sets of brackets without brackets or line ends in them, given what stands between and after these."""
    if len(contents) > DATA_SET_LIMIT:
        _check_number(sum(map(bool, between[:-1])))
    sets, following = list[DataSet](), list[str]()
    for prefix, content in zip(between, contents, strict=False):
        if not prefix and sets:
            following.append(content)
            continue
        if following:
            sets[-1].raw += tuple(following)
            following.clear()
        address = prefix.strip()
        if not address.isprintable():
            *stray, address = (line.strip() for line in _LINE_END.split(prefix))
            sets += _text_lines(stray)
        sets.append(DataSet(address, (content,)))
    if following:
        sets[-1].raw += tuple(following)
    return sets + _text_lines(_LINE_END.split(between[-1]))


def _text_lines(lines: Iterable[str]) -> list[DataSet]:
    texts = islice((text for line in lines if (text := line.strip())), DATA_SET_LIMIT + 1)
    return [DataSet(text, ()) for text in texts]


def _nested_sets(line: str) -> list[DataSet]:
    """The data sets of one line whose brackets may hold brackets; a line that does not balance is kept as text."""
    pairs = _outer_brackets(line)
    rest = 0 if not pairs else pairs[-1][1] + 1
    if pairs is None or line[rest:].strip():
        return [DataSet(line.strip(), ())]
    between, contents, position = list[str](), list[str](), 0
    for opening, closing in pairs:
        between.append(line[position:opening].strip())
        contents.append(line[opening + 1 : closing])
        position = closing + 1
    return _flat_sets([*between, ""], contents)


def _outer_brackets(line: str) -> list[tuple[int, int]] | None:
    """Where the outermost brackets open and close; None when they do not balance."""
    pairs, depth, opening = list[tuple[int, int]](), 0, 0
    for bracket in _BRACKET.finditer(line):
        if bracket[0] == "(":
            opening = opening if depth else bracket.start()
            depth += 1
            continue
        depth -= 1
        if depth < 0:
            return None
        if depth == 0:
            pairs.append((opening, bracket.start()))
    return None if depth else pairs


def _longest_line(body: bytes) -> int:
    """The length of the longest line, or of the whole block where that is no more than a value may have."""
    if len(body) > BLOCK_LIMIT:
        raise Garbled("E-READ-7", f"a block of {len(body):,} characters; the limit is {BLOCK_LIMIT:,}")
    longest = len(body) if len(body) <= VALUE_LIMIT else max(map(len, body.split(b"\n")))
    if longest > LINE_LIMIT:
        raise Garbled("E-READ-7", f"a line of {longest:,} characters; the limit is {LINE_LIMIT:,}")
    return longest


def _check_number(sets: int) -> None:
    if sets > DATA_SET_LIMIT:
        raise Garbled("E-READ-7", f"more than {DATA_SET_LIMIT:,} data sets in one block")


def _check_values(sets: Iterable[DataSet]) -> None:
    longest = max((len(content) for data_set in sets for content in data_set.raw), default=0)
    if longest > VALUE_LIMIT:
        raise Garbled("E-READ-7", f"a value of {longest:,} characters; the limit is {VALUE_LIMIT:,}")


def _without_end_mark(body: bytes) -> str:
    text = body.decode("latin-1").rstrip()
    return text.removesuffix("!")


def _has_line_end(text: str) -> bool:
    return "\n" in text or "\r" in text


class Layout:
    """What one meter's block looks like: a fixed print in which only digits change.

    One comparison of big integers checks every address, unit, bracket and line end, and that each digit position
    still holds 0x30 to 0x3F, so that no delimiter can hide in a value. 0x3A to 0x3F pass: decoding refuses them.
    """

    def __init__(self, body: bytes, sets: Sequence[DataSet]) -> None:
        self.length = len(body)
        self.addresses = tuple(data_set.address for data_set in sets)
        self.spans = tuple(_spans(body, sets))
        self._counts = tuple(len(data_set.raw) for data_set in sets)
        self._is_plain = set(self._counts) <= {1}
        self._take: Callable[[str], tuple[str, ...]] = _slices(self.spans)
        # Both are made for the message from STX to its block check, which may be anything.
        mask, self._skeleton = _mask_of(body, self.spans)
        self._mask = int.from_bytes(_MESSAGE % (b"\xff", mask, b"\xff", b"\x00"), "big")
        self._template = self._message_of(body) & self._mask

    def fits(self, body: bytes) -> bool:
        """The block is the learned print with other digits."""
        return (
            len(body) == self.length
            and self._message_of(body) & self._mask == self._template
            and (self._skeleton is None or body.translate(None, _NOT_DELIMITERS) == self._skeleton)
        )

    def fits_message(self, message: bytes) -> bool:
        """The whole message from STX to its XOR block check is the learned print with other digits, and the check fits.

        Same as the check and `fits` one after the other, in half the time.
        """
        if len(message) != self.length + _MESSAGE_EXTRA:
            return False
        number = int.from_bytes(message, "big")
        return (
            number & self._mask == self._template
            # STX stands outside the block check's span, so it is what remains.
            and xor_of_octets(number, len(message)) == STX
            and (self._skeleton is None or message[1:-2].translate(None, _NOT_DELIMITERS) == self._skeleton)
        )

    @staticmethod
    def _message_of(body: bytes) -> int:
        return int.from_bytes(_MESSAGE % (b"\x02", body, b"\x03", b"\x00"), "big")

    def values(self, body: bytes) -> tuple[str, ...]:
        """The contents of all brackets of a block that fits, in the order of the wire."""
        return self._take(body.decode("latin-1"))

    def value(self, body: bytes, number: int) -> str:
        """The content of one bracket of a block that fits."""
        return body[self.spans[number]].decode("latin-1")

    def sets(self, body: bytes) -> tuple[DataSet, ...]:
        """The data sets of a block that fits; equal to what `parse_block` gives."""
        values = self.values(body)
        if self._is_plain:
            return tuple([DataSet(address, (value,)) for address, value in zip(self.addresses, values, strict=True)])
        remaining = iter(values)
        return tuple(
            DataSet(address, tuple(next(remaining) for _ in range(count)))
            for address, count in zip(self.addresses, self._counts, strict=True)
        )


def _spans(body: bytes, sets: Sequence[DataSet]) -> Iterator[slice]:
    """Where the bracket contents of already parsed data sets stand; nothing but blanks is skipped between them."""
    position = 0
    for data_set in sets:
        position = body.index(data_set.address.encode("latin-1"), position) + len(data_set.address)
        for content in data_set.raw:
            begin = body.index(b"(", position) + 1
            position = begin + len(content)
            yield slice(begin, position)
            position += 1


def _slices(spans: tuple[slice, ...]) -> Callable[[str], tuple[str, ...]]:
    match len(spans):
        case 0:
            return lambda _text: ()
        case 1:
            return lambda text: (text[spans[0]],)
        case _:
            return itemgetter(*spans)


def _mask_of(body: bytes, spans: Sequence[slice]) -> tuple[bytes, bytes | None]:
    """The mask of a template, and the delimiters in their order where hexadecimal words keep positions loose."""
    mask = bytearray(b"\xff" * len(body))
    is_loose = False
    for span in spans:
        content = body[span]
        for digit in _DIGIT.finditer(content):
            mask[span.start + digit.start()] = 0xF0
        if _HEXADECIMAL_WORD.fullmatch(content):
            mask[span] = bytes(len(content))
            is_loose = True
    return bytes(mask), body.translate(None, _NOT_DELIMITERS) if is_loose else None


class BlockParser:
    """Reads the blocks of one meter; from the second equal print on by its layout, with the same result."""

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self._seen_strange = False

    def sets(self, body: bytes, fitting: Layout | None = None) -> tuple[DataSet, ...]:
        """The data sets of a block, as `parse_block` gives them; raises what it raises.

        `fitting` is the layout that this block was already found to fit, if any.
        """
        if self.layout is not None and (fitting is self.layout or self.layout.fits(body)):
            self._seen_strange = False
            return self.layout.sets(body)
        sets = parse_block(body)
        # One strange block between two of the usual print does not cost the layout.
        if self._seen_strange:
            self.layout = Layout(body, sets)
        self._seen_strange = not self._seen_strange
        return sets
