"""One frozen class a message of IEC 62056-21, with its octets (protocol.md 3)."""

from typing import assert_never

from attrs import field, frozen

from gateway.protocol.characters import (
    ACK,
    CR_LF,
    EOT,
    ETX,
    NAK,
    SOH,
    SPEEDS_MODE_B,
    SPEEDS_MODE_C,
    STX,
    XOR,
    BlockCheck,
    Mode,
)
from gateway.protocol.datablock import Layout


@frozen
class Request:
    """The sign-on `/?address!`: addresses one tariff device, or with an empty address any (protocol.md 3.1).

    `start` stands between `/` and the address; dialects use other characters than `?`.
    `is_one_shot`: a read command follows at once instead of a line end, and there is no session (example X18).
    """

    address: str = ""
    start: str = "?"
    is_one_shot: bool = False


@frozen
class Identification:
    """A tariff device's answer to the sign-on (protocol.md 3.2).

    `manufacturer` has three characters, `baud` is the speed character Z (may be empty in a truncated one),
    `escapes` are the characters after each backslash, `text` is the rest as printed.
    """

    manufacturer: str
    baud: str
    text: str
    escapes: tuple[str, ...] = ()

    @property
    def raw(self) -> str:
        """The identification as it stands on the wire, without its line end."""
        return f"/{self.manufacturer}{self.baud}{''.join(chr(0x5C) + escape for escape in self.escapes)}{self.text}"

    @property
    def mode(self) -> Mode:
        """The mode that the speed character tells (protocol.md 5.1); an offer of HDLC still answers mode C."""
        if self.baud.isdigit():
            return Mode.C
        return Mode.B if self.baud and self.baud in "ABCDEFGHI" else Mode.A

    @property
    def speed(self) -> int | None:
        """The proposed speed in baud; None where the character names none (mode A, reserved characters)."""
        return SPEEDS_MODE_C.get(self.baud) or SPEEDS_MODE_B.get(self.baud)

    @property
    def is_fast(self) -> bool:
        """The device reacts within 20 ms instead of 200: its manufacturer's third letter is lower case."""
        return self.manufacturer[2:3].islower()


@frozen
class OptionSelect:
    """The acknowledgement/option select message `ACK V Z Y` (protocol.md 3.3)."""

    baud: str = "0"
    mode: str = "0"
    protocol: str = "0"


@frozen
class DataBlock:
    """A data message: the 7-bit characters of the block as they came (protocol.md 3.4).

    With STX: all between STX and ETX or EOT. Without: all up to the line end after `!`.
    `layout` is the learned layout that the body was found to fit when it was heard, if any.
    """

    body: bytes
    framed: bool = True
    partial: bool = False
    layout: Layout | None = field(default=None, eq=False, repr=False)


@frozen
class Command:
    """A programming command message `SOH C D STX data ETX` (protocol.md 3.5); `data` None: without a data set.

    `data` may be a password, so that no print shows it.
    """

    kind: str
    digit: str
    data: str | None = field(default=None, repr=False)

    @property
    def is_secret(self) -> bool:
        """True where `data` answers a challenge with a password."""
        return self.kind == "P" and self.digit != "0"


@frozen
class Acknowledge:
    """One ACK octet."""


@frozen
class Repeat:
    """One NAK octet: the previous message of the other side shall be sent again."""


@frozen
class Break:
    """The sign-off `SOH B digit ETX` (protocol.md 3.7)."""

    digit: str = "0"


Message = Request | Identification | OptionSelect | DataBlock | Command | Acknowledge | Repeat | Break


def encode(message: Message, check: BlockCheck = XOR) -> bytes:  # noqa: PLR0911 - one arm a message
    """The 7-bit characters of a message; `check` makes its block check where it has one."""
    match message:
        case Request(address, start, is_one_shot):
            return b"/" + f"{start}{address}!".encode("latin-1") + (b"" if is_one_shot else CR_LF)
        case Identification():
            return message.raw.encode("latin-1") + CR_LF
        case OptionSelect(baud, mode, protocol):
            return bytes((ACK,)) + f"{protocol}{baud}{mode}".encode("ascii") + CR_LF
        case DataBlock(body, framed, partial):
            return _checked(bytes((STX,)) + body + bytes((EOT if partial else ETX,)), check) if framed else body
        case Command(kind, digit, data):
            content = b"" if data is None else bytes((STX,)) + data.encode("latin-1")
            return _checked(bytes((SOH,)) + f"{kind}{digit}".encode("latin-1") + content + bytes((ETX,)), check)
        case Acknowledge():
            return bytes((ACK,))
        case Repeat():
            return bytes((NAK,))
        case Break(digit):
            return _checked(bytes((SOH,)) + f"B{digit}".encode("ascii") + bytes((ETX,)), check)
        case _:
            assert_never(message)


def _checked(message: bytes, check: BlockCheck) -> bytes:
    character = check.of(message[1:])
    return message if character is None else message + bytes((character,))
