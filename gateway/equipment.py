"""What a site asks of plugins: its sinks with their settings, its meters' profiles."""

from attrs import AttrsInstance, frozen, has

from gateway.catalog import AUTO, Catalog
from gateway.errors import Finding, ProfileError, SiteError
from gateway.sinks import SinkKind
from gateway.site.model import MeterSettings, SinkSettings, Site
from gateway.site.structure import structure

UNKNOWN_SINK = "E-CFG-19"


@frozen
class WantedSink:
    """One sink of a site file: its name, its kind, its settings as that kind wants them."""

    name: str
    kind: SinkKind[object]
    settings: object


def wanted_sinks(site: Site, catalog: Catalog) -> tuple[WantedSink, ...]:
    """The sinks of a site; raises SiteError with everything that does not fit, here or in a meter's profile."""
    findings: list[Finding] = []
    sinks = tuple(sink for given in site.sinks if (sink := _wanted_sink(site, given, catalog, findings)) is not None)
    for meter in site.meters:
        findings += _profile_findings(site, meter, catalog)
    if findings:
        raise SiteError(findings)
    return sinks


def _wanted_sink(site: Site, given: SinkSettings, catalog: Catalog, findings: list[Finding]) -> WantedSink | None:
    kind = catalog.sinks.get(given.type)
    if kind is None:
        known = ", ".join(sorted(catalog.sinks))
        what = f'no sink of type "{given.type}" is installed'
        findings.append(Finding(UNKNOWN_SINK, site.where(given, "type"), what, f"installed: {known}"))
        return None
    settings, misfits = structure(_attrs_class(kind.settings), given.settings)
    for misfit in misfits:
        place = site.where(given) if misfit.key is None else site.where(given, misfit.key)
        findings.append(Finding(misfit.code, place, misfit.what, misfit.next))
    return None if settings is None else WantedSink(given.name, kind, settings)


def _attrs_class(kind: type[object]) -> type[AttrsInstance]:
    if not has(kind):
        raise TypeError(f"the settings of a sink are an attrs class, not {kind!r}")
    return kind


def _profile_findings(site: Site, meter: MeterSettings, catalog: Catalog) -> list[Finding]:
    if meter.meter_model == AUTO:
        return []
    try:
        catalog.profile(meter.meter_model)
    except ProfileError as error:
        where = site.where(meter, "meter_model")
        return [
            Finding(finding.code, where, f'meter_model = "{meter.meter_model}": {finding.what}', finding.next)
            for finding in error.findings
        ]
    return []
