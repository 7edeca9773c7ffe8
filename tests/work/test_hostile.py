"""Meters and lines that do their worst to a job: it ends, in bounded time, with the meter left."""

import random

import anyio
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Cause
from gateway.job import ExecuteCommand, Job, ReadClock, ReadRegisters, ReadSeries, SetClock, WriteRegister
from gateway.profile.programming_mode import SeriesKind
from gateway.protocol.law import State
from gateway.protocol.messages import Command, DataBlock, encode
from gateway.reading import Event, Gap, Quality, Readout
from gateway.work import Terms
from tests.script import Say
from tests.workshop import (
    ACK,
    BREAK,
    NAK,
    PLATE,
    PROGRAMMING,
    VERBA,
    WRITING,
    Workshop,
    data,
    scripted,
    session,
)

HEAD = "P.01(1260930114500)(00)(15)(1)(1.5)(kW)\r\n"
REST = HEAD.replace("114500", "120000")
NIGHTLY = ReadSeries(SeriesKind.LOAD_PROFILE)
ENERGY = ReadRegisters(("1.8.0",))
OWNER = ReadRegisters(("owner",))
FORCED = Terms(confirmed=True, forced=True)
# What the slowest dialogue with a meter that says nothing of use may take: three tries, each with all its waits.
LONG = 15 * 60.0

pytestmark = pytest.mark.anyio


def part(text: str) -> bytes:
    return encode(DataBlock(text.encode("ascii"), partial=True))


async def test_x22_a_meter_that_signs_off_within_its_parts_keeps_its_rows_and_is_asked_on_in_a_new_session() -> None:
    shop = Workshop()
    shop.line = scripted(session(part(HEAD + "(0.412)\r\n"), BREAK), session(data(REST + "(0.398)\r\n")))
    readout = await shop.readout(NIGHTLY)
    assert [str(reading.value) for reading in readout.readings] == ["0.412", "0.398"]
    assert readout.visit.attempt == 1


async def test_s11_a_part_that_is_said_again_for_ever_is_given_up() -> None:
    shop = Workshop()
    shop.line = scripted(session(*[part(HEAD + "(0.412)\r\n")] * 40))
    readout = await shop.readout(NIGHTLY)
    assert readout.quality is Quality.SUSPECT
    assert [str(reading.value) for reading in readout.readings] == ["0.412"]
    assert shop.words.count(ACK) <= 3 + 3 * 3, "three of one sequence, for the rest no more often than it is asked for"


async def test_l9_a_block_that_is_always_damaged_is_asked_for_twice_more_a_session() -> None:
    shop = Workshop()
    damaged = data("1.8.0(1*kWh)")[:-1] + b"\x00"
    shop.line = scripted(*[session(damaged, damaged, damaged)] * 3)
    gap = await shop.gap(ENERGY)
    assert (gap.cause, gap.visit.attempt) == (Cause.GARBLED, 3)
    assert shop.words.count(NAK) == 2 * 3


async def test_l9_a_storm_of_naks_gets_the_command_twice_more() -> None:
    shop = Workshop()
    shop.line = scripted(session(*[NAK] * 30))
    await shop.do(ENERGY)
    assert len(shop.commands(b"R")) == 3


@pytest.mark.parametrize("begin", [b"\x02", b"1.8.0(", b"\x01P0\x02(", b"\x00", b"/"])
async def test_l22_an_octet_each_1_4_s_holds_the_line_for_a_few_minutes_at_most(begin: bytes) -> None:
    shop = Workshop()
    opening = session()
    drip = [Say(begin, 9600, 0.3), *[Say(b"1", 9600, 1.4)] * 5000]
    shop.line = scripted(*[[opening[0], opening[1], list(drip)]] * 3)
    gap = await shop.gap(ENERGY)
    assert gap.cause in {Cause.GARBLED, Cause.NO_ANSWER}
    assert anyio.current_time() < LONG


async def test_l22_a_talker_without_end_is_not_listened_to_again_in_the_same_visit() -> None:
    shop = Workshop()
    opening = session()
    drip = [Say(b"\x021.8.0(", 9600, 0.3), *[Say(b"1", 9600, 1.4)] * 5000]
    shop.line = scripted([opening[0], opening[1], drip])
    gap = await shop.gap(ENERGY)
    assert (gap.finding.code, gap.visit.attempt) == ("E-READ-7", 1)


@pytest.mark.parametrize("row", ["1" * 3000, "(" * 3000, "9" * 1100 + "*kWh", ")(" * 1000])
async def test_x2_a_huge_row_within_a_session_is_an_error_of_its_own_or_a_bad_value(row: str) -> None:
    shop = Workshop()
    shop.line = scripted(*[session(data(f"1.8.0({row})"))] * 3)
    record = await shop.do(ENERGY)
    assert isinstance(record, Gap) or record.readings[0].quality is Quality.BAD  # type: ignore[union-attr]


async def test_x1_parts_without_end_stop_at_the_limit_of_a_series() -> None:
    shop = Workshop()
    shop.line = scripted(session(*[part(HEAD + f"(0.{number:05})\r\n" * 1) for number in range(4000)]))
    record = await shop.do(evolve(NIGHTLY, days=2))
    assert isinstance(record, Readout | Gap)
    assert shop.words.count(ACK) <= 1500 * 4


async def test_the_answer_of_another_register_is_not_taken_for_the_one_that_was_asked_for() -> None:
    shop = Workshop()
    shop.line = scripted(*[session(data("2.8.0(1*kWh)"))] * 3)
    gap = await shop.gap(ENERGY)
    assert gap.finding.code == "E-JOB-1"


async def test_an_echo_of_everything_is_no_answer() -> None:
    for echo in (encode(Command("R", "5", "1.8.0()")), encode(Command("P", "1", "(24681357)"))):
        shop = Workshop()
        shop.line = scripted(*[session(echo, echo, echo, echo)] * 3)
        record = await shop.do(OWNER)
        assert isinstance(record, Gap)
        assert len(shop.commands(b"P")) == 1


answers = (
    st.sampled_from(
        [
            ACK,
            NAK,
            BREAK,
            b"",
            part(HEAD + "(0.412)\r\n"),
            part("(0.000)\r\n"),
            data(REST + "(0.398)\r\n"),
            data("0.0.0(41770326)"),
            data("1.8.0(1*kWh)"),
            data("0.2.2(00000006)"),
            data("(ERROR)"),
            data("0.9.1(1120010)"),
            encode(Command("P", "0", "(1)")),
            encode(Command("W", "5", "0.2.2(1)")),
            b"/XMP5VERBA-3.1\r\n",
        ]
    )
    | st.binary(max_size=40)
    | st.text(st.characters(max_codepoint=126), max_size=30).map(data)
)
jobs = st.sampled_from(
    [
        WriteRegister("0.2.2", "00000007"),
        ExecuteCommand("demand-reset"),
        SetClock(),
        ReadClock(),
        NIGHTLY,
        ReadSeries(SeriesKind.LOG),
        ReadRegisters(("1.8.0", "owner", "0.2.2")),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job=jobs, said=st.lists(st.lists(answers, max_size=9), min_size=1, max_size=4))
async def test_whatever_a_meter_says_a_job_ends_with_a_record_and_changes_are_sent_once(
    job: Job, said: list[list[bytes]]
) -> None:
    shop = Workshop(access=WRITING)
    shop.line = scripted(*(session(*answers) for answers in said))
    record = await shop.do(job, FORCED)
    assert isinstance(record, Readout | Gap | Event)
    assert shop.line.speed == 300
    changes = shop.commands(b"W", b"E")
    assert len(changes) == len({change.partition(b"(")[0] for change in changes}), "each change once"


# Cancelled at any instant


@pytest.mark.parametrize(
    "job",
    [OWNER, NIGHTLY, WriteRegister("0.2.2", "00000007"), SetClock()],
    ids=["register", "series", "write", "clock"],
)
async def test_s6_h9_cancelled_at_fifty_instants_the_meter_is_left_by_a_break_at_its_speed(job: Job) -> None:
    whole = Workshop(access=WRITING)
    begin = anyio.current_time()
    await whole.do(job, FORCED)
    longest, chance, within = anyio.current_time() - begin, random.Random(20261122), 0  # noqa: S311 - repeatable
    for _ in range(50):
        shop = Workshop(access=WRITING)
        with anyio.move_on_after(chance.uniform(0, longest)):
            await shop.do(job, FORCED)
        is_opened = any(word.startswith(b"\x060") for word in shop.words)
        assert shop.meter.breaks_heard == is_opened
        if is_opened:
            assert (shop.words[-1], shop.line.sent[-1][2]) == (BREAK, 9600)
        within += is_opened
        assert shop.line.speed == 300
        assert shop.memory.open_session is None
        await anyio.sleep(3)
        assert shop.meter.state in {State.IDLE, State.SIGN_ON, State.IDENTIFIED}
        assert isinstance(await shop.slot(None), Readout), "the next visit finds it at its sign-on"
    assert within >= 15


# A meter that waits for 1.5 s


@pytest.mark.parametrize(
    "job",
    [OWNER, NIGHTLY, WriteRegister("0.2.2", "00000007"), SetClock(), ExecuteCommand("demand-reset"), ReadClock()],
    ids=["register", "series", "write", "clock", "execute", "clock reading"],
)
async def test_no_pause_of_ours_reaches_the_idle_limit_of_a_meter_that_waits_for_1_5_s(job: Job) -> None:
    profile = evolve(VERBA, programming=evolve(VERBA.programming, idle_s=1.5))
    plate = evolve(PLATE, programming=evolve(PROGRAMMING, idle_s=1.5))
    for offset in range(10):
        shop = Workshop(plate, access=WRITING, profile=profile)
        keep = shop.keep

        async def commit(alias: str, memory: object, keep: object = keep) -> None:
            await anyio.sleep(0.3)
            await keep(alias, memory)  # type: ignore[operator]

        shop.visitor.remember = commit
        await anyio.sleep(offset / 10)
        record = await shop.do(job, FORCED)
        assert isinstance(record, Readout | Event), record
        sent = [begin for begin, _, speed in shop.line.sent if speed == 9600]
        heard = [moment for moment, _, _ in shop.line.received]
        pauses = [begin - max(moment for moment in heard if moment <= begin) for begin in sent]
        assert max(pauses) <= 1.4
        assert shop.meter.breaks_heard == 1
