"""The built-in answers to a challenge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import Catalog
from gateway.errors import AccessDenied
from gateway.profile import Password
from gateway.profile.password_answers import clear, crc32
from gateway.protocol.messages import Command

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="()/!"), min_size=1)


def bit_by_bit(register: int, octets: bytes) -> int:
    """The shift register of protocol.md 6, one bit a step."""
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register


@pytest.mark.parametrize("operand", ["", "7C20", "41770326", "anything"])
def test_x7_the_clear_password_goes_with_p1_whatever_the_operand(operand: str) -> None:
    assert clear(operand, Password("24681357")) == Command("P", "1", "(24681357)")


@given(operand=st.integers(0, 0xFFFFFFFF), secret=PRINTABLE)
def test_the_crc_is_that_of_a_register_preset_with_the_operand(operand: int, secret: str) -> None:
    expected = bit_by_bit(operand, secret.encode())
    assert crc32(f"{operand:X}", Password(secret)) == Command("P", "2", f"({expected:08X})")


def test_the_crc_has_eight_digits_in_upper_case_and_short_operands_count() -> None:
    # The check value of this CRC is 340BC6D9 before the final inversion that is left out here.
    assert crc32("ffffffff", Password("123456789")).data == "(340BC6D9)"
    assert crc32("0", Password("0")).data == f"({bit_by_bit(0, b'0'):08X})"
    assert len(crc32("83BC249", Password("777777")).data or "") == len("(00000000)")


@pytest.mark.parametrize("operand", ["", "100000000", "serial", "12 4", "+1", "0x1", "\uff11"])
def test_an_operand_that_is_no_32_bit_number_is_refused_before_anything_is_sent(operand: str) -> None:
    with pytest.raises(AccessDenied, match="operand") as caught:
        crc32(operand, Password("24681357"))
    assert caught.value.code == "E-ACC-8"
    assert "24681357" not in f"{caught.value} {caught.value.next_step}"


def test_the_built_in_answers_come_through_the_hook() -> None:
    answers = Catalog.collect(allow=()).password_answers
    assert answers["clear"]("", Password("1")) == Command("P", "1", "(1)")
    assert answers["crc32"]("0", Password("1")).digit == "2"
