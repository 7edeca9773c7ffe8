"""The meters of a command, with what its journal remembers of them."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click
from attrs import frozen

from gateway.catalog import AUTO, Catalog
from gateway.cli.exits import invalid_input
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.parse import printed_identification
from gateway.site.load import find_site_file, load_site
from gateway.site.model import MeterSettings, Site, default_data_dir

R = TypeVar("R")


@frozen
class Stock:
    """A site file, None where a data directory alone is named, with the directory that holds its journal."""

    site: Site | None
    data_dir: Path

    def meter(self, alias: str) -> MeterSettings | None:
        """What the site file says of a meter; wrong usage where it has none of that alias."""
        if self.site is None:
            return None
        for meter in self.site.meters:
            if meter.device_alias == alias:
                return meter
        known = ", ".join(meter.device_alias for meter in self.site.meters)
        raise click.UsageError(f'no meter "{alias}" in {self.site.path}; it has: {known}')

    def catalog(self) -> Catalog:
        """What is installed, as far as the site allows it; invalid profiles or plugins end the command."""
        with invalid_input():
            if self.site is None:
                return Catalog.collect()
            return Catalog.collect(self.site.plugins_allow, self.site.gateway.profiles)

    def profiles(self, memories: Mapping[str, MeterMemory], catalog: Catalog) -> Mapping[str, MeterProfile]:
        """The profile of each meter that has been read, by its alias."""
        models = {} if self.site is None else {meter.device_alias: meter.meter_model for meter in self.site.meters}
        with invalid_input():
            return {
                alias: catalog.choose(
                    printed_identification(memory.identification.encode("latin-1")), models.get(alias, AUTO)
                )
                for alias, memory in memories.items()
                if memory.identification is not None
            }


def stock_options(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds the options that name a site file or its journal to a verb, which gets them as `stock`."""

    @click.option("--config", type=click.Path(), help="The site file that knows the meters.")
    @click.option("--data-dir", type=click.Path(path_type=Path), help="The journal's directory itself.")
    @functools.wraps(verb)
    def with_stock(config: str | None, data_dir: Path | None, **rest: object) -> R:
        site = None if data_dir is not None and config is None else _site(config)
        named = None if site is None else site.gateway.data_dir
        return verb(stock=Stock(site, data_dir or named or default_data_dir()), **rest)

    return with_stock


def _site(config: str | None) -> Site:
    with invalid_input():
        site, _ = load_site(find_site_file(config))
    return site
