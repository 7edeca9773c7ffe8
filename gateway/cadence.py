"""The wall-clock moments at which scheduled work is due."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

MINUTES_A_DAY = 1440
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_EVERY = re.compile(r"\*/([1-9][0-9]{0,3})")
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
