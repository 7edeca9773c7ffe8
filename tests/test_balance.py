"""A main meter against the ten flats behind it, read at different times, with what can go wrong."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from math import pi, sin
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from gateway.balance import Interval, Statement, Trouble, draw
from gateway.cadence import Span
from gateway.consumption import Break, Level, Point, Series
from gateway.reading import EventKind
from gateway.site.balance import BalanceSettings, Counter

ZONE = ZoneInfo("Europe/Vilnius")
BEGIN = datetime(2026, 9, 24, tzinfo=ZONE)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MAIN = Counter("main", "energy_import")
FLATS = tuple(Counter(f"flat{n:02}", "energy_import") for n in range(1, 11))
SETTINGS = BalanceSettings("house", MAIN, FLATS, Span.from_text("1d"), tolerance_percent=1.0)
LIMIT = timedelta(hours=1)
TODAY = Interval(BEGIN + 6 * DAY, BEGIN + 7 * DAY)
EARLIER = [Interval(BEGIN + n * DAY, BEGIN + (n + 1) * DAY) for n in range(1, 6)]
EVERY = 15 * MINUTE
RESOLUTION = Decimal("0.001")
FIRST_LEVELS = {flat: 1000 * n for n, flat in enumerate(FLATS, start=3)}

House = dict[Counter, Series]
Load = Callable[[float], float]


def kwh(n: int, days: float) -> float:
    """What flat n has counted since the beginning: 5 to 14 kWh a day, more in the evening."""
    return (4 + n) * (days - 0.8 * sin(2 * pi * days) / (2 * pi))


def of_flat(n: int) -> Load:
    return lambda days: kwh(n, days)


def readings(first: float, counted: Load, offset: timedelta, every: timedelta = EVERY) -> tuple[Point, ...]:
    """A register that is read again and again from `offset` on, for eight days."""
    moments = [BEGIN + offset + n * every for n in range(int(8 * DAY / every))]
    return tuple(Point(at, Level(printed(first + counted((at - BEGIN) / DAY)), "kWh")) for at in moments)


def printed(level: float) -> Decimal:
    return Decimal(level).quantize(RESOLUTION)


@cache
def flats(every: timedelta) -> House:
    return {
        flat: Series(readings(FIRST_LEVELS[flat], of_flat(n), n * 2 * MINUTE, every))
        for n, flat in enumerate(FLATS, start=1)
    }


def house(every: timedelta = EVERY, more: Load = lambda _: 0.0) -> House:
    """All meters, the flats spread over 20 minutes; `more` is what the main counts beside them."""

    def all_flats(days: float) -> float:
        return sum(kwh(n, days) for n in range(1, 11)) + more(days)

    return {MAIN: Series(readings(50_000, all_flats, timedelta(0), every)), **flats(every)}


def drawn(meters: Mapping[Counter, Series], *, interval: Interval = TODAY, tolerance: float = 1.0) -> Statement:
    return draw(evolve(SETTINGS, tolerance_percent=tolerance), meters, interval, LIMIT, EARLIER)


def troubles(statement: Statement) -> list[tuple[Trouble, tuple[str, ...]]]:
    return [(fault.trouble, tuple(counter.meter for counter in fault.counters)) for fault in statement.faults]


def texts(statement: Statement) -> str:
    return "; ".join(fault.text for fault in statement.faults)


def changed(series: Series, change: Callable[[Point], Point | None]) -> Series:
    """The series with each of its readings changed, or left out."""
    return evolve(series, points=tuple(new for point in series.points if (new := change(point)) is not None))


def shifted(point: Point, by: Decimal) -> Point:
    return evolve(point, level=evolve(point.level, value=point.level.value + by))


def stuck(series: Series, since: datetime) -> Series:
    """The meter counts nothing from a moment on."""
    last = next(point for point in reversed(series.points) if point.at <= since)
    return changed(series, lambda point: point if point.at <= since else evolve(point, level=last.level))


def test_a_sound_house_has_no_fault() -> None:
    statement = drawn(house())
    assert troubles(statement) == []
    assert statement.residual is not None
    assert abs(statement.residual) < Decimal("0.1")
    assert statement.percent(statement.total) == 100
    assert not statement.is_off


def test_readings_at_different_times_are_taken_to_the_same_moment() -> None:
    """A naive difference of the next readings after both midnights fails where the balance does not."""
    meters = {**house(every=timedelta(hours=6)), MAIN: house()[MAIN]}
    later = {flat: changed(meters[flat], partial(read_later, n)) for n, flat in enumerate(FLATS)}
    late = Interval(TODAY.since + timedelta(hours=20), TODAY.since + timedelta(hours=32))

    def naive(series: Series) -> Decimal:
        first, last = (
            next(point for point in series.points if point.at >= moment) for moment in (late.since, late.until)
        )
        return last.level.value - first.level.value

    main = naive(meters[MAIN])
    assert abs(main - sum(naive(series) for series in later.values())) > main * 3 / 100
    statement = draw(evolve(SETTINGS, tolerance_percent=0.0), {**meters, **later}, late, timedelta(hours=6))
    assert troubles(statement) == []


def read_later(n: int, point: Point) -> Point:
    """The same register read some hours later."""
    later = point.at + n * timedelta(minutes=30)
    grown = kwh(n + 1, (later - BEGIN) / DAY) - kwh(n + 1, (point.at - BEGIN) / DAY)
    return Point(later, evolve(point.level, value=point.level.value + printed(grown)))


def test_a_stuck_meter_is_found_by_what_it_usually_counts() -> None:
    meters = house()
    meters[FLATS[4]] = stuck(meters[FLATS[4]], TODAY.since - timedelta(hours=3))
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.STUCK, ("flat05",))]
    assert texts(statement) == (
        "flat05.energy_import counted nothing, 8.934 kWh are usual in this time;"
        " 9.000 kWh of main.energy_import are missing"
    )


def test_a_flat_that_stands_empty_is_no_fault() -> None:
    meters = house(more=lambda days: -kwh(5, days) + kwh(5, min(days, 5.9)))
    meters[FLATS[4]] = stuck(meters[FLATS[4]], TODAY.since - timedelta(hours=2.4))
    assert troubles(drawn(meters)) == []


def test_of_two_that_stand_still_the_one_whose_usual_is_missing_is_stuck() -> None:
    meters = house(more=lambda days: -kwh(1, days) + kwh(1, min(days, 5.9)))
    for flat in (FLATS[0], FLATS[9]):
        meters[flat] = stuck(meters[flat], TODAY.since - timedelta(hours=2.4))
    assert troubles(drawn(meters)) == [(Trouble.STUCK, ("flat10",))]


def test_two_stuck_meters_are_both_found() -> None:
    meters = house()
    for flat in (FLATS[2], FLATS[8]):
        meters[flat] = stuck(meters[flat], TODAY.since - timedelta(hours=2))
    assert troubles(drawn(meters)) == [(Trouble.STUCK, ("flat03",)), (Trouble.STUCK, ("flat09",))]


def test_a_main_that_is_stuck_is_found() -> None:
    meters = house()
    meters[MAIN] = stuck(meters[MAIN], TODAY.since - timedelta(hours=2))
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.STUCK, ("main",))]
    assert texts(statement).startswith("main.energy_import counted nothing, its parts 95.0")


def test_meters_that_are_read_under_each_others_name_are_found_and_sorted_out() -> None:
    meters, since = house(), TODAY.since + timedelta(hours=11)
    one, other = FLATS[6], FLATS[1]
    meters[one], meters[other] = (
        Series(
            (
                *(point for point in meters[own].points if point.at < since),
                *(point for point in meters[taken].points if point.at >= since),
            )
        )
        for own, taken in ((one, other), (other, one))
    )
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.CROSSED, ("flat07", "flat02"))]
    assert "under each other's name since 2026-09-30 11:" in texts(statement)
    sound = {share.counter: share.consumption for share in drawn(house()).parts}
    assert {share.counter: share.consumption for share in statement.parts} == sound


def test_meters_that_are_read_under_each_others_name_are_found_after_their_levels_were_adopted_too() -> None:
    meters, since = house(), TODAY.since + timedelta(hours=11)
    one, other = FLATS[6], FLATS[1]
    courses = {}
    for own, taken in ((one, other), (other, one)):
        old = [point for point in meters[own].points if point.at < since]
        new = [point for point in meters[taken].points if point.at >= since + EVERY]
        adopted = Break(new[0].at, EventKind.LEVEL_ADOPTED, old[-1].level, new[0].level)
        courses[own] = Series((*old, *new), (adopted,))
    statement = drawn({**meters, **courses})
    assert troubles(statement) == [(Trouble.CROSSED, ("flat07", "flat02"))]


def test_a_number_that_falls_without_an_exchange_is_named() -> None:
    meters, since = house(), TODAY.since + timedelta(hours=12)
    meters[FLATS[3]] = changed(
        meters[FLATS[3]], lambda point: point if point.at < since else shifted(point, Decimal(-6000))
    )
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.EXCHANGED, ("flat04",))]
    told = texts(statement)
    assert told.startswith("flat04.energy_import fell from 60")
    assert told.endswith("kWh at 2026-09-30 12:08: its meter was exchanged or reset, unannounced")
    part = next(share for share in statement.parts if share.counter == FLATS[3])
    assert part.consumption is not None
    assert 7 < part.consumption < 8


def test_an_exchange_that_was_told_is_no_fault() -> None:
    meters, since = house(), TODAY.since + timedelta(hours=12)
    old = meters[FLATS[3]]
    last = next(point for point in reversed(old.points) if point.at < since)
    new = changed(old, lambda point: point if point.at < since else shifted(point, -last.level.value))
    swapped = Break(since, EventKind.METER_SWAPPED, last.level, Level(Decimal("0.000"), "kWh"))
    meters[FLATS[3]] = evolve(new, breaks=(swapped,))
    assert troubles(drawn(meters)) == []


def test_a_main_that_was_exchanged_unannounced_is_named() -> None:
    meters, since = house(), TODAY.since + timedelta(hours=12)
    meters[MAIN] = changed(meters[MAIN], lambda point: point if point.at < since else shifted(point, Decimal(-50_000)))
    assert troubles(drawn(meters)) == [(Trouble.EXCHANGED, ("main",))]


def test_a_meter_without_readings_at_an_end_is_missing() -> None:
    meters = house()
    meters[FLATS[7]] = changed(meters[FLATS[7]], lambda point: point if point.at < TODAY.until - 3 * LIMIT else None)
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.MISSING, ("flat08",))]
    assert texts(statement) == (
        "flat08.energy_import has no good reading near 2026-10-01 00:00: the last one is of 2026-09-30 20:46"
    )
    assert statement.residual is not None
    assert round(statement.residual) == 12


def test_a_meter_that_was_never_read_is_missing() -> None:
    statement = drawn({**house(), FLATS[0]: Series(())})
    assert troubles(statement) == [(Trouble.MISSING, ("flat01",))]
    assert texts(statement).endswith("near 2026-09-30 00:00: none is known before it")


def test_suspect_readings_are_not_summed_and_told() -> None:
    meters = house()
    all_readings = meters[FLATS[7]].points
    good = tuple(point for point in all_readings if point.at < TODAY.until - 3 * LIMIT)
    meters[FLATS[7]] = Series(good, doubtful=all_readings[len(good) :])
    assert texts(drawn(meters)).endswith("near 2026-10-01 00:00: its readings there are suspect")


def test_without_the_main_the_parts_are_still_told() -> None:
    statement = drawn({**house(), MAIN: Series(())})
    assert troubles(statement) == [(Trouble.MISSING, ("main",))]
    assert statement.residual is None
    assert statement.percent(statement.total) is None
    assert 94 < statement.total < 96


def test_what_no_part_counts_is_told_with_its_share() -> None:
    statement = drawn(house(more=lambda days: 12.0 * days))
    assert troubles(statement) == [(Trouble.UNMETERED, ())]
    assert texts(statement) == "12.000 kWh of main.energy_import (about 11.2 % of it) are counted by no part"
    assert troubles(drawn(house(more=lambda days: 12.0 * days), tolerance=12.0)) == []


def test_what_is_missing_beside_a_meter_that_stands_still_but_never_counted_is_told() -> None:
    meters = house(more=lambda days: -kwh(5, days) + 12.0 * days)
    meters[FLATS[4]] = stuck(meters[FLATS[4]], BEGIN + LIMIT)
    assert texts(drawn(meters)).endswith("are counted by no part; nothing was counted by flat05.energy_import")


def test_parts_that_count_more_than_the_main_are_told() -> None:
    statement = drawn(house(more=lambda days: -9.5 * days))
    assert troubles(statement) == [(Trouble.SURPLUS, ())]
    assert texts(statement) == (
        "the parts counted 9.500 kWh more than main.energy_import (about 11.1 % of it): one does not stand behind it"
    )


def test_a_register_that_counts_backwards_is_named() -> None:
    meters = house()
    first = meters[FLATS[2]].points[0].level.value
    meters[FLATS[2]] = changed(
        meters[FLATS[2]], lambda point: evolve(point, level=evolve(point.level, value=2 * first - point.level.value))
    )
    statement = drawn(meters)
    assert (Trouble.BACKWARDS, ("flat03",)) in troubles(statement)
    assert "flat03.energy_import counts backwards" in texts(statement)


def test_units_are_converted_or_named() -> None:
    meters = house()
    one, other = FLATS[:2]
    meters[one] = changed(meters[one], lambda point: Point(point.at, Level(point.level.value * 1000, "Wh")))
    assert troubles(drawn(meters)) == []
    meters[other] = changed(meters[other], lambda point: evolve(point, level=evolve(point.level, unit="m3")))
    statement = drawn(meters)
    assert troubles(statement) == [(Trouble.UNITS, ("flat02",))]
    assert texts(statement) == "flat02.energy_import cannot be summed: m3 cannot be converted into kWh"


def test_a_main_whose_units_do_not_go_together_is_named() -> None:
    meters = house()
    meters[MAIN] = changed(
        meters[MAIN], lambda point: point if point.at < TODAY.since else Point(point.at, Level(Decimal(5), "m3"))
    )
    assert texts(drawn(meters)) == "main.energy_import: its readings are in m3, kWh"


@pytest.mark.parametrize("flat", FLATS, ids=lambda flat: flat.meter)
def test_whichever_flat_is_stuck_it_is_found(flat: Counter) -> None:
    meters = house()
    meters[flat] = stuck(meters[flat], TODAY.since - timedelta(hours=1))
    assert troubles(drawn(meters)) == [(Trouble.STUCK, (flat.meter,))]
