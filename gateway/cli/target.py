"""The meters that a command talks to: those of an endpoint, or one of a site file."""

import functools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click
from attrs import evolve, frozen

from gateway.app import App
from gateway.catalog import AUTO, Catalog
from gateway.cli.exits import invalid_input
from gateway.cli.output import report
from gateway.protocol.characters import SPEEDS, Mode
from gateway.reading import Record
from gateway.site.endpoint import endpoint_from_text
from gateway.site.load import find_site_file, load_site
from gateway.site.locate import Locator
from gateway.site.model import (
    AccessSettings,
    GatewaySettings,
    LineSettings,
    MeterSettings,
    SignalSettings,
    Site,
    default_data_dir,
)
from gateway.telemetry import configure

R = TypeVar("R")
_REFERENCE = re.compile("(env|file|cred):.")
_LOCAL_ZONE = Path("/etc/localtime")


@frozen
class Wishes:
    """What the options ask of every meter; None and `auto`: as it is."""

    baud: int | None = None
    mode: str = AUTO
    profile: str = AUTO
    obis: str | None = None
    password: str | None = None
    table: str | None = None

    def line(self, settings: LineSettings) -> LineSettings:
        """A line as it is wished."""
        return settings if self.baud is None else evolve(settings, baudrate=self.baud)

    def meter(self, settings: MeterSettings) -> MeterSettings:
        """A meter as it is wished."""
        tags = [] if self.obis is None else [tag.strip() for tag in self.obis.split(",") if tag.strip()]
        return evolve(
            settings,
            type=settings.type if self.mode == AUTO else Mode(self.mode),
            meter_model=settings.meter_model if self.profile == AUTO else self.profile,
            signals=tuple(SignalSettings("", tag, tag) for tag in tags) or settings.signals,
            password=self.password or settings.password,
            table=self.table or settings.table,
        )


@frozen
class Target:
    """A site cut down to the meters of one command.

    `is_endpoint`: there is no site file. `is_password_given`: on the command line, so that it is sent in any case.
    """

    site: Site
    is_endpoint: bool
    is_password_given: bool

    @property
    def meter(self) -> MeterSettings:
        """The only meter, or the first."""
        return self.site.meters[0]

    @property
    def known(self) -> MeterSettings:
        """The meter under the name by which it is remembered: without a serial number that of its endpoint."""
        alias = self.meter.device_alias or str(self.site.lines[0].endpoint)
        return evolve(self.meter, device_alias=alias)

    @property
    def data_dir(self) -> Path:
        """Where latches, marks of open sessions and records are kept."""
        return self.site.gateway.data_dir or default_data_dir()

    def keeping_in(self, data_dir: Path | None) -> "Target":
        """The target with its memory in another directory, None: where it is."""
        gateway = evolve(self.site.gateway, data_dir=data_dir or self.site.gateway.data_dir)
        return evolve(self, site=evolve(self.site, gateway=gateway))

    def app(self, watch: Callable[[Record], None] = lambda _: None) -> App:
        """The gateway for this one command; raises ProfileError, PluginError."""
        catalog = Catalog.collect(self.site.plugins_allow, self.site.gateway.profiles)
        for meter in self.site.meters:
            if meter.meter_model != AUTO:
                catalog.profile(meter.meter_model)
        telemetry, unheeded = configure(os.environ)
        for finding in (*catalog.findings, *unheeded):
            report(finding)
        return App(self.site, catalog, (), telemetry, report, rounds=1, watch=watch)


def password_option(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds `--password REF` to a verb; a password in clear is wrong usage, and is not printed."""
    told = "env:NAME, file:PATH or cred:NAME of the password, which is then sent once; never the password itself."
    return click.option("--password", metavar="REF", callback=_reference, help=told)(verb)


def _reference(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not _REFERENCE.match(given):
        raise click.BadParameter("a password is given by reference, never in clear: env:NAME, file:PATH or cred:NAME")
    return given


def timeout_option(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds `--timeout` to a verb."""
    bound = click.FloatRange(min=0, min_open=True)
    return click.option("--timeout", type=bound, help="Seconds for the whole command.")(verb)


def target_options(verb: Callable[..., R]) -> Callable[..., R]:
    """Adds ENDPOINT|ALIAS with its options to a verb, which gets them as `target`; invalid input ends the command."""

    @click.argument("target", metavar="ENDPOINT|ALIAS")
    @click.option("--serial", default=None, help='The meter\'s serial number; without one the sign-on is "/?!".')
    @click.option("--baud", type=click.Choice([str(speed) for speed in SPEEDS]), help="Opening speed.")
    @click.option("--mode", type=click.Choice([AUTO, "A", "B", "C"]), default=AUTO, help="Connection mode.")
    @click.option("--profile", default=AUTO, help="A profile's id instead of the one that fits the identification.")
    @password_option
    @click.option("--config", type=click.Path(), help="The site file that knows ALIAS.")
    @click.option("--data-dir", type=click.Path(path_type=Path), help="Where refused passwords are remembered.")
    @functools.wraps(verb)
    def with_target(
        target: str,
        serial: str | None,
        baud: str | None,
        mode: str,
        profile: str,
        password: str | None,
        config: str | None,
        data_dir: Path | None,
        **rest: object,
    ) -> R:
        wishes = Wishes(None if baud is None else int(baud), mode, profile, password=password)
        with invalid_input():
            found = find_target(target, wishes, None if serial is None else [serial], config)
        return verb(target=found.keeping_in(data_dir), **rest)

    return with_target


def allowing_writes(target: Target, *, allow_write: bool) -> Target:
    """The target where `--allow-write` stands for a site file that allows it; raises UsageError beside a site file."""
    if not allow_write:
        return target
    if not target.is_endpoint:
        raise click.UsageError("--allow-write is for meters without a site file; there it is [access] allow_write")
    return evolve(target, site=evolve(target.site, access=AccessSettings(allow_write=True)))


def find_target(target: str, wishes: Wishes, numbers: Sequence[str] | None, config: str | None) -> Target:
    """What ENDPOINT or ALIAS names; raises SiteError, UsageError."""
    if "/" in target or ":" in target:
        line = wishes.line(endpoint_from_text(target))
        meters = [MeterSettings(number, "", number) for number in (numbers if numbers is not None else [""])]
        gateway = GatewaySettings(name="", timezone=_local_zone())
        site = Site(Path(), gateway, (line,), tuple(map(wishes.meter, meters)), (), None, Locator(""))
        return Target(site, is_endpoint=True, is_password_given=wishes.password is not None)
    if numbers is not None:
        raise click.UsageError("an ALIAS has its serial number in the site file")
    site, warnings = load_site(find_site_file(config))
    for finding in warnings:
        report(finding)
    named = [meter for meter in site.meters if meter.device_alias == target]
    if not named:
        known = ", ".join(meter.device_alias for meter in site.meters)
        raise click.UsageError(f'no meter "{target}" in {site.path}; it has: {known}')
    if not named[0].enable:
        raise click.UsageError(f"{target} has enable = false in {site.path}: not a byte is sent for it")
    lines = tuple(wishes.line(line) for line in site.lines if line.alias == named[0].line)
    cut_down = evolve(site, lines=lines, meters=(wishes.meter(named[0]),), sinks=())
    return Target(cut_down, is_endpoint=False, is_password_given=wishes.password is not None)


def _local_zone() -> ZoneInfo:
    """The zone of this machine: without a site file a meter's clock is taken to be in it."""
    try:
        with _LOCAL_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except FileNotFoundError:
        return ZoneInfo("UTC")
