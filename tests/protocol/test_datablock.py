import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import Garbled
from gateway.protocol.characters import XOR, BlockCheck
from gateway.protocol.datablock import (
    BLOCK_LIMIT,
    DATA_SET_LIMIT,
    LINE_LIMIT,
    VALUE_LIMIT,
    BlockParser,
    DataSet,
    Layout,
    parse_block,
)
from gateway.protocol.messages import DataBlock, encode

BODY = b"F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n1.6.1(27.19*kW)(2602090945)\r\n!\r\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"!\r\n", []),
        (b"\r\n\r\n!\r\n", []),
        (b"(ERROR)", [("", "ERROR")]),
        (b"()", [("", "")]),
        (b"1.8.0(1*kWh)", [("1.8.0", "1*kWh")]),
        (b"1.8.0(1*kWh)\r\n!\r\n", [("1.8.0", "1*kWh")]),
        (b"1.8.0(1)!\r\n", [("1.8.0", "1")]),
        (b"1.8.0(1)\n2.8.0(2)\n!\n", [("1.8.0", "1"), ("2.8.0", "2")]),
        (b"1.8.0(1)\n\n2.8.0(2)\r\r!", [("1.8.0", "1"), ("2.8.0", "2")]),
        (b"1.8.0(1)2.8.0(2)\r\n", [("1.8.0", "1"), ("2.8.0", "2")]),
        (b"1.6.1(27*kW)(2602090945)\r\n", [("1.6.1", "27*kW", "2602090945")]),
        (b"1.6.1(27*kW) (2602090945)\r\n", [("1.6.1", "27*kW"), ("", "2602090945")]),
        (b"1.8.0*06(1*kWh)*05(2)\r\n", [("1.8.0*06", "1*kWh"), ("*05", "2")]),
        (b"(1)(2)\r\n(3)(4)\r\n", [("", "1", "2"), ("", "3", "4")]),
        (b"0.2.0(A)\r\n0.2.0(A)\r\n", [("0.2.0", "A"), ("0.2.0", "A")]),
        (b" 1.8.0 (1)  \r\n", [("1.8.0", "1")]),
        (b"1.8.0( 1)\r\n", [("1.8.0", " 1")]),
        (b"TEXT\r\n1.8.0(1)\r\n", [("TEXT",), ("1.8.0", "1")]),
        (b"1.8.0(1)\r\nTEXT\r\n\r\nMORE\r\n2.8.0(2)\r\n", [("1.8.0", "1"), ("TEXT",), ("MORE",), ("2.8.0", "2")]),
        (b"1.8.0(1)\r\nTEXT\r\n!\r\n", [("1.8.0", "1"), ("TEXT",)]),
        (b"TEXT", [("TEXT",)]),
        (b"C\x01(1)\r\n", [("C\x01", "1")]),
    ],
)
def test_data_sets_in_the_order_of_the_wire(body: bytes, expected: list[tuple[str, ...]]) -> None:
    assert [(data_set.address, *data_set.raw) for data_set in parse_block(body)] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"0.0.0((41))\r\n1(2)\r\n", [("0.0.0", "(41)"), ("1", "2")]),
        (b"0.0.0(a(b)c)(d) (e)f(g)\r\n", [("0.0.0", "a(b)c", "d", "e"), ("f", "g")]),
        (b"((1))((2))\r\n", [("", "(1)", "(2)")]),
        (b"1(2\r\n3(4)\r\n", [("1(2",), ("3", "4")]),
        (b"1)2(\r\n3(4)\r\n", [("1)2(",), ("3", "4")]),
        (b"1(2))\r\n", [("1(2))",)]),
        (b"1((2)) x\r\n", [("1((2)) x",)]),
        (b"((2))\r\n \r\n!\r\n", [("", "(2)")]),
        (b"1(2\r\n3)\r\n", [("1(2",), ("3)",)]),
    ],
)
def test_brackets_in_brackets_and_lines_that_do_not_balance(body: bytes, expected: list[tuple[str, ...]]) -> None:
    assert [(data_set.address, *data_set.raw) for data_set in parse_block(body)] == expected


def test_a_line_beyond_the_limit_is_garbled() -> None:
    line = b"1(7)" * (LINE_LIMIT // 4)
    assert len(parse_block(line + b"\n" + line)) == LINE_LIMIT // 2
    with pytest.raises(Garbled, match=r"a line of 2,049 characters; the limit is 2,048") as garbled:
        parse_block(b"1(1)\n" + line + b"7")
    assert garbled.value.code == "E-READ-7"


@pytest.mark.parametrize("form", [b"1(%b)", b"1(2)(%b)\n1(2)", b"(%b)", b"0(0)\n1((%b))", b"1(2\n0(%b)"])
def test_a_value_beyond_the_limit_is_garbled(form: bytes) -> None:
    nested = form.count(b"((") * 2
    values = [content for sets in parse_block(form % (b"7" * (VALUE_LIMIT - nested))) for content in sets.raw]
    assert max(map(len, values)) == VALUE_LIMIT == 1024
    with pytest.raises(Garbled, match=r"a value of 1,025 characters; the limit is 1,024") as garbled:
        parse_block(form % (b"7" * (VALUE_LIMIT - nested + 1)))
    assert garbled.value.code == "E-READ-7"


def test_a_text_line_longer_than_a_value_is_kept() -> None:
    assert parse_block(b"T" * LINE_LIMIT) == (DataSet("T" * LINE_LIMIT, ()),)


def test_a_block_beyond_the_limit_is_garbled() -> None:
    assert parse_block(b"\n" * BLOCK_LIMIT) == ()
    with pytest.raises(Garbled, match=r"a block of 262,145 characters"):
        parse_block(b"\n" * (BLOCK_LIMIT + 1))


@pytest.mark.parametrize(
    "piece", [b"1(2)", b"1(2)\r\n", b"(1)\n\n", b"1(2)(3)\r\n", b"1((2))\n", b"T\n", b"T\r", b"1(\n"]
)
def test_more_data_sets_than_the_limit_are_garbled(piece: bytes) -> None:
    line_end = b"\n" * (b"\n" not in piece)
    lines = (piece * 20 + line_end) * (DATA_SET_LIMIT // 20)
    assert len(parse_block(lines)) == DATA_SET_LIMIT == 4000
    with pytest.raises(Garbled, match=r"more than 4,000 data sets") as garbled:
        parse_block(lines + piece)
    assert garbled.value.code == "E-READ-7"


@pytest.mark.parametrize("piece", [b"()", b"1()", b"12(34)", b"12(34)\n", b"(12)\n", b"TEXT\n", b"12((3)\n", b"T\r"])
def test_fault_x1_the_memory_that_a_block_takes_is_a_small_multiple_of_its_length(piece: bytes) -> None:
    body = (piece * 300 + b"\n") * (BLOCK_LIMIT // (300 * len(piece) + 1))
    tracemalloc.start()
    with suppress(Garbled):
        parse_block(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * BLOCK_LIMIT


def test_a_thousand_brackets_in_brackets_are_one_value() -> None:
    content = "(" * 512 + ")" * 512
    assert parse_block(f"1({content})".encode()) == (DataSet("1", (content,)),)


@given(st.binary(max_size=400))
def test_no_octets_raise_anything_but_garbled(body: bytes) -> None:
    try:
        sets = parse_block(body)
    except Garbled:
        return
    layout = Layout(body, sets)
    assert layout.fits(body)
    assert layout.sets(body) == sets


@given(st.text("ab1() \r\n!", max_size=60))
def test_every_print_is_its_own_layout(text: str) -> None:
    body = text.encode()
    sets = parse_block(body)
    assert Layout(body, sets).sets(body) == sets


@pytest.mark.parametrize("piece", [b"(", b")", b"()", b"(()", b"1(2)", b"\r", b"! ", b"A", b"1(", b"(1\n)"])
def test_fault_x2_worst_cases_of_64_kib_are_read_or_refused(piece: bytes) -> None:
    body = (piece * 40 + b"\n") * (64 * 1024 // (40 * len(piece) + 1))
    with suppress(Garbled):
        sets = parse_block(body)
        assert Layout(body, sets).sets(body) == sets


addresses = st.text("0123456789.:-*CFP&", max_size=12)
numbers = st.text("0123456789.,+-", min_size=1, max_size=12)
hexadecimal = st.text("0123456789ABCDEF", min_size=2, max_size=8)
words = st.text("0123456789ABCxyz .:/*;?", max_size=10)
contents = st.one_of(
    numbers, hexadecimal, words, st.builds("{}*{}".format, numbers, st.sampled_from(["kWh", "m3", "A"]))
)
lines = st.one_of(
    st.builds("{}({})".format, addresses, contents),
    st.builds("{}({})({})".format, addresses, contents, contents),
    st.builds("{}(x({}))".format, addresses, contents),
    st.sampled_from(["", "TEXT 1", "(1)(", "1)", "(12"]),
)
blocks = st.builds("{}\r\n!\r\n".format, st.lists(lines, max_size=12).map("\r\n".join)).map(str.encode)
HEXADECIMAL = frozenset(b"0123456789ABCDEFabcdef")


def has_loose_positions(content: bytes) -> bool:
    return len(content) > 1 and HEXADECIMAL.issuperset(content) and not content.isdigit()


@given(blocks, st.data())
def test_a_layout_reads_other_digits_as_the_general_parser_does(body: bytes, data: st.DataObject) -> None:
    layout = Layout(body, parse_block(body))
    changed = bytearray(body)
    for span in layout.spans:
        for position in range(span.start, span.stop):
            if has_loose_positions(body[span]):
                changed[position] = data.draw(st.sampled_from(b"0123456789ABCDEFabcdef"))
            elif body[position : position + 1].isdigit():
                changed[position] = data.draw(st.integers(0x30, 0x3F))
    assert layout.fits(bytes(changed))
    sets = parse_block(bytes(changed))
    assert layout.sets(bytes(changed)) == sets
    values = [content for data_set in sets for content in data_set.raw]
    assert list(layout.values(bytes(changed))) == values
    assert [layout.value(bytes(changed), number) for number in range(len(values))] == values


@given(blocks, st.data())
def test_a_layout_refuses_every_other_change(body: bytes, data: st.DataObject) -> None:
    layout = Layout(body, parse_block(body))
    position = data.draw(st.integers(0, len(body) - 1))
    octet = data.draw(st.integers(0, 0x7F))
    assume(octet != body[position])
    changed = body[:position] + bytes((octet,)) + body[position + 1 :]
    span = next((span for span in layout.spans if span.start <= position < span.stop), None)
    is_digit = span is not None and body[position : position + 1].isdigit() and 0x30 <= octet <= 0x3F
    is_loose = span is not None and has_loose_positions(body[span]) and octet not in b"()*!\r\n\x02\x03\x04"
    assert layout.fits(changed) == (is_digit or is_loose)
    assert not layout.fits(body + b"\n")
    assert not layout.fits(body[:-1])


def test_a_layout_keeps_letters_that_are_no_hexadecimal_word() -> None:
    layout = Layout(b"C.1(B)\r\n", parse_block(b"C.1(B)\r\n"))
    assert not layout.fits(b"C.1(C)\r\n")


def test_a_delimiter_cannot_hide_in_a_hexadecimal_word() -> None:
    body = b"F.F(0A)\r\nF.F.1(00)\r\n"
    layout = Layout(body, parse_block(body))
    assert layout.fits(b"F.F(FF)\r\nF.F.1(11)\r\n")
    for delimiter in b"()*!\r\n\x02\x03\x04":
        changed = b"F.F(0%c)\r\nF.F.1(00)\r\n" % delimiter
        assert not layout.fits(changed)
        assert not layout.fits_message(encode(DataBlock(changed)))


def test_the_value_behind_a_text_of_the_same_print_is_the_one_that_changes() -> None:
    body = b"(1)(\r\n2(1)\r\n"
    assert Layout(body, parse_block(body)).values(b"(1)(\r\n2(7)\r\n") == ("7",)
    assert not Layout(body, parse_block(body)).fits(b"(7)(\r\n2(1)\r\n")


@given(blocks, st.data())
def test_a_message_fits_where_its_check_and_its_block_fit(body: bytes, data: st.DataObject) -> None:
    message = encode(DataBlock(body))
    layout = Layout(body, parse_block(body))
    assert layout.fits_message(message)
    changed = bytearray(message)
    for position in data.draw(st.lists(st.integers(0, len(message) - 1), min_size=1, max_size=2)):
        changed[position] = data.draw(st.integers(0, 0x7F))
    damaged = bytes(changed)
    is_framed = damaged[0] == 0x02 and damaged[-2] == 0x03
    fits = is_framed and XOR.of(damaged[1:-1]) == damaged[-1] and layout.fits(damaged[1:-2])
    assert layout.fits_message(damaged) == fits
    assert not layout.fits_message(message + b"\x00")


def test_the_second_equal_print_is_learned() -> None:
    parser = BlockParser()
    assert parser.sets(BODY) == parse_block(BODY)
    assert parser.layout is None
    assert parser.sets(BODY) == parse_block(BODY)
    assert parser.layout is not None
    assert parser.layout.fits(BODY.replace(b"0012345.678", b"0099999.999"))


def test_one_strange_block_costs_no_layout_but_two_in_a_row_do() -> None:
    parser, other = BlockParser(), BODY.replace(b"kWh", b"MWh")
    for _ in range(2):
        parser.sets(BODY)
    layout = parser.layout
    assert parser.sets(other) == parse_block(other)
    assert parser.sets(BODY) == parse_block(BODY)
    assert parser.sets(other) == parse_block(other)
    assert parser.layout is layout
    assert parser.sets(other) == parse_block(other)
    assert parser.layout is not layout
    assert parser.layout is not None
    assert parser.layout.fits(other)


@given(st.lists(blocks, min_size=1, max_size=3), st.lists(st.integers(0, 2), max_size=12))
def test_a_block_parser_gives_what_the_general_parser_gives(bodies: list[bytes], order: list[int]) -> None:
    parser = BlockParser()
    for number in order:
        body = bodies[number % len(bodies)]
        assert parser.sets(body) == parse_block(body)


def test_a_layout_without_a_bracket_or_with_one() -> None:
    assert Layout(b"TEXT", parse_block(b"TEXT")).values(b"TEXT") == ()
    assert Layout(b"1(2)", parse_block(b"1(2)")).values(b"1(3)") == ("3",)


def test_a_message_with_the_sum_check_is_no_matter_of_the_layout() -> None:
    message = encode(DataBlock(BODY), BlockCheck.SUM7)
    assert not Layout(BODY, parse_block(BODY)).fits_message(message)


def test_one_value_of_a_layout_is_taken_on_demand() -> None:
    layout = Layout(BODY, parse_block(BODY))
    assert [layout.value(BODY, number) for number in (0, 2, 4)] == ["00000000", "0012345.678*kWh", "2602090945"]
