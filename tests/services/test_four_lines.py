"""A site of four lines, read once by the gateway in a process of its own."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.services.processes import Row, TrueLine, metergate, rows, simulated, value_of, write_site

pytestmark = pytest.mark.services
TIME_SCALE = 4
SLACK = timedelta(milliseconds=2)  # what rounding to whole milliseconds may take from two moments

Span = tuple[datetime, datetime]


@pytest.fixture(scope="module")
def lines() -> Iterator[dict[str, TrueLine]]:
    """Two serial lines, two TCP lines, of eight meters each."""
    with simulated("pty", "pty", "tcp:0", "tcp:0", options=["--time-scale", str(TIME_SCALE)]) as found:
        yield dict(zip(("riser-a", "riser-b", "garage", "shops"), found, strict=True))


@pytest.fixture(scope="module")
def site(lines: dict[str, TrueLine], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site file of a round that has been run."""
    path = write_site(tmp_path_factory.mktemp("site"), lines, time_scale=TIME_SCALE)
    done = metergate("run", "--once", path)
    assert (done.returncode, done.stderr) == (0, "32 read, 0 not read\n")
    assert done.stdout == ""
    return path


def span(visit: Row) -> Span:
    begin = datetime.fromisoformat(visit["started_at"])
    return begin, begin + timedelta(milliseconds=visit["duration_ms"])


@pytest.fixture
def spans(site: Path) -> dict[str, list[Span]]:
    """From when to when each visit of a line lasted, in the order of time."""
    found: dict[str, list[Span]] = {}
    for visit in rows("visits", "--config", site):
        found.setdefault(visit["line"], []).append(span(visit))
    return {line: sorted(visits) for line, visits in found.items()}


def test_every_slot_of_the_round_ends_as_delivered(site: Path, lines: dict[str, TrueLine]) -> None:
    visits = rows("visits", "--config", site)
    assert {visit["outcome"] for visit in visits} == {"delivered"}
    assert sorted(visit["meter"] for visit in visits) == sorted(
        f"{alias}-{meter.serial}" for alias, line in lines.items() for meter in line.meters
    )


def test_every_reading_is_what_the_meter_printed(site: Path, lines: dict[str, TrueLine]) -> None:
    readings = rows("readings", "--config", site)
    for alias, line in lines.items():
        for meter in line.meters:
            mine = [row for row in readings if row["meter"] == f"{alias}-{meter.serial}"]
            assert tuple(map(value_of, mine)) == meter.values
            assert {row["serial"] for row in mine} == {meter.serial}
    assert {meter.mode for line in lines.values() for meter in line.meters} == {"A", "B", "C"}
    assert len(readings) == sum(len(meter.values) for line in lines.values() for meter in line.meters)


def test_one_meter_at_a_time_is_read_on_a_line(spans: dict[str, list[Span]]) -> None:
    for visits in spans.values():
        assert len(visits) == 8
        assert all(following[0] >= earlier[1] - SLACK for earlier, following in pairwise(visits))


def test_lines_are_read_at_the_same_time(spans: dict[str, list[Span]]) -> None:
    begins = [visits[0][0] for visits in spans.values()]
    ends = [visits[-1][1] for visits in spans.values()]
    assert max(begins) < min(ends), "there was a moment at which all four lines were busy"
    lengths = [end - begin for begin, end in zip(begins, ends, strict=True)]
    whole = max(ends) - min(begins)
    assert whole < 1.25 * max(lengths)
    assert whole < 0.8 * sum(lengths, timedelta())
