"""The load behind simulated meters."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.simulator import Curve, Load, Rate

HOUR, DAY = 3600, 86_400
ZONE = ZoneInfo("Europe/Vilnius")
BORN = datetime(2026, 3, 26, 7, 3, 14, tzinfo=UTC)


def load(seed: str = "1", mean_w: int = 400, curve: Curve = Curve.HOUSEHOLD, born: datetime = BORN) -> Load:
    return Load(seed, born, ZONE, mean_w, curve)


def test_what_it_takes_never_falls_and_is_what_its_watts_bring() -> None:
    house = load()
    taken = [house.joules(age) for age in range(0, 3 * DAY, 60)]
    assert taken == sorted(taken)
    for age in range(706, DAY, 900):  # from the first full quarter of an hour on
        assert house.joules(age + 900) - house.joules(age) == house.watts(age) * 900


def test_it_is_the_same_whatever_was_asked_before() -> None:
    stepped = load()
    for age in range(0, 40 * DAY, 5 * HOUR):
        stepped.joules(age)
    assert stepped.joules(40 * DAY) == load().joules(40 * DAY)
    assert stepped.joules(HOUR) == load().joules(HOUR)
    assert load("2").joules(40 * DAY) != load().joules(40 * DAY)


def test_day_and_night_add_up_over_a_change_of_season() -> None:
    house = load()
    for age in range(0, 5 * DAY, 7 * HOUR + 11):
        assert house.joules(age, Rate.DAY) + house.joules(age, Rate.NIGHT) == house.joules(age)


def test_the_day_rate_counts_from_six_to_twenty_two_by_the_wall_s_time() -> None:
    # On 2026-03-29 the clocks go from 3 to 4 h: six o'clock is 04:00 UTC before, 03:00 UTC after.
    house = load(born=datetime(2026, 3, 27, tzinfo=UTC))
    for day, six in ((0, 4), (2, 3)):
        night, morning = (house.joules(day * DAY + (six - 1) * HOUR + n * HOUR, Rate.DAY) for n in (0, 1))
        assert morning == night
        assert house.joules(day * DAY + (six + 1) * HOUR, Rate.DAY) > morning


def test_a_household_takes_more_in_the_evening_than_at_night() -> None:
    house = load(born=datetime(2026, 6, 1, tzinfo=UTC))
    night, evening = (
        sum(house.joules(day * DAY + end * HOUR) - house.joules(day * DAY + (end - 4) * HOUR) for day in range(20))
        for end in (3, 20)
    )
    assert evening > 3 * night


def test_the_sun_gives_nothing_at_night() -> None:
    roof = load(curve=Curve.SUN, born=datetime(2026, 6, 1, tzinfo=UTC))
    assert roof.watts(0) == 0
    assert roof.watts(10 * HOUR) > 0


def test_an_empty_flat_takes_nothing() -> None:
    assert load(mean_w=0).joules(30 * DAY) == 0


def test_its_peak_is_the_largest_of_the_quarters_of_an_hour_between_two_ages() -> None:
    house = load()
    since, age = 1.5 * DAY, 4.25 * DAY
    first = -int(-(since + 194) // 900) * 900 - 194  # it began 3 min 14 s after a full quarter
    means = {end: house.watts(end - 1) for end in range(first + 900, int(age) + 1, 900)}
    peak = house.peak(since, age)
    assert peak is not None
    assert peak.watts == max(means.values())
    assert means[round((peak.end - BORN).total_seconds())] == peak.watts
    assert house.peak(since, since + 600) is None
