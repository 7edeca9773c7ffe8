"""The verb `read`: one readout, of one meter or of a whole bus."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import trio
from attrs import define, evolve

from gateway.app import App, Tally
from gateway.catalog import AUTO, Catalog
from gateway.cli.exits import Exit, exit_of, invalid_input
from gateway.cli.output import Output, output_options, report
from gateway.cli.sheet import Sheet
from gateway.errors import Finding
from gateway.protocol.characters import SPEEDS, Mode
from gateway.reading import Quality, Record
from gateway.site.endpoint import endpoint_from_text
from gateway.site.load import find_site_file, load_site
from gateway.site.locate import Locator
from gateway.site.model import GatewaySettings, LineSettings, MeterSettings, SignalSettings, Site
from gateway.telemetry import configure

_LOCAL_ZONE = Path("/etc/localtime")


@define
class _Wishes:
    """What the options ask of every meter."""

    baud: int | None
    mode: str
    profile: str
    obis: str | None

    def line(self, settings: LineSettings) -> LineSettings:
        return settings if self.baud is None else evolve(settings, baudrate=self.baud)

    def meter(self, settings: MeterSettings) -> MeterSettings:
        mode = settings.type if self.mode == AUTO else Mode(self.mode)
        model = settings.meter_model if self.profile == AUTO else self.profile
        tags = [] if self.obis is None else [tag.strip() for tag in self.obis.split(",") if tag.strip()]
        signals = tuple(SignalSettings("", tag, tag) for tag in tags) or settings.signals
        return evolve(settings, type=mode, meter_model=model, signals=signals)


@click.command()
@click.argument("target", metavar="ENDPOINT|ALIAS")
@click.option("--serial", default=None, help='The meter\'s serial number; without one the sign-on is "/?!".')
@click.option("--serials", type=click.Path(path_type=Path), help="A file of serial numbers, one a line: the whole bus.")
@click.option("--baud", type=click.Choice([str(speed) for speed in SPEEDS]), help="Opening speed.")
@click.option("--mode", type=click.Choice([AUTO, "A", "B", "C", "E"]), default=AUTO, help="Connection mode.")
@click.option("--profile", default=AUTO, help="A profile's id instead of the one that fits the identification.")
@click.option("--obis", help="Registers to show, parted by commas, as printed or by OBIS.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for the whole command.")
@click.option("--signals", is_flag=True, help="Print [[meter.signal]] blocks for a site file.")
@click.option("--config", type=click.Path(), help="The site file that knows ALIAS.")
@output_options
def read(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: str,
    serial: str | None,
    serials: Path | None,
    baud: str | None,
    mode: str,
    profile: str,
    obis: str | None,
    timeout: float | None,
    config: str | None,
    output: Output,
    *,
    signals: bool,
) -> None:
    """Read a meter once, with or without a site file.

    ENDPOINT is an absolute path, serial:///dev/…?baud=300&format=7E1 or tcp://host:port?baud=300;
    ALIAS is a meter of the site file.

    \b
    Examples:
      metergate read /dev/ttyUSB0                                an optical head
      metergate read tcp://10.20.0.5:4001?baud=9600 --serial 01234567
      metergate read /dev/ttyUSB0 --serials flats.txt --obis 1.8.0
      metergate read flat01 --signals >> metergate.toml
    """  # noqa: D301 - click's mark for lines that stay as they are
    if serial is not None and serials is not None:
        raise click.UsageError("give --serial or --serials, not both")
    wishes = _Wishes(None if baud is None else int(baud), mode, profile, obis)
    with invalid_input():
        site = _site(target, wishes, _numbers(serial, serials), config)
        app = _app(site)
    sheet = Sheet(output, is_bus=serials is not None, wants_signals=signals)
    tally = trio.run(_run, app, sheet, float("inf") if timeout is None else timeout)
    app.telemetry.shutdown()
    sheet.print()
    raise click.exceptions.Exit(_exit(tally, sheet, site.meters))


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


def _site(target: str, wishes: _Wishes, numbers: Sequence[str] | None, config: str | None) -> Site:
    """The site of this one command."""
    if "/" in target or ":" in target:
        line = wishes.line(endpoint_from_text(target))
        meters = [MeterSettings(number, "", number) for number in (numbers if numbers is not None else [""])]
        gateway = GatewaySettings(name="", timezone=_local_zone())
        return Site(Path(), gateway, (line,), tuple(map(wishes.meter, meters)), (), None, Locator(""))
    if numbers is not None:
        raise click.UsageError("an ALIAS has its serial number in the site file")
    site, warnings = load_site(find_site_file(config))
    for finding in warnings:
        report(finding)
    meters = [wishes.meter(meter) for meter in site.meters if meter.device_alias == target]
    if not meters:
        known = ", ".join(meter.device_alias for meter in site.meters)
        raise click.UsageError(f'no meter "{target}" in {site.path}; it has: {known}')
    if not meters[0].enable:
        raise click.UsageError(f"{target} has enable = false in {site.path}: not a byte is sent for it")
    lines = tuple(wishes.line(line) for line in site.lines if line.alias == meters[0].line)
    return evolve(site, lines=lines, meters=(meters[0],), sinks=())


def _app(site: Site) -> App:
    catalog = Catalog.collect(site.plugins_allow, site.gateway.profiles)
    for meter in site.meters:
        if meter.meter_model != AUTO:
            catalog.profile(meter.meter_model)
    telemetry, unheeded = configure(os.environ)
    for finding in (*catalog.findings, *unheeded):
        report(finding)
    return App(site, catalog, (), telemetry, report, rounds=1)


async def _run(app: App, sheet: Sheet, limit: float) -> Tally:
    count, is_shown = len(app.site.meters), sheet.is_bus and sys.stderr.isatty()
    with click.progressbar(length=count, label="reading", file=sys.stderr, hidden=not is_shown) as bar:

        def watch(record: Record) -> None:
            sheet.take(record)
            bar.update(1)

        return await evolve(app, watch=watch).rehearse(limit)


def _local_zone() -> ZoneInfo:
    """The zone of this machine: without a site file a meter's clock is taken to be in it."""
    try:
        with _LOCAL_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except FileNotFoundError:
        return ZoneInfo("UTC")
