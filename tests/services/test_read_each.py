"""`metergate read` of simulated meters in processes of their own."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.processes import TrueLine, TrueMeter, metergate, simulated, value_of

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def lines() -> Iterator[tuple[TrueLine, ...]]:
    """A TCP line, a serial line, of eight meters each, at the speed of real ones."""
    with simulated("tcp:0", "pty") as found:
        yield found


def far_end(line: TrueLine) -> str:
    return f"{line.endpoint}?baud={line.baudrate}" if line.endpoint.startswith("tcp") else line.endpoint


def read(line: TrueLine, meter: TrueMeter) -> None:
    done = metergate("read", far_end(line), "--serial", meter.serial, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert (record["meter"], record["serial"]) == (meter.serial, meter.serial)
    assert tuple(map(value_of, record["values"])) == meter.values


def test_each_meter_is_read_by_its_serial_number(lines: tuple[TrueLine, ...]) -> None:
    def read_all(line: TrueLine) -> int:
        for meter in line.meters:
            read(line, meter)
        return len(line.meters)

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(read_all, lines)) == [8, 8]


def test_a_whole_bus_is_read_by_a_file_of_serial_numbers(lines: tuple[TrueLine, ...], tmp_path: Path) -> None:
    def read_bus(line: TrueLine) -> None:
        serials = tmp_path / f"{line.baudrate}.txt"
        serials.write_text("# from the cellar up\n" + "".join(f"{meter.serial}  # flat\n" for meter in line.meters))
        done = metergate("read", far_end(line), "--serials", serials)
        assert (done.returncode, done.stderr) == (0, "")
        records = [json.loads(text) for text in done.stdout.splitlines()]
        found = [(record["serial"], tuple(map(value_of, record["values"]))) for record in records]
        assert found == [(meter.serial, meter.values) for meter in line.meters]

    with ThreadPoolExecutor() as pool:
        assert len(list(pool.map(read_bus, lines))) == 2
