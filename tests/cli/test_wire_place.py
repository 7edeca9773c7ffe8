"""Places of data sets in blocks of every print that the grammar knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.wire_place import digits_of, form_of, places_in
from gateway.protocol.datablock import DataSet

BLOCK = (
    b"C.1.0(01234567)\r\n"
    b"1.6.1(00.512*kW)(2609300900)\r\n"
    b"0.1.0*03(0146001.0)(0001)&04(2)\r\n"
    b"(5)\r\n"
    b"a line of text 1.8.0\r\n"
    b"P.01(a(b)c)(2)\r\n"
    b"1.8.0(1)2.8.0(2)\r\n"
    b"!\r\n"
)


def test_every_data_set_is_cut_out_as_it_was_printed() -> None:
    places = places_in(BLOCK)
    assert [(BLOCK[place.begin : place.end], place.line_number) for place in places] == [
        (b"C.1.0(01234567)", 1),
        (b"1.6.1(00.512*kW)(2609300900)", 2),
        (b"0.1.0*03(0146001.0)(0001)", 3),
        (b"&04(2)", 3),
        (b"(5)", 4),
        (b"a line of text 1.8.0", 5),
        (b"P.01(a(b)c)(2)", 6),
        (b"1.8.0(1)", 7),
        (b"2.8.0(2)", 7),
    ]
    for place in places:
        contents = tuple(BLOCK[begin:end].decode() for begin, end in place.contents)
        assert contents == place.data_set.raw
    assert (places[3].line, places[5].line) == ("0.1.0*03(0146001.0)(0001)&04(2)", "a line of text 1.8.0")


PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="()!")
ADDRESSES = st.text(PRINTABLE, min_size=1, max_size=8).map(str.strip).filter(bool)
SETS = st.builds(DataSet, ADDRESSES, st.lists(st.text(PRINTABLE, max_size=8), min_size=1, max_size=3).map(tuple))


@given(st.lists(SETS, max_size=6))
def test_the_places_of_a_block_are_those_of_its_data_sets(sets: list[DataSet]) -> None:
    printed = [f"{one.address}({')('.join(one.raw)})" for one in sets]
    body = "".join(f"{text}\r\n" for text in printed).encode() + b"!\r\n"
    places = places_in(body)
    assert [place.data_set for place in places] == sets
    assert [body[place.begin : place.end].decode() for place in places] == printed
    assert [place.line for place in places] == printed


@pytest.mark.parametrize(
    ("content", "digits"),
    [
        ("0147238.4*kWh", (7, 1)),
        ("-00012,345", (5, 3)),
        ("000005", (6, 0)),
        ("12.*V", (2, 0)),
        ("V2.07", None),
        ("26-09-30", None),
        ("", None),
    ],
)
def test_the_digits_of_a_number_are_counted_as_printed(content: str, digits: tuple[int, int] | None) -> None:
    assert digits_of(content) == digits


def test_the_form_of_a_print_keeps_everything_but_digits() -> None:
    assert form_of("0147238.4*m3") == "0000000.0*m0"


@given(st.binary(max_size=60) | st.text("1.8()*! \r\n", max_size=40).map(str.encode))
def test_whatever_a_meter_prints_each_bracket_stands_where_it_is_said_to(body: bytes) -> None:
    for place in places_in(body):
        assert tuple(body[begin:end].decode("latin-1") for begin, end in place.contents) == place.data_set.raw
        assert body[place.begin : place.end].decode("latin-1").startswith(place.data_set.address)
