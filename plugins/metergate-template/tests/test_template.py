"""What a plugin's author checks before a release: the profile's example, the decoder, the sink."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import metergate_template
from gateway import DataSet, DecodeError, Event, EventKind, Readout, Register, TransientSinkError, Visit, check_examples
from metergate_template.decoder import pulses
from metergate_template.sink import LogSettings, open_log

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
READOUT = Readout(
    visit=Visit("gateway", "line", "flat01", "00417703", NOON, NOON, 900),
    identification="/XMP5TEMPLATE-1",
    manufacturer="XMP",
    model="TEMPLATE-1",
    profile="template-meter@1",
    read_at=NOON,
    readings=(),
)
CHANGED = Event(READOUT.visit, EventKind.WRITE, NOON, "0.9.1 is now 120000")


def test_the_profiles_example_gives_its_readings() -> None:
    for profile in metergate_template.meter_profiles():
        check_examples(profile, metergate_template.value_decoders())


@pytest.mark.parametrize(("printed", "value"), [("0012345678", "12345.678"), ("0", "0")])
def test_pulses_become_a_quantity(printed: str, value: str) -> None:
    register = Register("1.8.0", parameters={"pulses_per_unit": 1000})
    assert pulses(DataSet("1.8.0", (printed,)), register) == Decimal(value)


@pytest.mark.parametrize("raw", [(), ("",), ("12?4",), ("-5",), ("1" * 19,)])
def test_what_is_no_count_is_refused(raw: tuple[str, ...]) -> None:
    with pytest.raises(DecodeError):
        pulses(DataSet("1.8.0", raw), Register("1.8.0", parameters={"pulses_per_unit": 1000}))


def test_the_sink_appends_a_line_a_record(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    for _ in range(2):
        with open_log(LogSettings(str(path))) as sink:
            sink.write([READOUT, CHANGED])
    told = "2026-03-01 12:00:00 flat01: 0 readings, good\n2026-03-01 12:00:00 flat01: 0.9.1 is now 120000\n"
    assert path.read_text(encoding="utf-8") == told * 2


def test_a_file_that_cannot_be_opened_is_tried_again_later(tmp_path: Path) -> None:
    with pytest.raises(TransientSinkError, match="nowhere"), open_log(LogSettings(str(tmp_path / "nowhere" / "log"))):
        pass


def test_the_gateway_finds_the_installed_plugin() -> None:
    command = [str(Path(sys.executable).with_name("metergate")), "plugins", "--format", "jsonl"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - the gateway's own
    entries = [json.loads(line) for line in listed.splitlines()]
    brought = {entry["name"] for entry in entries if entry["distribution"] == "metergate-template"}
    assert brought == {"template-meter", "template.pulses", "template-log"}
