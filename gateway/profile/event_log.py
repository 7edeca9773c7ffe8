"""The stored entries of an event log (protocol.md 7.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.decoders import BUILT_IN, Decoder
from gateway.errors import DecodeError
from gateway.profile.meaning import make_bad
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import StoredSeries
from gateway.profile.stamp import Stamp, read_stamp
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
from gateway.reading import Quality, Reading

_COUNT_AT = 3  # stamp, status and an empty bracket stand before the number of elements
_BRACKETS_AN_ELEMENT = 3  # code, unit, value


def log_entries(
    sets: Sequence[DataSet],
    series: StoredSeries,
    profile: MeterProfile,
    zone: ZoneInfo,
    decoders: Mapping[str, Decoder] = BUILT_IN,
) -> StoredData:
    """The readings of every entry, in the order of the wire: the entry itself, then the elements that it prints.

    The entry's value are the flags that its status word sets, its address that of the log. An element is the register
    of its code, with the entry's moment and status; of `old;new` its value is the new one. A clock set stands at the
    old time. An entry that comes again is left out. Takes time in proportion to the answer; raises nothing for any
    print.
    """
    entries = _Entries(series, profile, zone, decoders)
    for position, data_set in enumerate(sets, start=1):
        entries.take(data_set, is_last=position == len(sets))
    findings = entries.findings
    return StoredData(tuple(entries.readings), findings.is_complete, entries.newest, findings.sentences())


class _Entries:
    """The entries of one answer."""

    def __init__(
        self, series: StoredSeries, profile: MeterProfile, zone: ZoneInfo, decoders: Mapping[str, Decoder]
    ) -> None:
        self.readings = list[Reading]()
        self.findings = Findings()
        self.newest: datetime | None = None
        self._series, self._profile, self._zone, self._decoders = series, profile, zone, decoders
        self._seen = set[tuple[str, ...]]()

    def take(self, data_set: DataSet, *, is_last: bool) -> None:
        """One data set of the answer; the address may be left out, as the read command named it."""
        address, raw = data_set.address, data_set.raw
        if not raw and ("(" in address or ")" in address):
            self.findings.lose("the answer broke off in an entry" if is_last else "an entry is broken")
        elif not raw:
            self.findings.note(f'the line "{address}" is no entry: left out')
        elif address and not is_of_series(address, self._series, self._profile):
            self.findings.note(f"{address} is no part of {self._series.address}: left out")
        elif raw not in self._seen and not is_nothing_stored(data_set, self._profile, self.findings):
            self._seen.add(raw)
            self._take_entry(raw, is_last=is_last)

    def _take_entry(self, raw: tuple[str, ...], *, is_last: bool) -> None:
        entry = self._entry(raw)
        try:
            stamp = read_stamp(raw[0], self._zone)
        except DecodeError as misfit:
            self.findings.note(f"an entry has no moment: {misfit.what}")
            make_bad(entry, misfit)
            self.readings.append(entry)
            return
        try:
            elements = self._elements(raw)
        except DecodeError as misfit:
            self.findings.lose("the answer broke off in an entry" if is_last else f"an entry is broken: {misfit.what}")
            if not is_last:
                entry.quality, entry.reason = Quality.SUSPECT, misfit.what
                self._store((entry,), stamp)
            return
        self._store((entry, *elements), stamp)
        self.newest = stamp.moment if self.newest is None else max(stamp.moment, self.newest)

    def _entry(self, raw: tuple[str, ...]) -> Reading:
        word = raw[1] if len(raw) > 1 else ""
        (entry,) = self._profile.interpret((DataSet(self._series.address, (word,)),), (), self._decoders)
        entry.raw, entry.unit, entry.title = ")(".join(raw), None, self._series.title
        entry.quality, entry.reason = Quality.GOOD, None
        try:
            flags = flag_names(word, self._series.status)
        except DecodeError as misfit:
            make_bad(entry, misfit)
            return entry
        entry.value, entry.status = frozenset(flags), status_text(flags)
        return entry

    def _elements(self, raw: tuple[str, ...]) -> tuple[Reading, ...]:
        """The registers that an entry prints; raises DecodeError (E-REG-1) where it does not print all of them."""
        if len(raw) <= _COUNT_AT:
            return ()
        count = count_of(raw[_COUNT_AT], 0, CODE_LIMIT)
        if count is None:
            raise DecodeError("E-REG-1", f'"{raw[_COUNT_AT]}" is no number of elements')
        printed = raw[_COUNT_AT + 1 :]
        if len(printed) < count * _BRACKETS_AN_ELEMENT:
            raise DecodeError("E-REG-1", f"{len(printed)} brackets do not hold {count} elements")
        if len(printed) > count * _BRACKETS_AN_ELEMENT:
            self.findings.note("an entry has more brackets than its elements need: left out")
        columns = Columns(printed[: 2 * count], self._profile, self._decoders, is_numeric=False)
        if not columns.are_named:
            raise DecodeError("E-REG-1", "the code of an element is left out")
        values = printed[2 * count : _BRACKETS_AN_ELEMENT * count]
        elements = columns.readings([_new(value) for value in values])
        for element, value in zip(elements, values, strict=True):
            element.raw = value
        return elements

    def _store(self, readings: Sequence[Reading], stamp: Stamp) -> None:
        status = readings[0].status
        for reading in readings:
            reading.time, reading.valid_at, reading.status = stamp.local, stamp.moment, status
        self.readings += readings


def _new(value: str) -> str:
    """The new one of `old;new`; a list of more values stays as it is."""
    old, parting, new = value.partition(";")
    return new if parting and old and new and ";" not in new else value
