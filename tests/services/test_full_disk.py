"""A journal that finds no room for a while."""

import os
import resource
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import frozen

from gateway.journal import FILE_NAME
from tests.services.processes import METERGATE, PATIENCE, Row, gateway, rows, running, simulated, write_site
from tests.services.relay import Odometer, relayed

pytestmark = pytest.mark.services

TIME_SCALE = 10
SCAN_RATE = timedelta(milliseconds=3000)
SOME_VISITS = 3000  # octets
FILLER = "filler"

# A user who is not root may mount as root of a user namespace.
_AS_ROOT = [] if os.geteuid() == 0 else ["--user"]
_OWN_MOUNTS = ["unshare", "--mount", *_AS_ROOT, *(["--map-root-user"] if _AS_ROOT else [])]


@frozen
class Disk:
    """A disk that can be made full: how a command starts on it, what is told then, how others see it.

    `fill` and `make_room` get the id of the command's process with its data directory as seen from here.
    """

    start: tuple[str, ...]
    enter: tuple[str, ...]
    told: str
    fill: Callable[[int, Path], None]
    make_room: Callable[[int, Path], None]


def fill_with_a_file(_pid: int, view: Path) -> None:
    def fill() -> None:
        with (view / FILLER).open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    with pytest.raises(OSError, match="No space left"):
        fill()


def remove_the_file(_pid: int, view: Path) -> None:
    (view / FILLER).unlink()


def limit_files(pid: int, view: Path) -> None:
    size = (view / f"{FILE_NAME}-wal").stat().st_size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def limit_files_no_more(pid: int, _view: Path) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


SMALL = Disk(
    (*_OWN_MOUNTS, "sh", "-c", 'mount -t tmpfs -o size=8m tmpfs "$0" && echo ready && exec "$@"'),
    ("nsenter", "--mount", *_AS_ROOT, "--target"),
    "E-JRN-5 journal: no room to store",
    fill_with_a_file,
    remove_the_file,
)
LIMITED = Disk(
    ("sh", "-c", 'echo ready && exec "$@"'), (), "E-JRN-6 journal: .* cannot be used", limit_files, limit_files_no_more
)
# Where this user may mount nothing, not even for one process, files of limited size are all the fullness there is.
PROBE = ["sh", "-c", f"{' '.join(_OWN_MOUNTS)} mount -t tmpfs tmpfs /mnt"]
CAN_MOUNT = subprocess.run(PROBE, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("disk", [LIMITED, SMALL] if CAN_MOUNT else [LIMITED])
def test_lines_wait_for_room_then_nothing_is_lost(tmp_path: Path, disk: Disk) -> None:
    data_dir = tmp_path / "state"
    data_dir.mkdir()
    octets = Odometer()
    options = ["--live", "--time-scale", str(TIME_SCALE)]
    with ExitStack() as stack:
        (line,) = stack.enter_context(simulated("tcp:0", meters=2, options=options))
        relay = stack.enter_context(relayed(line, octets))
        site = write_site(
            tmp_path, {"garage": relay.line}, time_scale=TIME_SCALE, meter={"scan_rate_ms": 3000}, data_dir=data_dir
        )
        process = stack.enter_context(running(*disk.start, data_dir, METERGATE, "run", site))
        assert process.line() == "ready"
        view = Path(f"/proc/{process.pid}/root{data_dir}")
        through = [*disk.enter, str(process.pid)] if disk.enter else []

        def readings() -> Counter[str]:
            return Counter(map(str, rows("readings", "--data-dir", data_dir, through=through)))

        def read_on() -> Counter[str]:
            octets.set(SOME_VISITS, lambda: None)
            assert octets.reached.wait(PATIENCE), "\n".join(process.told)
            return readings()

        shown = read_on()
        disk.fill(process.pid, view)
        process.wait_for(disk.told)
        assert shown <= readings()
        disk.make_room(process.pid, view)
        process.wait_for("W-JRN-7 journal: it stores again")
        after = read_on()
        assert shown < after
        assert set(after.values()) == {1}
        assert_every_slot_has_ended(rows("visits", "--data-dir", data_dir, through=through))
        assert process.end() == 0
        assert len([line for line in process.messages().splitlines() if "JRN" in line]) == 2


def assert_every_slot_has_ended(visits: list[Row]) -> None:
    """From the first due slot of a meter to its last none is missing."""
    for meter in {visit["meter"] for visit in visits}:
        dues = [datetime.fromisoformat(visit["due_at"]) for visit in visits if visit["meter"] == meter]
        assert len(dues) > 3
        steps = [(later - earlier) / (SCAN_RATE / TIME_SCALE) for earlier, later in pairwise(dues)]
        assert steps == pytest.approx([1] * len(steps), abs=0.1)


@pytest.mark.parametrize("waits", [True, False], ids=["while a record waits", "within a session"])
def test_it_ends_within_three_seconds_of_a_signal_when_there_is_no_room(tmp_path: Path, *, waits: bool) -> None:
    octets = Odometer()
    with ExitStack() as stack:
        (line,) = stack.enter_context(simulated("tcp:0", meters=2, options=["--live", "--time-scale", str(TIME_SCALE)]))
        relay = stack.enter_context(relayed(line, octets))
        site = write_site(tmp_path, {"garage": relay.line}, time_scale=TIME_SCALE, meter={"scan_rate_ms": 3000})
        process = stack.enter_context(gateway(site))

        def act() -> None:
            limit_files(process.pid, tmp_path / "state")
            if not waits:
                process.process.terminate()

        octets.set(SOME_VISITS, act)
        assert octets.reached.wait(PATIENCE), "\n".join(process.told)
        if waits:
            process.wait_for(LIMITED.told)
            process.process.terminate()
        assert process.process.wait(3.0) == 0
        assert "E-JRN-9 journal: 1 records could not be stored" in process.messages()
    assert rows("readings", "--config", site)
