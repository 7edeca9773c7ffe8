import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Garbled
from gateway.protocol import parse
from gateway.protocol.characters import XOR, BlockCheck
from gateway.protocol.messages import Break, Command, DataBlock, Identification, OptionSelect, Request, encode

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"/XMP5VERBA-3.1\r\n", Identification("XMP", "5", "VERBA-3.1")),
        (b"/XMP5VERBA-3.1\n", Identification("XMP", "5", "VERBA-3.1")),
        (b"/XMP5\\2VERBA-E\r\n", Identification("XMP", "5", "VERBA-E", ("2",))),
        (b"/XMP5\\@\\01X\r\n", Identification("XMP", "5", "1X", ("@", "0"))),
        (b"/XMP\\2VERBA\r\n", Identification("XMP", "", "VERBA", ("2",))),
        (b"/XMP\\2\\@VERBA\r\n", Identification("XMP", "", "VERBA", ("2", "@"))),
        (b"/XMP\r\n", Identification("XMP", "", "")),
        (b"/XMP5\r\n", Identification("XMP", "5", "")),
        (b"/XMP WZ-1 \r\n", Identification("XMP", " ", "WZ-1 ")),
        (b"/XMPCUH50\r\n", Identification("XMP", "C", "UH50")),
        (b"/XMP5(A) <1>\r\n", Identification("XMP", "5", "(A) <1>")),
        (b"/XMP5\x02MT-1000\r\n", Identification("XMP", "5", "\x02MT-1000")),
        (b"/XMP5\\\r\n", Identification("XMP", "5", "\\")),
    ],
)
def test_identifications(line: bytes, expected: Identification) -> None:
    assert parse.identification(line) == expected
    assert f"{expected.raw}\r\n".encode() == line.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("line", [b"/XM\r\n", b"XMP5A\r\n", b"/XMP5A\x00B\r\n", b"/X P5A\r\n", b"/XMP5\x7f\r\n"])
def test_what_is_no_identification_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled, match="no identification") as garbled:
        parse.identification(line)
    assert garbled.value.code == "E-READ-4"


def test_an_identification_may_have_64_characters_but_no_more() -> None:
    assert parse.identification(b"/XMP5" + b"A" * 64 + b"\r\n").text == "A" * 64
    with pytest.raises(Garbled, match="65 characters"):
        parse.identification(b"/XMP5" + b"A" * 65 + b"\r\n")


@given(
    manufacturer=st.text("ABCXYZabc", min_size=3, max_size=3),
    baud=st.sampled_from("0123456ABCDEF "),
    escapes=st.lists(st.sampled_from("23@W0"), max_size=3).map(tuple),
    text=st.text(PRINTABLE, max_size=64).filter(lambda text: not text.startswith("\\")),
)
def test_every_identification_survives_its_octets(
    manufacturer: str, baud: str, escapes: tuple[str, ...], text: str
) -> None:
    message = Identification(manufacturer, baud, text, escapes)
    assert parse.identification(encode(message)) == message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"/?!\r\n", Request()),
        (b"/?41770326!\r\n", Request("41770326")),
        (b"/?41 77!\n", Request("41 77")),
        (b"/?41770326!", Request("41770326", is_one_shot=True)),
        (b"/1!\r\n", Request("", "1")),
        (b"/#A!\r\n", Request("A", "#")),
        (b"/?" + b"1" * 32 + b"!\r\n", Request("1" * 32)),
    ],
)
def test_sign_ons(line: bytes, expected: Request) -> None:
    assert parse.request(line) == expected


@pytest.mark.parametrize(
    "line",
    [b"/!\r\n", b"/A!\r\n", b"/?12\r\n", b"/?1/2!\r\n", b"/?1!2!\r\n", b"/?\x001!\r\n", b"/?" + b"1" * 33 + b"!\r\n"],
)
def test_what_is_no_sign_on_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled, match="no sign-on"):
        parse.request(line)


def test_option_selects() -> None:
    assert parse.option_select(b"\x06050\r\n") == OptionSelect("5", "0", "0")
    assert parse.option_select(b"\x061E6\n") == OptionSelect("E", "6", "1")


@pytest.mark.parametrize("line", [b"\x0605\r\n", b"\x06A50\r\n", b"\x060500\r\n", b"\x060\x005\r\n"])
def test_what_is_no_option_select_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled, match="no option select"):
        parse.option_select(line)


def test_data_messages_end_in_etx_or_eot() -> None:
    assert parse.data_block(b"\x02(ERROR)\x03Z", XOR) == DataBlock(b"(ERROR)")
    assert parse.data_block(b"\x02(ERROR)\x04]", XOR) == DataBlock(b"(ERROR)", partial=True)
    assert parse.data_block(b"\x02(ERROR)\x03", BlockCheck.NONE) == DataBlock(b"(ERROR)")


def test_a_wrong_check_of_a_data_message_tells_both_checks_and_the_span() -> None:
    with pytest.raises(Garbled, match=r"^block check: sent 5B, computed 5A over 8 bytes$") as garbled:
        parse.data_block(b"\x02(ERROR)\x03\x5b", XOR)
    assert garbled.value.code == "E-READ-6"


@pytest.mark.parametrize(
    "message",
    [
        Command("R", "5", "1.8.0()"),
        Command("P", "0", ""),
        Command("E", "2"),
        Break(),
        Break("1"),
        Command("W", "1", "a\r\nb"),
    ],
)
@pytest.mark.parametrize("check", BlockCheck)
def test_commands_survive_their_octets(message: Command | Break, check: BlockCheck) -> None:
    assert parse.command(encode(message, check), check) == message


def test_a_wrong_check_of_a_command_is_garbled() -> None:
    with pytest.raises(Garbled, match=r"^check of a command: sent 72, computed 71 over 3 bytes$"):
        parse.command(b"\x01B0\x03\x72", XOR)


@pytest.mark.parametrize("content", [b"", b"B", b"b0", b"BX", b"B0x", b"R5(1)"])
def test_what_is_no_command_is_garbled(content: bytes) -> None:
    with pytest.raises(Garbled, match="no command"):
        parse.command(b"\x01" + content + b"\x03", BlockCheck.NONE)


def test_evidence_shows_sixteen_octets_at_most() -> None:
    assert parse.evidence(b"\x06\xaf") == "06 AF"
    assert parse.evidence(bytes(16)) == "00 " * 15 + "00"
    assert parse.evidence(bytes(17)) == "00 " * 16 + "…"
