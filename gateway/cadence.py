"""The wall-clock moments at which scheduled work is due."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

MINUTES_A_DAY = 1440
HOURS_A_DAY = 24
LONGEST_SPAN = 31  # days
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_EVERY = re.compile(r"\*/([1-9][0-9]{0,3})")
_SPAN = re.compile(r"([1-9][0-9]?)([hd])")
_RESOLUTION = timedelta(seconds=1)  # of the search for the moment when a season changes


@frozen
class Cadence:
    """Every `step` minutes of the day from minute `first` on; a step of a whole day means once a day.

    Each of these wall times is due once a day: an hour that a season change skips is due when it has passed, one that
    it repeats is due the first time.
    """

    first: int
    step: int

    @classmethod
    def from_text(cls, text: str) -> "Cadence":
        """The cadence of `HH:MM` or `*/N` minutes; raises ValueError where it is neither or N divides no day."""
        if found := _TIME_OF_DAY.fullmatch(text):
            return cls(60 * int(found[1]) + int(found[2]), MINUTES_A_DAY)
        if (found := _EVERY.fullmatch(text)) and MINUTES_A_DAY % int(found[1]) == 0:
            return cls(0, int(found[1]))
        raise ValueError(f"{text!r} is neither HH:MM nor */N minutes that divide a day")

    def next(self, after: datetime, zone: ZoneInfo) -> datetime:
        """The first due moment after an aware one, in UTC."""
        local = after.astimezone(zone)
        day, minute = local.date(), 60 * local.hour + local.minute
        minute -= (minute - self.first) % self.step
        while (moment := _instant(day, max(minute, self.first), zone)) <= after:
            minute += self.step
            if minute >= MINUTES_A_DAY:
                day, minute = day + timedelta(days=1), self.first
        return moment


@frozen
class Span:
    """One of the spans of wall time that follow each other: some hours that divide a day, or `days`, 0 for hours.

    Hours are counted from midnight. Days begin at midnight; several of them are counted from a Monday on, so that
    seven begin on Mondays.
    """

    hours: int
    days: int

    @classmethod
    def from_text(cls, text: str) -> "Span":
        """The span of `6h` or `7d`; raises ValueError where it is neither, divides no day or is above 31 days."""
        if found := _SPAN.fullmatch(text):
            number, unit = int(found[1]), found[2]
            if unit == "d" and number <= LONGEST_SPAN:
                return cls(0, number)
            if unit == "h" and HOURS_A_DAY % number == 0:
                return cls(number, 0)
        raise ValueError(f"{text!r} is neither N hours (h) that divide a day nor 1 to {LONGEST_SPAN} days (d)")

    @property
    def usual(self) -> timedelta:
        """Its length where no season changes."""
        return timedelta(hours=self.hours, days=self.days)

    def ends(self, moment: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
        """The newest `count` moments, in UTC, at or before an aware one at which a span ends, oldest first."""
        if self.days:
            return self._midnights(moment, zone, count)
        cadence = Cadence(0, 60 * self.hours)
        # A repeated hour makes one span longer, so that one more step back is needed.
        found, due = [], moment - (count + 2) * self.usual
        while (due := cadence.next(due, zone)) <= moment:
            found.append(due)
        return found[-count:]

    def _midnights(self, moment: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
        day = moment.astimezone(zone).date()
        newest = day.toordinal() - (day.toordinal() - 1) % self.days
        days = (date.fromordinal(newest - back * self.days) for back in range(count, -1, -1))
        return [instant for instant in (_instant(day, 0, zone) for day in days) if instant <= moment][-count:]


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """When a wall time comes; one that does not exist that day comes with the end of the hour that is skipped."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    before, after = wall.replace(fold=1).astimezone(UTC), moment
    while after - before > _RESOLUTION:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    return (after + _RESOLUTION / 2).replace(microsecond=0)
