"""What meters of the field do, one test an oddity: heard by a session, found in a recording, read as registers."""

import sys
from collections.abc import Sequence
from decimal import Decimal

import pytest

from gateway.decoders import NUMBER_LIMIT, flags, number
from gateway.errors import DecodeError, Garbled, OutOfTurn
from gateway.profile.model import MeterProfile
from gateway.protocol.characters import Mode, with_even_parity
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.law import Role, State
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    Command,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Request,
    encode,
)
from gateway.protocol.recording import recording
from gateway.protocol.session import Session
from gateway.reading import Quality, Reading, Register, reading_as_json, value_text

GENERIC = MeterProfile(id="generic", version=1, title="any", maker="any", identification="/")
REQUEST, SELECT = Request("41770326"), OptionSelect("5")
IDENTIFICATION = Identification("XMP", "5", "VERBA-3.1")
BODY = b"F.F(00)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"
BLOCK, BARE = DataBlock(BODY), DataBlock(BODY, framed=False)


def hear_all(session: Session, octets: bytes, *, is_split: bool = False) -> list[Message]:
    """All messages of octets, then of the silence after them."""
    heard = list[Message]()
    for chunk in [octets[n : n + 1] for n in range(len(octets))] if is_split else [octets]:
        message = session.hear(chunk)
        while message is not None:
            heard.append(message)
            message = session.hear(b"")
    message = session.quiet()
    return heard if message is None else [*heard, message]


def reader(state: State = State.SIGN_ON) -> Session:
    """A reader that has said its sign-on, heard the identification, selected the readout: as far as that state."""
    session = Session(Role.READER)
    session.say(REQUEST)
    if state is not State.SIGN_ON:
        session.hear(encode(IDENTIFICATION))
    if state is State.READOUT:
        session.say(SELECT)
    return session


def read(*lines: str, medium: int | None = None, registers: Sequence[Register] = ()) -> tuple[Reading, ...]:
    """The readings of the lines of a block, in the order of the wire."""
    profile = MeterProfile(id="m", version=1, title="", maker="", medium=medium or 1, registers=tuple(registers))
    return profile.interpret(parse_block("".join(f"{line}\r\n" for line in (*lines, "!")).encode("latin-1")))


def told(readings: Sequence[Reading]) -> list[tuple[str, str | None, str | None]]:
    return [(reading.address, value_text(reading.value), reading.unit) for reading in readings]


in_any_chunks = pytest.mark.parametrize("is_split", [False, True], ids=["whole", "byte by byte"])

# meters.md 1.1: the identification


@pytest.mark.parametrize(
    ("line", "mode", "speed"),
    [
        ("/XMP HZ-4", Mode.A, None),
        ("/XMP----EHZ", Mode.A, None),
        ("/XMPCUH50", Mode.B, 2400),
        ("/XMP9 7534", Mode.C, None),
        ("/XMP5", Mode.C, 9600),
        ("/XMP", Mode.A, None),
    ],
)
def test_the_speed_character_may_be_a_blank_a_dash_a_letter_or_reserved(line: str, mode: Mode, speed: int) -> None:
    (identification,) = hear_all(reader(), f"{line}\r\n".encode())
    assert isinstance(identification, Identification)
    assert (identification.raw, identification.mode, identification.speed) == (line, mode, speed)


@pytest.mark.parametrize(
    ("line", "escapes", "text"),
    [
        (r"/XMP5\2VERBA", ("2",), "VERBA"),
        (r"/XMP0\3k260V01.18", ("3",), "k260V01.18"),
        (r"/XMP5\1A", ("1",), "A"),
        (r"/XMP5\@01LZ", ("@",), "01LZ"),
        (r"/XMP5\T210", ("T",), "210"),
        ("/XMP5<1>C500", (), "<1>C500"),
        ("/XMP5204010020400@000", (), "204010020400@000"),
        ("/XMP52ZMD120", (), "2ZMD120"),
        ("/XMP5VERBA 3 A ", (), "VERBA 3 A "),
        ("/XMP5----VERBA-", (), "----VERBA-"),
    ],
)
def test_tags_blanks_dashes_and_what_only_looks_like_a_tag_are_kept(
    line: str, escapes: tuple[str, ...], text: str
) -> None:
    (identification,) = hear_all(reader(), f"{line}\r\n".encode())
    assert identification == Identification("XMP", line[4], text, escapes)


@pytest.mark.parametrize(("maker", "is_fast"), [("XMp", True), ("xmp", True), ("XMP", False), ("xmP", False)])
def test_a_lower_case_third_letter_is_a_fast_meter(maker: str, *, is_fast: bool) -> None:
    assert hear_all(reader(), f"/{maker}5VERBA\r\n".encode()) == [Identification(maker, "5", "VERBA")]
    assert Identification(maker, "5", "VERBA").is_fast is is_fast


@in_any_chunks
def test_a_raw_stx_within_the_identification_begins_no_block(*, is_split: bool) -> None:
    line, said = b"/XMP5\x02MT-1000\r\n", Identification("XMP", "5", "\x02MT-1000")
    assert hear_all(reader(), line, is_split=is_split) == [said]
    (telegram,) = recording(line + encode(BLOCK)).telegrams
    assert (telegram.identification, telegram.check.ok) == (said, True)


@in_any_chunks
def test_an_identification_may_come_twice(*, is_split: bool) -> None:
    assert hear_all(reader(), encode(IDENTIFICATION) * 2, is_split=is_split) == [IDENTIFICATION] * 2


def test_an_identification_that_lost_its_solidus_is_none_and_the_next_one_is_heard() -> None:
    session = reader()
    assert hear_all(session, encode(IDENTIFICATION)[1:]) == []
    assert hear_all(session, encode(IDENTIFICATION)) == [IDENTIFICATION]


@pytest.mark.parametrize(
    "noise", [b"\n", b"\r\n", b"\x00\x00", b"\x7f\x7f", b"\xff\xf8", b"x\x1b[", b"CONNECT 9600\r\n"]
)
@in_any_chunks
def test_noise_and_line_feeds_before_an_identification_are_passed_over(noise: bytes, *, is_split: bool) -> None:
    assert hear_all(reader(), noise + encode(IDENTIFICATION), is_split=is_split) == [IDENTIFICATION]


@pytest.mark.parametrize("block", [BLOCK, BARE])
@in_any_chunks
def test_fault_s12_a_meter_that_claims_mode_c_may_send_unasked(block: DataBlock, *, is_split: bool) -> None:
    session = reader()
    octets = encode(IDENTIFICATION) + encode(block)
    assert hear_all(session, octets, is_split=is_split) == [IDENTIFICATION, block]
    assert session.state is State.READOUT


def test_fault_s12_a_meter_with_an_unknown_speed_character_is_read_in_mode_a() -> None:
    session = reader()
    (identification, block) = hear_all(session, b"/XMP#VERBA\r\n" + encode(BLOCK))
    assert isinstance(identification, Identification)
    assert (identification.mode, identification.speed, block) == (Mode.A, None, BLOCK)


def test_fault_s12_a_meter_that_offers_hdlc_may_answer_with_the_ascii_readout() -> None:
    session = reader()
    assert hear_all(session, b"/XMP5\\2VERBA\r\n") == [Identification("XMP", "5", "VERBA", ("2",))]
    session.say(SELECT)
    assert hear_all(session, encode(BLOCK)) == [BLOCK]


@pytest.mark.parametrize(
    "octets",
    [b"/XMP5" + b"A" * 65 + b"\r\n", b"/XMP5" + b"A" * 300, b"/XM\r\n", b"/\x01\x02\x03\r\n", b"/XMP5A\x00B\r\n"],
)
def test_fault_s13_an_identification_that_is_too_long_endless_or_none_is_garbled(octets: bytes) -> None:
    session = reader()
    with pytest.raises(Garbled) as garbled:
        hear_all(session, octets)
    assert garbled.value.code == "E-READ-4"
    assert session.unread == b""
    assert hear_all(session, encode(IDENTIFICATION)) == [IDENTIFICATION]


# meters.md 1.2: echo, noise, framing


@pytest.mark.parametrize("has_parity", [False, True])
@in_any_chunks
def test_the_echo_of_the_request_is_dropped(*, has_parity: bool, is_split: bool) -> None:
    octets = encode(REQUEST) + encode(IDENTIFICATION)
    session = reader()
    assert hear_all(session, with_even_parity(octets) if has_parity else octets, is_split=is_split) == [IDENTIFICATION]
    assert session.has_echo


@pytest.mark.parametrize("before", [b"\x06050\r\n", b"\x06\r\n", b"\x7f\x7f\x7f", b"\x00", b"\x06"])
@pytest.mark.parametrize("block", [BLOCK, BARE])
@in_any_chunks
def test_echo_of_the_acknowledgement_the_meters_own_and_fill_before_a_block_are_passed_over(
    before: bytes, block: DataBlock, *, is_split: bool
) -> None:
    assert hear_all(reader(State.READOUT), before + encode(block), is_split=is_split) == [block]


@pytest.mark.parametrize("after", [b"\x7f\x7f", b"\x00", b"\xff" * 33, b"A line of the gateway\r\n", b"\r\n\r\n"])
def test_octets_after_the_block_check_are_no_part_of_the_block(after: bytes) -> None:
    session = reader(State.READOUT)
    assert session.hear(encode(BLOCK) + after) == BLOCK
    session.say(REQUEST)
    assert hear_all(session, encode(IDENTIFICATION)) == [IDENTIFICATION]


def test_lines_after_the_end_mark_are_no_telegram() -> None:
    recorded = recording(encode(IDENTIFICATION) + BODY + b"a line of the gateway\r\n" + b"\xff" * 33 + b"\r\n")
    assert [telegram.sets for telegram in recorded.telegrams] == [parse_block(BODY)]


@pytest.mark.parametrize("sides", ["both", "reader", "meter"])
@in_any_chunks
def test_7e1_seen_as_8n1_also_on_one_side_only(sides: str, *, is_split: bool) -> None:
    session = Session(Role.READER)
    sent = session.say(REQUEST)
    echo = with_even_parity(sent) if sides != "meter" else sent
    answer = encode(IDENTIFICATION) + encode(BLOCK)
    answer = with_even_parity(answer) if sides != "reader" else answer
    assert hear_all(session, echo + answer, is_split=is_split) == [IDENTIFICATION, BLOCK]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\n\n", b"\r\r\n", b"  \r\n", b"\r"])
def test_every_line_end_parts_data_sets(line_end: bytes) -> None:
    body = BODY.replace(b"\r\n", line_end)
    assert hear_all(reader(State.READOUT), encode(DataBlock(body))) == [DataBlock(body)]
    assert parse_block(body) == parse_block(BODY)


@pytest.mark.parametrize("text", ["^M", "<CR><LF>", "<CR>", "\\r"])
def test_line_ends_shown_as_text_spoil_no_register(text: str) -> None:
    sets = [one for one in parse_block(BODY.replace(b"\r\n", f"{text}\n".encode())) if one.raw]
    assert sets == list(parse_block(BODY))


@pytest.mark.parametrize(
    "end", [b")!\r\n", b")\r\n!\r\n", b")\r\n! \r\n", b")\r\n!", b")\r\n", b")", b")\r\n\r\n\r\n!\r\n", b") !\r\n"]
)
def test_the_end_mark_may_be_glued_missing_or_behind_empty_lines(end: bytes) -> None:
    body = BODY[: BODY.rindex(b")")] + end
    assert hear_all(reader(State.READOUT), encode(DataBlock(body))) == [DataBlock(body)]
    assert parse_block(body) == parse_block(BODY)


@in_any_chunks
def test_a_block_without_stx_etx_and_check_with_a_glued_end_mark(*, is_split: bool) -> None:
    glued = DataBlock(b"6.8(00391,46*GJ)\r\n6.31(0017004*h)!\r\n", framed=False)
    assert hear_all(reader(State.READOUT), glued.body, is_split=is_split) == [glued]


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_the_empty_line_after_an_identification_may_be_missing_or_come_often(between: bytes) -> None:
    for block in (BLOCK, BARE):
        assert hear_all(reader(), encode(IDENTIFICATION) + between + encode(block))[0] == IDENTIFICATION
        (telegram,) = recording(encode(IDENTIFICATION) + between + encode(block)).telegrams
        assert (telegram.identification, telegram.sets) == (IDENTIFICATION, parse_block(BODY))


def test_a_telegram_that_broke_off_is_not_mixed_with_the_next() -> None:
    recorded = recording(encode(IDENTIFICATION) + encode(BLOCK)[:20] + encode(IDENTIFICATION) + encode(BLOCK))
    assert [telegram.check.ok for telegram in recorded.telegrams] == [None, True]
    assert recorded.telegrams[1].sets == parse_block(BODY)


def test_text_of_a_modem_before_a_readout_is_no_telegram() -> None:
    recorded = recording(
        b"ATZ\r\r\nOK\r\nCONNECT 9600\r\n" + encode(IDENTIFICATION) + encode(BLOCK) + b"NO CARRIER\r\n"
    )
    assert [telegram.check.ok for telegram in recorded.telegrams] == [True]


# meters.md 1.3, protocol.md 3.8: data sets


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["1.8.0(1*kWh)2.8.0(2*kWh)"], [("1.8.0", "1", "kWh"), ("2.8.0", "2", "kWh")]),
        (["6.8(1.5*MWh)6.26(2*m3)6.31(3*h)"], [("6.8", "1.5", "MWh"), ("6.26", "2", "m3"), ("6.31", "3", "h")]),
        (["9.94(095*C&096*C)"], [("9.94", "095*C&096*C", None)]),
        (["VOLTA(229.1)", "(230.2)", "(231.3)"], [("VOLTA", "229.1", None), ("", "230.2", None), ("", "231.3", None)]),
        (["VOLTA(229.1)", "VOLTA(230.2)"], [("VOLTA", "229.1", None), ("VOLTA", "230.2", None)]),
        (["(0012345.678*kWh)"], [("", "12345.678", "kWh")]),
        (["(/XS330)", "1.8.0(1*kWh)"], [("", "/XS330", None), ("1.8.0", "1", "kWh")]),
        (["1.8.0(012 kWh)"], [("1.8.0", "12", "kWh")]),
        (["1.8.0(12*)"], [("1.8.0", "12", None)]),
        (["1.8.1*02(5*Wh)", "1.8.1*01(4)"], [("1.8.1*02", "5", "Wh"), ("1.8.1*01", "4", "Wh")]),
        (["1.8.0(1*kWh&2*kWh)", "*01(4)"], [("1.8.0", None, None), ("*01", "4", None)]),
        (["32.7(229)"], [("32.7", "229", None)]),
        (["1.8.0(00391,46*kWh)"], [("1.8.0", "391.46", "kWh")]),
        (["1.7.0(+1.50*kW)", "2.7.0(-0.5*kW)"], [("1.7.0", "1.50", "kW"), ("2.7.0", "-0.5", "kW")]),
        (["81.7.6(  80*Deg)"], [("81.7.6", "80", "°")]),
        (["96.5(45*%)"], [("96.5", "45", "%")]),
        (["0.2.2(:::::G11)"], [("0.2.2", ":::::G11", None)]),
        (["C.5.0(>?:)"], [("C.5.0", ">?:", None)]),
        (["XYZ(26/03/01)"], [("XYZ", "26/03/01", None)]),
        (["0.3.0(500*P/S)"], [("0.3.0", "500", "P/S")]),
        (["3.8.0(1*kVArh)", "4.7.0(2*VAR)"], [("3.8.0", "1", "kvarh"), ("4.7.0", "2", "var")]),
        (["6.31(12*Tage)"], [("6.31", "12", "d")]),
        (["1.8.0(2.5*MWh)", "1.8.0*01(2400*kWh)"], [("1.8.0", "2.5", "MWh"), ("1.8.0*01", "2400", "kWh")]),
        (["1.8.0(12345678*Wh)"], [("1.8.0", "12345678", "Wh")]),
        (["GRPNM(VOLTA(229.1)CURRE(5.02))"], [("GRPNM", "VOLTA(229.1)CURRE(5.02)", None)]),
        (["(E12)"], [("", "E12", None)]),
        (["(01)"], [("", "01", None)]),
        (["1-0:96.13.0()"], [("1-0:96.13.0", "", None)]),
    ],
)
def test_a_print_of_the_field_is_read(lines: list[str], expected: list[tuple[str, str | None, str | None]]) -> None:
    assert told(read(*lines)) == expected


@pytest.mark.parametrize("separator", "&#;,")
def test_several_values_in_one_bracket_are_never_taken_for_one(separator: str) -> None:
    for content in (f"12*m3{separator}3", f"12*kWh{separator}3*kWh"):
        quantity, text = read(f"1.8.0({content})", f"XYZ({content})")
        assert (quantity.value, quantity.quality, quantity.raw) == (None, Quality.BAD, content)
        assert (text.value, text.unit) == (content, None)


@pytest.mark.parametrize(
    ("address", "obis"),
    [
        ("1-1:1.8.0*255", "1-1:1.8.0*255"),
        ("1-0:21.7.255*255", "1-0:21.7.255*255"),
        ("32.7", "1-0:32.7.0*255"),
        ("0.0", "1-0:0.0.0*255"),
        ("F.F", "0-0:97.97.0*255"),
        ("FF", "0-0:97.97.0*255"),
        ("F.F.0", "0-0:97.97.0*255"),
        ("C.71", "0-0:96.71.0*255"),
        ("C.90.2", "0-0:96.90.2*255"),
        ("1.8.0*00", "1-0:1.8.0*0"),
        ("1.8.0&12", "1-0:1.8.0*12"),
        ("1.8.0*96", "1-0:1.8.0*96"),
        ("1.8.0*100", "1-0:1.8.0*100"),
        ("1.8.0*101", "1-0:1.8.0*101"),
        ("ET0PE", None),
        ("0F0880FF", None),
        ("60000000", None),
        ("3:171.0", None),
        ("0:0.0.0*255", None),
        ("1.6.0,5", None),
        ("1.300.0", None),
        ("", None),
    ],
)
def test_an_address_of_the_field_has_its_code_or_none(address: str, obis: str | None) -> None:
    (reading,) = read(f"{address}(17)")
    assert (reading.address, reading.obis, reading.raw) == (address, obis, "17")


@pytest.mark.parametrize("address", ["0F0880FF", "60000000", "3:171.0", "ET0PE", "0:0.0.0*255"])
def test_a_register_without_code_is_named_by_its_profile(address: str) -> None:
    register = Register(address, name="energy", unit="kWh", decoder="decimal")
    (reading,) = read(f"{address}(00012345.67)", registers=[register])
    assert (reading.signal, reading.obis, reading.value, reading.unit) == ("energy", None, Decimal("12345.67"), "kWh")


def test_the_suffix_5_names_the_moment_of_a_maximum() -> None:
    readings = read("1.6.0(0.52*kW)", "1.6.0,5(26-02-09 09:45)", "1.6.0,5*01(2601141830)", "1.6.0,5()", "1.8.0,5(1)")
    assert told(readings) == [
        ("1.6.0", "0.52", "kW"),
        ("1.6.0,5", "2026-02-09T09:45:00", None),
        ("1.6.0,5*01", "2026-01-14T18:30:00", None),
        ("1.6.0,5", None, None),
        ("1.8.0,5", "1", None),
    ]
    assert readings[1].title == f"{readings[0].title}: moment"
    assert readings[3].quality is Quality.BAD


def test_the_moment_of_a_maximum_is_named_by_its_profile() -> None:
    registers = [
        Register("1.6.0", title="Peak"),
        Register("1.6.0,5", name="peak_at"),
        Register("2.6.0,5", title="Export peak", decoder="text"),
    ]
    first, second = read("1.6.0,5(2601141830)", "2.6.0,5(2601141830)", registers=registers)
    assert (first.signal, first.title) == ("peak_at", "Peak: moment")
    assert (second.title, second.value) == ("Export peak", "2601141830")


def test_the_moment_of_an_unknown_maximum_has_no_title() -> None:
    (reading,) = read("1.6.200,5(2601141830)", medium=4)
    assert (reading.title, value_text(reading.value)) == (None, "2026-01-14T18:30:00")


def test_fault_d10_duplicated_addresses_and_stored_periods_keep_their_order_and_their_index() -> None:
    readings = read(
        "0.2.0(A)", "1.8.0(9*kWh)", "0.2.0(B)", "1.8.0*01(8*kWh)", "1.8.0*12(7*kWh)", "1.8.0*01(6*kWh)", "0.2.0(A)"
    )
    assert [(reading.address, reading.obis, value_text(reading.value)) for reading in readings] == [
        ("0.2.0", "1-0:0.2.0*255", "A"),
        ("1.8.0", "1-0:1.8.0*255", "9"),
        ("0.2.0", "1-0:0.2.0*255", "B"),
        ("1.8.0*01", "1-0:1.8.0*1", "8"),
        ("1.8.0*12", "1-0:1.8.0*12", "7"),
        ("1.8.0*01", "1-0:1.8.0*1", "6"),
        ("0.2.0", "1-0:0.2.0*255", "A"),
    ]


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("00391,46", "391.46"),
        ("  80", "80"),
        ("+001.50", "1.50"),
        ("-000.5", "-0.5"),
        ("0.1", "0.1"),
        ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
        ("0000000.000", "0.000"),
        ("00000000000000000000", "0"),
    ],
)
def test_fault_d6_a_number_is_exact_to_its_last_digit(printed: str, value: str) -> None:
    (reading,) = read(f"1.8.0({printed}*kWh)")
    assert isinstance(reading.value, Decimal)
    assert reading_as_json(reading)["value"] == value
    assert Decimal(value) == reading.value
    assert reading.raw == f"{printed}*kWh"


@pytest.mark.parametrize(
    "content",
    [
        "-.-",
        "---",
        "",
        " " * 48,
        "\x00" * 8,
        "032A.871",
        "1F",
        "12?45",
        "0:12",
        "1e5",
        "1e999999",
        "NaN",
        "1.2.3",
        "12)45",
    ],
)
def test_fault_d6_a_damaged_register_is_bad_with_its_print_and_the_others_survive(content: str) -> None:
    before, bad, after = read("F.F(00)", f"1.8.0({content}*kWh)", "2.8.0(5*kWh)")
    assert content in bad.raw + bad.address
    assert (bad.value, bad.quality) == (None, Quality.BAD)
    assert bad.reason
    assert (before.quality, after.value) == (Quality.GOOD, 5)


@pytest.mark.parametrize("line", ["1.8.0(12*kWh", "1.8.0 12*kWh)", "1.8.0((12*kWh)", "1.8.0", ")("])
def test_a_line_with_a_lost_bracket_is_bad_and_the_others_survive(line: str) -> None:
    before, bad, after = read("F.F(00)", line, "2.8.0(5*kWh)")
    assert (bad.address, bad.value, bad.quality) == (line, None, Quality.BAD)
    assert (before.quality, after.value) == (Quality.GOOD, 5)


# meters.md 1.4: moments


@pytest.mark.parametrize(
    ("content", "moment"),
    [
        ("0260209094500", "2026-02-09T09:45:00"),
        ("260209094500", "2026-02-09T09:45:00"),
        ("2602090945", "2026-02-09T09:45:00"),
        ("26-02-09,09:45", "2026-02-09T09:45:00"),
        ("26-02-09 09:45", "2026-02-09T09:45:00"),
        ("2026-02-09T09:45:00", "2026-02-09T09:45:00"),
        ("260209094500W", "2026-02-09T09:45:00"),
        ("260709094500s", "2026-07-09T09:45:00"),
        ("00-00-00,00:00", None),
        ("99-99-99,99:99", None),
        ("2000-00-00 00:00", None),
        ("632525252525S", None),
        ("632525252525W", None),
        ("700101010000W", None),
        ("000000000000S", None),
        ("0000000000", None),
    ],
)
def test_a_stamp_in_the_second_bracket_is_a_time_and_a_filler_is_none(content: str, moment: str | None) -> None:
    (reading,) = read(f"1.6.0(0.52*kW)({content})")
    assert (value_text(reading.value), reading.unit, reading.quality) == ("0.52", "kW", Quality.GOOD)
    assert reading_as_json(reading)["time"] == moment


@pytest.mark.parametrize("content", ["2000-00-00", "99-99-99", "00-00-00"])
def test_a_filler_in_place_of_a_date_is_bad(content: str) -> None:
    (reading,) = read(f"0.9.2({content})")
    assert (reading.value, reading.quality, reading.raw) == (None, Quality.BAD, content)


# meters.md 1.5: programming mode


@pytest.mark.parametrize("operand", ["", "41770326", "777777", "83BC249", "00000000", "7"])
def test_every_form_of_an_operand_is_heard(operand: str) -> None:
    session = reader(State.IDENTIFIED)
    session.say(OptionSelect("5", "1"))
    assert hear_all(session, encode(Command("P", "0", f"({operand})"))) == [Command("P", "0", f"({operand})")]


@pytest.mark.parametrize("answer", [Acknowledge(), Break()])
def test_a_break_may_be_answered_and_the_next_sign_on_goes_well(answer: Message) -> None:
    session = reader(State.IDENTIFIED)
    session.say(Break())
    assert hear_all(session, encode(answer)) == []
    session.say(REQUEST)
    assert hear_all(session, encode(IDENTIFICATION)) == [IDENTIFICATION]


def test_a_command_with_nested_or_second_brackets_is_heard() -> None:
    for data in ("GRPNM(VOLTA()CURRE())", "0.9.1(0143000)(24681357)"):
        session = Session(Role.TARIFF_DEVICE)
        session.state = State.PROGRAMMING
        assert session.hear(encode(Command("R", "1", data))) == Command("R", "1", data)


def test_a_verdict_may_stand_in_the_last_bracket_of_a_row() -> None:
    (row,) = parse_block(b"(17)(26-02-09,09:45:00)(0012.5)(CRC Ok)\r\n")
    assert row == DataSet("", ("17", "26-02-09,09:45:00", "0012.5", "CRC Ok"))


def test_a_late_answer_before_the_new_one_comes_as_a_message_of_its_own() -> None:
    session = reader(State.READOUT)
    late = DataBlock(b"0.0.0(00000001)\r\n!\r\n")
    assert hear_all(session, encode(late) + encode(BLOCK)) == [late, BLOCK]


def test_another_reader_on_the_line_is_noticed() -> None:
    with pytest.raises(OutOfTurn):
        hear_all(reader(), b"/?12345678!\r\n")


# reliability.md X2: numbers that would cost time or memory


@pytest.mark.parametrize(
    "text", ["9" * 1_000_000, "1e999999", "0." + "0" * 1_000_000, " " * 1_000_000 + "1", "1" + "_" * 99]
)
def test_fault_x2_a_number_is_measured_before_it_is_made(text: str) -> None:
    if text.strip() == "1":
        assert number(text) == 1
        return
    with pytest.raises(DecodeError) as refused:
        number(text)
    assert len(str(refused.value)) < 200


def test_fault_x2_no_number_takes_more_memory_than_its_longest_print() -> None:
    longest = number("9" * NUMBER_LIMIT)
    assert sys.getsizeof(longest) < 200
    with pytest.raises(DecodeError, match=r"a number of 41 characters; the limit is 40"):
        number("9" * (NUMBER_LIMIT + 1))


def test_fault_x2_a_flag_word_is_measured_before_it_is_made() -> None:
    with pytest.raises(DecodeError):
        flags(DataSet("F.F", ("F" * 1000,)), Register("F.F"))


@pytest.mark.parametrize("depth", [1, 10, 500])
def test_fault_x2_nested_brackets_are_one_value_however_deep(depth: int) -> None:
    content = "(" * depth + "1" + ")" * depth
    (reading,) = read(f"1.8.0({content})")
    assert (reading.raw, reading.quality) == (content, Quality.BAD)
