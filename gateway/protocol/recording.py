"""The telegrams in recorded octets, be they read out, exchanged or pushed (protocol.md 3, 5.5, 5.6)."""

import re
from collections.abc import Callable

from attrs import frozen

from gateway.errors import Garbled
from gateway.protocol import parse
from gateway.protocol.characters import EOT, NAK, BlockCheck, Mode, parity_errors, without_parity
from gateway.protocol.check import UNCHECKED, Check, CheckKind, block_check, crc_check
from gateway.protocol.messages import Identification
from gateway.protocol.telegram import Telegram, joined

CheckOf = Callable[[Identification | None], BlockCheck | None]


@frozen
class Recording:
    """What recorded octets hold: the telegrams in their order, with a sentence on all that was left out or mended."""

    telegrams: tuple[Telegram, ...]
    diagnostics: tuple[str, ...]


def recording(octets: bytes, check_of: CheckOf = lambda _identification: None) -> Recording:
    """Cuts recorded octets into telegrams; raises nothing, whatever they are.

    `check_of` tells how the blocks behind an identification are checked, None where that is unknown.
    """
    return _Cutter(octets, check_of).cut()


_FILL = re.compile(rb"[\x00\x7f\r\n\t ]+")
_REQUEST = re.compile(rb"/[^A-Za-z/!\x00-\x1f][^!/\r\n(]{0,32}!(?:\r?\n)?")
# Some recorders lose the ACK; three digits alone on a line are no data set.
_OPTION_SELECT = re.compile(rb"(?:\x06[0-9][0-9A-I][0-9A-Z]|[0-2][0-9A-I][0-9])\r*\n")
_COMMAND = re.compile(rb"\x01[A-Z][0-9](?:\x02([^\x01-\x04]*+))?[\x03\x04]")
_BLOCK = re.compile(rb"\x02([^\x01-\x04]*+)[\x03\x04]")
_BLOCK_WITHOUT_STX = re.compile(rb"((?:(?!![0-9A-Fa-f]{0,4}\s*+[^\x03\x04\s]|\n/)[^\x01-\x04\x06\x15])++)[\x03\x04]")
_IDENTIFICATION = re.compile(rb"/++([^!\r\n(][^!\r\n]*+)(?:\r*+\n|\Z)")
_UNBROKEN_IDENTIFICATION = re.compile(rb"/++([^!\r\n(]{1,64}?) {1,8}(?=[^\s()]{1,32}\()")
_NOISE = re.compile(rb"[^(\r\n\x01-\x04\x06\x15]+?(?=/(?:[A-Za-z]{3}[^()/!\r\n]*+\r*+\n|\?[^!/\r\n]{0,32}!))")
_BARE = re.compile(
    rb"(?=[^\x01-\x04\x06\x15])(.*?)(?:!([0-9A-Fa-f]{0,4})[ \t]*(?:\r*\n|\r*\Z)|(?=[\x01-\x04\x06\x15]|\n/)|\Z)",
    re.DOTALL,
)
_BLOCK_WITHOUT_ETX = re.compile(rb"\x02" + _BARE.pattern, re.DOTALL)
_OTHER = re.compile(rb".", re.DOTALL)
_EMPTY_LINE = re.compile(rb"\r*\n")
_FULL_CODE = re.compile(rb"\s*[0-9]-[0-9]:")
_DATA_SET = re.compile(rb"\([^()]*\)")


class _Cutter:
    """Walks once over the 7-bit characters of a recording, beside the octets as they came."""

    def __init__(self, octets: bytes, check_of: CheckOf) -> None:
        self.octets = octets
        self.characters = without_parity(octets)
        self.check_of = check_of
        self.at = 0
        self.telegrams = list[Telegram]()
        self.parts = list[Telegram]()
        self.diagnostics = list[str]()
        self.skipped = bytearray()
        self.parity_octets = self.parity_errors = 0
        self.last = b""
        self.identification: Identification | None = None
        self.identified_at = 0
        self.is_alone = False
        self.is_before_empty_line = False
        self.request_octets = 0
        self.has_selected = False

    def cut(self) -> Recording:
        while self.at < len(self.characters):
            found, take = next(
                (found, take) for pattern, take in _MESSAGES if (found := pattern.match(self.characters, self.at))
            )
            if take is not _Cutter.other:
                self.tell_skipped()
            self.at = found.end()
            take(self, found)
        self.tell_skipped()
        self.end_parts()
        self.end_identification()
        self.drop_cut_beginning()
        if self.parity_octets:
            wrong = f", {self.parity_errors} with a parity error" if self.parity_errors else ""
            self.diagnostics.append(f"7E1 recorded as 8N1: parity cut from {self.parity_octets:,} octets{wrong}")
        return Recording(tuple(self.telegrams), tuple(dict.fromkeys(self.diagnostics)))

    def request(self, found: re.Match[bytes]) -> None:
        if not self.is_echo(found, "request"):
            self.end_identification()
            self.request_octets = len(found[0])

    def option_select(self, found: re.Match[bytes]) -> None:
        # Without a request before it, the recording holds what the reader received.
        if not self.is_echo(found, "acknowledgement") and not self.request_octets:
            self.tell_echo("acknowledgement", len(found[0]))
        self.has_selected = True

    def is_echo(self, found: re.Match[bytes], name: str, check_octets: int = 0) -> bool:
        """The same message of the reader twice in a row."""
        if is_repeated := self.last == found[0]:
            self.tell_echo(name, len(found[0]) + check_octets)
        self.last = b"" if is_repeated else found[0]
        return is_repeated

    def tell_echo(self, name: str, octets: int) -> None:
        self.diagnostics.append(f"echo of own {name} removed ({octets} bytes)")

    def identify(self, found: re.Match[bytes]) -> None:
        try:
            identification = parse.printed_identification(b"/" + self.heard(*found.span(1)))
        except Garbled as error:
            self.diagnostics.append(error.what)
            return
        self.end_parts()
        if self.is_alone and identification == self.identification:
            self.diagnostics.append(f"repeated identification removed: {identification.raw}")
            self.is_alone = False
        self.end_identification()
        self.identification = identification
        self.identified_at = found.start(1) - 1
        self.is_alone = True
        self.is_before_empty_line = _EMPTY_LINE.match(self.characters, self.at) is not None
        self.has_selected = False
        self.last = found[0]

    def end_identification(self) -> None:
        """An identification that no data followed is a telegram of its own."""
        if self.is_alone:
            self.judge_request()
            is_pushed = bool(self.telegrams) and self.telegrams[-1].is_pushed
            self.telegrams.append(Telegram(self.identification, is_pushed=is_pushed))
        self.is_alone = False

    def judge_request(self) -> None:
        """Where no option select follows a mode C identification, the reader's side was not recorded."""
        is_mode_c = self.identification is not None and self.identification.mode is Mode.C
        if self.request_octets and is_mode_c and not self.has_selected:
            self.tell_echo("request", self.request_octets)
        self.request_octets = 0

    def command(self, found: re.Match[bytes]) -> None:
        check_octets = self.check_of(self.identification) is not BlockCheck.NONE
        if self.is_echo(found, "command", check_octets):
            self.at = min(self.at + check_octets, len(self.characters))
        else:
            self.checked(found)

    def block(self, found: re.Match[bytes]) -> None:
        self.last = found[0]
        self.checked(found)

    def block_without_stx(self, found: re.Match[bytes]) -> None:
        self.diagnostics.append("a block without its STX")
        self.checked(found, covered_from=0)

    def checked(self, found: re.Match[bytes], covered_from: int = 1) -> None:
        """A frame up to ETX or EOT, with its check character behind it."""
        check = self.check_of(self.identification)
        has_character = check is not BlockCheck.NONE and self.at < len(self.characters)
        frame = self.heard(found.start(), self.at + has_character)
        begin, end = found.span(1)
        body = frame[begin - found.start() : end - found.start()] if begin >= 0 else b""
        verdict, doubt = UNCHECKED, None
        if has_character:
            self.at += 1
            verdict = block_check(frame[covered_from:-1], frame[-1], check)
        elif check is not BlockCheck.NONE:
            doubt = "the recording ends before the check character"
        is_partial = self.characters[found.end() - 1] == EOT and found.re is not _COMMAND
        self.data(body, verdict, doubt, is_partial=is_partial)

    def block_without_etx(self, found: re.Match[bytes]) -> None:
        self.data(self.heard(*found.span(1)), UNCHECKED, "a block without its ETX: it cannot be checked")

    def noise(self, found: re.Match[bytes]) -> None:
        self.skipped += self.octets[found.start() : found.end()]

    def bare(self, found: re.Match[bytes]) -> None:
        """A block without STX: up to its end mark, to a control character or to the next identification."""
        if not _DATA_SET.search(found[1]) and not found[2]:
            self.noise(found)
            return
        doubt = "a block without its end mark" if found[2] is None else None
        check = UNCHECKED
        if found[2]:
            telegram = self.octets[self.identified_at if self.is_alone else found.start() : found.start(2)]
            check = crc_check(_plain(telegram), int(found[2], 16))
        self.data(self.heard(*found.span(1)), check, doubt, is_bare=found[2] is not None)

    def data(
        self, body: bytes, check: Check, doubt: str | None, *, is_partial: bool = False, is_bare: bool = False
    ) -> None:
        """The data of one frame: a telegram, or the next part of one."""
        self.diagnostics += [] if doubt is None else [doubt]
        self.tell_check(check)
        is_pushed = check.kind is CheckKind.CRC16 or self.is_unasked(is_coded=is_bare and bool(_FULL_CODE.match(body)))
        if self.is_alone:
            self.judge_request()
        self.is_alone = False
        self.parts.append(Telegram(self.identification, body, check, is_pushed, doubt))
        if not is_partial:
            self.join_parts()

    def is_unasked(self, *, is_coded: bool) -> bool:
        """Mode D by its empty line, else a block without check whose codes are whole, as ports for homes print them."""
        if not self.is_alone or self.identification is None or self.request_octets or self.has_selected:
            return False
        return self.is_before_empty_line or is_coded

    def tell_check(self, check: Check) -> None:
        if check.is_guessed:
            self.diagnostics.append("the XOR check does not fit, the sum check does")
        if check.ok is False:
            remedy = "nothing known makes it fit" if check.remedy is None else f"it would fit with {check.remedy}"
            self.diagnostics.append(f"{check}; {remedy}")

    def end_parts(self) -> None:
        if self.parts:
            self.diagnostics.append("a sequence of partial blocks without its last block")
            self.join_parts()

    def join_parts(self) -> None:
        self.telegrams.append(joined(self.parts))
        self.parts.clear()

    def drop_cut_beginning(self) -> None:
        """A pushed telegram in whose middle the recording begins (protocol.md 5.5)."""
        first, *others = self.telegrams or [Telegram(None)]
        is_bare = first.check.kind in (CheckKind.CRC16, CheckKind.NONE)
        if first.identification is None and is_bare and others and others[0].is_pushed:
            del self.telegrams[0]
            self.diagnostics.append("the recording begins inside a telegram: that one is left out")

    def other(self, found: re.Match[bytes]) -> None:
        self.last = found[0]
        if found[0][0] == NAK and self.parts:
            # The reader has asked for this part again.
            self.parts.pop()
        if found[0] not in b"\x06\x15":
            self.noise(found)

    def tell_skipped(self) -> None:
        if self.skipped:
            shown = (
                f"{len(self.skipped):,} octets that are no message left out: {parse.evidence(bytes(self.skipped[:20]))}"
            )
            self.diagnostics.append(shown)
            self.skipped.clear()

    def heard(self, begin: int, end: int) -> bytes:
        """The characters of one message, its parity judged by itself: the two sides may differ."""
        octets = self.octets[begin:end]
        characters = _plain(octets)
        if characters is not octets:
            self.parity_octets += len(octets)
            self.parity_errors += parity_errors(octets)
        return characters


def _plain(octets: bytes) -> bytes:
    """The octets without parity where they carry one; text of eight bits stays as it is."""
    if octets.isascii():
        return octets
    # Every second character has odd weight: parity sets bit 7 in these, so that errors are fewer than set bits.
    marked = sum(octet >> 7 for octet in octets)
    return without_parity(octets) if marked > parity_errors(octets) else octets


# In the order in which they are tried.
_MESSAGES: tuple[tuple[re.Pattern[bytes], Callable[[_Cutter, re.Match[bytes]], None]], ...] = (
    (_FILL, lambda _cutter, _found: None),
    (_REQUEST, _Cutter.request),
    (_OPTION_SELECT, _Cutter.option_select),
    (_COMMAND, _Cutter.command),
    (_BLOCK, _Cutter.block),
    (_BLOCK_WITHOUT_ETX, _Cutter.block_without_etx),
    (_IDENTIFICATION, _Cutter.identify),
    (_UNBROKEN_IDENTIFICATION, _Cutter.identify),
    (_NOISE, _Cutter.noise),
    (_BLOCK_WITHOUT_STX, _Cutter.block_without_stx),
    (_BARE, _Cutter.bare),
    (_OTHER, _Cutter.other),
)
