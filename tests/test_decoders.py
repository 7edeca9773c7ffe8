"""The built-in decoders: exact numbers, units, moments; what cannot be understood is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decoders import BUILT_IN, number, split_unit, timestamp
from gateway.errors import DecodeError
from gateway.protocol.datablock import DataSet
from gateway.reading import Register, Value


def decoded(name: str, *raw: str, **parameters: str | int) -> Value:
    return BUILT_IN[name](DataSet("1.8.0", raw), Register("1.8.0", parameters=parameters))


@pytest.mark.parametrize(
    ("raw", "value", "unit"),
    [
        ("0012345.678*kWh", "0012345.678", "kWh"),
        ("0012345.678*KWH", "0012345.678", "kWh"),
        ("024562 kWh", "024562", "kWh"),
        ("123.34kWh", "123.34", "kWh"),
        ("00012.5m3", "00012.5", "m3"),
        ("000007,4*kW", "000007,4", "kW"),
        ("12.5*P/S", "12.5", "P/S"),
        ("12*", "12", None),
        ("41770326", "41770326", None),
        ("1234A", "1234A", None),
        ("06BD", "06BD", None),
        ("V1.0", "V1.0", None),
        ("", "", None),
    ],
)
def test_a_unit_is_found_behind_a_star_a_blank_or_the_number(raw: str, value: str, unit: str | None) -> None:
    assert split_unit(raw) == (value, unit)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("0012345.678", "12345.678"),
        ("+001.50", "1.50"),
        ("-000.5", "-0.5"),
        ("000007,4", "7.4"),
        ("0000000", "0"),
        ("  80", "80"),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_a_number_is_exact_with_its_trailing_zeros(printed: str, value: str) -> None:
    assert format(number(printed), "f") == value


@given(st.decimals(min_value=0, max_value=10**12, places=3, allow_nan=False), st.integers(0, 8))
def test_any_printed_decimal_comes_back_equal(value: Decimal, zeros: int) -> None:
    assert number("0" * zeros + format(value, "f")) == value


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "12?45",
        "12-45",
        "-",
        "----",
        "0:12",
        "1;2",
        "1<2",
        "1=",
        "1e5",
        "0x10",
        "1.2.3",
        "NaN",
        "٣",
        "1_000",
        "9" * 41,
    ],
)
def test_what_is_no_number_is_refused(printed: str) -> None:
    with pytest.raises(DecodeError):
        number(printed)


def test_an_unreadable_roller_is_named_as_such() -> None:
    with pytest.raises(DecodeError, match="roller"):
        number("0012?45")


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2602090945", "2026-02-09T09:45:00"),
        ("260209094559", "2026-02-09T09:45:59"),
        ("02602090945", "2026-02-09T09:45:00"),
        ("1260209094559", "2026-02-09T09:45:59"),
        ("260301143000W", "2026-03-01T14:30:00"),
        ("260701143000s", "2026-07-01T14:30:00"),
        ("26-03-01,14:30", "2026-03-01T14:30:00"),
        ("26-03-01 14:30:05", "2026-03-01T14:30:05"),
        ("2026-03-01T14:30:05", "2026-03-01T14:30:05"),
        ("7912312359", "2079-12-31T23:59:00"),
        ("8001010000", "1980-01-01T00:00:00"),
    ],
)
def test_every_form_of_a_time_stamp_is_told_by_its_length(raw: str, iso: str) -> None:
    assert timestamp(raw) == datetime.fromisoformat(iso)


@pytest.mark.parametrize("raw", ["", "02.468", "32602090945", "00000000", "15", "99", "abc", "12345678901234"])
def test_what_has_not_the_form_of_a_time_stamp_is_none(raw: str) -> None:
    assert timestamp(raw) is None


@pytest.mark.parametrize(
    "raw", ["2602300000", "0000000000", "99-99-99,99:99", "00-00-00,00:00", "632525252525S", "2601012460"]
)
def test_a_moment_that_does_not_exist_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError):
        timestamp(raw)


def test_the_season_flag_tells_winter_from_summer_and_utc() -> None:
    winter, summer, universal = (timestamp(f"{flag}2610250230") for flag in "012")
    assert winter is not None
    assert summer is not None
    assert universal == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert (winter.fold, summer.fold) == (1, 0)


def test_decimal_and_integer_leave_the_unit_aside() -> None:
    assert decoded("decimal", "0012.50*kWh") == Decimal("12.50")
    assert decoded("integer", "0012*h") == 12
    with pytest.raises(DecodeError, match="whole"):
        decoded("integer", "12.5")


def test_another_bracket_can_be_named() -> None:
    assert decoded("decimal", "15", "7.5*kW", bracket=1) == Decimal("7.5")
    with pytest.raises(DecodeError, match="bracket 2"):
        decoded("decimal", "15", "7.5*kW", bracket=2)


def test_flags_are_named_by_the_parameters() -> None:
    assert decoded("flags", "0021", **{"5": "clock set"}) == frozenset({"clock set", "bit 0"})
    assert decoded("flags", "00000000") == frozenset()


@pytest.mark.parametrize("raw", ["", "0G", "1" * 33, "0x10"])
def test_what_is_no_hexadecimal_word_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError):
        decoded("flags", raw)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("text", "  V1.0 ", "V1.0"),
        ("date", "0260301", "2026-03-01"),
        ("date", "260301", "2026-03-01"),
        ("date", "2026-03-01", "2026-03-01"),
        ("time", "0143005", "14:30:05"),
        ("time", "143005", "14:30:05"),
        ("time", "14:30", "14:30:00"),
        ("datetime", "2603011430", datetime(2026, 3, 1, 14, 30)),  # noqa: DTZ001
    ],
)
def test_text_and_times_are_decoded(name: str, raw: str, value: Value) -> None:
    assert decoded(name, raw) == value


@pytest.mark.parametrize(
    ("name", "raw"), [("date", "260332"), ("date", "x"), ("time", "246000"), ("time", "1"), ("datetime", "1")]
)
def test_a_wrong_date_or_time_is_refused(name: str, raw: str) -> None:
    with pytest.raises(DecodeError):
        decoded(name, raw)


@given(st.text(st.characters(max_codepoint=127), max_size=60), st.sampled_from(sorted(BUILT_IN)))
def test_no_print_raises_anything_but_a_decode_error(raw: str, name: str) -> None:
    with suppress(DecodeError):
        decoded(name, raw)
