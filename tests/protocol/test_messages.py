import pytest

from gateway.protocol.characters import BlockCheck, Mode
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


@pytest.mark.parametrize(
    ("message", "octets"),
    [
        (Request(), b"/?!\r\n"),
        (Request("41770326"), b"/?41770326!\r\n"),
        (Request("", start="#"), b"/#!\r\n"),
        (Identification("XMP", "5", "VERBA-3.1"), b"/XMP5VERBA-3.1\r\n"),
        (Identification("XMP", "5", "VERBA-E", ("2", "@")), b"/XMP5\\2\\@VERBA-E\r\n"),
        (OptionSelect(), b"\x06000\r\n"),
        (OptionSelect(baud="5", mode="6", protocol="1"), b"\x06156\r\n"),
        (DataBlock(b"8.1(1)\r\n!\r\n", framed=False), b"8.1(1)\r\n!\r\n"),
        (DataBlock(b"(ERROR)"), bytes.fromhex("02 28 45 52 52 4F 52 29 03 5A")),
        (DataBlock(b"(1)\r\n", partial=True), b"\x02(1)\r\n\x043"),
        (Command("R", "5", "1.8.0()"), bytes.fromhex("01 52 35 02 31 2E 38 2E 30 28 29 03 5E")),
        (Command("E", "2"), b"\x01E2\x03t"),
        (Acknowledge(), b"\x06"),
        (Repeat(), b"\x15"),
        (Break(), bytes.fromhex("01 42 30 03 71")),
        (Break("1"), bytes.fromhex("01 42 31 03 70")),
    ],
)
def test_octets_of_every_message(message: Message, octets: bytes) -> None:
    assert encode(message) == octets


def test_the_block_check_is_the_one_asked_for() -> None:
    assert encode(Break(), BlockCheck.SUM7) == bytes.fromhex("01 42 30 03 75")
    assert encode(Break(), BlockCheck.NONE) == bytes.fromhex("01 42 30 03")


@pytest.mark.parametrize(
    ("baud", "mode", "speed"),
    [
        ("0", Mode.C, 300),
        ("6", Mode.C, 19200),
        ("9", Mode.C, None),
        ("A", Mode.B, 600),
        ("F", Mode.B, 19200),
        ("I", Mode.B, None),
        (" ", Mode.A, None),
        ("J", Mode.A, None),
        ("", Mode.A, None),
    ],
)
def test_the_speed_character_tells_mode_and_speed(baud: str, mode: Mode, speed: int | None) -> None:
    identification = Identification("XMP", baud, "VERBA")
    assert identification.mode is mode
    assert identification.speed == speed


def test_a_lower_case_third_letter_tells_the_short_reaction_time() -> None:
    assert Identification("XMp", "5", "").is_fast
    assert not Identification("XMP", "5", "").is_fast


def test_the_raw_identification_is_what_stood_on_the_wire() -> None:
    assert Identification("XMP", "5", "VERBA-3.1", ("2",)).raw == "/XMP5\\2VERBA-3.1"
