"""What changes a simulated meter: what is sent, what is read before and after, what is recorded of it."""

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Cause, LineLost
from gateway.job import ExecuteCommand, Job, ReadClock, ReadRegisters, ReadSeries, SetClock, WriteRegister
from gateway.profile.programming_mode import SeriesKind
from gateway.reading import Event, EventKind
from gateway.simulator import StillRegister
from gateway.site.model import AccessSettings
from gateway.work import Terms
from tests.script import Say
from tests.workshop import (
    ACK,
    BREAK,
    CONFIRMED,
    METER,
    NAK,
    PLATE,
    PROGRAMMING,
    REGISTERS,
    WRITING,
    Workshop,
    data,
    is_clean,
    scripted,
    session,
)

WRITE = WriteRegister("0.2.2", "00000007")
RESET = ExecuteCommand("demand-reset")
IDENTITY = data("0.0.0(41770326)")
OLD, NEW = data("0.2.2(00000006)"), data("0.2.2(00000007)")

pytestmark = pytest.mark.anyio


def writing(access: AccessSettings = WRITING) -> Workshop:
    return Workshop(access=access)


def facing(*sessions: list[list[Say]]) -> Workshop:
    """A workshop whose meter says what is written down."""
    shop = writing()
    shop.line = scripted(*sessions)
    return shop


async def test_a_register_is_read_written_and_read_back() -> None:
    shop = writing()
    event = await shop.event(WRITE)
    assert event.kind is EventKind.WRITE
    assert event.details == {"register": "0.2.2", "old": "00000006", "new": "00000007", "confirmed": True}
    assert event.text == "0.2.2 written: 00000006 to 00000007; acknowledged, read back"
    assert shop.commands(b"P", b"R", b"W") == [
        b"P1\x02(24681357)",
        b"R5\x020.0.0()",
        b"R5\x020.2.2()",
        b"W5\x020.2.2(00000007)",
        b"R5\x020.2.2()",
    ]
    assert (event.visit.job, event.visit.attempt) == ("write", 1)
    assert event.visit.duration_ms > 1000
    assert shop.meter.breaks_heard == 1
    assert is_clean((event, shop.memory, shop.kept, shop.visitor.secrets))


async def test_the_profiles_name_of_a_register_is_as_good_as_its_address() -> None:
    event = await writing().event(WriteRegister("tariff_program", "00000007"))
    assert event.details["register"] == "0.2.2"


@pytest.mark.parametrize(("new", "confirmed"), [("7", True), ("00000007*x", True), ("00000008", False)])
async def test_the_value_that_is_read_back_counts(new: str, *, confirmed: bool) -> None:
    shop = facing(session(ACK, IDENTITY, OLD, ACK, data(f"0.2.2({new})")))
    event = await shop.event(WRITE)
    assert (event.details["new"], event.details["confirmed"]) == (new, confirmed)


async def test_a_register_that_cannot_be_read_is_confirmed_by_its_acknowledgement() -> None:
    shop = facing(session(ACK, IDENTITY, data("(ERROR)"), ACK, data("(ERROR)")))
    event = await shop.event(WRITE)
    assert event.details == {"register": "0.2.2", "old": None, "new": None, "confirmed": True}
    assert "cannot be read back" in event.text


@pytest.mark.parametrize("taken", [True, False])
async def test_a_lost_acknowledgement_is_resolved_by_reading_back(*, taken: bool) -> None:
    shop = facing(session(ACK, IDENTITY, OLD, b"", NEW if taken else OLD))
    event = await shop.event(WRITE)
    assert event.details["confirmed"] is taken
    assert "no acknowledgement seen" in event.text
    assert len(shop.commands(b"W")) == 1


async def test_a_session_that_ends_after_the_write_is_resolved_in_a_new_one_without_writing_again() -> None:
    shop = facing(session(ACK, IDENTITY, OLD, ACK, BREAK), session(ACK, NEW))
    event = await shop.event(WRITE)
    assert event.details == {"register": "0.2.2", "old": "00000006", "new": "00000007", "confirmed": True}
    assert event.visit.attempt == 1
    assert len(shop.commands(b"W")) == 1


async def test_s7_a_meter_that_falls_silent_after_the_write_leaves_an_audit_record() -> None:
    shop = facing(session(ACK, IDENTITY, OLD, ACK))
    event = await shop.event(WRITE)
    assert event.details == {"register": "0.2.2", "old": "00000006", "new": None, "confirmed": False}
    assert "not read back" in event.text
    assert len(shop.commands(b"W")) == 1


async def test_a_line_that_is_lost_after_the_write_goes_on_by_reading_back() -> None:
    shop, job = facing(session(ACK, IDENTITY, OLD, ACK)), WRITE
    lost = shop.line.receive

    async def receive() -> bytes:
        if shop.commands(b"W"):
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return await lost()

    shop.line.receive = receive  # type: ignore[method-assign]
    with pytest.raises(LineLost):
        await shop.do(job)
    event = shop.visitor.cut_short(METER, "the line was lost")
    assert isinstance(event, Event)
    assert event.details["confirmed"] is False
    assert "the line was lost" in event.text
    assert shop.visitor.cut_short(METER, "") is None


@pytest.mark.parametrize("answer", [data("(ERROR)"), NAK, BREAK])
async def test_s8_a_value_that_the_meter_refuses_is_a_gap_and_is_not_tried_again(answer: bytes) -> None:
    shop = facing(session(ACK, IDENTITY, OLD, answer), session(ACK, IDENTITY, OLD, ACK, NEW))
    gap = await shop.gap(WRITE)
    assert gap.cause is Cause.REFUSED
    assert len(shop.commands(b"W")) == 1


async def test_s2_another_meter_is_not_written() -> None:
    plate = evolve(PLATE, registers=(StillRegister("0.0.0", "41770399"), *REGISTERS[1:]))
    shop = Workshop(plate, access=WRITING)
    gap = await shop.gap(WRITE)
    assert gap.cause is Cause.WRONG_METER
    assert shop.commands(b"W", b"E") == []


async def test_a_meter_that_prints_no_identity_is_taken_at_its_word() -> None:
    shop = facing(session(ACK, data("(ERROR)"), data("(ERROR)"), OLD, ACK, NEW))
    assert (await shop.event(WRITE)).details["confirmed"] is True


async def test_the_operand_of_p0_spares_the_reading_of_the_identity() -> None:
    shop = Workshop(evolve(PLATE, programming=evolve(PROGRAMMING, operand="serial")), access=WRITING)
    await shop.event(WRITE)
    assert b"R5\x020.0.0()" not in shop.commands(b"R")


# Commands


async def test_a_command_is_executed_once_and_seen_by_its_registers() -> None:
    shop = writing()
    event = await shop.event(RESET)
    assert event.kind is EventKind.EXECUTE
    assert event.details == {"register": "1.6.0", "old": "12", "new": "13", "confirmed": True}
    assert shop.commands(b"R", b"E")[1:] == [b"R5\x020.1.0()", b"E2\x021.6.0()", b"R5\x020.1.0()"]
    assert len(shop.meter.executed) == 1


async def test_a_command_whose_acknowledgement_is_lost_is_never_sent_again() -> None:
    shop = facing(session(ACK, IDENTITY, data("0.1.0(12)"), b"", data("0.1.0(13)")))
    event = await shop.event(RESET)
    assert event.details == {"register": "1.6.0", "old": "12", "new": "13", "confirmed": True}
    assert len(shop.commands(b"E")) == 1


@pytest.mark.parametrize(("after", "confirmed"), [("0.1.0(12)", False), ("(ERROR)", True)])
async def test_a_command_without_visible_effect_is_not_confirmed(after: str, *, confirmed: bool) -> None:
    shop = facing(session(ACK, IDENTITY, data("0.1.0(12)"), ACK, data(after)))
    assert (await shop.event(RESET)).details["confirmed"] is confirmed


@pytest.mark.parametrize("after", ["12", "13"])
async def test_a_command_that_no_profile_lists_is_said_by_its_code_and_confirmed_by_its_acknowledgement(
    after: str,
) -> None:
    shop = facing(session(ACK, IDENTITY, data("0.1.0(12)"), ACK, data(f"0.1.0({after})")))
    event = await shop.event(ExecuteCommand("C003(12)"))
    assert shop.commands(b"E") == [b"E2\x02C003(12)"]
    assert event.details == {"register": "C003", "old": "12", "new": after, "confirmed": True}


# Permission


@pytest.mark.parametrize("job", [WRITE, RESET, SetClock()])
@pytest.mark.parametrize(
    ("access", "terms", "code"),
    [
        (AccessSettings(), CONFIRMED, "E-ACC-5"),
        (AccessSettings(allow_write=True, writable=("9.*",)), CONFIRMED, "E-ACC-6"),
        (WRITING, Terms(), "E-ACC-7"),
    ],
)
async def test_x17_nothing_is_sent_where_writing_is_not_allowed(
    job: Job, access: AccessSettings, terms: Terms, code: str
) -> None:
    shop = writing(access)
    gap = await shop.gap(job, terms)
    assert (gap.cause, gap.finding.code) == (Cause.REFUSED, code)
    assert shop.words == []


async def test_a_meter_narrows_what_may_be_written() -> None:
    shop = Workshop(settings=evolve(METER, writable=("0.9.*",)), access=WRITING)
    assert (await shop.gap(WRITE)).finding.code == "E-ACC-6"


async def test_calibration_is_refused_with_the_reason() -> None:
    shop = writing()
    gap = await shop.gap(WriteRegister("meter_constant", "501"))
    assert gap.finding.code == "E-ACC-10"
    assert "sealed switch" in gap.finding.what
    assert shop.words == []


addresses = st.sampled_from(["0.2.2", "0.9.1", "1.6.0", "demand-reset", "tariff_program", "C003(1)"]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=12
)
jobs = (
    st.builds(WriteRegister, addresses, st.text(max_size=8))
    | st.builds(ExecuteCommand, addresses)
    | st.builds(ReadRegisters, st.lists(addresses, max_size=3).map(tuple))
    | st.builds(ReadSeries, st.sampled_from(SeriesKind), st.none() | addresses)
    | st.sampled_from([SetClock(), ReadClock()])
)
answers = st.sampled_from([ACK, NAK, BREAK, b"", IDENTITY, OLD, data("(ERROR)"), data("P.01(ERROR)")]) | st.binary(
    max_size=40
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    job=jobs,
    said=st.lists(answers, max_size=6),
    terms=st.builds(Terms, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    writable=st.lists(st.sampled_from(["*", "0.*"]), max_size=2).map(tuple),
)
async def test_h12_fault_x17_with_writing_off_nothing_makes_a_write_or_execute_command_go_out(
    job: Job, said: list[bytes], terms: Terms, writable: tuple[str, ...]
) -> None:
    shop = writing(AccessSettings(allow_write=False, writable=writable))
    shop.line = scripted(session(*said), session(*said))
    await shop.do(job, terms)
    assert shop.commands(b"W", b"E") == []
