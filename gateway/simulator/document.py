"""BUILDING.toml: the file that describes simulated lines."""

import random
import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from attrs import evolve

from gateway.errors import Finding, SiteError
from gateway.simulator.affliction import with_faults
from gateway.simulator.building import LineWish
from gateway.simulator.fault import USUAL_RATE, Fault, FaultRate
from gateway.simulator.plate import Nameplate
from gateway.simulator.programming_document import ProgrammingSource
from gateway.simulator.register import ClockRegister, SimulatedRegister, StillRegister, TotalRegister
from gateway.simulator.tables import BuildingTable, LineTable, MeterTable, Raw, RegisterTable, table_of, without
from gateway.site.document import Findings, tables_in
from gateway.site.kinds import OUT_OF_RANGE, shown
from gateway.site.locate import Place, locate
from gateway.site.structure import Misfit

_REGISTER_TITLE = "[[line.meter.register]]"


def load_building(path: Path, start: datetime) -> tuple[LineWish, ...]:
    """The wishes of a file; raises SiteError with all findings at once, by line.

    Clocks show `start`, which is UTC to those that know their time zone.
    """
    text = _text_of(path)
    try:
        content: Raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError([Finding("E-CFG-3", str(path), f"no valid TOML: {error}")]) from None
    findings = Findings(locate(str(path), text))
    top = table_of(BuildingTable, without(content, "line"), (), "", findings) or BuildingTable()
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
    table = table_of(LineTable, without(raw, "meter"), ("line", n), f"[[line]] number {n + 1}", findings)
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
        push=table.push,
        period=table.period_s,
    )


def _plate(raw: Raw, place: Place, start: datetime, seed: int, findings: Findings) -> Nameplate | None:
    table = table_of(MeterTable, without(raw, "register", "programming"), place, "[[line.meter]]", findings)
    tables = [
        table_of(RegisterTable, row, (*place, "register", n), _REGISTER_TITLE, findings)
        for n, row in enumerate(tables_in(raw, (*place, "register"), findings))
    ]
    registers = [
        None if one is None else _register(one, (*place, "register", n), start, findings)
        for n, one in enumerate(tables)
    ]
    programming = None
    if "programming" in raw:
        serial = "" if table is None else table.serial
        source = ProgrammingSource((*place, "programming"), start, f"{seed}/{serial}", findings)
        programming = source.programming(raw["programming"], [one for one in tables if one is not None])
    for n, one in enumerate(tables):
        if one is not None and (one.access or one.write) and "programming" not in raw:
            misfit = Misfit(None, "E-CFG-4", "groups belong to a programming mode", "write [line.meter.programming]")
            findings.add((*place, "register", n), _REGISTER_TITLE, misfit)
    if table is None:
        return None
    given = tuple(register for register in registers if register is not None)
    plate = evolve(_nameplate(table, given or _usual_registers(table.serial)), programming=programming)
    chance = random.Random(f"{seed}/{table.serial}")  # noqa: S311 - repeatable on purpose
    return with_faults(plate, dict(_rates(table.faults)), chance)


def _nameplate(table: MeterTable, registers: tuple[SimulatedRegister, ...]) -> Nameplate:
    return Nameplate(
        serial=table.serial,
        mode=table.mode,
        manufacturer=table.manufacturer,
        model=table.model,
        registers=registers,
        speed_character=table.speed_character,
        escapes=tuple(table.escapes),
        check=table.check,
        framed=table.framed,
        glued=table.glued,
        address_rule=table.address_rule,
        reaction=None if table.reaction_ms is None else table.reaction_ms / 1000,
        tables=table.tables,
        reads_out_unselected=table.unselected,
    )


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


def _register(table: RegisterTable, place: Place, start: datetime, findings: Findings) -> SimulatedRegister | None:
    if table.clock is not None:
        return ClockRegister(table.address, table.clock, start)
    if table.raw is None:
        missing = Misfit(None, "E-CFG-4", 'either "raw" or "clock" is wanted', 'raw = "000123.4*kWh"')
        findings.add(place, _REGISTER_TITLE, missing)
        return None
    if table.hourly is None:
        return StillRegister(table.address, table.raw)
    try:
        Decimal(table.raw.partition("*")[0])
    except InvalidOperation:
        still = Misfit("raw", OUT_OF_RANGE, f"{shown(table.raw)} is no number that can grow")
        findings.add((*place, "raw"), _REGISTER_TITLE, still)
        return None
    return TotalRegister(table.address, table.raw, Decimal(table.hourly))
