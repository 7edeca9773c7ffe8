"""The verb `meters`: the meters of a site with their history."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from gateway.cli.exits import Exit
from gateway.cli.journal import Source, source_options
from gateway.cli.output import Output, fail, output_options
from gateway.cli.stock import Stock, stock_options
from gateway.cli.swap import swap
from gateway.errors import JournalError
from gateway.journal import EVENT_COLUMNS, FILE_NAME, read_events
from gateway.journal.history import History
from gateway.memory import MeterMemory
from gateway.reading import utc_text
from gateway.site.model import MeterSettings

COLUMNS = ("meter", "line", "serial", "profile", "identity", "since", "last_good")


@click.group()
def meters() -> None:
    """Show the meters of a site, what happened to them; tell of one that was exchanged.

    \b
    Examples:
      metergate meters list
      metergate meters history flat01
      metergate meters swap flat01 --end 1.8.0=147238.4 --start 1.8.0=0.3 --serial 01239999
    """  # noqa: D301 - click's mark for lines that stay as they are


meters.add_command(swap)


@meters.command(name="list")
@stock_options
@output_options
def list_meters(stock: Stock, output: Output) -> None:
    """List the meters of a site with what is remembered of each.

    `identity` is the number by which a meter is known, `since` the time of its first reading under it, `last_good` that
    of the last reading that was taken for true. With --data-dir alone all meters of that journal are listed. Works
    while the gateway runs.

    \b
    Examples:
      metergate meters list
      metergate meters list --config site.toml --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    memories = _memories(stock)
    profiles = {alias: profile.key for alias, profile in stock.profiles(memories, stock.catalog()).items()}
    known = None if stock.site is None else {meter.device_alias: meter for meter in stock.site.meters}
    rows = (
        _row(alias, None if known is None else known[alias], memories.get(alias), profiles.get(alias))
        for alias in (sorted(memories) if known is None else known)
    )
    output.rows(COLUMNS, rows)


@meters.command()
@click.argument("alias", required=False)
@source_options
@output_options
def history(alias: str | None, source: Source, output: Output) -> None:
    """Print what happened to one meter or all, oldest first.

    Meters that were exchanged, roll-overs, levels and layouts that were taken over, collisions, writes, clocks that
    were set. --json shows the details, such as the end values of an old meter. Works while the gateway runs.

    \b
    Examples:
      metergate meters history flat01
      metergate meters history --config site.toml --from 2026-09-01 --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    try:
        _expect(source.data_dir, alias)
        output.rows(EVENT_COLUMNS, read_events(source.data_dir, alias, source.since, source.until))
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None


def _expect(data_dir: Path, alias: str | None) -> None:
    """Wrong usage where the journal has nothing of a meter that was named."""
    with closing(History.open(data_dir)) as past:
        known = past.aliases()
    if alias not in (None, *known):
        raise click.UsageError(f'nothing of a meter "{alias}" in the journal in {data_dir}; it has: {", ".join(known)}')


def _memories(stock: Stock) -> Mapping[str, MeterMemory]:
    """What is remembered of each meter; nothing where no gateway has run yet."""
    if stock.site is not None and not (stock.data_dir / FILE_NAME).exists():
        return {}
    try:
        with closing(History.open(stock.data_dir)) as past:
            return past.memories()
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None


def _row(
    alias: str, settings: MeterSettings | None, memory: MeterMemory | None, profile: str | None
) -> dict[str, object]:
    experience = None if memory is None else memory.experience
    accepted = None if experience is None else experience.accepted
    return {
        "meter": alias,
        "line": None if settings is None else settings.line,
        "serial": None if settings is None else settings.serialnumber,
        "profile": profile,
        "identity": None if experience is None else experience.identity,
        "since": _told(None if experience is None else experience.since),
        "last_good": _told(None if accepted is None else accepted.read_at),
        "enabled": None if settings is None else settings.enable,
        "identification": None if memory is None else memory.identification,
    }


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
