"""The verb `check`: a site file looked at without touching a line."""

import click

from gateway.catalog import Catalog
from gateway.cli.exits import Exit
from gateway.cli.output import Output, output_options, report
from gateway.equipment import wanted_sinks
from gateway.errors import Finding, PluginError, ProfileError, SiteError
from gateway.plan import LineBudget, line_budget
from gateway.site.load import draft_site, find_site_file
from gateway.site.model import Push, Site

COLUMNS = ("line", "meters", "seconds_per_meter", "round_s", "scan_rate_s", "share")


@click.command()
@click.argument("site", required=False, type=click.Path())
@click.option("--config", type=click.Path(), help="The site file, as the argument SITE.")
@click.option("--deny-warnings", is_flag=True, help="Exit 78 for warnings as well.")
@output_options
def check(site: str | None, config: str | None, output: Output, *, deny_warnings: bool) -> None:
    """Check a site file offline, and print the bus-time budget of each line.

    All errors come at once, each with its line in the file; exit 78 with any.

    \b
    Examples:
      metergate check                           ./metergate.toml
      metergate check site.toml --deny-warnings
      metergate check site.toml --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    if site and config:
        raise click.UsageError("give the site file once, as SITE or with --config")
    try:
        draft, findings = draft_site(find_site_file(site or config))
    except SiteError as error:
        draft, findings = None, error.findings
    budgets = []
    if draft is not None:
        # A line that only listens has no round to keep.
        asking = [line for line in draft.lines if line.push is Push.NONE]
        budgets = [line_budget(line, draft.meters_of(line.alias)) for line in asking]
        findings = (*findings, *_equipment_findings(draft), *(told for budget in budgets for told in budget.findings()))
    for finding in findings:
        report(finding)
    invalid = any(finding.is_error for finding in findings)
    if not invalid:
        output.rows(COLUMNS, [_row(budget) for budget in budgets])
    if invalid or (deny_warnings and findings):
        raise click.exceptions.Exit(Exit.INVALID)


def _equipment_findings(site: Site) -> tuple[Finding, ...]:
    """What the installed plugins with their profiles and sinks have to say to the site."""
    try:
        catalog = Catalog.collect(site.plugins_allow, site.gateway.profiles)
        wanted_sinks(site, catalog)
    except (SiteError, ProfileError) as error:
        return error.findings
    except PluginError as error:
        return (error.finding("plugins"),)
    return catalog.findings


def _row(budget: LineBudget) -> dict[str, object]:
    return {
        "line": budget.line,
        "meters": len(budget.meters),
        "seconds_per_meter": round(budget.seconds_a_meter, 2),
        "round_s": round(budget.round_s, 1),
        "scan_rate_s": round(budget.scan_rate_s, 1),
        "share": round(budget.share, 3),
    }
