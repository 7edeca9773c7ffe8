"""The recording of a simulated meter, line by line as it prints load profile or log."""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_never

from attrs import frozen

from gateway.simulator.clock import moment_of, season, stamp
from gateway.simulator.history import SEASON_CHANGED, History, Stretch
from gateway.simulator.programming import EventLog, LoadProfile, StoredData

_DAY_MINUTES = 1440
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_RANGE = re.compile(r"([^;]*);([^;]*)(?:;([1-9][0-9]{0,3}))?")
_READING = "8"  # protocol.md 7.3: a channel whose D is 8 holds register readings


@frozen
class Range:
    """What a reader wants of stored data: from one moment in UTC to another, both included, None: open.

    `lines` is how many of them a partial block shall have, None: as the meter likes.
    """

    begin: datetime | None
    end: datetime | None
    lines: int | None

    def has(self, moment: datetime) -> bool:
        """True where the moment lies in it."""
        after_begin = self.begin is None or moment >= self.begin
        return after_begin and (self.end is None or moment <= self.end)


@frozen
class _Row:
    """`status` is that of the header in front, None where a row follows the one before without any."""

    end: datetime
    status: int | None


@frozen
class Recording:
    """What a meter has stored; `now` is what its clock shows, in UTC, `seed` makes up the values."""

    history: History
    now: datetime
    seed: str
    status_digits: int

    def range_of(self, argument: str) -> Range:
        """The range between the brackets of a read command; empty: all. Raises ValueError."""
        found = _RANGE.fullmatch(argument or ";")
        if found is None:
            raise ValueError(f"{argument!r} is no range")
        begin, end = (moment_of(limit, self.history.zone) if limit else None for limit in found.group(1, 2))
        return Range(begin, end, None if found.group(3) is None else int(found.group(3)))

    def lines(self, stored: StoredData, wanted: Range) -> list[str]:
        """The lines of the range; a header and the row that it begins count as one."""
        match stored:
            case LoadProfile():
                return list(self._profile_lines(stored, wanted))
            case EventLog():
                return list(self._log_lines(stored, wanted))
            case _:
                assert_never(stored)

    def _log_lines(self, log: EventLog, wanted: Range) -> Iterator[str]:
        for entry in self.history.entries(self.now):
            if wanted.has(entry.at):
                codes = "".join(f"({code})()" for code, _ in entry.values)
                values = "".join(f"({value})" for _, value in entry.values)
                head = f"{log.address}({self._stamp(entry.at)})({entry.status:08X})"
                yield f"{head}()({len(entry.values)}){codes}{values}"

    def _profile_lines(self, profile: LoadProfile, wanted: Range) -> Iterator[str]:
        is_first = True
        for stretch in self.history.stretches(self.now):
            for row in self._rows(profile, stretch, wanted):
                values = self._values(profile, row.end)
                if values is None:
                    return
                line = "".join(f"({value})" for value in values)
                header = self._header(profile, row) if is_first or row.status is not None else ""
                yield header + line
                is_first = False

    def _header(self, profile: LoadProfile, row: _Row) -> str:
        channels = "".join(f"({code})({unit})" for code, unit in profile.channels)
        status = f"{row.status or 0:0{self.status_digits}X}"
        head = f"{profile.address}({self._stamp(row.end)})({status})"
        return f"{head}({profile.minutes})({len(profile.channels)}){channels}\r\n"

    def _rows(self, profile: LoadProfile, stretch: Stretch, wanted: Range) -> Iterator[_Row]:
        """The rows of a stretch that lie in the range."""
        begin = stretch.begin if wanted.begin is None else max(stretch.begin, wanted.begin - _SECOND)
        last = stretch.end if wanted.end is None else min(stretch.end, wanted.end)
        first = self._next_end(stretch.begin, profile.minutes)
        end = self._next_end(begin, profile.minutes)
        while end <= last:
            yield _Row(end, stretch.opened if end == first else self._new_season(end, profile.minutes))
            end = self._next_end(end, profile.minutes)
        # The interval that an interruption cut short ends beside the grid.
        is_cut = stretch.closed is not None and stretch.begin < stretch.end and wanted.has(stretch.end)
        if is_cut and self._next_end(stretch.end - _SECOND, profile.minutes) != stretch.end:
            yield _Row(stretch.end, stretch.closed)

    def _new_season(self, end: datetime, minutes: int) -> int | None:
        """The status where the season changed since the row before (protocol.md 7.3)."""
        zone = self.history.zone
        before = (end - timedelta(minutes=minutes)).astimezone(zone)
        return SEASON_CHANGED if season(before) != season(end.astimezone(zone)) else None

    def _next_end(self, moment: datetime, minutes: int) -> datetime:
        """The first end of an interval after a moment; those of a day end at local midnight."""
        if minutes == _DAY_MINUTES:
            local = moment.astimezone(self.history.zone)
            midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), local.tzinfo)
            return midnight.astimezone(UTC)
        step = timedelta(minutes=minutes)
        return _EPOCH + ((moment - _EPOCH) // step + 1) * step

    def _stamp(self, moment: datetime) -> str:
        return stamp(moment.astimezone(self.history.zone))

    def _values(self, profile: LoadProfile, end: datetime) -> tuple[str, ...] | None:
        """The values of the interval that ends then; None where given rows have run out."""
        if not profile.rows:
            return tuple(self._value(profile, code, end) for code, _ in profile.channels)
        step = timedelta(minutes=profile.minutes)
        number = round((end - self.history.since) / step) - 1
        return profile.rows[number] if number < len(profile.rows) else None

    def _value(self, profile: LoadProfile, code: str, end: datetime) -> str:
        seconds = int((end - _EPOCH).total_seconds())
        chance = zlib.crc32(f"{self.seed}/{profile.address}/{code}/{seconds}".encode())
        if code.rpartition(":")[2].split(".")[1:2] == [_READING]:
            thousandths = max(seconds, 0) // 60 * 3 + chance % 3
            return f"{thousandths // 1000:07}.{thousandths % 1000:03}"
        return f"{chance % 2000 / 1000:05.3f}"
