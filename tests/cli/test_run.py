"""The verb `run` against simulated meters on real ports: journal, sinks, exit codes."""

import csv
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.journal import Store
from gateway.simulator import Fault, Nameplate, Port, PtyPort, StillRegister, TcpPort

Serve = Callable[[Port, Sequence[Nameplate]], str]
Plate = Callable[..., Nameplate]

HEAD = """
config_version = 1
[gateway]
name = "block-12"
timezone = "Europe/Vilnius"
data_dir = "{folder}/state"
"""
METER = """
[[meter]]
device_alias = "flat{serial}"
line = "{line}"
serialnumber = "{serial}"
enable = {enable}
timeout_ms = 1500
"""
SINKS = """
[[sink]]
name = "lines"
type = "jsonl"
path = "{folder}/readings.jsonl"
[[sink]]
name = "sheet"
type = "csv"
path = "{folder}/readings.csv"
"""


@define
class House:
    """A site file in the making."""

    folder: Path
    text: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.text = HEAD.format(folder=self.folder)

    def line(self, alias: str, endpoint: str, *serials: str, disabled: Sequence[str] = ()) -> None:
        """A line at an ENDPOINT with its meters."""
        place, _, _ = endpoint.partition("?")
        host, _, port = place.removeprefix("tcp://").rpartition(":")
        far_end = f'ip = "{host}"\nport = {port}\nbaudrate = 9600' if host.startswith("127") else ""
        far_end = far_end or f'device = "{place.removeprefix("serial://")}"'
        self.text += f'[[line]]\nalias = "{alias}"\n{far_end}\ntime_scale = 10\n'
        for serial in (*serials, *disabled):
            self.text += METER.format(serial=serial, line=alias, enable=str(serial not in disabled).lower())

    def written(self) -> Path:
        path = self.folder / "site.toml"
        path.write_text(self.text)
        return path

    def records(self) -> list[dict[str, object]]:
        """What the sink of JSON lines has got."""
        return [json.loads(line) for line in (self.folder / "readings.jsonl").read_text().splitlines()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def metergate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def once(house: House, *options: str) -> Result:
    return metergate("run", "--once", house.written(), *options)


def energies(records: Sequence[dict[str, object]]) -> dict[object, str]:
    """The value of 1.8.0 by meter."""
    found = {}
    for record in records:
        rows = record["values"]
        assert isinstance(rows, list)
        found[record["meter"]] = next(row["value"] for row in rows if row["address"] == "1.8.0")
    return found


EIGHT = [f"4177032{digit}" for digit in range(8)]


def test_a_round_over_several_lines_is_delivered_to_the_sinks(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate(serial) for serial in EIGHT[:4]]), *EIGHT[:4])
    house.line("riser-b", serve(PtyPort(), [plate(serial) for serial in EIGHT[4:]]), *EIGHT[4:])
    house.text += SINKS.format(folder=house.folder)
    done = once(house)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.endswith("8 read, 0 not read\n")
    assert energies(house.records()) == {f"flat{serial}": f"7032{serial[-1]}.678" for serial in EIGHT}
    with (house.folder / "readings.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["address"] == "1.8.0"]
    assert sorted(row["value"] for row in rows) == [f"7032{digit}.678" for digit in range(8)]


def test_the_journal_shows_what_was_read_and_grows_round_by_round(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate("41770326")]), "41770326", "41770327")
    assert [once(house).exit_code for _ in range(2)] == [3, 3]
    state = house.folder / "state"
    visits = json.loads(metergate("visits", "--data-dir", state, "--json").stdout)
    assert [(row["meter"], row["outcome"], row["cause"], row["attempts"]) for row in visits] == [
        ("flat41770326", "delivered", None, 1),
        ("flat41770327", "gap", "no_answer", 3),
    ] * 2
    readings = json.loads(metergate("readings", "--data-dir", state, "--json").stdout)
    assert [row["value"] for row in readings if row["address"] == "1.8.0"] == ["70326.678"] * 2


def test_readings_come_in_the_next_run_for_a_sink_that_was_not_there(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate("41770326")]), "41770326")
    assert once(house).exit_code == 0
    house.text += SINKS.format(folder=house.folder)
    assert once(house).exit_code == 0
    assert len(house.records()) == 2


# Which meters


def test_only_the_named_meters_are_read(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate(serial) for serial in EIGHT]), *EIGHT)
    house.text += SINKS.format(folder=house.folder)
    assert once(house, "--only", "flat41770322", "--only", "flat41770325").exit_code == 0
    assert list(energies(house.records())) == ["flat41770322", "flat41770325"]


def test_an_unknown_name_is_a_usage_error(house: House) -> None:
    house.line("riser-a", "tcp://127.0.0.1:9", "41770326")
    done = once(house, "--only", "flat7")
    assert done.exit_code == 2
    assert 'no meter "flat7"' in done.stderr


@contextmanager
def recorder() -> Iterator[tuple[str, bytearray]]:
    """A far end that never answers; gives its ENDPOINT, and all that it hears."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            connection, _ = server.accept()
            with connection:
                while octets := connection.recv(4096):
                    heard.extend(octets)

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", heard
        thread.join()


def test_a_disabled_meter_gets_not_one_byte(house: House) -> None:
    with recorder() as (endpoint, heard):
        house.line("riser-a", endpoint, "41770326", disabled=["41770327"])
        assert once(house).exit_code == 4
    assert heard == b"/?41770326!\r\n" * 3


def test_a_line_without_enabled_meters_is_not_even_opened(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # noqa: FBT003 - the standard library's way
        house.line("riser-a", f"tcp://127.0.0.1:{server.getsockname()[1]}", disabled=["41770326"])
        assert once(house).exit_code == 0
        with pytest.raises(BlockingIOError):
            server.accept()


def test_s3_two_meters_of_one_number_on_two_lines_are_kept_apart(serve: Serve, plate: Plate, house: House) -> None:
    for line, alias, energy in (("riser-a", "flat01", "0070326.678*kWh"), ("riser-b", "flat07", "0000012.345*kWh")):
        registers = (StillRegister("0.0.0", "41770326"), StillRegister("1.8.0", energy))
        house.line(line, serve(TcpPort(), [plate("41770326", registers=registers)]))
        house.text += METER.format(serial="41770326", line=line, enable="true").replace("flat41770326", alias)
    house.text += SINKS.format(folder=house.folder)
    warned = metergate("check", house.written())
    assert "W-CFG-6" in warned.stderr
    assert "is that of meter flat01 on line riser-a" in warned.stderr
    assert [once(house).exit_code for _ in range(2)] == [0, 0]
    readings = json.loads(metergate("readings", "--data-dir", house.folder / "state", "--json").stdout)
    energies = [(row["meter"], row["value"], row["quality"]) for row in readings if row["address"] == "1.8.0"]
    assert sorted(energies) == [("flat01", "70326.678", "good")] * 2 + [("flat07", "12.345", "good")] * 2
    assert {(record["line"], record["meter"]) for record in house.records()} == {
        ("riser-a", "flat01"),
        ("riser-b", "flat07"),
    }
    assert metergate("meters", "history", "--data-dir", house.folder / "state").stdout == ""


# Without a trace


def test_a_dry_run_prints_its_records_and_writes_nothing(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate("41770326")]), "41770326")
    house.text += SINKS.format(folder=house.folder)
    done = metergate("run", "--dry-run", house.written())
    assert done.exit_code == 0
    assert energies([json.loads(line) for line in done.stdout.splitlines()]) == {"flat41770326": "70326.678"}
    assert [path.name for path in house.folder.iterdir()] == ["site.toml"]


def test_a_dry_run_prints_in_the_form_that_is_asked_for(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate(serial) for serial in EIGHT[:2]]), *EIGHT[:2])
    shown = metergate("run", "--dry-run", "--format", "json", house.written())
    found = energies(json.loads(shown.stdout))
    assert set(found) == {f"flat{serial}" for serial in EIGHT[:2]}
    sheet = metergate("run", "--dry-run", "--format", "csv", house.written()).stdout.splitlines()
    assert sheet[0] == "meter,address,title,value,unit,quality,reason"
    assert {row.partition(",")[0] for row in sheet[1:]} == set(found)


# Exit codes


def test_a_line_that_is_down_costs_the_others_nothing(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", str(house.folder / "ttyUSB7"), "41770325")
    house.line("riser-b", serve(TcpPort(), [plate("41770326")]), "41770326")
    done = once(house)
    assert done.exit_code == 3
    assert f"E-LINE-1 line riser-a: {house.folder}/ttyUSB7 does not exist" in done.stderr
    assert done.stderr.endswith("1 read, 1 not read (1 line_down)\n")


@pytest.mark.parametrize(
    ("faults", "code"), [({Fault.SILENT: 1.0}, 4), ({Fault.BAD_CHECK: 1.0}, 5), ({Fault.WRONG_IDENTITY: 1.0}, 8)]
)
def test_one_cause_for_all_meters_is_the_exit_code(
    serve: Serve, plate: Plate, house: House, faults: dict[Fault, float], code: int
) -> None:
    registers = {"registers": plate("5").registers} if Fault.WRONG_IDENTITY in faults else {}
    meters = [plate(serial, faults=faults, **registers) for serial in EIGHT[:2]]
    house.line("riser-a", serve(TcpPort(), meters), *EIGHT[:2])
    assert once(house).exit_code == code


def test_no_line_at_all_ends_with_69(house: House) -> None:
    house.line("riser-a", str(house.folder / "ttyUSB7"), "41770325")
    house.line("riser-b", str(house.folder / "ttyUSB8"), "41770326")
    assert once(house).exit_code == 69


def test_a_data_directory_that_cannot_be_made_ends_with_73(house: House) -> None:
    house.line("riser-a", "tcp://127.0.0.1:9", "41770326")
    (house.folder / "state").write_text("a file stands here")
    done = once(house)
    assert done.exit_code == 73
    assert done.stderr.startswith("E-JRN-")


def test_a_data_directory_of_another_gateway_ends_with_73(house: House) -> None:
    house.line("riser-a", "tcp://127.0.0.1:9", "41770326")
    other = Store(house.folder / "state")
    other.open()
    done = once(house)
    other.close()
    assert done.exit_code == 73
    assert done.stderr.startswith("E-JRN-")


def test_the_data_directory_of_the_command_line_wins(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate("41770326")]), "41770326")
    assert once(house, "--data-dir", str(house.folder / "elsewhere")).exit_code == 0
    assert (house.folder / "elsewhere" / "metergate.db").exists()
    assert not (house.folder / "state").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[[line]]\nalias = 7\n", "E-CFG-5"),
        ('[[sink]]\nname = "s"\ntype = "mqttt"\n', "E-CFG-19"),
        ('[[sink]]\nname = "s"\ntype = "jsonl"\nfile = "x"\n', "E-CFG-2"),
        ('[[meter]]\ndevice_alias = "x"\nline = "riser-a"\nserialnumber = "2"\nmeter_model = "mt17"\n', "E-PRO-10"),
    ],
)
def test_an_invalid_site_file_ends_with_78_before_anything_is_opened(house: House, more: str, message: str) -> None:
    house.line("riser-a", "tcp://127.0.0.1:9", "41770326")
    house.text += more
    done = once(house)
    assert (done.exit_code, done.stdout) == (78, "")
    assert message in done.stderr
    assert not (house.folder / "state").exists()


@pytest.mark.services  # it takes the 10 s that sinks are given at the end
def test_a_sink_that_cannot_be_reached_ends_with_74(serve: Serve, plate: Plate, house: House) -> None:
    house.line("riser-a", serve(TcpPort(), [plate("41770326")]), "41770326")
    house.text += f'[[sink]]\nname = "lines"\ntype = "jsonl"\npath = "{house.folder}/missing/readings.jsonl"\n'
    done = once(house)
    assert done.exit_code == 74
    assert "sink lines: not all records delivered; they wait in the journal" in done.stderr
