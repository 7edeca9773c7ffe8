"""The meaning of codes by the rule of their C, D, E numbers (protocol.md 8)."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from attrs import frozen

from gateway.obis.code import Obis


class Kind(StrEnum):
    """What the print of a register is."""

    QUANTITY = "quantity"
    TIME = "time"
    DATE = "date"
    DATETIME = "datetime"
    TEXT = "text"
    IDENTITY = "identity"
    FLAGS = "flags"


@frozen
class Known:
    """What a code means: a name for a person, the physical quantity, its usual unit, the kind of its print.

    `unit` tells what the quantity is measured in; a meter that prints none may still count in another multiple of it.
    """

    name: str
    quantity: str | None
    unit: str | None
    kind: Kind


_ELECTRICITY = 1

# C: name, the energy it integrates to, its power, in the units that meters print.
_POWERS: Mapping[int, tuple[str, str]] = {
    1: ("Active {} import", "active"),
    2: ("Active {} export", "active"),
    3: ("Reactive {} import", "reactive"),
    4: ("Reactive {} export", "reactive"),
    5: ("Reactive {} quadrant I", "reactive"),
    6: ("Reactive {} quadrant II", "reactive"),
    7: ("Reactive {} quadrant III", "reactive"),
    8: ("Reactive {} quadrant IV", "reactive"),
    9: ("Apparent {} import", "apparent"),
    10: ("Apparent {} export", "apparent"),
    15: ("Active {} absolute sum", "active"),
    16: ("Active {} net sum", "active"),
    17: ("Active {} quadrant I", "active"),
    18: ("Active {} quadrant II", "active"),
    19: ("Active {} quadrant III", "active"),
    20: ("Active {} quadrant IV", "active"),
}
_POWER_UNITS = {"active": ("kWh", "kW"), "reactive": ("kvarh", "kvar"), "apparent": ("kVAh", "kVA")}
_MOMENTARY: Mapping[int, tuple[str, str, str | None]] = {
    11: ("Current", "current", "A"),
    12: ("Voltage", "voltage", "V"),
    13: ("Power factor", "power factor", None),
    14: ("Frequency", "frequency", "Hz"),
}
_PHASES = {0: "", 20: " L1", 40: " L2", 60: " L3"}
_NEUTRAL = {91: ("Current neutral", "current", "A"), 92: ("Voltage neutral", "voltage", "V")}
_ANGLES = 81

_POWER_OF_D = {2: "cumulated maximum", 3: "minimum", 4: "running mean", 5: "last mean", 6: "maximum", 7: ""}
_ENERGY_OF_D = {8: "", 9: "since reset", 29: "of interval"}
_MOMENTARY_OF_D = {3: "minimum", 4: "running mean", 5: "last mean", 6: "maximum", 7: "", 24: "mean", 25: "last mean"}
_COUNTS_OF_D = {32: "sags", 36: "swells"}

_HEAT_OF_D: Mapping[int, tuple[str, str, str | None]] = {
    4: ("power running mean", "power", "kW"),
    6: ("power maximum", "power", "kW"),
    7: ("power", "power", "kW"),
    8: ("energy", "energy", "kWh"),
    9: ("energy since reset", "energy", "kWh"),
    26: ("volume", "volume", "m3"),
    27: ("flow", "flow", "m3/h"),
    28: ("flow temperature", "temperature", "°C"),
    29: ("energy of interval", "energy", "kWh"),
    30: ("temperature difference", "temperature", "K"),
    31: ("operating hours", "time", "h"),
    32: ("fault hours", "time", "h"),
    33: ("flow maximum", "flow", "m3/h"),
    35: ("measuring period", "time", "min"),
}
_VOLUME_OF_D: Mapping[int, tuple[str, str, str | None]] = {
    0: ("volume", "volume", "m3"),
    1: ("volume", "volume", "m3"),
    2: ("volume converted", "volume", "m3"),
    8: ("volume", "volume", "m3"),
    26: ("volume", "volume", "m3"),
    7: ("flow", "flow", "m3/h"),
    27: ("flow", "flow", "m3/h"),
    28: ("temperature", "temperature", "°C"),
    31: ("operating hours", "time", "h"),
}

# Old prints repeat the medium in C (6.8), newer ones count from 1.
_HEAT_C = frozenset({4, 5, 6})
_VOLUME_C = frozenset({1, 2, 3, 7, 8, 9, 11, 13})
_MEDIA = {
    4: ("Heat cost", _HEAT_C, _HEAT_OF_D),
    5: ("Cooling", _HEAT_C, _HEAT_OF_D),
    6: ("Heat", _HEAT_C, _HEAT_OF_D),
    7: ("Gas", _VOLUME_C, _VOLUME_OF_D),
    8: ("Cold water", _VOLUME_C, _VOLUME_OF_D),
    9: ("Hot water", _VOLUME_C, _VOLUME_OF_D),
}

# C.D, or C.D.E where E matters: name, kind, quantity, unit.
_GENERAL: Mapping[tuple[int, ...], tuple[str, Kind, str | None, str | None]] = {
    (0, 0): ("Device number", Kind.IDENTITY, None, None),
    (0, 1, 0): ("Reset counter", Kind.QUANTITY, "count", None),
    (0, 1, 1): ("Number of stored periods", Kind.QUANTITY, "count", None),
    (0, 1, 2): ("Reset time", Kind.DATETIME, None, None),
    (0, 1, 3): ("Reset date", Kind.DATE, None, None),
    (0, 2, 0): ("Firmware version", Kind.TEXT, None, None),
    (0, 2, 1): ("Parameter set number", Kind.TEXT, None, None),
    (0, 2, 2): ("Tariff program number", Kind.TEXT, None, None),
    (0, 2, 8): ("Telegram version", Kind.TEXT, None, None),
    (0, 2): ("Program version", Kind.TEXT, None, None),
    (0, 3): ("Pulse constant", Kind.QUANTITY, "constant", None),
    (0, 4): ("Transformer ratio", Kind.TEXT, None, None),
    (0, 8): ("Measuring period", Kind.QUANTITY, "time", "min"),
    (0, 9, 1): ("Time", Kind.TIME, None, None),
    (0, 9, 2): ("Date", Kind.DATE, None, None),
    (0, 9, 4): ("Date with time", Kind.DATETIME, None, None),
    (0, 9, 5): ("Day of the week", Kind.TEXT, None, None),
    (96, 1): ("Device number", Kind.IDENTITY, None, None),
    (96, 2): ("Last parameterisation", Kind.TEXT, None, None),
    (96, 3): ("Input or output state", Kind.TEXT, None, None),
    (96, 5): ("Status", Kind.FLAGS, None, None),
    (96, 6): ("Battery", Kind.TEXT, None, None),
    (96, 7): ("Power failures", Kind.TEXT, None, None),
    (96, 7, 0): ("Power failures", Kind.QUANTITY, "count", None),
    (96, 7, 1): ("Power failures L1", Kind.QUANTITY, "count", None),
    (96, 7, 2): ("Power failures L2", Kind.QUANTITY, "count", None),
    (96, 7, 3): ("Power failures L3", Kind.QUANTITY, "count", None),
    (96, 7, 9): ("Long power failures", Kind.QUANTITY, "count", None),
    (96, 7, 21): ("Power failures of any phase", Kind.QUANTITY, "count", None),
    (96, 8): ("Operating time", Kind.TEXT, None, None),
    (96, 13): ("Message", Kind.TEXT, None, None),
    (96, 14): ("Tariff in force", Kind.TEXT, None, None),
    (97, 97): ("Error register", Kind.FLAGS, None, None),
    (98, 1): ("Stored values of billing period", Kind.TEXT, None, None),
    (99, 1): ("Load profile 1", Kind.TEXT, None, None),
    (99, 2): ("Load profile 2", Kind.TEXT, None, None),
    (99, 97): ("Power failure log", Kind.TEXT, None, None),
    (99, 98): ("Event log", Kind.TEXT, None, None),
    (99, 99): ("Calibration log", Kind.TEXT, None, None),
}
_PUSHED_CLOCK = (1, 0, 0)
_RESET_COUNTER = (0, 1, 0)
_ABSTRACT_FROM = 96
_TARIFFS = 63


@lru_cache(maxsize=4096)
def known(obis: Obis) -> Known | None:
    """What the code means; None for a code outside the table."""
    meaning = _meaning(obis)
    if meaning is None or obis.is_present:
        return meaning
    return Known(f"{meaning.name}, stored period {obis.f}", meaning.quantity, meaning.unit, meaning.kind)


def _meaning(obis: Obis) -> Known | None:
    if obis.core == _PUSHED_CLOCK and obis.a == 0:
        return Known("Date with time", None, None, Kind.DATETIME)
    if obis.core == _RESET_COUNTER and not obis.is_present:
        return Known("Reset time", None, None, Kind.DATETIME)
    if obis.c == 0 or obis.c >= _ABSTRACT_FROM:
        return _general(obis)
    return _electricity(obis) if obis.a == _ELECTRICITY else _medium(obis)


def _general(obis: Obis) -> Known | None:
    found = _GENERAL.get(obis.core) or _GENERAL.get(obis.core[:2])
    if found is None:
        return None
    name, kind, quantity, unit = found
    return Known(f"{name} {obis.e}" if kind is Kind.IDENTITY and obis.e else name, quantity, unit, kind)


def _electricity(obis: Obis) -> Known | None:
    if obis.c in _NEUTRAL:
        return _momentary(_NEUTRAL[obis.c], "", obis)
    if obis.c == _ANGLES:
        return Known(f"Phase angle {obis.e}", "angle", "°", Kind.QUANTITY) if obis.d in _MOMENTARY_OF_D else None
    for offset, phase in _PHASES.items():
        base = obis.c - offset
        if base in _POWERS:
            return _power(_POWERS[base], phase, obis)
        if base in _MOMENTARY:
            return _momentary(_MOMENTARY[base], phase, obis)
    return None


def _power(entry: tuple[str, str], phase: str, obis: Obis) -> Known | None:
    pattern, quantity = entry
    energy_unit, power_unit = _POWER_UNITS[quantity]
    if obis.d in _ENERGY_OF_D:
        word, addition, unit = "energy", _ENERGY_OF_D[obis.d], energy_unit
    elif obis.d in _POWER_OF_D:
        word, addition, unit = "power", _POWER_OF_D[obis.d], power_unit
    else:
        return None
    name = " ".join(filter(None, (pattern.format(word) + phase, addition, _tariff(obis.e, total=word == "energy"))))
    return Known(name, f"{quantity} {word}", unit, Kind.QUANTITY)


def _momentary(entry: tuple[str, str, str | None], phase: str, obis: Obis) -> Known | None:
    name, quantity, unit = entry
    if obis.d in _COUNTS_OF_D:
        return Known(f"{name}{phase} {_COUNTS_OF_D[obis.d]}", "count", None, Kind.QUANTITY)
    if obis.d not in _MOMENTARY_OF_D:
        return None
    return Known(f"{name}{phase} {_MOMENTARY_OF_D[obis.d]}".rstrip(), quantity, unit, Kind.QUANTITY)


def _medium(obis: Obis) -> Known | None:
    medium, allowed, table = _MEDIA.get(obis.a, ("", frozenset[int](), _HEAT_OF_D))
    entry = table.get(obis.d)
    if obis.c not in allowed or entry is None:
        return None
    name, quantity, unit = entry
    return Known(f"{medium} {name} {_tariff(obis.e, total=False)}".rstrip(), quantity, unit, Kind.QUANTITY)


def _tariff(e: int, *, total: bool) -> str:
    if e == 0:
        return "total" if total else ""
    return f"tariff {e}" if e <= _TARIFFS else ""
