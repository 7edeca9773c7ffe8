"""The series of counters, put together from the records of a journal."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cached_property

from attrs import define, field, frozen

from gateway.consumption.level import EXACT_DIGITS, Level
from gateway.consumption.series import Break, Point, Series
from gateway.decoders import number, split_unit
from gateway.errors import DecodeError
from gateway.obis import Obis, parse_obis
from gateway.reading import Event, EventKind, Quality, Reading, Readout, Record
from gateway.site.balance import Counter

_Details = Mapping[str, str | bool | None]
_BREAKS = (EventKind.METER_SWAPPED, EventKind.ROLLED_OVER, EventKind.LEVEL_ADOPTED)


def series_of(records: Iterable[Record], counters: Collection[Counter]) -> Mapping[Counter, Series]:
    """The series of each counter, out of readouts and events of any meters in any order.

    A counter's readings are the first of each readout with its signal, or with its address. Stored intervals are none.
    Readings that are not good stand aside in `doubtful`; a level that they have led to counts from its event on.
    """
    drafts = {counter: _Draft(counter) for counter in counters}
    by_meter: dict[str, list[_Draft]] = {}
    for draft in drafts.values():
        by_meter.setdefault(draft.counter.meter, []).append(draft)
    for record in records:
        for draft in by_meter.get(record.visit.meter, ()):
            draft.take(record)
    return {counter: draft.series() for counter, draft in drafts.items()}


@define
class _Draft:
    """The readings and events of one counter, as they come."""

    counter: Counter
    _readings: list[tuple[datetime, Reading]] = field(factory=list)
    _events: list[Event] = field(factory=list)

    def take(self, record: Record) -> None:
        """Keeps what concerns the counter."""
        if isinstance(record, Event):
            if record.kind in _BREAKS:
                self._events.append(record)
        elif isinstance(record, Readout):
            signal = self.counter.signal
            fitting = (
                reading
                for reading in record.readings
                if reading.valid_at is None and signal in (reading.signal, reading.address)
            )
            self._readings.extend(
                (record.read_at, reading) for reading in (next(fitting, None),) if reading is not None
            )

    def series(self) -> Series:
        """What they come to, in the order of time."""
        readings = sorted(self._readings, key=lambda taken: taken[0])
        breaks = sorted(self._breaks(readings), key=lambda each: each.at)
        return Series(
            tuple(_points(readings, {Quality.GOOD})),
            tuple(breaks),
            doubtful=tuple(_points(readings, {Quality.SUSPECT})),
        )

    def _breaks(self, readings: list[tuple[datetime, Reading]]) -> Iterator[Break]:
        addresses = {reading.address for _, reading in readings}
        named = _Named(frozenset({self.counter.signal, *addresses}))
        good = [(at, reading) for at, reading in readings if reading.quality is Quality.GOOD]
        for event in self._events:
            before = next((reading for at, reading in reversed(good) if at < event.at), None)
            after = next((reading for at, reading in good if at >= event.at), None)
            details = event.details
            match event.kind:
                case EventKind.METER_SWAPPED:
                    end, start = named.plate(details, "end", before), named.plate(details, "start", after)
                    yield Break(event.at, event.kind, _level(end, before), _level(start, after))
                case EventKind.ROLLED_OVER if details.get("register") in named.names:
                    yield Break(event.at, event.kind, _level(details.get("modulus"), before), _level("0", after))
                case EventKind.LEVEL_ADOPTED if details.get("register") in named.names:
                    old, new = details.get("old"), details.get("new")
                    yield Break(event.at, event.kind, _level(old, before), _level(new, after))
                case _:
                    pass


@frozen(slots=False)
class _Named:
    """The names under which events tell of a counter: its signal, and its addresses as printed."""

    names: frozenset[str]

    @cached_property
    def _codes(self) -> frozenset[Obis]:
        return frozenset(code for code in map(parse_obis, self.names) if code is not None)

    def plate(self, details: _Details, side: str, beside: Reading | None) -> str | None:
        """What the meter showed on a side of an exchange: its plate, else the reading that the event repeats."""
        found = [name for key in details if (name := key.removeprefix(f"{side} ")) != key and self._is_named(name)]
        # Plates are told by the site file's address; where the meter prints another one, both stand there.
        told = [name for name in found if beside is None or name != beside.address]
        text = details[f"{side} {(told or found)[0]}"] if found else None
        return text if isinstance(text, str) else None

    def _is_named(self, name: str) -> bool:
        return any(one in self.names or parse_obis(one) in self._codes for one in name.split("|"))


def _points(readings: Iterable[tuple[datetime, Reading]], wanted: Collection[Quality]) -> Iterator[Point]:
    for at, reading in readings:
        value = reading.value
        if reading.quality in wanted and isinstance(value, Decimal | int):
            yield Point(at, Level(Decimal(value), reading.unit))


def _level(raw: object, beside: Reading | None) -> Level | None:
    """A print as the value that the reading beside it would have had; None where it tells no number.

    The site file or a decoder may have multiplied that reading, or have replaced its unit.
    """
    try:
        shown = _parted(raw) if isinstance(raw, str) else None
    except DecodeError:
        return None
    if shown is None or beside is None or not isinstance(beside.value, Decimal | int):
        return shown
    try:
        printed = _parted(beside.raw)
    except DecodeError:
        return shown
    with localcontext(prec=EXACT_DIGITS):
        scale = Decimal(beside.value) / printed.value if printed.value else Decimal(1)
        unit = beside.unit if shown.unit in (None, printed.unit) else shown.unit
        return Level(shown.value if scale == 1 else shown.value * scale, unit)


def _parted(raw: str) -> Level:
    """The value of a print; of several brackets the one with a unit, a time may stand in another."""
    brackets = raw.split(")(")
    text, unit = split_unit(next((bracket for bracket in brackets if "*" in bracket), brackets[0]))
    return Level(number(text), unit)
