"""Time stamps of stored series: what a meter prints, what it wants to be asked by."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DecodeError
from gateway.profile.stamp import range_text, read_stamp, stamp_text

VILNIUS = ZoneInfo("Europe/Vilnius")
# 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.


def in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        ("sYYMMDDhhmm", "02603010705"),
        ("sYYMMDDhhmmss", "0260301070509"),
        ("YYMMDDhhmm", "2603010705"),
        ("YY-MM-DD,hh:mm", "26-03-01,07:05"),
        ("YYYY-MM-DD hh:mm:ss", "2026-03-01 07:05:09"),
        ("shhmmss", "0070509"),
        ("sYYMMDD", "0260301"),
    ],
)
def test_a_moment_is_written_in_the_form_that_the_meter_wants(form: str, printed: str) -> None:
    assert stamp_text(datetime(2026, 3, 1, 7, 5, 9, tzinfo=VILNIUS), form) == printed


@pytest.mark.parametrize(
    ("moment", "flag"),
    [
        (datetime(2026, 1, 15, tzinfo=VILNIUS), "0"),
        (datetime(2026, 7, 15, tzinfo=VILNIUS), "1"),
        (datetime(2026, 10, 25, 3, 30, tzinfo=VILNIUS, fold=0), "1"),
        (datetime(2026, 10, 25, 3, 30, tzinfo=VILNIUS, fold=1), "0"),
        (datetime(2026, 7, 15, tzinfo=UTC), "2"),
        (datetime(2026, 7, 15, tzinfo=ZoneInfo("UTC")), "2"),
        (datetime(2026, 7, 15, tzinfo=ZoneInfo("Europe/Dublin")), "1"),
        (datetime(2026, 1, 15, tzinfo=ZoneInfo("Europe/Dublin")), "0"),
        (datetime(2026, 7, 15, tzinfo=ZoneInfo("Europe/Istanbul")), "0"),
    ],
)
def test_the_season_flag_tells_normal_time_summer_time_and_utc(moment: datetime, flag: str) -> None:
    assert stamp_text(moment, "s") == flag


def test_a_range_has_two_limits_either_of_which_may_be_open() -> None:
    since, until = datetime(2026, 3, 1, tzinfo=VILNIUS), datetime(2026, 3, 1, 1, tzinfo=VILNIUS)
    assert range_text(since, until, "sYYMMDDhhmm") == "02603010000;02603010100"
    assert range_text(since, None, "sYYMMDDhhmm") == "02603010000;"
    assert range_text(None, until, "sYYMMDDhhmm") == ";02603010100"


@pytest.mark.parametrize(
    ("form", "printed"),
    [
        ("YYMMDDhhmmss", "260301070509;260301070510"),
        ("YYMMDDhhmm", "2603010705;2603010706"),
        ("YYMMDDhh", "26030107;26030108"),
        ("YYMMDD", "260301;260302"),
    ],
)
def test_what_the_form_does_not_resolve_widens_the_range(form: str, printed: str) -> None:
    moment = datetime(2026, 3, 1, 7, 5, 9, 400_000, tzinfo=VILNIUS)
    assert range_text(moment, moment, form) == printed


def test_a_limit_in_the_second_passing_of_an_hour_stays_there_when_rounded() -> None:
    until = datetime(2026, 10, 25, 3, 10, 30, tzinfo=VILNIUS, fold=1)
    assert range_text(None, until, "sYYMMDDhhmm") == ";02610250311"


@pytest.mark.parametrize(
    ("printed", "moment"),
    [
        ("0260301001500", "2026-02-28T22:15"),
        ("02603010015", "2026-02-28T22:15"),
        ("1260701001500", "2026-06-30T21:15"),
        ("2260701001500", "2026-07-01T00:15"),
        ("260701001500", "2026-06-30T21:15"),
        ("2607010015", "2026-06-30T21:15"),
        ("26-07-01,00:15", "2026-06-30T21:15"),
        ("260701001500S", "2026-06-30T21:15"),
        ("260301001500W", "2026-02-28T22:15"),
        # The hour that comes twice.
        ("1261025033000", "2026-10-25T00:30"),
        ("0261025033000", "2026-10-25T01:30"),
        ("261025033000W", "2026-10-25T01:30"),
        # The end of the last interval of a season, in the time that ends with it and in the one that begins.
        ("1261025040000", "2026-10-25T01:00"),
        ("0261025030000", "2026-10-25T01:00"),
        ("0260329030000", "2026-03-29T01:00"),
        ("1260329040000", "2026-03-29T01:00"),
        ("260329030000", "2026-03-29T01:00"),
        # A meter that keeps normal time all year round.
        ("0260701001500", "2026-06-30T22:15"),
        ("1260115001500", "2026-01-14T21:15"),
    ],
)
def test_a_stamp_is_a_moment_in_utc(printed: str, moment: str) -> None:
    assert read_stamp(printed, VILNIUS).moment == in_utc(moment)


@pytest.mark.parametrize("flag", ["0", "1"])
def test_a_flag_means_nothing_in_a_zone_without_seasons(flag: str) -> None:
    assert read_stamp(f"{flag}260701001500", ZoneInfo("Europe/Istanbul")).moment == in_utc("2026-06-30T21:15")


def test_a_zone_whose_winters_are_called_the_exception_keeps_its_summer_time() -> None:
    dublin = ZoneInfo("Europe/Dublin")
    assert read_stamp("1260701001500", dublin).moment == in_utc("2026-06-30T23:15")
    assert read_stamp("0261025013000", dublin).moment == in_utc("2026-10-25T01:30")


def test_an_unflagged_stamp_in_the_hour_that_comes_twice_is_the_passing_that_follows() -> None:
    quarter = timedelta(minutes=15)
    first, second = in_utc("2026-10-25T00:15"), in_utc("2026-10-25T01:15")
    assert read_stamp("261025031500", VILNIUS).moment == first
    assert read_stamp("261025031500", VILNIUS, in_utc("2026-10-25T00:00"), quarter).moment == first
    assert read_stamp("261025031500", VILNIUS, in_utc("2026-10-25T01:00"), quarter).moment == second
    # A repeated stamp of the first passing is no stamp of the second.
    assert read_stamp("261025031500", VILNIUS, in_utc("2026-10-25T00:30"), quarter).moment == first
    assert read_stamp("1261025031500", VILNIUS, in_utc("2026-10-25T01:00"), quarter).moment == first


@pytest.mark.parametrize(
    ("printed", "later", "local"),
    [
        ("0260328234500", "2026-03-29T01:15", "2026-03-29T04:15"),
        ("1261025040000", "2026-10-25T01:15", "2026-10-25T03:15"),
        ("0260701001500", "2026-06-30T22:30", "2026-07-01T00:30"),
        ("2260701001500", "2026-07-01T00:30", "2026-07-01T00:30"),
    ],
)
def test_the_meters_clock_goes_on_in_the_time_that_it_keeps(printed: str, later: str, local: str) -> None:
    shown = read_stamp(printed, VILNIUS).local_at(in_utc(later))
    assert shown == datetime.fromisoformat(local)
    assert shown.tzinfo is None


def test_the_local_time_of_a_stamp_is_as_printed() -> None:
    assert read_stamp("0260701001500", VILNIUS).local == datetime(2026, 7, 1, 0, 15)  # noqa: DTZ001 - meter's time


@pytest.mark.parametrize("printed", ["", "ERROR", "0261301000000", "00-00-00,00:00", "0001-01-01 00:00", "1.25"])
def test_what_is_no_moment_is_refused(printed: str) -> None:
    with pytest.raises(DecodeError):
        read_stamp(printed, VILNIUS)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2070, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    st.sampled_from(["Europe/Vilnius", "Europe/Dublin", "Europe/Lisbon", "America/New_York", "Asia/Kolkata"]),
)
def test_any_flagged_stamp_comes_back_equal(moment: datetime, name: str) -> None:
    zone, moment = ZoneInfo(name), moment.replace(microsecond=0)
    printed = stamp_text(moment.astimezone(zone), "sYYMMDDhhmmss")
    assert read_stamp(printed, zone).moment == moment
