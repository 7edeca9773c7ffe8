"""What a journal gives for the consumption of meters."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from gateway.errors import Cause, Finding
from gateway.journal import History, Store, oldest, read_counted
from gateway.journal.store import Entry
from gateway.reading import Event, EventKind, Gap, Reading, Readout, Record, Visit

START = datetime(2026, 9, 30, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENERGY = Reading("energy_import", None, "1.8.0", Decimal(7), "kWh", "7*kWh")
POWER = Reading("power", None, "1.7.0", Decimal(1), "kW", "1*kW")


def readout(hour: int, meter: str, *readings: Reading) -> Readout:
    at = START + hour * HOUR
    visit = Visit("block-12", "riser-a", meter, "1", at, at, 0)
    return Readout(visit, "/XMP5VERBA", "XMP", "V", "generic@1", at, readings)


def event(hour: int, meter: str) -> Event:
    slot = readout(hour, meter)
    return Event(slot.visit, EventKind.METER_SWAPPED, slot.read_at, "told", {"end 1.8.0": "7"})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    store.open()
    yield store
    store.close()


def stored(journal: Store, *records: Record) -> None:
    journal.commit([Entry(record) for record in records])


def counted(journal: Store, meters: set[str], signals: set[str], since: int = 0, until: int = 9) -> list[Record]:
    with closing(History.open(journal.data_dir)) as history:
        return list(read_counted(history, meters, signals, START + since * HOUR, START + until * HOUR))


def test_readouts_carry_the_wanted_readings_only(journal: Store) -> None:
    first, second = readout(0, "flat01", POWER, ENERGY), readout(1, "flat01", POWER)
    stored(journal, first, second, readout(2, "flat02", ENERGY))
    expected = [evolve(first, readings=(ENERGY,)), evolve(second, readings=())]
    assert counted(journal, {"flat01"}, {"energy_import"}) == expected
    assert counted(journal, {"flat01"}, {"1.8.0"}) == expected


def test_records_come_in_the_order_of_time_the_event_before_its_readout(journal: Store) -> None:
    late, early, happened = readout(3, "flat01", ENERGY), readout(1, "flat02", ENERGY), event(3, "flat01")
    stored(journal, happened, late, early)
    assert counted(journal, {"flat01", "flat02"}, {"energy_import"}) == [early, happened, late]


def test_gaps_are_left_out(journal: Store) -> None:
    slot = readout(1, "flat01").visit
    stored(journal, Gap(slot, Cause.NO_ANSWER, Finding("E-READ-1", "meter flat01", "no answer")))
    assert counted(journal, {"flat01"}, {"energy_import"}) == []


def test_both_ends_of_the_time_are_included(journal: Store) -> None:
    hours = [readout(hour, "flat01", ENERGY) for hour in range(4)]
    stored(journal, *hours)
    assert counted(journal, {"flat01"}, {"energy_import"}, 1, 2) == hours[1:3]


def test_the_oldest_record_is_told_by_its_end(journal: Store) -> None:
    with closing(History.open(journal.data_dir)) as history:
        assert oldest(history) is None
        stored(journal, readout(3, "flat01", ENERGY), readout(1, "flat02", ENERGY))
        assert oldest(history) == START + HOUR
