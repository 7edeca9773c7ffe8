"""The programming mode of a meter family, from the `[programming]` table of its profile."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from gateway.errors import Cause
from gateway.profile.pattern import flaw_of
from gateway.profile.programming_mode import (
    ClockForm,
    ErrorText,
    ProgrammingMode,
    SeriesKind,
    StoredCommand,
    StoredSeries,
)
from gateway.profile.table import Table
from gateway.profile.vdew import LOG_STATUS, STATUS, USUAL
from gateway.reading import Access

IDLE_MIN_S, IDLE_MAX_S = 1.5, 120.0
_LINES_A_BLOCK_MAX = 99
_STATUS_BITS = 64
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# protocol.md 3.8: an address of up to 16 printable characters; the argument stands between brackets.
_ADDRESS = re.compile(r"[ \"-'*-.0-~]{1,16}")
_ARGUMENT = re.compile(r"[ -'*-~]{0,128}")
_STAMP = re.compile(r"(?:YYYY|YY|MM|DD|hh|mm|ss|s|[-:., ])+")
_BIT = re.compile(r"[0-9]{1,2}")
_READS, _READS_IN_PARTS = ("R1", "R2", "R5"), ("R3", "R4", "R6")
_WRITES, _EXECUTES = ("W1", "W2", "W5"), ("E2", "W1", "W2", "W5")
_OPTION_DIGITS = "56789"


class _Refusal(StrEnum):
    """What an error text ends a visit with, in the words of a profile."""

    REFUSED = "refused"
    ACCESS_DENIED = "access_denied"
    EMPTY = "empty"


_CAUSES = {_Refusal.REFUSED: Cause.REFUSED, _Refusal.ACCESS_DENIED: Cause.ACCESS_DENIED, _Refusal.EMPTY: None}


def programming_mode(table: Table) -> ProgrammingMode:
    """What the table states; for every key that it leaves out, the usual practice.

    What is wrong becomes a finding of the table: a command of another kind, a group that cannot be, a pattern that is
    none or may match for ever, a code or name that stands twice.
    """
    mode = ProgrammingMode(
        read=_command(table, "read", _READS, USUAL.read),
        read_parts=_command(table, "read_parts", _READS_IN_PARTS, "") or USUAL.read_parts,
        write=_command(table, "write", _WRITES, USUAL.write),
        execute=_command(table, "execute", _EXECUTES, USUAL.execute),
        argument=_text(table, "argument", _ARGUMENT, USUAL.argument),
        lines_a_block=table.number("lines_a_block", USUAL.lines_a_block, 1, _LINES_A_BLOCK_MAX),
        passwords=_passwords(table) if table.has("passwords") else USUAL.passwords,
        reads=_group(table, "reads") or USUAL.reads,
        writes=_group(table, "writes") or USUAL.writes,
        idle_s=table.real("idle_s", USUAL.idle_s, IDLE_MIN_S, IDLE_MAX_S),
        errors=tuple(_error(entry) for entry in table.tables("error")),
        tables=_option_tables(table.table("tables")),
        series=_series(table) if table.has("series") else USUAL.series,
        commands=_commands(table) if table.has("command") else USUAL.commands,
        clock=_clock(table.table("clock")) if table.has("clock") else USUAL.clock,
    )
    table.close()
    return mode


def _command(table: Table, key: str, allowed: tuple[str, ...], default: str) -> str:
    word = table.take(key, str, default)
    if word not in {*allowed, default}:
        table.find("E-PRO-3", f'{key} = "{word}" is none of {", ".join(allowed)}', key=key)
    return word


def _text(table: Table, key: str, allowed: re.Pattern[str], default: str | None = None) -> str:
    """A text that a data set can carry; required where there is no default."""
    text = table.require(key, str, "") if default is None else table.take(key, str, default)
    if text and not allowed.fullmatch(text):
        table.find("E-PRO-3", f'{key} = "{text}" is too long for a data set, or parts it', key=key)
    return text


def _group(table: Table, key: str) -> Access | None:
    group = table.choice(key, Access)
    if group is Access.SEALED:
        table.find("E-PRO-3", f'{key} = "sealed" is for single registers and commands', "one of none, low, high", key)
    return group


def _passwords(table: Table) -> Mapping[Access, str]:
    named = table.table("passwords")
    passwords = {group: named.take(group.value, str, "") for group in (Access.LOW, Access.HIGH)}
    named.close()
    return {group: name for group, name in passwords.items() if name}


def _error(entry: Table) -> ErrorText:
    pattern = entry.require("pattern", str, "")
    flaw = flaw_of(pattern)
    if flaw is not None:
        entry.find("E-PRO-5", f"pattern {flaw}", key="pattern")
    error = ErrorText(
        pattern=pattern if flaw is None else "",
        meaning=entry.require("meaning", str, ""),
        cause=_CAUSES[entry.choice("cause", _Refusal) or _Refusal.REFUSED],
    )
    entry.close()
    return error


def _option_tables(table: Table) -> Mapping[str, str]:
    tables = {digit: table.take(digit, str, "") for digit in _OPTION_DIGITS if table.has(digit)}
    for digit in table.rest():
        table.find("E-PRO-3", f'"{digit}" is no option digit from 5 to 9', key=digit)
    return tables


def _series(table: Table) -> tuple[StoredSeries, ...]:
    entries = table.tables("series")
    series = tuple(_one_series(entry) for entry in entries)
    _unique(entries, (each.address for each in series))
    return series


def _one_series(entry: Table) -> StoredSeries:
    if not entry.has("kind"):
        entry.find("E-PRO-4", 'the key "kind" is missing', f"one of {', '.join(SeriesKind)}")
    kind = entry.choice("kind", SeriesKind)
    usual_status = LOG_STATUS if kind is SeriesKind.LOG else STATUS
    series = StoredSeries(
        address=_text(entry, "address", _ADDRESS),
        kind=kind or SeriesKind.LOAD_PROFILE,
        title=entry.require("title", str, ""),
        limit_form=_stamp(entry, "limit_form", entry.take("limit_form", str, USUAL.series[0].limit_form)),
        status=_status(entry.table("status")) if entry.has("status") else usual_status,
        access=_group(entry, "access") or Access.NONE,
    )
    entry.close()
    return series


def _status(table: Table) -> Mapping[int, str]:
    names: dict[int, str] = {}
    for key, name in table.rest().items():
        if not _BIT.fullmatch(key) or int(key) >= _STATUS_BITS or not isinstance(name, str):
            table.find("E-PRO-3", f"{key} = {name!r} does not name a bit from 0 to {_STATUS_BITS - 1}", key=key)
        else:
            names[int(key)] = name
    return names


def _commands(table: Table) -> tuple[StoredCommand, ...]:
    entries = table.tables("command")
    commands = tuple(_one_command(entry) for entry in entries)
    _unique(entries, (command.name for command in commands))
    return commands


def _one_command(entry: Table) -> StoredCommand:
    usual = USUAL.commands[0]
    command = StoredCommand(
        name=_text(entry, "name", _NAME),
        address=_text(entry, "address", _ADDRESS),
        title=entry.require("title", str, ""),
        argument=_text(entry, "argument", _ARGUMENT, ""),
        access=entry.choice("access", Access) or usual.access,
        watched=entry.texts("watched") if entry.has("watched") else usual.watched,
    )
    entry.close()
    return command


def _clock(table: Table) -> ClockForm:
    registers: list[tuple[str, str]] = []
    for pair in table.take("registers", list, []) if table.has("registers") else USUAL.clock.registers:
        match pair:
            case (str(address), str(form)) if _ADDRESS.fullmatch(address):
                registers.append((address, _stamp(table, "registers", form)))
            case _:
                table.find("E-PRO-3", f'registers: {pair!r} is no pair such as ["0.9.1", "shhmmss"]', key="registers")
    clock = ClockForm(tuple(registers), _group(table, "access") or USUAL.clock.access)
    table.close()
    return clock


def _stamp(table: Table, key: str, form: str) -> str:
    if not _STAMP.fullmatch(form):
        table.find("E-PRO-3", f'{key}: "{form}" holds more than s YYYY YY MM DD hh mm ss - : . , and blanks', key=key)
    return form


def _unique(entries: Iterable[Table], names: Iterable[str]) -> None:
    seen: set[str] = set()
    for entry, name in zip(entries, names, strict=True):
        if name and name in seen:
            entry.find("E-PRO-7", f'"{name}" stands twice')
        seen.add(name)
