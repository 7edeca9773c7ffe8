"""One side of a session: says messages, hears octets, by the law for both roles (protocol.md 3, 5)."""

from gateway.errors import Garbled, NotOurTurn, OutOfTurn
from gateway.protocol import parse
from gateway.protocol.characters import (
    ACK,
    NAK,
    SOH,
    STX,
    XOR,
    BlockCheck,
    ReceivedParity,
    judge_parity,
    parity_errors,
    without_parity,
)
from gateway.protocol.datablock import Layout
from gateway.protocol.incoming import Expected, Incoming
from gateway.protocol.law import TRANSITIONS, Cue, Role, State, cue_of
from gateway.protocol.messages import Acknowledge, Command, DataBlock, Message, Repeat, encode

_BEGINNINGS = {
    Cue.REQUEST: b"/",
    Cue.IDENTIFICATION: b"/",
    Cue.SELECT_READOUT: bytes((ACK,)),
    Cue.SELECT_PROGRAMMING: bytes((ACK,)),
    Cue.SELECT_HDLC: bytes((ACK,)),
    Cue.OPERAND: bytes((SOH,)),
    Cue.READ: bytes((SOH,)),
    Cue.COMMAND: bytes((SOH,)),
    Cue.DATA: bytes((STX,)),
    Cue.REPEAT: bytes((NAK,)),
    Cue.ACKNOWLEDGE: bytes((ACK,)),
    Cue.BREAK: bytes((SOH,)),
}
_SELECTS = frozenset({Cue.SELECT_READOUT, Cue.SELECT_PROGRAMMING, Cue.SELECT_HDLC})
# Only a readout may come without STX (protocol.md 3.4).
_MAY_BE_BARE = frozenset({State.IDENTIFIED, State.READOUT})


def _expected(state: State, listener: Role) -> Expected:
    """What the table lets the other side say."""
    cues = {cue for speaker, cue in TRANSITIONS[state] if speaker is not listener}
    return Expected.of(
        b"".join(sorted({_BEGINNINGS[cue] for cue in cues})),
        bare=Cue.DATA in cues and state in _MAY_BE_BARE,
        option_select=not cues.isdisjoint(_SELECTS),
    )


_EXPECTED = {(state, role): _expected(state, role) for state in State for role in Role}


class Session:
    """One side of a session on a half-duplex line: says messages, hears octets, refuses what the table forbids.

    `state` is data: cancellation looks at it. `check` may be set once the identification is known.
    `layout`, where set, is what the meter's block looks like: block check and print are then judged in one go.
    `parity` is what bit 7 of the last heard message told. `hides`: a password was said last, so that no error shows
    the octets heard since: its echo may be among them.
    """

    def __init__(self, role: Role, check: BlockCheck = XOR) -> None:
        self.role = role
        self.check = check
        self.layout: Layout | None = None
        self.state = State.IDLE
        self.parity = ReceivedParity.STRIPPED
        self._other = Role.TARIFF_DEVICE if role is Role.READER else Role.READER
        self.hides = False
        self._awaits_confirmation = False
        self._incoming = Incoming()

    @property
    def unread(self) -> bytes:
        """The octets heard so far that are no message yet, as they came."""
        return self._incoming.octets

    @property
    def trailing(self) -> bytes:
        """What has come since the line was handed over to HDLC, as it came; empty in every other state."""
        return self.unread if self.state is State.HDLC else b""

    @property
    def has_echo(self) -> bool:
        """An own message came back."""
        return self._incoming.has_echo

    @property
    def may_be_complete(self) -> bool:
        """A block without check stands complete unless more comes: `quiet` gives it after a silence."""
        return self._incoming.may_be_complete

    def say(self, message: Message) -> bytes:
        """The octets of a message of our own; unread octets are dropped, as the other side's turn is over.

        Raises NotOurTurn: a bug of ours, caught nowhere.
        """
        cue = cue_of(message)
        after = None if cue is None else TRANSITIONS[self.state].get((self.role, cue))
        if after is None:
            raise NotOurTurn(f"{self.role.value} may not say {message!r} in state {self.state.value}")
        self.state = after
        self.hides = isinstance(message, Command) and message.is_secret
        self.forget()
        said = encode(message, self.check)
        # What confirms a hand-over looks like its echo; protocol.md 5.7 lets both be absent.
        self._awaits_confirmation = cue is Cue.SELECT_HDLC and self.role is Role.READER
        self._incoming.await_echo(b"" if self._awaits_confirmation else said)
        return said

    def hear(self, data: bytes) -> Message | None:
        """The next message in the octets as they came; None when more are needed.

        Parity is judged and stripped here, an exact echo of what was said last is dropped.
        Call it again with b"" for what may follow in the same octets.
        Raises Garbled for octets that are no message, OutOfTurn for a message that the table forbids:
        in both cases the state stays and all unread octets are dropped.
        """
        self._incoming.add(data)
        return self._next(ended=False)

    def quiet(self) -> Message | None:
        """The block without check that a silence has ended, or None. Raises as `hear` does."""
        return None if self.state is State.HDLC else self._next(ended=True)

    def forget(self) -> None:
        """Drops all unread octets."""
        self._incoming.clear()

    def _confirmation(self) -> Message | None:
        """The tariff device's confirmation of a hand-over; everything else is none of this protocol's business."""
        octets = self._incoming.cut_confirmation(is_due=self._awaits_confirmation)
        if octets is None:
            return None
        self._awaits_confirmation = False
        return parse.option_select(without_parity(octets))

    def _next(self, *, ended: bool) -> Message | None:
        octets: bytes | None = None
        try:
            if self.state is State.HDLC:
                return self._confirmation()
            octets = self._incoming.cut(
                _EXPECTED[self.state, self.role], has_check=self.check is not BlockCheck.NONE, ended=ended
            )
            if octets is None:
                return None
            message = self._decoded(self._without_parity(octets))
            self._advance(message)
        except (Garbled, OutOfTurn) as error:
            refused = octets or self.unread
            self.forget()
            if self.hides:
                what = (
                    "no answer to the password; its octets are not shown, since the password's echo may be among them"
                )
                raise type(error)(error.code, what, error.next_step) from None
            if isinstance(error, Garbled):
                error.octets = refused
            raise
        return message

    def _without_parity(self, octets: bytes) -> bytes:
        self.parity = judge_parity(octets)
        if self.parity is ReceivedParity.BROKEN:
            wrong = parity_errors(octets)
            raise Garbled("E-READ-4", f"{wrong} parity errors in {len(octets):,} octets: {parse.evidence(octets)}")
        return without_parity(octets)

    def _decoded(self, characters: bytes) -> Message:  # noqa: PLR0911 - one arm a message
        """The message that begins with its first character, and in no other way (protocol.md 2)."""
        match characters[0]:
            case 0x02:
                return parse.data_block(characters, self.check, self.layout)
            case 0x01:
                return parse.command(characters, self.check)
            case 0x15:
                return Repeat()
            case 0x06:
                return Acknowledge() if len(characters) == 1 else parse.option_select(characters)
            case 0x2F if self.role is Role.TARIFF_DEVICE or characters[1:2] == b"?":
                return parse.request(characters)
            case 0x2F if self.state is not State.READOUT:
                return parse.identification(characters)
            case _:
                return DataBlock(characters, framed=False)

    def _advance(self, message: Message) -> None:
        cue = cue_of(message)
        after = None if cue is None else TRANSITIONS[self.state].get((self._other, cue))
        if after is None:
            # What another reader on the line says may be a password.
            is_secret = isinstance(message, Command) and message.is_secret
            shown = "with a password" if is_secret else repr(encode(message, self.check)[:40])
            said = f"{type(message).__name__} {shown}"
            raise OutOfTurn("E-READ-3", f"{said} came while the session was in state {self.state.value}")
        self.state = after
