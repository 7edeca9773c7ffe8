from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.characters import (
    SEVEN_EVEN_ONE,
    SPEEDS_MODE_B,
    SPEEDS_MODE_C,
    BlockCheck,
    CharacterFormat,
    Parity,
    ReceivedParity,
    flip_parity,
    judge_parity,
    parity_errors,
    sum_check,
    with_even_parity,
    with_odd_parity,
    without_parity,
    xor_check,
)
from gateway.protocol.timing import wire_time

SEVEN_BITS = bytes(range(128))
characters = st.binary(max_size=700).map(without_parity)


@given(characters)
def test_xor_check_is_the_xor_of_all_characters(data: bytes) -> None:
    assert xor_check(data) == reduce(xor, data, 0)


@pytest.mark.parametrize("length", [0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 262_144])
def test_xor_check_folds_every_length(length: int) -> None:
    data = bytes((7 * position + position // 128) & 0x7F for position in range(length))
    assert xor_check(data) == reduce(xor, data, 0)


@given(characters)
def test_sum_check_is_the_sum_modulo_128(data: bytes) -> None:
    assert sum_check(data) == sum(data) % 128


@pytest.mark.parametrize(
    ("span", "by_xor", "by_sum"),
    [(b"B0\x03", 0x71, 0x75), (b"P0\x02()\x03", 0x60, 0x56), (b"P1\x02(00000000)\x03", 0x61, 0x57)],
)
def test_checks_of_well_known_commands(span: bytes, by_xor: int, by_sum: int) -> None:
    assert BlockCheck.XOR.of(span) == by_xor
    assert BlockCheck.SUM7.of(span) == by_sum
    assert BlockCheck.NONE.of(span) is None


def test_even_parity_makes_the_octets_of_example_20() -> None:
    assert with_even_parity(b"/?!\r\n") == bytes.fromhex("AF 3F 21 8D 0A")
    assert with_even_parity(b"\x06050\r\n") == bytes.fromhex("06 30 35 30 8D 0A")


def test_every_character_survives_its_parity_bit() -> None:
    even, odd = with_even_parity(SEVEN_BITS), with_odd_parity(SEVEN_BITS)
    assert all(octet.bit_count() % 2 == 0 for octet in even)
    assert all(octet.bit_count() % 2 == 1 for octet in odd)
    assert without_parity(even) == without_parity(odd) == SEVEN_BITS
    assert flip_parity(even) == odd
    assert flip_parity(odd) == even


def test_parity_of_a_message_is_present_stripped_or_broken() -> None:
    assert judge_parity(with_even_parity(b"/?!\r\n")) is ReceivedParity.PRESENT
    assert judge_parity(b"/?!\r\n") is ReceivedParity.STRIPPED
    assert judge_parity(with_odd_parity(b"/?!\r\n")) is ReceivedParity.BROKEN


def test_parity_errors_are_counted() -> None:
    assert parity_errors(with_even_parity(b"/?!\r\n")) == 0
    assert parity_errors(bytes.fromhex("AE 3F 21 8C 0A")) == 2


def test_speed_characters_of_mode_b_begin_at_600_baud() -> None:
    assert SPEEDS_MODE_B["A"] == SPEEDS_MODE_C["1"] == 600
    assert SPEEDS_MODE_B["F"] == SPEEDS_MODE_C["6"] == 19200


@pytest.mark.parametrize(
    ("form", "name", "bits"),
    [
        (SEVEN_EVEN_ONE, "7E1", 10),
        (CharacterFormat(8, Parity.NONE, 1), "8N1", 10),
        (CharacterFormat(7, Parity.EVEN, 2), "7E2", 11),
        (CharacterFormat(8, Parity.ODD, 1), "8O1", 11),
    ],
)
def test_character_formats_count_their_bits(form: CharacterFormat, name: str, bits: int) -> None:
    assert str(form) == name
    assert form.bits == bits


@pytest.mark.parametrize(("data_bits", "stop_bits"), [(9, 1), (6, 1), (7, 3)])
def test_character_formats_that_no_port_has_are_refused(data_bits: int, stop_bits: int) -> None:
    with pytest.raises(ValueError, match="must be in"):
        CharacterFormat(data_bits, Parity.EVEN, stop_bits)


def test_six_octets_take_200_ms_at_300_baud() -> None:
    assert wire_time(6, 300) == pytest.approx(0.200)
    assert wire_time(6, 300, bits=11) == pytest.approx(0.220)
