"""Telegrams are found in recorded octets of one direction or both, whatever stands around them."""

from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Garbled
from gateway.protocol.characters import BlockCheck, with_even_parity, xor_check
from gateway.protocol.recording import Recording, recording

# Exchanges of meters that were made up, under the names that the tests share.
REQUEST = b"/?41770326!\r\n"
IDENT = b"/XMP5VERBA-3.1\r\n"
SELECT = b"\x06050\r\n"
X1 = b"\x02F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n\x03\x5e"
X2_IDENT = b"/XMp5VERBA-3.1\r\n"
X2 = b"\x021.8.0(0012345.678*kWh)\r\n!\r\n\x03\x42"
X3 = b"\x021.8.1(000431.07*kWh)\r\n1.8.2(000212.90*kWh)\r\n!\r\n\x03\x2f"
X3_DAMAGED = X3.replace(b"000431", b"010431")
X4 = b"/XMP HZ-4\r\n\x020.0(00771204)\r\n6.8(00391.46*GJ)\r\n6.26(02114.83*m3)\r\n!\r\n\x03\x61"
X5 = b"/XMP WZ-1\r\n8.1(00117.402*m3)\r\n!\r\n"
X6 = b"/XMPEVERBA-B\r\n\x021.8.0(0004177.0*kWh)\r\n!\r\n\x03\x4f"
P0, P1_PASSWORD, R1 = b"\x01P0\x02(7C20)\x03\x16", b"\x01P1\x02(24681357)\x03\x69", b"\x01R1\x021.8.0()\x03\x5a"
R1_ANSWER, BREAK = b"\x021.8.0(0012345.678*kWh)\x03\x63", b"\x01B0\x03\x71"
X10_FIRST = (
    b"\x02P.01(0260301001500)(00000000)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.412)(0.000)\r\n(0.398)(0.000)\r\n\x04\x7e"
)
X10_LAST = b"\x02(0.405)(0.000)\r\n(0.391)(0.000)\r\n\x03\x09"
X15 = (
    b"\x021.6.1(27.190*kW)(2602090945)\r\n1.6.1*07(25.004*kW)(2601141830)\r\n"
    b"1.8.0*06(0012001.000*kWh)*05(0011800.250)\r\n!\r\n\x03\x45"
)
X16 = b"/XMP3WASSER1\r\n\r\n\x028.1(00117.402*m3)\r\n!\r\n\x03\x5f"
X17 = (
    b"/XMP5\\2GATE500\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(260301143000W)\r\n1-0:1.8.1(001234.567*kWh)\r\n!9317\r\n"
)  # fmt: skip
X18_BREAK = b"\x01B0\x03\x75"
X25_IDENT = X2_IDENT
X26 = b"\x020.0(00771204)\r\n6.8(00391,46*GJ)\r\n6.31(0017004*h)!\r\n\x03\x75"


LETTERS = range(0x41, 0x7B)


def _sets(recorded: Recording) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.address, one.raw) for telegram in recorded.telegrams for one in telegram.sets]


def _verdicts(recorded: Recording) -> list[tuple[str, bool | None]]:
    return [(telegram.check.kind.value, telegram.check.ok) for telegram in recorded.telegrams]


def _identifications(recorded: Recording) -> list[str | None]:
    return [telegram.identification.raw if telegram.identification else None for telegram in recorded.telegrams]


def _framed(body: bytes, end: bytes = b"\x03") -> bytes:
    return b"\x02" + body + end + bytes((xor_check(body + end),))


@pytest.mark.parametrize(
    ("octets", "identification", "last"),
    [
        (REQUEST + IDENT + SELECT + X1, "/XMP5VERBA-3.1", ("1.8.0", ("0012345.678*kWh",))),
        (b"/?!\r\n" + X2_IDENT + b"\x06000\r\n" + X2, "/XMp5VERBA-3.1", ("1.8.0", ("0012345.678*kWh",))),
        (b"/?!\r\n" + X4, "/XMP HZ-4", ("6.26", ("02114.83*m3",))),
        (REQUEST + X6, "/XMPEVERBA-B", ("1.8.0", ("0004177.0*kWh",))),
        (b"\x00" * 66 + b"/?!\r\n" + X2_IDENT + b"\x06000\r\n" + X2, "/XMp5VERBA-3.1", ("1.8.0", ("0012345.678*kWh",))),
    ],
    ids=["X1", "X2", "X4", "X6", "X19"],
)
def test_an_exchange_of_both_directions_is_one_telegram(
    octets: bytes, identification: str, last: tuple[str, tuple[str, ...]]
) -> None:
    recorded = recording(octets)
    assert _identifications(recorded) == [identification]
    assert _verdicts(recorded) == [("xor", True)]
    assert _sets(recorded)[-1] == last
    assert recorded.diagnostics == ()


def test_a_block_without_stx_carries_no_check() -> None:
    recorded = recording(X5)
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP WZ-1"], [("none", None)])
    assert _sets(recorded) == [("8.1", ("00117.402*m3",))]


def test_a_repeated_block_is_judged_each_time() -> None:
    assert _verdicts(recording(X3_DAMAGED + b"\x15" + X3)) == [("xor", False), ("xor", True)]


def test_a_wrong_check_tells_both_values() -> None:
    (diagnostic,) = recording(X3_DAMAGED).diagnostics
    assert diagnostic == "block check: sent 2F, computed 2E; nothing known makes it fit"


def test_several_sets_on_one_line_keep_their_brackets() -> None:
    assert _sets(recording(X15)) == [
        ("1.6.1", ("27.190*kW", "2602090945")),
        ("1.6.1*07", ("25.004*kW", "2601141830")),
        ("1.8.0*06", ("0012001.000*kWh",)),
        ("*05", ("0011800.250",)),
    ]


def test_an_end_mark_glued_to_the_last_set_is_no_part_of_it() -> None:
    recorded = recording(X26)
    assert (_verdicts(recorded), _sets(recorded)[-1]) == ([("xor", True)], ("6.31", ("0017004*h",)))


def test_commands_and_their_answers_are_telegrams_of_the_last_identification() -> None:
    recorded = recording(REQUEST + IDENT + b"\x06051\r\n" + P0 + P1_PASSWORD + b"\x06" + R1 + R1_ANSWER + BREAK)
    assert _identifications(recorded) == ["/XMP5VERBA-3.1"] * 5
    assert _verdicts(recorded) == [("xor", True)] * 5
    assert _sets(recorded) == [
        ("", ("7C20",)),
        ("", ("24681357",)),
        ("1.8.0", ("",)),
        ("1.8.0", ("0012345.678*kWh",)),
    ]


def test_parts_of_a_partial_block_sequence_are_one_telegram() -> None:
    recorded = recording(X10_FIRST + b"\x06" + X10_LAST)
    assert _verdicts(recorded) == [("xor", True)]
    assert [raw for _, raw in _sets(recorded)[1:]] == [
        ("0.412", "0.000"),
        ("0.398", "0.000"),
        ("0.405", "0.000"),
        ("0.391", "0.000"),
    ]


def test_a_part_that_was_asked_for_again_counts_once() -> None:
    damaged = X10_FIRST.replace(b"0.412", b"0.413")
    recorded = recording(damaged + b"\x15" + X10_FIRST + b"\x06" + X10_LAST)
    assert (_verdicts(recorded), len(_sets(recorded))) == ([("xor", True)], 5)


def test_a_partial_sequence_that_breaks_off_is_told() -> None:
    recorded = recording(X10_FIRST)
    assert len(_sets(recorded)) == 3
    assert recorded.diagnostics == ("a sequence of partial blocks without its last block",)


def test_the_echo_of_the_own_acknowledgement_is_removed() -> None:
    recorded = recording(IDENT + SELECT + X1)
    assert _verdicts(recorded) == [("xor", True)]
    assert recorded.diagnostics == ("echo of own acknowledgement removed (6 bytes)",)


def test_an_echoed_acknowledgement_that_lost_its_first_octet_is_removed() -> None:
    recorded = recording(IDENT + b"000\r\n" + X1)
    assert recorded.diagnostics == ("echo of own acknowledgement removed (5 bytes)",)


@pytest.mark.parametrize("octets", [b"/?!\r\n/?!\r\n" + X25_IDENT, b"/?!\r\n" + X25_IDENT], ids=["both", "received"])
def test_the_echo_of_the_own_request_is_removed(octets: bytes) -> None:
    recorded = recording(octets)
    assert _identifications(recorded) == ["/XMp5VERBA-3.1"]
    assert recorded.diagnostics == ("echo of own request removed (5 bytes)",)


def test_the_echo_of_an_own_command_is_removed() -> None:
    recorded = recording(R1 + R1 + R1_ANSWER)
    assert _verdicts(recorded) == [("xor", True)] * 2
    assert recorded.diagnostics == ("echo of own command removed (13 bytes)",)


def test_an_identification_alone_is_a_telegram_without_data() -> None:
    recorded = recording(b"/XMP5204010020400@000\r\n")
    assert (_identifications(recorded), _sets(recorded)) == (["/XMP5204010020400@000"], [])


def test_an_identification_sent_twice_is_one() -> None:
    recorded = recording(IDENT + IDENT + X1)
    assert _identifications(recorded) == ["/XMP5VERBA-3.1"]
    assert recorded.diagnostics == ("repeated identification removed: /XMP5VERBA-3.1",)


def test_an_identification_that_follows_a_telegram_is_one_of_its_own() -> None:
    assert _identifications(recording(IDENT + X1 + X2_IDENT)) == ["/XMP5VERBA-3.1", "/XMp5VERBA-3.1"]


def test_control_characters_within_an_identification_begin_no_block() -> None:
    recorded = recording(b"/XMP5\x02GATE\r\n" + X1)
    assert _identifications(recorded) == ["/XMP5\x02GATE"]
    assert _verdicts(recorded) == [("xor", True)]


def test_a_check_character_that_looks_like_a_control_character_is_taken_by_position() -> None:
    bodies = {xor_check(body + b"\x03"): body for body in (b"0.%c(%c)" % pair for pair in product(LETTERS, LETTERS))}
    for wanted in (0x01, 0x02, 0x03, 0x06, 0x15, 0x21, 0x2F):
        assert _verdicts(recording(_framed(bodies[wanted]) + X2)) == [("xor", True), ("xor", True)]


def test_fill_bytes_and_noise_around_a_telegram_are_left_out() -> None:
    recorded = recording(b"\x7f\x7f\x12\x13x" + IDENT + b"\x06\r\n" + X1 + b"\x7f\x00\r\n")
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP5VERBA-3.1"], [("xor", True)])
    assert recorded.diagnostics == ("3 octets that are no message left out: 12 13 78",)


def test_even_parity_in_bit_seven_is_cut_and_told() -> None:
    octets = with_even_parity(IDENT + X1)
    recorded = recording(octets)
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP5VERBA-3.1"], [("xor", True)])
    (diagnostic,) = recorded.diagnostics
    assert diagnostic == f"7E1 recorded as 8N1: parity cut from {len(octets) - 3} octets"


def test_parity_is_judged_for_each_side() -> None:
    recorded = recording(with_even_parity(REQUEST) + IDENT + with_even_parity(SELECT) + X1)
    assert _verdicts(recorded) == [("xor", True)]
    assert recorded.diagnostics == ()


def test_parity_errors_are_counted() -> None:
    octets = bytearray(with_even_parity(X3))
    octets[9] ^= 0x80
    assert recording(bytes(octets)).diagnostics[-1].endswith("1 with a parity error")


def test_an_octet_of_eight_bits_stays_part_of_its_text() -> None:
    recorded = recording(b"/XMP5\xabGATE\r\n" + X1)
    assert _identifications(recorded) == ["/XMP5\xabGATE"]


def test_line_feeds_alone_end_lines() -> None:
    body = b"1.8.0(1*kWh)\n1.8.1(2*kWh)\n!\n"
    recorded = recording(b"/XMP5VERBA-3.1\n" + _framed(body))
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP5VERBA-3.1"], [("xor", True)])
    assert [address for address, _ in _sets(recorded)] == ["1.8.0", "1.8.1"]


def test_a_block_without_its_stx_is_still_checked() -> None:
    recorded = recording(IDENT + X1[1:])
    assert _verdicts(recorded) == [("xor", True)]
    assert recorded.diagnostics == ("a block without its STX",)


def test_a_block_without_its_end_is_read_unchecked() -> None:
    recorded = recording(IDENT + X1[:-2])
    assert (_verdicts(recorded), len(_sets(recorded))) == ([("none", None)], 3)
    assert recorded.diagnostics == ("a block without its ETX: it cannot be checked",)


def test_a_recording_that_ends_before_the_check_character_is_unchecked() -> None:
    recorded = recording(IDENT + X1[:-1])
    assert _verdicts(recorded) == [("none", None)]
    assert recorded.diagnostics == ("the recording ends before the check character",)


def test_the_sum_check_is_found_once_and_told_once() -> None:
    recorded = recording(X18_BREAK + b"\x01R1\x02VOLTA()\x03\x5f")
    assert _verdicts(recorded) == [("sum7", True), ("sum7", True)]
    assert recorded.diagnostics == ("the XOR check does not fit, the sum check does",)


def test_a_profile_without_check_has_no_character_behind_etx() -> None:
    block = b"\x021.8.0(1*kWh)\x03"
    recorded = recording(IDENT + block + block, lambda _identification: BlockCheck.NONE)
    assert _verdicts(recorded) == [("none", None)] * 2


def test_the_check_is_asked_for_by_identification() -> None:
    asked = []
    recording(IDENT + X1, lambda identification: asked.append(identification and identification.text))
    assert asked == ["VERBA-3.1"]


def test_a_pushed_telegram_carries_its_crc() -> None:
    recorded = recording(X17 + X17)
    assert _verdicts(recorded) == [("crc16", True)] * 2
    assert [telegram.is_pushed for telegram in recorded.telegrams] == [True, True]
    assert _sets(recorded)[2] == ("1-0:1.8.1", ("001234.567*kWh",))


def test_a_crc_without_its_line_end_is_found() -> None:
    assert _verdicts(recording(X17.rstrip())) == [("crc16", True)]


def test_a_pushed_telegram_on_one_line_is_cut_behind_its_identification() -> None:
    shown = X17.replace(b"\r\n\r\n", b"\r\n").rstrip().replace(b"\r\n", b" ")
    recorded = recording(shown)
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP5\\2GATE500"], [("crc16", False)])
    assert recorded.diagnostics[0].endswith("it would fit with CR LF restored in place of blanks")
    assert len(_sets(recorded)) == 3


def test_an_empty_line_after_the_identification_tells_a_push() -> None:
    recorded = recording(X16)
    assert (_verdicts(recorded), recorded.telegrams[0].is_pushed) == ([("xor", True)], True)


def test_whole_codes_without_check_tell_a_push() -> None:
    assert recording(b"/XMP5HAUS\r\n1-0:1.8.0*255(1*kWh)\r\n!\r\n").telegrams[0].is_pushed


def test_an_asked_readout_is_no_push() -> None:
    assert not recording(REQUEST + IDENT + SELECT + b"\r\n" + X1).telegrams[0].is_pushed


def test_a_first_pushed_telegram_that_is_cut_is_left_out() -> None:
    recorded = recording(X17[40:] + X17)
    assert _verdicts(recorded) == [("crc16", True)]
    assert recorded.diagnostics[-1] == "the recording begins inside a telegram: that one is left out"


def test_octets_without_any_telegram_give_none() -> None:
    recorded = recording(b"nothing here\r\nnor here\r\n")
    assert recorded.telegrams == ()
    assert recorded.diagnostics[0].startswith("24 octets that are no message left out: 6E 6F")


MESSAGES = (REQUEST, IDENT, SELECT, X1, X3, X5, X15, X16, X17, P0, R1, BREAK, X10_FIRST, b"\x15", b"\x06", b"\x00\x7f")


@given(st.lists(st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=12)), max_size=12), st.data())
def test_no_octets_raise_anything_but_the_limits_of_a_block(pieces: list[bytes], data: st.DataObject) -> None:
    octets = bytearray(b"".join(pieces))
    for position in data.draw(st.lists(st.integers(0, max(len(octets) - 1, 0)), max_size=4)) if octets else ():
        octets[position] = data.draw(st.integers(0, 255))
    for telegram in recording(bytes(octets)).telegrams:
        with suppress(Garbled):
            assert all(data_set.raw for data_set in telegram.sets)


@given(
    st.binary(max_size=40).filter(
        lambda noise: not set(noise) & set(b"\x01\x02\x03\x04/!(\x81\x82\x83\x84\xaf\xa1\xa8")
    )
)
def test_noise_before_a_telegram_does_not_change_what_it_says(noise: bytes) -> None:
    recorded = recording(noise + b"\r\n" + X4)
    assert (_identifications(recorded), _verdicts(recorded)) == (["/XMP HZ-4"], [("xor", True)])
    assert len(_sets(recorded)) == 3


@pytest.mark.parametrize("repeats", [0, 1, 2])
def test_x10_a_part_that_was_asked_for_again_is_not_appended_twice(repeats: int) -> None:
    r6 = b"\x01R6\x02P.01(02603010000;02603010100;2)\x03\x28"
    recorded = recording(r6 + (X10_FIRST + b"\x15") * repeats + X10_FIRST + b"\x06" + X10_LAST + BREAK)
    rows = [raw for _, raw in _sets(recorded)][2:]
    assert rows == [("0.412", "0.000"), ("0.398", "0.000"), ("0.405", "0.000"), ("0.391", "0.000")]
    assert recorded.diagnostics == ()


def test_a_block_without_its_end_mark_is_read_and_told() -> None:
    recorded = recording(b"/XMP WZ-1\r\n8.1(00117.402*m3)\r\n" + X5)
    assert _sets(recorded) == [("8.1", ("00117.402*m3",))] * 2
    assert recorded.diagnostics == ("a block without its end mark",)


def test_a_line_that_only_begins_like_an_identification_is_told() -> None:
    recorded = recording(b"/X\x0b\r\n" + X4)
    assert _identifications(recorded) == ["/XMP HZ-4"]
    assert recorded.diagnostics[0].startswith("no identification: 2F 58 0B")


def test_control_characters_alone_are_left_out() -> None:
    recorded = recording(b"\x01\x04" + X4)
    assert _verdicts(recorded) == [("xor", True)]
    assert recorded.diagnostics == ("2 octets that are no message left out: 01 04",)
