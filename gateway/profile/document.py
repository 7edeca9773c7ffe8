"""A meter profile from its TOML text."""

import re
import tomllib
from collections.abc import Mapping

from gateway.errors import Finding, ProfileError
from gateway.obis import canonical_unit
from gateway.profile.model import AddressForm, Example, MeterProfile
from gateway.profile.pattern import flaw_of
from gateway.profile.programming_document import programming_mode
from gateway.profile.table import Table
from gateway.profile.vdew import USUAL
from gateway.protocol.characters import SPEEDS_MODE_B, SPEEDS_MODE_C, XOR, BlockCheck, Mode
from gateway.reading import Access, Register
from gateway.site.locate import Locator, locate
from gateway.site.model import Wakeup

GENERIC = "generic"
MEDIA = {
    "abstract": 0,
    "electricity": 1,
    "heat cost": 4,
    "cooling": 5,
    "heat": 6,
    "gas": 7,
    "cold water": 8,
    "hot water": 9,
}
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHECK_CHARACTER = re.compile(r"[0-9A-Fa-f]{2}")
_DAY_S = 86_400
_REACTION_LIMIT_MS = 10_000
ROLLOVER_WIDTH_LIMIT = 15
EXPECTED_KEYS = ("signal", "address", "obis", "value", "unit", "raw", "time", "quality")


def load_profile(text: str, where: str) -> MeterProfile:
    """The profile that a TOML text states; `where` names the text in messages.

    Raises ProfileError with all findings at once: no TOML, unknown or missing keys, values out of range, a pattern that
    is no regular expression, no example.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([Finding("E-PRO-1", where, f"not TOML: {error}")]) from None
    findings: list[Finding] = []
    locator = locate(where, text)
    table = Table(content, (), locator, findings)
    profile = _profile(table, locator)
    table.close()
    if findings:
        raise ProfileError(findings)
    return profile


def _profile(table: Table, locator: Locator) -> MeterProfile:
    identifier = _slug(table, "id")
    differs = table.take("differs", str, "")
    if not differs and identifier != GENERIC:
        table.find(
            "E-PRO-4",
            'the key "differs" is missing',
            "state in one sentence which facts differ from the generic profile",
        )
    registers = _registers(table)
    profile = MeterProfile(
        id=identifier,
        version=table.number("version", 1, 1, 9999) or 1,
        title=table.require("title", str, ""),
        maker=table.require("maker", str, ""),
        identification=_pattern(table),
        mode=table.choice("mode", Mode),
        check=table.choice("check", BlockCheck) or XOR,
        medium=_medium(table),
        registers=registers,
        identity=table.texts("identity"),
        address=_address(table.table("address")),
        min_interval_s=table.number("min_interval_s", 0, 0, 31 * _DAY_S) or 0,
        wakeup=table.choice("wakeup", Wakeup) or Wakeup.NONE,
        speed_character=_speed_character(table),
        reaction_ms=table.number("reaction_ms", None, 0, _REACTION_LIMIT_MS),
        programming=programming_mode(table.table("programming")) if table.has("programming") else USUAL,
        differs=differs,
        notes=table.texts("notes"),
        sources=table.texts("sources"),
        examples=tuple(_example(example) for example in table.tables("example")),
        origin=locator.file,
        lines={register.address: locator.line_of(("register", n)) for n, register in enumerate(registers)},
    )
    if not profile.examples:
        table.find("E-PRO-6", "no [[example]] telegram", "add one of your own making, with the readings it must give")
    return profile


def _slug(table: Table, key: str) -> str:
    value = table.require(key, str, "")
    if value and not _SLUG.fullmatch(value):
        table.find("E-PRO-3", f'{key} = "{value}" is not of letters, digits, - and _', key=key)
    return value


def _pattern(table: Table) -> str:
    pattern = table.require("identification", str, "")
    if flaw := flaw_of(pattern):
        table.find("E-PRO-5", f"identification {flaw}", key="identification")
    return pattern


def _medium(table: Table) -> int:
    word = table.take("medium", str, "electricity")
    if word not in MEDIA:
        table.find("E-PRO-3", f'medium = "{word}" is none of {", ".join(MEDIA)}', key="medium")
    return MEDIA.get(word, 1)


def _speed_character(table: Table) -> str | None:
    character = table.take("speed_character", str, "")
    if character and character not in SPEEDS_MODE_C and character not in SPEEDS_MODE_B:
        table.find("E-PRO-3", f'speed_character = "{character}" names no speed', key="speed_character")
    return character or None


def _address(table: Table) -> AddressForm:
    form = AddressForm(table.take("prefix", str, ""), table.number("last_digits", None, 1, 32))
    table.close()
    return form


def _registers(table: Table) -> tuple[Register, ...]:
    registers: list[Register] = []
    seen: set[str] = set()
    for entry in table.tables("register"):
        register = _register(entry)
        for name in {register.address, *register.aliases, register.name or register.address}:
            if name in seen:
                entry.find("E-PRO-7", f'"{name}" stands in two registers')
            seen.add(name)
        registers.append(register)
    return tuple(registers)


def _register(entry: Table) -> Register:
    parameters = entry.table("parameters")
    unit = entry.take("unit", str, "")
    register = Register(
        address=entry.require("address", str, ""),
        name=_slug(entry, "name"),
        title=entry.take("title", str, "") or None,
        unit=canonical_unit(unit) if unit else None,
        decoder=entry.take("decoder", str, "") or None,
        parameters=_plain(parameters),
        aliases=entry.texts("aliases"),
        access=entry.choice("access", Access),
        write_access=entry.choice("write_access", Access),
        rollover_width=entry.number("rollover_width", None, 1, ROLLOVER_WIDTH_LIMIT),
    )
    entry.close()
    return register


def _plain(table: Table) -> Mapping[str, str | int | bool]:
    plain: dict[str, str | int | bool] = {}
    for key, value in table.rest().items():
        if isinstance(value, str | int | bool):
            plain[key] = value
        else:
            table.find("E-PRO-3", f"{key} = {value!r} is neither text, whole number, true nor false", key=key)
    return plain


def _example(entry: Table) -> Example:
    check = entry.take("check", str, "")
    if check and not _CHECK_CHARACTER.fullmatch(check):
        entry.find("E-PRO-3", f'check = "{check}" is not two hexadecimal digits', key="check")
        check = ""
    block = entry.require("block", str, "")
    if not block.isascii():
        entry.find("E-PRO-3", "block holds characters beyond 7 bits", key="block")
    example = Example(
        title=entry.take("title", str, ""),
        identification=entry.require("identification", str, "/XXX5"),
        block=on_the_wire(block),
        readings=tuple(_expected(reading) for reading in entry.tables("readings")),
        check=int(check, 16) if check else None,
    )
    if not example.readings:
        entry.find("E-PRO-6", "the example names no readings", "name at least one with its value")
    entry.close()
    return example


def _expected(entry: Table) -> Mapping[str, str]:
    expected = {key: entry.take(key, str, "") for key in EXPECTED_KEYS if entry.has(key)}
    entry.close()
    return expected


def on_the_wire(text: str) -> bytes:
    """A text as it is readable in TOML, with the line ends of the wire."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("latin-1", "replace")
