"""Hex dumps of the usual tools give back the octets that they show."""

import pytest

from gateway.cli.hexdump import NotHexadecimal, octets_of

OCTETS = b"/XMP5VERBA-3.1\r\n\x021.8.0(abcd)"


XXD = (
    "00000000: 2f58 4d50 3556 4552 4241 2d33 2e31 0d0a  /XMP5VERBA-3.1..\n"
    "00000010: 0231 2e38 2e30 2861 6263 6429            .1.8.0(abcd)\n"
)
HEXDUMP = (
    "00000000  2f 58 4d 50 35 56 45 52  42 41 2d 33 2e 31 0d 0a  |/XMP5VERBA-3.1..|\n"
    "00000010  02 31 2e 38 2e 30 28 61  62 63 64 29              |.1.8.0(abcd)|\n"
    "0000001c\n"
)


@pytest.mark.parametrize(
    "dump",
    [
        "2F584D503556455242412D332E310D0A02312E382E30286162636429",
        "2F 58 4D 50 35 56 45 52 42 41 2D 33 2E 31 0D 0A\n\n02 31 2e 38 2e 30 28 61 62 63 64 29\n",
        "0x2F,0x58,0x4D 0x50 35564552 4241 2D33 2E31 0D0A # identification\n02 312E382E30 28 61 62 63 64 29",
        XXD,
        HEXDUMP,
    ],
    ids=["plain", "blanks", "prefixes", "xxd", "hexdump"],
)
def test_a_dump_gives_its_octets(dump: str) -> None:
    assert octets_of(dump) == OCTETS


def test_a_text_column_that_looks_like_octets_is_left_out() -> None:
    assert octets_of("00000000: 6162 6364                                abcd\n") == b"abcd"


@pytest.mark.parametrize("strange", ["hello", "2F5", "0x"])
def test_the_first_strange_word_is_named_with_its_line(strange: str) -> None:
    with pytest.raises(NotHexadecimal, match=f'line 2: "{strange}" is no octet in hexadecimal'):
        octets_of(f"2F 58\n4D {strange} 50\n")
