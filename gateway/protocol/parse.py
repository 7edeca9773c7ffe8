"""Decodes one message that was cut from the 7-bit characters of a line (protocol.md 3)."""

import re

from attrs import evolve

from gateway.errors import Garbled
from gateway.protocol.characters import EOT, STX, XOR, BlockCheck, without_parity
from gateway.protocol.datablock import Layout
from gateway.protocol.messages import Break, Command, DataBlock, Identification, OptionSelect, Request

# protocol.md 3.1 and 3.2: real addresses are shorter, real identifications may be longer than the standard's 16.
ADDRESS_LIMIT = 32
IDENTIFICATION_LIMIT = 64
_SHOWN = 16  # octets: one line of a terminal

# Some makes print the control characters SOH and STX after the speed character.
_IDENTIFICATION = re.compile(r"/([!-~]{3})([ -\[\]-~]?)((?:\\[ -~])*)([\x01\x02 -~]*)")
_REQUEST = re.compile(rb"/([^A-Za-z/!\x00-\x1f\x7f])([^!/\x00-\x1f\x7f]*)!\r?\n?")
_OPTION_SELECT = re.compile(rb"\x06([0-9])([0-9A-I])([0-9A-Z])\r?\n?")
_COMMAND = re.compile(rb"\x01([A-Z])([0-9])(?:\x02(.*))?\x03", re.DOTALL)


def evidence(data: bytes) -> str:
    """The first octets of a message in hexadecimal, for an error's text."""
    shown = " ".join(f"{octet:02X}" for octet in data[:_SHOWN])
    return f"{shown} …" if len(data) > _SHOWN else shown


def identification(line: bytes) -> Identification:
    """An identification from the characters between `/` and its line end; raises Garbled (E-READ-4)."""
    found = _IDENTIFICATION.fullmatch(line.decode("latin-1").rstrip("\r\n"))
    if found is None:
        raise Garbled("E-READ-4", f"no identification: {evidence(line)}")
    manufacturer, baud, escapes, text = found.groups()
    if len(text) > IDENTIFICATION_LIMIT:
        raise Garbled("E-READ-4", f"an identification of {len(text)} characters; the limit is {IDENTIFICATION_LIMIT}")
    return Identification(manufacturer, baud, text, tuple(escapes[1::2]))


def printed_identification(line: bytes) -> Identification:
    """An identification whose text may hold characters of eight bits, as they came; raises Garbled (E-READ-4)."""
    found = identification(without_parity(line))
    if line.isascii():
        return found
    begin = len(found.raw) - len(found.text)
    return evolve(found, text=line.rstrip(b"\r\n")[begin:].decode("latin-1"))


def request(line: bytes) -> Request:
    """A sign-on from `/` to its line end; raises Garbled (E-READ-4)."""
    found = _REQUEST.fullmatch(line)
    if found is None or len(found[2]) > ADDRESS_LIMIT:
        raise Garbled("E-READ-4", f"no sign-on: {evidence(line)}")
    return Request(found[2].decode("latin-1"), found[1].decode("latin-1"), is_one_shot=not line.endswith(b"\n"))


def option_select(line: bytes) -> OptionSelect:
    """An acknowledgement/option select from ACK to its line end; raises Garbled (E-READ-4)."""
    found = _OPTION_SELECT.fullmatch(line)
    if found is None:
        raise Garbled("E-READ-4", f"no option select: {evidence(line)}")
    protocol, baud, mode = (character.decode("ascii") for character in found.groups())
    return OptionSelect(baud, mode, protocol)


def data_block(frame: bytes, check: BlockCheck, layout: Layout | None = None) -> DataBlock:
    """A data message from STX to its check character; raises Garbled (E-READ-6) where the check does not fit.

    A `layout` that the whole message fits has seen to the check too, and is noted in the block.
    """
    if layout is not None and check is XOR and layout.fits_message(frame):
        return DataBlock(frame[1:-2], layout=layout)
    end = _end_of_checked(frame, check)
    return DataBlock(frame[1 : end - 1], partial=frame[end - 1] == EOT)


def command(frame: bytes, check: BlockCheck) -> Command | Break:
    """A command message from SOH to its check character; raises Garbled (E-READ-4, E-READ-6)."""
    end = _end_of_checked(frame, check)
    found = _COMMAND.fullmatch(frame[:end])
    if found is None:
        raise Garbled("E-READ-4", f"no command: {evidence(frame)}")
    kind, digit = found[1].decode("ascii"), found[2].decode("ascii")
    if kind == "B":
        return Break(digit)
    return Command(kind, digit, None if found[3] is None else found[3].decode("latin-1"))


def _end_of_checked(frame: bytes, check: BlockCheck) -> int:
    """Where the part before the check character ends, once the check was found to fit."""
    if check is BlockCheck.NONE:
        return len(frame)
    computed, sent = check.of(frame[1:-1]), frame[-1]
    if computed != sent:
        kind = "block check" if frame[0] == STX else "check of a command"
        what = f"{kind}: sent {sent:02X}, computed {computed:02X} over {len(frame) - 2:,} bytes"
        raise Garbled("E-READ-6", what, "look at cable, termination and other talkers; some makers use the sum check")
    return len(frame) - 1
