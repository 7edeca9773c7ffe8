"""The verb `profile`: the meter families that Metergate knows."""

import json
from collections.abc import Mapping

import click

from gateway.catalog import AUTO, Catalog
from gateway.cli.exits import invalid_input
from gateway.cli.output import Form, Output, cell, output_options, print_table, printable, report
from gateway.cli.plugins import catalog_of
from gateway.profile import AccessGroup, MeterProfile, access_groups
from gateway.profile.document import MEDIA
from gateway.profile.programming_mode import ProgrammingMode
from gateway.reading import Register

LIST_COLUMNS = ("profile", "title", "maker", "identification", "mode", "check")
FACT_COLUMNS = ("fact", "value")
REGISTER_COLUMNS = ("address", "name", "title", "unit", "decoder", "access", "write_access")
SERIES_COLUMNS = ("address", "kind", "title", "limit_form", "access", "status")
COMMAND_COLUMNS = ("name", "address", "argument", "title", "access", "watched")
ERROR_COLUMNS = ("pattern", "meaning", "cause")
CLOCK_COLUMNS = ("address", "form", "access")
MEMBER_COLUMNS = ("use", "address", "name", "title")
PLAIN_FACTS = (
    "identification",
    "mode",
    "check",
    "medium",
    "identity",
    "address",
    "min_interval_s",
    "wakeup",
    "speed_character",
    "reaction_ms",
)
EMPTY_RANGE = "empty"


@click.group()
def profile() -> None:
    """Show the profiles of meter families: shipped, local and brought by plugins.

    \b
    Examples:
      metergate profile list
      metergate profile show emh-lzqj
    """  # noqa: D301 - click's mark for lines that stay as they are


@profile.command(name="list")
@click.option("--config", type=click.Path(), help="A site file, whose plugins.allow and gateway.profiles are obeyed.")
@output_options
def list_profiles(config: str | None, output: Output) -> None:
    """List all profiles with the identification that each of them fits.

    \b
    Examples:
      metergate profile list
      metergate profile list --json
      metergate profile list --config site.toml    with the local ones of this site
    """  # noqa: D301 - click's mark for lines that stay as they are
    profiles = _catalog(config).profiles
    output.rows(LIST_COLUMNS, [_row(profiles[identifier]) for identifier in sorted(profiles)])


@profile.command(name="show")
@click.argument("identifier", metavar="ID")
@click.option("--config", type=click.Path(), help="A site file, whose plugins.allow and gateway.profiles are obeyed.")
@output_options
def show_profile(identifier: str, config: str | None, output: Output) -> None:
    """Show all facts of one profile, with the groups of its registers and how each group is reached.

    \b
    Examples:
      metergate profile show energomera-ce30x
      metergate profile show generic --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    catalog = _catalog(config)
    with invalid_input():
        shown = catalog.profile(identifier)
    groups = access_groups(shown)
    match output.form:
        case Form.JSON | Form.JSONL:
            indent = 1 if output.form is Form.JSON else None
            click.echo(json.dumps(profile_as_json(shown), ensure_ascii=False, indent=indent))
        case Form.TABLE:
            _print_facts(shown)
            print_groups(groups)
        case Form.CSV | Form.RAW:
            rows = [{"group": group.access.value, **row.as_json()} for group in groups for row in group.members]
            output.rows(("group", *MEMBER_COLUMNS), rows)


def profile_as_json(shown: MeterProfile) -> dict[str, object]:
    """All facts of a profile, as programs get them."""
    return {
        **_row(shown),
        "medium": _word_of(shown.medium),
        "identity": list(shown.identity),
        "address": {"prefix": shown.address.prefix, "last_digits": shown.address.last_digits},
        "min_interval_s": shown.min_interval_s,
        "wakeup": shown.wakeup.value,
        "speed_character": shown.speed_character,
        "reaction_ms": shown.reaction_ms,
        "differs": shown.differs,
        "notes": list(shown.notes),
        "sources": list(shown.sources),
        "registers": [_register(register) for register in shown.registers],
        "programming": _programming(shown.programming),
        "groups": [group.as_json() for group in access_groups(shown)],
    }


def print_groups(groups: tuple[AccessGroup, ...]) -> None:
    """The groups for a person: how each is reached, then its members."""
    for group in groups:
        click.echo(f"\n{group.title}: {group.way}")
        if group.members:
            print_table(MEMBER_COLUMNS, [member.as_json() for member in group.members])


def _catalog(config: str | None) -> Catalog:
    with invalid_input():
        catalog = catalog_of(config)
    for finding in catalog.findings:
        report(finding)
    return catalog


def _row(shown: MeterProfile) -> dict[str, object]:
    return {
        "profile": shown.key,
        "title": shown.title,
        "maker": shown.maker,
        "identification": shown.identification,
        "mode": shown.mode.value if shown.mode else AUTO,
        "check": shown.check.value,
    }


def _word_of(medium: int) -> str:
    return next(word for word, number in MEDIA.items() if number == medium)


def _register(register: Register) -> dict[str, object]:
    return {
        "address": register.address,
        "aliases": list(register.aliases),
        "name": register.name,
        "title": register.title,
        "unit": register.unit,
        "decoder": register.decoder,
        "parameters": dict(register.parameters),
        "access": register.access,
        "write_access": register.write_access,
    }


def _programming(mode: ProgrammingMode) -> dict[str, object]:
    return {**_commands_understood(mode), **{key: rows for key, (_, rows) in _lists(mode).items()}}


def _commands_understood(mode: ProgrammingMode) -> dict[str, object]:
    return {
        "read": mode.read,
        "read_parts": mode.read_parts,
        "write": mode.write,
        "execute": mode.execute,
        "argument": mode.argument,
        "lines_a_block": mode.lines_a_block,
        "idle_s": mode.idle_s,
        "reads": mode.reads.value,
        "writes": mode.writes.value,
        "passwords": {group.value: name for group, name in mode.passwords.items()},
        "tables": dict(mode.tables),
    }


def _lists(mode: ProgrammingMode) -> dict[str, tuple[tuple[str, ...], list[dict[str, object]]]]:
    """What the mode holds several of, each with its columns."""
    series: list[dict[str, object]] = [
        {
            "address": one.address,
            "kind": one.kind.value,
            "title": one.title,
            "limit_form": one.limit_form,
            "access": one.access.value,
            "status": {str(bit): name for bit, name in one.status.items()},
        }
        for one in mode.series
    ]
    commands: list[dict[str, object]] = [
        {
            "name": one.name,
            "address": one.address,
            "argument": one.argument,
            "title": one.title,
            "access": one.access.value,
            "watched": list(one.watched),
        }
        for one in mode.commands
    ]
    errors: list[dict[str, object]] = [
        {"pattern": one.pattern, "meaning": one.meaning, "cause": one.cause.value if one.cause else EMPTY_RANGE}
        for one in mode.errors
    ]
    clock: list[dict[str, object]] = [
        {"address": address, "form": form, "access": mode.clock.access.value} for address, form in mode.clock.registers
    ]
    return {
        "clock": (CLOCK_COLUMNS, clock),
        "errors": (ERROR_COLUMNS, errors),
        "series": (SERIES_COLUMNS, series),
        "commands": (COMMAND_COLUMNS, commands),
    }


def _print_facts(shown: MeterProfile) -> None:
    facts = profile_as_json(shown)
    mode = shown.programming
    click.echo(printable(f"{shown.key}  {shown.title} ({shown.maker})"))
    for remark in (shown.differs, *shown.notes, *(f"Source: {source}." for source in shown.sources)):
        if remark:
            click.echo(printable(remark))
    click.echo()
    _print_filled({key: facts[key] for key in PLAIN_FACTS})
    click.echo("\nprogramming mode")
    _print_filled(_commands_understood(mode))
    registers = [_register(register) for register in shown.registers]
    for title, (columns, rows) in {**_lists(mode), "registers": (REGISTER_COLUMNS, registers)}.items():
        if rows:
            click.echo(f"\n{title}")
            print_table(columns, [{column: _readable(row[column]) for column in columns} for row in rows])


def _print_filled(facts: Mapping[str, object]) -> None:
    """One line a fact, without those that say nothing."""
    print_table(
        FACT_COLUMNS, [{"fact": key, "value": text} for key, value in facts.items() if (text := _readable(value))]
    )


def _readable(value: object) -> str:
    """A value for a person: the parts of a list or table in a row."""
    match value:
        case dict():
            return ", ".join(f"{key} {part}" for key, part in value.items() if part not in (None, ""))
        case list():
            return ", ".join(str(part) for part in value)
        case _:
            return cell(value)
