"""The balances of a running gateway, drawn from its journal as time goes on."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trio
from attrs import evolve

from gateway.app import App
from gateway.audit import Audit, limit_of, newest_interval
from gateway.catalog import Catalog
from gateway.errors import Finding
from gateway.journal import Journal
from gateway.reading import Event, EventKind
from gateway.site.load import load_site
from gateway.site.model import Site
from gateway.telemetry import Telemetry
from tests.counted_house import BALANCE, BEGIN, HOUR, ZONE, Counted, readouts, site_file, store, until_hour

pytestmark = pytest.mark.anyio
LIMIT = 3  # hours: an eighth of a day


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(site_file(tmp_path))[0]


def fill(site: Site, hours: float, counted: Mapping[str, Counted] | None = None) -> None:
    """Puts the readouts of the house into its journal."""
    store(site.path.parent, readouts(hours, counted))


async def audited(
    site: Site, start: float, hours: float, is_synced: Callable[[], bool] = lambda: True
) -> tuple[list[Finding], list[Event]]:
    """What the audit tells from an hour of the house on, then all events of the journal."""
    told: list[Finding] = []
    begun = trio.current_time()

    def now() -> datetime:
        return BEGIN + start * HOUR + timedelta(seconds=trio.current_time() - begun)

    async with Journal.open(site.path.parent / "state", inline=True) as journal:
        with trio.move_on_after(hours * 3600):
            await Audit(site, journal, told.append, now, is_synced).run()
        records = [record for _, record in await journal.batch(0, 10_000)]
    return told, [record for record in records if isinstance(record, Event)]


async def test_a_house_that_is_even_is_not_told_of(site: Site) -> None:
    fill(site, 96)
    assert await audited(site, 24, 60) == ([], [])


async def test_a_balance_that_is_off_is_told_and_stands_in_the_journal(site: Site) -> None:
    fill(site, 96, {"flat02": until_hour("flat02", 47)})
    told, events = await audited(site, 72 + LIMIT - 0.5, 1)
    (finding,), (event,) = told, events
    assert (finding.code, finding.where) == ("W-BAL-1", "balance house")
    assert finding.what.startswith("from 2026-09-30 00:00 to 2026-10-01 00:00: flat02.energy_import counted nothing")
    assert finding.next == "look at meter flat02: it may be broken, or bypassed"
    assert (event.kind, event.at, event.text) == (EventKind.BALANCE, BEGIN + 72 * HOUR, finding.what)
    visit = event.visit
    assert (visit.gateway, visit.line, visit.meter, visit.serial) == ("block-12", "riser-a", "main", "103")
    assert (visit.job, visit.due_at, visit.tags) == ("balance house", event.at, {"flat": "main"})
    assert dict(event.details) == {
        "balance": "house",
        "off": True,
        "since": "2026-09-29T21:00:00.000Z",
        "until": "2026-09-30T21:00:00.000Z",
        "unit": "kWh",
        "main": "144.00",
        "parts": "96.00",
        "residual": "48.00",
        "allowed": event.details["allowed"],
        "troubles": "stuck",
        "counters": "flat02.energy_import",
    }


async def test_it_waits_until_the_readings_around_the_end_can_be_there(site: Site) -> None:
    fill(site, 96, {"main": lambda hours: 6 * min(hours, 60) + 7 * max(hours - 60, 0)})
    assert await audited(site, 72, LIMIT - 0.1) == ([], [])
    told, _ = await audited(site, 72 + LIMIT - 0.1, 0.2)
    assert [finding.code for finding in told] == ["W-BAL-1"]


async def test_a_balance_is_told_once_an_interval_whenever_the_gateway_starts(site: Site) -> None:
    fill(site, 96, {"flat02": until_hour("flat02", 47)})
    for _ in range(2):
        told, events = await audited(site, 72 + LIMIT, 5)
    assert (told, len(events)) == ([], 1)


async def test_a_balance_that_is_even_again_is_told_once(site: Site) -> None:
    """A meter stands still on the second day."""

    def pausing(hours: float) -> float:
        return 2 * (min(hours, 24) + max(hours - 48, 0))

    fill(site, 126, {"flat02": pausing})
    told, events = await audited(site, 48 + LIMIT, 70)
    assert [finding.code for finding in told] == ["W-BAL-1", "W-BAL-2"]
    assert told[1].what == (
        "from 2026-09-30 00:00 to 2026-10-01 00:00 the parts counted 143.68 kWh, main.energy_import 144.00 kWh"
    )
    assert [(event.at, event.details["off"]) for event in events] == [
        (BEGIN + 48 * HOUR, True),
        (BEGIN + 72 * HOUR, False),
    ]


async def test_a_balance_that_stays_off_is_told_each_interval(site: Site) -> None:
    fill(site, 126, {"main": lambda hours: 7 * hours})
    told, events = await audited(site, 48 + LIMIT, 71)
    assert [finding.code for finding in told] == ["W-BAL-1"] * 3
    assert [event.details["troubles"] for event in events] == ["unmetered"] * 3


async def test_an_interval_in_which_the_gateway_did_not_run_yet_is_not_drawn(site: Site) -> None:
    fill(site, 30)
    assert await audited(site, 24 + LIMIT, 1) == ([], [])


async def test_an_empty_journal_draws_nothing(site: Site) -> None:
    assert await audited(site, 48, 30) == ([], [])


async def test_by_a_clock_that_is_not_believed_nothing_is_drawn(site: Site) -> None:
    fill(site, 96, {"flat02": until_hour("flat02", 47)})
    believed = trio.current_time() + 1800
    told, _ = await audited(site, 72 + LIMIT, 1, lambda: trio.current_time() > believed)
    assert [finding.code for finding in told] == ["W-BAL-1"]
    assert (await audited(site, 96 + LIMIT, 1, lambda: False))[0] == []


async def test_without_balances_there_is_nothing_to_do(site: Site) -> None:
    with trio.fail_after(1):
        assert await audited(evolve(site, balances=()), 72, 30) == ([], [])


@pytest.mark.real_time
async def test_a_gateway_audits_its_balances(site: Site) -> None:
    fill(site, 96, {"flat02": until_hour("flat02", 47)})
    is_told = trio.Event()

    def report(finding: Finding) -> None:
        if finding.code == "W-BAL-1":
            is_told.set()

    def now() -> datetime:
        return BEGIN + (72 + LIMIT) * HOUR

    app = App(site, Catalog.collect(), (), Telemetry(), report, now=now)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(app.run, site.path.parent / "state")
            await is_told.wait()
            nursery.cancel_scope.cancel()


def test_readings_may_be_as_far_apart_as_the_meters_are_read(site: Site, tmp_path: Path) -> None:
    (day,) = site.balances
    assert limit_of(site, day) == LIMIT * HOUR
    (hourly,) = load_site(site_file(tmp_path, BALANCE + 'interval = "1h"\n'))[0].balances
    assert limit_of(site, hourly) == 2.5 * HOUR


def test_the_newest_interval_is_told_in_the_zone_of_the_gateway(site: Site) -> None:
    (day,) = site.balances
    found = newest_interval(site, day, BEGIN + (48 + LIMIT) * HOUR)
    assert (found.since, found.until) == (BEGIN + 24 * HOUR, BEGIN + 48 * HOUR)
    assert found.until.tzinfo == ZONE
    assert newest_interval(site, day, BEGIN + (48 + LIMIT) * HOUR - timedelta(seconds=1)).until == BEGIN + 24 * HOUR
