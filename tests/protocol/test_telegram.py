"""A telegram's data sets, and the joining of partial blocks."""

from gateway.protocol.check import UNCHECKED, block_check
from gateway.protocol.messages import Identification
from gateway.protocol.telegram import Telegram, joined

METER = Identification("XMP", "5", "VERBA-3.1")
GOOD = block_check(b"A\x04", ord("A") ^ 4, None)
WRONG = block_check(b"A\x04", 0, None)


def _sets(telegram: Telegram) -> list[tuple[str, tuple[str, ...]]]:
    return [(data_set.address, data_set.raw) for data_set in telegram.sets]


def test_data_sets_come_in_the_order_of_the_wire_with_duplicates() -> None:
    telegram = Telegram(METER, b"0.2.0(1)\r\n0.2.0(2)\r\n(3)\r\n!\r\n")
    assert _sets(telegram) == [("0.2.0", ("1",)), ("0.2.0", ("2",)), ("", ("3",))]


def test_a_line_of_text_is_no_data_set_but_is_kept_apart() -> None:
    telegram = Telegram(METER, b"remark\r\n0.2.0(1)\r\n!\r\n")
    assert (_sets(telegram), telegram.text_lines) == ([("0.2.0", ("1",))], ("remark",))


def test_joined_parts_get_a_line_break_only_where_none_is() -> None:
    parts = [Telegram(METER, b"A(1)\r\n"), Telegram(METER, b"B(2)"), Telegram(METER, b"C(3)")]
    assert joined(parts).body == b"A(1)\r\nB(2)\r\nC(3)"


def test_one_wrong_part_makes_the_whole_wrong() -> None:
    assert joined([Telegram(METER, b"", WRONG), Telegram(METER, b"", GOOD)]).check == WRONG


def test_good_parts_make_a_good_whole_of_the_same_meter() -> None:
    whole = joined([Telegram(METER, b"", GOOD, is_pushed=True), Telegram(METER, b"", UNCHECKED)])
    assert (whole.identification, whole.is_pushed, whole.check) == (METER, True, UNCHECKED)
