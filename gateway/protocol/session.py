"""The law of a session: one table says who may say what in which state, for both roles alike (protocol.md 5)."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import assert_never

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
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    Command,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Repeat,
    Request,
    encode,
)


class Role(Enum):
    """The two sides of a session."""

    READER = "reader"
    TARIFF_DEVICE = "tariff device"


class State(Enum):
    """What has been said so far; both sides share it, because the line is half duplex."""

    IDLE = "idle"
    SIGN_ON = "sign-on"
    IDENTIFIED = "identified"
    READOUT = "readout"


class Cue(Enum):
    """What a message means for the session."""

    REQUEST = "request"
    IDENTIFICATION = "identification"
    SELECT_READOUT = "option select: readout"
    DATA = "data message"
    REPEAT = "repeat request"
    ACKNOWLEDGE = "acknowledgement"
    BREAK = "break"


_READER, _DEVICE = Role.READER, Role.TARIFF_DEVICE
_TABLE: dict[State, dict[tuple[Role, Cue], State]] = {
    State.IDLE: {
        (_READER, Cue.REQUEST): State.SIGN_ON,
        (_READER, Cue.BREAK): State.IDLE,
    },
    State.SIGN_ON: {
        (_DEVICE, Cue.IDENTIFICATION): State.IDENTIFIED,
        (_READER, Cue.REQUEST): State.SIGN_ON,
        (_READER, Cue.BREAK): State.IDLE,
    },
    State.IDENTIFIED: {
        (_DEVICE, Cue.IDENTIFICATION): State.IDENTIFIED,
        (_DEVICE, Cue.DATA): State.READOUT,
        (_READER, Cue.SELECT_READOUT): State.READOUT,
        (_READER, Cue.REPEAT): State.IDENTIFIED,
        (_READER, Cue.REQUEST): State.SIGN_ON,
        (_READER, Cue.BREAK): State.IDLE,
        (_DEVICE, Cue.BREAK): State.IDLE,
    },
    State.READOUT: {
        (_DEVICE, Cue.DATA): State.READOUT,
        (_READER, Cue.REPEAT): State.READOUT,
        (_READER, Cue.ACKNOWLEDGE): State.IDLE,
        (_READER, Cue.REQUEST): State.SIGN_ON,
        (_READER, Cue.BREAK): State.IDLE,
        (_DEVICE, Cue.BREAK): State.IDLE,
    },
}
TRANSITIONS: Mapping[State, Mapping[tuple[Role, Cue], State]] = MappingProxyType(
    {state: MappingProxyType(cues) for state, cues in _TABLE.items()}
)

# A tariff device that waits for an option select is freed by a break; a readout ends by itself.
LEFT_BY_BREAK = frozenset({State.IDENTIFIED})


def cue_of(message: Message) -> Cue | None:  # noqa: PLR0911 - one arm a message
    """What a message means for the session; None for what no session of this table knows."""
    match message:
        case Request():
            return Cue.REQUEST
        case Identification():
            return Cue.IDENTIFICATION
        case OptionSelect():
            return Cue.SELECT_READOUT if message.mode in "06789" and message.protocol != "2" else None
        case DataBlock():
            return Cue.DATA
        case Repeat():
            return Cue.REPEAT
        case Acknowledge():
            return Cue.ACKNOWLEDGE
        case Break():
            return Cue.BREAK
        case Command():
            return None
        case _:
            assert_never(message)


_BEGINNINGS = {
    Cue.REQUEST: b"/",
    Cue.IDENTIFICATION: b"/",
    Cue.SELECT_READOUT: bytes((ACK,)),
    Cue.DATA: bytes((STX,)),
    Cue.REPEAT: bytes((NAK,)),
    Cue.ACKNOWLEDGE: bytes((ACK,)),
    Cue.BREAK: bytes((SOH,)),
}


def _expected(state: State, listener: Role) -> Expected:
    """What the table lets the other side say."""
    cues = {cue for speaker, cue in TRANSITIONS[state] if speaker is not listener}
    return Expected.of(
        b"".join(sorted({_BEGINNINGS[cue] for cue in cues})),
        bare=Cue.DATA in cues,
        option_select=Cue.SELECT_READOUT in cues,
    )


_EXPECTED = {(state, role): _expected(state, role) for state in State for role in Role}


class Session:
    """One side of a session on a half-duplex line: says messages, hears octets, refuses what the table forbids.

    `state` is data: cancellation looks at it. `check` may be set once the identification is known.
    `layout`, where set, is what the meter's block looks like: block check and print are then judged in one go.
    `parity` is what bit 7 of the last heard message told.
    """

    def __init__(self, role: Role, check: BlockCheck = XOR) -> None:
        self.role = role
        self.check = check
        self.layout: Layout | None = None
        self.state = State.IDLE
        self.parity = ReceivedParity.STRIPPED
        self._other = Role.TARIFF_DEVICE if role is Role.READER else Role.READER
        self._incoming = Incoming()

    @property
    def unread(self) -> bytes:
        """The octets heard so far that are no message yet, as they came."""
        return self._incoming.octets

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
        self.forget()
        said = encode(message, self.check)
        self._incoming.await_echo(said)
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
        return self._next(ended=True)

    def forget(self) -> None:
        """Drops all unread octets."""
        self._incoming.clear()

    def _next(self, *, ended: bool) -> Message | None:
        try:
            octets = self._incoming.cut(
                _EXPECTED[self.state, self.role], has_check=self.check is not BlockCheck.NONE, ended=ended
            )
            if octets is None:
                return None
            message = self._decoded(self._without_parity(octets))
            self._advance(message)
        except (Garbled, OutOfTurn):
            self.forget()
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
            said = f"{type(message).__name__} {encode(message, self.check)[:40]!r}"
            raise OutOfTurn("E-READ-3", f"{said} came while the session was in state {self.state.value}")
        self.state = after


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> IDLE"]
    for state, cues in TRANSITIONS.items():
        for (role, cue), after in cues.items():
            lines.append(f"    {state.name} --> {after.name}: {role.value}, {cue.value}")
    return "\n".join(lines) + "\n"
