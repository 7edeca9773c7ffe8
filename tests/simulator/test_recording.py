"""The load profile and log of a simulated meter, by their lines."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.simulator import ClockSet, EventLog, LoadProfile, PowerLoss, SimulatedProgramming
from gateway.simulator.clock import MeterClock, moment_of, put_by
from gateway.simulator.history import History, made_up_events, season_changes
from gateway.simulator.programming import StoredData
from gateway.simulator.recording import Recording

VILNIUS = ZoneInfo("Europe/Vilnius")
DAILY = LoadProfile("P.02", 1440, (("1.8.0", "kWh"),))
HEADER = "(15)(2)(1.5)(kW)(2.5)(kW)"


def wall(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a meter's local time


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def history(**more: Any) -> History:  # noqa: ANN401 - any of the facts
    usual: dict[str, Any] = {"start": wall(2026, 10, 30, 12, 0), "events": ()}
    return History(SimulatedProgramming(**usual | more), "seed")


def lines(stored: StoredData, argument: str, past: History, now: datetime | None = None) -> list[str]:
    recording = Recording(past, now or utc(2026, 10, 30, 10, 0), "seed", 8)
    return [part for line in recording.lines(stored, recording.range_of(argument)) for part in line.split("\r\n")]


def headers(found: list[str]) -> list[tuple[str, int]]:
    """The stamp and status of each header, with the number of rows under it."""
    counted: list[tuple[str, int]] = []
    for line in found:
        if line.startswith("P."):
            counted.append((line.partition(")(15")[0].partition("(")[2], 0))
        else:
            counted[-1] = (counted[-1][0], counted[-1][1] + 1)
    return counted


def test_the_spring_change_begins_a_new_header() -> None:
    found = lines(LoadProfile(), "02603290230;12603290430", history())
    assert headers(found) == [("0260329023000)(00000000", 2), ("1260329040000)(00000008", 3)]


def test_the_autumn_change_begins_a_new_header_at_a_stamp_that_comes_twice() -> None:
    found = lines(LoadProfile(), "12610250315;02610250345", history())
    assert headers(found) == [("1261025031500)(00000000", 3), ("0261025030000)(00000008", 4)]
    assert found[0] == f"P.01(1261025031500)(00000000){HEADER}"


def test_days_end_at_local_midnight_in_both_seasons() -> None:
    found = lines(DAILY, "02603280000;12603310000", history())
    assert [line for line in found if line.startswith("P.")] == [
        "P.02(0260328000000)(00000000)(1440)(1)(1.8.0)(kWh)",
        "P.02(1260330000000)(00000008)(1440)(1)(1.8.0)(kWh)",
    ]
    assert len(found) == 2 + 4


def test_register_readings_never_fall() -> None:
    rows = [line for line in lines(DAILY, ";", history()) if line.startswith("(")]
    assert rows == sorted(rows)
    assert len(rows) == 400


def test_a_loss_of_power_cuts_an_interval_and_begins_a_new_header() -> None:
    past = history(events=(PowerLoss(wall(2026, 6, 3, 10, 7, 23), 2400),))
    found = lines(LoadProfile(), "12606030930;12606031115", past)
    assert headers(found) == [
        ("1260603093000)(00000000", 3),
        ("1260603100723)(00000080", 1),
        ("1260603110000)(00000040", 2),
    ]


def test_a_clock_put_forward_cuts_an_interval_and_begins_a_new_header() -> None:
    past = history(events=(ClockSet(wall(2026, 6, 3, 10, 7, 30), 3600),))
    found = lines(LoadProfile(), "12606031000;12606031130", past)
    assert headers(found) == [
        ("1260603100000)(00000000", 1),
        ("1260603100730)(00000020", 1),
        ("1260603111500)(00000020", 2),
    ]


def test_a_clock_put_back_lives_through_the_same_stamps_twice() -> None:
    past = history(events=(ClockSet(wall(2026, 6, 3, 10, 50), -1800),))
    found = lines(LoadProfile(), "12606031030;12606031100", past)
    assert headers(found) == [
        ("1260603103000)(00000000", 2),
        ("1260603105000)(00000020", 1),
        ("1260603103000)(00000020", 3),
    ]


def test_an_interruption_at_the_end_of_an_interval_cuts_none() -> None:
    past = history(events=(PowerLoss(wall(2026, 6, 3, 10, 0), 900),))
    found = lines(LoadProfile(), "12606030945;12606031030", past)
    assert headers(found) == [("1260603094500)(00000000", 2), ("1260603103000)(00000040", 1)]


def test_the_rows_of_a_range_are_those_of_the_whole() -> None:
    past = history()
    whole = lines(LoadProfile(), "12607010000;12607020000", past)
    part = lines(LoadProfile(), "12607010600;12607010700", past)
    assert part[1:] == whole[1 + 24 : 1 + 24 + 5]


def test_a_row_ends_not_after_what_the_clock_shows() -> None:
    found = lines(LoadProfile(), "02610301100;", history())
    assert headers(found) == [("0261030110000)(00000000", 5)]


@pytest.mark.parametrize(
    "argument",
    [
        "12607010600;12607010700",
        "1260701060000;1260701070000",
        "2607010600;2607010700",
        "260701060000;260701070000",
        "22607010300;22607010400",
        "26-07-01,06:00;26-07-01,07:00",
        "12607010600;12607010700;4",
    ],
)
def test_every_form_of_limits_means_the_same_range(argument: str) -> None:
    assert headers(lines(LoadProfile(), argument, history())) == [("1260701060000)(00000000", 5)]


@pytest.mark.parametrize("argument", ["12607010600", "noon;", "32607010600;", "1;2", ";;0", "12613010600;"])
def test_what_is_no_range_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        lines(LoadProfile(), argument, history())


def test_a_season_flag_is_taken_at_its_word() -> None:
    assert moment_of("02607010600", VILNIUS) == moment_of("12607010700", VILNIUS) == utc(2026, 7, 1, 4)
    assert moment_of("12601010600", VILNIUS) == moment_of("02601010500", VILNIUS) == utc(2026, 1, 1, 3)
    assert moment_of("12610250330", VILNIUS) == utc(2026, 10, 25, 0, 30)
    assert moment_of("02610250330", VILNIUS) == utc(2026, 10, 25, 1, 30)


def test_the_log_tells_seasons_turns_of_months_losses_of_power_and_settings_of_the_clock() -> None:
    events = (PowerLoss(wall(2026, 3, 15, 10, 7), 600), ClockSet(wall(2026, 3, 20, 23, 59, 55), 10))
    assert lines(EventLog(), "02603010000;12604020000", history(events=events)) == [
        "P.98(0260301000000)(00000010)()(0)",
        "P.98(0260315100700)(00000080)()(0)",
        "P.98(0260315101700)(00000040)()(0)",
        "P.98(0260320235955)(00008020)()(2)(0.9.1)()(0.9.2)()(0000005)(0260321)",
        "P.98(1260329040000)(00000008)()(0)",
        "P.98(1260401000000)(00000010)()(0)",
    ]


def test_the_usual_depth_holds_both_season_changes_whenever_it_starts() -> None:
    for month in range(1, 13):
        start = wall(2026, month, 20, 12, 0)
        past = history(start=start)
        changes = list(season_changes(VILNIUS, past.since, start.replace(tzinfo=UTC)))
        assert len(changes) >= 2
        assert all(change.hour == 1 for change in changes)
        assert all(change.minute == 0 for change in changes)


def test_a_zone_without_seasons_has_no_changes() -> None:
    assert list(season_changes(ZoneInfo("Europe/Istanbul"), utc(2025, 1, 1), utc(2026, 1, 1))) == []


def test_what_is_made_up_lies_within_the_last_ten_days_and_repeats_no_stamp() -> None:
    start = wall(2026, 9, 30, 12, 0)
    for number in range(50):
        loss, put = made_up_events(start, str(number))
        assert {type(loss), type(put)} == {PowerLoss, ClockSet}
        assert all(timedelta() < start - event.at < timedelta(days=10) for event in (loss, put))
        stamps = [
            entry
            for entry, _ in headers(
                lines(LoadProfile(), "02609200000;", history(start=start, events=(loss, put)), utc(2026, 9, 30, 9))
            )
        ]
        assert len(set(stamps)) == len(stamps) == 5
    assert made_up_events(start, "1") != made_up_events(start, "2")


def test_a_clock_set_in_the_repeated_hour_knows_its_pass() -> None:
    shown = utc(2026, 10, 25, 8, 0).astimezone(VILNIUS)
    assert put_by("0.9.1", "1033000", shown) == utc(2026, 10, 25, 0, 30)
    assert put_by("0.9.1", "0033000", shown) == utc(2026, 10, 25, 1, 30)


def test_time_and_date_set_one_after_the_other_stay_as_written() -> None:
    clock = MeterClock(wall(2026, 1, 15, 8, 0), VILNIUS)
    clock.put(put_by("0.9.1", "1143000", clock.shown(0.0)), 0.0)
    clock.put(put_by("0.9.2", "1260701", clock.shown(0.0)), 0.0)
    assert clock.shown(0.0).replace(tzinfo=None) == wall(2026, 7, 1, 14, 30)
    assert clock.shown(60.0).replace(tzinfo=None) == wall(2026, 7, 1, 14, 31)


@pytest.mark.parametrize(
    ("address", "text", "moment"),
    [
        ("0.9.1", "0143000", utc(2026, 3, 1, 12, 30)),
        ("0.9.1", "143000", utc(2026, 3, 1, 12, 30)),
        ("0.9.1", "14:30:00", utc(2026, 3, 1, 12, 30)),
        ("0.9.1", "14:30", utc(2026, 3, 1, 12, 30)),
        ("0.9.1", "2143000", utc(2026, 3, 1, 14, 30)),
        ("0.9.2", "0260302", utc(2026, 3, 2, 10, 0)),
        ("0.9.2", "260302", utc(2026, 3, 2, 10, 0)),
        ("0.9.2", "26-03-02", utc(2026, 3, 2, 10, 0)),
        ("0.9.4", "0260302143000", utc(2026, 3, 2, 12, 30)),
        ("0.9.4", "2602021430", utc(2026, 2, 2, 12, 30)),
        ("0.9.4", "2260302143000", utc(2026, 3, 2, 14, 30)),
    ],
)
def test_the_clock_takes_every_form(address: str, text: str, moment: datetime) -> None:
    assert put_by(address, text, utc(2026, 3, 1, 10, 0).astimezone(VILNIUS)) == moment
