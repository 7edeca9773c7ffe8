"""The load behind a simulated meter: watts by day or night, equal for equal seeds."""

import random
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import cached_property
from itertools import accumulate
from zoneinfo import ZoneInfo

from attrs import field, frozen

QUARTER_S = 900
_DAY_S = 86_400
_QUARTERS = _DAY_S // QUARTER_S
# A reader comes forward in time; a demand reset looks back into the day before at most.
_DAYS_AT_HAND = 3
_SATURDAY = 5
# Local hours in which the day's tariff counts, or somebody may be cooking.
_DAY_RATE, _AWAKE = range(6, 22), range(7, 22)
_AWAY_SHARE, _AWAY_PERCENT = 0.03, 30
_MOST_APPLIANCES, _LONGEST_RUN = 4, 3
_APPLIANCE_W = (1200, 2800)
_NOISE_STEPS = 10_000


class Rate(Enum):
    """Which tariff's energy is meant: all, that of the day from 6 to 22 h local time, that of the night."""

    ALL = "all"
    DAY = "day"
    NIGHT = "night"


class Curve(StrEnum):
    """How a load spreads over a day."""

    HOUSEHOLD = "household"
    SUN = "sun"
    HEATING = "heating"


# Percent of the mean by local hour, on working days, then on days of rest.
_WORKING = (45, 40, 38, 38, 40, 50, 90, 130, 110, 80, 75, 80, 105, 100, 85, 85, 95, 130, 175, 200, 205, 180, 130, 75)
_REST = (60, 50, 42, 40, 40, 42, 50, 75, 110, 130, 135, 145, 160, 150, 130, 120, 120, 135, 170, 190, 190, 170, 135, 90)
_SUN = (0, 0, 0, 0, 0, 0, 0, 40, 150, 240, 320, 370, 390, 380, 330, 250, 160, 70, 0, 0, 0, 0, 0, 0)
_HEATING = (70, 70, 70, 75, 80, 110, 160, 150, 120, 100, 90, 80, 80, 80, 85, 95, 110, 125, 130, 130, 120, 100, 80, 70)
_PERCENT = {Curve.HOUSEHOLD: (_WORKING, _REST), Curve.SUN: (_SUN, _SUN), Curve.HEATING: (_HEATING, _HEATING)}


@frozen
class Peak:
    """The mean load of a quarter of an hour in watts, with its end in UTC."""

    watts: int
    end: datetime


@frozen
class _Day:
    """The watts of each quarter of an hour of a day in UTC, with the joules before each, also those of the day rate."""

    watts: tuple[int, ...]
    joules: tuple[int, ...]
    day_joules: tuple[int, ...]

    def until(self, seconds: float, rate: Rate) -> int:
        quarter = int(seconds) // QUARTER_S
        rest = int(self.watts[quarter] * (seconds - quarter * QUARTER_S))
        in_day_rate = self.day_joules[quarter]
        if self.day_joules[quarter + 1] > in_day_rate:
            in_day_rate += rest
        match rate:
            case Rate.ALL:
                return self.joules[quarter] + rest
            case Rate.DAY:
                return in_day_rate
            case Rate.NIGHT:
                return self.joules[quarter] + rest - in_day_rate


@frozen
class Load:
    """A load that begins at `born` (UTC), `mean_w` watts on the average of an ordinary day of `zone`.

    It stands still within each quarter of an hour. Ages are seconds since `born`, never negative.
    """

    seed: str
    born: datetime
    zone: ZoneInfo
    mean_w: int
    curve: Curve = Curve.HOUSEHOLD
    _at_hand: dict[int, _Day] = field(factory=dict, init=False, eq=False, repr=False)
    _before: list[tuple[int, int]] = field(factory=lambda: [(0, 0)], init=False, eq=False, repr=False)
    _peaks: list[tuple[int, int]] = field(factory=list, init=False, eq=False, repr=False)

    def joules(self, age: float, rate: Rate = Rate.ALL) -> int:
        """What it has taken since it began."""
        return self._until(self._into_first_day + age, rate) - self._before_birth[rate]

    def watts(self, age: float) -> int:
        """What it takes now."""
        number, seconds = divmod(self._into_first_day + age, _DAY_S)
        return self._day(int(number)).watts[int(seconds) // QUARTER_S]

    def peak(self, since: float, age: float) -> Peak | None:
        """The largest mean of the quarters of an hour that lie between two ages; None where none has ended."""
        first = -int(-(self._into_first_day + since) // QUARTER_S)
        last = int((self._into_first_day + age) // QUARTER_S)
        if first >= last:
            return None
        watts, quarter = max(self._peaks_of(first, last), key=lambda peak: peak[0])
        return Peak(watts, self._first_day + timedelta(seconds=(quarter + 1) * QUARTER_S))

    def noise(self, age: float, name: str) -> float:
        """From -1 to 1, another one each second for each name."""
        crc = zlib.crc32(f"{self.seed}/{name}/{self._into_first_day + age:.0f}".encode())
        return (crc % (2 * _NOISE_STEPS) - _NOISE_STEPS) / _NOISE_STEPS

    @cached_property
    def _first_day(self) -> datetime:
        return self.born.replace(hour=0, minute=0, second=0, microsecond=0)

    @cached_property
    def _into_first_day(self) -> float:
        return (self.born - self._first_day).total_seconds()

    @cached_property
    def _before_birth(self) -> dict[Rate, int]:
        return {rate: self._until(self._into_first_day, rate) for rate in Rate}

    def _until(self, seconds: float, rate: Rate) -> int:
        """The joules since the midnight before it began."""
        number, into = divmod(seconds, _DAY_S)
        day = self._day(int(number))
        joules, day_joules = self._before[int(number)]
        before = {Rate.ALL: joules, Rate.DAY: day_joules, Rate.NIGHT: joules - day_joules}[rate]
        return before + day.until(into, rate)

    def _peaks_of(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The watts of the quarters between two, each with its number; of a whole day its peak alone."""
        for number in range(first // _QUARTERS, (last - 1) // _QUARTERS + 1):
            begin = number * _QUARTERS
            if first <= begin and begin + _QUARTERS <= last:
                self._live_through(number)
                yield self._peaks[number]
                continue
            watts = self._day(number).watts
            for quarter in range(max(first, begin), min(last, begin + _QUARTERS)):
                yield watts[quarter - begin], quarter

    def _day(self, number: int) -> _Day:
        """A day since the one on which it began."""
        self._live_through(number)
        return self._at_hand.get(number) or self._add(number)

    def _live_through(self, number: int) -> None:
        """Adds up the days up to that one, each once."""
        while len(self._peaks) <= number:
            day = self._add(len(self._peaks))
            watts = max(day.watts)
            self._peaks.append((watts, len(self._peaks) * _QUARTERS + day.watts.index(watts)))
            joules, day_joules = self._before[-1]
            self._before.append((joules + day.joules[-1], day_joules + day.day_joules[-1]))

    def _add(self, number: int) -> _Day:
        if len(self._at_hand) >= _DAYS_AT_HAND:
            del self._at_hand[next(iter(self._at_hand))]
        begin = self._first_day + timedelta(days=number)
        local = [(begin + timedelta(seconds=n * QUARTER_S)).astimezone(self.zone) for n in range(_QUARTERS)]
        watts = self._watts_of(local)
        joules = [each * QUARTER_S for each in watts]
        in_day_rate = [each if moment.hour in _DAY_RATE else 0 for each, moment in zip(joules, local, strict=True)]
        day = _Day(tuple(watts), tuple(accumulate(joules, initial=0)), tuple(accumulate(in_day_rate, initial=0)))
        self._at_hand[number] = day
        return day

    def _watts_of(self, local: list[datetime]) -> list[int]:
        chance = random.Random(f"{self.seed}/{local[0]:%Y-%m-%d}")  # noqa: S311 - repeatable on purpose
        whole = self.mean_w * (chance.uniform(0.3, 1.0) if self.curve is Curve.SUN else 1.0)
        if self.curve is Curve.HOUSEHOLD and chance.random() < _AWAY_SHARE:
            return [round(whole * _AWAY_PERCENT / 100 * chance.uniform(0.8, 1.2)) for _ in local]
        working, rest = _PERCENT[self.curve]
        watts = [
            round(whole * (rest if moment.weekday() >= _SATURDAY else working)[moment.hour] / 100 * jitter)
            for moment, jitter in zip(local, (chance.uniform(0.5, 1.5) for _ in local), strict=True)
        ]
        if self.curve is Curve.HOUSEHOLD and self.mean_w:
            _switch_on(watts, [n for n, moment in enumerate(local) if moment.hour in _AWAKE], chance)
        return watts


def _switch_on(watts: list[int], awake: list[int], chance: random.Random) -> None:
    """Adds what cooks, washes or irons on that day."""
    for _ in range(chance.randrange(_MOST_APPLIANCES + 1)):
        begin, power = chance.choice(awake), chance.randrange(*_APPLIANCE_W)
        for quarter in range(begin, min(begin + chance.randint(1, _LONGEST_RUN), len(watts))):
            watts[quarter] += power
