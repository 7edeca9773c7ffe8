"""Load profiles: rows in continuous time, several headers, broken answers, both season changes."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from gateway.profile.intervals import stored_intervals
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import ErrorText, ProgrammingMode, SeriesKind, StoredSeries
from gateway.profile.stored import SENTENCE_LIMIT, StoredData
from gateway.protocol.datablock import DataSet, parse_block
from gateway.reading import Quality, Reading, Register

VILNIUS = ZoneInfo("Europe/Vilnius")
SERIES = StoredSeries("P.01", SeriesKind.LOAD_PROFILE, "Load profile", status={5: "clock set", 7: "power failed"})
PROFILE = MeterProfile(
    id="xmp",
    version=1,
    title="XMP",
    maker="XMP",
    registers=(Register("1.5.0", "power_import", "Mean power"), Register("2.5.0", unit="kW")),
    programming=ProgrammingMode(errors=(ErrorText("NODATA", "nothing there", None),)),
)
HEADER = "P.01(0260301001500)(00)(15)(2)(1.5)(kW)(2.5)(kW)"


def stored(*lines: str, zone: ZoneInfo = VILNIUS) -> StoredData:
    return stored_intervals(parse_block("\r\n".join(lines).encode()), SERIES, PROFILE, zone)


def ends(data: StoredData) -> list[str]:
    """The ends of the intervals in UTC, each once."""
    return list(dict.fromkeys(f"{reading.valid_at:%m-%d %H:%M:%S}" for reading in data.readings))


def values(data: StoredData) -> list[str]:
    return [str(reading.value) for reading in data.readings]


def only(data: StoredData) -> Reading:
    (reading,) = data.readings
    return reading


def test_x11_a_load_profile_in_one_block_gives_a_reading_for_every_value() -> None:
    data = stored(
        "P.01(0260301001500)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)", "(0.412)(0.000)", "(0.398)(0.000)", ""
    )
    assert values(data) == ["0.412", "0.000", "0.398", "0.000"]
    assert ends(data) == ["02-28 22:15:00", "02-28 22:30:00"]
    assert (data.is_complete, data.diagnostics) == (True, ())
    assert data.newest == datetime(2026, 2, 28, 22, 30, tzinfo=UTC)


def test_x10_reduced_codes_are_the_registers_of_the_full_ones() -> None:
    data = stored(
        "P.01(0260301001500)(00000000)(15)(2)(1.5)(kW)(2.5)(KW)",
        *("(0.412)(0.000)", "(0.398)(0.000)", "(0.405)(0.000)", "(0.391)(0.000)"),
    )
    first = data.readings[0]
    assert first == Reading(
        signal="power_import",
        obis="1-0:1.5.0*255",
        address="1.5",
        value=Decimal("0.412"),
        unit="kW",
        raw="0.412",
        time=datetime(2026, 3, 1, 0, 15),  # noqa: DTZ001 - a meter's own time has no zone
        valid_at=datetime(2026, 2, 28, 22, 15, tzinfo=UTC),
        title="Mean power",
    )
    assert data.readings[1].signal == "2.5"
    assert data.readings[1].unit == "kW"
    assert len(ends(data)) == 4


def test_the_stamp_is_the_end_of_the_first_interval() -> None:
    assert ends(stored(HEADER, "(1)(2)")) == ["02-28 22:15:00"]


def test_every_header_begins_anew_with_its_own_channels_and_status() -> None:
    data = stored(
        HEADER,
        "(1)(2)",
        "P.01(0260301023000)(80)(30)(1)(1.29)(kWh)",
        "(3)",
        "(4)",
    )
    assert [(reading.address, reading.status) for reading in data.readings] == [
        ("1.5", None),
        ("2.5", None),
        ("1.29", "power failed"),
        ("1.29", "power failed"),
    ]
    assert ends(data) == ["02-28 22:15:00", "03-01 00:30:00", "03-01 01:00:00"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("00", None),
        ("", None),
        ("0000", None),
        ("20", "clock set"),
        ("00A0", "clock set, power failed"),
        ("00008221", "bit 0, clock set, bit 9, bit 15"),
    ],
)
def test_a_status_word_names_its_bits(word: str, status: str | None) -> None:
    assert only(stored(f"P.01(0260301001500)({word})(15)(1)(1.5)(kW)", "(1)")).status == status


def test_a_status_that_is_no_word_is_kept_as_printed() -> None:
    data = stored("P.01(0260301001500)(##)(15)(1)(1.5)(kW)", "(1)")
    assert only(data).status == 'status "##"'
    assert data.is_complete
    assert "##" in data.diagnostics[0]


def test_a_row_may_stand_on_the_line_of_its_header() -> None:
    data = stored(HEADER + "(0.1)(0.2)", "(0.3)(0.4)")
    assert values(data) == ["0.1", "0.2", "0.3", "0.4"]
    assert len(ends(data)) == 2


def test_rows_go_on_in_real_minutes_when_summer_time_begins() -> None:
    data = stored("P.01(0260329023000)(00)(30)(1)(1.5)(kW)", "(1)", "(2)", "(3)")
    assert ends(data) == ["03-29 00:30:00", "03-29 01:00:00", "03-29 01:30:00"]
    assert [f"{reading.time:%H:%M}" for reading in data.readings] == ["02:30", "04:00", "04:30"]


def test_rows_go_on_in_real_minutes_when_summer_time_ends() -> None:
    data = stored("P.01(1261025033000)(00)(30)(1)(1.5)(kW)", "(1)", "(2)", "(3)")
    assert ends(data) == ["10-25 00:30:00", "10-25 01:00:00", "10-25 01:30:00"]
    assert [f"{reading.time:%H:%M}" for reading in data.readings] == ["03:30", "03:00", "03:30"]


def test_headers_without_season_flag_count_through_the_hour_that_comes_twice() -> None:
    data = stored(
        "P.01(261025033000)(00)(30)(1)(1.5)(kW)",
        "(1)",
        "(2)",
        "P.01(261025033000)(08)(30)(1)(1.5)(kW)",
        "(3)",
    )
    assert ends(data) == ["10-25 00:30:00", "10-25 01:00:00", "10-25 01:30:00"]


def test_a_short_interval_ends_off_the_grid_and_the_next_one_on_it() -> None:
    data = stored("P.01(0260301100723)(80)(15)(1)(1.5)(kW)", "(1)", "(2)", "(3)")
    assert ends(data) == ["03-01 08:07:23", "03-01 08:15:00", "03-01 08:30:00"]
    assert {reading.quality for reading in data.readings} == {Quality.GOOD}


def test_the_grid_is_that_of_the_meters_own_hours() -> None:
    data = stored("P.01(0260301100723)(00)(60)(1)(1.5)(kW)", "(1)", "(2)", zone=ZoneInfo("Asia/Kolkata"))
    assert ends(data) == ["03-01 04:37:23", "03-01 05:30:00"]


def test_an_interval_that_divides_no_day_has_no_grid() -> None:
    data = stored("P.01(0260301100700)(00)(7)(1)(1.5)(kW)", "(1)", "(2)")
    assert ends(data) == ["03-01 08:07:00", "03-01 08:14:00"]


def test_a_day_may_begin_at_any_full_hour() -> None:
    data = stored("P.01(0260301060000)(00)(1440)(1)(1.8.0)(kWh)", "(1)", "(2)")
    assert ends(data) == ["03-01 04:00:00", "03-02 04:00:00"]
    assert {reading.quality for reading in data.readings} == {Quality.GOOD}


def test_a_day_cut_short_leaves_a_doubt_where_the_next_one_ends() -> None:
    data = stored("P.01(0260301100723)(80)(1440)(1)(1.8.0)(kWh)", "(1)", "(2)", "(?)")
    assert ends(data) == ["03-01 08:07:23", "03-01 22:00:00", "03-02 22:00:00"]
    assert [reading.quality for reading in data.readings] == [Quality.GOOD, Quality.SUSPECT, Quality.BAD]
    assert "midnight" in str(data.readings[1].reason)


def test_a_meter_in_normal_time_all_year_keeps_its_own_stamps() -> None:
    data = stored("P.01(0260701001500)(00)(15)(1)(1.5)(kW)", "(1)", "(2)")
    assert ends(data) == ["06-30 22:15:00", "06-30 22:30:00"]
    assert [f"{reading.time:%H:%M}" for reading in data.readings] == ["00:15", "00:30"]


@pytest.mark.parametrize("print_", ["", "#####", "????", "ERROR", "1.2.3"])
@pytest.mark.parametrize("code", ["1.5", "CHANNEL"])
@pytest.mark.parametrize("unit", ["kW", ""])
def test_a_filler_is_a_bad_reading_with_its_print(print_: str, code: str, unit: str) -> None:
    data = stored(f"P.01(0260301001500)(00)(15)(2)({code})({unit})(1.5)(kW)", f"({print_})(0.5)")
    bad, good = data.readings
    assert (bad.value, bad.raw, bad.quality) == (None, print_, Quality.BAD)
    assert bad.reason
    assert (good.value, good.quality) == (Decimal("0.5"), Quality.GOOD)
    assert data.is_complete


def test_a_code_without_meaning_has_numbers_for_values() -> None:
    data = stored("P.01(0260301001500)(00)(15)(1)(CHANNEL)()", "(00.50)")
    assert only(data).value == Decimal("0.50")
    assert (only(data).obis, only(data).unit, only(data).signal) == (None, None, "CHANNEL")


def test_a_unit_that_is_not_printed_is_the_registers() -> None:
    data = stored("P.01(0260301001500)(00)(15)(2)(2.5.0)()(1.5.0)()", "(1)(2)")
    assert [reading.unit for reading in data.readings] == ["kW", None]


def test_a_value_that_prints_its_own_unit_keeps_it() -> None:
    assert only(stored("P.01(0260301001500)(00)(15)(1)(1.5)(kW)", "(5*W)")).unit == "W"


@pytest.mark.parametrize("answer", ["P.01(ERROR)", "(ERROR)", "P.01(NODATA)"])
def test_x12_an_error_text_in_place_of_the_stamp_is_an_empty_range(answer: str) -> None:
    assert stored(answer) == StoredData((), is_complete=True, newest=None, diagnostics=())


def test_another_error_text_is_told() -> None:
    data = stored("P.01(ERROR04)")
    assert data.readings == ()
    assert "ERROR04" in data.diagnostics[0]


def test_an_answer_without_anything_is_empty() -> None:
    assert stored() == StoredData((), is_complete=True, newest=None, diagnostics=())


@pytest.mark.parametrize("rest", ["(0.3)", "(0.3)(0.", "(0", "(0.3)(0.4)(0.5)"])
def test_of_an_answer_that_breaks_off_the_complete_rows_are_kept(rest: str) -> None:
    data = stored(HEADER, "(0.1)(0.2)", rest)
    assert values(data) == ["0.1", "0.2"]
    assert not data.is_complete
    assert data.diagnostics == ("the answer broke off in a row",)
    assert data.newest == datetime(2026, 2, 28, 22, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        "P.01(0260301021",
        "P.01(0260301021500)",
        "P.01(0260301021500)(00)(15)(2)",
        "P.01(0260301021500)(00)(15)(2)(1.5)(kW)(2.5)",
    ],
)
def test_an_answer_may_break_off_in_a_header(header: str) -> None:
    data = stored(HEADER, "(0.1)(0.2)", header)
    assert values(data) == ["0.1", "0.2"]
    assert not data.is_complete
    assert "header" in data.diagnostics[0]


@pytest.mark.parametrize(("row", "raw"), [("(0.3)", "0.3"), ("(0.3)(0.4", "(0.3)(0.4"), ("(1)(2)(3)", "1)(2)(3")])
def test_a_broken_row_in_the_middle_is_bad_and_the_others_keep_their_place(row: str, raw: str) -> None:
    data = stored(HEADER, row, "(0.5)(0.6)")
    assert [reading.value for reading in data.readings] == [None, None, Decimal("0.5"), Decimal("0.6")]
    assert {(reading.raw, reading.quality) for reading in data.readings[:2]} == {(raw, Quality.BAD)}
    assert "row" in str(data.readings[0].reason)
    assert ends(data) == ["02-28 22:15:00", "02-28 22:30:00"]
    assert not data.is_complete


@pytest.mark.parametrize(
    "header",
    [
        "P.01(0260301021500)(00)(0)(1)(1.5)(kW)",
        "P.01(0260301021500)(00)(44641)(1)(1.5)(kW)",
        "P.01(0260301021500)(00)(x)(1)(1.5)(kW)",
        "P.01(0260301021500)(00)(15)(0)",
        "P.01(0260301021500)(00)(15)(65)" + "(1.5)(kW)" * 65,
        "P.01(0260301021500)(00)(15)(99999999999999)(1.5)(kW)",
        "P.01(0261301021500)(00)(15)(1)(1.5)(kW)",
        "P.01(0260301021500)(00)(15)(2)(1.5)(kW)(2.5)(kW)(3.5)(kvar)",
        "P.01(0260301021500)(00)(15)(1)(1.5)(kW)(2.5)(kW)",
        "P.01(0260301021500)(00)(15)(2)(1.5)(kW)()(kW)",
        "P.01(0260301021500)(00)(15)(2)(1.5)(kW)(*01)(kW)",
        "P.01(0260301021500",
    ],
)
def test_rows_of_a_header_that_cannot_be_read_are_left_out_and_told(header: str) -> None:
    data = stored(HEADER, "(1)(2)", header, "(3)", "(4)", "P.01(0260301031500)(00)(15)(1)(1.5)(kW)", "(5)")
    assert values(data) == ["1", "2", "5"]
    assert not data.is_complete
    assert len(data.diagnostics) == 2
    assert "a row has no header that can be read (2 times)" in data.diagnostics


@pytest.mark.parametrize(("minutes", "channels"), [(1, 1), (44640, 64)])
def test_headers_at_the_limits_are_read(minutes: int, channels: int) -> None:
    header = f"P.01(0260301001500)(00)({minutes})({channels})" + "(1.5)(kW)" * channels
    data = stored(header, "(1)" * channels)
    assert len(data.readings) == channels
    assert data.is_complete


def test_rows_that_come_again_are_left_out() -> None:
    data = stored(HEADER, "(1)(2)", "(3)(4)", "P.01(0260301003000)(80)(15)(2)(1.5)(kW)(2.5)(kW)", "(3)(4)", "(5)(6)")
    assert values(data) == ["1", "2", "3", "4", "5", "6"]
    assert data.readings[2].status is None
    assert data.diagnostics == ()


def test_other_values_for_the_same_moment_are_suspect_each_once() -> None:
    again = ("P.01(0260301001500)(20)(15)(2)(1.5)(kW)(2.5)(kW)", "(7)(2)")
    data = stored(HEADER, "(1)(2)", *again, *again)
    assert values(data) == ["1", "2", "7"]
    suspect = data.readings[2]
    assert (suspect.quality, suspect.status, suspect.address) == (Quality.SUSPECT, "clock set", "1.5")
    assert suspect.valid_at == data.readings[0].valid_at
    assert "stored 1 " in str(suspect.reason)


def test_a_good_value_replaces_a_broken_one_of_the_same_moment() -> None:
    data = stored(HEADER, "(1)", HEADER, "(1)(2)", HEADER, "(##)(2)")
    assert values(data) == ["1", "2"]
    assert {reading.quality for reading in data.readings} == {Quality.GOOD}


def test_two_channels_of_one_code_are_both_kept() -> None:
    data = stored("P.01(0260301001500)(00)(15)(2)(1.5)(kW)(1.5)(kW)", "(1)(2)")
    assert values(data) == ["1", "2"]
    assert {reading.quality for reading in data.readings} == {Quality.GOOD}


@pytest.mark.parametrize("address", ["", "1-0:P.01", "0-0:99.1.0*255"])
def test_the_series_is_known_by_its_code_whatever_is_printed_of_it(address: str) -> None:
    assert values(stored(HEADER.replace("P.01", address), "(1)(2)")) == ["1", "2"]


def test_rows_of_another_series_are_not_taken_for_those_of_this_one() -> None:
    data = stored("0.0.0(12345678)", HEADER, "(1)(2)", HEADER.replace("P.01", "P.02"), "(3)(4)")
    assert values(data) == ["1", "2"]
    assert data.diagnostics == (
        "0.0.0 is no part of P.01: left out",
        "P.02 is no part of P.01: left out",
        "a row has no header that can be read",
    )


def test_another_register_before_the_profile_loses_nothing() -> None:
    assert stored("0.0.0(12345678)", HEADER, "(1)(2)").is_complete


def test_another_register_among_the_rows_leaves_their_places_open() -> None:
    data = stored(HEADER, "(1)(2)", "0.0.0(12345678)")
    assert values(data) == ["1", "2"]
    assert not data.is_complete


def test_a_line_of_text_is_no_row() -> None:
    data = stored(HEADER, "(1)(2)", "BREAK")
    assert values(data) == ["1", "2"]
    assert data.is_complete
    assert "BREAK" in data.diagnostics[0]


def test_more_rows_than_there_are_years_end_with_a_word() -> None:
    data = stored("P.01(0791201000000)(00)(44640)(1)(1.5)(kW)", *["(1)"] * 2000)
    assert max(reading.valid_at for reading in data.readings if reading.valid_at).year == 2199
    assert any("2199" in sentence for sentence in data.diagnostics)
    assert not data.is_complete


def test_what_is_noticed_stays_a_readable_number_of_sentences() -> None:
    data = stored(*(f"1.8.{n}(5)" for n in range(200)))
    assert len(data.diagnostics) == SENTENCE_LIMIT + 1
    assert data.diagnostics[-1] == f"more was noticed ({200 - SENTENCE_LIMIT} times)"


@frozen
class Made:
    """A made-up load profile: runs of rows, each with the end of its first interval, and what its print is cut into."""

    minutes: int
    runs: tuple[tuple[datetime, tuple[tuple[Decimal, ...], ...]], ...]

    def expected(self) -> dict[tuple[datetime, str], Decimal]:
        return {
            (first + timedelta(minutes=self.minutes * k), f"{channel}.5"): value
            for first, rows in self.runs
            for k, row in enumerate(rows)
            for channel, value in enumerate(row, start=1)
        }

    def print(self) -> bytes:
        """As a meter in Lithuania prints it; a season change inside a run is left to the reader."""
        return "".join(itertools.chain.from_iterable(self._lines(*run) for run in self.runs)).encode()

    def _lines(self, first: datetime, rows: Sequence[Sequence[Decimal]]) -> list[str]:
        change = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]
        is_summer = change[0] < first <= change[1]
        local = first + timedelta(hours=3 if is_summer else 2)
        codes = "".join(f"({channel}.5)(kW)" for channel in range(1, len(rows[0]) + 1))
        stamp = f"{is_summer:d}{local:%y%m%d%H%M%S}"
        header = f"P.01({stamp})(00000000)({self.minutes})({len(rows[0])}){codes}\r\n"
        return [header, *("".join(f"({value})" for value in row) + "\r\n" for row in rows)]


@st.composite
def made_profiles(draw: st.DrawFn) -> Made:
    minutes = draw(st.sampled_from([1, 5, 15, 30, 60]))
    channels = draw(st.integers(1, 4))
    value = st.decimals(0, 999, places=3)
    row = st.tuples(*[value] * channels)
    change = draw(st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]))
    end = change + timedelta(minutes=minutes * draw(st.integers(-12, 2)))
    runs = []
    for _ in range(draw(st.integers(1, 4))):
        rows = tuple(draw(st.lists(row, min_size=1, max_size=6)))
        runs.append((end, rows))
        end += timedelta(minutes=minutes * (len(rows) + draw(st.integers(0, 3))))
    return Made(minutes, tuple(runs))


def as_mapping(data: StoredData) -> dict[tuple[datetime, str], Decimal]:
    assert all(reading.quality is Quality.GOOD for reading in data.readings)
    return {
        (reading.valid_at, reading.address): reading.value
        for reading in data.readings
        if reading.valid_at is not None and isinstance(reading.value, Decimal)
    }


@given(made_profiles())
def test_any_profile_over_a_season_change_comes_back_equal(made: Made) -> None:
    data = stored_intervals(parse_block(made.print()), SERIES, PROFILE, VILNIUS)
    assert as_mapping(data) == made.expected()
    assert len(data.readings) == len(made.expected())
    assert data.is_complete
    assert data.newest == max(moment for moment, _ in made.expected())


@given(made_profiles(), st.data())
def test_a_profile_cut_off_anywhere_gives_its_complete_rows_only(made: Made, data: st.DataObject) -> None:
    whole = made.print()
    cut = data.draw(st.integers(0, len(whole)))
    found = stored_intervals(parse_block(whole[:cut]), SERIES, PROFILE, VILNIUS)
    lines = whole.decode().split("\r\n")
    ends_of_lines = itertools.accumulate(len(line) + 2 for line in lines)
    rows = sum(line[:1] == "(" and end - 2 <= cut for line, end in zip(lines, ends_of_lines, strict=True))
    wanted = rows * len(made.runs[0][1][0])
    assert as_mapping(found) == dict(itertools.islice(made.expected().items(), wanted))
    assert found.newest == max((moment for moment, _ in as_mapping(found)), default=None)


printed = st.one_of(
    st.sampled_from(
        ["P.01", "", "0260301001500", "00", "15", "1", "2", "1.5", "kW", "0.5", "ERROR", "261025033000", "#", "44640"]
    ),
    st.text(st.characters(codec="latin-1"), max_size=12),
)


@given(st.lists(st.builds(DataSet, printed, st.lists(printed, max_size=12).map(tuple)), max_size=12))
def test_no_print_whatever_makes_it_fail(sets: list[DataSet]) -> None:
    data = stored_intervals(sets, SERIES, PROFILE, VILNIUS)
    assert all(reading.valid_at is not None for reading in data.readings)
    assert all(reading.value is None or reading.quality is not Quality.BAD for reading in data.readings)
