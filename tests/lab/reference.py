"""Meters of a household that live through a few days: what the noise laboratory damages."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from attrs import define, field

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 9, 0, 0, 11, tzinfo=UTC)
AHEAD = timedelta(seconds=3)  # the meter's clock before ours
QUARTER = 900
JOULES = 3_600_000  # a kilowatt-hour
STORED_MONTHS = 6
# Hour of the day from which on a household takes power between these limits, in watts.
LOADS = ((0, 80, 220), (6, 300, 2600), (9, 120, 900), (17, 350, 3600), (22, 90, 700))


class Print(Enum):
    """What a meter prints: a flat's short table, a billing table of six months, a table with momentary values."""

    FLAT = "flat"
    BILLING = "billing"
    THREE_PHASE = "three-phase"


@define
class Household:
    """A household's meter; energies in joules, powers in watts. Equal chances give equal lives."""

    shown: Print
    chance: random.Random
    now: datetime = START
    serial: str = field(init=False)
    day: int = field(init=False)
    night: int = field(init=False)
    power: int = field(init=False, default=150)
    maximum: int = field(init=False)
    maximum_at: str = field(init=False, default="2603081815")
    months: list[str] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        chance = self.chance
        self.serial = f"{chance.randrange(10_000_000, 99_999_999)}"
        self.day, self.night = (chance.randrange(1_000 * JOULES, 19_000 * JOULES) for _ in range(2))
        self.maximum = chance.randrange(2_800, 3_500)
        total = self.day + self.night
        for _ in range(STORED_MONTHS):
            total -= chance.randrange(90 * JOULES, 290 * JOULES)
            self.months.append(energy(total))

    @property
    def local(self) -> datetime:
        """What its clock shows."""
        return (self.now + AHEAD).astimezone(ZONE)

    def live(self, seconds: int) -> None:
        """Time goes by; a whole quarter of an hour ends with another load."""
        is_day = 6 <= self.local.hour < 22
        if is_day:
            self.day += self.power * seconds
        else:
            self.night += self.power * seconds
        self.now += timedelta(seconds=seconds)
        if seconds == QUARTER:
            if self.power > self.maximum:
                self.maximum, self.maximum_at = self.power, f"{self.local:%y%m%d%H%M}"
            low, high = next((low, high) for hour, low, high in reversed(LOADS) if self.local.hour >= hour)
            self.power = self.chance.randrange(low, high)

    def body(self) -> bytes:
        """The 7-bit characters of its data block by now."""
        match self.shown:
            case Print.FLAT:
                registers = self._flat()
            case Print.BILLING:
                registers = self._billing()
            case Print.THREE_PHASE:
                registers = self._three_phase()
        return "".join(f"{address}({raw})\r\n" for address, raw in registers).encode() + b"!\r\n"

    def _head(self) -> Iterator[tuple[str, str]]:
        yield "F.F", "00"
        yield "0.0.0", self.serial
        yield "C.1.0", self.serial

    def _totals(self) -> Iterator[tuple[str, str]]:
        yield "1.8.0", f"{energy(self.day + self.night)}*kWh"
        yield "1.8.1", f"{energy(self.day)}*kWh"
        yield "1.8.2", f"{energy(self.night)}*kWh"
        yield "2.8.0", "0000012.345*kWh"

    def _flat(self) -> Iterator[tuple[str, str]]:
        yield from self._head()
        yield "0.9.1", f"0{self.local:%H%M%S}"
        yield "0.9.2", f"0{self.local:%y%m%d}"
        yield from self._totals()
        yield "0.1.0", "14"
        yield "1.8.0*14", f"{self.months[0]}*kWh"
        yield "1.6.1", f"{self.maximum / 1000:06.3f}*kW)({self.maximum_at}"
        yield from self._phase("32.7", "31.7", self.power)

    def _billing(self) -> Iterator[tuple[str, str]]:
        yield from self._head()
        yield "0.9.1", f"{self.local:%H:%M:%S}"
        yield "0.9.2", f"{self.local:%y-%m-%d}"
        yield "0.1.0", "14"
        yield "0.1.2*14", "2603010000"
        yield from self._totals()
        yield "1.6.1", f"{self.maximum / 1000:06.3f}*kW)({self.maximum_at}"
        for past, total in enumerate(self.months):
            number, month = 14 - past, (1 - past) % 12 + 1
            yield f"1.8.0*{number:02}", f"{total}*kWh"
            year = 26 if month <= 2 else 25
            yield f"1.6.1*{number:02}", f"0{2 + past / 8:.3f}*kW)({year}{month:02}{9 + past:02}{17 + past % 4}45"

    def _three_phase(self) -> Iterator[tuple[str, str]]:
        yield from self._head()
        yield "0.9.1", f"0{self.local:%H%M%S}"
        yield "0.9.2", f"0{self.local:%y%m%d}"
        yield from self._totals()
        third = self.power // 3
        for voltage, current in (("32.7", "31.7"), ("52.7", "51.7"), ("72.7", "71.7")):
            yield from self._phase(voltage, current, third)
        yield "16.7", f"{self.power / 1000:06.3f}*kW"
        yield "14.7", f"{self.chance.randrange(4_996, 5_005) / 100:.2f}*Hz"

    def _phase(self, voltage: str, current: str, power: int) -> Iterator[tuple[str, str]]:
        volts = self.chance.randrange(2_280, 2_360) / 10
        yield voltage, f"{volts:.1f}*V"
        yield current, f"{power / volts:06.2f}*A"


def energy(joules: int) -> str:
    """A total in kilowatt-hours, as a meter prints it."""
    thousandths = joules // (JOULES // 1000)
    return f"{thousandths // 1000:07}.{thousandths % 1000:03}"
