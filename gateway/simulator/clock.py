"""The clock of a simulated meter, with the forms in which it is printed or set."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.simulator import programming

# protocol.md 7.2: the first digit of a stamp.
WINTER, SUMMER, UTC_FLAG = "0", "1", "2"
_FLAGGED = frozenset((7, 11, 13))
_DAY_S = 86_400
_NO_DIGIT = re.compile(r"[^0-9]")
_STAMP = re.compile(r"[-0-9,:. ]*")
_FORMS = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}
_WRITTEN_FORMS = {
    programming.TIME_REGISTER: {4: "%H%M", 6: "%H%M%S"},
    programming.DATE_REGISTER: {6: "%y%m%d"},
    programming.MOMENT_REGISTER: _FORMS,
}


@frozen
class Timekeeping:
    """How a meter keeps the time: it shows `start`, local time of `zone`, at first; `gain_s` is what it gains a day.

    One that keeps normal time all year has a zone without seasons, such as Etc/GMT-1.
    """

    start: datetime
    zone: ZoneInfo
    gain_s: float = 0.0


class MeterClock:
    """A clock that shows `start`, local time of `zone`, at the age of 0 seconds until somebody sets it."""

    def __init__(self, start: datetime, zone: ZoneInfo, gain_s: float = 0.0) -> None:
        self.zone = zone
        self._pace = 1 + gain_s / _DAY_S
        self._at_birth = start.replace(tzinfo=zone).astimezone(UTC)

    def now(self, age: float) -> datetime:
        """The moment that it shows, in UTC: moments of one zone compare by the wall's time, which may repeat."""
        return self._at_birth + timedelta(seconds=age * self._pace)

    def age_at(self, moment: datetime) -> float:
        """The age at which it shows a moment, given in UTC."""
        return (moment - self._at_birth).total_seconds() / self._pace

    def shown(self, age: float) -> datetime:
        """What it shows, as local time of its zone."""
        return self.now(age).astimezone(self.zone)

    def put(self, moment: datetime, age: float) -> None:
        """It shows another moment, given in UTC, from now on."""
        self._at_birth = moment - timedelta(seconds=age * self._pace)


def season(moment: datetime) -> str:
    """The season flag of a local time; one without zone is winter time."""
    return SUMMER if _summer(moment) else WINTER


def _summer(moment: datetime) -> timedelta:
    """How far a local time is ahead of its zone's normal time.

    Not by `dst()`, which in some zones counts from summer time.
    """
    if moment.tzinfo is None:
        return timedelta()
    return (moment.utcoffset() or timedelta()) - _normal_offset(moment.tzinfo, moment.year)


@lru_cache(maxsize=256)
def _normal_offset(zone: tzinfo, year: int) -> timedelta:
    return min(datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in range(1, 13))


def stamp(moment: datetime) -> str:
    """ZSTs13 of a local time: season flag, date, time with seconds."""
    return f"{season(moment)}{moment:%y%m%d%H%M%S}"


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, of a stamp of ten to thirteen digits, with separators or without; raises ValueError.

    A season flag is taken at its word, also against the calendar; without one the calendar decides.
    """
    flag, digits = _flag_and_digits(text)
    if len(digits) not in _FORMS:
        raise ValueError(f"{text!r} is no stamp")
    wall = datetime.strptime(digits, _FORMS[len(digits)])  # noqa: DTZ007 - its zone follows
    if flag == UTC_FLAG:
        return wall.replace(tzinfo=UTC)
    moment = wall.replace(tzinfo=zone)
    summer = _summer(moment)
    wanted = timedelta(hours=1) if flag == SUMMER else timedelta()
    # Without a flag or in the flag's own season the wall's time stands.
    shift = timedelta() if flag is None else summer - wanted
    return moment.astimezone(UTC) + shift


def put_by(address: str, text: str, shown: datetime) -> datetime:
    """The moment, in UTC, of a clock that showed a local time before one of its registers was written.

    The wall's time is as written, so that time and date can be set one after the other; a season flag tells the two
    passes of a repeated hour apart, 2 means UTC. Raises ValueError for a text that is no time.
    """
    flag, digits = _flag_and_digits(text)
    base = shown.astimezone(UTC) if flag == UTC_FLAG else shown
    wall = _written(address, digits, base.replace(tzinfo=None, fold=0))
    if flag == UTC_FLAG:
        return wall.replace(tzinfo=UTC)
    return wall.replace(tzinfo=shown.tzinfo, fold=int(flag == WINTER)).astimezone(UTC)


def _written(address: str, digits: str, base: datetime) -> datetime:
    """The wall's time after the write of one register, the rest being that of `base`."""
    if address not in _WRITTEN_FORMS or len(digits) not in _WRITTEN_FORMS[address]:
        raise ValueError(f"{digits} does not set {address}")
    written = datetime.strptime(digits, _WRITTEN_FORMS[address][len(digits)])  # noqa: DTZ007 - its zone follows
    match address:
        case programming.TIME_REGISTER:
            return datetime.combine(base, written.time())
        case programming.DATE_REGISTER:
            return datetime.combine(written, base.time())
        case _:
            return written


def _flag_and_digits(text: str) -> tuple[str | None, str]:
    """The season flag, None where the form has none, and the digits behind it; raises ValueError."""
    if not _STAMP.fullmatch(text):
        raise ValueError(f"{text!r} is no stamp")
    digits = _NO_DIGIT.sub("", text)
    if len(digits) not in _FLAGGED:
        return None, digits
    if digits[0] not in (WINTER, SUMMER, UTC_FLAG):
        raise ValueError(f"{text!r} begins with no season flag")
    return digits[0], digits[1:]
