"""What is told of a meter's clock, and of the stamps that it has printed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import anyio
import pytest
from attrs import evolve

from gateway.decoders import timestamp
from gateway.experience import Experience, Remembered
from gateway.protocol.datablock import DataSet, parse_block
from gateway.reading import Quality, Readout
from gateway.simulator import ClockRegister, StillRegister
from gateway.trust.clock import ahead, clock_doubts, clock_of, stamp_doubts
from gateway.trust.verdict import Oddity
from tests.workshop import PLATE, SERIAL, Workshop

VILNIUS = ZoneInfo("Europe/Vilnius")  # summer time from 2026-03-29 01:00 to 2026-10-25 01:00 UTC
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its summer time is half an hour ahead
ICELAND = ZoneInfo("Atlantic/Reykjavik")  # no seasons
HOUR = 3600


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def printed(text: str) -> datetime:
    """A meter's time without zone, as 0.9.1 with 0.9.2 give it."""
    return datetime.fromisoformat(text)


def known(drift_s: int | None, read_at: str, heard_at: float | None = None) -> Experience:
    """What is known of a meter whose clock was so far ahead at its last read."""
    return Experience(accepted=Remembered(b"", utc(read_at), heard_at), drift_s=drift_s)


def told(
    meter_time: str, read_at: str, experience: Experience | None = None, zone: ZoneInfo = VILNIUS
) -> tuple[int | None, list[tuple[Oddity, str]]]:
    """The drift, with the doubts as their kinds and words."""
    drift, doubts = clock_doubts(printed(meter_time), utc(read_at), zone, experience or Experience())
    return drift, [(doubt.oddity, doubt.text) for doubt in doubts]


# How far it is ahead


@pytest.mark.parametrize(
    ("meter_time", "read_at", "drift"),
    [
        ("2026-07-01T12:00:03", "2026-07-01T09:00:00.400", 3),
        ("2026-01-15T11:59:57", "2026-01-15T10:00:00", -3),
        ("2000-01-01T00:02:00", "2026-01-15T10:00:00", -821_793_480),
    ],
    ids=["summer", "winter", "never set"],
)
def test_the_drift_is_in_whole_seconds_by_the_legal_time_of_the_zone(meter_time: str, read_at: str, drift: int) -> None:
    assert clock_of(printed(meter_time), utc(read_at), VILNIUS) == drift


def test_a_meter_that_tells_no_time_has_no_drift() -> None:
    assert clock_of(None, utc("2026-07-01T09:00"), VILNIUS) is None
    assert clock_doubts(None, utc("2026-07-01T09:00"), VILNIUS, Experience()) == (None, [])


@pytest.mark.parametrize("raw", ["0260701110003", "2260701090003", "260701110003W"])
def test_d7_a_season_flag_is_believed_in_every_season(raw: str) -> None:
    assert clock_of(timestamp(raw), utc("2026-07-01T09:00"), VILNIUS) == 3


def test_d7_the_hour_that_comes_twice_is_the_pass_that_is_nearer() -> None:
    begin = utc("2026-10-25T00:00:20")
    for minute in range(120):
        read_at = begin + timedelta(minutes=minute)
        shown = read_at.astimezone(VILNIUS).replace(tzinfo=None, fold=0) + timedelta(seconds=4)
        drift, doubts = clock_doubts(shown, read_at, VILNIUS, known(4, "2026-10-24T23:59"))
        assert (drift, doubts) == (4, []), read_at


def test_d7_a_season_flag_tells_the_passes_of_the_hour_that_comes_twice_apart() -> None:
    read_at = utc("2026-10-25T00:30")
    assert clock_of(timestamp("1261025033000"), read_at, VILNIUS) == 0
    assert clock_of(timestamp("0261025033000"), read_at, VILNIUS) == HOUR


def test_d7_a_clock_that_is_far_off_is_not_moved_by_the_hour_that_comes_twice() -> None:
    """It shows that hour two hours early."""
    drift, doubts = clock_doubts(
        printed("2026-10-25T03:30:20"), utc("2026-10-24T22:30:20"), VILNIUS, known(2 * HOUR, "2026-10-24T22:15:20")
    )
    assert drift == 2 * HOUR
    assert [doubt.oddity for doubt in doubts] == [Oddity.CLOCK_WRONG]


@pytest.mark.parametrize(("change", "before", "after"), [("2026-03-29", 0, -HOUR), ("2026-10-25", -HOUR, 0)])
def test_d7_a_clock_without_season_flag_that_keeps_normal_time_makes_no_step(
    change: str, before: int, after: int
) -> None:
    """Over both changes of season, the hour that does not exist among them: the zone steps, not the clock."""
    experience = known(before, f"{change}T00:00:20")
    drifts = list[int | None]()
    for minute in range(1, 240):
        read_at = utc(f"{change}T00:00:20") + timedelta(minutes=minute)
        drift, doubts = clock_doubts((read_at + timedelta(hours=2)).replace(tzinfo=None), read_at, VILNIUS, experience)
        assert {doubt.oddity for doubt in doubts} <= {Oddity.CLOCK_WRONG}, read_at
        drifts.append(drift)
        experience = Experience(accepted=Remembered(b"", read_at, None), drift_s=drift)
    assert (drifts[0], drifts[-1]) == (before, after)
    assert set(drifts) == {before, after}


def test_d7_a_clock_that_changes_its_season_at_midnight_makes_no_step() -> None:
    late = known(-HOUR, "2026-03-29T20:45")
    assert told("2026-03-30T00:05:01", "2026-03-29T21:05", late) == (1, [])


def test_d7_a_day_after_the_change_of_season_an_hour_is_a_step() -> None:
    late = known(-HOUR, "2026-03-31T20:45")
    drift, doubts = told("2026-04-01T00:05:01", "2026-03-31T21:05", late)
    assert drift == 1
    assert doubts == [(Oddity.CLOCK_STEP, "its clock stepped from 1 h 0 min 0 s behind to 1 s ahead")]


def test_d7_a_change_of_season_explains_no_other_step() -> None:
    _, doubts = told("2026-03-29T10:30:20", "2026-03-29T08:00:20", known(0, "2026-03-28T08:00:20"))
    assert [oddity for oddity, _ in doubts] == [Oddity.CLOCK_STEP]


def test_d7_a_change_of_season_is_as_long_as_the_zone_says() -> None:
    # Lord Howe goes from UTC+11 to UTC+10:30 on 2026-04-04 15:00 UTC; this clock stays where it was.
    drift, doubts = told("2026-04-05T03:00:20", "2026-04-04T16:00:20", known(0, "2026-04-04T14:00:20"), LORD_HOWE)
    assert drift == HOUR / 2
    assert doubts == [(Oddity.CLOCK_WRONG, "its clock is 30 min 0 s ahead: it keeps summer time")]


# A clock that is wrong


@pytest.mark.parametrize(
    ("meter_time", "read_at", "zone", "text"),
    [
        ("2026-07-01T11:00:05", "2026-07-01T09:00", VILNIUS, "59 min 55 s behind: it keeps normal time"),
        ("2026-01-15T13:00:05", "2026-01-15T10:00", VILNIUS, "1 h 0 min 5 s ahead: it keeps summer time"),
        ("2026-01-15T11:00:05", "2026-01-15T10:00", VILNIUS, "59 min 55 s behind"),
        ("2026-07-01T08:00:05", "2026-07-01T09:00", ICELAND, "59 min 55 s behind"),
        ("2026-07-01T15:02:05", "2026-07-01T09:00", VILNIUS, "3 h 2 min 5 s ahead"),
        ("2026-07-01T12:01:01", "2026-07-01T09:00", VILNIUS, "1 min 1 s ahead"),
    ],
)
def test_d7_a_clock_that_is_off_is_told_at_each_read_and_is_no_step(
    meter_time: str, read_at: str, zone: ZoneInfo, text: str
) -> None:
    drift, doubts = told(meter_time, read_at, None, zone)
    assert doubts == [(Oddity.CLOCK_WRONG, f"its clock is {text}")]
    assert told(meter_time, read_at, known(drift, read_at), zone) == (drift, doubts)


def test_d7_a_clock_that_was_never_set_is_told_by_its_date() -> None:
    drift, doubts = told("2000-01-01T00:02:17", "2026-07-01T09:00")
    assert drift is not None
    assert doubts == [(Oddity.CLOCK_WRONG, "its clock was never set: 2000-01-01")]


def test_d7_a_clock_that_loses_its_time_has_made_a_step() -> None:
    _, doubts = told("2000-01-01T00:02:17", "2026-07-01T09:00", known(3, "2026-07-01T08:45"))
    text = "its clock stepped from 3 s ahead to 2000-01-01T00:02:17: it has lost its time"
    assert doubts == [(Oddity.CLOCK_STEP, text)]


def test_d7_a_clock_in_the_future_is_told() -> None:
    _, doubts = told("2038-02-03T04:05:06", "2026-07-01T09:00")
    assert doubts == [(Oddity.CLOCK_WRONG, "its clock is 12 years ahead")]


@pytest.mark.parametrize("year", [1, 1970, 9999])
@pytest.mark.parametrize("fold", [0, 1])
def test_d7_the_ends_of_the_calendar_are_only_wrong(year: int, fold: int) -> None:
    shown = datetime(year, 12 if year == 9999 else 1, 31, 23, 59, 59, fold=fold)  # noqa: DTZ001
    for experience in (Experience(), known(3, "2026-07-01T08:45")):
        drift, doubts = clock_doubts(shown, utc("2026-07-01T09:00"), VILNIUS, experience)
        assert len(doubts) == 1
        sets = parse_block(b"1.6.1(2.7*kW)(2609301200)\r\n")
        assert list(stamp_doubts(sets, utc("2026-10-01T09:00"), VILNIUS, drift)) == []


@pytest.mark.parametrize("seconds", [-60, -1, 0, 60])
def test_a_clock_is_right_within_a_minute(seconds: int) -> None:
    shown = printed("2026-07-01T12:00:30") + timedelta(seconds=seconds)
    assert told(shown.isoformat(), "2026-07-01T09:00:30")[1] == []


# A clock that steps


@pytest.mark.parametrize(
    ("seconds_later", "jump", "is_step"),
    [(900, 2, False), (900, 3, True), (900, -3, True), (86_400, 10, False), (86_400, 11, True)],
)
def test_a_step_is_more_than_the_crystal_drifts_between_two_reads(
    seconds_later: int, jump: int, *, is_step: bool
) -> None:
    read_at = utc("2026-07-01T09:00:10") + timedelta(seconds=seconds_later)
    shown = (read_at + timedelta(hours=3, seconds=3 + jump)).replace(tzinfo=None)
    drift, doubts = clock_doubts(shown, read_at, VILNIUS, known(3, "2026-07-01T09:00:10"))
    assert drift == 3 + jump
    assert [doubt.oddity for doubt in doubts] == ([Oddity.CLOCK_STEP] if is_step else [])


def test_a_step_is_told_from_where_to_where() -> None:
    _, doubts = told("2026-07-01T13:00:03", "2026-07-01T09:00", known(3, "2026-07-01T08:45"))
    assert doubts == [(Oddity.CLOCK_STEP, "its clock stepped from 3 s ahead to 1 h 0 min 3 s ahead")]


def test_a_clock_that_prints_no_seconds_steps_by_no_minute() -> None:
    experience = known(0, "2026-07-01T09:00")
    for second in range(0, 3600, 7):
        read_at = utc("2026-07-01T09:00") + timedelta(seconds=second)
        shown = read_at.astimezone(VILNIUS).replace(tzinfo=None, second=0, microsecond=0)
        drift, doubts = clock_doubts(shown, read_at, VILNIUS, experience)
        assert doubts == []
        experience = Experience(accepted=Remembered(b"", read_at, None), drift_s=drift)


@pytest.mark.parametrize("days", [-15, 15])
def test_d8_a_step_of_the_hosts_clock_is_none_of_the_meters(days: int) -> None:
    read_at = utc("2026-07-01T09:15:07") + timedelta(days=days)
    shown = printed("2026-07-01T12:15:10")
    experience = known(3, "2026-07-01T09:00:07", heard_at=1000.0)
    _, doubts = clock_doubts(shown, read_at, VILNIUS, experience, heard_at=1900.0)
    assert [doubt.oddity for doubt in doubts] == [Oddity.CLOCK_WRONG]
    stepped = shown + timedelta(minutes=2)
    _, doubts = clock_doubts(stepped, read_at, VILNIUS, experience, heard_at=1900.0)
    assert [doubt.oddity for doubt in doubts] == [Oddity.CLOCK_STEP]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s ahead"),
        (-59, "59 s behind"),
        (60, "1 min 0 s ahead"),
        (-HOUR, "1 h 0 min 0 s behind"),
        (86_399, "23 h 59 min 59 s ahead"),
        (86_400, "1 d 0 h ahead"),
        (-1_303_200, "15 d 2 h behind"),
        (-838_080_000, "27 years behind"),
    ],
)
def test_how_far_a_clock_is_ahead_is_said_in_words(seconds: int, words: str) -> None:
    assert ahead(seconds) == words


# Stamps


def stamps(*lines: str, drift: int | None = 0) -> list[tuple[str, str, str]]:
    """What is strange in these lines, on 2026-09-30: register, words, print."""
    sets = parse_block("\r\n".join((*lines, "!")).encode())
    doubts = list(stamp_doubts(sets, utc("2026-09-30T09:00"), VILNIUS, drift))
    assert {doubt.oddity for doubt in doubts} <= {Oddity.STAMP}
    return [(doubt.register, doubt.text, doubt.raw) for doubt in doubts]


@pytest.mark.parametrize(
    "line",
    [
        "1.6.1(27.19*kW)(2609150945)",
        "1.6.1(27.19*kW)(2610011159)",
        "1.6.1*08(27.19*kW)(1260915094500)",
        "1.6.1(27.19*kW)(26-09-15 09:45)",
        "0-1:24.2.1(260930110000S)(00123.456*m3)",
        "0.1.2*08(2609010000)",
        "1.8.0(0012345.678*kWh)",
        "1.6.1(27.19*kW)(0.98)",
        "0.1.2()",
        "0.1.2",
    ],
)
def test_d7_a_stamp_of_the_past_is_in_order(line: str) -> None:
    assert stamps(line) == []


@pytest.mark.parametrize(
    "filler",
    [
        "0000000000",
        "000000000000",
        "0000000000000",
        "9999999999",
        "FFFFFFFFFF",
        "----------",
        "00-00-00,00:00",
        "99-99-99,99:99",
        "2000-00-00",
        "2000-00-00 00:00:00",
        "632525252525S",
        "700101010000W",
        "000000000000S",
        "",
    ],
)
def test_d7_fillers_are_no_stamps(filler: str) -> None:
    assert stamps(f"1.6.1(00.00*kW)({filler})", f"1.6.2(27.19*kW)({filler})", f"0.1.2*03({filler})") == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("1.6.1(27.19*kW)(3102010415)", "its stamp 2031-02-01T04:15:00 lies in the future"),
        ("1.6.1(27.19*kW)(2610011201)", "its stamp 2026-10-01T12:01:00 lies in the future"),
        ("0.1.2*08(3102010000)", "its stamp 2031-02-01T00:00:00 lies in the future"),
        ("0-1:24.2.1(310201041500W)(00123.456*m3)", "its stamp 2031-02-01T04:15:00 lies in the future"),
        ("1.6.1(27.19*kW)(0001010015)", "stamped 2000-01-01T00:15:00: the meter's clock had lost its time"),
        ("1.6.1(27.19*kW)(0001010000)", "stamped 2000-01-01T00:00:00: the meter's clock had lost its time"),
        ("1.6.1(27.19*kW)(2613450945)", "its stamp 2613450945 is no date that exists"),
        ("1.6.1(27.19*kW)(2602300945)", "its stamp 2602300945 is no date that exists"),
    ],
)
def test_d7_a_stamp_that_cannot_be_is_told_with_its_register(line: str, text: str) -> None:
    address, _, rest = line.partition("(")
    assert stamps("0.0.0(7)", line) == [(address, text, rest[:-1])]


def test_d7_the_first_moment_of_2000_beside_a_zero_was_never_stamped() -> None:
    assert stamps("1.6.1(00.00*kW)(0001010000)") == []
    assert len(stamps("1.6.1(00.00*kW)(0001010015)")) == 1


def test_d7_a_stamp_is_as_far_ahead_as_the_meters_clock() -> None:
    line = "1.6.1(27.19*kW)(2610040945)"
    assert len(stamps(line)) == 1
    assert len(stamps(line, drift=None)) == 1
    assert stamps(line, drift=4 * 86_400) == []
    assert len(stamps(line, drift=-4 * 86_400)) == 1


def test_d7_no_reading_is_lost_whatever_a_stamp_prints() -> None:
    """Doubts tell of data sets, they take none away."""
    sets = (DataSet("1.6.1", ("27.19*kW", "\u00b2602300945")), DataSet("", ("1", "2", "3")), DataSet("0.1.2", ()))
    assert list(stamp_doubts(sets, utc("2026-09-30T09:00"), VILNIUS, None)) == []


# What becomes of the readings


async def readouts(meter_starts: datetime, host_starts: datetime, visits: int = 20) -> list[Readout]:
    """A meter whose clock runs on from its start, without season flag, read every quarter of an hour."""
    registers = (
        StillRegister("0.0.0", SERIAL),
        ClockRegister("0.9.1", "%H%M%S", meter_starts),
        ClockRegister("0.9.2", "%y%m%d", meter_starts),
        StillRegister("1.8.0", "0012345.678*kWh"),
        StillRegister("1.6.1", "27.19*kW)(2001150945"),
    )
    shop = Workshop(evolve(PLATE, registers=registers, programming=None))
    shop.visitor.now = lambda: host_starts + timedelta(seconds=anyio.current_time())
    found, begin = list[Readout](), anyio.current_time()
    for n in range(visits):
        await anyio.sleep_until(begin + 900 * n)
        record = await shop.slot(None, anyio.current_time())
        assert isinstance(record, Readout), record
        found.append(record)
    return found


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("meter_starts", "host_starts", "drifts"),
    [
        ("2000-01-01T00:00:07", "2026-07-01T09:00:10", {-836_218_803}),
        ("2038-02-03T04:05:06", "2026-07-01T09:00:10", {365_879_096}),
        ("2026-10-25T02:30:10", "2026-10-25T00:30:10", {-HOUR, 0}),
        ("2026-10-25T03:30:10", "2026-10-25T00:30:10", {0, HOUR}),
        ("2026-03-29T02:30:10", "2026-03-29T00:30:10", {0, -HOUR}),
        ("2026-02-28T23:30:10", "2026-02-28T21:30:10", {0}),
    ],
    ids=["2000-01-01", "future", "hour twice, normal time", "hour twice, summer time", "missing hour", "month's end"],
)
async def test_d7_no_reading_is_lost_whatever_the_meters_clock_shows(
    meter_starts: str, host_starts: str, drifts: set[int]
) -> None:
    found = await readouts(printed(meter_starts), utc(host_starts))
    assert [[reading.value for reading in record.readings[3:]] for record in found] == [
        [Decimal("12345.678"), Decimal("27.19")]
    ] * len(found)
    assert {record.quality for record in found} == {Quality.GOOD}, {record.reason for record in found}
    assert all(record.meter_time is not None for record in found)
    assert {record.grounds.confirming for record in found if record.grounds is not None} == {""}
    assert [record.read_at for record in found] == sorted(record.read_at for record in found)
    told = {record.clock_drift_s for record in found if record.clock_drift_s is not None}
    assert all(min(abs(drift - expected) for expected in drifts) <= 3 for drift in told), told
