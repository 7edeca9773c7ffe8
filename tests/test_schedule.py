"""Who is due: fairness, rounds, overrun, rest, all with plain numbers for the time."""

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gateway.cadence import Cadence
from gateway.schedule import Fate, Schedule, Slot
from gateway.site.model import JobKind, JobSettings, MeterSettings

Visited = tuple[str, float, Fate]


def meters(*scan_rates: float) -> list[MeterSettings]:
    """Meters a, b, c … with their scan rates in seconds."""
    named = zip("abcdefgh", scan_rates, strict=False)
    return [MeterSettings(name, "bus", name, scan_rate_ms=round(rate * 1000)) for name, rate in named]


def run(schedule: Schedule, until: float, seconds_a_visit: float = 0.0, dead: str = "") -> list[Visited]:
    """Sees to all slots up to a moment; a visit takes so long, meters named in `dead` never answer."""
    now, seen = 0.0, []
    while (slot := schedule.next(now)) is not None and slot.due <= until:
        now = max(now, slot.due)
        slot = schedule.next(now) or slot
        is_visited = slot.fate is Fate.VISIT
        now += seconds_a_visit if is_visited else 0.0
        schedule.ended(slot, now, answered=slot.meter.device_alias not in dead if is_visited else None)
        seen.append((slot.meter.device_alias, slot.due, slot.fate))
    return seen


def fail(schedule: Schedule, now: float) -> Slot:
    slot = schedule.next(now)
    assert slot is not None
    assert slot.fate is Fate.VISIT
    schedule.ended(slot, now, answered=False)
    return slot


def test_all_meters_are_due_at_the_begin_in_their_order_then_each_at_its_scan_rate() -> None:
    seen = run(Schedule(meters(10, 30, 10), 0.0), until=30)
    assert [name + str(int(due)) for name, due, _ in seen] == [
        *("a0", "b0", "c0"),
        *("a10", "c10", "a20", "c20"),
        *("b30", "a30", "c30"),
    ]


def test_a_slot_may_lie_in_the_future() -> None:
    schedule = Schedule(meters(10), 5.0)
    slot = schedule.next(0.0)
    assert slot is not None
    assert (slot.due, slot.fate, slot.tries) == (5.0, Fate.VISIT, 3)


def test_equal_meters_of_an_overloaded_line_are_read_equally_often() -> None:
    seen = run(Schedule(meters(10, 10, 10), 0.0), until=600, seconds_a_visit=5)
    visits = Counter(name for name, _, fate in seen if fate is Fate.VISIT)
    assert [visits[name] for name in "abc"] == pytest.approx([40, 40, 40], abs=2)


def test_a_quick_meter_is_not_starved_by_the_backlog_of_slow_ones() -> None:
    seen = run(Schedule(meters(10, 60, 60, 60, 60, 60, 60, 60), 0.0), until=3600, seconds_a_visit=10)
    visits = Counter(name for name, _, fate in seen if fate is Fate.VISIT)
    assert min(visits[name] for name in "abcdefgh") >= 40


def test_a_slot_overruns_once_its_successor_is_due() -> None:
    schedule = Schedule(meters(10), 0.0)
    fates = []
    for _ in range(4):
        slot = schedule.next(35.0)
        assert slot is not None
        fates.append((slot.due, slot.fate))
        schedule.ended(slot, 35.0, answered=None)
    assert fates == [(0, Fate.OVERRUN), (10, Fate.OVERRUN), (20, Fate.OVERRUN), (30, Fate.VISIT)]


def test_rounds_give_each_meter_so_many_slots_none_of_which_overruns() -> None:
    seen = run(Schedule(meters(10, 1), 0.0, rounds=2), until=1000, seconds_a_visit=100)
    assert [(name, fate) for name, _, fate in seen] == [(name, Fate.VISIT) for name in ("a", "b", "b", "a")]


def test_a_schedule_without_meters_is_over() -> None:
    assert Schedule([], 0.0).next(0.0) is None


def test_a_scale_divides_scan_rate_and_rest() -> None:
    schedule = Schedule(meters(10), 0.0, scale=10)
    for now in (0.0, 1.0, 2.0):
        assert fail(schedule, now).due == now
    assert [fate for _, _, fate in run(schedule, until=6)] == [Fate.RESTING, Fate.RESTING, Fate.VISIT, Fate.VISIT]


def test_after_three_failures_a_meter_rests_for_growing_pauses_with_one_try_each() -> None:
    schedule, rests, now = Schedule(meters(1), 0.0), [], 0.0
    assert [fail(schedule, float(n)).tries for n in range(3)] == [3, 3, 3]
    now = 2.0
    for _ in range(10):
        begin = now
        while (slot := schedule.next(now)) is not None and slot.fate is Fate.RESTING:
            schedule.ended(slot, now, answered=None)
            now = slot.due + 1
        assert fail(schedule, now).tries == 1
        rests.append(now - begin)
    assert rests == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_one_answer_ends_the_rest() -> None:
    schedule = Schedule(meters(60), 0.0)
    for now in (0.0, 60.0, 120.0):
        fail(schedule, now)
    assert schedule.states() == {"answering": 0, "failing": 0, "resting": 1}
    tried = schedule.next(180.0)
    assert tried is not None
    schedule.ended(tried, 180.0, answered=True)
    assert schedule.states() == {"answering": 1, "failing": 0, "resting": 0}
    assert fail(schedule, 240.0).tries == 3
    assert schedule.states() == {"answering": 0, "failing": 1, "resting": 0}


def test_a_meter_may_stay_dead_for_years() -> None:
    schedule = Schedule(meters(3600), 0.0)
    for hour in range(20_000):
        slot = schedule.next(hour * 3600.0)
        assert slot is not None
        schedule.ended(slot, hour * 3600.0, answered=False if slot.fate is Fate.VISIT else None)
    assert schedule.states()["resting"] == 1


def test_a_dead_meter_leaves_the_cadence_of_the_others_alone() -> None:
    seen = run(Schedule(meters(10, 10), 0.0), until=3600, seconds_a_visit=4, dead="a")
    fates = Counter((name, fate) for name, _, fate in seen)
    assert fates["b", Fate.VISIT] == 361
    assert fates["a", Fate.VISIT] < 15
    assert fates["a", Fate.VISIT] + fates["a", Fate.RESTING] == 361


@given(
    rates=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    outcomes=st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=60),
    rounds=st.none() | st.integers(1, 5),
)
def test_every_due_slot_is_handed_out_exactly_once_in_order(
    rates: Sequence[int], outcomes: Sequence[tuple[float, bool]], rounds: int | None
) -> None:
    wanted = meters(*rates)
    schedule, now = Schedule(wanted, 0.0, rounds=rounds), 0.0
    dues: dict[str, list[float]] = {meter.device_alias: [] for meter in wanted}
    for seconds, answers in outcomes:
        slot = schedule.next(now)
        if slot is None:
            break
        assert slot == schedule.next(now)
        now = max(now, slot.due) + seconds
        schedule.ended(slot, now, answered=answers if slot.fate is Fate.VISIT else None)
        dues[slot.meter.device_alias].append(slot.due)
    for meter, rate in zip(wanted, rates, strict=True):
        given_out = dues[meter.device_alias]
        assert given_out == [n * rate for n in range(len(given_out))]
        assert rounds is None or len(given_out) <= rounds
    following = schedule.next(now)
    if following is None:
        assert all(len(given_out) == rounds for given_out in dues.values())
    else:
        still_open = [
            len(given_out) * rate
            for given_out, rate in zip(dues.values(), rates, strict=True)
            if rounds is None or len(given_out) < rounds
        ]
        assert following.due == min(still_open) or following.fate is not Fate.VISIT or following.due <= now


def test_equal_settings_do_not_make_two_meters_one() -> None:
    first, second = meters(10, 10)
    twin = evolve(second, device_alias=first.device_alias)
    schedule = Schedule([first, twin], 0.0, rounds=1)
    assert len(run(schedule, until=0)) == 2


# Jobs


def nightly(at: float) -> JobSettings:
    """A job that is due at so many seconds, then each 1,000 s."""
    return JobSettings(JobKind.EVENTS, str(at))


def moments(schedule: str, after: float) -> float:
    first = float(schedule)
    return first if after < first else first + 1000 * ((after - first) // 1000 + 1)


def with_jobs(*jobs: JobSettings, scan_rates: Sequence[float] = (10, 10), rounds: int | None = None) -> Schedule:
    first, *others = meters(*scan_rates)
    return Schedule([evolve(first, jobs=jobs), *others], 0.0, rounds=rounds, moments=moments)


def jobs_and_readouts(schedule: Schedule, until: float, seconds_a_visit: float) -> list[tuple[str, float, Fate]]:
    now, seen = 0.0, []
    while (slot := schedule.next(now)) is not None and slot.due <= until:
        now = max(now, slot.due)
        slot = schedule.next(now) or slot
        now += seconds_a_visit if slot.fate is Fate.VISIT else 0
        schedule.ended(slot, now, answered=True)
        seen.append((slot.job.kind.value if slot.job else slot.meter.device_alias, slot.due, slot.fate))
    return seen


def test_a_job_is_a_slot_of_its_own_at_its_wall_clock_moment() -> None:
    seen = jobs_and_readouts(with_jobs(nightly(15)), until=20, seconds_a_visit=0)
    assert [(what, due) for what, due, _ in seen] == [
        *(("a", 0), ("b", 0), ("a", 10), ("b", 10)),
        *(("events", 15), ("a", 20), ("b", 20)),
    ]


def test_a_job_carries_what_is_to_be_done_and_a_readout_does_not() -> None:
    job = nightly(0.5)
    schedule = with_jobs(job)
    first = schedule.next(0.0)
    assert first is not None
    assert first.job is None
    slot = None
    for _ in range(3):
        slot = schedule.next(1.0)
        assert slot is not None
        if slot.job is not None:
            break
        schedule.ended(slot, 1.0, answered=True)
    assert slot is not None
    assert slot.job is job
    assert slot.meter.device_alias == "a"


def test_on_an_overloaded_line_jobs_and_readouts_take_turns() -> None:
    many = [nightly(second) for second in (1, 2, 3, 4)]
    seen = jobs_and_readouts(with_jobs(*many), until=60, seconds_a_visit=10)
    visits = [what for what, _, fate in seen if fate is Fate.VISIT]
    assert visits[1:8] == ["events", "b", "events", "a", "events", "b", "events"]


def test_no_jobs_are_done_in_rounds() -> None:
    seen = jobs_and_readouts(with_jobs(nightly(0), rounds=3), until=5000, seconds_a_visit=1)
    assert [what for what, _, _ in seen] == ["a", "b"] * 3


def test_a_job_whose_successor_is_due_has_overrun() -> None:
    schedule = with_jobs(nightly(5), scan_rates=(10_000,))
    readout = schedule.next(0.0)
    assert readout is not None
    schedule.ended(readout, 0.0, answered=True)
    fates = []
    for _ in range(3):
        slot = schedule.next(2500.0)
        assert slot is not None
        fates.append((slot.due, slot.fate))
        schedule.ended(slot, 2500.0, answered=None)
    assert fates == [(5, Fate.OVERRUN), (1005, Fate.OVERRUN), (2005, Fate.VISIT)]


def test_the_job_of_a_resting_meter_is_not_visited() -> None:
    schedule = with_jobs(nightly(2.5), scan_rates=(1,))
    for now in (0.0, 1.0, 2.0):
        fail(schedule, now)
    slot = schedule.next(2.5)
    assert slot is not None
    assert (slot.job is not None, slot.fate, slot.tries) == (True, Fate.RESTING, 1)


@pytest.mark.parametrize("answered", [True, False])
def test_the_end_of_a_job_says_nothing_of_the_meters_health(*, answered: bool) -> None:
    schedule = with_jobs(*(nightly(second) for second in (1, 2, 3)), scan_rates=(100,))
    fail(schedule, 0.0)
    for now in (1.0, 2.0, 3.0):
        slot = schedule.next(now)
        assert slot is not None
        schedule.ended(slot, now, answered=answered)
    assert schedule.states() == {"answering": 0, "failing": 1, "resting": 0}


@given(
    rates=st.lists(st.integers(1, 50), min_size=1, max_size=4),
    firsts=st.lists(st.integers(0, 300), min_size=1, max_size=4),
    seconds=st.lists(st.floats(0, 400), max_size=80),
)
def test_every_job_is_handed_out_exactly_once_and_never_twice_before_a_waiting_readout(
    rates: Sequence[int], firsts: Sequence[int], seconds: Sequence[float]
) -> None:
    schedule, now = with_jobs(*map(nightly, firsts), scan_rates=rates), 0.0
    dues: dict[int, list[float]] = {}
    was_job = False
    for lasting in seconds:
        slot = schedule.next(now)
        assert slot is not None
        assert slot == schedule.next(now)
        readout_waits = slot.due <= now and any(other.due <= now for other in schedule._turns)
        if slot.job is not None:
            assert not (was_job and readout_waits)
            dues.setdefault(id(slot.job), []).append(slot.due)
        if slot.fate is Fate.VISIT:
            was_job = slot.job is not None
        now = max(now, slot.due) + (lasting if slot.fate is Fate.VISIT else 0)
        schedule.ended(slot, now, answered=True if slot.fate is Fate.VISIT else None)
    for given_out in dues.values():
        assert given_out == [given_out[0] + 1000 * n for n in range(len(given_out))]


# A wall clock that is put while the monotonic one runs on

START = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0


def job_times(
    text: str, days: float, puts: Sequence[tuple[float, float]], rate: float = 1.0
) -> list[tuple[float, str]]:
    """When a job is due, in hours of the loop, with the wall time that is shown then.

    At each of `puts`, a moment of the loop, the wall clock is put by so many seconds; it runs at `rate`.
    """
    now, off, left = 0.0, 0.0, list(puts)

    def wall(moment: float) -> datetime:
        return START + timedelta(seconds=now * rate + off + (moment - now))

    def moments(schedule: str, moment: float) -> float:
        due = Cadence.from_text(schedule).next(wall(moment), UTC_ZONE)
        return moment + (due - wall(moment)).total_seconds()

    (meter,) = meters(10 * DAY)
    job = JobSettings(JobKind.EVENTS, text)
    schedule, seen = Schedule([evolve(meter, jobs=(job,))], 0.0, moments=moments), list[tuple[float, str]]()
    while (slot := schedule.next(now)) is not None and slot.due < days * DAY:
        put_at = left[0][0] if left else float("inf")
        if slot.due >= put_at and now < put_at:
            now = put_at
            off += left.pop(0)[1]
            schedule.wall_was_put(now)
            continue
        now = max(now, slot.due)
        if slot.job is not None:
            seen.append((round(now / HOUR, 2), f"{wall(now):%d %H:%M}"))
        schedule.ended(slot, now, answered=True)
    return seen


UTC_ZONE = ZoneInfo("UTC")


@pytest.mark.parametrize("days", [-15, 15])
def test_d8_a_job_is_due_at_the_same_time_of_another_day(days: int) -> None:
    seen = job_times("12:30", 5, [(28 * HOUR, days * DAY)])
    assert [moment for moment, _ in seen] == [3.5, 27.5, 51.5, 75.5, 99.5]
    assert all(shown.endswith("12:30") for _, shown in seen)


@pytest.mark.parametrize(
    ("put", "expected"),
    [
        ((27.6, -1), [(3.5, "30 12:30"), (27.5, "01 12:30"), (52.5, "02 12:30"), (76.5, "03 12:30")]),
        ((26.6, 1), [(3.5, "30 12:30"), (26.6, "01 12:36"), (50.5, "02 12:30"), (74.5, "03 12:30")]),
        ((26.0, -1), [(3.5, "30 12:30"), (28.5, "01 12:30"), (52.5, "02 12:30"), (76.5, "03 12:30")]),
        ((20.0, 1), [(3.5, "30 12:30"), (26.5, "01 12:30"), (50.5, "02 12:30"), (74.5, "03 12:30")]),
    ],
    ids=["back over it", "forward over it", "back before it", "forward before it"],
)
def test_d8_a_job_is_done_once_a_day_whichever_way_the_clock_is_put(
    put: tuple[float, float], expected: list[tuple[float, str]]
) -> None:
    assert job_times("12:30", 4, [(put[0] * HOUR, put[1] * HOUR)])[:4] == expected


@given(st.lists(st.tuples(st.floats(1, 300), st.floats(-400, 400)), max_size=6), st.sampled_from(["12:30", "*/60"]))
def test_d8_a_job_is_neither_done_twice_nor_left_out_however_often_the_clock_is_put(
    puts: Sequence[tuple[float, float]], text: str
) -> None:
    period = 24 if text == "12:30" else 1
    seen = [moment for moment, _ in job_times(text, 15, sorted((at * HOUR, by * HOUR) for at, by in puts))]
    between = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert all(period / 2 - 0.02 <= hours <= 1.5 * period + 0.02 for hours in between), between


@pytest.mark.parametrize("rate", [0.9995, 1.0005])
def test_d8_a_clock_that_slews_makes_no_job_due_twice(rate: float) -> None:
    seen = job_times("12:30", 10, [], rate)
    assert len(seen) == 10, seen
    assert all(shown[3:] in {"12:29", "12:30"} for _, shown in seen), seen


def test_d8_before_the_first_of_a_run_a_job_is_due_by_the_new_time_alone() -> None:
    assert job_times("12:30", 1, [(HOUR, 2 * HOUR)]) == [(1.5, "30 12:30")]
    assert job_times("12:30", 2, [(HOUR, 3 * HOUR)]) == [(24.5, "01 12:30")]


def test_d8_a_job_that_waits_stays_due_when_the_clock_is_put() -> None:
    schedule = with_jobs(nightly(5), scan_rates=(1000,))
    before = schedule.next(6.0)
    schedule.wall_was_put(6.0)
    assert schedule.next(6.0) == before
