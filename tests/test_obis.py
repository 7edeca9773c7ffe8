"""Object identification codes: every printed form, the names they get, the units beside them."""

from decimal import Decimal

import pytest

from gateway.obis import Kind, canonical_unit, in_base, known, parse_obis


@pytest.mark.parametrize(
    ("printed", "full"),
    [
        ("1-1:1.8.0*255", "1-1:1.8.0*255"),
        ("1-0:21.7.255*255", "1-0:21.7.255*255"),
        ("1.8.0", "1-0:1.8.0*255"),
        ("1.8", "1-0:1.8.0*255"),
        ("1.8.0*05", "1-0:1.8.0*5"),
        ("1.8.0&12", "1-0:1.8.0*12"),
        ("1.8.1*101", "1-0:1.8.1*101"),
        ("C.1.0", "0-0:96.1.0*255"),
        ("0-0:C.1.6*255", "0-0:96.1.6*255"),
        ("1-1:F.F", "1-1:97.97.0*255"),
        ("C.71", "0-0:96.71.0*255"),
        ("F.F", "0-0:97.97.0*255"),
        ("F.F.0", "0-0:97.97.0*255"),
        ("FF", "0-0:97.97.0*255"),
        ("L.1.0", "0-0:98.1.0*255"),
        ("P.01", "0-0:99.1.0*255"),
        ("0.0", "1-0:0.0.0*255"),
    ],
)
def test_every_printed_form_gives_the_full_code(printed: str, full: str) -> None:
    assert str(parse_obis(printed)) == full


@pytest.mark.parametrize(
    "printed", ["ET0PE", "0F0880FF", "3:171.0", "300.8.0", "1.8.0*256", "1.6.0,5", "*05", "&1", ""]
)
def test_an_address_that_prints_no_code_has_none(printed: str) -> None:
    assert parse_obis(printed) is None


def test_the_medium_of_the_profile_stands_for_an_omitted_prefix() -> None:
    assert str(parse_obis("6.26", medium=6)) == "6-0:6.26.0*255"
    assert str(parse_obis("C.1.0", medium=6)) == "0-0:96.1.0*255"


@pytest.mark.parametrize(
    ("printed", "name", "unit"),
    [
        ("1.8.0", "Active energy import total", "kWh"),
        ("2.8.3", "Active energy export tariff 3", "kWh"),
        ("5.8.0", "Reactive energy quadrant I total", "kvarh"),
        ("9.8.0", "Apparent energy import total", "kVAh"),
        ("16.7.0", "Active power net sum", "kW"),
        ("21.7.0", "Active power import L1", "kW"),
        ("1.6.1", "Active power import maximum tariff 1", "kW"),
        ("32.7", "Voltage L1", "V"),
        ("71.7.0", "Current L3", "A"),
        ("14.7.0", "Frequency", "Hz"),
        ("13.7.0", "Power factor", None),
        ("81.7.4", "Phase angle 4", "°"),
        ("1.8.0*05", "Active energy import total, stored period 5", "kWh"),
    ],
)
def test_electricity_codes_are_named_by_rule(printed: str, name: str, unit: str | None) -> None:
    obis = parse_obis(printed)
    assert obis is not None
    meaning = known(obis)
    assert meaning is not None
    assert (meaning.name, meaning.unit, meaning.kind) == (name, unit, Kind.QUANTITY)


@pytest.mark.parametrize(
    ("medium", "printed", "name", "unit"),
    [
        (6, "6.8", "Heat energy", "kWh"),
        (6, "6.26", "Heat volume", "m3"),
        (6, "6.31", "Heat operating hours", "h"),
        (5, "5.8", "Cooling energy", "kWh"),
        (7, "7.1.0", "Gas volume", "m3"),
        (8, "8.1", "Cold water volume", "m3"),
        (9, "9.1", "Hot water volume", "m3"),
    ],
)
def test_other_media_have_their_own_names(medium: int, printed: str, name: str, unit: str) -> None:
    obis = parse_obis(printed, medium)
    assert obis is not None
    meaning = known(obis)
    assert meaning is not None
    assert (meaning.name, meaning.unit) == (name, unit)


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ("0.0.0", Kind.IDENTITY),
        ("C.1.0", Kind.IDENTITY),
        ("0.9.1", Kind.TIME),
        ("0.9.2", Kind.DATE),
        ("0.1.2*03", Kind.DATETIME),
        ("0.1.0", Kind.QUANTITY),
        ("0.1.0*12", Kind.DATETIME),
        ("0.2.0", Kind.TEXT),
        ("F.F", Kind.FLAGS),
        ("0-0:1.0.0", Kind.DATETIME),
    ],
)
def test_the_kind_of_a_print_follows_from_its_code(printed: str, kind: Kind) -> None:
    obis = parse_obis(printed)
    assert obis is not None
    meaning = known(obis)
    assert meaning is not None
    assert meaning.kind is kind


@pytest.mark.parametrize("printed", ["1.77.0", "200.8.0", "C.99.9", "9.4"])
def test_a_code_outside_the_table_is_not_guessed(printed: str) -> None:
    obis = parse_obis(printed, 6)
    assert obis is not None
    assert known(obis) is None


def test_the_table_names_at_least_a_hundred_electricity_codes() -> None:
    codes = (parse_obis(f"{c}.{d}.0") for c in range(1, 92) for d in range(30))
    assert sum(known(code) is not None for code in codes if code) >= 100


@pytest.mark.parametrize(
    ("printed", "unit"),
    [
        ("KWH", "kWh"),
        ("kVArh", "kvarh"),
        ("kVARh", "kvarh"),
        ("m3ph", "m3/h"),
        ("{C", "°C"),
        ("Tage", "d"),
        ("P/S", "P/S"),
    ],
)
def test_units_get_one_spelling_and_unknown_ones_stay(printed: str, unit: str) -> None:
    assert canonical_unit(printed) == unit


def test_milli_is_not_taken_for_mega() -> None:
    assert canonical_unit("mW") == "mW"
    assert canonical_unit("MW") == "MW"


@pytest.mark.parametrize(
    ("unit", "base", "factor"),
    [
        ("kWh", "Wh", "1000"),
        ("MWH", "Wh", "1000000"),
        ("GJ", "J", "1000000000"),
        ("Gcal", "J", "4186800000"),
        ("kvarh", "varh", "1000"),
        ("l", "m3", "0.001"),
        ("m³/h", "m3/h", "1"),
        ("mbar", "Pa", "100"),
        ("mW", "W", "0.001"),
        ("MW", "W", "1000000"),
        ("d", "h", "24"),
        ("°C", "°C", "1"),
    ],
)
def test_a_unit_has_an_exact_factor_to_the_base_of_its_dimension(unit: str, base: str, factor: str) -> None:
    assert in_base(unit) == (base, Decimal(factor))


@pytest.mark.parametrize("unit", ["min", "s", "P/S", ""])
def test_a_unit_without_an_exact_factor_has_no_base(unit: str) -> None:
    assert in_base(unit) is None
