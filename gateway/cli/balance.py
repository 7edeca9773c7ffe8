"""The verb `balance`: a main meter against the meters behind it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path

import click

from gateway.audit import advice, drawn_from, newest_interval, told
from gateway.balance import Interval, Statement
from gateway.cli.exits import Exit, invalid_input
from gateway.cli.journal import iso_time
from gateway.cli.output import Output, fail, output_options, report
from gateway.errors import Finding, JournalError
from gateway.journal import History
from gateway.reading import utc_text, value_text
from gateway.site.balance import BalanceSettings, Counter
from gateway.site.load import find_site_file, load_site
from gateway.site.model import Site, default_data_dir

COLUMNS = ("balance", "role", "meter", "signal", "start", "end", "consumption", "unit", "percent", "finding")


@click.command()
@click.argument("name", required=False)
@click.option("--config", type=click.Path(), help="The site file with its balances.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="The journal's directory, instead of the site file's."
)
@click.option("--from", "since", type=iso_time, help="ISO 8601 date or time; none: the newest whole interval.")
@click.option("--to", "until", type=iso_time, help="The end; none: one interval after --from.")
@output_options
def balance(
    name: str | None,
    config: str | None,
    data_dir: Path | None,
    since: datetime | None,
    until: datetime | None,
    output: Output,
) -> None:
    """Hold main meters against the sum of the meters behind them.

    One line a register: what it showed at both ends of the interval, told between the readings around them, what it
    counted, its share of the main. Then their sum, the main, the residual between both. Works while the gateway runs.
    Exit 3 when a balance is off.

    \b
    Examples:
      metergate balance                                       all of ./metergate.toml, newest whole interval
      metergate balance house --from 2026-09-01 --to 2026-10-01
      metergate balance house --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    with invalid_input():
        site, _ = load_site(find_site_file(config))
    wanted = [(settings, _interval(site, settings, since, until)) for settings in _chosen(site, name)]
    try:
        with closing(History.open(data_dir or site.gateway.data_dir or default_data_dir())) as history:
            statements = [drawn_from(history, site, settings, interval).statement for settings, interval in wanted]
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None
    output.rows(COLUMNS, [row for statement in statements for row in _rows(statement)])
    for statement in statements:
        if statement.is_off:
            finding = Finding("W-BAL-1", f"balance {statement.settings.name}", told(statement), advice(statement))
            report(finding)
    if any(statement.is_off for statement in statements):
        raise click.exceptions.Exit(Exit.PARTIAL)


def _chosen(site: Site, name: str | None) -> tuple[BalanceSettings, ...]:
    chosen = tuple(settings for settings in site.balances if name in (None, settings.name))
    if not chosen:
        what = "no [[balance]]" if name is None else f'no balance "{name}"'
        raise click.UsageError(f"{what} in {site.path}")
    return chosen


def _interval(site: Site, settings: BalanceSettings, since: datetime | None, until: datetime | None) -> Interval:
    """The span that was asked for, in the site's time zone; what is not given follows from the balance's interval."""
    zone, length = site.gateway.timezone, settings.interval.usual
    if since is not None:
        begin = _in_zone(since, zone)
        end = begin + length if until is None else _in_zone(until, zone)
    elif until is not None:
        end = _in_zone(until, zone)
        begin = end - length
    else:
        return newest_interval(site, settings, datetime.now(UTC))
    if begin >= end:
        raise click.UsageError("--from lies not before --to")
    return Interval(begin, end)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def _rows(statement: Statement) -> Iterator[dict[str, object]]:
    def row(
        role: str, counter: Counter | None, consumption: Decimal | None, **more: Decimal | None
    ) -> dict[str, object]:
        fault = None if counter is None else statement.fault_of(counter)
        return {
            "balance": statement.settings.name,
            "role": role,
            "meter": None if counter is None else counter.meter,
            "signal": None if counter is None else counter.signal,
            **{name: _text(statement, more.get(name)) for name in ("start", "end")},
            "consumption": _text(statement, consumption),
            "unit": statement.unit,
            "percent": value_text(statement.percent(consumption)),
            "finding": None if fault is None else fault.trouble.value,
            "since": utc_text(statement.since),
            "until": utc_text(statement.until),
        }

    for share in statement.parts:
        yield row("part", share.counter, share.consumption, start=share.start, end=share.end)
    yield row("sum", None, statement.total)
    main = statement.main
    yield row("main", main.counter, main.consumption, start=main.start, end=main.end)
    whole = next((fault.trouble.value for fault in statement.faults if not fault.counters), None)
    yield {**row("residual", None, statement.residual), "finding": whole}


def _text(statement: Statement, amount: Decimal | None) -> str | None:
    return value_text(statement.rounded(amount))
