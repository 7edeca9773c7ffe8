"""The consumption that the readings of a register tell, exact across roll-overs or exchanges of its meter."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import pairwise

from attrs import evolve, field, frozen

from gateway.consumption.level import EXACT_DIGITS, Level, is_exact
from gateway.errors import UnitError
from gateway.reading import EventKind


@frozen
class Point:
    """What a register showed at a moment, an aware instant."""

    at: datetime
    level: Level


@frozen
class Break:
    """Where a register goes on from another level, between the reading before `at` and the one at or after it.

    `end` is where its old count ended, `start` where the new one began; at a roll-over the modulus and 0.
    None: not known, the reading on that side stands for it, so that what was consumed in between is not counted.
    """

    at: datetime
    kind: EventKind
    end: Level | None = None
    start: Level | None = None


@frozen
class Step:
    """Two readings of a register that follow each other, with the breaks between them, oldest first."""

    before: Point
    after: Point
    breaks: tuple[Break, ...] = ()

    def growth(self, unit: str | None) -> Decimal:
        """What was consumed from one to the other; negative where the register fell and no break tells why."""
        level: Decimal | None = self.before.level.in_unit(unit)
        grown = Decimal(0)
        for each in self.breaks:
            if level is not None and each.end is not None:
                grown += each.end.in_unit(unit) - level
            level = None if each.start is None else each.start.in_unit(unit)
        return grown if level is None else grown + self.after.level.in_unit(unit) - level


@frozen
class Estimate:
    """A register at a moment: what it showed, what it had counted since its first reading.

    `doubt` is how much of that was put in between two readings, from the nearer one on, with the worth of a last digit.
    """

    level: Decimal
    growth: Decimal
    doubt: Decimal


@frozen(slots=False)
class Series:
    """What is known of one register over time, oldest first; `doubtful` are readings that were not held for good."""

    points: tuple[Point, ...]
    breaks: tuple[Break, ...] = ()
    doubtful: tuple[Point, ...] = field(default=(), kw_only=True)

    @cached_property
    def unit(self) -> str | None:
        """The unit of all that is told of it: the newest in which all its levels are exact, None for none.

        Raises UnitError (E-BAL-3) where its units cannot be converted into each other.
        """
        between = (each for step in self.steps for each in step.breaks)
        ends = (level for each in between for level in (each.end, each.start) if level is not None)
        units = dict.fromkeys(level.unit for level in (*(point.level for point in reversed(self.points)), *ends))
        for unit in units:
            if all(is_exact(other, unit) for other in units):
                return unit
        if not units:
            return None
        raise UnitError("E-BAL-3", f"its readings are in {', '.join(unit or 'no unit' for unit in units)}")

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The ways from reading to reading."""
        return tuple(
            Step(before, after, tuple(each for each in self.breaks if before.at < each.at <= after.at))
            for before, after in pairwise(self.points)
        )

    @cached_property
    def growths(self) -> tuple[Decimal, ...]:
        """What had been consumed at each reading since the first one, in `unit`."""
        with localcontext(prec=EXACT_DIGITS):
            grown = [Decimal(0)]
            for step in self.steps:
                grown.append(grown[-1] + step.growth(self.unit))
        return tuple(grown) if self.points else ()

    @property
    def total(self) -> Decimal:
        """The consumption from the first reading to the last one, exact; 0 where there are fewer than two."""
        return self.growths[-1] if self.points else Decimal(0)

    def at(self, moment: datetime, limit: timedelta) -> Estimate | None:
        """The register at a moment, straight between the readings around it.

        None where there is none on one of its sides, or where they are further apart than `limit`.
        """
        after = bisect_left(self.points, moment, key=lambda point: point.at)
        if after == len(self.points):
            return None
        if self.points[after].at == moment:
            level = self.points[after].level
            return Estimate(level.in_unit(self.unit), self.growths[after], self._resolution(after))
        return None if after == 0 else self._between(after, moment, limit)

    def _between(self, after: int, moment: datetime, limit: timedelta) -> Estimate | None:
        step = self.steps[after - 1]
        width = step.after.at - step.before.at
        if width > limit:
            return None
        share = _seconds(moment - step.before.at) / _seconds(width)
        grown = self.growths[after] - self.growths[after - 1]
        near = min(share, 1 - share)
        broken = any(each.at > moment for each in step.breaks)
        base = step.before.level if broken or not step.breaks else step.after.level
        offset = grown * share if base is step.before.level else grown * (share - 1)
        return Estimate(
            base.in_unit(self.unit) + offset,
            self.growths[after - 1] + grown * share,
            abs(grown) * near + self._resolution(after),
        )

    def _resolution(self, n: int) -> Decimal:
        level = self.points[n].level
        return evolve(level, value=level.resolution).in_unit(self.unit)


def consumption(points: Sequence[Point], breaks: Sequence[Break] = ()) -> Decimal:
    """What was consumed from the first to the last of these readings, oldest first: exact, in the unit of `Series`.

    Raises UnitError (E-BAL-3) where their units cannot be converted into each other.
    """
    return Series(tuple(points), tuple(breaks)).total


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1)) / 1_000_000
