"""The time stamps of stored series, as meters print them or want to be asked by (protocol.md 7.2)."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.decoders import timestamp
from gateway.errors import DecodeError

# No meter stored anything before the first of them; two-digit years reach to 2079, four-digit ones may be damaged.
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199

_TOKEN = re.compile("YYYY|YY|MM|DD|hh|mm|ss|s")
_DIRECTIVES = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "hh": "%H", "mm": "%M", "ss": "%S"}
_RESOLUTIONS = {"ss": timedelta(seconds=1), "mm": timedelta(minutes=1), "hh": timedelta(hours=1)}
_FLAGGED_LENGTHS = (11, 13)  # ZSTs11, ZSTs13: the length alone tells whether a season flag is printed.


class Season(StrEnum):
    """What a stamp says of its season; the members are the standard's flags."""

    NORMAL = "0"
    SUMMER = "1"
    UTC = "2"
    UNTOLD = ""


@frozen
class Stamp:
    """One printed moment.

    `local` is what the meter prints, without zone; `moment` the same in UTC. `clock` is the time that the meter keeps:
    the zone's legal time, or a fixed offset where it keeps another, such as normal time all year round.
    """

    local: datetime
    moment: datetime
    clock: tzinfo

    def local_at(self, moment: datetime) -> datetime:
        """What this meter's clock shows at another moment, without zone."""
        return moment.astimezone(self.clock).replace(tzinfo=None)


def stamp_text(moment: datetime, form: str) -> str:
    """A moment as a meter wants it: the tokens s YYYY YY MM DD hh mm ss of `form`, all else in it stands as it is.

    `moment` is local and knows its zone. s: 2 in UTC, else 1 in summer time, 0 in normal time.
    """
    return _TOKEN.sub(lambda token: _printed(moment, token[0]), form)


def _printed(moment: datetime, token: str) -> str:
    if token != "s":  # noqa: S105 - a token of a form is no secret
        return moment.strftime(_DIRECTIVES[token])
    if moment.tzname() == "UTC":
        return Season.UTC.value
    normal, _ = _offsets(moment.tzinfo, moment.year)
    return (Season.SUMMER if _offset(moment) > normal else Season.NORMAL).value


def range_text(since: datetime | None, until: datetime | None, form: str) -> str:
    """The limits of a range as a read command wants them: `from;to`, a side that is open stays empty.

    Both are local and know their zone. What the form does not resolve widens the range, so that nothing is left out.
    """
    first = "" if since is None else stamp_text(since, form)
    last = "" if until is None else stamp_text(_rounded_up(until, form), form)
    return f"{first};{last}"


def _rounded_up(moment: datetime, form: str) -> datetime:
    tokens = _TOKEN.findall(form)
    finest = next((_RESOLUTIONS[token] for token in _RESOLUTIONS if token in tokens), timedelta(days=1))
    since_midnight = timedelta(
        hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
    rest = since_midnight % finest
    # By the wall clock, which at the end of summer time makes the range an hour wider, never narrower.
    return (moment + (finest - rest)).replace(fold=moment.fold) if rest else moment


def read_stamp(raw: str, zone: ZoneInfo, follows: datetime | None = None, step: timedelta = timedelta()) -> Stamp:
    """The moment that a bracket prints; `zone` is that of the meter's legal time.

    A season flag is believed, also where the legal time has the other season. Without one the legal time counts, and
    of an hour that comes twice its first passing, unless only the second one follows within `step` after `follows`.
    Raises DecodeError (E-REG-1) for what is no time stamp.
    """
    printed = timestamp(raw)
    if printed is None or not EARLIEST_YEAR <= printed.year <= LATEST_YEAR:
        raise DecodeError("E-REG-1", f'"{raw.strip()}" is no time stamp')
    local = printed.replace(tzinfo=None, fold=0)
    offset = _offset_of(local, _season(raw.strip()), zone)
    if _season(raw.strip()) is Season.UNTOLD and follows is not None:
        later = _offset(local.replace(tzinfo=zone, fold=1))
        first, second = _in_utc(local, offset), _in_utc(local, later)
        offset = later if first <= follows < second <= follows + step else offset
    moment = _in_utc(local, offset)
    # The end of an interval may be printed in the time that ends with it.
    legal = (_offset((moment - before).astimezone(zone)) for before in (timedelta(), timedelta(seconds=1)))
    return Stamp(local, moment, zone if offset in legal else timezone(offset))


def _season(text: str) -> Season:
    if text.isdigit():
        return Season(text[0]) if len(text) in _FLAGGED_LENGTHS else Season.UNTOLD
    match text[-1:]:
        case "S" | "s":
            return Season.SUMMER
        case "W" | "w":
            return Season.NORMAL
        case _:
            return Season.UNTOLD


def _offset_of(local: datetime, season: Season, zone: ZoneInfo) -> timedelta:
    if season is Season.UTC:
        return timedelta()
    normal, summer = _offsets(zone, local.year)
    legal = [_offset(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    # A zone without seasons gives a flag no meaning.
    if season is Season.UNTOLD or normal == summer:
        return legal[0]
    is_summer = season is Season.SUMMER
    return next((offset for offset in legal if (offset > normal) == is_summer), summer if is_summer else normal)


@lru_cache(maxsize=1024)
def _offsets(zone: tzinfo | None, year: int) -> tuple[timedelta, timedelta]:
    """The offsets of normal and of summer time in a year; equal where the zone has no seasons.

    Not by `dst()`, which is negative in the winters of zones such as Europe/Dublin.
    """
    both = [_offset(datetime(year, month, 1, tzinfo=zone)) for month in (1, 7)]
    return min(both), max(both)


def _offset(zoned: datetime) -> timedelta:
    return zoned.utcoffset() or timedelta()


def _in_utc(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)
