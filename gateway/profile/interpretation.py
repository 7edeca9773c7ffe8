"""From data sets as printed to readings, by what a profile says of its registers."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache

from gateway.decoders import Decoder, calendar_date, clock_time, timestamp
from gateway.errors import DecodeError
from gateway.obis import Kind, Known, canonical_unit, known, parse_obis
from gateway.obis.code import NOT_USED
from gateway.profile.meaning import SEVERAL, Meaning
from gateway.profile.signal import missing_reading, place_of, signal_reading
from gateway.protocol.datablock import DataSet
from gateway.reading import Reading, Register
from gateway.site.model import SignalSettings

# A meter has some hundred addresses; damaged or hostile ones must not fill the memory.
MEANING_LIMIT = 4096
_HISTORY = re.compile(r"[*&][0-9]+$")
# Some makes print the moment of a maximum in a line of its own, under the address of the maximum with this suffix.
_MOMENT_OF_MAXIMUM = re.compile(r"(.+\.6\.[0-9]+),5([*&][0-9]+)?")
_NOTHING = Register("")
_CLOCKS = frozenset({(0, 9, 1), (0, 9, 2), (0, 9, 4), (1, 0, 0)})


class Binding:
    """The registers of a profile bound to the addresses that meters print; an address seen once stays known."""

    def __init__(
        self,
        registers: Iterable[Register],
        medium: int,
        decoders: Mapping[str, Decoder],
        signals: Sequence[SignalSettings],
    ) -> None:
        self._medium = medium
        self._decoders = decoders
        self._signals = signals
        self._wanted = tuple(signal for signal in signals if signal.enable)
        self._by_print: dict[str, Register] = {}
        self._by_code: dict[tuple[int, ...], Register] = {}
        for register in registers:
            for name in (register.address, *register.aliases):
                self._by_print[name] = register
            if obis := parse_obis(register.address, medium):
                self._by_code.setdefault((*obis.core, obis.f), register)
        self._meanings: dict[str, Meaning] = {}
        # What the last block printed, since most meters of a family print the same addresses again.
        self._addresses: list[str] = []
        self._bound: list[Meaning] = []
        self._places: tuple[int | None, ...] = ()

    def readings(self, sets: Sequence[DataSet]) -> tuple[Reading, ...]:
        """One reading a data set, or one an enabled signal where the meter has signals."""
        addresses = [data_set.address for data_set in sets]
        if addresses != self._addresses or not self._bound:
            self._bind(addresses)
        bound = self._bound
        units = _inherited_units(bound, sets)
        if not self._signals:
            return tuple([bound[n].reading(data_set, units[n]) for n, data_set in enumerate(sets)])
        return tuple(
            missing_reading(signal, sets)
            if place is None
            else signal_reading(signal, bound[place], sets[place], units[place])
            for signal, place in zip(self._wanted, self._places, strict=True)
        )

    def meaning(self, address: str) -> Meaning:
        """What is known of a whole address."""
        return self._meanings.get(address) or self._learn(address)

    def _bind(self, addresses: list[str]) -> None:
        bound = [self.meaning(whole) for whole in whole_addresses(addresses)]
        self._addresses, self._bound = addresses, bound
        self._places = tuple(place_of(signal.tag_job_todo, bound, addresses, self._medium) for signal in self._wanted)

    def _learn(self, address: str) -> Meaning:
        if len(self._meanings) >= MEANING_LIMIT:
            self._meanings.clear()
        if moment := _MOMENT_OF_MAXIMUM.fullmatch(address):
            learned = self._meanings[address] = self._moment(address, moment[1] + (moment[2] or ""))
            return learned
        obis = parse_obis(address, self._medium)
        meaning = known(obis) if obis else None
        named = self._by_print.get(address) or (self._by_code.get((*obis.core, obis.f)) if obis else None)
        # A stored period prints as its present value does, under its own address.
        present = self._by_code.get((*obis.core, NOT_USED)) if obis else self._by_print.get(_HISTORY.sub("", address))
        register = named or present or _NOTHING
        learned = self._meanings[address] = Meaning(
            address=address,
            signal=(named.name if named else None) or address,
            obis=obis,
            obis_text=str(obis) if obis else None,
            title=_title(named, meaning),
            kind=meaning.kind if meaning else None,
            register=register,
            decoder=None if register.decoder is None else self._decoders[register.decoder],
        )
        return learned

    def _moment(self, address: str, maximum: str) -> Meaning:
        """The meaning of an address under which the moment of a maximum is printed."""
        of = self.meaning(maximum)
        register = self._by_print.get(address, _NOTHING)
        return Meaning(
            address=address,
            signal=register.name or address,
            obis=None,
            obis_text=None,
            title=register.title or (f"{of.title}: moment" if of.title else None),
            kind=Kind.DATETIME,
            register=register,
            decoder=None if register.decoder is None else self._decoders[register.decoder],
        )


def _title(named: Register | None, meaning: Known | None) -> str | None:
    if named is not None and named.title is not None:
        return named.title
    return meaning.name if meaning else None


def whole_addresses(printed: Iterable[str]) -> Iterator[str]:
    """The whole address of each data set of a block, given what they print in the order of the wire."""
    whole = ""
    for address in printed:
        whole = address if address and address[0] not in "*&" else completed(address, whole)
        yield whole


def completed(printed: str, previous: str) -> str:
    """The whole address of a data set that omits it, or all of it but its stored period (protocol.md 3.8)."""
    return _HISTORY.sub("", previous) + printed if printed else previous


def _inherited_units(meanings: Sequence[Meaning], sets: Sequence[DataSet]) -> list[str | None]:
    """The unit that a value of a sequence inherits from the one before it (protocol.md 3.8)."""
    units: list[str | None] = [None] * len(sets)
    core: tuple[int, ...] | str = ""
    unit: str | None = None
    for n, (meaning, data_set) in enumerate(zip(meanings, sets, strict=True)):
        own = meaning.obis.core if meaning.obis else meaning.address
        star = data_set.raw[0].partition("*")[2] if data_set.raw else ""
        if star or own != core:
            core, unit = own, star or None
        elif unit is not None and not SEVERAL.search(unit):
            units[n] = canonical_unit(unit)
    return units


def meter_time(sets: Sequence[DataSet], medium: int) -> datetime | None:
    """The meter's own clock from 0.9.1 with 0.9.2, from 0.9.4 or from 1.0.0; None where no valid time is printed."""
    first: dict[tuple[int, ...], str] = {}
    for data_set in sets:
        core = _clock_core(data_set.address, medium)
        if core is not None and data_set.raw:
            first.setdefault(core, data_set.raw[0])
    try:
        return _clock(first)
    except DecodeError:
        return None


@lru_cache(maxsize=4096)
def _clock_core(address: str, medium: int) -> tuple[int, ...] | None:
    """The core of an address that prints the clock, None for every other one."""
    obis = parse_obis(address, medium)
    return obis.core if obis is not None and obis.is_present and obis.core in _CLOCKS else None


def _clock(first: Mapping[tuple[int, ...], str]) -> datetime | None:
    for core in ((0, 9, 4), (1, 0, 0)):
        if core in first and (moment := timestamp(first[core])) is not None:
            return moment
    clock: time | None = clock_time(first.get((0, 9, 1), ""))
    day: date | None = calendar_date(first.get((0, 9, 2), ""))
    return None if clock is None or day is None else datetime.combine(day, clock)
