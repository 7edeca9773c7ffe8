"""Profiles: what they say of a conversation, what their prints mean, what is wrong with a text."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ProfileError
from gateway.obis import parse_obis
from gateway.profile import AddressForm, Password, check_examples, load_profile
from gateway.profile.model import MeterProfile
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.parse import identification
from gateway.reading import Quality, Reading, Register, value_text
from gateway.site.model import NumberType, SignalSettings, Wakeup

GENERIC = MeterProfile(id="generic", version=1, title="any", maker="any", identification="/")

WHOLE = """
id = "xmp-verba"
version = 3
title = "XMP Verba"
maker = "XMP"
identification = '/XMP5\\\\2VERBA'
mode = "C"
check = "sum7"
medium = "heat"
identity = ["9.21"]
min_interval_s = 3600
wakeup = "nulls"
speed_character = "3"
reaction_ms = 40
differs = "It is made up."

[address]
prefix = "XM"
last_digits = 6

[[register]]
address = "6.8"
name = "heat"
title = "Heat"
unit = "gj"
decoder = "decimal"
aliases = ["HEAT"]
parameters = { bracket = 1 }
rollover_width = 7

[[example]]
identification = '/XMP5\\2VERBA-3'
block = '''
6.8(2602)(0391.46)
!
'''
readings = [{ signal = "heat", value = "391.46", unit = "GJ" }]
"""


def read(block: str, *signals: SignalSettings, profile: MeterProfile = GENERIC) -> tuple[Reading, ...]:
    return profile.interpret(parse_block(block.encode("latin-1")), signals)


def signal(tag: str, kind: NumberType | None = None, *, enable: bool = True, log: int = 1) -> SignalSettings:
    return SignalSettings("A name", "alias", tag, enable, log, kind)


def told(reading: Reading) -> tuple[str, str | None, str | None, str | None]:
    return reading.address, reading.obis, value_text(reading.value), reading.unit


def with_registers(*registers: Register) -> MeterProfile:
    return MeterProfile(id="made-up", version=1, title="", maker="", registers=registers)


# What the prints mean


def test_all_data_sets_are_read_in_the_order_of_the_wire_and_duplicates_are_kept() -> None:
    readings = read("0.2.0(V1)\r\n1.8.0(2.50*kWh)\r\n0.2.0(V2)\r\n1.8.0(2.50*kWh)\r\n!\r\n")
    assert [told(reading) for reading in readings] == [
        ("0.2.0", "1-0:0.2.0*255", "V1", None),
        ("1.8.0", "1-0:1.8.0*255", "2.50", "kWh"),
        ("0.2.0", "1-0:0.2.0*255", "V2", None),
        ("1.8.0", "1-0:1.8.0*255", "2.50", "kWh"),
    ]


def test_the_hostile_example_x15_is_read() -> None:
    readings = read(
        "1.6.1(27.190*kW)(2602090945)\r\n1.6.1*07(25.004*kW)(2601141830)\r\n"
        "1.8.0*06(0012001.000*kWh)*05(0011800.250)\r\n!\r\n"
    )
    assert [told(reading) for reading in readings] == [
        ("1.6.1", "1-0:1.6.1*255", "27.190", "kW"),
        ("1.6.1*07", "1-0:1.6.1*7", "25.004", "kW"),
        ("1.8.0*06", "1-0:1.8.0*6", "12001.000", "kWh"),
        ("*05", "1-0:1.8.0*5", "11800.250", "kWh"),
    ]
    assert [value_text(reading.time) for reading in readings[:3]] == [
        "2026-02-09T09:45:00",
        "2026-01-14T18:30:00",
        None,
    ]
    assert readings[0].raw == "27.190*kW)(2602090945"


def test_a_unit_is_inherited_within_one_register_only() -> None:
    readings = read("1.8.1(5*Wh)\r\n1.8.1*02(4)\r\n1.8.1*01(3)\r\n1.8.2(2)\r\n!\r\n")
    assert [reading.unit for reading in readings] == ["Wh", "Wh", "Wh", None]


@pytest.mark.parametrize(
    ("line", "value", "unit"),
    [
        ("0.9.1(0143005)", "14:30:05", None),
        ("0.9.2(26-03-01)", "2026-03-01", None),
        ("0.9.4(0260301143005)", "2026-03-01T14:30:05", None),
        ("0.1.0(33)", "33", None),
        ("F.F(00000000)", "00000000", None),
        ("C.1.0(00123)", "00123", None),
        ("1.8.0(012)", "12", None),
        ("1.8.0(012 kWh)", "12", "kWh"),
        ("9.94(081*C&062*C)", "081*C&062*C", None),
        ("0.2.2(:::::G11)", ":::::G11", None),
        ("ET0PE(68.42)", "68.42", None),
        ("XYZ(1.5*kW)", "1.5", "kW"),
        ("0-1:24.2.1(260301190000W)(00845.206*m3)", "845.206", "m3"),
    ],
)
def test_a_value_is_understood_by_its_print_and_its_code(line: str, value: str, unit: str | None) -> None:
    (reading,) = read(f"{line}\r\n!\r\n")
    assert (value_text(reading.value), reading.unit, reading.quality) == (value, unit, Quality.GOOD)


@pytest.mark.parametrize(
    "line", ["1.8.0(12?45*kWh)", "1.8.0(0:12*kWh)", "1.8.0()", "0.9.1(256060)", "1.8.0(1*kWh&2*kWh)", "NOTHING"]
)
def test_a_register_that_cannot_be_decoded_is_bad_alone(line: str) -> None:
    bad, good = read(f"{line}\r\n2.8.0(1*kWh)\r\n!\r\n")
    assert (bad.value, bad.quality) == (None, Quality.BAD)
    assert bad.reason
    assert (good.value, good.quality) == (Decimal(1), Quality.GOOD)


def test_a_filler_beside_a_value_is_no_time() -> None:
    (reading,) = read("1.6.0(0.5*kW)(00-00-00,00:00)\r\n!\r\n")
    assert (reading.time, reading.quality) == (None, Quality.GOOD)


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_no_print_at_all_makes_reading_fail(text: str) -> None:
    sets = parse_block(text.encode())
    assert [reading.address for reading in GENERIC.interpret(sets)] == [data_set.address for data_set in sets]


def test_the_same_addresses_in_another_order_are_bound_anew() -> None:
    wanted = (signal("1.8.0"),)
    first = GENERIC.interpret(parse_block(b"1.8.0(1*kWh)\r\n2.8.0(2*kWh)\r\n!\r\n"), wanted)
    second = GENERIC.interpret(parse_block(b"2.8.0(2*kWh)\r\n1.8.0(1*kWh)\r\n!\r\n"), wanted)
    assert first[0].value == second[0].value == Decimal(1)


# What a profile says of its registers


def test_a_register_gives_name_title_unit_and_decoder() -> None:
    profile = with_registers(Register("1.8.0", name="import", title="Import", unit="kWh", decoder="integer"))
    reading, history = read("1-0:1.8.0*255(0012)\r\n1-0:1.8.0*03(0011)\r\n!\r\n", profile=profile)
    assert (reading.signal, reading.title, reading.value, reading.unit) == ("import", "Import", 12, "kWh")
    assert (history.signal, history.value, history.unit) == ("1-0:1.8.0*03", 11, "kWh")


def test_a_printed_unit_wins_over_the_profiles() -> None:
    (reading,) = read("1.8.0(12*Wh)\r\n!\r\n", profile=with_registers(Register("1.8.0", unit="kWh")))
    assert reading.unit == "Wh"


def test_a_word_register_keeps_its_name_on_lines_that_omit_it() -> None:
    profile = with_registers(Register("ET0PE", name="energy", decoder="decimal", unit="kWh"))
    readings = read("ET0PE(68.42)\r\n(45.54)\r\n!\r\n", profile=profile)
    assert [(reading.signal, value_text(reading.value), reading.unit) for reading in readings] == [
        ("energy", "68.42", "kWh"),
        ("energy", "45.54", "kWh"),
    ]


def test_a_decoder_that_gives_up_leaves_a_bad_reading() -> None:
    def careless(data_set: DataSet, register: Register) -> Decimal:
        weights: dict[str, Decimal] = {}
        return weights[data_set.raw[0] + register.address]

    profile = with_registers(Register("1.8.0", decoder="vendor.careless"))
    (reading,) = profile.interpret(parse_block(b"1.8.0(1)\r\n!\r\n"), (), {"vendor.careless": careless})
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    assert "KeyError" in (reading.reason or "")


# Wanted signals


@pytest.mark.parametrize(
    ("tag", "address"),
    [
        ("1.8.0", "1.8.0"),
        ("1-0:1.8.0*255", "1.8.0"),
        ("1.8.1", "1-1:1.8.1"),
        ("1.8.0*24", "1.8.0*24"),
        ("9.9.9|1.8.1", "1-1:1.8.1"),
        ("1-0:1.8.1 | 1.8.0", "1-1:1.8.1"),
    ],
)
def test_a_signal_is_found_as_printed_or_by_its_code(tag: str, address: str) -> None:
    (reading,) = read("1.8.0(1*kWh)\r\n1.8.0*24(2*kWh)\r\n1-1:1.8.1(3*kWh)\r\n!\r\n", signal(tag))
    assert reading.address == address
    assert (reading.signal, reading.title) == ("alias", "A name")


def test_a_missing_signal_is_bad_and_names_the_nearest_prints() -> None:
    (reading,) = read("1.8.0(1*kWh)\r\n1.8.1(1*kWh)\r\n!\r\n", signal("1.8.7"))
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    assert "1.8.0" in (reading.reason or "")


def test_disabled_signals_are_left_out_and_unlogged_ones_marked() -> None:
    readings = read("1.8.0(1*kWh)\r\n!\r\n", signal("1.8.0", enable=False), signal("1.8.0", log=0))
    assert [reading.logged for reading in readings] == [False]


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("1.8.0(0147238.4*kWh)", NumberType.DECIMAL, "147238.4"),
        ("1.8.0(0147238.4*kWh)", NumberType.FLOAT, "147238.4"),
        ("1.8.0(0147238.40*kWh)", NumberType.DOUBLE, "147238.40"),
        ("1.8.0(0147238.0*kWh)", NumberType.INTEGER, "147238"),
        ("1.8.0(0147238.4*kWh)", NumberType.INTEGER, None),
        ("96.3.10(1)", NumberType.DIGITAL, "1"),
        ("96.3.10(2)", NumberType.DIGITAL, None),
        ("1.8.0(0147238.4*kWh)", NumberType.TEXT, "0147238.4*kWh"),
        ("0.1.9(2603011430)", NumberType.TIME, "2026-03-01T14:30:00"),
        ("0.1.9(abc)", NumberType.TIME, None),
        ("0.2.0(V1.0)", NumberType.DECIMAL, None),
    ],
)
def test_a_number_type_is_kept_or_the_reading_is_bad(line: str, kind: NumberType, value: str | None) -> None:
    (reading,) = read(f"{line}\r\n!\r\n", signal(line.partition("(")[0], kind))
    assert value_text(reading.value) == value
    assert reading.quality is (Quality.BAD if value is None else Quality.GOOD)
    assert reading.raw == line.partition("(")[2].removesuffix(")")


@pytest.mark.parametrize(
    ("kind", "good"), [(NumberType.INTEGER, True), (NumberType.DIGITAL, False), (NumberType.TEXT, True)]
)
def test_a_number_type_applies_to_what_the_profiles_decoder_gave(kind: NumberType, *, good: bool) -> None:
    profile = with_registers(Register("1.8.0", decoder="decimal"))
    (reading,) = read("1.8.0(0012)\r\n!\r\n", signal("1.8.0", kind), profile=profile)
    assert (value_text(reading.value), reading.quality is Quality.GOOD) == ("12" if good else None, good)


@pytest.mark.parametrize(
    ("line", "scale", "kind", "value"),
    [
        ("1.8.0(0147238.4*kWh)", "0.001", None, "147.2384"),
        ("1.8.0(0147238.40*kWh)", "-1", None, "-147238.40"),
        (
            "1.8.0(12345678901234567890.1234567890*kWh)",
            "1.000000000000000001",
            None,
            "12345678901234567902.4691356902345678901234567890",
        ),
        ("1.8.0(00012.50*MWh)", "1000", NumberType.INTEGER, "12500"),
        ("1.8.0(00012.50*MWh)", "10", NumberType.DECIMAL, "125.00"),
        ("1.8.0(00012.55*MWh)", "10", NumberType.INTEGER, None),
        ("96.3.10(5)", "0.2", NumberType.DIGITAL, "1"),
        ("Q7(0012)", "0.5", None, "6.0"),
        ("0.2.0(V1.0)", "2", None, None),
    ],
)
def test_a_scale_multiplies_the_value_exactly_and_leaves_the_print(
    line: str, scale: str, kind: NumberType | None, value: str | None
) -> None:
    wanted = evolve(signal(line.partition("(")[0], kind), scale=Decimal(scale))
    (reading,) = read(f"{line}\r\n!\r\n", wanted)
    assert value_text(reading.value) == value
    assert reading.quality is (Quality.BAD if value is None else Quality.GOOD)
    assert reading.raw == line.partition("(")[2].removesuffix(")")


def test_a_scale_applies_to_what_the_profiles_decoder_gave() -> None:
    profile = with_registers(Register("1.8.0", decoder="decimal"), Register("F.F", decoder="flags"))
    wanted = [evolve(signal(tag), signal_alias=tag, scale=Decimal("0.1")) for tag in ("1.8.0", "F.F")]
    energy, error = read("1.8.0(0012)\r\nF.F(81)\r\n!\r\n", *wanted, profile=profile)
    assert (energy.value, energy.quality) == (Decimal("1.2"), Quality.GOOD)
    assert (error.value, error.quality, error.reason) == (None, Quality.BAD, '"bit 0 bit 7" is not a number')


def test_a_unit_of_the_site_stands_in_place_of_the_printed_one() -> None:
    wanted = evolve(signal("1.8.0"), scale=Decimal("0.001"), unit="mwh")
    (reading,) = read("1.8.0(0147238.4*kWh)\r\n!\r\n", wanted)
    assert (reading.value, reading.unit, reading.raw) == (Decimal("147.2384"), "MWh", "0147238.4*kWh")
    (unread,) = read("1.8.0(----*kWh)\r\n!\r\n", evolve(signal("1.8.0"), unit="MWh"))
    assert (unread.quality, unread.unit) == (Quality.BAD, None)


# The meter's clock


@pytest.mark.parametrize(
    ("block", "iso"),
    [
        ("0.9.1(0143005)\r\n0.9.2(0260301)\r\n", "2026-03-01T14:30:05"),
        ("1-0:0.9.1*255(14:30:05)\r\n1-0:0.9.2*255(26-03-01)\r\n", "2026-03-01T14:30:05"),
        ("0.9.4(0260301143005)\r\n", "2026-03-01T14:30:05"),
        ("0-0:1.0.0(260301143005W)\r\n", "2026-03-01T14:30:05"),
        ("0.9.1(143005)\r\n", None),
        ("0.9.1(143005)\r\n0.9.2(260001)\r\n", None),
        ("0.9.1*01(143005)\r\n0.9.2(260301)\r\n", None),
    ],
)
def test_the_meters_clock_is_read(block: str, iso: str | None) -> None:
    assert value_text(GENERIC.meter_time(parse_block(f"{block}!\r\n".encode()))) == iso


# Conduct and addresses


@pytest.mark.parametrize(
    ("line", "mode", "t_r"),
    [
        (b"/XMP5VERBA", Mode.C, 0.2),
        (b"/XMp5VERBA", Mode.C, 0.02),
        (b"/XMPAVERBA", Mode.B, 0.2),
        (b"/XMP VERBA", Mode.A, 0.2),
    ],
)
def test_the_generic_conduct_follows_the_identification(line: bytes, mode: Mode, t_r: float) -> None:
    conduct = GENERIC.conduct(identification(line))
    assert (conduct.mode, conduct.check, conduct.option, conduct.t_r) == (mode, BlockCheck.XOR, "0", t_r)
    assert conduct.speed_character is None


def test_a_profile_states_its_conduct() -> None:
    profile = load_profile(WHOLE, "xmp.toml")
    conduct = profile.conduct(identification(b"/XMP5\\2VERBA-3"))
    assert (conduct.mode, conduct.check, conduct.t_r, conduct.speed_character) == (Mode.C, BlockCheck.SUM7, 0.04, "3")
    assert (profile.key, profile.medium, profile.min_interval_s, profile.wakeup) == (
        "xmp-verba@3",
        6,
        3600,
        Wakeup.NULLS,
    )
    assert (profile.identity, profile.registers[0].unit, profile.registers[0].rollover_width) == (("9.21",), "GJ", 7)
    assert (profile.address.sign_on("00123456789"), profile.registers[0].aliases) == ("XM456789", ("HEAT",))
    check_examples(profile)


def test_a_profile_fits_from_the_slash_on() -> None:
    profile = load_profile(WHOLE, "xmp.toml")
    assert profile.fits(identification(b"/XMP5\\2VERBA-9"))
    assert not profile.fits(identification(b"/XMP5VERBA-9"))


def test_the_serial_number_is_sent_as_the_profile_says() -> None:
    assert AddressForm().sign_on("00123") == "00123"
    assert AddressForm(last_digits=9).sign_on("009112041770326") == "041770326"
    assert AddressForm(prefix="MSY").sign_on("80099921") == "MSY80099921"
    assert AddressForm(prefix="MSY").sign_on("MSY80099921") == "MSY80099921"
    assert AddressForm(prefix="MSY").sign_on("") == ""


def test_a_password_never_shows() -> None:
    password = Password("24681357")
    assert "24681357" not in f"{password} {password!r}"
    assert password.reveal() == "24681357"


# Profile texts


def without(line: str) -> Callable[[], str]:
    return lambda: "\n".join(row for row in WHOLE.split("\n") if not row.startswith(line))


def replaced(old: str, new: str) -> Callable[[], str]:
    return lambda: WHOLE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "code", "evidence"),
    [
        (lambda: "id = ", "E-PRO-1", "not TOML"),
        (replaced("maker =", "makr ="), "E-PRO-2", '"makr"'),
        (replaced("decoder =", "decodr ="), "E-PRO-2", '"decodr"'),
        (replaced('"C"', '"X"'), "E-PRO-3", "none of A, B, C"),
        (replaced("version = 3", 'version = "3"'), "E-PRO-3", "a whole number"),
        (replaced("version = 3", "version = true"), "E-PRO-3", "a whole number"),
        (replaced("min_interval_s = 3600", "min_interval_s = -1"), "E-PRO-3", "-1"),
        (replaced('"heat"', '"steam"'), "E-PRO-3", "steam"),
        (replaced('speed_character = "3"', 'format = "8N1"'), "E-PRO-2", '"format"'),
        (replaced('speed_character = "3"', 'speed_character = "z"'), "E-PRO-3", "names no speed"),
        (replaced('name = "heat"', 'name = "he at"'), "E-PRO-3", "letters"),
        (replaced("bracket = 1", "bracket = [1]"), "E-PRO-3", "bracket"),
        (replaced("rollover_width = 7", "rollover_width = 16"), "E-PRO-3", "rollover_width = 16 is not from 1 to 15"),
        (replaced("rollover_width = 7", "rollover_width = 0"), "E-PRO-3", "rollover_width = 0"),
        (replaced("[{ signal", "[7, { signal"), "E-PRO-3", "list of tables"),
        (replaced('["9.21"]', "[9.21]"), "E-PRO-3", "list of texts"),
        (without("title"), "E-PRO-4", '"title"'),
        (without("differs"), "E-PRO-4", '"differs"'),
        (replaced("'/XMP5\\\\2VERBA'", "'/XMP5('"), "E-PRO-5", "regular expression"),
        (lambda: WHOLE[: WHOLE.index("[[example]]")], "E-PRO-6", "no [[example]]"),
        (replaced("[[example]]", '[[register]]\naddress = "HEAT"\nname = "other"\n[[example]]'), "E-PRO-7", "HEAT"),
    ],
)
def test_a_wrong_profile_is_refused_with_what_is_wrong(text: Callable[[], str], code: str, evidence: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(text(), "xmp.toml")
    matching = [finding for finding in caught.value.findings if finding.code == code]
    assert any(evidence in f"{finding.what} {finding.next}" for finding in matching), caught.value.findings


def test_all_findings_come_at_once_with_their_lines() -> None:
    text = WHOLE.replace("maker =", "makr =").replace('"heat"\ntitle', '"he at"\ntitle')
    with pytest.raises(ProfileError) as caught:
        load_profile(text, "xmp.toml")
    assert {finding.code for finding in caught.value.findings} == {"E-PRO-2", "E-PRO-3", "E-PRO-4"}
    misspelt = next(finding for finding in caught.value.findings if finding.code == "E-PRO-2")
    assert (misspelt.where, misspelt.next) == ("xmp.toml:5", 'did you mean "maker"?')


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        (replaced('"391.46"', '"391.47"'), "391.46"),
        (replaced('readings = [{ signal = "heat"', 'readings = [{ signal = "cold"'), "no such register"),
        (replaced("'/XMP5\\2VERBA-3'", "'/XMP5VERBA-3'"), "does not match"),
        (replaced("block = '''", "check = '7F'\nblock = '''"), "sum7 makes"),
    ],
)
def test_an_example_that_gives_something_else_is_refused(text: Callable[[], str], evidence: str) -> None:
    profile = load_profile(text(), "xmp.toml")
    with pytest.raises(ProfileError, match="E-PRO-9") as caught:
        check_examples(profile)
    assert evidence in caught.value.what


def test_a_decoder_that_nobody_brings_is_named() -> None:
    profile = load_profile(WHOLE.replace('"decimal"', '"vendor.thing"'), "xmp.toml")
    with pytest.raises(ProfileError, match=r"vendor\.thing"):
        check_examples(profile)


def test_a_code_of_another_medium_takes_the_profiles_prefix() -> None:
    profile = load_profile(WHOLE, "xmp.toml")
    (reading,) = read("6.26(5*m3)\r\n!\r\n", profile=profile)
    assert reading.obis == str(parse_obis("6.26", 6)) == "6-0:6.26.0*255"
