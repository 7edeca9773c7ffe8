"""The end of a gateway by signals: its process on a pseudo-terminal whose far end is played here."""

import os
import select
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import define, evolve

from gateway.app import App, Tally
from gateway.bus import Bus
from gateway.catalog import Catalog
from gateway.cli.exits import Exit, exit_of
from gateway.errors import Cause, Finding
from gateway.job import ReadRegisters
from gateway.journal import Journal
from gateway.protocol.characters import Mode, with_even_parity, without_parity
from gateway.reading import Event, EventKind, Gap, Readout, Record, Visit
from gateway.simulator import (
    LineWish,
    Nameplate,
    PtyPort,
    SimulatedLine,
    SimulatedProgramming,
    StillRegister,
    building,
    serve_line,
)
from gateway.site.locate import Locator
from gateway.site.model import GatewaySettings, JobKind, JobSettings, LineSettings, MeterSettings, SerialPort, Site
from gateway.telemetry import Telemetry
from gateway.work import Terms

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from gateway.cli.main import main; main()"]
REQUEST = b"/?41770326!\r\n"
MODE_A, MODE_B, MODE_C = b"/XMP HZ-4\r\n", b"/XMPAVERBA-B\r\n", b"/XMP5VERBA-3.1\r\n"
BREAK = b"\x01B0\x03q"
ENDS_WITHIN = 3.0  # seconds after the first signal
SITE = """
config_version = 1
[gateway]
log_level = "warn"
data_dir = "{folder}/state"
[[line]]
alias = "riser-a"
device = "{device}"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "41770326"
t2 = 200
[[sink]]
name = "lines"
type = "jsonl"
path = "{folder}/{sink_folder}readings.jsonl"
"""


@define
class Gateway:
    """A running gateway, with the far end of its one line at 300 Bd."""

    process: subprocess.Popen[bytes]
    master: int

    def hear(self, wanted: bytes) -> bytes:
        """All that comes until it ends as wanted."""
        heard = b""
        while not heard.endswith(wanted):
            readable, _, _ = select.select([self.master], [], [], 10)
            assert readable, f"after {heard!r} nothing came"
            heard += without_parity(os.read(self.master, 4096))
        return heard

    def say(self, octets: bytes) -> None:
        os.write(self.master, with_even_parity(octets))

    def is_identified(self) -> None:
        """Returns when the gateway has followed a mode B meter to 600 Bd, whose data it now waits for."""
        self.hear(REQUEST)
        self.say(MODE_B)
        self.wait_for(lambda: termios.tcgetattr(self.master)[5] == termios.B600)

    def wait_for(self, sign: Callable[[], bool]) -> None:
        """Returns as soon as the sign is seen."""
        tries = 500
        while not sign():
            assert (tries := tries - 1)
            select.select([], [], [], 0.02)

    def ends(self) -> tuple[int, bytes]:
        """The exit code, within the time that it has for its end, and its messages."""
        _, messages = self.process.communicate(timeout=ENDS_WITHIN)
        return self.process.returncode, messages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def gateway(folder: Path) -> Iterator[Gateway]:
    with started(folder) as gateway:
        yield gateway


@contextmanager
def started(folder: Path, *options: str, sink_folder: str = "") -> Iterator[Gateway]:
    master, slave = os.openpty()
    tty.setraw(slave)
    site = folder / "site.toml"
    site.write_text(SITE.format(folder=folder, device=os.ttyname(slave), sink_folder=sink_folder))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*COMMAND, "run", *options, str(site)], stderr=subprocess.PIPE, env=environment)
    try:
        yield Gateway(process, master)
    finally:
        process.kill()
        process.communicate()
        os.close(master)
        os.close(slave)


@pytest.mark.services
def test_a_signal_while_a_sink_is_waited_for_ends_at_once(folder: Path) -> None:
    with started(folder, "--once", sink_folder="missing/") as gateway:
        gateway.hear(REQUEST)
        gateway.say(MODE_A + b"0.0(41770326)\r\n!\r\n")
        gateway.wait_for(lambda: b"delivered" in b"".join(row.encode() for row in visits(folder)))
        gateway.process.send_signal(signal.SIGINT)
        code, messages = gateway.ends()
    assert code == 130
    assert b"Traceback" not in messages
    assert b"sink lines: not all records delivered" in messages


def test_a_tally_counts_slots_and_no_events() -> None:
    now = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
    visit = Visit("", "", "flat01", "", now, now, 1)
    tally = Tally()
    tally.count(Event(visit, EventKind.WRITE, now, "0.9.1 is now 120000"))
    assert exit_of(tally) is Exit.GOOD
    tally.count(Gap(visit, Cause.REFUSED, Finding("", "", "")))
    tally.count(Readout(visit, "", "", "", "", now, ()))
    assert (tally.delivered, tally.gaps, exit_of(tally)) == (1, {Cause.REFUSED: 1}, Exit.PARTIAL)


def visits(folder: Path) -> list[str]:
    listed = subprocess.run(
        [*COMMAND, "visits", "--data-dir", str(folder / "state"), "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return listed.stdout.decode().splitlines()[1:]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_within_a_session_frees_the_meter_and_books_the_slot(
    gateway: Gateway, folder: Path, number: signal.Signals, code: int
) -> None:
    gateway.is_identified()
    gateway.process.send_signal(number)
    assert gateway.hear(BREAK) == BREAK
    assert gateway.ends() == (code, b"")
    assert ["cancelled" in row for row in visits(folder)] == [True]


def test_a_message_at_300_bd_that_is_being_sent_is_finished(gateway: Gateway) -> None:
    gateway.hear(REQUEST)
    gateway.say(MODE_C)
    begun = gateway.hear(b"\n")
    gateway.process.send_signal(signal.SIGTERM)
    assert begun == b"\x06050\r\n"
    assert gateway.ends() == (0, b"")


def test_a_signal_while_a_request_at_300_bd_is_being_sent_ends_in_time(gateway: Gateway) -> None:
    assert gateway.hear(REQUEST) == REQUEST
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (0, b"")


@pytest.mark.services
def test_a_meter_that_keeps_talking_does_not_hold_up_the_end(gateway: Gateway) -> None:
    gateway.is_identified()
    gateway.process.send_signal(signal.SIGTERM)
    for _ in range(60):
        gateway.say(b"1.8.0(")
        select.select([], [], [], ENDS_WITHIN / 60)
    assert gateway.process.poll() == 0


def test_a_second_signal_ends_at_once(gateway: Gateway) -> None:
    gateway.is_identified()
    gateway.process.send_signal(signal.SIGTERM)
    gateway.hear(BREAK)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (143, b"")


def test_a_signal_between_visits_ends_with_all_records_delivered(gateway: Gateway, folder: Path) -> None:
    gateway.hear(REQUEST)
    gateway.say(MODE_A + b"0.0(41770326)\r\n!\r\n")
    readings = folder / "readings.jsonl"
    gateway.wait_for(lambda: readings.exists() and readings.stat().st_size > 0)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.ends() == (0, b"")
    assert len(readings.read_text().splitlines()) == 1
    assert ["delivered" in row for row in visits(folder)] == [True]


# Jobs

VILNIUS = ZoneInfo("Europe/Vilnius")
LOCAL_START = datetime(2026, 9, 30, 12, 0)  # noqa: DTZ001 - local time of the meter
PROGRAMMING = SimulatedProgramming(LOCAL_START, commands=frozenset(("R1", "W1", "E2")))
REGISTERS = (StillRegister("0.0.0", "41770326"), StillRegister("1.8.0", "0012345.678*kWh"))
PLATE = Nameplate("41770326", Mode.C, "XMP", "VERBA-3.1", REGISTERS, programming=PROGRAMMING)
FAST = 20.0


def simulated(plate: Nameplate = PLATE) -> SimulatedLine:
    begin = datetime(2026, 9, 30, 9)  # noqa: DTZ001 - the meters' own clocks
    (line,) = building([LineWish(PtyPort(), begin, meters=0, plates=(plate,), time_scale=FAST)])
    return line


def app_of(
    endpoint: str,
    *jobs: JobSettings,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    watch: Callable[[Record], None] = lambda _: None,
) -> App:
    line = LineSettings("riser-a", SerialPort(endpoint), time_scale=FAST)
    meter = MeterSettings("flat01", "riser-a", "41770326", jobs=jobs)
    gateway = GatewaySettings(timezone=VILNIUS)
    site = Site(Path(), gateway, (line,), (meter,), (), None, Locator(""))
    return App(site, Catalog.collect(), (), Telemetry(), lambda _: None, watch=watch, now=now)


@pytest.mark.anyio
@pytest.mark.real_time
async def test_a_job_of_the_site_file_is_done_at_its_moment_and_is_in_the_journal(tmp_path: Path) -> None:
    begin = datetime(2026, 9, 30, 9, 29, 58, tzinfo=UTC) - timedelta(seconds=trio.current_time())
    records = list[Record]()
    async with trio.open_nursery() as nursery:
        endpoint = await nursery.start(serve_line, simulated())

        def watch(record: Record) -> None:
            records.append(record)
            if record.visit.job:
                nursery.cancel_scope.cancel()

        job = JobSettings(JobKind.PROFILE_DATA, "12:30")
        app = app_of(endpoint, job, now=lambda: begin + timedelta(seconds=trio.current_time()), watch=watch)
        with trio.fail_after(20):
            await app.run(tmp_path)
    assert [record.visit.job for record in records] == ["", "profile-data"]
    assert records[1].visit.due_at == datetime(2026, 9, 30, 9, 30, tzinfo=UTC)
    async with Journal.open(tmp_path) as journal:
        stored = [record for _, record in await journal.batch(0, 10)]
        assert stored == records
        assert (await journal.memories())["flat01"].stored_until.keys() == {"P.01"}


@pytest.mark.anyio
@pytest.mark.real_time
async def test_a_job_that_a_person_asks_for_is_in_the_journal_on_return(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        endpoint = await nursery.start(serve_line, simulated())
        app, tally = app_of(endpoint), Tally()
        record = await app.perform(ReadRegisters(("1.8.0",)), app.site.meters[0], tmp_path, Terms(), tally)
        nursery.cancel_scope.cancel()
    assert isinstance(record, Readout)
    assert record.readings[0].raw == "0012345.678*kWh"
    assert tally.delivered == 1
    async with Journal.open(tmp_path) as journal:
        assert [stored for _, stored in await journal.batch(0, 10)] == [record]
        assert (await journal.memories())["flat01"].open_session is None


@pytest.mark.anyio
@pytest.mark.real_time
async def test_s9_a_refused_password_is_remembered_from_command_to_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLATS", "11111111")
    line, codes = simulated(), []
    async with trio.open_nursery() as nursery:
        endpoint = await nursery.start(serve_line, line)
        for _ in range(2):
            app = app_of(endpoint)
            meter = evolve(app.site.meters[0], password="env:FLATS")  # noqa: S106 - a reference
            terms = Terms(consents=True, presents=True)
            record = await app.perform(ReadRegisters(("1.8.0",)), meter, tmp_path, terms)
            assert isinstance(record, Gap)
            codes.append(record.finding.code)
        nursery.cancel_scope.cancel()
    assert codes == ["E-ACC-4", "E-ACC-1"]


@pytest.mark.anyio
async def test_a_cadence_is_due_once_though_the_two_clocks_differ_a_little() -> None:
    begin = datetime(2026, 9, 30, 9, 29, 50, tzinfo=UTC)
    app = app_of("/dev/ttyS9", now=lambda: begin + timedelta(seconds=0.9999 * trio.current_time()))
    first = app.due_after("12:30", trio.current_time())
    assert first == pytest.approx(10, abs=0.1)
    await trio.sleep(first)
    assert app.due_after("12:30", first) == pytest.approx(first + 86_400, abs=1)


@pytest.mark.anyio
@pytest.mark.real_time
async def test_d9_a_gateway_on_a_host_without_the_time_says_so_and_marks_its_readings(tmp_path: Path) -> None:
    begin = datetime(1970, 1, 1, 0, 3, tzinfo=UTC) - timedelta(seconds=trio.current_time())
    records, findings = list[Record](), list[Finding]()
    async with trio.open_nursery() as nursery:
        endpoint = await nursery.start(serve_line, simulated())

        def watch(record: Record) -> None:
            records.append(record)
            nursery.cancel_scope.cancel()

        app = app_of(endpoint, now=lambda: begin + timedelta(seconds=trio.current_time()), watch=watch)
        with trio.fail_after(20):
            await evolve(app, report=findings.append).run(tmp_path)
    assert [finding.code for finding in findings] == ["W-CLK-1"]
    async with Journal.open(tmp_path) as journal:
        event, readout = [record for _, record in await journal.batch(0, 10)]
    assert isinstance(event, Event)
    assert (event.kind, event.details["synced"]) == (EventKind.HOST_CLOCK, False)
    assert [readout] == records
    assert isinstance(readout, Readout)
    assert "unsynced: " in (readout.reason or "")


@pytest.mark.anyio
async def test_d8_the_jobs_of_all_lines_follow_the_wall_clock_when_that_is_put(tmp_path: Path) -> None:
    wall = [datetime(2026, 9, 30, 9, 0, tzinfo=UTC)]
    job = JobSettings(JobKind.PROFILE_DATA, "12:30")
    app = app_of("/dev/ttyS9", job, now=lambda: wall[0] + timedelta(seconds=trio.current_time()))
    async with Journal.open(tmp_path, inline=True) as journal:
        (bus,) = app._buses(journal.append, {}, Tally(), journal)
        assert isinstance(bus, Bus)
        watch = await app._watched([bus], journal)
        wall[0] += timedelta(minutes=20)
        with trio.move_on_after(1):
            await watch.run()
    due = [job.due for job in bus.schedule._jobs]
    assert due == pytest.approx([600], abs=0.1)
