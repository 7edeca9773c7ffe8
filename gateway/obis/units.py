"""The units that meters print, in one spelling each (protocol.md 8)."""

_UNITS = (
    *("Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "Gcal", "varh", "kvarh", "Mvarh", "VAh", "kVAh", "MVAh"),
    *("W", "kW", "MW", "var", "kvar", "Mvar", "VA", "kVA", "MVA", "V", "kV", "A", "kA", "Hz", "Ah", "kAh"),
    *("m3", "m3/h", "l", "l/h", "bar", "mbar", "Pa", "kPa", "K", "°C", "°", "%", "h", "min", "s", "d"),
    *("Imp/kWh", "Imp/kvarh"),
)
_OTHER_SPELLINGS = {
    "m^3": "m3", "m³": "m3", "m3ph": "m3/h", "m3h": "m3/h", "m³/h": "m3/h", "lph": "l/h", "ltr": "l",
    "c": "°C", "{c": "°C", "degc": "°C", "grdc": "°C", "deg": "°", "tage": "d", "std": "h", "kvarhr": "kvarh",
    "kvahr": "kvarh", "sec": "s", "p/kwh": "Imp/kWh", "impkwh": "Imp/kWh", "whr": "Wh", "kwhr": "kWh",
}  # fmt: skip
# A prefix m that is written small is milli, not a careless mega.
_CASE_MATTERS = frozenset({"mW", "mWh", "mVA", "mV", "mA"})
_CANONICAL = {unit.lower(): unit for unit in _UNITS} | _OTHER_SPELLINGS


def canonical_unit(printed: str) -> str:
    """The one spelling of a printed unit, whatever its case; an unknown unit stays as printed."""
    unit = printed.strip()
    return unit if unit in _CASE_MATTERS else _CANONICAL.get(unit.lower(), unit)


def is_known_unit(printed: str) -> bool:
    """True for a unit of the table in any spelling."""
    return printed.strip().lower() in _CANONICAL
