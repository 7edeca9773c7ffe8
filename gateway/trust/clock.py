"""What a meter's clock tells, held against ours (protocol.md 7.2)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.decoders import timestamp
from gateway.errors import DecodeError
from gateway.experience import Experience
from gateway.obis import parse_obis
from gateway.protocol.datablock import DataSet
from gateway.reading import local_text
from gateway.trust.verdict import Doubt, Oddity

RIGHT_WITHIN = 60  # seconds: beyond it intervals get the wrong stamp
STEP_AT_LEAST = 2  # seconds: what a whole second and a slow answer make of a clock that runs on
CRYSTAL = 1e-4  # the drift of the worst quartz between two reads
# Clocks that print no seconds stand up to a minute behind.
SHOWS_MINUTES = 60
SEASON_WITHIN = 120  # seconds around a whole season's step that a clock in the other season is off by
SEASON_SETTLES = timedelta(hours=25)  # some meters change their season at the next midnight
FIRST_YEAR = 2010  # no meter that is read today was set before
STANDS_STILL = f"{Oddity.FROZEN} "  # among the ways of a meter: its clock does
FUTURE_FROM = timedelta(days=1)

_SECOND = timedelta(seconds=1)
_DAY, _YEAR = 86_400, 31_557_600
# The print of a moment that was never reached: the same two digits in every place behind the year.
_PAIR = 2
_BEGINNING = datetime(2000, 1, 1)  # noqa: DTZ001 - where many clocks begin, in local time
_HOME_AREA_NEVER = "700101010000"
_RESET_AT = (0, 1, 2)


def clock_of(
    meter_time: datetime | None, read_at: datetime, zone: ZoneInfo, remembered_drift: int | None = None
) -> int | None:
    """Whole seconds that the meter's clock is ahead of ours; None where it tells no time.

    `meter_time` is as the meter prints it: local in `zone`, unless it carries a zone of its own; `fold` 1 says that it
    told normal time, which is believed in every season. Of an hour that comes twice, or does not exist, it is the
    pass that is nearer to the drift that is remembered.
    """
    if meter_time is None:
        return None
    return round((instant_of(meter_time, read_at, zone, remembered_drift) - read_at) / _SECOND)


def instant_of(
    meter_time: datetime, read_at: datetime, zone: ZoneInfo, remembered_drift: int | None = None
) -> datetime:
    """The moment that a meter's clock shows, as `clock_of` understands it."""
    if meter_time.tzinfo is not None:
        return meter_time
    if meter_time.fold:
        return meter_time.replace(tzinfo=timezone(_offsets(zone, meter_time.year)[0]))
    first = meter_time.replace(tzinfo=zone)
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    expected = timedelta(seconds=remembered_drift or 0)
    return min((first, second), key=lambda moment: abs(moment - read_at - expected))


def clock_doubts(
    meter_time: datetime | None,
    read_at: datetime,
    zone: ZoneInfo,
    experience: Experience,
    heard_at: float | None = None,
) -> tuple[int | None, list[Doubt]]:
    """How far the clock is ahead in whole seconds, with what is strange about it.

    A step is told once, a clock that stays wrong at each read. What a change of season makes of a clock that keeps the
    same time all year is no step. `heard_at` is `read_at` by the clock of the process: with it, a step of the host's
    clock is not taken for one of the meter's.
    """
    drift = clock_of(meter_time, read_at, zone, experience.drift_s)
    if meter_time is None or drift is None:
        return None, [] if experience.drift_s is None else [
            Doubt(Oddity.CLOCK_STEP, "its clock shows no time any more")
        ]
    unseen = 0 if meter_time.second else SHOWS_MINUTES
    if _has_stepped(drift, read_at, zone, experience, heard_at, unseen):
        return drift, [_step_doubt(drift, meter_time, read_at, experience, heard_at, unseen)]
    if -RIGHT_WITHIN - unseen <= drift <= RIGHT_WITHIN:
        return drift, []
    return drift, [Doubt(Oddity.CLOCK_WRONG, _wrong_text(drift, meter_time, read_at, zone))]


def stamp_doubts(sets: Iterable[DataSet], read_at: datetime, zone: ZoneInfo, drift: int | None) -> Iterator[Doubt]:
    """What is strange about the time stamps of values and of billing resets.

    They lie in the future by more than a day beyond the meter's own `drift`, come from a clock that had lost its time,
    or are no date that exists. Fillers are none of it.
    """
    limit = read_at, FUTURE_FROM + timedelta(seconds=max(drift or 0, 0))
    for data_set in sets:
        stamp = _stamp_text(data_set)
        if stamp is None or _is_filler(stamp):
            continue
        strange = _strange(stamp, limit, zone, is_zero=_is_zero(data_set))
        if strange is not None:
            yield Doubt(Oddity.STAMP, strange, data_set.address, ")(".join(data_set.raw))


def ahead(seconds: int) -> str:
    """How far a clock is ahead or behind, in words: 3 s ahead, 1 h 0 min 3 s behind, 15 d 2 h ahead."""
    side = "behind" if seconds < 0 else "ahead"
    rest = abs(seconds)
    if rest >= 2 * _YEAR:
        return f"{rest / _YEAR:.0f} years {side}"
    days, rest = divmod(rest, _DAY)
    hours, minutes, seconds = rest // 3600, rest // 60 % 60, rest % 60
    if days:
        return f"{days} d {hours} h {side}"
    spoken = f"{hours} h {minutes} min {seconds} s" if hours else f"{minutes} min {seconds} s"
    return f"{spoken if hours or minutes else f'{seconds} s'} {side}"


def _has_stepped(
    drift: int, read_at: datetime, zone: ZoneInfo, experience: Experience, heard_at: float | None, unseen: int
) -> bool:
    known, accepted = experience.drift_s, experience.accepted
    if known is None or accepted is None:
        return False
    step = float(drift - known)
    # The fast path of a clock that runs on.
    if -STEP_AT_LEAST <= step <= STEP_AT_LEAST:
        return False
    elapsed = (read_at - accepted.read_at).total_seconds()
    if heard_at is not None and accepted.heard_at is not None:
        step += elapsed - (heard_at - accepted.heard_at)
        elapsed = heard_at - accepted.heard_at
    allowed = STEP_AT_LEAST + CRYSTAL * abs(elapsed) + unseen
    if abs(step) <= allowed:
        return False
    size = _season_changed(min(accepted.read_at, read_at - SEASON_SETTLES), read_at, zone)
    return not size or abs(abs(step) - size) > allowed


def _step_doubt(
    drift: int, meter_time: datetime, read_at: datetime, experience: Experience, heard_at: float | None, unseen: int
) -> Doubt:
    """The doubt of a clock that has stepped; one that is known to stand still is told of alone."""
    known, accepted = experience.drift_s or 0, experience.accepted
    elapsed = 0.0 if accepted is None or heard_at is None else accepted.seconds_until(read_at, heard_at)
    if elapsed < SHOWS_MINUTES or abs(drift - known + elapsed) > STEP_AT_LEAST + unseen:
        return Doubt(Oddity.CLOCK_STEP, _step_text(known, drift, meter_time))
    text = f"its clock stands still at {local_text(meter_time)}"
    is_its_way = STANDS_STILL in experience.usual
    return Doubt(Oddity.CLOCK_WRONG, text) if is_its_way else Doubt(Oddity.CLOCK_STEP, text, was=Oddity.FROZEN)


def _season_changed(since: datetime, until: datetime, zone: ZoneInfo) -> float:
    """How many seconds the zone was put by a change of season in a time; 0 where there was none."""
    before, after = (moment.astimezone(zone).utcoffset() or timedelta() for moment in (since, until))
    return abs((after - before).total_seconds())


def _step_text(known: int, drift: int, meter_time: datetime) -> str:
    if meter_time.year < FIRST_YEAR:
        return f"its clock stepped from {ahead(known)} to {local_text(meter_time)}: it has lost its time"
    return f"its clock stepped from {ahead(known)} to {ahead(drift)}"


def _wrong_text(drift: int, meter_time: datetime, read_at: datetime, zone: ZoneInfo) -> str:
    if meter_time.year < FIRST_YEAR:
        return f"its clock was never set: {meter_time:%Y-%m-%d}"
    local = read_at.astimezone(zone)
    normal, summer = _offsets(zone, local.year)
    size, now = (summer - normal).total_seconds(), local.utcoffset()
    if size and now == summer and abs(drift + size) <= SEASON_WITHIN:
        return f"its clock is {ahead(drift)}: it keeps normal time"
    if size and now == normal and abs(drift - size) <= SEASON_WITHIN:
        return f"its clock is {ahead(drift)}: it keeps summer time"
    return f"its clock is {ahead(drift)}"


@lru_cache(maxsize=1024)
def _offsets(zone: ZoneInfo, year: int) -> tuple[timedelta, timedelta]:
    """The offsets of normal and of summer time in a year; equal where the zone has no seasons."""
    both = [datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7)]
    return min(both), max(both)


def _stamp_text(data_set: DataSet) -> str | None:
    """What stands where a data set may print a moment: behind its value, on home-area ports before it."""
    obis = parse_obis(data_set.address.partition("#")[0])
    if obis is not None and obis.core == _RESET_AT:
        return data_set.raw[0].strip() if data_set.raw else None
    if len(data_set.raw) < _PAIR:
        return None
    first, second = data_set.raw[:2]
    return (first if "*" in second and "*" not in first else second).strip()


def _is_filler(stamp: str) -> bool:
    """True for the print of a moment that there is none of: 00-00-00,00:00, 632525252525S, 700101010000W."""
    if stamp.startswith(_HOME_AREA_NEVER):
        return True
    digits = "".join(character for character in stamp if character.isdigit())
    digits = digits[1:] if len(digits) % 2 else digits
    behind_year = digits[4:] if stamp[:4].isdigit() and not stamp.isdigit() else digits[2:]
    return len({behind_year[n : n + _PAIR] for n in range(0, len(behind_year), _PAIR)}) <= 1


def _strange(stamp: str, limit: tuple[datetime, timedelta], zone: ZoneInfo, *, is_zero: bool) -> str | None:
    try:
        moment = timestamp(stamp)
    except DecodeError:
        return f"its stamp {stamp} is no date that exists"
    if moment is None or (is_zero and moment.replace(tzinfo=None, fold=0) == _BEGINNING):
        return None
    if moment.year <= _BEGINNING.year:
        return f"stamped {local_text(moment)}: the meter's clock had lost its time"
    now, ahead_by = limit
    is_future = instant_of(moment, now, zone) - now > ahead_by
    return f"its stamp {local_text(moment)} lies in the future" if is_future else None


def _is_zero(data_set: DataSet) -> bool:
    """True where the value beside the stamp is zero: nothing has happened yet."""
    return len(data_set.raw) > 1 and not any(digit in "123456789" for digit in data_set.raw[0].partition("*")[0])
