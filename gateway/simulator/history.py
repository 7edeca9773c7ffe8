"""The history of a simulated meter: what interrupted its recording, what its log tells."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.simulator.clock import season
from gateway.simulator.programming import (
    DATE_REGISTER,
    TIME_REGISTER,
    ClockSet,
    PowerLoss,
    SimulatedProgramming,
)

# protocol.md 7.3: the bits of status words.
SEASON_CHANGED, RESET, CLOCK_SET, POWER_RESTORED, POWER_FAILED = 0x08, 0x10, 0x20, 0x40, 0x80
PARAMETER_CHANGED, CONDITION_BEGAN = 0x0100, 0x0200
_CLOCK_SET_IN_LOG = 0x8000 | CLOCK_SET
# So long a meter has recorded unless told otherwise: both season changes of a year lie in it.
USUAL_DEPTH = timedelta(days=400)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@frozen
class Entry:
    """A line of the log: when (in UTC), status word, values with their codes."""

    at: datetime
    status: int
    values: tuple[tuple[str, str], ...] = ()


@frozen
class Stretch:
    """A time of unbroken recording, in UTC; `opened` and `closed` are the status words at its ends.

    `closed` None: it goes on.
    """

    begin: datetime
    end: datetime
    opened: int = 0
    closed: int | None = None


@frozen
class _Interruption:
    stopped: datetime
    closed: int
    resumed: datetime
    opened: int


class History:
    """What happened to a meter since recording began; all moments are those that its clock showed, in UTC."""

    def __init__(self, facts: SimulatedProgramming, seed: str) -> None:
        self.zone = facts.time_zone
        self.since = _moment(facts.since, self.zone) if facts.since else _midnight(facts.start, self.zone)
        self._interruptions: list[_Interruption] = []
        self._entries: list[Entry] = []
        events = made_up_events(facts.start, seed) if facts.events is None else facts.events
        for event in sorted(events, key=lambda one: one.at):
            self._happened(event)
        if facts.is_cover_open:
            self.note(Entry(_moment(facts.start, self.zone), CONDITION_BEGAN))

    def note(self, entry: Entry) -> None:
        """Puts an entry into the log."""
        self._entries.append(entry)

    def clock_put(self, before: datetime, after: datetime) -> None:
        """The clock was set from one moment to another: recording begins anew (protocol.md 7.3)."""
        self._interruptions.append(_Interruption(before, CLOCK_SET, after, CLOCK_SET))
        new = after.astimezone(self.zone)
        values = ((TIME_REGISTER, f"{season(new)}{new:%H%M%S}"), (DATE_REGISTER, f"{season(new)}{new:%y%m%d}"))
        self.note(Entry(before, _CLOCK_SET_IN_LOG, values))

    def stretches(self, now: datetime) -> Iterator[Stretch]:
        """The times of unbroken recording, in the order in which they were lived through."""
        begin, opened = self.since, 0
        for interruption in self._interruptions:
            yield Stretch(begin, interruption.stopped, opened, interruption.closed)
            begin, opened = interruption.resumed, interruption.opened
        yield Stretch(begin, now, opened)

    def entries(self, now: datetime) -> list[Entry]:
        """The whole log up to now, by the stamps; changes of season and resets at the turn of a month included."""
        calendar = [
            *(Entry(moment, SEASON_CHANGED) for moment in season_changes(self.zone, self.since, now)),
            *(Entry(moment, RESET) for moment in _month_turns(self.zone, self.since, now)),
        ]
        return sorted([*self._entries, *calendar], key=lambda entry: entry.at)

    def _happened(self, event: PowerLoss | ClockSet) -> None:
        begin = _moment(event.at, self.zone)
        end = begin + timedelta(seconds=event.seconds)
        if isinstance(event, ClockSet):
            self.clock_put(begin, end)
            return
        self._interruptions.append(_Interruption(begin, POWER_FAILED, end, POWER_RESTORED))
        self.note(Entry(begin, POWER_FAILED))
        self.note(Entry(end, POWER_RESTORED))


def season_changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The first moments of each season after `begin`, up to `end`, all in UTC."""
    low = begin
    while low < end:
        high = min(low + _DAY, end)
        if season(low.astimezone(zone)) != season(high.astimezone(zone)):
            yield _change_between(zone, low, high)
        low = high


def _change_between(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The full minute at which the season changes."""
    old, base = season(low.astimezone(zone)), low.replace(second=0, microsecond=0)
    first, last = 0, int((high - base) / _MINUTE) + 1
    while last - first > 1:
        middle = (first + last) // 2
        if season((base + middle * _MINUTE).astimezone(zone)) == old:
            first = middle
        else:
            last = middle
    return base + last * _MINUTE


def _month_turns(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    local = begin.astimezone(zone)
    year, month = local.year, local.month
    while (turn := _moment(datetime(year, month, 1), zone)) <= end:  # noqa: DTZ001 - _moment knows its zone
        if turn >= begin:
            yield turn
        year, month = (year + 1, 1) if month == _DECEMBER else (year, month + 1)


_DECEMBER = 12


def made_up_events(start: datetime, seed: str) -> tuple[PowerLoss, ClockSet]:
    """One loss of power and one setting of the clock within the last ten days, equal for equal seeds."""
    chance = random.Random(f"history/{seed}")  # noqa: S311 - repeatable on purpose
    days = chance.sample(range(2, 10), 2)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    failed = midnight - timedelta(days=days[0]) + timedelta(seconds=chance.randrange(6 * 3600, 20 * 3600))
    # In the middle of a quarter of an hour, so that no stamp comes twice.
    put = midnight - timedelta(days=days[1]) + timedelta(hours=chance.randrange(6, 20), minutes=7, seconds=30)
    forward = chance.choice((-1, 1)) * chance.randrange(2, 90)
    return PowerLoss(failed, chance.randrange(90, 12_000)), ClockSet(put, forward)


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _midnight(start: datetime, zone: ZoneInfo) -> datetime:
    return _moment((start - USUAL_DEPTH).replace(hour=0, minute=0, second=0, microsecond=0), zone)
