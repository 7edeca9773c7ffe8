"""How the registers of a block behave from visit to visit, by their codes (protocol.md 8)."""

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from attrs import evolve, frozen

from gateway.obis import Known, Obis, known, parse_obis
from gateway.profile import MeterProfile
from gateway.profile.interpretation import completed
from gateway.protocol.datablock import DataSet

# C.D of what changes whenever it likes: weekday, inputs and outputs, battery, operating time, tariff in force.
_LIVELY = frozenset({(0, 9), (96, 3), (96, 6), (96, 8), (96, 14)})
_CLOCKS = frozenset({(0, 9, 1), (0, 9, 2), (0, 9, 4)})
_TIMES_OF_DAY = frozenset({(0, 9, 1), (0, 9, 4), (1, 0, 0)})
_PUSHED_CLOCK = (1, 0, 0)
_RESETS = frozenset({(0, 1, 0), (0, 1, 2), (0, 1, 3)})
# D of electricity: total, since reset, maximum, cumulated maximum.
_D_TOTAL, _D_SINCE_RESET, _D_MAXIMUM, _D_CUMULATED = 8, 9, 6, 2
_D_OF_PERIOD = 29  # of other media: what the last period counted
_TOTAL_QUANTITIES = frozenset({"energy", "volume", "time"})
_ELECTRICITY = 1
_TARIFFS = 63
_IMPORTS = frozenset({(1, 8, 0), (15, 8, 0)})
_IMPORT_POWERS = frozenset({(1, 7, 0), (15, 7, 0), (16, 7, 0)})
# The traits of larger blocks are made anew each time: ever new ones of them must not fill the memory.
_KEPT_REGISTERS = 512
_MOMENT_OF_MAXIMUM = re.compile(r",5(?=[*&]|$)")


class Nature(Enum):
    """How a register may change.

    CONSTANT: hardly ever. STORED: at a billing reset. RESET: it tells of one. TOTAL: it only grows. MAXIMUM: it grows
    until a billing reset. MOMENTARY: within its range. CLOCK: with time. LIVELY: at will.
    """

    CONSTANT = "constant"
    STORED = "stored"
    RESET = "reset"
    TOTAL = "total"
    MAXIMUM = "maximum"
    MOMENTARY = "momentary"
    CLOCK = "clock"
    LIVELY = "lively"


@frozen(eq=False)
class Trait:
    """What is known of one printed register; `key` is its address, with `#` and an ordinal where it stands twice.

    `rollover_width` are the digits before the decimal point after which it begins anew, None: as printed. `total` is
    the register that its tariff is part of. `is_known` False: nothing is known of what it holds.
    """

    key: str
    nature: Nature
    obis: Obis | None
    quantity: str | None
    rollover_width: int | None
    total: str | None = None
    is_known: bool = True


@frozen(eq=False)
class Traits:
    """The registers of a block in the order of the wire.

    `totals` are the places of those that only grow, `clocks` those of the meter's clock, `sums` those of a total with
    its tariffs, `imports` those of energy with the power that it comes of. `shows_time` tells that the time of day is
    printed.
    """

    each: tuple[Trait, ...]
    totals: tuple[int, ...]
    clocks: tuple[int, ...]
    sums: tuple[tuple[int, tuple[int, ...]], ...]
    imports: tuple[tuple[int, int], ...]
    shows_time: bool

    def clocks_in(self, sets: Sequence[DataSet]) -> list[DataSet]:
        """The data sets of the meter's clock."""
        return [sets[place] for place in self.clocks]

    def named(self, sets: Sequence[DataSet]) -> list[DataSet]:
        """Data sets under the keys of these registers; a meter may print a part of an address, or none."""
        return [DataSet(trait.key, data_set.raw) for trait, data_set in zip(self.each, sets, strict=True)]


def traits_of(profile: MeterProfile, addresses: tuple[str, ...]) -> Traits:
    """The traits of registers that are printed under these addresses, in the order of the wire."""
    return _kept_traits(profile, addresses) if len(addresses) <= _KEPT_REGISTERS else _traits(profile, addresses)


@lru_cache(maxsize=512)
def _kept_traits(profile: MeterProfile, addresses: tuple[str, ...]) -> Traits:
    return _traits(profile, addresses)


def _traits(profile: MeterProfile, addresses: tuple[str, ...]) -> Traits:
    each, counts, whole = list[Trait](), dict[str, int](), ""
    for printed in addresses:
        whole = printed if printed and printed[0] not in "*&" else completed(printed, whole)
        ordinal = counts[whole] = counts.get(whole, 0) + 1
        each.append(_trait(profile, whole, whole if ordinal == 1 else f"{whole}#{ordinal}"))
    sums = _sums(each)
    for total, tariffs in sums:
        for place in tariffs:
            each[place] = evolve(each[place], total=each[total].key)
    return Traits(
        tuple(each),
        tuple(place for place, one in enumerate(each) if one.nature is Nature.TOTAL),
        tuple(place for place, one in enumerate(each) if one.nature is Nature.CLOCK),
        tuple(sums),
        tuple(_imports(each)),
        any(one.nature is Nature.CLOCK and one.obis is not None and one.obis.core in _TIMES_OF_DAY for one in each),
    )


def _trait(profile: MeterProfile, address: str, key: str) -> Trait:
    obis = parse_obis(_MOMENT_OF_MAXIMUM.sub("", address), profile.medium)
    meaning = known(obis) if obis is not None else None
    register = profile.register(address)
    width = None if register is None else register.rollover_width
    quantity = meaning.quantity if meaning else None
    return Trait(key, _nature(obis, meaning), obis, quantity, width, is_known=meaning is not None)


def _nature(obis: Obis | None, meaning: Known | None) -> Nature:
    if obis is None:
        return Nature.CONSTANT
    if (found := _nature_of_code(obis)) is not None:
        return found
    if meaning is None or meaning.quantity in (None, "count", "constant"):
        return Nature.CONSTANT
    return _nature_of_quantity(obis, meaning.quantity)


def _nature_of_code(obis: Obis) -> Nature | None:
    """What the code alone tells, whatever is measured; None: nothing."""
    if obis.core in _RESETS:
        return Nature.RESET
    if not obis.is_present:
        return Nature.STORED
    if obis.core in _CLOCKS or (obis.core == _PUSHED_CLOCK and obis.a == 0):
        return Nature.CLOCK
    return Nature.LIVELY if obis.core[:2] in _LIVELY else None


def _nature_of_quantity(obis: Obis, quantity: str) -> Nature:
    if obis.d == _D_SINCE_RESET or (obis.d == _D_MAXIMUM and obis.a == _ELECTRICITY):
        return Nature.MAXIMUM
    if obis.a != _ELECTRICITY:
        return Nature.TOTAL if quantity in _TOTAL_QUANTITIES and obis.d != _D_OF_PERIOD else Nature.MOMENTARY
    if obis.d == _D_TOTAL:
        return Nature.TOTAL
    return Nature.STORED if obis.d == _D_CUMULATED else Nature.MOMENTARY


def _sums(each: Sequence[Trait]) -> list[tuple[int, tuple[int, ...]]]:
    """Each total with the registers of its tariffs, where it has two or more."""
    tariffs: dict[tuple[int, ...], list[int]] = {}
    totals: dict[tuple[int, ...], int] = {}
    for place, trait in enumerate(each):
        obis = trait.obis
        if obis is None or trait.nature is not Nature.TOTAL or "#" in trait.key:
            continue
        group = (obis.a, obis.b, obis.c, obis.d)
        if obis.e == 0:
            totals[group] = place
        elif obis.e <= _TARIFFS:
            tariffs.setdefault(group, []).append(place)
    return [(totals[group], tuple(places)) for group, places in tariffs.items() if group in totals and len(places) > 1]


def _imports(each: Sequence[Trait]) -> list[tuple[int, int]]:
    """The total of imported energy with the power that is imported now."""
    at = {
        trait.obis.core: place
        for place, trait in enumerate(each)
        if trait.obis is not None and trait.obis.is_present and trait.obis.a == _ELECTRICITY
    }
    power = next((at[core] for core in sorted(_IMPORT_POWERS) if core in at), None)
    return [] if power is None else [(at[core], power) for core in sorted(_IMPORTS) if core in at]
