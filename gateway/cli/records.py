"""How a readout is printed: as a record for programs, as a table of its registers for people."""

import json
import re
from collections.abc import Mapping, Sequence

import click

from gateway.cli.output import Form, Output, print_table, printable
from gateway.reading import Gap, Readout, Record, reading_as_json, value_text

COLUMNS = ("address", "obis", "title", "value", "unit", "time", "quality", "reason", "valid_at", "status")
_NOT_AN_ALIAS = re.compile(r"[^A-Za-z0-9_-]+")


def print_record(record: Record) -> None:
    """One readout or event as a line of JSON; a gap was told by its message."""
    if not isinstance(record, Gap):
        click.echo(json.dumps(record.as_json(), ensure_ascii=False))


def print_readout(readout: Readout, output: Output) -> None:
    """One readout: its record for programs, its registers as rows for people."""
    match output.form:
        case Form.JSON:
            click.echo(json.dumps(readout.as_json(), ensure_ascii=False, indent=1))
        case Form.JSONL:
            print_record(readout)
        case Form.TABLE:
            _print_title(readout)
            print_table(filled(COLUMNS, rows := register_rows(readout)), rows)
        case Form.RAW:
            click.echo(readout.block.decode("latin-1"), nl=False)
        case Form.CSV:
            output.rows(("meter", "read_at", *COLUMNS), register_rows(readout))


def register_rows(readout: Readout) -> list[dict[str, object]]:
    """One row a register, with the meter's name beside it."""
    head = {"meter": readout.visit.meter, "serial": readout.visit.serial}
    read_at = readout.as_json()["read_at"]
    return [
        {**head, "read_at": read_at, **reading_as_json(reading), "title": reading.title} for reading in readout.readings
    ]


def print_signals(readout: Readout) -> None:
    """One `[[meter.signal]]` block a register, ready for a site file."""
    taken: set[str] = set()
    for reading in readout.readings:
        alias = base = _NOT_AN_ALIAS.sub("_", reading.signal).strip("_") or "register"
        number = 1
        while alias in taken:
            number += 1
            alias = f"{base}_{number}"
        taken.add(alias)
        remark = " ".join(filter(None, (f"# now {value_text(reading.value)}", reading.unit)))
        click.echo("[[meter.signal]]")
        click.echo(f"signal_name = {json.dumps(reading.title or reading.address, ensure_ascii=False)}")
        click.echo(f'signal_alias = "{alias}"')
        click.echo(f"tag_job_todo = {json.dumps(reading.address, ensure_ascii=False)}  {printable(remark)}\n")


def _print_title(readout: Readout) -> None:
    quality = readout.quality.value + (f" ({readout.reason})" if readout.reason else "")
    click.echo(
        f"{readout.visit.serial or readout.visit.meter}  {readout.identification}  profile {readout.profile}  {quality}"
    )


def filled(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns in which any row has something to say."""
    return [column for column in columns if any(row.get(column) not in (None, "", "good") for row in rows)]
