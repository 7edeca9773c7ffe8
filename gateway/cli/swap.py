"""The verb `meters swap`: a person tells that a meter was exchanged."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click
import trio
from attrs import frozen

from gateway.cli.exits import Exit
from gateway.cli.journal import iso_time
from gateway.cli.output import Output, fail, output_options, report
from gateway.cli.plates import Plate
from gateway.cli.stock import Stock, stock_options
from gateway.errors import Finding, JournalError
from gateway.experience import Announced
from gateway.journal import FILE_NAME, Journal
from gateway.memory import MeterMemory
from gateway.reading import utc_text
from gateway.site.kinds import Unfit
from gateway.site.terms import SerialNumber

T = TypeVar("T")
COLUMNS = ("register", "last_print", "end", "start")


@frozen
class Told:
    """What the command line says of an exchange; `at` carries a zone, `ends`, `starts` are REGISTER=VALUE."""

    alias: str
    at: datetime
    ends: tuple[str, ...]
    starts: tuple[str, ...]


def _serial(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    try:
        return None if given is None else SerialNumber().read(given)
    except Unfit as error:
        raise click.BadParameter(error.what) from None


@click.command()
@click.argument("alias")
@click.option("--at", type=iso_time, help="When it was exchanged, ISO 8601; without an offset in the site's zone; now.")
@click.option("--end", "ends", multiple=True, metavar="REGISTER=VALUE", help="What the old meter's plate showed last.")
@click.option("--start", "starts", multiple=True, metavar="REGISTER=VALUE", help="What the new one's showed at first.")
@click.option("--serial", metavar="NEW", callback=_serial, help="The new meter's serial number.")
@click.option("--undo", is_flag=True, help="Forget an exchange that was told but not seen yet.")
@stock_options
@output_options
def swap(
    alias: str,
    stock: Stock,
    output: Output,
    at: datetime | None,
    ends: tuple[str, ...],
    starts: tuple[str, ...],
    serial: str | None,
    *,
    undo: bool,
) -> None:
    """Tell that a meter was exchanged, once the new one is in its place.

    The next good readout closes the old meter with its end values, opens the new one with its start values, and is
    recorded as such: see `metergate meters history`. REGISTER is a signal_alias or an address; VALUE is in the
    register's unit, or carries its own. Without --end the last reading that was taken for true is the end value,
    without --start the first readout the start value. A meter that prints another number or smaller totals is found
    without this. A running gateway holds its journal: stop it before.

    \b
    Examples:
      metergate meters swap flat01 --serial 01239999
      metergate meters swap flat01 --at 2026-09-30T11:20 --end 1.8.0=147241.2 --start 1.8.0=0.3
      metergate meters swap flat01 --end "energy_import=147.2412 MWh"
      metergate meters swap flat01 --undo
    """  # noqa: D301 - click's mark for lines that stay as they are
    settings = stock.meter(alias)
    if undo and (at, ends, starts, serial) != (None, (), (), None):
        raise click.UsageError("--undo goes alone: it tells nothing of an exchange")
    zone = ZoneInfo("UTC") if stock.site is None else stock.site.gateway.timezone
    told = Told(alias, _past(at, zone), ends, starts)
    if undo:
        was = _changed(stock.data_dir, alias, _undo)
        click.echo(f"{alias}: {'forgotten' if was else 'no exchange was told'}", err=True)
        return
    output.rows(COLUMNS, _changed(stock.data_dir, alias, lambda memory: _announce(memory, stock, told)))
    click.echo(
        f"{alias}: told to be exchanged at {utc_text(told.at)}; its next good readout opens the new meter", err=True
    )
    if stock.site is not None and settings is not None and serial != settings.serialnumber:
        number = "the number on the new plate" if serial is None else f'"{serial}"'
        place = stock.site.where(settings, "serialnumber")
        click.echo(f"        next: {place}: serialnumber = {number}, then start the gateway", err=True)


def _past(at: datetime | None, zone: ZoneInfo) -> datetime:
    now = datetime.now(UTC)
    moment = now if at is None else (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    if moment > now:
        raise click.BadParameter(f"{utc_text(moment)} is yet to come: an exchange is told once it is done")
    return moment


def _changed(data_dir: Path, alias: str, change: Callable[[MeterMemory], T]) -> T:
    """What a change of a meter's memory gives; it is stored unless the change raises click.UsageError."""
    if not (data_dir / FILE_NAME).exists():
        raise _never_read(alias, data_dir)

    async def store() -> T:
        async with Journal.open(data_dir) as journal:
            memory = (await journal.memories()).get(alias)
            if memory is None:
                raise _never_read(alias, data_dir)
            changed = change(memory)
            await journal.remember(alias, memory)
            return changed

    try:
        return trio.run(store)
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None


def _never_read(alias: str, data_dir: Path) -> click.UsageError:
    return click.UsageError(f"by the journal in {data_dir} {alias} was never read: there is no old meter to close")


def _undo(memory: MeterMemory) -> bool:
    was, memory.experience.announced = memory.experience.announced, None
    return was is not None


def _announce(memory: MeterMemory, stock: Stock, told: Told) -> Sequence[dict[str, object]]:
    """Keeps an exchange in mind; gives its end values with its start values, one row a register."""
    plate = _plate(memory, stock, told.alias)
    if told.at < plate.read_at:
        raise click.BadParameter(
            f"{told.alias} was read after that, at {utc_text(plate.read_at)}, and taken for the same meter;"
            f" see `metergate meters history {told.alias}`"
        )
    ends, starts = plate.ends(told.ends), plate.starts(told.starts)
    memory.experience.announced = Announced(told.at, ends, starts)
    for register, end in ends.items():
        if plate.is_fallen(register, end):
            last = f"{plate.print_of(register)}, read at {utc_text(plate.read_at)}"
            what = f"{register}: the end value {end} is below the last reading, {last}"
            report(Finding("W-SWAP-1", f"meter {told.alias}", what, "tell it again if it is mistyped"))
    return [
        {
            "register": register,
            "last_print": plate.print_of(register),
            "end": ends.get(register, plate.print_of(register)),
            "start": starts.get(register),
            "meter": told.alias,
            "at": utc_text(told.at),
            "last_read_at": utc_text(plate.read_at),
        }
        for register in dict.fromkeys((*plate.totals, *ends, *starts))
    ]


def _plate(memory: MeterMemory, stock: Stock, alias: str) -> Plate:
    catalog = stock.catalog()
    profile = stock.profiles({alias: memory}, catalog).get(alias)
    if memory.experience.accepted is None or profile is None:
        raise _never_read(alias, stock.data_dir)
    settings = stock.meter(alias)
    signals = () if settings is None else settings.signals
    return Plate(memory.experience.accepted, profile, signals, catalog.decoders)
