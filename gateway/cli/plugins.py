"""The verb `plugins`: who brought what."""

import click

from gateway.catalog import Catalog
from gateway.cli.exits import invalid_input
from gateway.cli.output import Output, output_options, report
from gateway.site.load import find_site_file, load_site

COLUMNS = ("distribution", "version", "kind", "name")


@click.command()
@click.option("--config", type=click.Path(), help="A site file, whose plugins.allow and gateway.profiles are obeyed.")
@output_options
def plugins(config: str | None, output: Output) -> None:
    """List the installed plugins: who brought which profile, decoder, sink and password answer.

    \b
    Examples:
      metergate plugins
      metergate plugins --json
      metergate plugins --config site.toml    what this site allows
    """  # noqa: D301 - click's mark for lines that stay as they are
    with invalid_input():
        catalog = catalog_of(config)
    for finding in catalog.findings:
        report(finding)
    output.rows(
        COLUMNS,
        [
            {
                "distribution": contribution.distribution,
                "version": contribution.version,
                "kind": contribution.kind.value,
                "name": contribution.name,
            }
            for contribution in catalog.contributions
        ],
    )


def catalog_of(config: str | None) -> Catalog:
    """What can be used: as the site file allows it, or without one everything that is installed."""
    if config is None:
        return Catalog.collect()
    site, _warnings = load_site(find_site_file(config))
    return Catalog.collect(site.plugins_allow, site.gateway.profiles)
