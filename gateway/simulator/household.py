"""The registers that a household's electricity meter prints."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.simulator.load import Curve, Load, Rate
from gateway.simulator.register import (
    ClockRegister,
    LoadRegister,
    MaximumRegister,
    MomentaryRegister,
    Quantity,
    SimulatedRegister,
    StillRegister,
    TotalRegister,
)

_FIRST = 9  # the registers that no meter leaves out


def household_registers(
    chance: random.Random, serial: str, start: datetime, count: int
) -> tuple[SimulatedRegister, ...]:
    """So many registers of a meter with that serial number, from 9 to 25; equal chances give equal registers.

    Its clock shows `start`, in UTC; the totals of its tariffs add up to that of all, each cut to its digits.
    """
    clock_form, date_form = chance.choice((("%H:%M:%S", "%y-%m-%d"), ("%H%M%S", "%y%m%d")))
    day, night = (_thousandths(chance, 100_000, 60_000_000) for _ in range(2))
    load = _load(serial, start, 2 * _thousandths(chance, 100, 900))
    usual: list[SimulatedRegister] = [
        StillRegister("F.F", "00000000"),
        StillRegister("0.0.0", serial),
        ClockRegister("0.9.1", clock_form, start),
        ClockRegister("0.9.2", date_form, start),
        LoadRegister("1.8.0", _energy(day + night), load),
        LoadRegister("1.8.1", _energy(day), load, Rate.DAY),
        LoadRegister("1.8.2", _energy(night), load, Rate.NIGHT),
        LoadRegister(
            "2.8.0",
            _energy(_thousandths(chance, 0, 9_000_000)),
            _load(f"{serial}/sun", start, _thousandths(chance, 0, 400), Curve.SUN),
        ),
    ]
    return (*usual, *_further(chance, serial, start, load)[: max(count, _FIRST) - len(usual)])


def _load(seed: str, start: datetime, mean_kw: Decimal, curve: Curve = Curve.HOUSEHOLD) -> Load:
    return Load(seed, start.replace(tzinfo=UTC), ZoneInfo("UTC"), round(mean_kw * 1000), curve)


def _further(chance: random.Random, serial: str, start: datetime, load: Load) -> Sequence[SimulatedRegister]:
    peak = start - timedelta(days=chance.randrange(1, 28), minutes=15 * chance.randrange(96))
    reset = start.replace(day=1, hour=0, minute=0)
    return (
        MaximumRegister("1.6.1", f"{_thousandths(chance, 900, 9_900):06.3f}*kW)({peak:%y%m%d%H%M}", load),
        MomentaryRegister("32.7", f"{chance.randrange(2_250, 2_380) / 10:.1f}*V", load, Quantity.VOLTAGE),
        MomentaryRegister("31.7", f"{chance.randrange(20, 2_000) / 100:05.2f}*A", load, Quantity.CURRENT),
        StillRegister("C.1.0", serial),
        MomentaryRegister("14.7", f"{chance.randrange(4_995, 5_005) / 100:.2f}*Hz", load, Quantity.FREQUENCY),
        MomentaryRegister("52.7", f"{chance.randrange(2_250, 2_380) / 10:.1f}*V", load, Quantity.VOLTAGE),
        MomentaryRegister("72.7", f"{chance.randrange(2_250, 2_380) / 10:.1f}*V", load, Quantity.VOLTAGE),
        MomentaryRegister("51.7", f"{chance.randrange(20, 2_000) / 100:05.2f}*A", load, Quantity.CURRENT),
        MomentaryRegister("71.7", f"{chance.randrange(20, 2_000) / 100:05.2f}*A", load, Quantity.CURRENT),
        MomentaryRegister("16.7", f"{_thousandths(chance, 50, 6_000):06.3f}*kW", load, Quantity.POWER),
        MomentaryRegister("13.7", f"{chance.randrange(80, 100) / 100:.2f}", load, Quantity.POWER_FACTOR),
        TotalRegister("3.8.0", _energy(_thousandths(chance, 0, 5_000_000), "kvarh"), _thousandths(chance, 0, 90)),
        TotalRegister("4.8.0", _energy(_thousandths(chance, 0, 900_000), "kvarh"), _thousandths(chance, 0, 30)),
        StillRegister("0.1.0", f"{chance.randrange(1, 99):02}"),
        StillRegister("0.1.2*01", f"{reset:%y%m%d%H%M}"),
        StillRegister("C.7.0", f"{chance.randrange(40):04}"),
        StillRegister("0.2.0", f"V{chance.randrange(1, 9)}.{chance.randrange(30):02}"),
    )


def _thousandths(chance: random.Random, low: int, high: int) -> Decimal:
    return Decimal(chance.randrange(low, high)).scaleb(-3)


def _energy(total: Decimal, unit: str = "kWh") -> str:
    return f"{total:011.3f}*{unit}"
