"""The octets heard that are no message yet, cut into messages without being scanned twice (protocol.md 10)."""

import re

from attrs import frozen

from gateway.errors import Garbled
from gateway.protocol.characters import ACK, ETX, NAK, SOH, STX, parity_errors, without_parity
from gateway.protocol.datablock import BLOCK_LIMIT
from gateway.protocol.parse import evidence

# Octets before a message that are skipped as noise of the turn-around or an unknown talker's rest.
NOISE_LIMIT = 256
# What no STX announces is not known for a block before its end: a talker that never ends must not fill the memory.
HELD_LIMIT = 64 * 1024

_SLASH, _EXCLAMATION_MARK = b"/!"
_FILL = (b"\x00", b"\x7f")
_END_OF_CHECKED = re.compile(rb"[\x03\x04]")
_END_OF_BARE = re.compile(rb"!\r?\n")
_BARE_BLOCK = re.compile(rb"[ -~][\r\n -~]*\([\r\n -~]*")
_PRINTABLE = re.compile(rb"[ -~]")
# A command may follow the address of a sign-on at once (example X18).
_END_OF_LINE = re.compile(rb"\n|(?<=!)(?=\x01)")
_CONFIRMATION = re.compile(rb"\x062[0-9A-I]2\r?\n")


@frozen
class Expected:
    """What may come now: messages by their first octet, a block without STX, an option select instead of a mere ACK."""

    points: re.Pattern[bytes]
    bare: bool
    option_select: bool

    @classmethod
    def of(cls, beginnings: bytes, *, bare: bool, option_select: bool) -> "Expected":
        """Finds the first octet of a message, or the end of a block without STX, whichever comes first."""
        points = [b"[" + re.escape(beginnings) + b"]"] if beginnings else []
        points += [_END_OF_BARE.pattern] if bare else []
        return cls(re.compile(b"|".join(points) or rb"(?!)"), bare, option_select)


class Incoming:
    """What was heard so far; messages are cut by position, so that a block check may look like any character.

    `may_be_complete` is True when a block without check ends with the last octet heard.
    `has_echo` is True once an own message came back.
    """

    def __init__(self) -> None:
        self.may_be_complete = False
        self.has_echo = False
        self._octets = bytearray()
        self._characters = bytearray()
        self._scanned = 0  # nothing of interest stands before it
        self._end_scanned = 0  # the end of the message that begins at _scanned is not before it
        self._said = b""
        self._echo_begin = 0
        self._echoed: int | None = None  # octets of an echo at the front; None: no echo is awaited any more

    @property
    def octets(self) -> bytes:
        """What is unread, as it came."""
        return bytes(self._octets)

    def add(self, octets: bytes) -> None:
        """Takes in octets as they came."""
        self._octets += octets
        self._characters += without_parity(octets)

    def clear(self) -> None:
        """Drops all that is unread."""
        self._consume(len(self._octets))

    def await_echo(self, said: bytes) -> None:
        """The characters of an own message, which may come back before the answer."""
        self._said, self._echo_begin = said, 0
        self._echoed = 0 if said else None

    def cut(self, expected: Expected, *, has_check: bool, ended: bool) -> bytes | None:
        """The octets of the next message, noise and echo before it dropped; None when more are needed.

        `ended` tells that a silence has ended a block without check. Raises Garbled (E-READ-4, E-READ-6, E-READ-7).
        """
        while self._is_past_echo():
            span = self._find(expected, has_check=has_check, ended=ended)
            if span is None:
                return None
            begin, end = span
            message, is_echo = bytes(self._octets[begin:end]), self._characters[begin:end] == self._said
            self._consume(end)
            if not is_echo:
                return message
            self.has_echo = True
        return None

    def cut_confirmation(self, *, is_due: bool) -> bytes | None:
        """The octets that confirm a hand-over, at the very front; None where something else stands there.

        Raises Garbled (E-READ-7) where nobody takes what follows the hand-over.
        """
        found = _CONFIRMATION.match(self._characters) if is_due else None
        if found is None:
            self._refuse_more_than(HELD_LIMIT)
            return None
        octets = bytes(self._octets[: found.end()])
        self._consume(found.end())
        return octets

    def _consume(self, end: int) -> None:
        del self._octets[:end], self._characters[:end]
        self._scanned = self._end_scanned = 0
        self.may_be_complete = False

    def _is_past_echo(self) -> bool:
        """Removes an exact echo of the last own message; False while what came may still become one."""
        if self._echoed is None:
            return True
        while not self._echoed and self._characters[self._echo_begin : self._echo_begin + 1] in _FILL:
            self._echo_begin += 1
        begin = self._echo_begin + self._echoed
        heard = self._characters[begin : self._echo_begin + len(self._said)]
        if begin > NOISE_LIMIT + self._echoed or not self._said.startswith(heard, self._echoed):
            # The rest of an option select is no text of a block without STX.
            self._consume(begin if self._echoed and self._said[0] == ACK else 0)
            self._echoed = None
            return True
        self._echoed += len(heard)
        if self._echoed < len(self._said):
            return False
        self._consume(begin + len(heard))
        self._echoed, self.has_echo = None, True
        return True

    def _find(self, expected: Expected, *, has_check: bool, ended: bool) -> tuple[int, int] | None:
        begin = self._next_point(expected)
        if begin is None:
            return None
        octet = self._characters[begin]
        if octet == _EXCLAMATION_MARK:
            return self._bare_block(begin, ended=ended)
        if begin > NOISE_LIMIT:
            raise Garbled("E-READ-4", f"no message in {begin:,} octets: {evidence(self.octets)}")
        if octet in (SOH, STX):
            return self._checked(begin, has_check=has_check)
        if octet == NAK or (octet == ACK and not expected.option_select):
            return begin, begin + 1
        return self._line(begin)

    def _next_point(self, expected: Expected) -> int | None:
        """Where a message begins or a block without STX ends; what stands before is bounded."""
        while (found := expected.points.search(self._characters, self._scanned)) is not None:
            self._scanned = found.start()
            # A "/" in the text of a block without STX begins no message.
            is_text = (
                expected.bare and self._characters[self._scanned] == _SLASH and self._text(found.start()) is not None
            )
            if not is_text:
                return self._scanned
            self._scanned += 1
        length = len(self._characters)
        self._scanned = max(self._scanned, length - len("!\r"))
        if length > NOISE_LIMIT and not (expected.bare and self._text(length) is not None):
            raise Garbled("E-READ-4", f"no message in {length:,} octets: {evidence(self.octets)}")
        self._refuse_more_than(HELD_LIMIT)
        return None

    def _refuse_more_than(self, limit: int, begin: int = 0) -> None:
        if (length := len(self._characters) - begin) > limit:
            raise Garbled("E-READ-7", f"no end in {length:,} octets")

    def _text(self, end: int) -> int | None:
        """Where a block without STX may begin: the first printable character, within the bounds of noise."""
        found = _PRINTABLE.search(self._characters, 0, min(end, NOISE_LIMIT))
        return None if found is None else found.start()

    def _bare_block(self, end_mark: int, *, ended: bool) -> tuple[int, int] | None:
        """A block without STX; its end is sure once something other than ETX follows (protocol.md 3.4)."""
        end = self._characters.index(b"\n", end_mark) + 1
        follows = self._characters[end : end + 1]
        self.may_be_complete = not follows
        if self.may_be_complete and not ended:
            return None
        begin = self._text(end)
        is_request = begin is not None and self._characters[begin : begin + 2] == b"/?"
        if begin is None or not (is_request or _BARE_BLOCK.fullmatch(self._characters, begin, end)):
            raise Garbled("E-READ-4", f"no data block: {evidence(self.octets)}")
        if follows and follows[0] == ETX:
            raise Garbled("E-READ-6", "a block that ends with ETX came without its STX")
        # Where characters come with parity, one that breaks it right before the text may have been the STX.
        if begin and not self._octets[begin:end].isascii() and parity_errors(bytes(self._octets[begin - 1 : begin])):
            raise Garbled("E-READ-4", f"a parity error before a block without STX: {evidence(self.octets)}")
        return begin, end

    def _checked(self, begin: int, *, has_check: bool) -> tuple[int, int] | None:
        found = _END_OF_CHECKED.search(self._characters, max(begin, self._end_scanned))
        if found is None:
            self._end_scanned = len(self._characters)
            self._refuse_more_than(BLOCK_LIMIT, begin)
            return None
        self._end_scanned = found.start()
        end = found.end() + has_check
        return (begin, end) if end <= len(self._characters) else None

    def _line(self, begin: int) -> tuple[int, int] | None:
        found = _END_OF_LINE.search(self._characters, begin)
        if found is None:
            if len(self._characters) - begin > NOISE_LIMIT:
                raise Garbled("E-READ-4", f"no line end in {NOISE_LIMIT} octets: {evidence(self.octets)}")
            return None
        end = found.end()
        # Noise may hold a "/" too: neither a request nor an identification has a second one.
        if self._characters[begin] == _SLASH:
            begin = self._characters.rfind(b"/", begin, end)
        return begin, end
