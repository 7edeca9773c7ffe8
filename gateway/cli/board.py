"""A live picture of a site: every meter's last total, every line's state, the last messages."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.output import printable
from gateway.errors import Finding
from gateway.reading import Event, Gap, Quality, Reading, Readout, Record
from gateway.site.model import Site

_MESSAGES = 3
_CLOCK_TOLERANCE_S = 60
_TOTAL = "1.8.0"


class Board:
    """Takes records and messages, shows the present state of each meter; one column a line.

    `damaged` tells how many messages of a line came damaged so far.
    """

    def __init__(self, site: Site, damaged: Callable[[str], int]) -> None:
        self._site = site
        self._damaged = damaged
        self._last: dict[str, Readout | Gap] = {}
        self._counts: dict[str, int] = {}
        self._messages: deque[Finding] = deque(maxlen=_MESSAGES)
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """On the terminal for the length of the block; the last state stays on it."""
        console = Console(file=sys.stdout)
        with Live(self, console=console, auto_refresh=False, transient=False) as self._live:
            yield

    def take(self, record: Record) -> None:
        """A slot has ended; an event, or work beside the readouts, leaves the meter's row as it was."""
        visit = record.visit
        if visit.job or isinstance(record, Event):
            return
        self._last[visit.meter] = record
        if isinstance(record, Readout):
            self._counts[visit.line] = self._counts.get(visit.line, 0) + 1
        self._refresh()

    def tell(self, finding: Finding) -> None:
        """A message for a person."""
        self._messages.append(finding)
        self._refresh()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.refresh()

    def __rich__(self) -> Group:
        grid = Table.grid(padding=(0, 3))
        for _ in self._site.lines:
            grid.add_column()
        grid.add_row(*[self._line(line.alias) for line in self._site.lines])
        messages = [
            Text(_one_line(finding), style="yellow", no_wrap=True, overflow="ellipsis") for finding in self._messages
        ]
        return Group(grid, *messages)

    def _line(self, alias: str) -> Table:
        table = Table(
            box=None, padding=(0, 1, 0, 0), title=self._title(alias), title_justify="left", title_style="bold"
        )
        table.add_column("meter")
        table.add_column("kWh", justify="right", min_width=10)
        table.add_column("", min_width=5)
        for meter in self._site.meters_of(alias):
            table.add_row(meter.device_alias, *_cells(self._last.get(meter.device_alias)))
        return table

    def _title(self, alias: str) -> str:
        damaged = self._damaged(alias)
        # Always two rows, so that the tables of all lines stay level.
        return f"{alias}: {self._counts.get(alias, 0)} read\n" + (f"noisy: {damaged} damaged" if damaged else "")


def _cells(record: Readout | Gap | None) -> tuple[Text, Text]:
    match record:
        case None:
            return Text("…", style="dim"), Text("")
        case Gap():
            return Text("-", style="red"), Text(record.cause.value, style="red")
        case Readout():
            total = next((reading for reading in record.readings if _is_total(reading)), None)
            shown = "?" if total is None else f"{total.value}"
            return Text(shown), _remark(record)


def _remark(readout: Readout) -> Text:
    if readout.quality is not Quality.GOOD:
        return Text(readout.quality.value, style="yellow")
    if readout.clock_drift_s is not None and abs(readout.clock_drift_s) > _CLOCK_TOLERANCE_S:
        return Text("clock", style="yellow")
    return Text("")


def _is_total(reading: Reading) -> bool:
    return isinstance(reading.value, Decimal) and f":{_TOTAL}*" in (reading.obis or "")


def _one_line(finding: Finding) -> str:
    return printable(f"{finding.code} {finding.where}: {finding.what}")
