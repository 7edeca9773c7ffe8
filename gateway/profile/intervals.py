"""The stored intervals of a load profile (protocol.md 7.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.decoders import BUILT_IN, Decoder
from gateway.errors import DecodeError
from gateway.obis import is_known_unit
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import StoredSeries
from gateway.profile.stamp import LATEST_YEAR, Stamp, read_stamp
from gateway.profile.stored import (
    CODE_LIMIT,
    Columns,
    Findings,
    StoredData,
    count_of,
    flag_names,
    is_nothing_stored,
    is_of_series,
    status_text,
)
from gateway.protocol.datablock import DataSet
from gateway.reading import Quality, Reading, Value

MINUTES_LIMIT = 31 * 1440  # a month

_DAY, _HOUR = 1440, 60
_COLUMNS_AT = 4  # stamp, status, minutes, channel count stand before the codes


def stored_intervals(
    sets: Sequence[DataSet],
    series: StoredSeries,
    profile: MeterProfile,
    zone: ZoneInfo,
    decoders: Mapping[str, Decoder] = BUILT_IN,
) -> StoredData:
    """The readings of every row, in the order of the wire; `valid_at` is the end of the interval.

    A header's stamp is the end of its first row's interval; the rows after it follow in real minutes, whatever the
    season does. A stamp off the grid ends an interval cut short, the next row then ends on the grid. The status word
    of a header holds for all its rows: a meter begins a new header when it changes. A row that comes again is left out
    where its values are the same; other values are `suspect`. Takes time in proportion to the answer; raises nothing
    for any print.
    """
    rows = _Rows(series, profile, zone, decoders)
    for position, data_set in enumerate(sets, start=1):
        rows.take(data_set, is_last=position == len(sets))
    return StoredData(tuple(rows.readings), rows.findings.is_complete, rows.newest, rows.findings.sentences())


@frozen
class _Header:
    stamp: Stamp
    step: timedelta
    status: str | None
    columns: Columns
    second_end: datetime
    doubt: str | None


class _Rows:
    """The rows of one answer, each given the time of its interval."""

    def __init__(
        self, series: StoredSeries, profile: MeterProfile, zone: ZoneInfo, decoders: Mapping[str, Decoder]
    ) -> None:
        self.readings = list[Reading]()
        self.findings = Findings()
        self.newest: datetime | None = None
        self._series, self._profile, self._zone, self._decoders = series, profile, zone, decoders
        self._header: _Header | None = None
        self._end: datetime | None = None
        self._last_end: datetime | None = None
        self._has_begun = False
        self._places = dict[tuple[datetime, str, int], int]()
        self._seen = set[tuple[datetime, str, int, Value]]()

    def take(self, data_set: DataSet, *, is_last: bool) -> None:
        """One data set of the answer: a header, a row, or what is left of one."""
        address, raw = data_set.address, data_set.raw
        if not raw:
            self._take_text(address, is_last=is_last)
        elif is_of_series(address, self._series, self._profile) or (not address and not self._has_begun):
            self._has_begun = True
            self._begin(raw, is_last=is_last)
        elif address:
            # Rows after it may be those of another series.
            notice = self.findings.note if self._header is None else self.findings.lose
            notice(f"{address} is no part of {self._series.address}: left out")
            self._header = None
        else:
            self._take_row(raw, is_last=is_last)

    def _take_text(self, text: str, *, is_last: bool) -> None:
        """A line whose brackets do not balance, or that has none."""
        if "(" not in text and ")" not in text:
            self.findings.note(f'the line "{text}" is no row: left out')
        elif is_of_series(text.partition("(")[0].strip(), self._series, self._profile) or not self._has_begun:
            self._has_begun, self._header = True, None
            self.findings.lose("the answer broke off in a header" if is_last else "a header is broken")
        else:
            self._take_row((text,), is_last=is_last, is_broken=True)

    def _begin(self, raw: Sequence[str], *, is_last: bool) -> None:
        self._header = None
        if is_nothing_stored(DataSet(self._series.address, tuple(raw)), self._profile, self.findings):
            return
        try:
            header, rest = self._header_of(raw)
        except DecodeError as misfit:
            self.findings.lose(f"a header {'was cut off' if is_last else 'cannot be read'}: {misfit.what}")
            return
        self._header, self._end = header, header.stamp.moment
        if rest:
            self._take_row(rest, is_last=is_last)

    def _header_of(self, raw: Sequence[str]) -> tuple[_Header, Sequence[str]]:
        """The header, with the row that stands on its line; raises DecodeError (E-REG-1)."""
        if len(raw) < _COLUMNS_AT:
            raise DecodeError("E-REG-1", f"it has {len(raw)} brackets, less than {_COLUMNS_AT}")
        minutes, channels = count_of(raw[2], 1, MINUTES_LIMIT), count_of(raw[3], 1, CODE_LIMIT)
        if minutes is None:
            raise DecodeError("E-REG-1", f'"{raw[2]}" is no interval of 1 to {MINUTES_LIMIT} minutes')
        if channels is None:
            raise DecodeError("E-REG-1", f'"{raw[3]}" is no number of 1 to {CODE_LIMIT} channels')
        rows_at = _COLUMNS_AT + 2 * channels
        rest = raw[rows_at:]
        # A unit in the place of a value: more channels are named than counted.
        if len(raw) < rows_at or len(rest) not in (0, channels) or any(map(is_known_unit, rest)):
            raise DecodeError("E-REG-1", f"its {len(raw)} brackets do not fit its {channels} channels")
        columns = Columns(raw[_COLUMNS_AT:rows_at], self._profile, self._decoders, is_numeric=True)
        if not columns.are_named:
            raise DecodeError("E-REG-1", "it leaves out the code of a channel")
        step = timedelta(minutes=minutes)
        stamp = read_stamp(raw[0], self._zone, self._last_end, step)
        return _Header(stamp, step, self._status(raw[1]), columns, *_second_end(stamp, minutes)), rest

    def _status(self, word: str) -> str | None:
        try:
            return status_text(flag_names(word, self._series.status))
        except DecodeError as misfit:
            self.findings.note(f"the status of a header cannot be read: {misfit.what}")
            return f'status "{word.strip()}"'

    def _take_row(self, raw: Sequence[str], *, is_last: bool, is_broken: bool = False) -> None:
        header, end = self._header, self._end
        if header is None or end is None:
            self.findings.lose("a row has no header that can be read")
            return
        wanted = len(header.columns.codes)
        if not is_broken and len(raw) == wanted:
            self._store(header, header.columns.readings(raw), end)
            self.newest = end if self.newest is None else max(end, self.newest)
        elif is_last:
            self.findings.lose("the answer broke off in a row")
        else:
            self.findings.lose("a row is broken")
            reason = "the row is broken" if is_broken else f"the row has {len(raw)} values for {wanted} channels"
            self._store(header, header.columns.broken(")(".join(raw), reason), end)
        self._step(header, end)

    def _step(self, header: _Header, end: datetime) -> None:
        self._last_end = end
        self._end = header.second_end if end == header.stamp.moment else end + header.step
        if self._end.year > LATEST_YEAR:
            self._header = None
            self.findings.lose(f"a header has so many rows that they lie beyond the year {LATEST_YEAR}")

    def _store(self, header: _Header, readings: Sequence[Reading], end: datetime) -> None:
        is_first = end == header.stamp.moment
        local = header.stamp.local if is_first else header.stamp.local_at(end)
        times_named = dict[str, int]()
        for reading in readings:
            reading.time, reading.valid_at, reading.status = local, end, header.status
            if header.doubt and not is_first and reading.quality is Quality.GOOD:
                reading.quality, reading.reason = Quality.SUSPECT, header.doubt
            times_named[reading.address] = times_named.get(reading.address, 0) + 1
            self._add(reading, (end, reading.address, times_named[reading.address]))

    def _add(self, reading: Reading, key: tuple[datetime, str, int]) -> None:
        """Adds a reading unless it is known; what contradicts a known one is `suspect`, what mends one replaces it."""
        place = self._places.setdefault(key, len(self.readings))
        mark = (*key, reading.raw if reading.value is None else reading.value)
        if place == len(self.readings):
            self.readings.append(reading)
        elif mark in self._seen or reading.quality is Quality.BAD:
            return
        elif self.readings[place].quality is Quality.BAD:
            self.readings[place] = reading
        else:
            reading.quality = Quality.SUSPECT
            reading.reason = f"the meter stored {self.readings[place].raw} for the same moment before"
            self.readings.append(reading)
        self._seen.add(mark)


def _second_end(stamp: Stamp, minutes: int) -> tuple[datetime, str | None]:
    """The end of the second row's interval, with a doubt about it where there is one.

    The grid is counted from the meter's midnight. Longer intervals may begin at any full hour, as the gas day does;
    of such a profile a stamp off the hour leaves it open where the grid lies. An interval that divides no day has none.
    """
    step = timedelta(minutes=minutes)
    whole = stamp.moment + step
    since_midnight = timedelta(hours=stamp.local.hour, minutes=stamp.local.minute, seconds=stamp.local.second)
    is_on_the_hour = not since_midnight % timedelta(minutes=_HOUR)
    if _DAY % minutes or (minutes > _HOUR and is_on_the_hour):
        return whole, None
    doubt = "the end of the interval is counted from midnight, which this meter may not do" if minutes > _HOUR else None
    return whole - since_midnight % step, doubt
