"""BUILDING.toml, read and refused."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import SiteError
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.messages import Command, encode
from gateway.reading import Access
from gateway.simulator import (
    AddressRule,
    ClockSet,
    Decline,
    ErrorStyle,
    EventLog,
    Farewell,
    Fault,
    LoadProfile,
    Nameplate,
    PasswordScheme,
    PowerLoss,
    PtyPort,
    SimulatedMeter,
    SimulatedPassword,
    SimulatedProgramming,
    TcpPort,
    WireForm,
    building,
    load_building,
)
from gateway.simulator.tables import (
    BuildingTable,
    EventTable,
    LineTable,
    MeterTable,
    ProgrammingTable,
    RegisterTable,
    SeriesTable,
)
from gateway.simulator.truth import meter_as_json
from gateway.site.tables import keys_of

START = datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - a meter's local time
WHOLE = """
seed = 7
time_scale = 20
live = true

[[line]]
port = "tcp:0"
meters = 3
faults = ["noise:0.1"]

[[line]]
port = "pty"
baudrate = 1200
wire = "plain"
  [[line.meter]]
  serial = "01234567"
  mode = "A"
  manufacturer = "XYZ"
  model = "OWN-1"
  speed_character = " "
  escapes = "2"
  check = "sum7"
  glued = true
  address_rule = "exact"
  reaction_ms = 350
  faults = ["ignores_address", "cut"]
    [[line.meter.register]]
    address = "0.0.0"
    raw = "01234567"
    [[line.meter.register]]
    address = "0.9.1"
    clock = "%H:%M"
    [[line.meter.register]]
    address = "1.8.0"
    raw = "0000012.3*kWh"
    hourly = "1.5"
  [[line.meter]]
  serial = "7"
"""


def load(folder: Path, text: str) -> str:
    """The findings of a file that must be refused."""
    path = folder / "building.toml"
    path.write_text(text)
    with pytest.raises(SiteError) as refused:
        load_building(path, START)
    return "\n".join(str(finding).replace(f"{folder}/", "") for finding in refused.value.findings)


def test_a_file_describes_lines_meters_registers_and_faults(tmp_path: Path) -> None:
    path = tmp_path / "building.toml"
    path.write_text(WHOLE)
    wishes = load_building(path, START)
    first, second = building(wishes)
    assert [wish.port for wish in wishes] == [TcpPort(0), PtyPort()]
    assert {(line.time_scale, line.is_live) for line in (first, second)} == {(20.0, True)}
    assert {wish.seed for wish in wishes} == {7}
    assert len(first.plates) == 3
    assert {plate.faults[Fault.NOISE] for plate in first.plates} == {0.1}
    assert (second.opening_speed, second.wire) == (1200, WireForm.PLAIN)
    own, usual = second.plates
    assert (own.serial, own.mode, own.check, own.address_rule) == (
        "01234567",
        Mode.A,
        BlockCheck.SUM7,
        AddressRule.EXACT,
    )
    assert own.identification.raw == "/XYZ \\2OWN-1"
    assert own.reaction == 0.35
    assert own.faults == {Fault.IGNORES_ADDRESS: 1.0, Fault.CUT: 0.2}
    assert own.block() == b"0.0.0(01234567)\r\n0.9.1(12:00)\r\n1.8.0(0000012.3*kWh)!\r\n"
    assert own.block(3600) == b"0.0.0(01234567)\r\n0.9.1(13:00)\r\n1.8.0(0000013.8*kWh)!\r\n"
    assert usual.block() == b"F.F(00000000)\r\n0.0.0(7)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"


def test_all_that_does_not_fit_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    told = load(
        tmp_path,
        'sed = 1\n[[line]]\nport = "com1"\nmeter_count = 3\n[[line.meter]]\nmode = "D"\n'
        '[[line.meter.register]]\nadress = "1.8.0"\n',
    )
    assert 'E-CFG-2 building.toml:1: unknown key "sed"\n        next: did you mean "seed"?' in told
    assert 'E-CFG-6 building.toml:3 [[line]] number 1: port = "com1"' in told
    assert 'E-CFG-2 building.toml:4 [[line]] number 1: unknown key "meter_count"' in told
    assert 'E-CFG-4 building.toml:5 [[line.meter]]: the key "serial" is missing' in told
    assert "building.toml:6 [[line.meter]]: mode" in told
    assert 'building.toml:8 [[line.meter.register]]: unknown key "adress"' in told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-CFG-4 building.toml:1: no [[line]]"),
        ("[[line]\n", "E-CFG-3 building.toml: no valid TOML"),
        ("line = 3\n", "E-CFG-5 building.toml:1 [[line]]: line is"),
        ("[[line]]\nmeter = 3\n", "write [[line.meter]]"),
        ('[[line]]\nfaults = ["smoke"]\n', 'building.toml:2 [[line]] number 1: faults = "smoke" is no fault'),
        ('[[line]]\nfaults = "silent"\n', "a list of texts is wanted"),
        ('[[line]]\nport = "tcp:70000"\n', "PORT from 0 (a free one) to 65535"),
        (
            '[[line]]\n[[line.meter]]\nserial = "1"\n[[line.meter.register]]\naddress = "1.8.0"\n',
            'either "raw" or "clock"',
        ),
        (
            '[[line]]\n[[line.meter]]\nserial = "1"\n[[line.meter.register]]\naddress = "0"\nraw = "V"\nhourly = "1"\n',
            '"V" is no number that can grow',
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, text: str, code: str) -> None:
    assert code in load(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"none\.toml: the file cannot be read"):
        load_building(tmp_path / "none.toml", START)


UTILITY = """
[[line]]
port = "tcp:0"
  [[line.meter]]
  serial = "41770326"
  tables = { "6" = ["1.8.0"] }
  unselected = true
    [line.meter.programming]
    operand = "random"
    commands = ["R1", "W1"]
    unknown_command = "ack"
    refusal = "nak"
    errors = "named"
    low_password = "24681357"
    low_scheme = "crc32"
    high_password = "777777"
    high_scheme = "clear"
    wrong_password = "silence"
    tries = 5
    lockout_s = 7.5
    idle_s = 4
    farewell = "break"
    reads = "low"
    reset_by = "C.9"
    reset_access = "high"
    cover_open = true
    switch_open = true
    addresses = false
    line_ends = true
    part_line_ends = false
    part_lines = 3
    clock = 2026-03-01T14:30:00
    timezone = "Europe/Berlin"
    since = 2026-02-01T00:00:00
    status_digits = 4
      [[line.meter.programming.series]]
      address = "P.09"
      minutes = 30
      channels = ["1-0:1.29*kWh"]
      access = "high"
      [[line.meter.programming.series]]
      address = "P.99"
      kind = "log"
      [[line.meter.programming.event]]
      kind = "power-loss"
      at = 2026-02-03T04:05:06
      seconds = 60
      [[line.meter.programming.event]]
      kind = "clock-set"
      at = 2026-02-04T04:05:06
      seconds = -5
    [[line.meter.register]]
    address = "1.8.0"
    raw = "1*kWh"
    access = "none"
    write = "sealed"
"""


def plate_of(folder: Path, text: str) -> Nameplate:
    path = folder / "building.toml"
    path.write_text(text)
    ((found,),) = ([*wish.plates] for wish in load_building(path, START))
    return found


def test_a_file_describes_the_programming_mode(tmp_path: Path) -> None:
    found = plate_of(tmp_path, UTILITY)
    assert (found.tables, found.reads_out_unselected) == ({"6": ("1.8.0",)}, True)
    assert found.programming == SimulatedProgramming(
        start=datetime(2026, 3, 1, 14, 30),  # noqa: DTZ001 - a meter's local time
        time_zone=ZoneInfo("Europe/Berlin"),
        operand="random",
        commands=frozenset(("R1", "W1")),
        passwords={
            Access.LOW: SimulatedPassword("24681357", PasswordScheme.CRC32),
            Access.HIGH: SimulatedPassword("777777", PasswordScheme.CLEAR),
        },
        wrong_password=Decline.SILENCE,
        tries=5,
        lockout_s=7.5,
        idle_s=4.0,
        unknown_command=Decline.ACK,
        refusal=Decline.NAK,
        errors=ErrorStyle.NAMED,
        farewell=Farewell.BREAK,
        access={"1.8.0": Access.NONE, "P.09": Access.HIGH},
        reads=Access.LOW,
        writable={"0.9.1": Access.LOW, "0.9.2": Access.LOW, "0.9.4": Access.LOW, "1.8.0": Access.SEALED},
        reset_by="C.9",
        reset_access=Access.HIGH,
        is_cover_open=True,
        is_switch_open=True,
        has_addresses=False,
        ends_lines=True,
        ends_parts=False,
        part_lines=3,
        stored=(LoadProfile("P.09", 30, (("1-0:1.29", "kWh"),)), EventLog("P.99")),
        since=datetime(2026, 2, 1),  # noqa: DTZ001 - a meter's local time
        events=(
            PowerLoss(datetime(2026, 2, 3, 4, 5, 6), 60),  # noqa: DTZ001 - a meter's local time
            ClockSet(datetime(2026, 2, 4, 4, 5, 6), -5),  # noqa: DTZ001 - a meter's local time
        ),
        status_digits=4,
    )


def test_an_empty_table_gives_the_usual_programming_mode_with_the_time_of_its_zone(tmp_path: Path) -> None:
    found = plate_of(tmp_path, '[[line]]\n[[line.meter]]\nserial = "7"\n[line.meter.programming]\n').programming
    assert found is not None
    assert found.start == datetime(2026, 9, 30, 15, 0, 14)  # noqa: DTZ001 - a meter's local time
    assert found.events is not None
    usual = SimulatedProgramming(found.start, events=found.events)
    assert (found, len(found.events)) == (usual, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("programming = 3", "E-CFG-5 building.toml:4 [line.meter.programming]: programming is a number"),
        ('programming = { comands = ["R5"] }', 'did you mean "commands"?'),
        ('programming = { commands = ["P1"] }', "a list of commands from R1 to R6, W1 to W6, E1 to E6 is wanted"),
        ("programming = { switch_open = true }", "the sealed switch is behind the cover"),
        ("programming = { clock = 2026-03-01T12:00:00Z }", "a local date with time is wanted"),
        ("programming = { event = [{ kind = 'clock-set' }] }", '[[line.meter.programming.event]]: the key "at"'),
        ("programming = { series = [{ minutes = 7 }] }", '[[line.meter.programming.series]]: the key "address"'),
        ('tables = { "5" = [] }', "a table from the digits 6 to 9 to lists of addresses is wanted"),
        ('register = [{ address = "1", raw = "1", write = "low" }]', "groups belong to a programming mode"),
    ],
)
def test_a_programming_mode_that_cannot_be_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    assert told in load(tmp_path, f'[[line]]\n[[line.meter]]\nserial = "7"\n{text}\n')


def test_the_truth_tells_what_a_reader_must_know_of_the_programming_mode(tmp_path: Path) -> None:
    truth = meter_as_json(plate_of(tmp_path, UTILITY))["programming"]
    assert truth == {
        "operand": "random",
        "commands": ["R1", "W1"],
        "passwords": {"low": "24681357", "high": "777777"},
        "idle_s": 4.0,
        "clock": "2026-03-01T14:30:00",
        "timezone": "Europe/Berlin",
        "access": {"1.8.0": "none", "P.09": "high"},
        "writable": {"0.9.1": "low", "0.9.2": "low", "0.9.4": "low", "1.8.0": "sealed"},
        "reset": "C.9",
        "stored": [{"address": "P.09", "minutes": 30, "channels": ["1-0:1.29*kWh"]}, {"address": "P.99"}],
        "events": [
            {"kind": "power-loss", "at": "2026-02-03T04:05:06", "seconds": 60},
            {"kind": "clock-set", "at": "2026-02-04T04:05:06", "seconds": -5},
        ],
    }


def test_faults_reach_the_programming_mode(tmp_path: Path) -> None:
    text = UTILITY.replace("random", "serial").replace(
        "unselected = true", 'faults = ["wrong_identity", "clock_wrong"]'
    )
    found = plate_of(tmp_path, text).programming
    assert found is not None
    assert found.operand not in ("serial", "41770326")
    assert abs(found.start - datetime(2026, 3, 1, 14, 30)) >= timedelta(hours=2)  # noqa: DTZ001 - a meter's local time


def test_the_example_of_the_manual_prints_what_the_manual_says(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs/simulate.md").read_text().partition("## A utility's meter")[2]
    example = manual.partition("```toml\n")[2].partition("```")[0]
    shown = manual.partition("R5 P.01(")[2].partition("```")[0]
    found = plate_of(tmp_path, example)
    meter = SimulatedMeter(found, opening_speed=9600, has_parity=False)
    meter.hear(b"/?41770326!\r\n", 9600, 0.0, 0.1)
    meter.hear(b"\x06051\r\n", 9600, 1.0, 1.1)
    argument = shown.partition(")")[0]
    (answer,) = meter.hear(encode(Command("R", "5", f"P.01({argument})")), 9600, 2.0, 2.1)
    printed = [line.partition("    ")[0] for line in shown.splitlines()[1:]]
    assert answer.octets[1:-2].decode().splitlines() == printed


def test_every_key_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs/simulate.md").read_text()
    for table in (
        BuildingTable,
        LineTable,
        MeterTable,
        RegisterTable,
        ProgrammingTable,
        SeriesTable,
        EventTable,
    ):
        for name in keys_of(table):
            assert f"| `{name}` |" in documented, f"{table.__name__}: {name}"
