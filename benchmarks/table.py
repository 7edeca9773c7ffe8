"""One table of figures beside their goals."""

from collections.abc import Iterable, Sequence
from enum import Enum

from attrs import frozen


class Goal(Enum):
    """Which side of its goal a figure should be on."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@frozen
class Figure:
    """One measured figure; `measured` None: it could not be taken, and `remark` tells why.

    `goal` None: a figure for orientation.
    """

    name: str
    measured: float | None
    unit: str = ""
    goal: float | None = None
    side: Goal = Goal.AT_LEAST
    remark: str = ""

    @property
    def is_met(self) -> bool | None:
        """None where there is no goal; a figure that could not be taken has not met its goal."""
        if self.goal is None:
            return None
        if self.measured is None:
            return False
        return self.measured >= self.goal if self.side is Goal.AT_LEAST else self.measured <= self.goal

    def row(self) -> tuple[str, str, str, str, str]:
        """Its cells: figure, measured, goal, met, remark."""
        measured = "-" if self.measured is None else f"{_plain(self.measured)} {self.unit}".rstrip()
        goal = "" if self.goal is None else f"{self.side.value} {_plain(self.goal)} {self.unit}".rstrip()
        return self.name, measured, goal, {None: "", True: "met", False: "MISSED"}[self.is_met], self.remark


def _plain(number: float) -> str:
    """Three significant digits, thousands grouped."""
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{number:,.{digits}f}"


HEADING = ("figure", "measured", "goal", "met", "")


def lines_of(figures: Iterable[Figure]) -> Sequence[str]:
    """The aligned lines of the table, numbers to the right."""
    rows = [HEADING, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADING))]
    return [
        "  ".join(
            cell.rjust(width) if column in (1, 2) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
