import re
from collections.abc import Iterable
from itertools import repeat

import pytest

from gateway.errors import Garbled
from gateway.protocol.characters import with_even_parity
from gateway.protocol.datablock import BLOCK_LIMIT
from gateway.protocol.incoming import HELD_LIMIT, NOISE_LIMIT
from gateway.protocol.law import Role
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Repeat,
    Request,
    encode,
)
from gateway.protocol.session import Session

REQUEST, IDENTIFICATION, SELECT = Request("41770326"), Identification("XMP", "5", "VERBA-3.1"), OptionSelect("5")
BLOCK = DataBlock(b"F.F(00)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n")
BARE = DataBlock(BLOCK.body, framed=False)
LARGE = b"P.01(0.412)(0.398)\r\n" * 10_000 + b"!\r\n"


def reader(*, identified: bool = True, selected: bool = True) -> Session:
    """A reader that has said its sign-on, heard the identification, selected the readout."""
    session = Session(Role.READER)
    session.say(REQUEST)
    if identified:
        assert session.hear(encode(IDENTIFICATION)) == IDENTIFICATION
    if identified and selected:
        session.say(SELECT)
    return session


def device() -> Session:
    """A tariff device that has heard the option select."""
    session = Session(Role.TARIFF_DEVICE)
    assert session.hear(encode(REQUEST)) == REQUEST
    session.say(IDENTIFICATION)
    assert session.hear(encode(SELECT)) == SELECT
    return session


def hear_all(session: Session, chunks: Iterable[bytes]) -> list[Message]:
    heard = []
    for chunk in chunks:
        message = session.hear(chunk)
        while message is not None:
            heard.append(message)
            message = session.hear(b"")
    return heard


def octet_by_octet(octets: bytes) -> Iterable[bytes]:
    return (octets[position : position + 1] for position in range(len(octets)))


@pytest.mark.parametrize("check", range(128))
def test_the_block_check_may_be_any_character(check: int) -> None:
    body = b"1(\x40)\r\n!\r\n"
    wanted = check ^ encode(DataBlock(body))[-1] ^ 0x40
    filler = bytes((wanted ^ 0x40, 0x40)) if wanted in b"\x03\x04" else bytes((wanted,))
    block = DataBlock(body.replace(b"\x40", filler))
    octets = encode(block)
    assert octets[-1] == check
    assert reader().hear(octets) == block
    assert hear_all(reader(), octet_by_octet(octets)) == [block]


@pytest.mark.parametrize("noise", [b"\x00", b"\xff\xff\xff", b"\n", b"\x06050\r\n", b"\x15", b"~A\r\n", b"\x06\r\n"])
def test_noise_before_a_block_is_passed_over(noise: bytes) -> None:
    assert reader().hear(noise + encode(BLOCK)) == BLOCK
    assert hear_all(reader(), octet_by_octet(noise + encode(BLOCK))) == [BLOCK]


@pytest.mark.parametrize("noise", [b"\x00", b"\xff\xff", b"\r\n", b"/", b"/XM", b"A/?4", b"\x02\x01\x06"])
def test_noise_before_an_identification_is_passed_over(noise: bytes) -> None:
    session = reader(identified=False)
    assert session.hear(noise + encode(IDENTIFICATION)) == IDENTIFICATION


@pytest.mark.parametrize("noise", [b"\x00", b"\x7f" * 40, b"\r\n", b"/", b"XMP5\x02\x03"])
def test_noise_before_a_sign_on_is_passed_over(noise: bytes) -> None:
    assert Session(Role.TARIFF_DEVICE).hear(noise + encode(REQUEST)) == REQUEST


def test_noise_is_bounded() -> None:
    assert reader().hear(bytes(NOISE_LIMIT) + encode(BLOCK)) == BLOCK
    with pytest.raises(Garbled, match=r"no message in 257 octets: 00 00"):
        reader().hear(bytes(NOISE_LIMIT + 1) + encode(BLOCK))
    for session in (reader(identified=False), reader(selected=False), reader(), device(), Session(Role.TARIFF_DEVICE)):
        with pytest.raises(Garbled, match="no message in 257 octets"):
            hear_all(session, octet_by_octet(bytes(NOISE_LIMIT + 1)))
        assert session.unread == b""


def test_an_idle_reader_hears_nothing_but_noise() -> None:
    session = Session(Role.READER)
    assert session.hear(encode(IDENTIFICATION)) is None
    with pytest.raises(Garbled, match="no message"):
        session.hear(encode(IDENTIFICATION) * 20)


def held(session: Session, chunks: Iterable[bytes], most: list[int]) -> None:
    for chunk in chunks:
        session.hear(chunk)
        most.append(len(session.unread))


def most_held(session: Session, chunks: Iterable[bytes]) -> int:
    """How many octets a session holds at most until it refuses to go on."""
    lengths = list[int]()
    with pytest.raises(Garbled, match=r"no end in [\d,]+ octets") as garbled:
        held(session, chunks, lengths)
    assert garbled.value.code == "E-READ-7"
    assert session.unread == b""
    return max(lengths)


@pytest.mark.parametrize("text", [b"A", b"A/", b"8.1(1)\r\n", b"/", b"1/"])
def test_fault_x1_text_without_an_end_is_held_up_to_64_kib(text: bytes) -> None:
    assert most_held(reader(), repeat(text * 64)) <= HELD_LIMIT == 65_536


def test_fault_x1_a_block_without_an_end_is_held_up_to_256_kib() -> None:
    session = reader()
    assert session.hear(b"\x02") is None
    assert HELD_LIMIT < most_held(session, repeat(b"1.8.0(7)\r\n!\r\n" * 10)) <= BLOCK_LIMIT + 1 == 262_145


@pytest.mark.parametrize("role", Role)
def test_fault_x1_what_nobody_takes_after_a_hand_over_is_held_up_to_64_kib(role: Role) -> None:
    session, hand_over = Session(role), OptionSelect("5", "2", "2")
    for speaker, message in ((Role.READER, REQUEST), (Role.TARIFF_DEVICE, IDENTIFICATION), (Role.READER, hand_over)):
        if speaker is role:
            session.say(message)
        else:
            session.hear(encode(message))
    assert most_held(session, repeat(b"\x7e\xa0\x07" * 64)) <= HELD_LIMIT


def test_a_line_without_an_end_is_bounded() -> None:
    session = reader(identified=False)
    assert session.hear(b"/" + b"A" * (NOISE_LIMIT - 1)) is None
    with pytest.raises(Garbled, match="no line end in 256 octets"):
        session.hear(b"AA")


def test_a_large_block_that_trickles_in_is_scanned_once() -> None:
    assert hear_all(reader(), octet_by_octet(encode(DataBlock(LARGE)))) == [DataBlock(LARGE)]


def test_a_large_block_without_check_that_trickles_in_is_scanned_once() -> None:
    session, large = reader(), b"P.01(/./!2)(0.398)\r\n" * 3_000 + b"!\r\n"
    for octet in octet_by_octet(large):
        assert not session.may_be_complete
        assert session.hear(octet) is None
    assert session.may_be_complete
    assert session.quiet() == DataBlock(large, framed=False)


def test_a_large_echo_that_trickles_in_is_compared_once() -> None:
    session = device()
    echo = session.say(DataBlock(LARGE))
    assert hear_all(session, octet_by_octet(echo)) == []
    assert session.has_echo
    assert session.unread == b""
    assert session.hear(encode(Repeat())) == Repeat()


@pytest.mark.parametrize("fill", [b"", b"\x00", b"\xff\x7f\x00"])
def test_an_echo_after_fill_octets_is_dropped(fill: bytes) -> None:
    session = reader(identified=False)
    assert session.hear(fill + encode(REQUEST) + fill + encode(IDENTIFICATION)) == IDENTIFICATION
    assert session.has_echo


def test_an_echo_after_noise_is_dropped() -> None:
    session = reader(identified=False)
    assert hear_all(session, octet_by_octet(b"\x55" + encode(REQUEST) + encode(IDENTIFICATION))) == [IDENTIFICATION]
    assert session.has_echo


def test_an_echo_with_parity_bits_is_dropped() -> None:
    session = reader(identified=False)
    assert session.hear(with_even_parity(encode(REQUEST) + encode(IDENTIFICATION))) == IDENTIFICATION
    assert session.has_echo


@pytest.mark.parametrize("cut", range(1, len(encode(REQUEST))))
def test_an_echo_cut_in_the_middle_is_passed_over(cut: int) -> None:
    session = reader(identified=False)
    assert hear_all(session, octet_by_octet(encode(REQUEST)[:cut] + encode(IDENTIFICATION)))[-1] == IDENTIFICATION
    assert not session.has_echo


@pytest.mark.parametrize("cut", range(1, len(encode(SELECT)) + 1))
def test_the_rest_of_an_option_select_is_no_text_of_a_block_without_check(cut: int) -> None:
    session = reader()
    assert hear_all(session, octet_by_octet(encode(SELECT)[:cut] + BARE.body)) == []
    assert session.quiet() == BARE


def test_the_echo_of_a_repeat_request_is_dropped() -> None:
    session = reader()
    session.say(Repeat())
    assert hear_all(session, octet_by_octet(encode(Repeat()) + encode(BLOCK))) == [BLOCK]
    assert session.has_echo


def test_the_echo_of_a_block_whose_check_looks_like_a_repeat_request_is_dropped() -> None:
    block = DataBlock(b"1(/)\r\n!\r\n" + bytes((0x15 ^ encode(DataBlock(b"1(/)\r\n!\r\n"))[-1],)))
    session = device()
    echo = session.say(block)
    assert echo[-1] == 0x15
    assert hear_all(session, octet_by_octet(echo)) == []
    assert session.hear(encode(Repeat())) == Repeat()


def test_an_echo_that_has_passed_is_not_awaited_again() -> None:
    session = reader(identified=False)
    assert session.hear(encode(REQUEST)) is None
    assert session.unread == b""
    assert session.has_echo
    assert session.hear(encode(IDENTIFICATION)) == IDENTIFICATION


def test_fill_octets_in_the_place_of_an_echo_are_bounded() -> None:
    session = reader(identified=False)
    with pytest.raises(Garbled, match="no message"):
        hear_all(session, octet_by_octet(bytes(NOISE_LIMIT + 2)))


def test_an_empty_block_has_no_echo() -> None:
    session = device()
    assert session.say(DataBlock(b"", framed=False)) == b""
    assert session.hear(encode(Repeat())) == Repeat()
    assert not session.has_echo


def test_messages_of_one_octet() -> None:
    session = device()
    session.say(BLOCK)
    assert session.hear(b"\x15") == Repeat()
    session.say(BLOCK)
    assert session.hear(b"\x06") == Acknowledge()


def test_a_broken_parity_bit_is_garbled_with_its_count() -> None:
    octets = bytearray(with_even_parity(encode(BLOCK)))
    octets[3] ^= 0x80
    octets[7] ^= 0x01
    with pytest.raises(Garbled, match=rf"^2 parity errors in {len(octets)} octets: 82 C6") as garbled:
        reader().hear(bytes(octets))
    assert garbled.value.code == "E-READ-4"


def test_a_block_whose_stx_was_damaged_is_told_as_such() -> None:
    for damaged in (encode(BLOCK)[1:], b"B" + encode(BLOCK)[1:]):
        with pytest.raises(Garbled, match="ends with ETX came without its STX") as garbled:
            reader().hear(damaged)
        assert garbled.value.code == "E-READ-6"
        session = reader()
        with pytest.raises(Garbled, match="without its STX"):
            hear_all(session, octet_by_octet(damaged))


@pytest.mark.parametrize("text", [b"1.8.0\r\n!\r\n", b"1.8\x0b(1)\r\n!\r\n", b"\x08!\r\n", b"!\r\n"])
def test_text_that_is_no_block_is_garbled_by_silence(text: bytes) -> None:
    session = reader()
    assert session.hear(text) is None
    with pytest.raises(Garbled, match="no data block"):
        session.quiet()
    assert session.unread == b""


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_block_without_check_before_another_message(line_end: bytes) -> None:
    bare = DataBlock(b"8.1(1)" + line_end + b"!" + line_end, framed=False)
    assert hear_all(reader(selected=False), [bare.body + encode(BLOCK)]) == [bare, BLOCK]
    assert hear_all(reader(selected=False), [bare.body + encode(Break())]) == [bare, Break()]


def test_a_solidus_in_a_block_begins_no_message() -> None:
    body = b"0.9.2(26/03/01)\r\n!\r\n"
    for block in (DataBlock(body), DataBlock(body, framed=False)):
        session = reader(selected=False)
        heard = hear_all(session, octet_by_octet(encode(block)))
        assert (heard[0] if heard else session.quiet()) == block


def test_a_block_without_check_may_begin_with_a_solidus_once_data_is_due() -> None:
    session = reader()
    assert session.hear(b"/XMP5X\r\n8.1(1)\r\n!\r\n") is None
    assert session.quiet() == DataBlock(b"/XMP5X\r\n8.1(1)\r\n!\r\n", framed=False)


def test_a_silence_ends_nothing_else() -> None:
    for heard in (b"", b"\x02F.F(00)", b"8.1(1)\r\n", b"\x00"):
        session = reader()
        assert session.hear(heard) is None
        assert session.quiet() is None
        assert session.unread == heard


def test_after_garbled_octets_all_unread_ones_are_dropped() -> None:
    session = reader()
    with pytest.raises(Garbled):
        session.hear(encode(BLOCK).replace(b"kWh", b"kWx") + b"rest")
    assert session.unread == b""
    assert session.hear(encode(BLOCK)) == BLOCK


def test_a_control_character_in_an_identification_text_is_garbled() -> None:
    with pytest.raises(Garbled, match=re.escape("no identification: 2F 58 4D 50 35 0B 0D 0A")):
        reader(identified=False).hear(b"/XMP5\x0b\r\n")
