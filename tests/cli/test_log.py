"""What a running gateway tells on standard error."""

import json
from datetime import UTC, datetime

import pytest
from attrs import evolve

from gateway.cli.log import Log, louder
from gateway.errors import Finding
from gateway.reading import Event, EventKind, Quality, Readout, Visit
from gateway.site.model import LogFormat, LogLevel

MOMENT = datetime(2026, 9, 30, 9, 0, 11, 204000, tzinfo=UTC)
VISIT = Visit("block-12", "riser-a", "flat01", "01234567", MOMENT, MOMENT, 2412, attempt=2)
READOUT = Readout(
    VISIT, "/XMP5\x1bVERBA", "XMP", "VERBA", "generic@1", MOMENT, (), quality=Quality.SUSPECT, reason="odd"
)
ERROR = Finding("E-READ-1", "meter 01234567", "no answer", "check its wiring")
WARNING = Finding("W-BUS-2", "meter 01234567", "not read")


@pytest.mark.parametrize(
    ("level", "lines"),
    [(LogLevel.ERROR, 2), (LogLevel.WARN, 3), (LogLevel.INFO, 4), (LogLevel.DEBUG, 4)],
)
def test_a_level_tells_itself_and_what_is_graver(
    level: LogLevel, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log(level)
    log.tell(ERROR)
    log.tell(WARNING)
    log.watch(READOUT)
    told = capsys.readouterr()
    assert (told.err.count("\n"), told.out) == (lines, "")
    assert ("generic@1, suspect, odd" in told.err) == (level is LogLevel.DEBUG)


def test_a_visit_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    Log(LogLevel.DEBUG).watch(READOUT)
    told = capsys.readouterr().err
    assert told.startswith("2026-09-30T09:00:11.204Z riser-a flat01: 0 registers in 2412 ms, try 2; /XMP5\\x1bVERBA")


@pytest.mark.parametrize(("level", "lines"), [(LogLevel.WARN, 0), (LogLevel.INFO, 1)])
def test_what_was_changed_in_a_meter_is_one_line(
    level: LogLevel, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Log(level).watch(Event(VISIT, EventKind.WRITE, MOMENT, "0.9.1 was 12\x1b, is 120000"))
    told = "2026-09-30T09:00:11.204Z riser-a flat01: 0.9.1 was 12\\x1b, is 120000\n"
    assert capsys.readouterr().err == told * lines


def test_a_job_is_told_by_its_name_with_what_is_to_be_known_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    Log().watch(evolve(READOUT, visit=evolve(VISIT, job="events P.98")))
    assert capsys.readouterr().err.endswith(" flat01: events P.98: 0 readings in 2412 ms, try 2; suspect: odd\n")


def test_why_a_readout_is_suspect_is_told_and_what_is_remarked_of_a_good_one_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Log().watch(READOUT)
    Log().watch(evolve(READOUT, quality=Quality.GOOD))
    suspect, good = capsys.readouterr().err.splitlines()
    assert suspect.endswith(" flat01: 0 registers in 2412 ms, try 2; suspect: odd")
    assert good.endswith(" flat01: 0 registers in 2412 ms, try 2")


def test_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(LogLevel.INFO, LogFormat.JSON)
    log.tell(ERROR)
    log.watch(READOUT)
    error, visit = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (error["level"], error["code"], error["next"]) == ("error", "E-READ-1", "check its wiring")
    assert (visit["level"], visit["meter"]) == ("info", "flat01")


def test_verbose_goes_up_to_debug() -> None:
    assert louder(LogLevel.ERROR, 1) is LogLevel.WARN
    assert louder(LogLevel.INFO, 7) is LogLevel.DEBUG
