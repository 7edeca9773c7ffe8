"""The way from a site file to the site: found, read, checked as a whole."""

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import AttrsInstance

from gateway.errors import Finding, SiteError
from gateway.protocol.characters import SEVEN_EVEN_ONE, CharacterFormat
from gateway.site.counters import balances_of
from gateway.site.document import Document, Entry, read_document
from gateway.site.model import (
    AccessSettings,
    Endpoint,
    GatewaySettings,
    JobSettings,
    LineSettings,
    MeterSettings,
    SignalSettings,
    SinkSettings,
    Site,
    TcpEndpoint,
    usual_speed_change,
)
from gateway.site.rules import check_rules, far_end
from gateway.site.tables import GatewayTable, JobTable, LineTable, SignalTable, SinkTable, keys_of

SITE_FILE = "metergate.toml"
SITE_VARIABLE = "METERGATE_CONFIG"
SYSTEM_FOLDERS = "/etc/xdg:/etc"


def find_site_file(given: str | None) -> Path:
    """The site file: the one given, else $METERGATE_CONFIG, ./metergate.toml, the user's, the system's config folder.

    Raises SiteError (E-CFG-1) where none is given and none is found; a named one is looked at by `load_site` only.
    """
    named = given or os.environ.get(SITE_VARIABLE)
    if named:
        return Path(named)
    user = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    system = os.environ.get("XDG_CONFIG_DIRS") or SYSTEM_FOLDERS
    folders = [Path(folder, "metergate") for folder in (user, *system.split(":")) if folder]
    candidates = [Path(SITE_FILE), *(folder / SITE_FILE for folder in folders)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = ", ".join(map(str, candidates))
    raise SiteError(
        [Finding("E-CFG-1", "", f"no site file found; looked for {looked}", f"name it, or set {SITE_VARIABLE}")]
    )


def load_site(path: Path) -> tuple[Site, tuple[Finding, ...]]:
    """The site that a file describes, and its warnings.

    Raises SiteError with all findings at once, by line, where one of them is an error.
    """
    site, findings = draft_site(path)
    if any(finding.is_error for finding in findings):
        raise SiteError(findings)
    return site, findings


def draft_site(path: Path) -> tuple[Site, tuple[Finding, ...]]:
    """What can be made of a site file, and all its findings, errors included: for checks that go on after errors.

    Lines, meters, signals, sinks that cannot be used are left out. Raises SiteError for what is no readable TOML.
    """
    document, findings = read_document(path)
    check_rules(document, findings)
    entries: tuple[Entry[AttrsInstance], ...] = (*document.lines, *document.meters, *document.sinks)
    site = Site(
        path=path,
        gateway=_gateway(document.gateway, path.parent),
        lines=tuple(_lines(document)),
        meters=tuple(_meters(document)),
        sinks=tuple(_sinks(document)),
        plugins_allow=document.plugins.allow,
        locator=findings.locator,
        places={(str(entry.place[0]), entry.alias): entry.place for entry in entries},
        access=AccessSettings(document.access.allow_write, document.access.writable),
        balances=tuple(balances_of(document)),
    )
    return site, findings.in_order


def _gateway(table: GatewayTable, folder: Path) -> GatewaySettings:
    return GatewaySettings(
        name=table.name,
        timezone=table.timezone,
        data_dir=None if table.data_dir is None else folder / table.data_dir,
        profiles=None if table.profiles is None else folder / table.profiles,
        log_level=table.log_level,
        log_format=table.log_format,
        retention_days=table.retention_days,
    )


def _lines(document: Document) -> Iterator[LineSettings]:
    for entry in document.lines:
        endpoint = None if entry.table is None else far_end(entry.table)
        if entry.table is not None and endpoint is not None:
            yield _line(entry.table, endpoint)


def _line(table: LineTable, endpoint: Endpoint) -> LineSettings:
    on_tcp = isinstance(endpoint, TcpEndpoint)
    return LineSettings(
        alias=table.alias,
        endpoint=endpoint,
        baudrate=table.baudrate,
        max_baudrate=None if on_tcp else table.max_baudrate,
        format=SEVEN_EVEN_ONE if on_tcp and not table.soft_parity else _format(table),
        soft_parity=table.soft_parity,
        flowcontrol=table.flowcontrol,
        rts=table.rts,
        dtr=table.dtr,
        speed_change=table.speed_change or usual_speed_change(endpoint),
        serial_close_delay=table.serial_close_delay,
        wakeup=table.wakeup,
        push=table.push,
        time_scale=table.time_scale,
    )


def _format(table: LineTable) -> CharacterFormat:
    return CharacterFormat(table.databits, table.parity, table.stopbits)


def _meters(document: Document) -> Iterator[MeterSettings]:
    for entry, signals, jobs in zip(document.meters, document.signals, document.jobs, strict=True):
        table = entry.table
        if table is not None:
            yield MeterSettings(
                device_alias=table.device_alias,
                line=table.line,
                serialnumber=table.serialnumber,
                name=table.name,
                description=table.description,
                enable=table.enable,
                meter_model=table.meter_model,
                type=table.type,
                t2=table.t2,
                poll_delay_ms=table.poll_delay_ms,
                scan_rate_ms=table.scan_rate_ms,
                timeout_ms=table.timeout_ms,
                tags=table.tags,
                signals=tuple(_signal(signal.table) for signal in signals if signal.table is not None),
                password=table.password,
                writable=table.writable,
                fuse_a=table.fuse_a,
                jobs=tuple(_job(job.table) for job in jobs if job.table is not None),
            )


def _signal(table: SignalTable) -> SignalSettings:
    return SignalSettings(
        signal_name=table.signal_name,
        signal_alias=table.signal_alias,
        tag_job_todo=table.tag_job_todo,
        enable=table.enable,
        log=table.log,
        number_type=table.number_type,
        scale=table.scale,
        unit=table.unit,
        min=table.min,
        max=table.max,
        max_step=table.max_step,
    )


def _job(table: JobTable) -> JobSettings:
    return JobSettings(kind=table.kind, schedule=table.schedule, code=table.code, days=table.days)


def _sinks(document: Document) -> Iterator[SinkSettings]:
    for entry in document.sinks:
        if entry.table is not None:
            settings = {name: value for name, value in entry.raw.items() if name not in keys_of(SinkTable)}
            yield SinkSettings(entry.table.name, entry.table.type, settings)
