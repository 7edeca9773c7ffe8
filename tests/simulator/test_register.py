"""The prints of simulated registers."""

from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.simulator import (
    ClockRegister,
    Load,
    LoadRegister,
    MaximumRegister,
    MomentaryRegister,
    Quantity,
    Rate,
    StillRegister,
    TotalRegister,
)
from gateway.simulator.register import lowered, print_of, zeroed


def test_a_still_register_prints_the_same_for_ever() -> None:
    assert print_of(StillRegister("32.7", "230.1*V"), 1e6) == "230.1*V"


def test_a_total_grows_by_its_hourly_amount_within_its_width() -> None:
    total = TotalRegister("1.8.0", "0000099.950*kWh", Decimal("0.1"))
    assert print_of(total, 0) == "0000099.950*kWh"
    assert print_of(total, 3600) == "0000100.050*kWh"


def test_a_total_rolls_over_at_its_width() -> None:
    assert print_of(TotalRegister("1.8.0", "99.5*kWh", Decimal(1)), 3600) == "00.5*kWh"


def test_a_clock_shows_the_time_that_has_passed() -> None:
    start = datetime(2026, 12, 31, 23, 59, 50)  # noqa: DTZ001 - a meter's local time
    assert print_of(ClockRegister("0.9.1", "%H:%M:%S", start), 15) == "00:00:05"
    assert print_of(ClockRegister("0.9.2", "%y%m%d", start), 15) == "270101"


LOAD = Load("1", datetime(2026, 3, 1, 12, tzinfo=UTC), ZoneInfo("Europe/Vilnius"), 400)
DAY = 86_400


def test_a_register_of_a_load_prints_what_it_has_taken_with_the_rest_cut_off() -> None:
    total = LoadRegister("1.8.0", "0012345.67*kWh", LOAD)
    assert print_of(total, 0) == "0012345.67*kWh"
    taken = Decimal(LOAD.joules(DAY)) / 3_600_000
    assert total.counted(DAY) == Decimal("12345.67") + taken.quantize(Decimal("0.01"), ROUND_DOWN)
    assert print_of(total, DAY) == f"00{total.counted(DAY)}*kWh"


def test_the_rates_of_a_load_add_up_to_its_total_but_for_what_is_cut_off() -> None:
    total, day, night = (LoadRegister("1.8.0", "0000100.0*kWh", LOAD, rate) for rate in Rate)
    for age in range(0, 10 * DAY, 4 * 3600):
        rest = total.counted(age) - day.counted(age) - night.counted(age) + 100
        assert rest in (Decimal("0.0"), Decimal("0.1"))


def test_a_register_of_a_load_rolls_over_at_its_width() -> None:
    total = LoadRegister("1.8.0", "999.5*kWh", LOAD)
    assert print_of(total, DAY) == f"{total.counted(DAY) - 1000:05.1f}*kWh"


def test_a_register_without_leading_zeros_rolls_over_at_its_digits() -> None:
    total = LoadRegister("1.8.0", "99.5*kWh", LOAD, digits=3)
    assert print_of(total, DAY) == f"{total.counted(DAY)}*kWh"
    assert print_of(LoadRegister("1.8.0", "999.9*kWh", LOAD, digits=3), 2400).startswith("0.")


def test_units_of_heat_take_their_joules() -> None:
    assert LoadRegister("6.8", "10.000*GJ", LOAD, joules=10**9).counted(10 * DAY) == 10 + (
        Decimal(LOAD.joules(10 * DAY)).scaleb(-9).quantize(Decimal("0.001"), ROUND_DOWN)
    )


@pytest.mark.parametrize(
    ("raw", "quantity", "low", "high"),
    [
        ("05.000*kW", Quantity.POWER, 0.0, 12.0),
        ("230.1*V", Quantity.VOLTAGE, 220.0, 240.0),
        ("05.00*A", Quantity.CURRENT, 0.0, 20.0),
        ("50.00*Hz", Quantity.FREQUENCY, 49.9, 50.1),
        ("0.95", Quantity.POWER_FACTOR, 0.9, 1.0),
        ("065.1*°C", Quantity.FLOW_TEMPERATURE, 55.0, 75.0),
        ("040.1*°C", Quantity.RETURN_TEMPERATURE, 30.0, 45.0),
    ],
)
def test_a_momentary_value_moves_within_its_form(raw: str, quantity: Quantity, low: float, high: float) -> None:
    momentary = MomentaryRegister("x", raw, LOAD, quantity)
    printed = [print_of(momentary, age) for age in range(0, DAY, 900)]
    numbers = [text.partition("*")[0] for text in printed]
    assert {len(text) for text in printed} == {len(raw)}
    assert all(low <= float(number) <= high for number in numbers)
    assert len(set(numbers)) > 5


def test_a_maximum_stands_until_a_larger_mean_comes() -> None:
    peak = LOAD.peak(0, 5 * DAY)
    assert peak is not None
    high = MaximumRegister("1.6.1", "99.000*kW)(2602280815", LOAD)
    low = MaximumRegister("1.6.1", "00.000*kW)(0000000000", LOAD)
    assert print_of(high, 5 * DAY) == "99.000*kW)(2602280815"
    assert print_of(low, 600) == "00.000*kW)(0000000000"
    local = peak.end.astimezone(ZoneInfo("Europe/Vilnius"))
    assert print_of(low, 5 * DAY) == f"{peak.watts / 1000:06.3f}*kW)({local:%y%m%d%H%M}"


def test_a_maximum_that_began_anew_has_no_stamp_until_a_quarter_of_an_hour_has_ended() -> None:
    anew = MaximumRegister("1.6.1", "99.000*kW)(2602280815", LOAD, since=DAY)
    assert print_of(anew, DAY + 600) == "00.000*kW)(0000000000"
    assert print_of(anew, 3 * DAY) != print_of(anew, DAY + 600)


@pytest.mark.parametrize(
    ("raw", "zero", "less"),
    [
        ("0012345.67*kWh", "0000000.00*kWh", "0012222.21*kWh"),
        ("1.2*kW)(2602280815", "0.0*kW)(2602280815", "1.2*kW)(2602280815"),
        ("41770326a", "41770326a", "41770326a"),
    ],
)
def test_a_print_keeps_its_form_as_zero_or_less(raw: str, zero: str, less: str) -> None:
    assert (zeroed(raw), lowered(raw)) == (zero, less)
