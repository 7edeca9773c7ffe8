"""What meters have consumed, out of their readings with all that happened to them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.consumption import Break, Level, Point, Series, consumption, series_of
from gateway.errors import UnitError
from gateway.reading import Event, EventKind, Quality, Reading, Readout, Record, Visit
from gateway.site.balance import Counter

START = datetime(2026, 9, 30, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLAT = Counter("flat01", "energy_import")
SWAPPED, ROLLED, ADOPTED = EventKind.METER_SWAPPED, EventKind.ROLLED_OVER, EventKind.LEVEL_ADOPTED


def decimals(*numbers: float) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def level(text: str) -> Level:
    value, _, unit = text.partition(" ")
    return Level(Decimal(value), unit or None)


def points(*levels: str) -> list[Point]:
    """One an hour."""
    return [Point(START + n * HOUR, level(text)) for n, text in enumerate(levels)]


def broken(hours: float, kind: EventKind, end: str | None, start: str | None) -> Break:
    ends = (None if text is None else level(text) for text in (end, start))
    return Break(START + hours * HOUR, kind, *ends)


def visit(at: datetime, meter: str = "flat01") -> Visit:
    return Visit("block-12", "riser-a", meter, "01234567", at, at, 0)


def reading(shown: str, *, quality: Quality = Quality.GOOD, **facts: object) -> Reading:
    value, _, unit = shown.partition("*")
    usual = {
        "signal": "energy_import",
        "obis": "1-0:1.8.0*255",
        "address": "1.8.0",
        "value": Decimal(value),
        "unit": unit or None,
    }
    return Reading(quality=quality, **{"raw": shown, **usual, **facts})  # type: ignore[arg-type]


def readout(hours: float, *readings: Reading, meter: str = "flat01") -> Readout:
    at = START + hours * HOUR
    return Readout(visit(at, meter), "/XMP5VERBA", "XMP", "VERBA", "generic@1", at, readings)


def event(hours: float, kind: EventKind, details: Mapping[str, str]) -> Event:
    at = START + hours * HOUR
    return Event(visit(at), kind, at, "told", dict(details))


def series(*records: Record) -> Series:
    return series_of(records, [FLAT])[FLAT]


def test_consumption_is_the_exact_difference() -> None:
    assert str(consumption(points("147238.4 kWh", "147239.1 kWh", "147240.5 kWh"))) == "2.1"


def test_nothing_is_consumed_by_one_reading_or_none() -> None:
    assert (consumption(points("5 kWh")), consumption([])) == decimals(0, 0)


def test_digits_beyond_the_usual_precision_are_kept() -> None:
    long = "9" * 39
    assert consumption(points("0.1 kWh", f"{long} kWh")) == Decimal(f"{'9' * 38}8.9")


def test_d1_the_consumption_across_a_roll_over_is_right() -> None:
    rolled = broken(1, ROLLED, "10000000 kWh", "0 kWh")
    assert consumption(points("9999999.8 kWh", "0000000.3 kWh", "0000001.0 kWh"), [rolled]) == Decimal("1.2")


def test_d2_an_exchange_counts_both_meters_between_their_ends() -> None:
    swapped = broken(1, SWAPPED, "5120.7 kWh", "0003.2 kWh")
    assert consumption(points("5120.1 kWh", "0004.0 kWh", "0004.5 kWh"), [swapped]) == Decimal("1.9")


def test_d2_an_exchange_without_plates_counts_what_was_read() -> None:
    swapped = broken(1, SWAPPED, None, None)
    assert consumption(points("5120.1 kWh", "0004.0 kWh", "0004.5 kWh"), [swapped]) == Decimal("0.5")


@pytest.mark.parametrize(("end", "start", "grown"), [("5121.0 kWh", None, "0.9"), (None, "3.0 kWh", "1.0")])
def test_d2_one_plate_counts_on_its_side(end: str | None, start: str | None, grown: str) -> None:
    assert consumption(points("5120.1 kWh", "0004.0 kWh"), [broken(0.5, SWAPPED, end, start)]) == Decimal(grown)


def test_two_exchanges_between_two_readings_both_count() -> None:
    breaks = [broken(0.2, SWAPPED, "101 kWh", "10 kWh"), broken(0.7, SWAPPED, "12 kWh", "0 kWh")]
    assert consumption(points("100 kWh", "3 kWh"), breaks) == 1 + 2 + 3


def test_an_adopted_level_counts_neither_way() -> None:
    adopted = broken(2, ADOPTED, "101 kWh", "40 kWh")
    assert consumption(points("100 kWh", "101 kWh", "42 kWh"), [adopted]) == 1 + 2


def test_a_break_outside_the_readings_changes_nothing() -> None:
    breaks = [broken(-1, SWAPPED, "7 m3", "0"), broken(9, ROLLED, "1000 kWh", "0 kWh")]
    assert consumption(points("100 kWh", "101 kWh"), breaks) == 1


@pytest.mark.parametrize(
    ("levels", "end", "start", "unit", "grown"),
    [
        (("1500 Wh", "3.0 kWh"), "1600 Wh", "2.5 kWh", "kWh", "0.6"),
        (("10.0 GJ", "20 kWh"), "10.036 GJ", "10 kWh", "GJ", "0.072"),
        (("20 kWh", "72 MJ"), "30 kWh", "0 MJ", "MJ", "108"),
        (("2000 l", "0.750 m3"), "2100 l", "0.500 m3", "m3", "0.350"),
        (("1 Gcal", "2 GJ"), "2 Gcal", "1 GJ", "GJ", "5.1868"),
        (("1 GJ", "2 Gcal"), "2 GJ", "1 Gcal", "GJ", "5.1868"),
    ],
)
def test_d5_units_before_and_after_an_exchange_are_converted_exactly(
    levels: tuple[str, str], end: str, start: str, unit: str, grown: str
) -> None:
    course = Series(tuple(points(*levels)), (broken(1, SWAPPED, end, start),))
    assert (course.unit, course.total) == (unit, Decimal(grown))


def test_units_of_different_things_are_refused() -> None:
    with pytest.raises(UnitError) as caught:
        consumption(points("1 kWh", "2 m3"))
    assert (caught.value.code, caught.value.what) == ("E-BAL-3", "its readings are in m3, kWh")


def test_an_unknown_unit_is_no_trouble_while_it_stays() -> None:
    assert consumption(points("1 imp", "3 imp")) == 2
    with pytest.raises(UnitError):
        consumption(points("1 imp", "3"))


def test_between_readings_a_register_is_told_straight() -> None:
    at = Series(tuple(points("100.0 kWh", "104.0 kWh", "105.0 kWh"))).at(START + HOUR / 4, HOUR)
    assert at is not None
    assert (at.level, at.growth, at.doubt) == (Decimal(101), Decimal(1), Decimal("1.1"))
    late = Series(tuple(points("100.0 kWh", "104.0 kWh", "105.0 kWh"))).at(START + HOUR * 1.8, HOUR)
    assert late is not None
    assert (late.level, late.growth, late.doubt) == (Decimal("104.8"), Decimal("4.8"), Decimal("0.3"))


def test_at_a_reading_a_register_is_what_was_read() -> None:
    course = Series(tuple(points("100.0 kWh", "104.0 kWh")))
    first, last = (course.at(START + n * HOUR, timedelta(0)) for n in (0, 1))
    assert first is not None
    assert last is not None
    assert (first.growth, last.level, last.growth) == decimals(0, 104, 4)
    assert last.doubt == Decimal("0.1")


def test_the_last_digit_is_worth_as_much_in_another_unit() -> None:
    course = Series(tuple(points("1.5 kWh", "2600 Wh")))
    first = course.at(START, HOUR)
    assert first is not None
    assert (first.level, first.doubt) == decimals(1500, 100)


@pytest.mark.parametrize("hours", [-0.1, 1.5, 2.1])
def test_far_from_readings_a_register_is_not_told(hours: float) -> None:
    course = Series((*points("100 kWh", "104 kWh"), Point(START + 2 * HOUR, level("105 kWh"))))
    limit = timedelta(minutes=59)
    assert course.at(START + hours * HOUR, limit) is None


def test_beside_an_exchange_each_side_shows_its_own_meter() -> None:
    course = Series(tuple(points("100 kWh", "6 kWh")), (broken(0.5, SWAPPED, "102 kWh", "4 kWh"),))
    early, late = (course.at(START + share * HOUR, HOUR) for share in (0.25, 0.75))
    assert early is not None
    assert late is not None
    assert (early.level, early.growth, late.level, late.growth) == decimals(101, 1, 5, 3)


def test_a_series_is_the_good_readings_of_its_signal_in_order() -> None:
    course = series(
        readout(2, reading("102.5*kWh")),
        readout(0, reading("0.4*kW", signal="power", address="1.7.0"), reading("100.0*kWh")),
        readout(1, reading("999.9*kWh"), meter="flat02"),
        readout(1, reading("990.0*kWh", quality=Quality.SUSPECT)),
        readout(1.5, reading("0*kWh", quality=Quality.BAD)),
        readout(3, reading("0.7*kWh", valid_at=START)),
    )
    assert [str(point.level.value) for point in course.points] == ["100.0", "102.5"]
    assert [point.level for point in course.doubtful] == [level("990.0 kWh")]
    assert course.total == Decimal("2.5")


def test_of_equal_registers_the_first_one_counts() -> None:
    assert series(readout(0, reading("1*kWh"), reading("7*kWh"))).points == (Point(START, level("1 kWh")),)


def test_a_register_without_a_signal_is_found_by_its_address() -> None:
    counter = Counter.from_text("flat01.1.8.0")
    found = series_of([readout(0, reading("1*kWh", signal="other"))], [counter])
    assert found[counter].points == (Point(START, level("1 kWh")),)


def test_what_shows_no_number_is_no_reading() -> None:
    assert series(readout(0, reading("1*kWh", value=None)), readout(1, reading("1*kWh", value="?"))).points == ()


def test_d1_a_roll_over_comes_out_of_its_event() -> None:
    course = series(
        readout(0, reading("9999999.8*kWh")),
        event(1, ROLLED, {"register": "1.8.0", "old": "9999999.8*kWh", "new": "0000000.3*kWh", "modulus": "10000000"}),
        event(1, ROLLED, {"register": "2.8.0", "old": "99", "new": "0", "modulus": "100"}),
        readout(1, reading("0000000.3*kWh")),
    )
    assert course.total == Decimal("0.5")


def test_d2_an_exchange_comes_out_of_its_event_whatever_the_new_meter_calls_its_register() -> None:
    course = series(
        readout(0, reading("05120.1*kWh")),
        event(1, SWAPPED, {"end 1.8.0": "05120.7*kWh", "start 1-1:1.8.0": "00003.2*kWh", "old_identity": "1"}),
        readout(1, reading("00004.0*kWh", address="1-1:1.8.0")),
    )
    assert course.total == Decimal("1.4")


def test_d2_a_plate_that_is_told_by_the_site_files_address_goes_before_the_reading() -> None:
    """The meter prints its address in full, the site file names it in short, or as one of several."""
    course = series(
        readout(0, reading("100.0*kWh", address="1-0:1.8.0*255")),
        event(
            1,
            SWAPPED,
            {
                "end 1-0:1.8.0*255": "100.0*kWh",
                "end 1.8.0|15.8.0": "100.6",
                "start 1-0:1.8.0*255": "3.0*kWh",
                "start 1.8.0|15.8.0": "2.5",
                "start 1.8.1": "0.0",
            },
        ),
        readout(1, reading("3.0*kWh", address="1-0:1.8.0*255")),
    )
    assert course.total == Decimal("1.1")


def test_d2_a_plate_behind_a_time_is_read() -> None:
    course = series(
        readout(0, reading("100*m3", raw="260930090000S)(100.000*m3", address="0-1:24.2.1")),
        event(1, SWAPPED, {"end 0-1:24.2.1": "260930090000S)(101.500*m3", "start 0-1:24.2.1": "0.250*m3"}),
        readout(1, reading("1*m3", raw="260930100000S)(1.000*m3", address="0-1:24.2.1")),
    )
    assert (course.unit, course.total) == ("m3", Decimal("2.250"))


def test_d2_the_plates_of_other_registers_are_not_taken() -> None:
    course = series(
        readout(0, reading("100*kWh")),
        event(1, SWAPPED, {"end 2.8.0": "7", "start 2.8.0": "0"}),
        readout(1, reading("5*kWh")),
    )
    assert course.total == 0


def test_a_plate_without_unit_is_in_that_of_its_meter() -> None:
    course = series(
        readout(0, reading("1500*Wh")),
        event(1, SWAPPED, {"end 1.8.0": "1600", "start 1.8.0": "0.1"}),
        readout(1, reading("0.3*kWh")),
    )
    assert (course.unit, course.total) == ("kWh", Decimal("0.3"))


def test_what_the_site_file_multiplies_is_multiplied_on_the_plates_too() -> None:
    course = series(
        readout(0, reading("100*kWh", value=Decimal(4000), unit="kWh-primary")),
        event(1, SWAPPED, {"end 1.8.0": "101*kWh", "start 1.8.0": "10"}),
        readout(1, reading("12*kWh", value=Decimal(480), unit="kWh-primary")),
    )
    assert (course.unit, course.total) == ("kWh-primary", Decimal(40 + 80))


def test_a_plate_that_tells_no_number_is_not_known() -> None:
    course = series(
        readout(0, reading("100*kWh")),
        event(1, SWAPPED, {"end 1.8.0": "?", "start 1.8.0": "3"}),
        readout(1, reading("5*kWh")),
    )
    assert course.breaks[0].end is None
    assert course.total == 2


def test_d3_suspect_readings_count_from_where_their_level_is_adopted() -> None:
    course = series(
        readout(0, reading("100.0*kWh")),
        readout(1, reading("60.0*kWh", quality=Quality.SUSPECT)),
        event(2, ADOPTED, {"register": "1.8.0", "old": "100.0*kWh", "new": "60.0*kWh"}),
        readout(2, reading("60.5*kWh")),
        readout(3, reading("61.5*kWh")),
    )
    assert course.total == Decimal("1.5")


def test_other_events_break_nothing() -> None:
    course = series(
        readout(0, reading("1*kWh")),
        event(1, EventKind.LAYOUT_CHANGED, {"register": "1.8.0"}),
        readout(1, reading("3*kWh")),
    )
    assert (course.breaks, course.total) == ((), Decimal(2))
