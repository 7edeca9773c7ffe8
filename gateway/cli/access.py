"""The verb `access`: which passwords are held back from meters."""

from collections.abc import Iterator
from pathlib import Path

import click
import trio

from gateway.access import unlatch as forget
from gateway.cli.exits import Exit, invalid_input
from gateway.cli.output import fail
from gateway.errors import JournalError, SiteError
from gateway.journal import FILE_NAME, Journal
from gateway.site.load import find_site_file, load_site
from gateway.site.model import Site, default_data_dir


@click.group()
def access() -> None:
    """See to the passwords that meters have refused.

    \b
    Example:
      metergate access unlatch flat01
    """  # noqa: D301 - click's mark for lines that stay as they are


@access.command()
@click.argument("name", metavar="ALIAS|SERIAL")
@click.option("--config", type=click.Path(), help="The site file that knows ALIAS.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The journal's directory itself.")
def unlatch(name: str, config: str | None, data_dir: Path | None) -> None:
    """Forget that a meter has refused its password, and which identification passwords go to.

    A changed password is tried at once without this. A meter that was read without a site file is named by its serial
    number, else by its port or endpoint as messages name it. A running gateway holds its journal: stop it before.

    \b
    Examples:
      metergate access unlatch flat01 --config site.toml
      metergate access unlatch 01234567
    """  # noqa: D301 - click's mark for lines that stay as they are
    try:
        known = {place: trio.run(_forgotten, *place) for place in _places(name, config, data_dir)}
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None
    if not any(known.values()):
        folders = ", ".join(dict.fromkeys(str(folder) for folder, _ in known))
        click.echo(f"{name}: no password is held back, nothing to forget in {folders}", err=True)
        return
    for (_, alias), held in known.items():
        if held:
            click.echo(f"{alias}: forgotten; its password is tried once more", err=True)


def _places(name: str, config: str | None, data_dir: Path | None) -> Iterator[tuple[Path, str]]:
    """The data directories where this meter may be remembered, each with its name there."""
    site = None if data_dir is not None and config is None else _site(config)
    aliases = [] if site is None else _aliases(site, name)
    for alias in aliases:
        yield (data_dir or (site and site.gateway.data_dir) or default_data_dir()), alias
    if config is not None and site is not None and not aliases:
        known = ", ".join(meter.device_alias for meter in site.meters)
        raise click.UsageError(f'no meter "{name}" in {site.path}; it has: {known}')
    if config is None and name not in aliases:
        yield data_dir or default_data_dir(), name


def _site(config: str | None) -> Site | None:
    """The site file that is named or found; None where there is none."""
    try:
        path = find_site_file(config)
    except SiteError:
        return None
    with invalid_input():
        site, _ = load_site(path)
    return site


def _aliases(site: Site, name: str) -> list[str]:
    return [meter.device_alias for meter in site.meters if name in {meter.device_alias, meter.serialnumber} - {""}]


async def _forgotten(data_dir: Path, alias: str) -> bool:
    """Forgets what a journal holds against a password of that meter; False where it holds nothing."""
    if not (data_dir / FILE_NAME).exists():
        return False
    async with Journal.open(data_dir) as journal:
        memory = (await journal.memories()).get(alias)
        if memory is None or not forget(memory):
            return False
        await journal.remember(alias, memory)
        return True
