"""The units that meters print, in one spelling each (protocol.md 8)."""

from decimal import Decimal

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
_FACTORS = {"": Decimal(1), "k": Decimal(1000), "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}
# Joules and watt-hours stay apart: 1 GJ is no finite decimal number of Wh. A calorie is that of ISO 31-4.
_IN_BASE = {
    **{f"{prefix}{base}": (base, factor) for prefix, factor in _FACTORS.items()
       for base in ("Wh", "J", "varh", "VAh", "W", "var", "VA", "V", "A", "Ah", "Pa")},
    **{base: (base, Decimal(1)) for base in ("Hz", "m3", "m3/h", "h", "K", "°C", "°", "%", "Imp/kWh", "Imp/kvarh")},
    "Gcal": ("J", Decimal(4_186_800_000)), "l": ("m3", Decimal("0.001")), "l/h": ("m3/h", Decimal("0.001")),
    "bar": ("Pa", Decimal(100_000)), "mbar": ("Pa", Decimal(100)), "d": ("h", Decimal(24)),
    "mW": ("W", Decimal("0.001")), "mWh": ("Wh", Decimal("0.001")), "mVA": ("VA", Decimal("0.001")),
    "mV": ("V", Decimal("0.001")), "mA": ("A", Decimal("0.001")),
}  # fmt: skip
_CANONICAL = {unit.lower(): unit for unit in _UNITS} | _OTHER_SPELLINGS


def canonical_unit(printed: str) -> str:
    """The one spelling of a printed unit, whatever its case; an unknown unit stays as printed."""
    unit = printed.strip()
    return unit if unit in _CASE_MATTERS else _CANONICAL.get(unit.lower(), unit)


def is_known_unit(printed: str) -> bool:
    """True for a unit of the table in any spelling."""
    return printed.strip().lower() in _CANONICAL


def in_base(unit: str) -> tuple[str, Decimal] | None:
    """The base unit of a unit's dimension with the exact factor to it: kWh gives Wh and 1000.

    None for a unit that is not known, or has no exact factor (min, s).
    """
    return _IN_BASE.get(unit) or _IN_BASE.get(canonical_unit(unit))
