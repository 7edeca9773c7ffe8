"""The verbs `readings`, `visits`: what the journal holds."""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from textwrap import shorten
from typing import TypeVar

import click
from attrs import frozen

from gateway.cli.exits import Exit, invalid_input
from gateway.cli.output import Form, Output, fail, output_options
from gateway.errors import JournalError
from gateway.journal import VISIT_COLUMNS, read_readings, read_visits
from gateway.reading import READING_COLUMNS
from gateway.site.load import find_site_file, load_site
from gateway.site.model import default_data_dir

R = TypeVar("R")
_REASON = 48


@frozen
class Source:
    """A journal, with the span of time that is wanted from it."""

    data_dir: Path
    since: datetime | None
    until: datetime | None


def source_options(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds the options that name a journal with a span of time to a verb, which gets them as `source`."""

    @click.option("--config", type=click.Path(), help="The site file whose journal is read.")
    @click.option("--data-dir", type=click.Path(path_type=Path), help="The journal's directory itself.")
    @click.option("--from", "since", type=iso_time, help="ISO 8601 date or time; without an offset in the site's zone.")
    @click.option("--to", "until", type=iso_time, help="The end, itself not included.")
    @functools.wraps(verb)
    def with_source(
        config: str | None, data_dir: Path | None, since: datetime | None, until: datetime | None, **rest: object
    ) -> R:
        return verb(source=_source(config, data_dir, since, until), **rest)

    return with_source


def iso_time(text: str) -> datetime:
    """A date or time of the command line; it carries a zone only where an offset is given."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no ISO 8601 date or time, such as 2026-09-30T12:00") from None


@click.command()
@source_options
@click.option("--meter", help="Only this meter, by its device_alias.")
@click.option("--signal", help="Only this signal, by its signal_alias.")
@output_options
def readings(source: Source, meter: str | None, signal: str | None, output: Output) -> None:
    """Print the readings that the journal holds, oldest first.

    Works while the gateway runs. --from and --to look at the time of reading. The last column is the reading's ID, of
    which `metergate explain-reading` tells where it comes from. A table shows the beginning of a long reason, the other
    forms all of it.

    \b
    Examples:
      metergate readings --data-dir /var/lib/metergate --meter flat01
      metergate readings --config site.toml --from 2026-09-30 --format csv
    """  # noqa: D301 - click's mark for lines that stay as they are
    rows = read_readings(source.data_dir, meter, signal, source.since, source.until)
    _print(output, (*READING_COLUMNS, "id"), map(_brief, rows) if output.form is Form.TABLE else rows)


def _brief(row: dict[str, object]) -> dict[str, object]:
    """The reading with as much of its reason as keeps a table narrow."""
    reason = row["reason"]
    return row if not isinstance(reason, str) else {**row, "reason": shorten(reason, _REASON, placeholder=" …")}


@click.command()
@source_options
@click.option("--meter", help="Only this meter, by its device_alias.")
@output_options
def visits(source: Source, meter: str | None, output: Output) -> None:
    """Print the slots that were due and how each ended, oldest first.

    Works while the gateway runs. --from and --to look at the time at which a slot was due.

    \b
    Examples:
      metergate visits --config site.toml --meter flat01
      metergate visits --data-dir /var/lib/metergate --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    _print(output, VISIT_COLUMNS, read_visits(source.data_dir, meter, source.since, source.until))


def _print(output: Output, columns: Sequence[str], rows: Iterator[dict[str, object]]) -> None:
    try:
        output.rows(columns, rows)
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None


def _source(config: str | None, data_dir: Path | None, since: datetime | None, until: datetime | None) -> Source:
    if data_dir is not None:
        return Source(data_dir, _in_zone(since, UTC), _in_zone(until, UTC))
    with invalid_input():
        site, _ = load_site(find_site_file(config))
    zone = site.gateway.timezone
    return Source(site.gateway.data_dir or default_data_dir(), _in_zone(since, zone), _in_zone(until, zone))


def _in_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=zone)
