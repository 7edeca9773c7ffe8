"""Event logs: entries with their flags, the registers that they print, broken answers."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profile.event_log import log_entries
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import SeriesKind, StoredSeries
from gateway.profile.stored import StoredData
from gateway.protocol.datablock import DataSet, parse_block
from gateway.reading import Quality, Reading

VILNIUS = ZoneInfo("Europe/Vilnius")
SERIES = StoredSeries("P.98", SeriesKind.LOG, "Event log", status={4: "device reset", 5: "clock set"})
PROFILE = MeterProfile(id="xmp", version=1, title="XMP", maker="XMP")
RESET = "P.98(0260301000000)(00000010)()(0)"
CLOCK_SET = "P.98(0260301081207)(00008020)()(2)(0.9.1)()(0.9.2)()(0081215)(0260301)"


def logged(*lines: str) -> StoredData:
    return log_entries(parse_block("\r\n".join(lines).encode()), SERIES, PROFILE, VILNIUS)


def test_x12_an_entry_is_a_reading_with_the_flags_of_its_status() -> None:
    data = logged(RESET, "")
    assert data.readings == (
        Reading(
            signal="P.98",
            obis="0-0:99.98.0*255",
            address="P.98",
            value=frozenset({"device reset"}),
            unit=None,
            raw="0260301000000)(00000010)()(0",
            time=datetime(2026, 3, 1),  # noqa: DTZ001 - a meter's own time has no zone
            valid_at=datetime(2026, 2, 28, 22, tzinfo=UTC),
            title="Event log",
            status="device reset",
        ),
    )
    assert (data.is_complete, data.diagnostics) == (True, ())
    assert data.newest == datetime(2026, 2, 28, 22, tzinfo=UTC)


def test_x12_a_clock_set_stands_at_the_old_time_with_the_new_one_as_values() -> None:
    data = logged(RESET, CLOCK_SET, "")
    entry, *elements = data.readings[1:]
    assert entry.value == frozenset({"clock set", "bit 15"})
    assert [(element.address, element.value, element.raw) for element in elements] == [
        ("0.9.1", "08:12:15", "0081215"),
        ("0.9.2", "2026-03-01", "0260301"),
    ]
    assert {reading.valid_at for reading in (entry, *elements)} == {datetime(2026, 3, 1, 6, 12, 7, tzinfo=UTC)}
    assert {reading.status for reading in (entry, *elements)} == {"clock set, bit 15"}
    assert {f"{reading.time:%H:%M:%S}" for reading in (entry, *elements)} == {"08:12:07"}
    assert data.newest == entry.valid_at


def test_an_element_has_the_unit_of_its_bracket() -> None:
    element = logged("P.98(0260301000000)(10)()(1)(1.8.0)(kWh)(00123.5)").readings[1]
    assert (element.value, element.unit, element.obis) == (Decimal("123.5"), "kWh", "1-0:1.8.0*255")


def test_the_new_one_of_an_old_and_a_new_value_counts() -> None:
    data = log_entries(
        parse_block(b"P.99(0260301000000)(00)()(2)(0.3.0)()(0.2.0)()(5000;10000)(A;B;C)"),
        StoredSeries("P.99", SeriesKind.LOG, "Calibration log"),
        PROFILE,
        VILNIUS,
    )
    entry, constant, several = data.readings
    assert (entry.address, entry.value, entry.status) == ("P.99", frozenset(), None)
    assert (constant.value, constant.raw) == (Decimal(10000), "5000;10000")
    assert several.value == "A;B;C"


@pytest.mark.parametrize("entry", ["P.98(0260301000000)", "P.98(0260301000000)()", "P.98(0260301000000)()()(0)"])
def test_an_entry_may_have_no_status(entry: str) -> None:
    (reading,) = logged(entry).readings
    assert (reading.value, reading.status, reading.quality) == (frozenset(), None, Quality.GOOD)


def test_a_status_that_is_no_word_is_bad_and_keeps_its_moment() -> None:
    (reading,) = logged("P.98(0260301000000)(##)()(0)").readings
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    assert "##" in str(reading.reason)
    assert reading.valid_at is not None


def test_an_entry_without_a_valid_stamp_is_bad_and_the_others_survive() -> None:
    data = logged("P.98(0000000000000)(00000010)()(0)", RESET)
    bad, good = data.readings
    assert (bad.value, bad.valid_at, bad.quality) == (None, None, Quality.BAD)
    assert good.value == frozenset({"device reset"})
    assert data.is_complete
    assert "no moment" in data.diagnostics[0]


@pytest.mark.parametrize("address", ["", "1-0:P.98", "0-0:99.98.0*255"])
def test_the_log_is_known_by_its_code_whatever_is_printed_of_it(address: str) -> None:
    data = logged(RESET.replace("P.98", address), CLOCK_SET.replace("P.98", address))
    assert [reading.address for reading in data.readings] == ["P.98", "P.98", "0.9.1", "0.9.2"]


def test_other_registers_are_no_entries() -> None:
    data = logged("0.0.0(12345678)", "TEXT", RESET)
    assert len(data.readings) == 1
    assert data.diagnostics == ("0.0.0 is no part of P.98: left out", 'the line "TEXT" is no entry: left out')
    assert data.is_complete


def test_two_entries_of_one_second_are_kept_and_one_that_comes_again_is_not() -> None:
    data = logged(RESET, RESET.replace("10)", "20)"), RESET)
    assert [reading.status for reading in data.readings] == ["device reset", "clock set"]


@pytest.mark.parametrize("answer", ["P.98(ERROR)", "(ERROR)"])
def test_x12_an_error_text_in_place_of_the_stamp_is_an_empty_range(answer: str) -> None:
    assert logged(answer) == StoredData((), is_complete=True, newest=None, diagnostics=())


def test_another_error_text_is_told() -> None:
    data = logged("P.98(ERROR04)")
    assert data.readings == ()
    assert "ERROR04" in data.diagnostics[0]


@pytest.mark.parametrize("cut", range(1, len(CLOCK_SET)))
def test_of_an_answer_that_breaks_off_the_complete_entries_are_kept(cut: int) -> None:
    data = logged(RESET, CLOCK_SET[:cut])
    if CLOCK_SET[:cut].endswith(")") and CLOCK_SET[:cut].count("(") <= 3:
        # An entry may end after its stamp or its status: nothing tells that this one was to go on.
        assert len(data.readings) == 2
        return
    assert [reading.status for reading in data.readings] == ["device reset"]
    assert data.newest == datetime(2026, 2, 28, 22, tzinfo=UTC)
    assert data.is_complete == ("(" not in CLOCK_SET[:cut])


@pytest.mark.parametrize(
    "entry",
    [
        "P.98(0260301081207)(20)()(2)(0.9.1)()(0.9.2)()(0081215)",
        "P.98(0260301081207)(20)()(65)" + "(0.9.1)()" * 65 + "(0081215)" * 65,
        "P.98(0260301081207)(20)()(x)",
        "P.98(0260301081207)(20)()(1)()()(0081215)",
    ],
)
def test_an_entry_whose_elements_are_broken_is_suspect_without_them(entry: str) -> None:
    data = logged(entry, RESET)
    broken, whole = data.readings
    assert (broken.value, broken.quality) == (frozenset({"clock set"}), Quality.SUSPECT)
    assert broken.reason
    assert whole.quality is Quality.GOOD
    assert not data.is_complete
    assert data.newest == whole.valid_at


def test_a_broken_line_in_the_middle_is_told() -> None:
    data = logged("P.98(0260301081207)(20", RESET)
    assert len(data.readings) == 1
    assert data.diagnostics == ("an entry is broken",)
    assert not data.is_complete


def test_brackets_beyond_the_elements_are_told() -> None:
    data = logged(CLOCK_SET + "(CRC Ok)")
    assert [reading.address for reading in data.readings] == ["P.98", "0.9.1", "0.9.2"]
    assert data.is_complete
    assert "more brackets" in data.diagnostics[0]


def test_an_element_that_cannot_be_understood_is_bad_alone() -> None:
    element = logged("P.98(0260301081207)(20)()(1)(0.9.1)()(99:99)").readings[1]
    assert (element.value, element.quality, element.raw) == (None, Quality.BAD, "99:99")


printed = st.one_of(
    st.sampled_from(["P.98", "", "0260301001500", "20", "1", "2", "0.9.1", "0260301", "ERROR", "5;6"]),
    st.text(st.characters(codec="latin-1"), max_size=12),
)


@given(st.lists(st.builds(DataSet, printed, st.lists(printed, max_size=12).map(tuple)), max_size=12))
def test_no_print_whatever_makes_it_fail(sets: list[DataSet]) -> None:
    data = log_entries(sets, SERIES, PROFILE, VILNIUS)
    assert data.is_complete or data.diagnostics
