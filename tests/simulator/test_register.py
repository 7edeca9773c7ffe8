"""The prints of simulated registers."""

from datetime import datetime
from decimal import Decimal

from gateway.simulator import ClockRegister, StillRegister, TotalRegister
from gateway.simulator.register import print_of


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
