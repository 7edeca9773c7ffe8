"""How every verb prints its data: tables for people, JSON, JSON lines, CSV for programs."""

import csv
import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import ParamSpec, TypeVar

import click
from attrs import frozen

from gateway.errors import Finding, MetergateError

P = ParamSpec("P")
R = TypeVar("R")
Row = Mapping[str, object]


class Form(StrEnum):
    """The forms in which data is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    RAW = "raw"


@frozen
class Output:
    """Prints rows to standard output in the chosen form."""

    form: Form

    def rows(self, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """One line a row; JSON holds each row whole, the other forms the named columns."""
        match self.form:
            case Form.TABLE:
                print_table(columns, rows)
            case Form.JSON:
                click.echo(json.dumps(list(rows), ensure_ascii=False, indent=1))
            case Form.JSONL:
                for row in rows:
                    click.echo(json.dumps(row, ensure_ascii=False))
            case Form.CSV:
                writer = csv.writer(sys.stdout, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
            case Form.RAW:
                for row in rows:
                    click.echo("\t".join(cell(row.get(column)) for column in columns))


def output_options(verb: Callable[P, R]) -> Callable[..., R]:
    """Adds `--format` and `--json` to a verb, which gets them as `output`.

    The default is a table on a terminal, else JSON lines.
    """

    @click.option("--format", "form", type=click.Choice([form.value for form in Form]), help="How data is printed.")
    @click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
    @functools.wraps(verb)
    def with_output(*arguments: P.args, **options: P.kwargs) -> R:
        chosen = options.pop("form")
        as_json = options.pop("as_json")
        if as_json and chosen not in {None, Form.JSON.value}:
            raise click.UsageError(f"give --json or --format {chosen}, not both")
        default = Form.TABLE if sys.stdout.isatty() else Form.JSONL
        form = Form.JSON if as_json else Form(str(chosen)) if chosen else default
        options["output"] = Output(form)
        return verb(*arguments, **options)

    return with_output


def print_table(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """An aligned table: numbers to the right, as wide as its cells."""
    cells = [[printable(cell(row.get(column))) for column in columns] for row in rows]
    widths = [max([len(column), *(len(line[n]) for line in cells)]) for n, column in enumerate(columns)]
    numeric = [bool(cells) and all(_is_number(line[n]) for line in cells) for n in range(len(columns))]
    for line in [list(columns), *cells]:
        padded = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def cell(value: object) -> str:
    """One value as the text of a cell; nothing for None, JSON for what has parts."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(value).lower()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def printable(text: str) -> str:
    """Text for a terminal: characters that could steer it are shown as escapes."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def report(finding: Finding) -> None:
    """A message to a person, on standard error."""
    lines = str(finding).split("\n")
    click.echo("\n".join(printable(line) for line in lines), err=True)


def fail(error: MetergateError, where: str, exit_code: int) -> "click.exceptions.Exit":
    """Reports an error and gives the exception that ends the command with its exit code."""
    report(error.finding(where))
    return click.exceptions.Exit(exit_code)


def _is_number(text: str) -> bool:
    return text == "" or text.replace(".", "", 1).lstrip("-").isdigit()
