"""What simulated meters print while they live."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.protocol.characters import Mode
from gateway.protocol.datablock import parse_block
from gateway.simulator import (
    ClockRegister,
    Contents,
    Fault,
    Load,
    LoadRegister,
    MaximumRegister,
    Nameplate,
    StillRegister,
    Timekeeping,
)

ZONE = ZoneInfo("Europe/Vilnius")
START = datetime(2026, 2, 27, 22)  # noqa: DTZ001 - a meter's local time
LOAD = Load("1", START.replace(tzinfo=ZONE).astimezone(UTC), ZONE, 500)
HOUR, DAY = 3600, 86_400
# Two hours and a day after the start.
MARCH = 26 * HOUR


def contents(*, gain_s: float = 0.0, zone: ZoneInfo = ZONE, **more: Any) -> Contents:  # noqa: ANN401 - any fact
    registers = (
        ClockRegister("0.9.1", "%H%M%S", START),
        ClockRegister("0.9.2", "{s}%y%m%d", START),
        StillRegister("0.0.0", "41770326"),
        LoadRegister("1.8.0", "0012345.6*kWh", LOAD),
        MaximumRegister("1.6.1", "00.000*kW)(0000000000", LOAD),
        StillRegister("0.1.0", "98"),
    )
    plate = Nameplate(
        "41770326", Mode.C, "XMP", "VERBA-3.1", registers, timekeeping=Timekeeping(START, zone, gain_s), **more
    )
    return Contents(plate, plate.clock())


def prints(meter: Contents, age: float, *, is_zero: bool = False) -> dict[str, tuple[str, ...]]:
    return {data_set.address: data_set.raw for data_set in parse_block(meter.block(age, is_zero=is_zero))}


def test_the_clock_knows_the_seasons_of_its_zone() -> None:
    meter = contents()
    assert (prints(meter, 0)["0.9.1"], prints(meter, 0)["0.9.2"]) == (("220000",), ("0260227",))
    summer = 31 * DAY
    assert (prints(meter, summer)["0.9.1"], prints(meter, summer)["0.9.2"]) == (("230000",), ("1260330",))


def test_a_clock_may_keep_normal_time_all_year() -> None:
    summer = prints(contents(zone=ZoneInfo("Etc/GMT-2")), 31 * DAY)
    assert (summer["0.9.1"], summer["0.9.2"]) == (("220000",), ("0260330",))


def test_a_clock_gains_its_seconds_a_day() -> None:
    assert prints(contents(gain_s=2.0), 10 * DAY)["0.9.1"] == ("220020",)


def test_a_month_begins_with_a_reset_that_stores_what_was_counted() -> None:
    meter = contents(billing_periods=2)
    before = prints(meter, MARCH - 1)
    after = prints(meter, MARCH + 1)
    assert before["0.1.0"] == ("98",)
    assert after["0.1.0"] == ("99",)
    assert after["0.1.2*99"] == ("2603010000",)
    assert after["1.8.0*99"] == after["1.8.0"] == before["1.8.0"]
    assert after["1.6.1*99"] == before["1.6.1"]
    assert after["1.6.1"] == ("00.000*kW", "0000000000")
    assert "1.8.0*99" not in before


def test_only_the_last_billing_periods_are_kept() -> None:
    meter = contents(billing_periods=2)
    stored = [name for name in prints(meter, MARCH + 62 * DAY) if "*" in name]
    assert stored == ["1.8.0*01", "1.8.0*00", "1.6.1*01", "1.6.1*00", "0.1.2*01", "0.1.2*00"]


def test_a_clock_that_is_ahead_resets_earlier() -> None:
    assert prints(contents(billing_periods=2, gain_s=60.0), MARCH - 50)["0.1.0"] == ("99",)


def test_without_billing_periods_a_month_changes_nothing() -> None:
    assert prints(contents(), MARCH + DAY)["0.1.0"] == ("98",)


def test_all_totals_may_print_zero_once() -> None:
    meter = contents()
    assert prints(meter, HOUR, is_zero=True)["1.8.0"] == ("0000000.0*kWh",)
    assert prints(meter, HOUR, is_zero=True)["0.0.0"] == ("41770326",)
    assert prints(meter, HOUR)["1.8.0"] != ("0000000.0*kWh",)


def test_frozen_values_stand_still_while_the_clock_goes_on() -> None:
    meter = contents(faults={Fault.FROZEN: 1.0})
    early, later = (prints(meter, age) for age in (600, DAY))
    latest = prints(meter, 2 * DAY + 7)
    assert early["1.8.0"] <= later["1.8.0"] == latest["1.8.0"]
    assert later["0.9.1"] != latest["0.9.1"]
    assert prints(contents(), 2 * DAY)["1.8.0"] > latest["1.8.0"]


def test_a_total_that_falls_goes_on_from_there() -> None:
    meter = contents(faults={Fault.BACKWARDS: 1.0})
    before, after, later = (float(prints(meter, age)["1.8.0"][0].partition("*")[0]) for age in (600, 1000, 5 * DAY))
    assert after == pytest.approx(12345.6 * 0.99, abs=1)
    assert before > after
    assert later - after == pytest.approx(LOAD.joules(5 * DAY) / 3.6e6, abs=1)


def test_time_of_the_clock_can_be_found_again() -> None:
    clock = Nameplate("1", Mode.C, "XMP", "", (), timekeeping=Timekeeping(START, ZONE, 3.0)).clock()
    assert clock is not None
    assert clock.age_at(clock.now(4 * DAY)) == pytest.approx(4 * DAY)
    clock.put(clock.now(DAY) + timedelta(hours=1), DAY)
    assert clock.shown(2 * DAY).replace(tzinfo=None) == datetime(2026, 3, 1, 23, 0, 6)  # noqa: DTZ001
