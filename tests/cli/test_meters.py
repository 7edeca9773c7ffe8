"""The verbs `meters list`, `meters history`, `meters swap` against a journal with known content."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from gateway.experience import Announced, Experience, Remembered
from gateway.journal import Store
from gateway.journal.history import History
from gateway.journal.store import Entry, Note
from gateway.memory import MeterMemory
from gateway.reading import Event, EventKind, Visit
from gateway.simulator import Nameplate, Port, StillRegister, TcpPort
from tests.cli.utility import metergate

START = datetime(2025, 9, 30, 9, 0, tzinfo=UTC)
BLOCK = b"0.0.0(41770326)\r\n1.8.0(0147238.4*kWh)\r\n1.8.1(0100000.0*kWh)\r\n1.8.0*01(0140000.0*kWh)\r\n!\r\n"
SITE = """
[gateway]
timezone = "Europe/Vilnius"
data_dir = "state"
[[line]]
alias = "riser-a"
device = "/dev/ttyS9"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "41770326"
  [[meter.signal]]
  signal_alias = "energy_import"
  tag_job_todo = "15.8.0|1-0:1.8.0"
  [[meter.signal]]
  signal_alias = "energy_export"
  tag_job_todo = "2.8.0"
[[meter]]
device_alias = "flat02"
line = "riser-a"
serialnumber = "41770327"
enable = false
"""
LIVE = """
[gateway]
data_dir = "state"
[[line]]
alias = "riser-a"
ip = "127.0.0.1"
port = {port}
baudrate = 9600
time_scale = 10
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "{serial}"
  [[meter.signal]]
  signal_alias = "energy_import"
  tag_job_todo = "1.8.0"
"""


def remembered() -> MeterMemory:
    block = Remembered(BLOCK, START)
    experience = Experience(identity="41770326", accepted=block, since=START - timedelta(days=7))
    return MeterMemory(identification="/XMP5VERBA-3.1", experience=experience)


def event(kind: EventKind, n: int, text: str, meter: str = "flat01") -> Event:
    slot = START + n * timedelta(minutes=15)
    at = slot + timedelta(seconds=2)
    details: dict[str, str | bool | None] = {"end 1.8.0": "0147240.0*kWh", "start 1.8.0": "0000000.3*kWh"}
    return Event(Visit("block-12", "riser-a", meter, "41770326", slot, slot, 2412), kind, at, text, details)


@contextmanager
def journal(data_dir: Path) -> Iterator[Store]:
    store = Store(data_dir)
    store.open()
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site file whose meter flat01 has been read."""
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    with journal(tmp_path / "state") as store:
        store.commit([Note("flat01", remembered().to_text())])
    return path


def announced(site: Path) -> Announced | None:
    with closing(History.open(site.parent / "state")) as history:
        return history.memories()["flat01"].experience.announced


def swap(site: Path, *options: str) -> Result:
    return metergate("meters", "swap", "flat01", "--config", site, *options)


def rows_of(done: Result) -> list[dict[str, object]]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


# An exchange


def test_an_exchange_is_kept_in_mind_with_what_both_plates_showed(site: Path) -> None:
    done = swap(
        site,
        *("--at", "2025-09-30T12:20", "--end", "1.8.0=147241.2", "--end", "1.8.1 = 100001.5 kWh"),
        *("--start", "energy_import=0.3", "--start", "2.8.0=0"),
    )
    assert [(row["register"], row["last_print"], row["end"], row["start"]) for row in rows_of(done)] == [
        ("1.8.0", "0147238.4*kWh", "147241.2*kWh", "0.3*kWh"),
        ("1.8.1", "0100000.0*kWh", "100001.5*kWh", None),
        ("2.8.0", None, None, "0"),
    ]
    assert announced(site) == Announced(
        datetime(2025, 9, 30, 9, 20, tzinfo=UTC),
        {"1.8.0": "147241.2*kWh", "1.8.1": "100001.5*kWh"},
        {"1.8.0": "0.3*kWh", "2.8.0": "0"},
    )


def test_without_end_values_the_last_reading_is_shown_as_the_end(site: Path) -> None:
    done = swap(site)
    assert [(row["register"], row["end"], row["last_read_at"]) for row in rows_of(done)] == [
        ("1.8.0", "0147238.4*kWh", "2025-09-30T09:00:00.000Z"),
        ("1.8.1", "0100000.0*kWh", "2025-09-30T09:00:00.000Z"),
    ]
    told = announced(site)
    assert told is not None
    assert (told.ends, told.starts) == ({}, {})
    assert "its next good readout opens the new meter" in done.stderr


def test_what_is_to_be_done_in_the_site_file_is_told_with_its_line(site: Path) -> None:
    number = "site.toml:11 [[meter]] flat01: serialnumber = "
    assert f'{number}"41779999", then start the gateway' in swap(site, "--serial", "41779999").stderr
    assert f"{number}the number on the new plate" in swap(site).stderr
    assert "next:" not in swap(site, "--serial", "41770326").stderr


def test_an_exchange_that_was_mistold_is_forgotten(site: Path) -> None:
    assert swap(site).exit_code == 0
    assert "flat01: forgotten" in swap(site, "--undo").stderr
    assert announced(site) is None
    assert "flat01: no exchange was told" in swap(site, "--undo").stderr


def test_a_unit_of_the_same_quantity_may_differ_from_the_printed_one(site: Path) -> None:
    (row, *_) = rows_of(swap(site, "--end", "energy_import=147.2412 mwh"))
    assert row["end"] == "147.2412*MWh"


@pytest.mark.parametrize("value", ["147238.3", "147238.3 kWh", "147.2383 MWh"])
def test_an_end_value_below_the_last_reading_is_warned_of(site: Path, value: str) -> None:
    done = swap(site, "--end", f"1.8.0={value}")
    assert done.exit_code == 0
    assert "W-SWAP-1 meter flat01: 1.8.0: the end value" in done.stderr
    assert "is below the last reading, 0147238.4*kWh, read at 2025-09-30T09:00:00.000Z" in done.stderr


def test_a_new_meter_may_be_wider_than_the_old_one(site: Path) -> None:
    assert swap(site, "--start", "1.8.0=10000000").exit_code == 0


def test_an_end_value_of_the_last_reading_or_above_is_taken_without_a_word(site: Path) -> None:
    assert "W-SWAP-1" not in swap(site, "--end", "1.8.0=147238.40").stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--end", "1.8.0"), '"1.8.0" is not REGISTER=VALUE'),
        (("--end", "=5"), '"=5" is not REGISTER=VALUE'),
        (("--end", "1.8.0=14723?.4"), "1.8.0: "),
        (("--end", "1.8.0=5 m3"), "1.8.0: 5 m3 is not in kWh, as it prints"),
        (
            ("--end", "2.8.0=5"),
            "2.8.0 is not printed by the meter; its totals are: energy_import, energy_export, 1.8.0",
        ),
        (("--start", "enery=5"), "enery is not printed by the meter"),
        (("--at", "2126-09-30"), "2126-09-29T21:00:00.000Z is yet to come"),
        (("--at", "2025-09-30T11:59:59"), "flat01 was read after that, at 2025-09-30T09:00:00.000Z"),
        (("--serial", "12/34"), "cannot carry"),
        (("--end", "1.8.0=147241.2", "--end", "energy_import=147241.3"), "1.8.0 is told twice"),
        (
            ("--end", "1.8.0=10000000"),
            "10000000*kWh has more than the 7 digits that it prints before the decimal point",
        ),
        (("--end", "1.8.0=10 GWh"), "1.8.0: 10*GWh has more than the 7 digits"),
        (("--undo", "--end", "1.8.0=147241.2"), "--undo goes alone"),
        (("--undo", "--serial", "41779999"), "--undo goes alone"),
    ],
)
def test_what_cannot_be_true_of_an_exchange_is_refused(site: Path, options: tuple[str, ...], told: str) -> None:
    done = swap(site, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in " ".join(done.stderr.split())
    assert announced(site) is None


def test_a_signal_that_the_old_meter_has_not_may_have_a_start_value(site: Path) -> None:
    assert rows_of(swap(site, "--start", "energy_export=1.5 kWh"))[-1]["register"] == "2.8.0"


def test_a_meter_that_was_never_read_has_no_old_one_to_close(site: Path, tmp_path: Path) -> None:
    never = metergate("meters", "swap", "flat02", "--config", site)
    assert never.exit_code == 2
    assert "flat02 was never read" in " ".join(never.stderr.split())
    empty = metergate("meters", "swap", "flat01", "--data-dir", tmp_path / "elsewhere")
    assert empty.exit_code == 2
    assert not (tmp_path / "elsewhere").exists(), "looking makes no journal"


def test_a_meter_whose_values_were_never_taken_for_true_has_no_old_one_to_close(site: Path) -> None:
    with journal(site.parent / "state") as store:
        store.commit([Note("flat02", MeterMemory(identification="/XMP5VERBA-3.1").to_text())])
    assert metergate("meters", "swap", "flat02", "--config", site).exit_code == 2


def test_an_unknown_alias_is_told_with_those_that_are_known(site: Path) -> None:
    done = metergate("meters", "swap", "flat9", "--config", site)
    assert done.exit_code == 2
    assert "it has: flat01, flat02" in " ".join(done.stderr.split())


def test_a_running_gateway_keeps_its_journal_to_itself(site: Path) -> None:
    with journal(site.parent / "state"):
        done = swap(site)
    assert done.exit_code == 73
    assert "E-JRN-2" in done.stderr


def test_a_journal_alone_will_do_with_registers_by_their_address(site: Path) -> None:
    done = metergate(
        "meters",
        "swap",
        "flat01",
        "--data-dir",
        site.parent / "state",
        "--at",
        "2025-09-30T12:20Z",
        "--end",
        "1.8.0=147300",
    )
    assert rows_of(done)[0]["at"] == "2025-09-30T12:20:00.000Z"
    assert "next:" not in done.stderr


def test_the_next_readout_opens_the_new_meter_with_the_values_that_were_told(
    serve: Callable[[Port, Sequence[Nameplate]], str], plate: Callable[..., Nameplate], tmp_path: Path
) -> None:
    def run(serial: str, energy: str) -> Path:
        registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", energy))
        endpoint = serve(TcpPort(), [plate(serial, registers=registers)])
        site = tmp_path / "site.toml"
        port = endpoint.partition("?")[0].rpartition(":")[2]
        site.write_text(LIVE.format(port=port, serial=serial), encoding="utf-8")
        assert metergate("run", "--once", site).exit_code == 0
        return site

    site = run("41770326", "0147238.4*kWh")
    told = ("--end", "energy_import=147241.2", "--start", "1.8.0=0000000.3", "--serial", "41779999")
    assert swap(site, *told).exit_code == 0
    run("41779999", "0000002.1*kWh")
    (event,) = rows_of(metergate("meters", "history", "flat01", "--config", site))
    assert (event["kind"], event["serial"], event["details"]) == (
        "meter_swapped",
        "41779999",
        {
            "old_identity": "41770326",
            "new_identity": "41779999",
            "end 1.8.0": "147241.2*kWh",
            "start 1.8.0": "0000000.3*kWh",
        },
    )
    readings = rows_of(metergate("readings", "--config", site))
    assert [(row["raw"], row["quality"]) for row in readings] == [("0147238.4*kWh", "good"), ("0000002.1*kWh", "good")]
    assert announced(site) is None
    (row,) = rows_of(metergate("meters", "list", "--config", site))
    assert row["identity"] == "41779999"


# History


@pytest.fixture
def eventful(site: Path) -> Path:
    """The same site after three events."""
    records = (
        event(EventKind.ROLLED_OVER, 2, "1.8.0 rolled over", "flat02"),
        event(EventKind.METER_SWAPPED, 1, "the meter was exchanged"),
        event(EventKind.LEVEL_ADOPTED, 3, "1.8.0 was taken over"),
    )
    with journal(site.parent / "state") as store:
        store.commit([Entry(record) for record in records])
    return site


def test_the_history_of_a_meter_tells_what_happened_with_its_details(eventful: Path) -> None:
    rows = rows_of(metergate("meters", "history", "flat01", "--config", eventful))
    assert [(row["at"], row["kind"]) for row in rows] == [
        ("2025-09-30T09:15:02.000Z", "meter_swapped"),
        ("2025-09-30T09:45:02.000Z", "level_adopted"),
    ]
    assert rows[0] == {
        "at": "2025-09-30T09:15:02.000Z",
        "meter": "flat01",
        "serial": "41770326",
        "kind": "meter_swapped",
        "text": "the meter was exchanged",
        "line": "riser-a",
        "details": {"end 1.8.0": "0147240.0*kWh", "start 1.8.0": "0000000.3*kWh"},
    }


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ((), ["meter_swapped", "rolled_over", "level_adopted"]),
        (("--from", "2025-09-30T12:30:02"), ["rolled_over", "level_adopted"]),
        (("--to", "2025-09-30T12:30:02"), ["meter_swapped"]),
    ],
)
def test_the_history_of_all_meters_comes_oldest_first(
    eventful: Path, options: tuple[str, ...], kinds: list[str]
) -> None:
    assert [row["kind"] for row in rows_of(metergate("meters", "history", "--config", eventful, *options))] == kinds


def test_a_table_of_events_has_one_line_an_event(eventful: Path) -> None:
    header, first, *_ = metergate("meters", "history", "--config", eventful, "--format", "csv").stdout.splitlines()
    assert header == "at,meter,serial,kind,text"
    assert first == "2025-09-30T09:15:02.000Z,flat01,41770326,meter_swapped,the meter was exchanged"


def test_a_history_without_journal_ends_with_a_message(tmp_path: Path) -> None:
    done = metergate("meters", "history", "--data-dir", tmp_path)
    assert done.exit_code == 73
    assert "E-JRN-8" in done.stderr


def test_the_history_of_a_meter_that_the_journal_does_not_know_names_those_that_it_does(eventful: Path) -> None:
    done = metergate("meters", "history", "flat9", "--config", eventful)
    assert (done.exit_code, done.stdout) == (2, "")
    assert 'nothing of a meter "flat9"' in " ".join(done.stderr.split())
    assert "it has: flat01, flat02" in " ".join(done.stderr.split())


# The list


def test_the_list_shows_each_meter_of_the_site_with_what_is_remembered(site: Path) -> None:
    first, second = rows_of(metergate("meters", "list", "--config", site))
    assert first == {
        "meter": "flat01",
        "line": "riser-a",
        "serial": "41770326",
        "profile": "generic@1",
        "identity": "41770326",
        "since": "2025-09-23T09:00:00.000Z",
        "last_good": "2025-09-30T09:00:00.000Z",
        "enabled": True,
        "identification": "/XMP5VERBA-3.1",
    }
    assert (second["meter"], second["enabled"], second["profile"], second["last_good"]) == ("flat02", False, None, None)


def test_a_journal_alone_lists_the_meters_that_it_knows(site: Path) -> None:
    (row,) = rows_of(metergate("meters", "list", "--data-dir", site.parent / "state"))
    assert (row["meter"], row["serial"], row["identity"]) == ("flat01", None, "41770326")


def test_meters_are_listed_before_the_first_run_and_while_the_gateway_runs(site: Path, tmp_path: Path) -> None:
    with journal(site.parent / "state"):
        assert len(rows_of(metergate("meters", "list", "--config", site))) == 2
    fresh = tmp_path / "fresh" / "site.toml"
    fresh.parent.mkdir()
    fresh.write_text(SITE, encoding="utf-8")
    assert [row["last_good"] for row in rows_of(metergate("meters", "list", "--config", fresh))] == [None, None]
