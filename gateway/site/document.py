"""A site file taken apart: each of its tables, with what does not fit in it."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from attrs import AttrsInstance, define, evolve, field, frozen

from gateway.errors import Finding, SiteError
from gateway.site.kinds import LATER, OUT_OF_RANGE, WRONG_KIND, did_you_mean, kind_name, shown
from gateway.site.locate import Locator, Place, locate
from gateway.site.structure import MISSING_KEY, UNKNOWN_KEY, Misfit, structure
from gateway.site.tables import (
    CONFIG_VERSION,
    LATER_TABLES,
    LISTS,
    SINGLE,
    AccessTable,
    BalanceTable,
    GatewayTable,
    JobTable,
    LineTable,
    MeterTable,
    PluginsTable,
    SignalTable,
    SinkTable,
    keys_of,
    later_keys,
)

A = TypeVar("A", bound=AttrsInstance)
A_co = TypeVar("A_co", bound=AttrsInstance, covariant=True)
Raw = Mapping[str, object]
_FAR_ENDS = {"device": ("ip", "port"), "ip": ("device",), "port": ("device",)}
_TOP = ("config_version", *SINGLE, "defaults", *LISTS)


@frozen
class Entry(Generic[A_co]):
    """One table of the file.

    `raw` is what it says, defaults included; `own` the keys that it says itself; `table` None where it cannot be used.
    """

    place: Place
    title: str
    raw: Raw
    own: frozenset[str]
    table: A_co | None

    def place_of(self, key: str | None) -> Place:
        """Where a key stands: here, or under [defaults], or the table itself where it is missing."""
        if key is None or key not in self.raw:
            return self.place
        return (*self.place, key) if key in self.own else ("defaults", key)

    @property
    def alias(self) -> str:
        """Its name for people, as far as it has one."""
        return self.title.partition(" ")[2]

    @property
    def subject(self) -> str:
        """The thing it describes: `line riser-a`."""
        return f"{self.place[0]} {self.alias}"


@define
class Findings:
    """The findings of one file, in the order of its lines."""

    locator: Locator
    _found: list[tuple[int, Finding]] = field(factory=list)

    def add(self, place: Place, title: str, misfit: Misfit) -> None:
        """Notes what does not fit at that place."""
        where = f"{self.locator.where(place)} {title}".rstrip()
        self._found.append((self.locator.line_of(place), Finding(misfit.code, where, misfit.what, misfit.next)))

    def add_all(self, entry: Entry[AttrsInstance], misfits: Iterable[Misfit]) -> None:
        """Notes what does not fit in one table."""
        for misfit in misfits:
            self.add(entry.place_of(misfit.key), entry.title, misfit)

    @property
    def in_order(self) -> tuple[Finding, ...]:
        """All of them by line."""
        return tuple(finding for _, finding in sorted(self._found, key=lambda numbered: numbered[0]))


@frozen
class Document:
    """All tables of a site file; `signals` and `jobs` hold those of each meter, in the order of `meters`."""

    gateway: GatewayTable
    access: AccessTable
    plugins: PluginsTable
    lines: tuple[Entry[LineTable], ...]
    meters: tuple[Entry[MeterTable], ...]
    signals: tuple[tuple[Entry[SignalTable], ...], ...]
    jobs: tuple[tuple[Entry[JobTable], ...], ...]
    sinks: tuple[Entry[SinkTable], ...]
    balances: tuple[Entry[BalanceTable], ...]


def read_document(path: Path) -> tuple[Document, Findings]:
    """The tables of that file; raises SiteError where it cannot be read or is no TOML."""
    text = _text_of(path)
    try:
        content: Raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError([_not_toml(path, text, str(error))]) from None
    findings = Findings(locate(str(path), text))
    _check_top(content, findings)
    defaults = _defaults(_single(content, "defaults", findings), findings)
    meters = [_meter(n, raw, defaults, findings) for n, raw in enumerate(tables_in(content, ("meter",), findings))]
    lines = [_line(n, raw, defaults, findings) for n, raw in enumerate(tables_in(content, ("line",), findings))]
    sinks = [_sink(n, raw, findings) for n, raw in enumerate(tables_in(content, ("sink",), findings))]
    balances = [_balance(n, raw, findings) for n, raw in enumerate(tables_in(content, ("balance",), findings))]
    single = {
        name: _entry(kind, (name,), f"[{name}]", _single(content, name, findings), findings)
        for name, kind in SINGLE.items()
    }
    gateway, access, plugins = (single[name].table for name in ("gateway", "access", "plugins"))
    document = Document(
        gateway if isinstance(gateway, GatewayTable) else GatewayTable(),
        access if isinstance(access, AccessTable) else AccessTable(),
        plugins if isinstance(plugins, PluginsTable) else PluginsTable(),
        tuple(lines),
        tuple(meter for meter, _, _ in meters),
        tuple(signals for _, signals, _ in meters),
        tuple(jobs for _, _, jobs in meters),
        tuple(sinks),
        tuple(balances),
    )
    return document, findings


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        what = f"the site file cannot be read: {error.strerror or error}"
        raise SiteError(
            [Finding("E-CFG-1", str(path), what, "name a readable file; `metergate schema` describes it")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        what = f"octet {error.object[error.start]:02X} is no UTF-8"
        raise SiteError([Finding("E-CFG-3", f"{path}:{line}", what, "save the file as UTF-8")]) from error


def _not_toml(path: Path, text: str, told: str) -> Finding:
    line = re.search(r"\(at line (\d+), column \d+\)", told)
    number = int(line.group(1)) if line else text.count("\n") + 1
    return Finding("E-CFG-3", f"{path}:{number}", f"no valid TOML: {told}", "look for a missing quote, bracket or =")


def _check_top(content: Raw, findings: Findings) -> None:
    for name in content:
        if name in LATER_TABLES:
            findings.add(
                (name,), f"[{name}]", Misfit(name, LATER, f'the table "{name}" is not in this version', "leave it out")
            )
        elif name not in _TOP:
            advice = did_you_mean(name, _TOP, f"known here: {', '.join(_TOP)}")
            findings.add((name,), "", Misfit(name, UNKNOWN_KEY, f'unknown key "{name}"', advice))
    version = content.get("config_version", CONFIG_VERSION)
    if type(version) is not int or version != CONFIG_VERSION:
        misfit = Misfit(
            None,
            OUT_OF_RANGE,
            f"config_version = {shown(version)}: this Metergate knows version {CONFIG_VERSION}",
            "config_version = 1",
        )
        findings.add(("config_version",), "", misfit)


def _single(content: Raw, name: str, findings: Findings) -> Raw:
    found = content.get(name, {})
    if isinstance(found, dict):
        return found
    findings.add(
        (name,),
        f"[{name}]",
        Misfit(None, WRONG_KIND, f"{name} is {kind_name(found)}, one table is wanted", f"write [{name}]"),
    )
    return {}


def tables_in(content: Raw, place: Place, findings: Findings) -> list[Raw]:
    """The list of tables under the last name of a place; none, with a finding, where something else stands there."""
    name = str(place[-1])
    header = ".".join(part for part in place if isinstance(part, str))
    found = content.get(name, [])
    if isinstance(found, list) and all(isinstance(table, dict) for table in found):
        return found
    findings.add(
        place,
        f"[[{header}]]",
        Misfit(None, WRONG_KIND, f"{name} is {kind_name(found)}, tables are wanted", f"write [[{header}]]"),
    )
    return []


def _defaults(raw: Raw, findings: Findings) -> Raw:
    """The defaults that fit; the others are reported once, here."""
    entry: Entry[LineTable] = Entry(("defaults",), "[defaults]", raw, frozenset(raw), None)
    good: dict[str, object] = {}
    kinds: tuple[type[LineTable | MeterTable], ...] = (LineTable, MeterTable)
    for kind in kinds:
        part = {key: value for key, value in raw.items() if key in keys_of(kind)}
        misfits = [misfit for misfit in structure(kind, part)[1] if misfit.code != MISSING_KEY]
        findings.add_all(entry, misfits)
        good |= {key: value for key, value in part.items() if key not in {misfit.key for misfit in misfits}}
    known = [*keys_of(LineTable), *keys_of(MeterTable)]
    for key in raw:
        if key in later_keys(LineTable) or key in later_keys(MeterTable):
            findings.add_all(entry, [Misfit(key, LATER, f'the key "{key}" is not in this version', "leave it out")])
        elif key not in known:
            advice = did_you_mean(key, known, "any key of [[line]] or [[meter]]")
            findings.add_all(entry, [Misfit(key, UNKNOWN_KEY, f'unknown key "{key}"', advice)])
    return good


def _line(n: int, raw: Raw, defaults: Raw, findings: Findings) -> Entry[LineTable]:
    unwanted = {other for key in raw for other in _FAR_ENDS.get(key, ())}
    usual = {key: value for key, value in defaults.items() if key in keys_of(LineTable) and key not in unwanted}
    return _entry(LineTable, ("line", n), _title("line", raw.get("alias"), n), raw, findings, usual)


def _meter(
    n: int, raw: Raw, defaults: Raw, findings: Findings
) -> tuple[Entry[MeterTable], tuple[Entry[SignalTable], ...], tuple[Entry[JobTable], ...]]:
    usual = {key: value for key, value in defaults.items() if key in keys_of(MeterTable)}
    alias = raw.get("device_alias")
    own = {key: value for key, value in raw.items() if key not in {"signal", "job"}}
    meter = _entry(MeterTable, ("meter", n), _title("meter", alias, n), own, findings, usual)
    signals = _parts(SignalTable, meter, raw, "signal", "signal_alias", findings)
    return meter, signals, _parts(JobTable, meter, raw, "job", "kind", findings)


def _parts(
    kind: type[A], meter: Entry[MeterTable], raw: Raw, name: str, named_by: str, findings: Findings
) -> tuple[Entry[A], ...]:
    """The tables of one sort within a meter."""
    tables = tables_in(raw, (*meter.place, name), findings)
    titles = [f"{_title(f'meter.{name}', table.get(named_by), n)} of {meter.alias}" for n, table in enumerate(tables)]
    return tuple(
        _entry(kind, (*meter.place, name, n), title, table, findings)
        for n, (title, table) in enumerate(zip(titles, tables, strict=True))
    )


def _sink(n: int, raw: Raw, findings: Findings) -> Entry[SinkTable]:
    own = {key: value for key, value in raw.items() if key in keys_of(SinkTable)}
    entry = _entry(SinkTable, ("sink", n), _title("sink", raw.get("name"), n), own, findings)
    return evolve(entry, raw=raw, own=frozenset(raw))


def _balance(n: int, raw: Raw, findings: Findings) -> Entry[BalanceTable]:
    return _entry(BalanceTable, ("balance", n), _title("balance", raw.get("name"), n), raw, findings)


def _title(header: str, alias: object, n: int) -> str:
    return f"[[{header}]] {alias}" if isinstance(alias, str) and alias else f"[[{header}]] number {n + 1}"


def _entry(kind: type[A], place: Place, title: str, raw: Raw, findings: Findings, usual: Raw | None = None) -> Entry[A]:
    merged = {**(usual or {}), **raw}
    table, misfits = structure(kind, merged)
    entry = Entry(place, title, merged, frozenset(raw), table)
    findings.add_all(entry, misfits)
    return entry
