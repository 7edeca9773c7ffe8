"""The verb `read`: one readout, of one meter or of a whole bus."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import trio
from attrs import evolve

from gateway.app import App, Tally
from gateway.catalog import AUTO
from gateway.cli.errand import ASKING, exit_of_readings, readout_of
from gateway.cli.exits import Exit, exit_of, invalid_input
from gateway.cli.output import Output, output_options, report
from gateway.cli.sheet import Sheet
from gateway.cli.target import Target, Wishes, find_target, password_option
from gateway.errors import Finding
from gateway.job import ReadRegisters
from gateway.protocol.characters import SPEEDS
from gateway.reading import Quality, Record
from gateway.site.model import MeterSettings


@click.command()
@click.argument("target", metavar="ENDPOINT|ALIAS")
@click.option("--serial", default=None, help='The meter\'s serial number; without one the sign-on is "/?!".')
@click.option("--serials", type=click.Path(path_type=Path), help="A file of serial numbers, one a line: the whole bus.")
@click.option("--baud", type=click.Choice([str(speed) for speed in SPEEDS]), help="Opening speed.")
@click.option("--mode", type=click.Choice([AUTO, "A", "B", "C", "E"]), default=AUTO, help="Connection mode.")
@click.option("--profile", default=AUTO, help="A profile's id instead of the one that fits the identification.")
@click.option(
    "--table",
    type=click.Choice(list("6789")),
    help="A short table of the meter, by its option digit; see profile show.",
)
@click.option("--obis", help="Registers to show, parted by commas, as printed or by OBIS.")
@password_option
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for the whole command.")
@click.option("--signals", is_flag=True, help="Print [[meter.signal]] blocks for a site file.")
@click.option("--config", type=click.Path(), help="The site file that knows ALIAS.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="With --password: where refused ones are remembered.")
@output_options
def read(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: str,
    serial: str | None,
    serials: Path | None,
    baud: str | None,
    mode: str,
    profile: str,
    table: str | None,
    obis: str | None,
    password: str | None,
    timeout: float | None,
    config: str | None,
    data_dir: Path | None,
    output: Output,
    *,
    signals: bool,
) -> None:
    """Read a meter once, with or without a site file.

    ENDPOINT is an absolute path, serial:///dev/…?baud=300&format=7E1 or tcp://host:port?baud=300;
    ALIAS is a meter of the site file. With --password the registers of --obis, else those that the meter's profile
    lists, are read one by one in programming mode; the password is sent once, to the meter found there.

    \b
    Examples:
      metergate read /dev/ttyUSB0                                an optical head
      metergate read tcp://10.20.0.5:4001?baud=9600 --serial 01234567
      metergate read /dev/ttyUSB0 --serials flats.txt --obis 1.8.0
      metergate read /dev/ttyUSB0 --table 6                      the meter's short list
      metergate read /dev/ttyUSB0 --password env:METER --obis 0.2.0,1.8.0
      metergate read flat01 --signals >> metergate.toml
    """  # noqa: D301 - click's mark for lines that stay as they are
    if serial is not None and serials is not None:
        raise click.UsageError("give --serial or --serials, not both")
    if password is not None and (serials is not None or table is not None):
        raise click.UsageError("--password goes to one meter, for single registers: without --serials and --table")
    wishes = Wishes(None if baud is None else int(baud), mode, profile, obis, password, table)
    with invalid_input():
        found = find_target(target, wishes, _numbers(serial, serials), config)
    sheet = Sheet(output, is_bus=serials is not None, wants_signals=signals)
    if password is not None:
        raise click.exceptions.Exit(_with_password(found.keeping_in(data_dir), sheet, timeout))
    with invalid_input():
        app = found.app()
    tally = trio.run(_run, app, sheet, float("inf") if timeout is None else timeout)
    app.telemetry.shutdown()
    sheet.print()
    raise click.exceptions.Exit(_exit(tally, sheet, found.site.meters))


def _with_password(target: Target, sheet: Sheet, limit: float | None) -> Exit:
    """Reads the wished registers, else those of the profile, in programming mode."""
    registers = tuple(signal.tag_job_todo for signal in target.meter.signals)
    readout = readout_of(target, ReadRegisters(registers), ASKING, limit)
    sheet.take(readout)
    sheet.print()
    return exit_of_readings(readout)


def _exit(tally: Tally, sheet: Sheet, meters: Sequence[MeterSettings]) -> Exit:
    """Why the command ends: also for want of time, or of a register that was asked for."""
    wanted = len(meters)
    if tally.interrupted_by is None and sheet.ended < wanted:
        missing = wanted - len(sheet.readouts)
        report(Finding("W-READ-12", "", f"the time was up before {missing} of {wanted} meters had been read"))
    code = exit_of(tally)
    if code is not Exit.GOOD or tally.interrupted_by is not None:
        return code
    if sheet.ended < wanted:
        return Exit.PARTIAL if sheet.readouts else Exit.NO_ANSWER
    asked = {meter.device_alias for meter in meters if meter.signals}
    readings = (reading for found in sheet.readouts if found.visit.meter in asked for reading in found.readings)
    return Exit.REFUSED if any(reading.quality is Quality.BAD for reading in readings) else Exit.GOOD


def _numbers(serial: str | None, serials: Path | None) -> Sequence[str] | None:
    """The serial numbers asked for; None where the options name none."""
    if serials is None:
        return None if serial is None else [serial]
    try:
        lines = serials.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{serials} cannot be read: {error}") from None
    found = [number for line in lines if (number := line.partition("#")[0].strip())]
    if not found:
        raise click.UsageError(f"{serials} names no serial number")
    return found


async def _run(app: App, sheet: Sheet, limit: float) -> Tally:
    count, is_shown = len(app.site.meters), sheet.is_bus and sys.stderr.isatty()
    with click.progressbar(length=count, label="reading", file=sys.stderr, hidden=not is_shown) as bar:

        def watch(record: Record) -> None:
            sheet.take(record)
            bar.update(1)

        return await evolve(app, watch=watch).rehearse(limit)
