"""The law of a session: one table says who may say what in which state, for both roles alike (protocol.md 5)."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import assert_never

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
    ENTRY = "entry of programming mode"
    PROGRAMMING = "programming"
    READ = "read command"
    PENDING = "other command"
    HDLC = "handed over to HDLC"


class Cue(Enum):
    """What a message means for the session."""

    REQUEST = "request"
    IDENTIFICATION = "identification"
    SELECT_READOUT = "option select: readout"
    SELECT_PROGRAMMING = "option select: programming"
    SELECT_HDLC = "option select: HDLC"
    OPERAND = "operand of the password"
    READ = "read command"
    COMMAND = "other command"
    DATA = "data message"
    REPEAT = "repeat request"
    ACKNOWLEDGE = "acknowledgement"
    BREAK = "break"


_READER, _DEVICE = Role.READER, Role.TARIFF_DEVICE
# A reader may begin anew or leave whatever was said; so may a tariff device that has identified itself leave.
_ANEW = {(_READER, Cue.REQUEST): State.SIGN_ON, (_READER, Cue.BREAK): State.IDLE}
_LEAVING = {**_ANEW, (_DEVICE, Cue.BREAK): State.IDLE}
_ASKING = {(_READER, Cue.READ): State.READ, (_READER, Cue.COMMAND): State.PENDING}
# Who says a message that arrives garbled is one step ahead: READOUT, READ and PENDING all take a repeat request.
_TABLE: dict[State, dict[tuple[Role, Cue], State]] = {
    State.IDLE: _ANEW,
    State.SIGN_ON: {
        (_DEVICE, Cue.IDENTIFICATION): State.IDENTIFIED,
        # Some makes answer a command without sign-on, right behind the address (example X18).
        (_READER, Cue.READ): State.READ,
        **_ANEW,
    },
    State.IDENTIFIED: {
        (_DEVICE, Cue.IDENTIFICATION): State.IDENTIFIED,
        (_DEVICE, Cue.DATA): State.READOUT,
        (_READER, Cue.SELECT_READOUT): State.READOUT,
        (_READER, Cue.SELECT_PROGRAMMING): State.ENTRY,
        (_READER, Cue.SELECT_HDLC): State.HDLC,
        (_READER, Cue.REPEAT): State.IDENTIFIED,
        **_LEAVING,
    },
    State.READOUT: {
        (_DEVICE, Cue.DATA): State.READOUT,
        (_READER, Cue.REPEAT): State.READOUT,
        (_READER, Cue.ACKNOWLEDGE): State.READOUT,
        # Modes A and B enter programming by a command within the session time (protocol.md 5.2).
        **_ASKING,
        **_LEAVING,
    },
    State.ENTRY: {
        (_DEVICE, Cue.OPERAND): State.PROGRAMMING,
        (_DEVICE, Cue.DATA): State.READOUT,
        (_DEVICE, Cue.REPEAT): State.ENTRY,
        (_READER, Cue.SELECT_PROGRAMMING): State.ENTRY,
        (_READER, Cue.REPEAT): State.ENTRY,
        **_LEAVING,
    },
    State.PROGRAMMING: {
        (_DEVICE, Cue.OPERAND): State.PROGRAMMING,
        (_DEVICE, Cue.ACKNOWLEDGE): State.PROGRAMMING,
        # The command itself may have arrived garbled (example X14).
        (_DEVICE, Cue.REPEAT): State.PROGRAMMING,
        (_READER, Cue.REPEAT): State.PROGRAMMING,
        **_ASKING,
        **_LEAVING,
    },
    State.READ: {
        (_DEVICE, Cue.DATA): State.READ,
        (_DEVICE, Cue.REPEAT): State.READ,
        # A meter that does not know the command may merely acknowledge it (protocol.md 5.4).
        (_DEVICE, Cue.ACKNOWLEDGE): State.PROGRAMMING,
        (_READER, Cue.ACKNOWLEDGE): State.READ,
        (_READER, Cue.REPEAT): State.READ,
        **_ASKING,
        **_LEAVING,
    },
    State.PENDING: {
        (_DEVICE, Cue.ACKNOWLEDGE): State.PROGRAMMING,
        (_DEVICE, Cue.DATA): State.PENDING,
        (_DEVICE, Cue.REPEAT): State.PENDING,
        (_READER, Cue.REPEAT): State.PENDING,
        **_ASKING,
        **_LEAVING,
    },
    State.HDLC: {(_DEVICE, Cue.SELECT_HDLC): State.HDLC},
}
TRANSITIONS: Mapping[State, Mapping[tuple[Role, Cue], State]] = MappingProxyType(
    {state: MappingProxyType(cues) for state, cues in _TABLE.items()}
)

# A tariff device that waits for the reader's next word is freed by a break; a readout ends by itself.
LEFT_BY_BREAK = frozenset({State.IDENTIFIED, State.ENTRY, State.PROGRAMMING, State.READ, State.PENDING})


def cue_of(message: Message) -> Cue | None:  # noqa: PLR0911 - one arm a message
    """What a message means for the session; None for what no session of this table knows."""
    match message:
        case Request():
            return Cue.REQUEST
        case Identification():
            return Cue.IDENTIFICATION
        case OptionSelect():
            return _selected(message)
        case DataBlock():
            return Cue.DATA
        case Repeat():
            return Cue.REPEAT
        case Acknowledge():
            return Cue.ACKNOWLEDGE
        case Break():
            return Cue.BREAK
        case Command():
            return _commanded(message)
        case _:
            assert_never(message)


def _selected(select: OptionSelect) -> Cue | None:
    """What an option select opens (protocol.md 3.3, 5.7)."""
    match select.protocol, select.mode:
        case "2", "2":
            return Cue.SELECT_HDLC
        case (("0" | "1"), "1"):
            return Cue.SELECT_PROGRAMMING
        case (("0" | "1"), ("0" | "6" | "7" | "8" | "9")):
            return Cue.SELECT_READOUT
        case _:
            return None


def _commanded(command: Command) -> Cue | None:
    """What a command asks for (protocol.md 3.5)."""
    match command.kind, command.digit:
        case "P", "0":
            return Cue.OPERAND
        case "R", _:
            return Cue.READ
        case (("P" | "W" | "E"), _):
            return Cue.COMMAND
        case _:
            return None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> IDLE"]
    for state, cues in TRANSITIONS.items():
        for (role, cue), after in cues.items():
            lines.append(f"    {state.name} --> {after.name}: {role.value}, {cue.value}")
    return "\n".join(lines) + "\n"
