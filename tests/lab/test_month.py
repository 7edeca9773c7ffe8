"""A realistic month of simulated meters: hardly a false alarm, the consumption of every flat to the last digit."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from itertools import pairwise
from multiprocessing import get_context

import pytest

from gateway.reading import EventKind
from tests.lab.month import BEGIN, END, PERIOD, SLOTS, ZONE, Flat, Outcome, month_of, special_flats, usual_flats

FLATS = 60
PROCESSES = 2
ALLOWED = 0.001  # confirming reads a visit
_NAMED = 12

House = Mapping[str, Outcome]


def lived(flats: Iterable[Flat], processes: int) -> House:
    """The month of each flat, by its alias."""
    flats = tuple(flats)
    if processes == 1:
        return {flat.alias: month_of(flat) for flat in flats}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return dict(zip((flat.alias for flat in flats), pool.map(month_of, flats), strict=True))


@pytest.fixture(scope="module", params=[0, pytest.param(FLATS - 6, marks=pytest.mark.lab)], ids=["special", "house"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """The special meters, alone or among the others of a house; what asked for confirming reads is printed."""
    count: int = request.param
    house = lived((*special_flats(), *usual_flats(count)), PROCESSES if count else 1)
    yield house
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{table(house)}")  # noqa: T201 - the table is what the month is for


def table(house: House) -> str:
    """The visits with their confirming reads, by what asked for them."""
    causes, visits = causes_of(house), visits_of(house)
    confirmed, exact = causes.total(), sum(one.consumed == one.truth for one in house.values())
    lines = [
        f"{len(house)} meters, {visits} visits: {confirmed} confirming reads, {1000 * confirmed / visits:.2f} in 1,000",
        f"{exact} of {len(house)} with their exact consumption",
        *(f"  {number:>5}  {cause}" for cause, number in causes.most_common(_NAMED)),
    ]
    return "\n".join(lines)


def visits_of(house: House) -> int:
    return sum(outcome.visits for outcome in house.values())


def causes_of(house: House) -> Tally[str]:
    causes: Tally[str] = Tally()
    for outcome in house.values():
        causes += outcome.causes
    return causes


def test_both_changes_of_season_lie_in_the_month() -> None:
    offsets = [(BEGIN + slot * PERIOD).astimezone(ZONE).utcoffset() for slot in range(SLOTS)]
    changes = [offset for before, offset in pairwise(offsets) if offset != before]
    assert changes == [timedelta(0), timedelta(hours=1)]
    assert BEGIN.month < END.month


def test_at_most_one_clean_visit_in_a_thousand_is_read_twice(house: House) -> None:
    confirmed = causes_of(house).total()
    assert visits_of(house) >= SLOTS * len(house) - 2
    assert confirmed <= ALLOWED * visits_of(house), table(house)


def test_no_clean_value_is_ever_suspect(house: House) -> None:
    assert {alias: dict(outcome.suspects) for alias, outcome in house.items() if outcome.suspects} == {}


def test_d1_d2_the_consumption_of_every_flat_is_exact_over_roll_over_and_exchange(house: House) -> None:
    assert {alias: outcome.consumed for alias, outcome in house.items()} == {
        alias: outcome.truth for alias, outcome in house.items()
    }
    for outcome in house.values():
        assert outcome.truth


def test_the_roll_over_and_the_exchange_are_all_that_happened(house: House) -> None:
    assert {alias: outcome.events for alias, outcome in house.items() if outcome.events} == {
        "rolls-over": [EventKind.ROLLED_OVER],
        "exchanged": [EventKind.METER_SWAPPED],
    }
