"""The tables of BUILDING.toml: every key with its range, default, meaning."""
# ruff: noqa: RUF009 - attrs takes these calls for the fields that they give

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from attrs import AttrsInstance, frozen

from gateway.protocol.characters import SPEEDS, BlockCheck, Mode
from gateway.reading import Access
from gateway.simulator.building import Port, PtyPort, WireForm
from gateway.simulator.fault import FaultRate
from gateway.simulator.plate import AddressRule
from gateway.simulator.programming import USUAL_ZONE, Decline, ErrorStyle, Farewell, PasswordScheme
from gateway.simulator.terms import CommandsKind, FaultsKind, LocalTimeKind, PortKind, ShortTablesKind
from gateway.site.document import Findings
from gateway.site.kinds import Choice, Number, Switch, Text, Texts, Whole, one_of
from gateway.site.locate import Place
from gateway.site.model import Push
from gateway.site.structure import structure
from gateway.site.tables import key, required
from gateway.site.terms import TimeZone

MOST_METERS = 10_000
_WHOLE_RANGE = 2**63 - 1
_PRINTED = r"[ -'*-.0-~]*"  # protocol.md 3.8: neither brackets nor a slash in addresses
_SECRET = Text("printable characters but brackets", r"[ -'*-~]+", '"00000000"')
A = TypeVar("A", bound=AttrsInstance)
Raw = Mapping[str, object]


def table_of(kind: type[A], raw: Raw, place: Place, title: str, findings: Findings) -> A | None:
    """The table as that class, with a finding for all that does not fit; None where it cannot be used."""
    table, misfits = structure(kind, raw)
    for misfit in misfits:
        findings.add(place if misfit.key is None else (*place, misfit.key), title, misfit)
    return table


def without(raw: Raw, *children: str) -> Raw:
    """The table's own keys, those of the tables within it left out."""
    return {name: value for name, value in raw.items() if name not in children}


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
        Choice({speed: speed for speed in SPEEDS}),
        "opening speed; 300 on a pty, 9600 on TCP, 2400 of mode D, 115200 of P1",
        None,
    )
    wire: WireForm | None = key(one_of(WireForm), "what bit 7 is; parity on a pty, plain on TCP or P1", None)
    meters: int = key(Whole(0, MOST_METERS), "how many meters are made up besides those given", 0)
    faults: tuple[FaultRate, ...] = key(FaultsKind(), "the faults of the line", ())
    push: Push = key(one_of(Push), "what its meters send unasked", Push.NONE)
    period_s: float = key(Number(0.1, 86_400), "how often each of them does", 1.0)


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
    tables: Mapping[str, tuple[str, ...]] = key(
        ShortTablesKind(), "option digits 6 to 9 with the registers that they read", {}
    )
    unselected: bool = key(Switch(), "true: without option select it reads out at its opening speed", default=False)


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
    access: Access | None = key(
        one_of(Access), "the group that may read it; none: `reads` of the programming mode", None
    )
    write: Access | None = key(one_of(Access), "the group that may write it; none: nobody", None)


@frozen(kw_only=True)
class ProgrammingTable:
    """[line.meter.programming]: its programming mode; none: it has none."""

    operand: str = key(
        Text("printable characters but brackets", r"[ -'*-~]*", '"serial"'), "of P0; serial, random, or as it is", ""
    )
    commands: frozenset[str] = key(CommandsKind(), "the commands that it knows", frozenset(("R5", "R6", "W5", "E2")))
    unknown_command: Decline = key(one_of(Decline), "its answer to other commands", Decline.ERROR)
    refusal: Decline = key(one_of(Decline), "its answer to what it does not do", Decline.ERROR)
    errors: ErrorStyle = key(one_of(ErrorStyle), "the shape of its error texts", ErrorStyle.TEXT)
    low_password: str | None = key(_SECRET, "what P1 wants; none: the low group stays closed", "00000000")
    low_scheme: PasswordScheme = key(one_of(PasswordScheme), "how P1 says it", PasswordScheme.CLEAR)
    high_password: str | None = key(_SECRET, "what P2 wants; none: the high group stays closed", None)
    high_scheme: PasswordScheme = key(one_of(PasswordScheme), "how P2 says it", PasswordScheme.CRC32)
    wrong_password: Decline = key(one_of(Decline), "its answer to a wrong password", Decline.BREAK)
    tries: int = key(Whole(1, 99), "after so many wrong passwords it takes none", 3)
    lockout_s: float = key(Number(0, 86_400), "for so many seconds", 60.0)
    idle_s: float = key(Number(0.1, 3600), "seconds without a message that end the session", 60.0)
    farewell: Farewell = key(one_of(Farewell), "its answer to a break", Farewell.NOTHING)
    reads: Access = key(one_of(Access), "the group that may read registers without one of their own", Access.NONE)
    reset_by: str = key(Text("an address", _PRINTED), "the E or W address of the demand reset", "1.6.0")
    reset_access: Access = key(one_of(Access), "the group that may reset the demand", Access.LOW)
    cover_open: bool = key(Switch(), "true: its cover is off, which the log tells", default=False)
    switch_open: bool = key(Switch(), "true: calibration is possible; behind the cover", default=False)
    addresses: bool = key(Switch(), "false: answers without address", default=True)
    line_ends: bool = key(Switch(), "true: a line end behind every answered register", default=False)
    part_line_ends: bool = key(Switch(), "false: no line end in front of EOT", default=True)
    part_lines: int = key(Whole(1, 9999), "lines of a partial block where the reader wants none", 8)
    clock: datetime | None = key(LocalTimeKind(), "what its clock shows at first; none: the time", None)
    timezone: ZoneInfo = key(TimeZone(), "where it hangs", USUAL_ZONE)
    since: datetime | None = key(LocalTimeKind(), "when recording began; none: 400 days ago", None)
    status_digits: int = key(Choice({2: 2, 4: 4, 8: 8}), "width of a load profile's status word", 8)


class SeriesKind(StrEnum):
    """What a stored series is."""

    LOAD_PROFILE = "load-profile"
    LOG = "log"


@frozen(kw_only=True)
class SeriesTable:
    """[[line.meter.programming.series]]: stored data; none: P.01, P.02, P.98."""

    address: str = required(Text("an address as printed", _PRINTED, '"P.01"'), "its code")
    kind: SeriesKind = key(one_of(SeriesKind), "load profile or log", SeriesKind.LOAD_PROFILE)
    minutes: int = key(Choice({n: n for n in (1, 5, 10, 15, 30, 60, 1440)}), "its interval", 15)
    channels: tuple[str, ...] = key(Texts(), "code and unit of each channel", ("1.5*kW", "2.5*kW"))
    access: Access | None = key(
        one_of(Access), "the group that may read it; none: `reads` of the programming mode", None
    )


class EventKind(StrEnum):
    """What happened to a meter."""

    POWER_LOSS = "power-loss"
    CLOCK_SET = "clock-set"


@frozen(kw_only=True)
class EventTable:
    """[[line.meter.programming.event]]: what happened before the start; none: one of each, made up."""

    kind: EventKind = required(one_of(EventKind), "what happened")
    at: datetime = required(LocalTimeKind(), "when, by its clock")
    seconds: int = required(Whole(-86_400, 86_400, "s"), "how long; of a clock: how far forward")
