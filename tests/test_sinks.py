"""The built-in sinks: what they write, and what they do when they cannot."""

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from gateway.errors import Cause, Finding, TransientSinkError
from gateway.reading import READING_COLUMNS, Event, EventKind, Gap, Reading, Readout, Visit
from gateway.sinks import FileSettings, defused, output_sinks

START = datetime(2026, 9, 30, 9, 0, 11, 204_000, UTC)
VISIT = Visit("block-12", "riser-a", "flat01", "01234567", START, START, 2412)
ENERGY = Reading("energy_import", "1-0:1.8.0*255", "1.8.0", Decimal("-147238.40"), "kWh", "-147238.40*kWh")
READOUT = Readout(VISIT, "/XMP5VERBA", "XMP", "VERBA", "generic@1", START, (ENERGY,), datetime(2026, 9, 30, 12, 0, 14))  # noqa: DTZ001
GAP = Gap(VISIT, Cause.NO_ANSWER, Finding("E-READ-1", "meter flat01", "no answer"))
EVENT = Event(
    VISIT, EventKind.WRITE, START, "0.9.1 is now 120000", {"register": "0.9.1", "old": None, "confirmed": True}
)
OLD_COLUMNS = READING_COLUMNS[:-1]

KINDS = output_sinks()


def test_json_lines_holds_each_record_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with KINDS["jsonl"].open(FileSettings(str(path))) as sink:
        sink.write([READOUT, GAP, EVENT])
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert found == [READOUT.as_json(), GAP.as_json(), EVENT.as_json()]
    assert found[2]["schema"] == "metergate.event/1"


def test_json_lines_goes_on_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    for _ in range(2):
        with KINDS["jsonl"].open(FileSettings(str(path))) as sink:
            sink.write([GAP])
    assert [json.loads(line) for line in path.read_text().splitlines()] == [GAP.as_json()] * 2


def test_a_line_torn_by_a_kill_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"schema": "metergate')
    with KINDS["jsonl"].open(FileSettings(str(path))) as sink:
        sink.write([GAP])
    torn, whole = path.read_text().splitlines()
    assert (torn, json.loads(whole)) == ('{"schema": "metergate', GAP.as_json())


def test_csv_has_one_header_and_a_row_a_reading(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    for _ in range(2):
        with KINDS["csv"].open(FileSettings(str(path))) as sink:
            sink.write([GAP, READOUT, EVENT])
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == READING_COLUMNS
    expected = {
        "meter": "flat01",
        "serial": "01234567",
        "signal": "energy_import",
        "obis": "1-0:1.8.0*255",
        "address": "1.8.0",
        "value": "-147238.40",
        "unit": "kWh",
        "raw": "'-147238.40*kWh",
        "quality": "good",
        "reason": "",
        "read_at": "2026-09-30T09:00:11.204Z",
        "valid_at": "",
        "meter_time": "2026-09-30T12:00:14",
        "status": "",
    }
    assert [dict(zip(header, row, strict=True)) for row in rows] == [expected] * 2


def test_csv_tells_the_instant_of_a_stored_interval_with_its_status(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    reading = attrs.evolve(ENERGY, valid_at=START - timedelta(days=1), status="power down, clock set")
    with KINDS["csv"].open(FileSettings(str(path))) as sink:
        sink.write([attrs.evolve(READOUT, readings=(reading,))])
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert (row["valid_at"], row["status"]) == ("2026-09-29T09:00:11.204Z", "power down, clock set")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_file_of_an_earlier_version_keeps_its_columns(tmp_path: Path, end: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text(",".join(OLD_COLUMNS) + end, newline="")
    with KINDS["csv"].open(FileSettings(str(path))) as sink:
        sink.write([attrs.evolve(READOUT, readings=(attrs.evolve(ENERGY, status="power down"),))])
    with path.open(newline="") as file:
        header, row = csv.reader(file)
    assert (tuple(header), len(row), row[-1]) == (OLD_COLUMNS, len(OLD_COLUMNS), "2026-09-30T12:00:14")


@pytest.mark.parametrize("start", ["date;kWh\n", ",".join(READING_COLUMNS[:5]), "\n", f"{'x' * 5000}\n"])
def test_a_csv_file_with_other_columns_is_left_alone(tmp_path: Path, start: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text(start)
    with (
        pytest.raises(TransientSinkError, match=r"out\.csv begins with other columns"),
        KINDS["csv"].open(FileSettings(str(path))),
    ):
        pass
    assert path.read_text().rstrip("\n") == start.rstrip("\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_starts_a_formula(start: str) -> None:
    assert defused(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("plain", ["-5.25", "+12", "0147238.4", "VERBA", "a=b", ""])
def test_numbers_and_plain_texts_stay_as_they_are(plain: str) -> None:
    assert defused(plain) == plain


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_that_cannot_be_opened_is_tried_again_later(tmp_path: Path, kind: str) -> None:
    with (
        pytest.raises(TransientSinkError, match="missing/out cannot be written: No such file or directory"),
        KINDS[kind].open(FileSettings(str(tmp_path / "missing" / "out"))),
    ):
        pass


FULL = """
import resource, sys
from gateway.errors import TransientSinkError
from gateway.sinks import AppendedFile, FileSettings, output_sinks
import os

limits = resource.getrlimit(resource.RLIMIT_FSIZE)
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND | os.O_CREAT)
file = AppendedFile(descriptor, sys.argv[1], is_regular=True)
file.append("first line\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (40, limits[1]))
try:
    file.append("a line that does not fit into the room that is left\\n")
except TransientSinkError as error:
    print(error.what)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
file.append("second line\\n")
"""


def test_half_a_write_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path} cannot be written: File too large\n"
    assert path.read_text() == "first line\nsecond line\n"


def test_standard_output_gets_each_batch_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with KINDS["jsonl"].open(FileSettings()) as sink:
        sink.write([READOUT])
        assert json.loads(capfd.readouterr().out) == READOUT.as_json()


BEFORE = """
from gateway.sinks import FileSettings, output_sinks

print("printed before")
with output_sinks()["csv"].open(FileSettings()) as sink:
    sink.file.append("a line\\n")
"""


def test_what_was_printed_before_stays_before() -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", BEFORE], env=buffered, capture_output=True, text=True, check=True)
    assert done.stdout == "printed before\na line\n"


GONE = """
import os, sys
from gateway.errors import TransientSinkError
from gateway.sinks import FileSettings, output_sinks

sys.stdin.readline()
with output_sinks()["csv"].open(FileSettings()) as sink:
    for _ in range(2):
        try:
            sink.file.append("a line\\n")
        except TransientSinkError as error:
            print(error.what, file=sys.stderr)
"""


def test_a_reader_of_standard_output_that_is_gone_loses_no_record() -> None:
    reading_end, writing_end = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", GONE], stdin=subprocess.PIPE, stdout=writing_end, stderr=subprocess.PIPE, text=True
    ) as child:
        os.close(writing_end)
        os.close(reading_end)
        _, errors = child.communicate("\n")
    assert errors.splitlines() == ["standard output cannot be written: Broken pipe"] * 2
    assert child.returncode == 0
