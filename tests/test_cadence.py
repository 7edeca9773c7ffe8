"""When scheduled work is due by the wall clock, over season changes too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cadence import MINUTES_A_DAY, Cadence, Span

VILNIUS = ZoneInfo("Europe/Vilnius")
SPRING = datetime(2026, 3, 29, 0, 0, tzinfo=VILNIUS)  # 03:00 becomes 04:00
AUTUMN = datetime(2026, 10, 25, 0, 0, tzinfo=VILNIUS)  # 04:00 becomes 03:00
STEPS = [step for step in range(1, MINUTES_A_DAY + 1) if MINUTES_A_DAY % step == 0]


def dues(text: str, begin: datetime, hours: float) -> list[str]:
    """The due moments from a begin on, as local times with their offsets."""
    cadence, found, moment = Cadence.from_text(text), [], begin.astimezone(UTC) - timedelta(seconds=1)
    end = begin.astimezone(UTC) + timedelta(hours=hours)
    while (moment := cadence.next(moment, VILNIUS)) < end:
        found.append(moment.astimezone(VILNIUS).strftime("%d %H:%M%z"))
    return found


def test_a_time_of_day_is_due_once_a_day() -> None:
    begin = datetime(2026, 6, 30, 0, 31, tzinfo=VILNIUS)
    assert dues("00:30", begin, 48) == ["01 00:30+0300", "02 00:30+0300"]


def test_minutes_are_counted_from_midnight() -> None:
    begin = datetime(2026, 6, 30, 0, 1, tzinfo=VILNIUS)
    assert dues("*/720", begin, 25) == ["30 12:00+0300", "01 00:00+0300"]
    assert dues("*/15", begin, 0.5) == ["30 00:15+0300", "30 00:30+0300"]


def test_a_moment_is_not_due_again_at_itself() -> None:
    moment = datetime(2026, 6, 30, 0, 30, tzinfo=VILNIUS)
    assert Cadence.from_text("00:30").next(moment, VILNIUS) == moment.astimezone(UTC) + timedelta(days=1)


def test_a_time_that_a_season_change_skips_is_due_when_it_has_passed() -> None:
    assert dues("03:30", SPRING, 24) == ["29 04:00+0300"]
    assert dues("*/30", SPRING + timedelta(hours=2), 2) == [
        *("29 02:00+0200", "29 02:30+0200", "29 04:00+0300", "29 04:30+0300"),
    ]


def test_a_time_that_a_season_change_repeats_is_due_once() -> None:
    assert dues("03:30", AUTUMN, 25) == ["25 03:30+0300"]
    assert dues("*/30", AUTUMN + timedelta(hours=3), 2.5) == [
        *("25 03:00+0300", "25 03:30+0300", "25 04:00+0200"),
    ]


@pytest.mark.parametrize("text", ["24:00", "0:30", "00:60", "*/0", "*/7", "*/1441", "15", "", "*/15 ", "00:30:00"])
def test_what_is_no_cadence_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither HH:MM nor"):
        Cadence.from_text(text)


@given(
    st.sampled_from(STEPS).map(lambda step: f"*/{step}") | st.times().map(lambda at: f"{at:%H:%M}"),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
)
def test_due_moments_grow_and_leave_no_wall_time_out(text: str, begin: datetime) -> None:
    cadence, moments = Cadence.from_text(text), [begin]
    for _ in range(5):
        moments.append(cadence.next(moments[-1], VILNIUS))
    for earlier, later in pairwise(moments[1:]):
        real = (later - earlier) / timedelta(minutes=1)
        assert 0 < real <= cadence.step + 60
    assert timedelta() < moments[1] - begin <= timedelta(minutes=cadence.step + 60)


def ends(text: str, moment: datetime, count: int = 3) -> list[str]:
    """The newest ends of a span up to a moment, as local times with their offsets."""
    return [f"{end.astimezone(VILNIUS):%d %H:%M%z}" for end in Span.from_text(text).ends(moment, VILNIUS, count)]


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("1d", ["23 00:00+0300", "24 00:00+0300", "25 00:00+0300"]),
        ("7d", ["05 00:00+0300", "12 00:00+0300", "19 00:00+0300"]),
        ("6h", ["25 00:00+0300", "25 06:00+0200", "25 12:00+0200"]),
        ("24h", ["23 00:00+0300", "24 00:00+0300", "25 00:00+0300"]),
    ],
)
def test_spans_end_at_midnight_or_at_the_hours_that_divide_a_day(text: str, newest: list[str]) -> None:
    assert ends(text, AUTUMN + timedelta(hours=12.5)) == newest


def test_seven_days_begin_on_mondays() -> None:
    (end,) = Span.from_text("7d").ends(AUTUMN, VILNIUS, 1)
    assert end.astimezone(VILNIUS).weekday() == 0


def test_an_end_at_the_moment_itself_counts() -> None:
    assert ends("1d", AUTUMN, 1) == ["25 00:00+0300"]
    assert ends("1h", AUTUMN, 1) == ["25 00:00+0300"]
    assert ends("1d", AUTUMN - timedelta(seconds=1), 1) == ["24 00:00+0300"]


def test_an_hour_that_a_season_change_repeats_belongs_to_one_span() -> None:
    assert ends("1h", AUTUMN.astimezone(UTC) + timedelta(hours=5), 4) == [
        *("25 01:00+0300", "25 02:00+0300", "25 03:00+0300", "25 04:00+0200"),
    ]


def test_an_hour_that_a_season_change_skips_ends_no_span() -> None:
    assert ends("1h", SPRING.astimezone(UTC) + timedelta(hours=4), 4) == [
        *("29 01:00+0200", "29 02:00+0200", "29 04:00+0300", "29 05:00+0300"),
    ]


def test_the_usual_length_of_a_span_is_told() -> None:
    lengths = [Span.from_text(text).usual for text in ("6h", "7d")]
    assert lengths == [timedelta(hours=6), timedelta(days=7)]


@pytest.mark.parametrize("text", ["0d", "5h", "32d", "48h", "1w", "d", "1.5d", "1d ", ""])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither N hours"):
        Span.from_text(text)
