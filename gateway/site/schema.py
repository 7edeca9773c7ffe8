"""The JSON Schema of the site file, made from its tables."""

from enum import Enum
from zoneinfo import ZoneInfo

from attrs import NOTHING, AttrsInstance

from gateway.site.tables import (
    CONFIG_VERSION,
    LISTS,
    SINGLE,
    JobTable,
    Key,
    LineTable,
    MeterTable,
    SignalTable,
    SinkTable,
    keys_of,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, object]


def site_schema() -> Schema:
    """The schema of a whole site file: types, ranges, defaults, meanings; cross-table rules are `check`'s."""
    properties: Schema = {"config_version": {"const": CONFIG_VERSION, "default": CONFIG_VERSION}}
    properties |= {name: _table(table) for name, table in SINGLE.items()}
    properties["defaults"] = {
        "description": "any key of [[line]] or [[meter]]",
        "type": "object",
        "properties": _properties(LineTable) | _properties(MeterTable),
        "additionalProperties": False,
    }
    properties |= {name: {"type": "array", "items": _table(table)} for name, table in LISTS.items()}
    return {
        "$schema": DIALECT,
        "title": "Metergate site file",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def written_default(key: Key) -> object:
    """A key's default as the site file writes it; None where it is required or there is none to write."""
    match key.default:
        case None:
            return key.written
        case _ if key.default is NOTHING:  # itself an Enum
            return None
        case Enum():
            return key.default.value
        case ZoneInfo():
            return key.default.key
        case _:
            return key.default


def _table(table: type[AttrsInstance]) -> Schema:
    properties = _properties(table)
    if table is MeterTable:
        properties["signal"] = {"type": "array", "items": _table(SignalTable)}
        properties["job"] = {"type": "array", "items": _table(JobTable)}
    return {
        "description": (table.__doc__ or "").strip(),
        "type": "object",
        "properties": properties,
        "required": [name for name, key in keys_of(table).items() if key.default is NOTHING],
        "additionalProperties": table is SinkTable,
    }


def _properties(table: type[AttrsInstance]) -> Schema:
    properties: Schema = {}
    for name, key in keys_of(table).items():
        default = written_default(key)
        known = {} if default is None else {"default": default}
        properties[name] = {"description": key.about} | key.kind.schema() | known
    return properties
