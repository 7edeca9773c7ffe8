"""The drawing of a balance: the main against its parts over one interval, with the cause of what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations

from attrs import define, evolve, field, frozen

from gateway.balance.statement import Fault, Share, Statement, Trouble
from gateway.balance.steps import Crossing, Window
from gateway.consumption import Series, converted
from gateway.errors import UnitError
from gateway.site.balance import BalanceSettings, Counter

_MOST_AT_ONCE = 3  # parts that may stand still at the same time and are told from each other
_NOTHING = Decimal(0)


@frozen
class Interval:
    """The time of one balance, from `since` to `until`; messages tell moments in the zone that these carry."""

    since: datetime
    until: datetime


def draw(
    settings: BalanceSettings,
    series: Mapping[Counter, Series],
    interval: Interval,
    limit: timedelta,
    earlier: Sequence[Interval] = (),
) -> Statement:
    """The balance of one interval, out of the series of its registers.

    A register counts what lies between its levels at both ends of the interval, each taken straight between the
    readings around it, which are at most `limit` apart. From `earlier` intervals of the same length it is known what
    a part usually counts.
    """
    return _Drawing(settings, dict(series), interval, limit, earlier).statement()


@define
class _Drawing:
    """One balance in the making; `series` are made good as faults are found.

    `cut` are the registers whose consumption is told in part only.
    """

    settings: BalanceSettings
    series: dict[Counter, Series]
    interval: Interval
    limit: timedelta
    earlier: Sequence[Interval]
    unit: str | None = None
    faults: list[Fault] = field(factory=list)
    cut: set[Counter] = field(factory=set)

    def statement(self) -> Statement:
        main = self.settings.main
        self._look_at_units()
        window = Window(self.interval.since, self.interval.until, self.unit)
        self._look_for_crossings(window)
        for counter in self.series:
            self._look_for_falls(counter, window)
        shares = [self._share(counter) for counter in (main, *self.settings.parts)]
        for share in shares:
            self._look_for_gaps(share)
        points = self.series[main].points if main in self.series else ()
        digits = max(0, -int(points[-1].level.resolution.as_tuple().exponent)) if points else 0
        drawn = Statement(
            self.settings, self.interval.since, self.interval.until, self.unit, digits, shares[0], tuple(shares[1:])
        )
        return evolve(drawn, faults=(*self.faults, *self._of_the_residual(drawn)))

    def _look_at_units(self) -> None:
        """Leaves out what cannot be summed."""
        main = self.settings.main
        try:
            self.unit = self.series[main].unit
        except UnitError as error:
            self._tell(Trouble.UNITS, (main,), f"{main}: {error.what}")
            del self.series[main]
        if main not in self.series or not self.series[main].points:
            self.unit = next((point.level.unit for series in self.series.values() for point in series.points), None)
        for counter, series in list(self.series.items()):
            try:
                if series.points:
                    converted(_NOTHING, series.unit, self.unit)
            except UnitError as error:
                self._tell(Trouble.UNITS, (counter,), f"{counter} cannot be summed: {error.what}")
                del self.series[counter]

    def _look_for_crossings(self, window: Window) -> None:
        """Finds two parts that are read under each other's name, then sorts out which is which."""
        counted = self._share(self.settings.main).consumption
        if counted is None:
            return
        parts = [part for part in self.settings.parts if part in self.series]
        for one in (part for part in parts if window.falls(self.series[part])):
            found: dict[Counter, Crossing] = {}
            for other in (part for part in parts if part != one):
                if crossing := window.crossing(self.series[one], self.series[other], counted):
                    found[other] = crossing
            if not found:
                continue
            other = min(found, key=lambda counter: found[counter].gap)
            crossing = found[other]
            self.series[one], self.series[other] = crossing.undone(self.series[one], self.series[other])
            at = self._moment(crossing.fall.after.at)
            both = f"{one} and {other} have been read under each other's name since {at}"
            self._tell(Trouble.CROSSED, (one, other), f"{both}: each goes on from what the other one showed")

    def _look_for_falls(self, counter: Counter, window: Window) -> None:
        series = self.series[counter]
        if window.runs_backwards(series):
            told = "counts backwards: it is wired the wrong way round, or the register of the other direction"
            self._tell(Trouble.BACKWARDS, (counter,), f"{counter} {told}")
            self.cut.add(counter)
        elif falls := window.falls(series):
            first = falls[0]
            old, new = (
                f"{point.level.value} {point.level.unit or ''}".rstrip() for point in (first.before, first.after)
            )
            told = f"fell from {old} to {new} at {self._moment(first.after.at)}"
            self._tell(
                Trouble.EXCHANGED, (counter,), f"{counter} {told}: its meter was exchanged or reset, unannounced"
            )
            self.series[counter] = window.without_falls(series)
            self.cut.add(counter)

    def _share(self, counter: Counter, interval: Interval | None = None) -> Share:
        series, times = self.series.get(counter), interval or self.interval
        if series is None or not series.points:
            return Share(counter)
        start, end = (series.at(moment, self.limit) for moment in (times.since, times.until))

        def told(amount: Decimal) -> Decimal:
            return converted(amount, series.unit, self.unit)

        if start is None or end is None:
            first, last = (None if each is None else told(each.level) for each in (start, end))
            return Share(counter, first, last)
        counted, doubt = told(end.growth - start.growth), told(start.doubt + end.doubt)
        return Share(counter, told(start.level), told(end.level), counted, doubt)

    def _look_for_gaps(self, share: Share) -> None:
        series = self.series.get(share.counter)
        if share.consumption is not None or series is None:
            return
        moment = self.interval.since if share.start is None else self.interval.until
        doubtful = any(abs(point.at - moment) <= self.limit for point in series.doubtful)
        before = [point.at for point in series.points if point.at <= moment]
        if doubtful:
            told = "its readings there are suspect"
        elif before:
            told = f"the last one is of {self._moment(before[-1])}"
        else:
            told = "none is known before it"
        text = f"{share.counter} has no good reading near {self._moment(moment)}: {told}"
        self._tell(Trouble.MISSING, (share.counter,), text)

    def _of_the_residual(self, drawn: Statement) -> Iterator[Fault]:
        """Why main and parts differ by more than is allowed."""
        residual = drawn.residual
        if residual is None or abs(residual) <= drawn.allowed:
            return
        poor = {share.counter for share in (drawn.main, *drawn.parts) if share.consumption is None} | self.cut
        if poor.intersection(self.settings.parts if residual > 0 else [self.settings.main]):
            return  # what is told of those already explains it
        percent = drawn.percent(abs(residual))
        share = "" if percent is None else f" (about {percent} % of it)"
        amount = self._amount(drawn, abs(residual))
        if residual < 0 and drawn.main.consumption == 0:
            main = self.settings.main
            yield Fault(Trouble.STUCK, (main,), f"{main} counted nothing, its parts {amount}")
        elif residual < 0:
            text = f"the parts counted {amount} more than {self.settings.main}{share}: one does not stand behind it"
            yield Fault(Trouble.SURPLUS, (), text)
        elif stuck := self._stuck(drawn, residual):
            for counter, usual in stuck.items():
                told = f"counted nothing, {self._amount(drawn, usual)} are usual in this time"
                yield Fault(
                    Trouble.STUCK, (counter,), f"{counter} {told}; {amount} of {self.settings.main} are missing"
                )
        else:
            still = [str(part.counter) for part in drawn.parts if part.consumption == 0]
            besides = f"; nothing was counted by {', '.join(still)}" if still else ""
            text = f"{amount} of {self.settings.main}{share} are counted by no part{besides}"
            yield Fault(Trouble.UNMETERED, (), text)

    def _stuck(self, drawn: Statement, residual: Decimal) -> Mapping[Counter, Decimal]:
        """The parts that stand still whose usual consumption fits best to what is missing; none where it does not."""
        still = {part.counter: self._usual(part.counter) for part in drawn.parts if part.consumption == 0}
        still = {counter: usual for counter, usual in still.items() if usual > 0}
        sizes = range(1, min(len(still), _MOST_AT_ONCE) + 1)
        groups = [group for size in sizes for group in combinations(still, size)]

        def distance(group: tuple[Counter, ...]) -> Decimal:
            return abs(sum((still[counter] for counter in group), _NOTHING) - residual)

        best = min(groups, key=distance, default=())
        # A household uses half or double on another day, hardly more.
        fits = distance(best) <= max(drawn.allowed, residual / 2)
        return {counter: still[counter] for counter in best} if fits else {}

    def _usual(self, counter: Counter) -> Decimal:
        """The mean of the earlier intervals in which it counted anything; 0 where there was none."""
        counted = [self._share(counter, interval).consumption for interval in self.earlier]
        known = [amount for amount in counted if amount]
        return sum(known, _NOTHING) / len(known) if known else _NOTHING

    def _amount(self, drawn: Statement, amount: Decimal) -> str:
        return f"{drawn.rounded(amount)} {self.unit or ''}".rstrip()

    def _moment(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.interval.since.tzinfo):%Y-%m-%d %H:%M}"

    def _tell(self, trouble: Trouble, counters: tuple[Counter, ...], text: str) -> None:
        self.faults.append(Fault(trouble, counters, text))
