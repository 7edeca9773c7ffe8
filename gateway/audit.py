"""The audit of a site: each of its balances drawn once an interval has passed."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import trio
from attrs import frozen

from gateway.balance import Interval, Statement, Trouble, draw
from gateway.consumption import series_of
from gateway.errors import Finding
from gateway.journal import History, Journal, oldest, read_counted
from gateway.reading import Event, EventKind, Record, Visit, utc_text, value_text
from gateway.site.balance import BalanceSettings
from gateway.site.model import Site

LOOK_EVERY = 60.0  # seconds
LOOKED_BACK = timedelta(days=31)  # at most, for what a part usually counts
MOST_EARLIER = 7  # intervals
# Readings further apart than a part of the interval tell its end badly, unless a meter is read no more often.
_PART_OF_INTERVAL, _PERIODS = 8, 2.5


@frozen
class Drawn:
    """A balance with what the journal tells of it: whether it was off the last time, and whether this one is there."""

    statement: Statement
    was_off: bool
    is_recorded: bool


def limit_of(site: Site, balance: BalanceSettings) -> timedelta:
    """How far readings may be apart between which a register is told.

    An eighth of the interval, but at least 2.5 times the longest time between two readings of one of its meters.
    """
    aliases = {counter.meter for counter in (balance.main, *balance.parts)}
    periods = [meter.scan_rate_ms for meter in site.meters if meter.device_alias in aliases]
    period = timedelta(milliseconds=max(periods, default=0))
    return max(balance.interval.usual / _PART_OF_INTERVAL, _PERIODS * period)


def newest_interval(site: Site, balance: BalanceSettings, now: datetime) -> Interval:
    """The newest interval of a balance whose readings can all be there, with moments in the gateway's time zone."""
    zone = site.gateway.timezone
    since, until = balance.interval.ends(now - limit_of(site, balance), zone, 2)
    return Interval(since.astimezone(zone), until.astimezone(zone))


def drawn_from(history: History, site: Site, balance: BalanceSettings, interval: Interval) -> Drawn:
    """A balance over any interval, out of the journal; blocks for a second where it is long. Errors: `History`'s."""
    limit, length = limit_of(site, balance), interval.until - interval.since
    count = max(1, min(MOST_EARLIER, LOOKED_BACK // length))
    earlier = [Interval(interval.since - n * length, interval.until - n * length) for n in range(count, 0, -1)]
    counters = (balance.main, *balance.parts)
    verdicts: dict[datetime, bool] = {}

    def noted(record: Record) -> Record:
        if isinstance(record, Event) and record.kind is EventKind.BALANCE and record.visit.job == _job(balance):
            verdicts[record.at] = record.details.get("off") is True
        return record

    meters, signals = ({counter.meter for counter in counters}, {counter.signal for counter in counters})
    records = read_counted(history, meters, signals, earlier[0].since - limit, interval.until + limit)
    series = series_of((noted(record) for record in records), counters)
    before = [verdicts[at] for at in sorted(verdicts) if at < interval.until]
    statement = draw(balance, series, interval, limit, earlier)
    return Drawn(statement, before[-1:] == [True], interval.until in verdicts)


def advice(statement: Statement) -> str:
    """The next step after a balance that is off."""
    first = statement.faults[0]
    names = ", ".join(sorted({counter.meter for counter in first.counters}))
    steps = {
        Trouble.MISSING: f"metergate visits --meter {names}",
        Trouble.STUCK: f"look at meter {names}: it may be broken, or bypassed",
        Trouble.CROSSED: f"compare the plates of {names} with serialnumber and line in the site file",
        Trouble.EXCHANGED: f"metergate meters swap {names}, with the numbers of both plates",
        Trouble.BACKWARDS: f"look at the wiring of {names}, and at tag_job_todo of its signal",
        Trouble.UNITS: "name a register of the same kind as the main, or its unit",
        Trouble.UNMETERED: "look for a consumer without a meter, or one that is missing among the parts",
        Trouble.SURPLUS: "look for a part that is not fed through the main, or counts for another part too",
    }
    return steps[first.trouble]


@frozen(eq=False)
class Audit:
    """The balances of a running gateway.

    A balance that is off stands in the journal as an event of its main meter, as does the first one that is even again;
    both are told by `report`. `now` gives the wall time; while it is not `is_synced`, nothing is drawn.
    """

    site: Site
    journal: Journal
    report: Callable[[Finding], None]
    now: Callable[[], datetime]
    is_synced: Callable[[], bool]

    async def run(self) -> None:
        """Draws each balance once its interval has passed and the readings around its end can be there."""
        drawn: dict[str, datetime] = {}
        while self.site.balances:
            for balance in self.site.balances:
                interval = newest_interval(self.site, balance, self.now())
                if drawn.get(balance.name) != interval.until and self.is_synced():
                    drawn[balance.name] = interval.until
                    await self._draw(balance, interval)
            await trio.sleep(LOOK_EVERY)

    async def _draw(self, balance: BalanceSettings, interval: Interval) -> None:
        begun = await self.journal.look(oldest)
        if begun is None or begun > interval.since - limit_of(self.site, balance):
            return  # the first round was not over yet
        drawn = await self.journal.look(lambda history: drawn_from(history, self.site, balance, interval))
        statement = drawn.statement
        if drawn.is_recorded or not (statement.is_off or drawn.was_off):
            return
        text = told(statement)
        if statement.is_off:
            finding = Finding("W-BAL-1", f"balance {balance.name}", text, advice(statement))
        else:
            finding = Finding("W-BAL-2", f"balance {balance.name}", text)
        self.report(finding)
        await self.journal.append(self._event(statement, text))

    def _event(self, statement: Statement, text: str) -> Event:
        main, moment = statement.settings.main, statement.until
        serials = {meter.device_alias: (meter.line, meter.serialnumber, meter.tags) for meter in self.site.meters}
        line, serial, tags = serials[main.meter]
        job = _job(statement.settings)
        visit = Visit(self.site.gateway.name, line, main.meter, serial, moment, moment, 0, tags=tags, job=job)
        return Event(visit, EventKind.BALANCE, moment, text, _details(statement))


def told(statement: Statement) -> str:
    """A balance in one sentence."""
    since, until = (f"{moment:%Y-%m-%d %H:%M}" for moment in (statement.since, statement.until))
    if statement.is_off:
        return f"from {since} to {until}: {'; '.join(fault.text for fault in statement.faults)}"
    amounts = (statement.rounded(amount) for amount in (statement.total, statement.main.consumption))
    counted, main = (f"{amount} {statement.unit or ''}".rstrip() for amount in amounts)
    return f"from {since} to {until} the parts counted {counted}, {statement.settings.main} {main}"


def _job(balance: BalanceSettings) -> str:
    return f"balance {balance.name}"


def _details(statement: Statement) -> Mapping[str, str | bool | None]:
    amounts = {
        "main": statement.main.consumption,
        "parts": statement.total,
        "residual": statement.residual,
        "allowed": statement.allowed,
    }
    return {
        "balance": statement.settings.name,
        "off": statement.is_off,
        "since": utc_text(statement.since),
        "until": utc_text(statement.until),
        "unit": statement.unit,
        **{name: value_text(statement.rounded(amount)) for name, amount in amounts.items()},
        "troubles": ", ".join(dict.fromkeys(fault.trouble.value for fault in statement.faults)),
        "counters": ", ".join(dict.fromkeys(str(one) for fault in statement.faults for one in fault.counters)),
    }
