"""BUILDING.toml, read and refused."""

from datetime import datetime
from pathlib import Path

import pytest

from gateway.errors import SiteError
from gateway.protocol.characters import BlockCheck, Mode
from gateway.simulator import AddressRule, Fault, PtyPort, TcpPort, WireForm, building, load_building
from gateway.simulator.document import BuildingTable, LineTable, MeterTable, RegisterTable
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


def test_every_key_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs/simulate.md").read_text()
    for table in (BuildingTable, LineTable, MeterTable, RegisterTable):
        for name in keys_of(table):
            assert f"| `{name}` |" in documented, f"{table.__name__}: {name}"
