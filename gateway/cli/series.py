"""The verbs `profile-data`, `events`: what a meter has stored over time."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import click
from attrs import frozen

from gateway.cli.errand import ASKING, exit_of_readings, readout_of
from gateway.cli.journal import iso_time
from gateway.cli.output import Form, Output, output_options
from gateway.cli.records import filled
from gateway.cli.target import Target, target_options, timeout_option
from gateway.job import ReadSeries
from gateway.profile.programming_mode import SeriesKind
from gateway.reading import reading_as_json

R = TypeVar("R")
COLUMNS = ("meter", "signal", "address", "value", "unit", "raw", "valid_at", "time", "status", "quality", "reason")

TABLE_COLUMNS = ("time", "valid_at", "address", "value", "unit", "status", "quality", "reason")


@frozen
class Span:
    """What is asked of a stored series; `since`, `until` without an offset are in the zone of the meter's clock."""

    since: datetime | None
    until: datetime | None
    code: str | None
    timeout: float | None


def span_options(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds the options that name a stored series with a range of time to a verb, which gets them as `span`."""

    @click.option("--from", "since", type=iso_time, help="ISO 8601 date or time; none: from the last stored one on.")
    @click.option("--to", "until", type=iso_time, help="The end, itself not included; none: now.")
    @click.option("--code", help="The series, such as P.02; none: the profile's first of this kind.")
    @timeout_option
    @functools.wraps(verb)
    def with_span(
        since: datetime | None, until: datetime | None, code: str | None, timeout: float | None, **rest: object
    ) -> R:
        return verb(span=Span(since, until, code, timeout), **rest)

    return with_span


@click.command(name="profile-data")
@target_options
@span_options
@output_options
def profile_data(target: Target, span: Span, output: Output) -> None:
    """Read a load profile: the stored mean values of its intervals.

    valid_at is the end of the interval, time the meter's own stamp. With an ALIAS the rows are stored in the journal,
    and without --from only what came since the last stored one is asked for; at first the last day. With an ENDPOINT
    they are printed only, without --from those of the last day.

    \b
    Examples:
      metergate profile-data flat01
      metergate profile-data flat01 --from 2026-09-01 --to 2026-10-01 --format csv
      metergate profile-data /dev/ttyUSB0 --code P.02 --from 2026-01-01
    """  # noqa: D301 - click's mark for lines that stay as they are
    _print_series(target, SeriesKind.LOAD_PROFILE, span, output)


@click.command()
@target_options
@span_options
@output_options
def events(target: Target, span: Span, output: Output) -> None:
    """Read an event log: what happened to the meter, with its status words decoded.

    Ranges and storing as with `profile-data`.

    \b
    Examples:
      metergate events flat01 --from 2026-09-01
      metergate events /dev/ttyUSB0 --code P.98 --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    _print_series(target, SeriesKind.LOG, span, output)


def _print_series(target: Target, kind: SeriesKind, span: Span, output: Output) -> None:
    zone = target.site.gateway.timezone
    since, until = (
        moment if moment is None or moment.tzinfo else moment.replace(tzinfo=zone)
        for moment in (span.since, span.until)
    )
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--from lies not before --to")
    if since is None and target.is_endpoint:
        since = (until or datetime.now(zone)) - timedelta(days=1)
    readout = readout_of(target, ReadSeries(kind, span.code, since, until), ASKING, span.timeout)
    meter = {"meter": readout.visit.meter, "status": None}
    rows = [{**meter, **reading_as_json(reading)} for reading in readout.readings]
    columns = filled(TABLE_COLUMNS, rows) if output.form is Form.TABLE else COLUMNS
    output.rows(columns, [{column: row[column] for column in columns} for row in rows])
    raise click.exceptions.Exit(exit_of_readings(readout))
