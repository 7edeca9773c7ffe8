"""The verb `explain-reading` against journals whose blocks are known octet by octet."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.errors import Cause, Finding
from gateway.journal import Store
from gateway.journal.rows import instant
from gateway.journal.store import Entry
from gateway.profile import MeterProfile, load_profile
from gateway.protocol.datablock import parse_block
from gateway.reading import Event, EventKind, Gap, Grounds, Layer, Quality, Reading, Readout, Record, Remark, Visit
from gateway.site.model import NumberType, SignalSettings

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
BLOCK = (
    b"0.0.0(01234567)\r\n1.8.0(0147238.4*kWh)\r\n1.8.0*03(0146001.0)\r\n1.8.0(0000000.5*kWh)\r\nF.F(00000081)\r\n!\r\n"
)
PROFILE = """id = "verba"
version = 2
title = "Verba"
maker = "XMP"
identification = '/XMP5VERBA'
differs = "It has an error register."

[[register]]
address = "1.8.0"
name = "energy_import"

[[register]]
address = "F.F"
name = "errors"
decoder = "flags"
[register.parameters]
"7" = "clock set"

[[register]]
address = "X.1"
name = "inner"
decoder = "decimal"
[register.parameters]
bracket = 1

[[example]]
identification = '/XMP5VERBA'
block = '''
1.8.0(0000000.5*kWh)
!
'''
readings = [{ address = "1.8.0", value = "0.5" }]
"""
SITE = """
config_version = 1
[gateway]
timezone = "Europe/Vilnius"
data_dir = "{folder}/state"
profiles = "{folder}/profiles.d"
[[line]]
alias = "riser-a"
device = "/dev/ttyS9"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "01234567"
  [[meter.signal]]
  signal_name = "Energy"
  signal_alias = "energy"
  tag_job_todo = "1.8.0"
  number_type = "DOUBLE"
  scale = "0.001"
  unit = "MWh"
[[meter]]
device_alias = "flat02"
line = "riser-a"
serialnumber = "01234568"
  [[meter.signal]]
  signal_name = "Energy"
  signal_alias = "inner"
  tag_job_todo = "X.1"
[[sink]]
name = "broker"
type = "jsonl"
path = "{folder}/broker.jsonl"
[[sink]]
name = "never"
type = "jsonl"
path = "{folder}/never.jsonl"
"""
TRUSTED = Grounds("present", "xor", "known", "printed")


def profile() -> MeterProfile:
    return load_profile(PROFILE, "verba.toml")


def readout(n: int = 0, signals: Sequence[SignalSettings] = (), **facts: object) -> Readout:
    """What the block gave in the slot of that number."""
    read_at = START + n * timedelta(minutes=15)
    usual: Mapping[str, object] = {
        "visit": Visit("block-12", "riser-a", "flat01", "01234567", read_at, read_at, 2412),
        "identification": "/XMP5VERBA",
        "manufacturer": "XMP",
        "model": "VERBA",
        "profile": "verba@2",
        "read_at": read_at,
        "readings": profile().interpret(parse_block(BLOCK), signals),
        "meter_time": datetime(2026, 9, 30, 12, 0, 3),  # noqa: DTZ001 - a meter's local time
        "clock_drift_s": 3,
        "block": BLOCK,
        "grounds": TRUSTED,
    }
    return Readout(**{**usual, **facts})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The journal of a gateway that runs."""
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site file with a local profile of two registers."""
    (tmp_path / "profiles.d").mkdir()
    (tmp_path / "profiles.d" / "verba.toml").write_text(PROFILE)
    path = tmp_path / "metergate.toml"
    path.write_text(SITE.format(folder=tmp_path))
    return path


def keep(store: Store, *records: Record) -> None:
    store.commit([Entry(record) for record in records])


def explain(identifier: str, *options: str | Path) -> Result:
    return CliRunner().invoke(main, ["explain-reading", identifier, *map(str, options)])


def explained(identifier: str, *options: str | Path) -> dict[str, Any]:
    done = explain(identifier, *options, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_offsets_point_into_the_message_from_its_stx_on(store: Store, site: Path) -> None:
    keep(store, readout())
    found = explained("1.1", "--config", site)
    message, wire, layout = b"\x02" + BLOCK + b"\x03", found["wire"], found["layout"]
    data_set = message[wire["offset"] : wire["offset"] + wire["length"]]
    assert (data_set, wire["counted_from"]) == (b"1.8.0(0147238.4*kWh)", "STX")
    assert (bytes.fromhex(wire["octets"]), wire["text"]) == (data_set, data_set.decode())
    assert (wire["line_number"], wire["line"]) == (2, "1.8.0(0147238.4*kWh)")
    assert wire["block_octets"] == len(BLOCK)
    assert message[layout["begin"] : layout["end"]] == b"0147238.4*kWh"
    assert (layout["width"], layout["whole_digits"], layout["decimals"]) == (9, 7, 1)
    assert layout["form"] == "0000000.0*kWh"


def test_the_reading_is_told_with_its_times(store: Store, site: Path) -> None:
    keep(store, readout())
    found = explained("1.1", "--config", site)
    assert found["id"] == "1.1"
    told = {key: found["reading"][key] for key in ("signal", "value", "unit", "quality", "read_at", "clock_drift_s")}
    assert told == {
        "signal": "energy_import",
        "value": "147238.4",
        "unit": "kWh",
        "quality": "good",
        "read_at": "2026-09-30T09:00:00.000Z",
        "clock_drift_s": 3,
    }


def test_the_block_check_is_computed_over_the_stored_block(store: Store, site: Path) -> None:
    keep(
        store,
        readout(0),
        readout(1, grounds=evolve(TRUSTED, check="sum7", parity="stripped")),
    )
    covered = BLOCK + b"\x03"
    by_xor, by_sum = (explained(f"{visit}.0", "--config", site)["check"] for visit in (1, 2))
    assert (by_xor["kind"], by_xor["computed"], by_xor["parity"]) == ("xor", f"{reduce(xor, covered):02X}", "present")
    assert (by_sum["kind"], by_sum["computed"]) == ("sum7", f"{sum(covered) & 127:02X}")
    assert explained("2.0", "--config", site)["wire"]["counted_from"] == "STX"
    assert by_sum["parity"] == "stripped"


@pytest.mark.parametrize(("kind", "note"), [("none", "none was sent"), ("crc16", "the telegram from / to !")])
def test_a_block_without_stx_is_counted_from_its_first_character(
    store: Store, site: Path, kind: str, note: str
) -> None:
    keep(store, readout(grounds=evolve(TRUSTED, check=kind)))
    found = explained("1.1", "--config", site)
    assert BLOCK[found["wire"]["offset"] :].startswith(b"1.8.0(0147238.4*kWh)")
    assert found["wire"]["counted_from"] == "the block's first character"
    assert (found["check"]["kind"], found["check"]["computed"]) == (kind, None)
    assert note in found["check"]["note"]


def test_one_of_several_equal_addresses_is_found_by_its_place(store: Store, site: Path) -> None:
    remarks = (
        Remark(Layer.PLAUSIBILITY, "1.8.0", "of the first"),
        Remark(Layer.PLAUSIBILITY, "1.8.0#2", "of the second"),
    )
    keep(store, readout(grounds=evolve(TRUSTED, remarks=remarks)))
    first, second = explained("1.1", "--config", site), explained("1.3", "--config", site)
    assert [found["wire"]["line_number"] for found in (first, second)] == [2, 4]
    assert [found["verdict"]["layers"][-1]["remarks"] for found in (first, second)] == [
        ["of the first"],
        ["of the second"],
    ]
    assert second["profile"]["register"] == "1.8.0"


def test_one_of_several_equal_prints_is_found_by_its_place(store: Store, site: Path) -> None:
    block = b"1.8.0(1)\r\n1.8.0(1)\r\n!\r\n"
    keep(store, readout(block=block, readings=profile().interpret(parse_block(block))))
    assert [explained(f"1.{n}", "--config", site)["wire"]["line_number"] for n in range(2)] == [1, 2]


def test_each_layer_tells_what_it_had_to_say_of_this_register_or_the_block(store: Store, site: Path) -> None:
    remarks = (
        Remark(Layer.SHAPE, "", "2.8.0 is new"),
        Remark(Layer.PLAUSIBILITY, "1.8.0", "it ran backwards"),
        Remark(Layer.PLAUSIBILITY, "F.F", "another register's"),
    )
    grounds = Grounds("stripped", "xor", "changed", "not printed", "disagreed", remarks)
    keep(store, readout(grounds=grounds, quality=Quality.SUSPECT, reason="it ran backwards"))
    verdict = explained("1.1", "--config", site)["verdict"]
    assert [(one["layer"], one["word"], one["remarks"]) for one in verdict["layers"]] == [
        ("parity", "stripped", []),
        ("block check", "xor", []),
        ("grammar", None, []),
        ("shape", "changed", ["2.8.0 is new"]),
        ("identity", "not printed", []),
        ("plausibility", None, ["it ran backwards"]),
    ]
    assert (verdict["quality"], verdict["reason"]) == ("suspect", "it ran backwards")
    assert verdict["confirming_read"] == "a second read in the same slot showed something else"


@pytest.mark.parametrize(
    ("confirming", "text"),
    [("", "not asked for"), ("agreed", "showed the same"), ("replaced", "dismissed"), ("failed", "failed")],
)
def test_the_confirming_read_is_told_in_words(store: Store, site: Path, confirming: str, text: str) -> None:
    keep(store, readout(grounds=evolve(TRUSTED, confirming=confirming)))
    assert text in explained("1.1", "--config", site)["verdict"]["confirming_read"]


def test_a_local_profile_is_told_with_file_and_line_of_the_register(store: Store, site: Path) -> None:
    keep(store, readout())
    energy, errors = (explained(f"1.{n}", "--config", site)["profile"] for n in (1, 4))
    path = site.parent / "profiles.d" / "verba.toml"
    line = PROFILE[: PROFILE.index("[[register]]")].count("\n") + 1
    assert (energy["used"], energy["now"], energy["note"]) == ("verba@2", "verba@2", None)
    assert (energy["stated_in"], energy["brought_by"]) == (f"{path}:{line}", str(path.parent))
    assert (energy["register"], energy["decoder"]) == ("1.8.0", "by the print")
    assert (errors["decoder"], errors["parameters"]) == ("flags", {"7": "clock set"})
    assert errors["decoder_of"].startswith("metergate")


def test_a_stored_period_is_told_of_the_register_that_it_prints_as(store: Store, site: Path) -> None:
    keep(store, readout())
    assert explained("1.2", "--config", site)["profile"]["register"] == "1.8.0"


def test_a_register_that_the_profile_does_not_list_is_told_by_its_print(store: Store, site: Path) -> None:
    keep(store, readout())
    found = explained("1.0", "--config", site)["profile"]
    assert (found["register"], found["decoder"]) == (None, "by the print")
    assert found["stated_in"].startswith(f"not listed in {site.parent}/profiles.d/verba.toml")


def test_a_shipped_profile_is_told_by_its_file_in_the_package(store: Store, tmp_path: Path) -> None:
    keep(store, readout(profile="elster-as1440@1"))
    found = explained("1.1", "--data-dir", tmp_path / "state")["profile"]
    file, _, line = found["stated_in"].partition(":")
    stated = Path(__file__).parents[2].joinpath(file).read_text().splitlines()
    assert stated[int(line) - 1 : int(line) + 1] == ["[[register]]", 'address = "1.8.0"']
    assert found["brought_by"].startswith("metergate")


def test_another_version_of_the_profile_than_the_one_used_is_told(store: Store, site: Path) -> None:
    keep(store, readout(profile="verba@1"))
    found = explained("1.1", "--config", site)["profile"]
    assert (found["used"], found["now"]) == ("verba@1", "verba@2")
    assert "verba@1 was used then" in found["note"]


def test_a_profile_that_nobody_brings_any_more_leaves_the_rest_told(store: Store, tmp_path: Path) -> None:
    keep(store, readout())
    found = explained("1.1", "--data-dir", tmp_path / "state")
    assert (found["profile"]["now"], found["profile"]["decoder"]) == (None, None)
    assert "--config" in found["profile"]["note"]
    assert found["wire"]["text"] == "1.8.0(0147238.4*kWh)"


def test_a_signal_is_found_by_its_print_and_told_with_its_settings(store: Store, site: Path) -> None:
    signals = (
        SignalSettings("Errors", "errors", "F.F"),
        SignalSettings("Energy", "energy", "1.8.0", number_type=NumberType.DOUBLE),
        SignalSettings("Gas", "gas", "7-0:3.0.0"),
    )
    keep(store, readout(signals=signals))
    errors, energy, gas = (explained(f"1.{n}", "--config", site) for n in range(3))
    assert errors["wire"]["line"] == "F.F(00000081)"
    assert energy["wire"]["line_number"] == 2
    assert energy["profile"]["decoder"] == "by the print, as number_type DOUBLE"
    assert energy["profile"]["signal_settings"] == {"number_type": "DOUBLE", "scale": "0.001", "unit": "MWh"}
    assert errors["profile"]["signal_settings"] is None
    assert (gas["wire"]["note"], gas["wire"]["offset"]) == ("the meter did not print it in this block", None)


@pytest.mark.parametrize(
    ("data_set", "value", "digits"),
    [
        (b"1-0:1.8.0(260930090000S)(000123.456*kWh)", b"000123.456*kWh", (6, 3)),
        (b"1.6.0(00.512*kW)(2609300900)", b"00.512*kW", (2, 3)),
        (b"1.6.0(00.512*kW)(15*min)", b"00.512*kW", (2, 3)),
        (b"X.1(01)(0017)", b"0017", (4, 0)),
        (b"X.1(01)", b"01", (2, 0)),
    ],
)
def test_the_span_is_that_of_the_bracket_with_the_value(
    store: Store, site: Path, data_set: bytes, value: bytes, digits: tuple[int, int]
) -> None:
    block = data_set + b"\r\n!\r\n"
    readings = profile().interpret(parse_block(block))
    keep(store, readout(block=block, readings=readings, grounds=evolve(TRUSTED, check="none")))
    layout = explained("1.0", "--config", site)["layout"]
    assert block[layout["begin"] : layout["end"]] == value
    assert (layout["whole_digits"], layout["decimals"]) == digits


def test_settings_of_another_meters_signal_are_not_told(store: Store, site: Path) -> None:
    block = b"X.1(01)(0017)\r\n!\r\n"
    keep(store, readout(block=block, readings=profile().interpret(parse_block(block))))
    found = explained("1.0", "--config", site)
    assert (found["reading"]["signal"], found["profile"]["signal_settings"]) == ("inner", None)


def test_a_block_that_is_removed_leaves_the_rest_told(store: Store, site: Path) -> None:
    keep(store, readout())
    store.prune(0, instant(START + timedelta(days=8)), [])
    found = explained("1.1", "--config", site)
    assert "blocks are removed after 7 days" in found["wire"]["note"]
    assert (found["wire"]["offset"], found["wire"]["octets"], found["layout"]["begin"]) == (None, None, None)
    assert (found["layout"]["form"], found["layout"]["whole_digits"]) == ("0000000.0*kWh", 7)
    assert (found["check"]["kind"], found["check"]["computed"]) == ("xor", None)
    assert found["check"]["note"] == "it fitted, else nothing had been stored"
    assert found["profile"]["register"] == "1.8.0"


def test_readings_of_programming_mode_are_told_without_block_or_grounds(store: Store, site: Path) -> None:
    usual = readout()
    job = evolve(usual.visit, job="profile-data")
    stored = Reading("P.01", None, "1.5.0", usual.readings[1].value, "kW", "0.512", valid_at=START)
    keep(store, evolve(usual, visit=job, readings=(stored,), block=b"", grounds=None))
    found = explained("1.0", "--config", site)
    assert "programming mode (profile-data)" in found["wire"]["note"]
    assert (found["check"]["kind"], found["verdict"]["layers"]) == (None, [])
    assert "no verdict by layer is recorded" in found["verdict"]["note"]
    assert found["reading"]["valid_at"] == "2026-09-30T09:00:00.000Z"


def test_a_block_of_a_version_without_grounds_shows_its_octets(store: Store, site: Path) -> None:
    keep(store, readout(grounds=None))
    found = explained("1.4", "--config", site)
    assert found["wire"]["text"] == "F.F(00000081)"
    assert found["wire"]["counted_from"] == "the block's first character"
    assert found["check"]["note"] == "how it was checked is not recorded"


def test_each_sink_is_told_with_how_far_it_is(store: Store, site: Path) -> None:
    keep(store, *(readout(n) for n in range(4)))
    store.advance("broker", 1)
    store.advance("file", 4)
    store.set_aside("picky", 3, "topic too long")
    found = {sink.pop("sink"): sink for sink in explained("3.1", "--config", site)["sinks"]}
    assert found == {
        "broker": {"taken": False, "records_before": 1, "dead_letter": None},
        "file": {"taken": True, "records_before": None, "dead_letter": None},
        "never": {"taken": False, "records_before": 2, "dead_letter": None},
        "picky": {"taken": False, "records_before": None, "dead_letter": "topic too long"},
    }
    rows = {row["fact"]: row["value"] for row in csv_of("3.1", "--config", site) if row["part"] == "sinks"}
    assert rows == {
        "broker": "waits, records before it: 1",
        "file": "taken",
        "never": "waits, records before it: 2",
        "picky": "dead letter: topic too long",
    }


def test_what_happened_to_the_meter_at_that_moment_is_told(store: Store, site: Path) -> None:
    now, later, other = readout(0), readout(1), readout(0)
    elsewhere = evolve(other.visit, meter="flat02")
    text = "1.8.0: it rolled over"
    keep(
        store,
        Event(now.visit, EventKind.ROLLED_OVER, now.read_at, text, {"register": "1.8.0"}),
        Event(elsewhere, EventKind.ROLLED_OVER, now.read_at, "of another meter"),
        now,
        later,
    )
    assert [event["text"] for event in explained("3.1", "--config", site)["events"]] == [text]
    assert explained("4.1", "--config", site)["events"] == []


def csv_of(identifier: str, *options: str | Path) -> list[dict[str, str]]:
    done = explain(identifier, *options, "--format", "csv")
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(done.stdout.splitlines()))


def test_a_person_sees_aligned_parts(store: Store, site: Path) -> None:
    remarks = (Remark(Layer.SHAPE, "", "a register is new"),)
    keep(store, readout(grounds=evolve(TRUSTED, shape="changed", remarks=remarks)))
    shown = explain("1.1", "--config", site, "--format", "table").stdout.splitlines()
    parts = [line for line in shown if not line.startswith(" ")]
    assert parts == ["reading", "wire", "check", "layout", "profile", "verdict", "sinks", "events"]
    assert "  value            147238.4" in shown
    assert sum(line.startswith("  octets") for line in shown) == 1
    assert "  octets           31 2E 38 2E 30 28 30 31 34 37 32 33 38 2E 34 2A" in shown
    assert "                   6B 57 68 29" in shown
    assert "  parity           present: nothing to remark" in shown
    assert "  shape            changed: a register is new" in shown
    assert "  grammar          nothing to remark" in shown
    assert "                   none at this moment" in shown


def test_long_texts_go_on_in_the_next_line_while_prints_stay_whole(store: Store, site: Path) -> None:
    print_ = "0 " * 40 + "1"
    block = f"1.8.0({print_})\r\n!\r\n".encode()
    remarks = (Remark(Layer.SHAPE, "", f"a register is new: {'1.8.0 ' * 20}".rstrip()),)
    readings = profile().interpret(parse_block(block))
    keep(store, readout(block=block, readings=readings, grounds=evolve(TRUSTED, shape="changed", remarks=remarks)))
    shown = explain("1.0", "--config", site, "--format", "table").stdout
    lines = shown.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("  shape "))
    assert lines[first + 1].startswith("                   1.8.0")
    assert max(len(line) for line in lines[first : first + 3]) <= 80
    assert f"  raw              {print_}\n" in shown


def test_facts_of_several_parts_stand_in_one_line(store: Store, site: Path) -> None:
    keep(store, readout())
    shown = explain("1.4", "--config", site, "--format", "table").stdout.splitlines()
    assert "  parameters       7 clock set" in shown


def test_octets_that_could_steer_a_terminal_are_shown_as_escapes(store: Store, site: Path) -> None:
    block = b"C.5(\x1b[2J)\r\n!\r\n"
    keep(store, readout(block=block, readings=profile().interpret(parse_block(block))))
    shown = explain("1.0", "--config", site, "--format", "table").stdout
    assert "\x1b" not in shown
    assert r"C.5(\x1b[2J)" in shown


@pytest.mark.parametrize("identifier", ["1", "1.", ".1", "1.1.1", "-1.1", "a.b", "1.1 ", "9" * 30 + ".1"])
def test_a_malformed_id_is_a_usage_error(store: Store, identifier: str) -> None:
    done = explain(identifier, "--data-dir", store.data_dir)
    assert (done.exit_code, done.stdout) == (2, "")
    if not identifier.startswith("-"):
        assert "such as 812.4" in done.stderr


@pytest.mark.parametrize(
    ("identifier", "evidence"),
    [
        ("1.5", "that readout holds the readings 0 to 4"),
        ("2.0", "that visit ended without a readout: no_answer"),
        ("3.0", "that record is an event: clock_set"),
        ("9.0", "it holds the visits 1 to 3"),
        ("0.0", "it holds the visits 1 to 3"),
    ],
)
def test_an_id_that_the_journal_does_not_hold_ends_with_the_evidence(
    store: Store, identifier: str, evidence: str
) -> None:
    slot = readout().visit
    gap = Gap(evolve(slot, meter="flat02"), Cause.NO_ANSWER, Finding("E-READ-1", "", "no answer"))
    keep(store, readout(), gap, Event(slot, EventKind.CLOCK_SET, START, "the clock is set"))
    done = explain(identifier, "--data-dir", store.data_dir)
    assert (done.exit_code, done.stdout) == (7, "")
    assert f"E-JRN-12 journal: no reading {identifier}: {evidence}" in done.stderr
    assert "next: `metergate readings` shows the ID" in done.stderr


def test_an_empty_journal_says_so(store: Store) -> None:
    assert "no reading 1.0: it is empty" in explain("1.0", "--data-dir", store.data_dir).stderr


def test_readings_that_are_removed_before_their_record_are_told(store: Store) -> None:
    keep(store, readout(readings=(Reading("hidden", None, "0.1", 5, None, "5", logged=False),)))
    while store.prune(0, 0, []):
        pass
    assert "that readout holds no readings any more" in explain("1.0", "--data-dir", store.data_dir).stderr


def test_an_id_stays_with_its_reading_when_others_of_its_record_are_removed(store: Store, site: Path) -> None:
    hidden = Reading("hidden", None, "0.1", 5, None, "5", logged=False)
    keep(store, readout(readings=(hidden, *readout().readings)))
    while store.prune(0, 0, []):
        pass
    assert explained("1.2", "--config", site)["reading"]["raw"] == "0147238.4*kWh"


def test_a_copied_journal_is_told_with_the_profiles_of_its_site(store: Store, site: Path, tmp_path: Path) -> None:
    keep(store, readout())
    copy = Store(tmp_path / "copy")
    copy.open()
    keep(copy, readout(n=1))
    copy.close()
    found = explained("1.1", "--config", site, "--data-dir", tmp_path / "copy")
    assert (found["reading"]["read_at"], found["profile"]["now"]) == ("2026-09-30T09:15:00.000Z", "verba@2")


def test_no_journal_ends_with_a_message(tmp_path: Path) -> None:
    done = explain("1.0", "--data-dir", tmp_path)
    assert (done.exit_code, done.stdout) == (73, "")
    assert "E-JRN-8" in done.stderr


def test_the_last_column_of_readings_is_an_id_that_can_be_explained(store: Store, site: Path) -> None:
    keep(store, readout(0), readout(1))
    done = CliRunner().invoke(main, ["readings", "--config", str(site), "--format", "csv"])
    *_, last = csv.reader(done.stdout.splitlines())
    found = explained(last[-1], "--config", site)
    assert (found["id"], found["reading"]["address"], found["reading"]["raw"]) == ("2.4", "F.F", "00000081")
