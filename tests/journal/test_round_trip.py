"""What is appended is what comes out, whatever a meter may print."""

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Cause, Finding
from gateway.journal.grounds import grounds_text
from gateway.journal.history import History
from gateway.journal.rows import value_of
from gateway.journal.store import Entry, Store
from gateway.reading import (
    Event,
    EventKind,
    Gap,
    Grounds,
    Layer,
    Quality,
    Reading,
    Readout,
    Record,
    Remark,
    Visit,
)

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)

texts = st.text(max_size=20)
maybe_texts = st.none() | texts
local_times = st.datetimes()
instants = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))]))
milliseconds = st.integers(0, 10**9)
values = (
    st.none()
    | texts
    | st.integers()
    | st.decimals(allow_nan=False)
    | local_times
    | instants
    | st.frozensets(texts, max_size=4)
)
readings = st.builds(
    Reading,
    signal=texts,
    obis=maybe_texts,
    address=texts,
    value=values,
    unit=maybe_texts,
    raw=texts,
    time=st.none() | local_times,
    valid_at=st.none() | instants,
    quality=st.sampled_from(Quality),
    reason=maybe_texts,
    title=maybe_texts,
    logged=st.booleans(),
    status=maybe_texts,
)


remarks = st.builds(Remark, layer=st.sampled_from(Layer), register=texts, text=texts)
grounds = st.builds(
    Grounds,
    parity=texts,
    check=texts,
    shape=texts,
    identity=texts,
    confirming=texts,
    remarks=st.lists(remarks, max_size=3).map(tuple),
)


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    return Visit(
        gateway=draw(texts),
        line=draw(texts),
        meter=draw(texts),
        serial=draw(texts),
        due_at=draw(instants),
        started_at=draw(st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001 - a bound
        duration_ms=draw(milliseconds),
        attempt=draw(st.integers(1, 9)),
        tags=draw(st.dictionaries(texts, texts, max_size=3)),
        job=draw(texts),
    )


readouts = st.builds(
    Readout,
    visit=visits(),
    identification=texts,
    manufacturer=texts,
    model=texts,
    profile=texts,
    read_at=instants,
    readings=st.lists(readings, max_size=5).map(tuple),
    meter_time=st.none() | local_times,
    clock_drift_s=st.none() | st.integers(-(10**9), 10**9),
    quality=st.sampled_from(Quality),
    reason=maybe_texts,
    block=st.binary(max_size=50),
    grounds=st.none() | grounds,
)
gaps = st.builds(
    Gap,
    visit=visits(),
    cause=st.sampled_from(Cause),
    finding=st.builds(Finding, code=texts, where=texts, what=texts, next=maybe_texts),
)
events = st.builds(
    Event,
    visit=visits(),
    kind=st.sampled_from(EventKind),
    at=instants,
    text=texts,
    details=st.dictionaries(texts, st.none() | st.booleans() | texts, max_size=4),
)


def slot(record: Record) -> tuple[object, ...]:
    """What only one record may have; an event has no slot, it is its own."""
    visit = record.visit
    return (id(record),) if isinstance(record, Event) else (visit.meter, visit.due_at, visit.job)


appended = st.lists(readouts | gaps | events, min_size=1, max_size=4, unique_by=slot)


def stored(data_dir: Path, records: list[Record]) -> list[Record]:
    store = Store(data_dir)
    store.open()
    store.commit([Entry(record) for record in records])
    history = History.open(data_dir)
    found = [record for _, record in history.batch(0, len(records) + 1)]
    history.close()
    store.close()
    return found


@settings(max_examples=60, deadline=None)
@given(appended)
def test_records_come_out_equal(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        found = stored(Path(directory), records)
    assert found == records
    for before, after in zip(records, found, strict=True):
        if isinstance(before, Readout) and isinstance(after, Readout):
            assert [type(each.value) for each in after.readings] == [type(each.value) for each in before.readings]
            assert after.as_json() == before.as_json()


def test_grounds_that_repeat_take_one_text_of_few_octets() -> None:
    first, second = (grounds_text(Grounds("present", "xor", "known", "printed")) for _ in range(2))
    assert first == '["present","xor","known","printed",""]'
    assert first is second


def test_a_type_tag_that_nobody_wrote_is_an_error() -> None:
    with pytest.raises(ValueError, match="complex"):
        value_of("complex", "1j")
