"""What the tables of a site file must be to each other."""

import os
from collections.abc import Iterable, Iterator

from attrs import AttrsInstance

from gateway.protocol.characters import Mode
from gateway.site.broken import Broken, Rule, broken_about, broken_at, listening_lines
from gateway.site.counters import COUNTER_RULES
from gateway.site.document import Document, Entry, Findings
from gateway.site.kinds import did_you_mean
from gateway.site.model import Endpoint, FlowControl, JobKind, NumberType, Push, SerialPort, SpeedChange, TcpEndpoint
from gateway.site.numbers import NUMBER_RULES
from gateway.site.structure import MISSING_KEY, Misfit
from gateway.site.tables import LineTable

_OF_A_PORT = (
    "device",
    "databits",
    "stopbits",
    "parity",
    "flowcontrol",
    "rts",
    "dtr",
    "max_baudrate",
    "serial_close_delay",
)
_OF_A_NUMBER = ("scale", "unit", "min", "max", "max_step")
_USED_BY_SOFT_PARITY = ("databits", "stopbits", "parity")
_USUAL_SPEED = {
    Push.MODE_D: "baudrate = 2400 as the standard says, or 9600 as household meters do",
    Push.P1: 'baudrate = 115200, databits = 8, parity = "none"; before DSMR 4 baudrate = 9600',
}


def far_end(table: LineTable) -> Endpoint | None:
    """Where the line leads: TCP wins; None where the table names no end."""
    if table.ip is not None and table.port is not None:
        return TcpEndpoint(table.ip, table.port)
    return None if table.device is None else SerialPort(table.device)


def check_rules(document: Document, findings: Findings) -> None:
    """Notes every rule between keys or tables that does not hold."""
    for rule in _RULES:
        for broken in rule(document):
            findings.add(broken.place, broken.title, broken.misfit)


def _unique_names(document: Document) -> Iterator[Broken]:
    yield from _repeated(document.lines, "alias")
    yield from _repeated(document.meters, "device_alias")
    yield from _repeated(document.sinks, "name")
    yield from _repeated(document.balances, "name")
    for signals in document.signals:
        yield from _repeated(signals, "signal_alias")


def _repeated(entries: Iterable[Entry[AttrsInstance]], key: str) -> Iterator[Broken]:
    seen: set[object] = set()
    for entry in entries:
        alias = entry.raw.get(key)
        if not isinstance(alias, str):
            continue
        if alias in seen:
            misfit = Misfit(key, "E-CFG-8", f'{key} "{alias}" is taken by an earlier table', f"choose another {key}")
            yield Broken(entry.place_of(key), entry.title, misfit)
        seen.add(alias)


def _far_ends(document: Document) -> Iterator[Broken]:
    for line in document.lines:
        for key, other in (("ip", "port"), ("port", "ip")):
            if key in line.raw and other not in line.raw:
                yield broken_at(
                    line,
                    key,
                    "E-CFG-9",
                    f'"{key}" is given without "{other}"',
                    f'give "{other}" as well: both name a TCP endpoint',
                )
        if not {"device", "ip", "port"} & set(line.raw):
            yield broken_at(
                line, None, MISSING_KEY, "neither a port nor an endpoint is named", "device = …, or ip with port"
            )


def _ignored_keys(document: Document) -> Iterator[Broken]:
    for line in document.lines:
        table = line.table
        if table is None or not isinstance(far_end(table), TcpEndpoint):
            continue
        ignored = [
            key for key in _OF_A_PORT if key in line.own and not (table.soft_parity and key in _USED_BY_SOFT_PARITY)
        ]
        if ignored:
            keys = ", ".join(ignored)
            what = f"{keys}: ignored, since ip and port make this a TCP line"
            yield broken_at(line, ignored[0], "W-CFG-1", what, f"leave out {keys}, or ip and port")


def _speeds(document: Document) -> Iterator[Broken]:
    for line in document.lines:
        table = line.table
        if table is None:
            continue
        raw_tcp = isinstance(far_end(table), TcpEndpoint)
        if raw_tcp and table.speed_change is SpeedChange.AUTO:
            what = 'speed_change = "auto" over a raw TCP socket: a raw socket cannot change the far end\'s speed'
            advice = 'flavour = "rfc2217", or speed_change = "never" with baudrate = the server\'s setting'
            yield broken_about(line, "speed_change", "E-CFG-7", what, advice)
        if not raw_tcp and table.max_baudrate is not None and table.max_baudrate < table.baudrate:
            what = f"max_baudrate = {table.max_baudrate} is below the opening speed, baudrate = {table.baudrate}"
            yield broken_at(line, "max_baudrate", "E-CFG-6", what, f"max_baudrate = {table.baudrate} or more")


def _flow_control(document: Document) -> Iterator[Broken]:
    for line in document.lines:
        if line.table is not None and line.table.flowcontrol is FlowControl.XONXOFF:
            what = 'flowcontrol = "xonxoff": a check character may equal XON or XOFF and would be swallowed'
            yield broken_at(line, "flowcontrol", "W-CFG-2", what, 'flowcontrol = "none"')


def _shared_far_ends(document: Document) -> Iterator[Broken]:
    first: dict[object, Entry[LineTable]] = {}
    for line in document.lines:
        match None if line.table is None else far_end(line.table):
            case SerialPort(device):
                end: object = os.path.realpath(device)
                key, named = "device", device
            case TcpEndpoint(host, port) as endpoint:
                end = (host.lower().rstrip("."), port)
                key, named = "ip", str(endpoint)
            case None:
                continue
        if end in first:
            advice = "put their meters on one line: two talkers would take each other's answers"
            yield broken_at(line, key, "E-CFG-10", f"{named} is the far end of line {first[end].alias} as well", advice)
        first.setdefault(end, line)


def _known_lines(document: Document) -> Iterator[Broken]:
    aliases = [line.alias for line in document.lines]
    for meter in document.meters:
        wanted = meter.raw.get("line")
        if not isinstance(wanted, str) or wanted in aliases:
            continue
        advice = did_you_mean(wanted, aliases, f"lines here: {', '.join(aliases) or 'none'}")
        yield broken_at(meter, "line", "E-CFG-11", f'there is no line "{wanted}"', advice)


def _mode_b_at_a_fixed_speed(document: Document) -> Iterator[Broken]:
    lines = {line.table.alias: line.table for line in document.lines if line.table is not None}
    for meter in document.meters:
        line = None if meter.table is None else lines.get(meter.table.line)
        if meter.table is None or line is None or meter.table.type is not Mode.B:
            continue
        if isinstance(far_end(line), TcpEndpoint) or line.speed_change is SpeedChange.NEVER:
            what = f'type = "B" on a line that stays at {line.baudrate} Bd: it is read only if it offers that speed'
            yield broken_at(meter, "type", "W-CFG-3", what, "a serial port, or the meter set to the line's speed")


def _lines_that_only_listen(document: Document) -> Iterator[Broken]:
    listening = listening_lines(document)
    for line in (line for line in document.lines if line.table is not None and line.table.alias in listening):
        if isinstance(far_end(listening[line.alias]), SerialPort) and "baudrate" not in line.raw:
            push = listening[line.alias].push
            what = f'push = "{push}" without "baudrate": nobody is asked for the speed of a line that only listens'
            yield broken_at(line, "push", MISSING_KEY, what, _USUAL_SPEED[push])
    for meter, table in ((meter, meter.table) for meter in document.meters if meter.table is not None):
        line_table = listening.get(table.line)
        if line_table is None and table.type is Mode.D:
            yield broken_at(meter, "type", "E-CFG-22", 'type = "D" on a line that asks', 'push = "D" at its [[line]]')
        if line_table is not None and table.type not in (None, Mode.D):
            yield broken_at(
                meter, "type", "E-CFG-22", f'type = "{table.type}" on a line that only listens', 'type = "auto"'
            )
        if line_table is not None and table.password is not None:
            yield broken_at(meter, "password", "E-CFG-22", "a password on a line that only listens", "leave it out")


def _signals(document: Document) -> Iterator[Broken]:
    for signal, table in ((signal, signal.table) for signals in document.signals for signal in signals):
        if table is None:
            continue
        if table.min is not None and table.max is not None and table.min > table.max:
            what = f"min = {table.min} is above max = {table.max}: no value is plausible"
            yield broken_at(signal, "min", "E-CFG-6", what, f"min = {table.max} or less")
        given = [key for key in _OF_A_NUMBER if key in signal.raw]
        if table.number_type in (NumberType.TEXT, NumberType.TIME) and given:
            what = f'{", ".join(given)} beside number_type = "{table.number_type}": only numbers have them'
            yield broken_at(signal, given[0], "E-CFG-6", what, f"leave out {', '.join(given)}, or number_type")


def _jobs(document: Document) -> Iterator[Broken]:
    lines = {line.table.alias: line.table for line in document.lines if line.table is not None}
    for meter, jobs in zip(document.meters, document.jobs, strict=True):
        line = None if meter.table is None else lines.get(meter.table.line)
        if line is not None and line.push != Push.NONE and jobs:
            what = f'line {line.alias} has push = "{line.push}": it only listens, so nothing can be asked of its meters'
            yield broken_at(jobs[0], None, "E-CFG-21", what, "leave out [[meter.job]]")
        done: set[tuple[JobKind, str | None]] = set()
        for job, table in ((job, job.table) for job in jobs if job.table is not None):
            if (table.kind, table.code) in done:
                what = f'a job of kind "{table.kind}" for the same code stands above'
                yield broken_at(job, "kind", "E-CFG-8", what, "one [[meter.job]] a kind and code")
            done.add((table.kind, table.code))


def _clocks_that_may_not_be_set(document: Document) -> Iterator[Broken]:
    if document.access.allow_write:
        return
    for job in (job for jobs in document.jobs for job in jobs):
        if job.table is not None and job.table.kind is JobKind.CLOCK:
            what = 'kind = "clock" without [access] allow_write: the clock is read, never set'
            yield broken_at(job, "kind", "W-CFG-5", what, "allow_write = true, or leave the job out")


def _something_to_read(document: Document) -> Iterator[Broken]:
    if not document.lines:
        yield Broken(
            (), "", Misfit(None, "W-CFG-4", "there is no [[line]]: nothing is read", "add a [[line]] with a [[meter]]")
        )
    read = {meter.raw.get("line") for meter in document.meters if meter.table is None or meter.table.enable}
    for line in document.lines:
        if line.table is not None and line.table.alias not in read:
            yield broken_at(
                line,
                None,
                "W-CFG-4",
                "no enabled meter: nothing is read from it",
                f'a [[meter]] with line = "{line.alias}"',
            )


_RULES: tuple[Rule, ...] = (
    _unique_names,
    _far_ends,
    _ignored_keys,
    _speeds,
    _flow_control,
    _shared_far_ends,
    _known_lines,
    *NUMBER_RULES,
    *COUNTER_RULES,
    _mode_b_at_a_fixed_speed,
    _lines_that_only_listen,
    _signals,
    _jobs,
    _clocks_that_may_not_be_set,
    _something_to_read,
)
