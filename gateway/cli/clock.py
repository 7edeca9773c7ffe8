"""The verb `clock`: a meter's clock, shown or set."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from attrs import evolve

from gateway.cli.errand import ASKING, change_options, changed, check_permitted, readout_of
from gateway.cli.exits import Exit
from gateway.cli.output import Output, output_options, printable, report
from gateway.cli.target import Target, target_options, timeout_option
from gateway.errors import Finding
from gateway.failure import where
from gateway.job import ReadClock, SetClock
from gateway.reading import local_text, utc_text
from gateway.work import Terms, until_calm

COLUMNS = ("meter_time", "read_at", "drift_s")


@click.group()
def clock() -> None:
    """Show or set the clock of a meter.

    \b
    Examples:
      metergate clock show flat01
      metergate clock set flat01 --yes
    """  # noqa: D301 - click's mark for lines that stay as they are


@clock.command()
@target_options
@timeout_option
@output_options
def show(target: Target, timeout: float | None, output: Output) -> None:
    """Show the meter's clock beside ours; drift_s is how many seconds it is ahead.

    A clock that tells no zone is understood in the site's timezone, without a site file in that of this machine.

    \b
    Examples:
      metergate clock show /dev/ttyUSB0
      metergate clock show flat01 --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    readout = readout_of(target, ReadClock(), ASKING, timeout)
    if readout.meter_time is None:
        told = "; ".join(filter(None, (reading.reason for reading in readout.readings))) or "no clock register"
        report(Finding("E-JOB-3", where(target.known), f"the meter's clock cannot be read: {told}"))
        raise click.exceptions.Exit(Exit.REFUSED)
    times = (local_text(readout.meter_time), utc_text(readout.read_at), readout.clock_drift_s)
    output.rows(COLUMNS, [dict(zip(COLUMNS, times, strict=True))])


@clock.command(name="set")
@target_options
@change_options
@click.option("--force", is_flag=True, help="Also by a big step, or where the old time cannot be read.")
@timeout_option
@output_options
def set_clock(target: Target, terms: Terms, timeout: float | None, output: Output, *, force: bool) -> None:
    """Set the meter's clock to ours, then read it back.

    Needs [access] allow_write = true in the site file, or --allow-write without one; and --yes. It waits for the middle
    of a minute, up to 15 s; around midnight and season changes up to 100 s. A step of more than 300 s wants --force:
    the meter's load profile then has a gap, or intervals twice.

    \b
    Examples:
      metergate clock set flat01 --yes
      metergate clock set /dev/ttyUSB0 --password env:METER --allow-write --yes --force
    """  # noqa: D301 - click's mark for lines that stay as they are
    check_permitted(target, terms, "the clock")
    wait = wait_text(datetime.now(UTC), target.site.gateway.timezone)
    if wait is not None:
        click.echo(printable(f"{where(target.known)}: {wait}"), err=True)
    changed(target, SetClock(), evolve(terms, forced=force), output, timeout)


def wait_text(now: datetime, zone: ZoneInfo) -> str | None:
    """Why nothing seems to happen for a while when a clock is set now; None where it is set at once."""
    seconds = until_calm(now, zone)
    return f"a clock is set in the middle of a minute: waiting {seconds:.0f} s for it" if seconds >= 1 else None
