"""The verdict on block checks and CRCs, with what would make a wrong one fit."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.characters import BlockCheck
from gateway.protocol.check import UNCHECKED, CheckKind, block_check, crc16, crc_check

# 1.8.0(0012345.678*kWh) as a meter checks it, and a P1 telegram with its CRC.
COVERED = b"1.8.0(0012345.678*kWh)\r\n!\r\n\x03"
XOR_OF_COVERED = 0x42
P1 = (
    b"/XMP5\\2GATE500\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(260301143000W)\r\n1-0:1.8.1(001234.567*kWh)\r\n!"
)  # fmt: skip


def _crc_bit_by_bit(data: bytes) -> int:
    crc = 0
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


@given(st.binary(max_size=600))
def test_the_folded_crc_equals_the_one_computed_bit_by_bit(data: bytes) -> None:
    assert crc16(data) == _crc_bit_by_bit(data)


def test_the_crc_of_a_long_telegram_equals_the_one_computed_bit_by_bit() -> None:
    long = P1 * 100
    assert crc16(long) == _crc_bit_by_bit(long)


def test_the_crc_of_example_x17_is_the_one_it_prints() -> None:
    check = crc_check(P1, 0x9317)
    assert (check.ok, check.computed_text, check.remedy) == (True, "9317", None)


def test_a_crc_names_the_restored_line_ends_that_make_it_fit() -> None:
    check = crc_check(P1.replace(b"\r\n", b"\n"), 0x9317)
    assert (check.ok, check.remedy) == (False, "CR LF restored")


def test_a_crc_names_the_empty_line_that_makes_it_fit() -> None:
    check = crc_check(P1.replace(b"\r\n\r\n", b"\n"), 0x9317)
    assert (check.ok, check.remedy) == (False, "CR LF and the empty line after the identification restored")


def test_a_crc_over_line_ends_shown_as_blanks_names_them() -> None:
    shown = P1.replace(b"\r\n\r\n", b"\r\n").replace(b"\r\n", b" ")
    assert crc_check(shown, 0x9317).remedy == "CR LF restored in place of blanks"


def test_a_damaged_telegram_has_no_remedy() -> None:
    check = crc_check(P1.replace(b"50", b"51"), 0x9317)
    assert (check.ok, check.remedy) == (False, None)


def test_a_fitting_xor_is_good_without_a_guess() -> None:
    check = block_check(COVERED, XOR_OF_COVERED, None)
    assert (check.kind, check.ok, check.is_guessed) == (CheckKind.XOR, True, False)


def test_a_fitting_sum_is_guessed_where_the_kind_is_unknown() -> None:
    check = block_check(COVERED, sum(COVERED) % 128, None)
    assert (check.kind, check.ok, check.is_guessed) == (CheckKind.SUM7, True, True)


def test_a_fitting_sum_is_wrong_where_the_profile_says_xor() -> None:
    check = block_check(COVERED, sum(COVERED) % 128, BlockCheck.XOR)
    assert (check.kind, check.ok, check.remedy) == (CheckKind.XOR, False, "the sum check")


def test_a_sum_of_the_profile_is_no_guess() -> None:
    check = block_check(COVERED, sum(COVERED) % 128, BlockCheck.SUM7)
    assert (check.kind, check.ok, check.is_guessed) == (CheckKind.SUM7, True, False)


def test_a_wrong_check_names_restored_line_ends() -> None:
    check = block_check(COVERED.replace(b"\r\n", b"\n").replace(b"(", b"(\n", 1), XOR_OF_COVERED ^ 0x0D ^ 0x0A, None)
    assert (check.ok, check.remedy) == (False, "CR LF restored")


def test_a_check_character_with_its_parity_bit_names_the_cut() -> None:
    check = block_check(COVERED, XOR_OF_COVERED | 0x80, None)
    assert (check.ok, check.remedy) == (False, "parity cut")


def test_values_are_printed_with_the_digits_of_their_kind() -> None:
    assert block_check(b"\x03", 0x03, None).sent_text == "03"
    assert crc_check(b"", 0).sent_text == "0000"


def test_no_check_is_neither_good_nor_wrong() -> None:
    assert (UNCHECKED.ok, UNCHECKED.sent_text, str(UNCHECKED)) == (None, None, "no check")
