"""A line on which meters push: its octets cut into telegrams, whatever came before (protocol.md 5.5, 5.6)."""

import re
from collections.abc import Callable
from enum import Enum, auto

from attrs import define, evolve, field

from gateway.errors import Garbled
from gateway.protocol import parse
from gateway.protocol.characters import (
    CR_LF,
    ETX,
    XOR,
    BlockCheck,
    ReceivedParity,
    judge_parity,
    without_parity,
)
from gateway.protocol.check import CheckKind, crc16
from gateway.protocol.datablock import BLOCK_LIMIT, BlockParser
from gateway.protocol.dropped import Damage, Dropped, Noise
from gateway.protocol.messages import Identification
from gateway.protocol.pushed import Print, PushedTelegram

NOISE_LINE_LIMIT = 512  # octets held of a line outside a telegram: no identification is half as long
SENDERS_LIMIT = 64  # a line has some meters; damaged identifications must not fill the memory

_KEPT_OF_NOISE = 160  # octets: more than an identification has
_BEGINNING = re.compile(rb"/[^/!()\r\n]{3,128}\r*\n")
_END_MARK = re.compile(rb"!([0-9A-Fa-f]{0,4})[ \t]*(\r*\n|(?<=![0-9A-Fa-f]{4})(?=/))")
# Where a line or block ends, or damage shows: every control character but NUL, TAB, CR, which texts hold.
_POINT = re.compile(rb"[\x01-\x08\x0a-\x0c\x0e-\x1f\x7f]")
_ETX = bytes((ETX,))
_NOT_BLANK = re.compile(rb"[^\x00\x7f\r\n\t ]")
_KINDS = {BlockCheck.XOR: CheckKind.XOR, BlockCheck.SUM7: CheckKind.SUM7, BlockCheck.NONE: CheckKind.NONE}


@define
class _Sender:
    """One identification: how a block after STX is checked, what the telegrams look like once they repeat.

    `is_checked`: one of them carried a check that fitted.
    """

    identification: Identification
    check: BlockCheck
    is_checked: bool = False
    blocks: BlockParser = field(factory=BlockParser)
    print: Print | None = None


class _Step(Enum):
    ON = auto()
    OVER = auto()
    WAIT = auto()


class PushStream:
    """Hears a line on which meters push: telegram after telegram, in any chunking, from anywhere on.

    A telegram begins with an identification at any place of a line, so that one that broke off is never mixed with the
    next; it ends by `!` with its line end, or by ETX with the check character that `check_of` tells the kind of.
    At most BLOCK_LIMIT octets of a telegram are held, NOISE_LINE_LIMIT outside; the work grows with the octets alone.
    """

    def __init__(self, check_of: Callable[[Identification], BlockCheck] = lambda _: XOR) -> None:
        self.may_be_complete = False
        self._check_of = check_of
        self._senders: dict[bytes, _Sender] = {}
        self._found: list[PushedTelegram | Dropped] = []
        self._noise = Noise()
        self._octets = bytearray()
        self._characters = bytearray()
        self._sender: _Sender | None = None  # of the telegram that begins at 0; None: outside
        self._head = 0  # where the line of its identification ends
        self._blank = 0  # up to here nothing but blanks stands behind that
        self._data: int | None = None  # where its data begins, once that is known
        self._is_block = False  # its data stands between STX and ETX
        self._line = 0  # where the present line begins
        self._scanned = 0  # what stands before needs no second look
        self._is_usual = False  # whether it has the usual print is still to be seen

    @property
    def held(self) -> int:
        """How many octets are held that are no telegram yet."""
        return len(self._octets)

    @property
    def noise(self) -> Dropped | None:
        """What came since the last telegram and gave none, if anything."""
        octets, noise = bytes(self._octets), evolve(self._noise)
        if self._sender is not None:
            return Dropped(Damage.CUT, len(octets), parse.evidence(octets))
        noise.add(octets, bytes(self._characters))
        return noise.dropped

    def hear(self, octets: bytes) -> list[PushedTelegram | Dropped]:
        """What is complete with these octets as they came, in the order of the wire.

        A telegram without check is complete once something other than ETX follows: see `may_be_complete`.
        """
        self._octets += octets
        self._characters += octets if octets.isascii() else without_parity(octets)
        return self._complete(ended=False)

    def quiet(self) -> list[PushedTelegram | Dropped]:
        """The telegram without check that a silence has ended, if `may_be_complete` said that there is one."""
        return self._complete(ended=True)

    def _complete(self, *, ended: bool) -> list[PushedTelegram | Dropped]:
        self.may_be_complete = False
        while self._begins() if self._sender is None else self._ends(self._sender, ended=ended):
            pass
        found, self._found = self._found, []
        return found

    def _begins(self) -> bool:
        """Looks at one line outside; False where it is not there yet."""
        end = self._characters.find(b"\n", self._scanned) + 1
        if not end:
            self._scanned = len(self._characters)
            if self._scanned > NOISE_LINE_LIMIT:
                self._skip(self._scanned - _KEPT_OF_NOISE)
            return False
        line = bytes(self._characters[:end])
        sender, begin = self._senders.get(line), 0
        if sender is None and (found := _BEGINNING.search(line)) is not None:
            sender, begin = self._sender_of(found[0]), found.start()
        if sender is None or begin:
            self._skip(end if sender is None else begin)
        if sender is not None:
            self._end_noise()
            self._sender, self._is_usual = sender, True
            self._head = self._blank = self._line = self._scanned = end - begin
        return True

    def _end_noise(self) -> None:
        noise = self._noise
        if noise.dropped is not None:
            self._found.append(noise.dropped)
        if noise.octets or noise.is_first or noise.is_told:
            self._noise = Noise(is_first=False)

    def _sender_of(self, line: bytes) -> _Sender | None:
        """The sender whose identification stands on that line; None where it is none."""
        if (known := self._senders.get(line)) is not None:
            return known
        try:
            identification = parse.identification(line)
        except Garbled:
            return None
        if len(self._senders) >= SENDERS_LIMIT:
            self._senders.clear()
        sender = self._senders[line] = _Sender(identification, self._check_of(identification))
        return sender

    def _ends(self, sender: _Sender, *, ended: bool) -> bool:
        """Looks for the end of the present telegram; False where it is not there yet."""
        if self._is_usual_print(sender):
            return True
        while (found := _POINT.search(self._characters, self._scanned)) is not None:
            self._scanned = found.start()
            step = self._step(sender, found.start(), ended=ended)
            if step is not _Step.ON:
                return step is _Step.OVER
            self._scanned += 1
        self._scanned = len(self._characters)
        return self._scanned > BLOCK_LIMIT and self._drop(self._scanned, Damage.OVERSIZE) is _Step.OVER

    def _is_usual_print(self, sender: _Sender) -> bool:
        usual = sender.print
        if usual is None or not self._is_usual or len(self._octets) < usual.octets:
            return False
        self._is_usual = False
        telegram = usual.telegram(bytes(self._octets[: usual.octets]))
        if telegram is not None:
            self._found.append(telegram)
            self._leave(usual.octets)
        return telegram is not None

    def _step(self, sender: _Sender, at: int, *, ended: bool) -> _Step:
        """What a control character within a telegram means."""
        if self._data is None:
            first = _NOT_BLANK.search(self._characters, self._blank, at)
            self._data, self._blank = (None if first is None else first.start()), at
        match self._characters[at]:
            case 0x0A:
                return self._line_ended(sender, at + 1, ended=ended)
            case 0x02 if self._data is None:
                self._data, self._is_block = at + 1, True
                return _Step.ON
            case 0x03 if self._is_block and self._data is not None:
                return self._block_ended(sender, self._data, at)
            case 0x7F if self._data is None:
                return _Step.ON
            case _:
                return self._drop(at + 1, Damage.GARBLED)

    def _line_ended(self, sender: _Sender, end: int, *, ended: bool) -> _Step:
        line = bytes(self._characters[self._line : end])
        mark = None if self._is_block else _END_MARK.search(line)
        if mark is not None:
            return self._marked(sender, mark, ended=ended)
        if (beginning := _BEGINNING.search(line)) is None:
            self._line = end
            return _Step.ON
        at = self._line + beginning.start()
        if self._data in (None, at):
            # The same identification twice loses nothing.
            self._leave(at)
            return _Step.OVER
        return self._drop(at, Damage.CUT)

    def _marked(self, sender: _Sender, mark: re.Match[bytes], *, ended: bool) -> _Step:
        """A block without STX, up to the line end after its end mark (protocol.md 5.6)."""
        mark_at, end = self._line + mark.start(), self._line + mark.end()
        follows = self._characters[end : end + 1]
        if not mark[1] and not follows and not ended:
            self.may_be_complete = True
            return _Step.WAIT
        if not mark[1] and (follows == _ETX or sender.is_checked):
            return self._drop(end, Damage.CHECK)
        covered = bytes(self._characters[: mark_at + 1])
        if mark[1]:
            # Where the CRC vouches for octets of eight bits they are text, as some meters print it.
            as_it_came = bytes(self._octets[: mark_at + 1])
            if int(mark[1], 16) not in (crc16(as_it_came), crc16(covered)):
                return self._drop(end, Damage.CHECK)
            is_text = int(mark[1], 16) == crc16(as_it_came)
            # No CRC covers the line end after it.
            body = (as_it_came if is_text else covered)[self._data or self._head :] + CR_LF
            return self._take(sender, end, body, CheckKind.CRC16, is_text=is_text)
        if covered.count(b"(") != covered.count(b")"):
            return self._drop(end, Damage.GARBLED)
        return self._take(sender, end, covered[self._data or self._head :] + mark[2], CheckKind.NONE)

    def _block_ended(self, sender: _Sender, begin: int, at: int) -> _Step:
        """A block from STX to ETX, with the check character that follows."""
        end = at + 1 + (sender.check is not BlockCheck.NONE)
        if end > len(self._characters):
            return _Step.WAIT
        computed = sender.check.of(bytes(self._characters[begin : at + 1]))
        if computed is not None and computed != self._characters[at + 1]:
            # What stands there may be the beginning of the next telegram.
            return self._drop(at + 1, Damage.CHECK)
        return self._take(sender, end, bytes(self._characters[begin:at]), _KINDS[sender.check])

    def _take(self, sender: _Sender, end: int, body: bytes, check: CheckKind, *, is_text: bool = False) -> _Step:
        octets = bytes(self._octets[:end])
        parity = ReceivedParity.STRIPPED if is_text else judge_parity(octets)
        if parity is ReceivedParity.BROKEN:
            return self._drop(end, Damage.PARITY)
        try:
            sets = sender.blocks.sets(body)
        except Garbled:
            return self._drop(end, Damage.OVERSIZE)
        if not any(data_set.raw for data_set in sets):
            return self._drop(end, Damage.EMPTY)
        has_empty_line = b"\n" in self._characters[self._head : self._data]
        said = parse.printed_identification(octets[: self._head]) if is_text else sender.identification
        telegram = PushedTelegram(said, body, check, self._is_block, has_empty_line, parity)
        sender.is_checked = sender.is_checked or telegram.is_checked
        layout = sender.blocks.layout
        if layout is not None and layout.fits(body):
            telegram = evolve(telegram, layout=layout)
            sender.print = Print.of(octets, telegram, layout)
        self._found.append(telegram)
        self._leave(end)
        return _Step.OVER

    def _drop(self, end: int, damage: Damage) -> _Step:
        octets = bytes(self._octets[:end])
        self._found.append(Dropped(damage, len(octets), parse.evidence(octets)))
        self._leave(end)
        self._noise.is_told = True
        return _Step.OVER

    def _skip(self, end: int) -> None:
        self._noise.add(bytes(self._octets[:end]), bytes(self._characters[:end]))
        self._leave(end)

    def _leave(self, end: int) -> None:
        """Goes on outside, behind what was taken or dropped."""
        del self._octets[:end], self._characters[:end]
        self._sender, self._data, self._is_block = None, None, False
        self._head = self._blank = self._line = self._scanned = 0
