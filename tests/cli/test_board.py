"""The live picture of a site, as its last state is drawn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from gateway.cli.board import Board
from gateway.cli.output import Form, Output
from gateway.cli.sheet import Sheet
from gateway.errors import Cause, Finding
from gateway.reading import Event, EventKind, Gap, Reading, Readout, Record, Visit
from gateway.site.load import load_site
from gateway.site.model import Site

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)
VISIT = Visit("block-12", "riser-a", "flat01", "01234567", NOON, NOON, 2412)
JOB = attrs.evolve(VISIT, job="profile-data")
TOTAL = Reading("energy", "1-0:1.8.0*255", "1.8.0", Decimal("147.40"), "kWh", "147.40*kWh")
READOUT = Readout(VISIT, "", "", "", "", NOON, (TOTAL,))
CHANGED = Event(VISIT, EventKind.WRITE, NOON, "0.9.1 is now 120000")
UNREAD = Gap(JOB, Cause.NO_ANSWER, Finding("", "", ""))
SITE = """
config_version = 1
[[line]]
alias = "riser-a"
device = "/dev/ttyS9"
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "01234567"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE)
    return load_site(tmp_path / "site.toml")[0]


def drawn(site: Site, records: Sequence[Record]) -> str:
    board = Board(site, lambda _: 0)
    for record in records:
        board.take(record)
    console = Console(width=100)
    with console.capture() as capture:
        console.print(board)
    return capture.get()


def test_a_meter_is_shown_with_its_total(site: Site) -> None:
    assert "147.40" in drawn(site, [READOUT])


@pytest.mark.parametrize("record", [CHANGED, UNREAD, attrs.evolve(READOUT, visit=JOB, readings=())])
def test_work_beside_the_readouts_leaves_the_total_standing(site: Site, record: Record) -> None:
    assert drawn(site, [READOUT, record]) == drawn(site, [READOUT])


def test_a_sheet_counts_slots_and_prints_readouts(capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Sheet(Output(Form.JSONL), is_bus=True)
    for record in (READOUT, CHANGED, UNREAD, attrs.evolve(UNREAD, cause=Cause.CANCELLED)):
        sheet.take(record)
    assert (sheet.ended, sheet.readouts) == (2, [READOUT])
    assert capsys.readouterr().out.count("\n") == 1
