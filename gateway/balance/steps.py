"""The steps of counters that no consumption explains."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from attrs import evolve, frozen

from gateway.consumption import Break, Series, Step
from gateway.reading import EventKind

_BACKWARDS = 3  # falls


@frozen
class Window:
    """The time that is looked at, with the unit in which levels are compared."""

    since: datetime
    until: datetime
    unit: str | None

    def steps(self, series: Series) -> Iterator[Step]:
        """The steps of a series that reach into it."""
        return (step for step in series.steps if step.after.at > self.since and step.before.at < self.until)

    def falls(self, series: Series) -> tuple[Step, ...]:
        """Those in which the register fell, though no roll-over and no exchange was told."""
        return tuple(step for step in self.steps(series) if _is_unexplained(step) and self._rise(step) < 0)

    def _rise(self, step: Step) -> Decimal:
        return step.after.level.in_unit(self.unit) - step.before.level.in_unit(self.unit)

    def crossing(self, one: Series, other: Series, most: Decimal) -> "Crossing | None":
        """Where each of two registers goes on from what the other one showed; None where they do not.

        The one falls, the other rises at the same time; each must have gone on, both by no more than `most` together.
        """
        for fall in self.falls(one):
            for rise in self.steps(other):
                at_once = rise.before.at < fall.after.at and fall.before.at < rise.after.at
                if not at_once or not _is_unexplained(rise):
                    continue
                first = self._rise(Step(fall.before, rise.after))
                second = self._rise(Step(rise.before, fall.after))
                if first >= 0 and second >= 0 and first + second <= most:
                    return Crossing(fall, rise, first + second)
        return None

    def runs_backwards(self, series: Series) -> bool:
        """True where the register falls again and again but never rises."""
        rises = [self._rise(step) for step in self.steps(series) if not step.breaks]
        return sum(rise < 0 for rise in rises) >= _BACKWARDS and max(rises) <= 0

    def without_falls(self, series: Series) -> Series:
        """The series with nothing counted where it falls."""
        cuts = [Break(fall.after.at, EventKind.LEVEL_ADOPTED) for fall in self.falls(series) if not fall.breaks]
        return evolve(series, breaks=tuple(sorted((*series.breaks, *cuts), key=lambda each: each.at)))


@frozen
class Crossing:
    """Two registers that were taken for each other from these steps on; `gap` is what both consumed in them."""

    fall: Step
    rise: Step
    gap: Decimal

    def undone(self, one: Series, other: Series) -> tuple[Series, Series]:
        """Each series with what the other one shows from here on."""
        return _spliced(one, self.fall, other, self.rise), _spliced(other, self.rise, one, self.fall)


def _is_unexplained(step: Step) -> bool:
    return all(each.kind is EventKind.LEVEL_ADOPTED for each in step.breaks)


def _spliced(begun: Series, until: Step, gone_on: Series, since: Step) -> Series:
    return Series(
        (
            *(point for point in begun.points if point.at <= until.before.at),
            *(point for point in gone_on.points if point.at >= since.after.at),
        ),
        (
            *(each for each in begun.breaks if each.at <= until.before.at),
            *(each for each in gone_on.breaks if each.at > since.after.at),
        ),
    )
