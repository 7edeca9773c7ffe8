"""The JSON Schema and the documentation say what the tables say."""

from pathlib import Path

import pytest
from attrs import NOTHING, AttrsInstance

from gateway.codes import CODES
from gateway.site.kinds import shown
from gateway.site.schema import site_schema, written_default
from gateway.site.tables import (
    LATER_TABLES,
    LISTS,
    SINGLE,
    JobTable,
    LineTable,
    MeterTable,
    SignalTable,
    keys_of,
    later_keys,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "site-file.md"
TABLES = {f"[{name}]": table for name, table in SINGLE.items()} | {
    f"[[{name}]]": table for name, table in LISTS.items()
}
TABLES["[[meter.signal]]"] = SignalTable
TABLES["[[meter.job]]"] = JobTable


def sections() -> dict[str, str]:
    parts = DOCUMENT.read_text(encoding="utf-8").split("\n## ")
    return {part.partition("\n")[0]: part for part in parts}


def rows(section: str) -> dict[str, list[str]]:
    cells = [
        line.replace("\\|", "¦").strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): [cell.replace("¦", "|") for cell in row[1:]] for row in cells}


@pytest.mark.parametrize("header", TABLES)
def test_the_document_lists_each_key_with_its_range_default_meaning(header: str) -> None:
    documented = rows(sections()[header])
    expected = keys_of(TABLES[header])
    assert list(documented) == list(expected)
    for name, key in expected.items():
        default = written_default(key)
        required = "required" if key.default is NOTHING else "none"
        assert documented[name][:3] == [
            str(key.kind),
            required if default is None else f"`{shown(default)}`",
            key.about,
        ]


def test_every_message_of_the_document_is_explained() -> None:
    for section in sections().values():
        for row in rows(section).values():
            assert set(row[3].split(", ")) <= set(CODES)


def test_the_document_names_all_that_a_later_version_brings() -> None:
    text = sections()["Rules"]
    tables: tuple[type[AttrsInstance], ...] = (*SINGLE.values(), *TABLES.values())
    later = [name for table in tables for name in later_keys(table)]
    assert [name for name in (*later, *LATER_TABLES) if f"`{name}`" not in text] == []


def test_the_schema_knows_every_table_and_key() -> None:
    properties = site_schema()["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {"config_version", "defaults", *SINGLE, *LISTS}
    assert set(properties["line"]["items"]["properties"]) == set(keys_of(LineTable))
    assert set(properties["meter"]["items"]["properties"]) == {*keys_of(MeterTable), "signal", "job"}
    assert set(properties["defaults"]["properties"]) == {*keys_of(LineTable), *keys_of(MeterTable)}
    assert properties["meter"]["items"]["required"] == ["device_alias", "line", "serialnumber"]
    assert properties["sink"]["items"]["additionalProperties"] is True
    assert properties["line"]["items"]["additionalProperties"] is False


def test_the_schema_carries_ranges_and_defaults() -> None:
    meter = site_schema()["properties"]["meter"]["items"]["properties"]  # type: ignore[index]
    assert meter["t2"]["anyOf"] == [{"const": "auto"}, {"type": "integer", "minimum": 20, "maximum": 1500}]
    assert (meter["t2"]["default"], meter["scan_rate_ms"]["default"]) == ("auto", 900_000)
    assert meter["type"]["enum"] == ["auto", "A", "B", "C", "D", "E"]
    assert meter["job"]["items"]["required"] == ["kind", "schedule"]
