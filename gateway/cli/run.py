"""The verb `run`: the gateway."""

import os
from functools import partial
from pathlib import Path

import click
import trio

from gateway.app import App, Tally
from gateway.catalog import Catalog
from gateway.cli.exits import Exit, exit_of, invalid_input
from gateway.cli.log import Log, louder
from gateway.cli.output import Output, output_options
from gateway.cli.sheet import Sheet
from gateway.equipment import wanted_sinks
from gateway.errors import JournalError
from gateway.site.load import find_site_file, load_site
from gateway.site.model import Site, default_data_dir
from gateway.telemetry import configure


@click.command()
@click.argument("site", required=False, type=click.Path())
@click.option("--config", type=click.Path(), help="The site file, as the argument SITE.")
@click.option("--once", is_flag=True, help="One round, then exit.")
@click.option("--only", multiple=True, metavar="ALIAS", help="Read this meter alone (repeatable).")
@click.option("--dry-run", is_flag=True, help="Read and print: no journal, no sinks.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Holds the journal, instead of the site file's data_dir."
)
@click.option("-v", "--verbose", count=True, help="Tell more than the site file's log_level (repeatable).")
@output_options
def run(
    site: str | None,
    config: str | None,
    only: tuple[str, ...],
    data_dir: Path | None,
    verbose: int,
    output: Output,
    *,
    once: bool,
    dry_run: bool,
) -> None:
    """Read the meters of a site, for ever or once.

    SIGINT or SIGTERM ends it within 3 s, each open session properly; a second one at once.
    --format is that of --dry-run, which alone prints data.

    \b
    Examples:
      metergate run site.toml
      metergate run --once site.toml        exit 3 when some meters failed
      metergate run --dry-run --only flat01 site.toml
    """  # noqa: D301 - click's mark for lines that stay as they are
    if site and config:
        raise click.UsageError("give the site file once, as SITE or with --config")
    sheet = Sheet(output, is_bus=True) if dry_run else None
    app, directory = _made_ready(site or config, only, verbose, sheet, once=once)
    tally = _ran(app, None if dry_run else data_dir or directory)
    if sheet is not None:
        sheet.print()
    if once:
        _summarise(tally)
    raise click.exceptions.Exit(exit_of(tally))


def _ran(app: App, data_dir: Path | None) -> Tally:
    """Runs to the end; a journal that cannot be used ends the command."""
    try:
        return trio.run(app.rehearse if data_dir is None else partial(app.run, data_dir))
    # It fails before the tasks have begun, or in one of them.
    except* JournalError as group:
        failure = _first(group)
    finally:
        app.telemetry.shutdown()
    app.report(failure.finding("journal"))
    raise click.exceptions.Exit(Exit.NO_JOURNAL)


def _first(group: ExceptionGroup[JournalError]) -> JournalError:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, ExceptionGroup) else one


def _made_ready(
    given: str | None, only: tuple[str, ...], verbose: int, sheet: Sheet | None, *, once: bool
) -> tuple[App, Path]:
    with invalid_input():
        site, warnings = load_site(find_site_file(given))
        catalog = Catalog.collect(site.plugins_allow, site.gateway.profiles)
        sinks = wanted_sinks(site, catalog)
    log = Log(louder(site.gateway.log_level, verbose), site.gateway.log_format)
    telemetry, unheeded = configure(os.environ)
    for finding in (*warnings, *catalog.findings, *unheeded):
        log.tell(finding)
    app = App(
        site,
        catalog,
        sinks if sheet is None else (),
        telemetry,
        log.tell,
        rounds=1 if once or sheet is not None else None,
        only=_chosen(site, only),
        watch=log.watch if sheet is None else sheet.take,
    )
    return app, site.gateway.data_dir or default_data_dir()


def _chosen(site: Site, only: tuple[str, ...]) -> frozenset[str] | None:
    known = {meter.device_alias for meter in site.meters}
    for alias in only:
        if alias not in known:
            raise click.UsageError(f'no meter "{alias}" in this site file')
    return frozenset(only) or None


def _summarise(tally: Tally) -> None:
    gaps = ", ".join(f"{count} {cause.value}" for cause, count in sorted(tally.gaps.items()))
    click.echo(f"{tally.delivered} read, {tally.gaps.total()} not read{f' ({gaps})' if gaps else ''}", err=True)
    for name in tally.undelivered:
        click.echo(f"sink {name}: not all records delivered; they wait in the journal", err=True)
