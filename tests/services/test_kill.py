"""The gateway killed again and again, at random moments, in the middle of its work."""

import json
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from attrs import define, field

from gateway.journal import FILE_NAME, read_readings, read_visits
from tests.services.processes import PATIENCE, TrueLine, gateway, metergate, simulated, write_site
from tests.services.relay import Odometer, Relay, relayed
from tests.services.write_ahead import ends_within_a_commit, writes_watched

pytestmark = pytest.mark.services

KILLS = 50
TIME_SCALE = 20
LOG = f"{FILE_NAME}-wal"
Row = tuple[object, ...]


@define
class Scene:
    """A site over two relayed TCP lines and a serial line, with the moments at which its gateway may be killed."""

    site: Path
    data_dir: Path
    sink: Path
    lines: tuple[TrueLine, ...]
    relays: tuple[Relay, ...]
    octets: Odometer
    writes: Odometer
    has_session: bool = field(init=False, default=False)
    is_committing: bool = field(init=False, default=False)

    def kill(self, meter: Odometer, after: int) -> "Counter[Row]":
        """Kills the gateway when a meter has counted so far; gives what could be read between stop and kill.

        What is true when it has been stopped is still true when it is killed.
        """
        with gateway(self.site) as process:
            meter.set(after, lambda: self._stop(process.pid))
            assert meter.reached.wait(PATIENCE), "\n".join(process.told)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            self.is_committing = ends_within_a_commit(self.data_dir / LOG)
            shown = self.readings()
            process.process.kill()
            assert process.process.wait() == -signal.SIGKILL
            assert "Traceback" not in process.messages()
        return shown

    def readings(self) -> "Counter[Row]":
        return Counter(tuple(row.values()) for row in read_readings(self.data_dir))

    def read_meters(self) -> Counter[tuple[str, str]]:
        """How many readings the journal shows of each (meter, read_at)."""
        return Counter((str(row["meter"]), str(row["read_at"])) for row in read_readings(self.data_dir))

    def delivered(self) -> set[tuple[str, str]]:
        """The (meter, read_at) of the records that the sink has in full."""
        whole = self.sink.read_text(encoding="utf-8").splitlines(keepends=True) if self.sink.exists() else []
        records = [json.loads(line) for line in whole if line.startswith("{") and line.endswith("}\n")]
        return {(record["meter"], record["read_at"]) for record in records if "read_at" in record}

    def _stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self.has_session = any(relay.has_session for relay in self.relays)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    octets, writes = Odometer(), Odometer()
    data_dir, sink = tmp_path / "state", tmp_path / "records.jsonl"
    data_dir.mkdir()
    options = ["--live", "--time-scale", str(TIME_SCALE)]
    with ExitStack() as stack:
        *tcp, pty = stack.enter_context(simulated("tcp:0", "tcp:0", "pty", meters=4, options=options))
        relays = tuple(stack.enter_context(relayed(line, octets)) for line in tcp)
        stack.enter_context(writes_watched(data_dir, LOG, writes.count))
        lines = {"garage": relays[0].line, "shops": relays[1].line, "riser": pty}
        site = write_site(
            tmp_path, lines, time_scale=TIME_SCALE, meter={"scan_rate_ms": 8000}, sink=sink, data_dir=data_dir
        )
        yield Scene(site, data_dir, sink, (*tcp, pty), relays, octets, writes)


def assert_sound(scene: Scene) -> None:
    """The file is whole, no slot stands twice, every stored readout has all its readings."""
    with closing(sqlite3.connect(scene.data_dir / FILE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    slots = Counter((row["meter"], row["due_at"]) for row in read_visits(scene.data_dir))
    assert set(slots.values()) <= {1}
    counts = {meter.serial: len(meter.values) for line in scene.lines for meter in line.meters}
    assert all(count == counts[meter.rpartition("-")[2]] for (meter, _), count in scene.read_meters().items())


def test_killed_at_fifty_moments_it_loses_no_reading_and_stores_none_twice(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(20260930)  # noqa: S311 - repeatable on purpose
    in_session = in_commit = inside = 0
    for number in range(KILLS):
        before = scene.readings() if scene.data_dir.joinpath(FILE_NAME).exists() else Counter[Row]()
        if number % 2:
            shown = scene.kill(scene.writes, chance.randint(20, 400))
        else:
            shown = scene.kill(scene.octets, chance.randint(50, 9000))
        after = scene.readings()
        assert before <= shown <= after
        assert set(after.values()) <= {1}
        assert_sound(scene)
        assert scene.delivered() <= scene.read_meters().keys()
        in_session += scene.has_session
        in_commit += scene.is_committing
        inside += scene.has_session or scene.is_committing
    record_property("kills inside a session", in_session)
    record_property("kills inside a commit", in_commit)
    assert inside >= 0.3 * KILLS, f"{in_session} in a session, {in_commit} in a commit"
    assert in_commit > 0
    assert len(scene.read_meters()) > KILLS, "each restart went on reading"
    done = metergate("run", "--once", scene.site)
    assert (done.returncode, done.stderr) == (0, "12 read, 0 not read\n")
    assert_sound(scene)
    assert scene.delivered() == scene.read_meters().keys()
