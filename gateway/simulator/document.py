"""BUILDING.toml: the file that describes simulated lines."""
# ruff: noqa: RUF009 - attrs takes these calls for the fields that they give

import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from attrs import AttrsInstance, frozen

from gateway.errors import Finding, SiteError
from gateway.protocol.characters import SPEEDS, BlockCheck, Mode
from gateway.simulator.building import LineWish, Port, PtyPort, TcpPort, WireForm, with_faults
from gateway.simulator.fault import USUAL_RATE, Fault, FaultRate
from gateway.simulator.meter import AddressRule, Nameplate
from gateway.simulator.register import ClockRegister, SimulatedRegister, StillRegister, TotalRegister
from gateway.site.document import Findings, tables_in
from gateway.site.kinds import (
    OUT_OF_RANGE,
    WRONG_KIND,
    Choice,
    Number,
    Switch,
    Text,
    Unfit,
    Whole,
    kind_name,
    one_of,
    shown,
)
from gateway.site.locate import Place, locate
from gateway.site.structure import Misfit, structure
from gateway.site.tables import key, required

A = TypeVar("A", bound=AttrsInstance)
Raw = Mapping[str, object]
MOST_METERS = 10_000
_WHOLE_RANGE = 2**63 - 1
_PRINTED = r"[ -'*-.0-~]*"  # protocol.md 3.8: neither brackets nor a slash in addresses


class PortKind:
    """`pty` or `tcp:PORT`."""

    def read(self, value: object) -> Port:
        """The port; raises Unfit."""
        try:
            return parse_port(value if isinstance(value, str) else "")
        except ValueError as error:
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {error}", '"pty" or "tcp:0"') from None

    def schema(self) -> dict[str, object]:
        """A string of either form."""
        return {"type": "string", "pattern": "^(pty|tcp:[0-9]+)$"}

    def __str__(self) -> str:
        return "pty or tcp:PORT"


class FaultsKind:
    """A list of `NAME` or `NAME:rate`."""

    def read(self, value: object) -> tuple[FaultRate, ...]:
        """The faults with their rates; raises Unfit."""
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a list of texts is wanted", '["noise:0.1"]')
        try:
            return tuple(FaultRate.parse(part) for part in value)
        except ValueError as error:
            raise Unfit(OUT_OF_RANGE, str(error)) from None

    def schema(self) -> dict[str, object]:
        """A list of strings."""
        return {"type": "array", "items": {"type": "string"}}

    def __str__(self) -> str:
        return "a list of NAME or NAME:rate"


def parse_port(text: str) -> Port:
    """From `pty` or `tcp:PORT`; raises ValueError."""
    if text == "pty":
        return PtyPort()
    kind, _, number = text.partition(":")
    if kind == "tcp" and number.isdecimal() and int(number) < 2**16:
        return TcpPort(int(number))
    raise ValueError("pty or tcp:PORT is wanted, PORT from 0 (a free one) to 65535")


@frozen(kw_only=True)
class BuildingTable:
    """The top of the file."""

    seed: int = key(Whole(0, _WHOLE_RANGE), "equal seeds make equal buildings", 1)
    time_scale: float = key(Number(0.001, 1_000_000), "divides every time of the wire", 1.0)
    live: bool = key(Switch(), "totals grow, clocks run", default=False)


@frozen(kw_only=True)
class LineTable:
    """[[line]]: a wire."""

    port: Port = key(PortKind(), "where a reader finds it", PtyPort())
    baudrate: int | None = key(
        Choice({speed: speed for speed in SPEEDS}), "opening speed; 300 on a pty, 9600 on TCP", None
    )
    wire: WireForm | None = key(one_of(WireForm), "what bit 7 is; parity on a pty, plain on TCP", None)
    meters: int = key(Whole(0, MOST_METERS), "how many meters are made up besides those given", 0)
    faults: tuple[FaultRate, ...] = key(FaultsKind(), "the faults of the line", ())


@frozen(kw_only=True)
class MeterTable:
    """[[line.meter]]: a given meter."""

    serial: str = required(Text("1 to 32 printable characters", r"[ -~]{1,32}", '"01234567"'), "its number and address")
    mode: Mode = key(Choice({mode.value: mode for mode in (Mode.A, Mode.B, Mode.C)}), "connection mode", Mode.C)
    manufacturer: str = key(
        Text("three letters", r"[A-Za-z]{3}", '"XMP"'), "third letter small: reacts within 20 ms", "XMP"
    )
    model: str = key(Text("up to 64 printable characters", r"[ -~]{0,64}"), "text of the identification", "VERBA-3.1")
    speed_character: str = key(Text("one character", r"[ -~]", '"5"'), "Z of the identification", "5")
    escapes: str = key(Text("characters", r"[ -~]*", '"2"'), "one escape of the identification a character", "")
    check: BlockCheck = key(one_of(BlockCheck), "the block check", BlockCheck.XOR)
    framed: bool = key(Switch(), "false: a block without STX, ETX, check", default=True)
    glued: bool = key(Switch(), "true: the end mark follows the last bracket", default=False)
    address_rule: AddressRule = key(one_of(AddressRule), "which sign-ons it takes", AddressRule.STRIP_ZEROS)
    reaction_ms: int | None = key(Whole(0, 60_000, "ms"), "reaction time; else 200, or 20 by its class", None)
    faults: tuple[FaultRate, ...] = key(FaultsKind(), "its own faults", ())


@frozen(kw_only=True)
class RegisterTable:
    """[[line.meter.register]]: a given register; none: F.F, 0.0.0 with the serial number, 1.8.0."""

    address: str = required(Text("an address as printed", _PRINTED, '"1.8.0"'), "its address as printed")
    raw: str | None = key(Text("a print", r"[ -~]*", '"000123.4*kWh"'), "what stands between the outer brackets", None)
    hourly: str | None = key(
        Text("a decimal number", r"[0-9]+(\.[0-9]+)?", '"0.5"'), "what it grows by when live", None
    )
    clock: str | None = key(
        Text("a form of strftime", r"[ -~]+", '"%H%M%S"'), "prints the meter's clock in place of raw", None
    )


def load_building(path: Path, start: datetime) -> tuple[LineWish, ...]:
    """The wishes of a file, its clocks showing `start`; raises SiteError with all findings at once, by line."""
    text = _text_of(path)
    try:
        content: Raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError([Finding("E-CFG-3", str(path), f"no valid TOML: {error}")]) from None
    findings = Findings(locate(str(path), text))
    top = _table(BuildingTable, _own(content, "line"), (), "", findings) or BuildingTable()
    wishes = [_wish(raw, n, top, start, findings) for n, raw in enumerate(tables_in(content, ("line",), findings))]
    if not wishes and not findings.in_order:
        findings.add(
            (),
            "",
            Misfit(None, "E-CFG-4", "no [[line]]: there is nothing to simulate", "write [[line]] with meters = 4"),
        )
    if findings.in_order:
        raise SiteError(findings.in_order)
    return tuple(wish for wish in wishes if wish is not None)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(
            [Finding("E-CFG-1", str(path), f"the file cannot be read: {error}", "name a readable file")]
        ) from error


def _wish(raw: Raw, n: int, top: BuildingTable, start: datetime, findings: Findings) -> LineWish | None:
    table = _table(LineTable, _own(raw, "meter"), ("line", n), f"[[line]] number {n + 1}", findings)
    plates = [
        _plate(meter, ("line", n, "meter", m), start, top.seed, findings)
        for m, meter in enumerate(tables_in(raw, ("line", n, "meter"), findings))
    ]
    if table is None:
        return None
    return LineWish(
        port=table.port,
        start=start,
        meters=table.meters,
        plates=tuple(plate for plate in plates if plate is not None),
        faults=table.faults,
        baudrate=table.baudrate,
        wire=table.wire,
        time_scale=top.time_scale,
        is_live=top.live,
        seed=top.seed,
    )


def _plate(raw: Raw, place: Place, start: datetime, seed: int, findings: Findings) -> Nameplate | None:
    table = _table(MeterTable, _own(raw, "register"), place, "[[line.meter]]", findings)
    registers = [
        _register(register, (*place, "register", n), start, findings)
        for n, register in enumerate(tables_in(raw, (*place, "register"), findings))
    ]
    if table is None:
        return None
    given = tuple(register for register in registers if register is not None)
    plate = Nameplate(
        serial=table.serial,
        mode=table.mode,
        manufacturer=table.manufacturer,
        model=table.model,
        registers=given or _usual_registers(table.serial),
        speed_character=table.speed_character,
        escapes=tuple(table.escapes),
        check=table.check,
        framed=table.framed,
        glued=table.glued,
        address_rule=table.address_rule,
        reaction=None if table.reaction_ms is None else table.reaction_ms / 1000,
    )
    chance = random.Random(f"{seed}/{table.serial}")  # noqa: S311 - repeatable on purpose
    return with_faults(plate, dict(_rates(table.faults)), chance)


def _usual_registers(serial: str) -> tuple[SimulatedRegister, ...]:
    return (
        StillRegister("F.F", "00000000"),
        StillRegister("0.0.0", serial),
        TotalRegister("1.8.0", "0012345.678*kWh", Decimal("0.5")),
    )


def _rates(faults: Iterable[FaultRate]) -> Iterator[tuple[Fault, float]]:
    for one in faults:
        usual = USUAL_RATE if one.fault.strikes_messages else 1.0
        yield one.fault, usual if one.rate is None else one.rate


def _register(raw: Raw, place: Place, start: datetime, findings: Findings) -> SimulatedRegister | None:
    title = "[[line.meter.register]]"
    table = _table(RegisterTable, raw, place, title, findings)
    if table is None:
        return None
    if table.clock is not None:
        return ClockRegister(table.address, table.clock, start)
    if table.raw is None:
        findings.add(place, title, Misfit(None, "E-CFG-4", 'either "raw" or "clock" is wanted', 'raw = "000123.4*kWh"'))
        return None
    if table.hourly is None:
        return StillRegister(table.address, table.raw)
    try:
        Decimal(table.raw.partition("*")[0])
    except InvalidOperation:
        findings.add(
            (*place, "raw"), title, Misfit("raw", OUT_OF_RANGE, f"{shown(table.raw)} is no number that can grow")
        )
        return None
    return TotalRegister(table.address, table.raw, Decimal(table.hourly))


def _own(raw: Raw, child: str) -> Raw:
    return {name: value for name, value in raw.items() if name != child}


def _table(kind: type[A], raw: Raw, place: Place, title: str, findings: Findings) -> A | None:
    table, misfits = structure(kind, raw)
    for misfit in misfits:
        findings.add(place if misfit.key is None else (*place, misfit.key), title, misfit)
    return table
