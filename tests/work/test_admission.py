"""The password of a simulated meter: to whom it goes, how often, what is kept of it."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Cause
from gateway.job import ReadRegisters
from gateway.memory import Latch, MeterMemory
from gateway.profile import Password
from gateway.protocol.characters import without_parity
from gateway.protocol.messages import Command
from gateway.reading import Access, Readout
from gateway.simulator import Decline, SimulatedPassword, StillRegister
from gateway.site.model import JobKind, JobSettings
from gateway.work import Terms
from tests.workshop import (
    ACK,
    CONFIRMED,
    METER,
    PLATE,
    PROGRAMMING,
    REGISTERS,
    SECRET,
    VERBA,
    WRONG,
    Workshop,
    data,
    is_clean,
    scripted,
    session,
)

OWNER = ReadRegisters(("owner",))
NIGHTLY = JobSettings(JobKind.PROFILE_DATA, "00:30")
WRONG_METER = evolve(METER, password="env:WRONG")  # noqa: S106 - a reference
# Its load profile is in the low group.
LOCKED = evolve(
    VERBA,
    programming=evolve(
        VERBA.programming, series=tuple(evolve(one, access=Access.LOW) for one in VERBA.programming.series)
    ),
)

pytestmark = pytest.mark.anyio


def reacting(reaction: Decline) -> Workshop:
    facts = evolve(PROGRAMMING, wrong_password=reaction)
    return Workshop(evolve(PLATE, programming=facts), settings=WRONG_METER, profile=LOCKED)


@pytest.mark.parametrize("reaction", [Decline.BREAK, Decline.ERROR, Decline.NAK, Decline.SILENCE])
async def test_s9_a_wrong_password_is_sent_once_in_1000_scheduled_visits_and_50_restarts(reaction: Decline) -> None:
    shop = reacting(reaction)
    for number in range(1000):
        record = await shop.slot(NIGHTLY, float(number))
        assert not isinstance(record, Readout)
        if number % 20 == 19:
            shop.restart()
    assert len(shop.commands(b"P")) == 1
    assert shop.meter.wrong_passwords == 1
    assert shop.memory.latch is not None
    assert shop.memory.latch.is_refused
    assert is_clean((shop.memory, shop.kept, record))


async def test_s9_the_visit_that_is_not_made_says_what_to_do() -> None:
    shop = reacting(Decline.BREAK)
    first, second = await shop.gap(OWNER), await shop.gap(OWNER)
    assert (first.cause, first.finding.code) == (Cause.ACCESS_DENIED, "E-ACC-4")
    assert (second.cause, second.finding.code) == (Cause.ACCESS_DENIED, "E-ACC-1")
    assert second.finding.next == "metergate access unlatch flat01"
    assert second.visit.attempt == 1


async def test_s9_killed_before_the_answer_the_password_is_not_sent_again() -> None:
    shop = reacting(Decline.BREAK)
    await shop.gap(OWNER)
    before_the_answer = next(memory for memory in shop.kept if memory.latch is not None)
    assert before_the_answer.latch == Latch("env:WRONG", shop.digest(WRONG), is_refused=False)
    shop.kept = [before_the_answer]
    shop.restart()
    gap = await shop.gap(OWNER)
    assert gap.finding.code == "E-ACC-1"
    assert len(shop.commands(b"P")) == 1


async def test_s9_the_try_is_durable_before_the_password_is_on_the_wire() -> None:
    shop = reacting(Decline.BREAK)
    passwords_sent = []

    async def keep(alias: str, memory: object) -> None:
        del alias, memory
        if shop.memory.latch is not None and not shop.memory.latch.is_refused:
            passwords_sent.append(len(shop.commands(b"P")))

    shop.visitor.remember = keep
    await shop.gap(OWNER)
    assert passwords_sent == [0]


async def test_s9_a_changed_password_is_tried_and_an_unchanged_one_under_the_same_reference_is_not() -> None:
    shop = reacting(Decline.BREAK)
    shop.environment = {"WRONG": WRONG}
    shop.restart()
    await shop.gap(OWNER)
    shop.environment = {"WRONG": SECRET}
    shop.restart()
    assert (await shop.readout(OWNER)).readings[0].raw == "OWNER 7"
    assert shop.memory.latch is None
    assert len(shop.commands(b"P")) == 2


async def test_registers_of_the_no_security_group_are_read_while_the_password_is_latched() -> None:
    shop = reacting(Decline.BREAK)
    await shop.gap(OWNER)
    assert (await shop.readout(ReadRegisters(("1.8.0",)))).readings[0].value is not None


async def test_a_password_that_was_taken_is_kept_with_the_identification_that_it_goes_to() -> None:
    shop = Workshop()
    await shop.readout(OWNER)
    assert shop.kept[-1].accepted == shop.digest(SECRET)
    assert shop.kept[-1].pinned == "/XMP5VERBA-3.1"
    assert shop.kept[-1].latch is None


async def test_s9_h11_killed_before_the_answer_a_password_that_the_meter_takes_no_more_is_sent_once() -> None:
    """The meter took it once, then was given another one: that is no licence for a second try after a kill."""
    shop = Workshop(settings=WRONG_METER)
    shop.environment = {"WRONG": SECRET}
    shop.restart()
    await shop.readout(OWNER)
    durable = shop.kept[-1].to_text()
    facts = evolve(PROGRAMMING, passwords={Access.LOW: SimulatedPassword("99999999")})
    for lost in (0, 1):  # the commits after the password that the kill came before
        changed = Workshop(evolve(PLATE, programming=facts), settings=WRONG_METER)
        changed.environment, changed.kept = {"WRONG": SECRET}, [MeterMemory.from_text(durable)]
        changed.restart()
        send, said_after = changed.line.send, list[int]()

        async def noted(
            octets: bytes,
            send: Callable[[bytes], Awaitable[None]] = send,
            changed: Workshop = changed,
            said_after: list[int] = said_after,
        ) -> None:
            if without_parity(octets)[1:2] == b"P":
                said_after.append(len(changed.kept))
            await send(octets)

        changed.line.send = noted  # type: ignore[method-assign, assignment]
        await changed.gap(OWNER)
        changed.kept = changed.kept[: said_after[0] + lost]
        changed.restart()
        await changed.gap(OWNER)
        assert changed.meter.wrong_passwords == 1


@pytest.mark.parametrize(("taken_before", "tries"), [(True, 2), (False, 1)])
async def test_s9_noise_in_place_of_the_answer_costs_one_more_try_of_a_password_that_was_taken_before(
    taken_before: bool,  # noqa: FBT001 - a case
    tries: int,
) -> None:
    shop = Workshop()
    if taken_before:
        await shop.readout(OWNER)
    shop.line = scripted(*[session(b"\x01noise", b"")] * 6)
    gap = await shop.gap(OWNER)
    assert gap.finding.code == "E-ACC-1"
    shop.restart()
    assert (await shop.gap(OWNER)).finding.code == "E-ACC-1"
    assert len(shop.commands(b"P")) == tries


async def test_h12_what_a_password_answer_makes_of_a_secret_is_a_password_command_or_nothing() -> None:
    for made in (Command("W", "1", "0.9.1(0)"), Command("P", "1", "(1)\x03\x15\x01W1\x020.9.1(0)")):
        shop = Workshop()
        answers = dict.fromkeys(("clear", "crc32"), lambda _operand, _password, made=made: made)
        shop.visitor.catalog = evolve(shop.visitor.catalog, password_answers=answers)
        assert (await shop.gap(OWNER)).finding.code == "E-ACC-8"
        assert not any(b"W1" in word for word in shop.words)
        assert shop.memory.latch is None, "nothing was said, so that nothing was refused"


async def test_x22_a_session_that_ends_before_the_password_is_said_latches_nothing() -> None:
    shop = Workshop()

    async def keep_slowly(alias: str, memory: MeterMemory) -> None:
        await anyio.sleep(0 if memory.latch is None else 61)
        await shop.keep(alias, memory)

    shop.visitor.remember = keep_slowly
    gap = await shop.gap(OWNER)
    assert gap.finding.code == "E-PRG-3"
    assert shop.words.count(b"/?41770326!\r\n") == 2, "one new session, which counts as no try"
    assert gap.visit.attempt == 1
    assert shop.commands(b"P") == []
    assert shop.kept[-1].latch is None


async def test_cancelled_before_the_password_is_said_it_is_not_latched() -> None:
    shop = Workshop()

    async def keep_for_long(alias: str, memory: MeterMemory) -> None:
        await anyio.sleep(0 if memory.latch is None else 1000)
        await shop.keep(alias, memory)

    shop.visitor.remember = keep_for_long
    with anyio.move_on_after(30):
        await shop.do(OWNER)
    assert shop.commands(b"P") == []
    assert shop.memory.latch is None


# To whom it goes


async def test_x24_no_password_goes_to_another_identification_than_the_pinned_one() -> None:
    shop = Workshop()
    await shop.readout(OWNER)
    sent = len(shop.commands(b"P"))
    rogue = Workshop(evolve(PLATE, model="VERBA-9"), memories={"flat01": shop.memory})
    gap = await rogue.gap(OWNER)
    assert (gap.cause, gap.finding.code) == (Cause.ACCESS_DENIED, "E-ACC-2")
    assert rogue.commands(b"P") == []
    assert rogue.words == [b"/?41770326!\r\n", b"\x01B0\x03q"], "not even its programming mode is opened"
    assert len(shop.commands(b"P")) == sent


async def test_x24_a_meter_of_another_family_than_the_configured_one_gets_no_password() -> None:
    shop = Workshop(evolve(PLATE, model="WASSER1"))
    assert (await shop.gap(OWNER)).finding.code == "E-ACC-2"
    assert shop.commands(b"P") == []


async def test_x24_without_a_model_the_identification_of_an_earlier_readout_counts() -> None:
    shop = Workshop(settings=evolve(METER, meter_model="auto"))
    assert (await shop.gap(OWNER)).finding.code == "E-ACC-2"
    assert isinstance(await shop.slot(None), Readout)
    assert (await shop.readout(OWNER)).readings[0].raw == "OWNER 7"


async def test_a_person_who_asks_consents_to_the_identification_just_read() -> None:
    shop = Workshop(settings=evolve(METER, meter_model="auto"))
    await shop.readout(OWNER, Terms(consents=True))
    assert shop.memory.pinned == "/XMP5VERBA-3.1"


async def test_a_password_given_for_a_command_may_be_said_where_nothing_is_known_to_ask_for_it() -> None:
    energy = ReadRegisters(("1.8.0",))
    shop = Workshop()
    await shop.readout(energy, Terms(consents=True, presents=True))
    assert shop.commands(b"P") == [b"P1\x02(24681357)"]
    await shop.readout(energy, Terms(consents=True))
    assert len(shop.commands(b"P")) == 1


# The challenge


@pytest.mark.parametrize("operand", ["", "not hexadecimal", "123456789", "7C20A15F" * 3])
async def test_s10_a_challenge_that_cannot_be_answered_is_an_error_of_its_own(operand: str) -> None:
    shop = Workshop()
    shop.line = scripted(session(operand=operand))
    gap = await shop.gap(ReadRegisters(("meter_point",)))
    assert (gap.cause, gap.finding.code) == (Cause.ACCESS_DENIED, "E-ACC-8")
    assert shop.commands(b"P") == []
    assert shop.memory.latch is None


async def test_s10_a_challenge_that_changes_is_answered_anew() -> None:
    facts = evolve(PROGRAMMING, operand="random", access={"96.1.2": Access.HIGH})
    shop = Workshop(evolve(PLATE, registers=(*REGISTERS, StillRegister("96.1.2", "LT7")), programming=facts))
    for _ in range(3):
        assert (await shop.readout(ReadRegisters(("meter_point",)))).readings[0].raw == "LT7"
    assert len(set(shop.commands(b"P"))) == 3


def _gives_up(operand: str, password: Password) -> Command:
    raise ValueError(f"{operand} with {password.reveal()}")


async def test_h10_a_password_answer_that_gives_up_does_not_tell_the_secret() -> None:
    shop = Workshop()
    shop.visitor.catalog = evolve(shop.visitor.catalog, password_answers={"clear": _gives_up, "crc32": _gives_up})
    gap = await shop.gap(OWNER)
    assert gap.finding.code == "E-ACC-8"
    assert "ValueError" in gap.finding.what
    assert is_clean(gap)


async def test_an_answer_that_nobody_brings_is_told_before_a_byte_is_sent() -> None:
    shop = Workshop()
    shop.visitor.catalog = evolve(shop.visitor.catalog, password_answers={})
    gap = await shop.gap(OWNER)
    assert gap.finding.code == "E-ACC-9"
    assert shop.words == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operand=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40), answer=st.binary(max_size=20))
async def test_s10_no_challenge_and_no_answer_to_a_password_breaks_or_leaks(operand: str, answer: bytes) -> None:
    for register in ("owner", "meter_point"):
        shop = Workshop()
        shop.line = scripted(session(answer, operand=operand), session(ACK, data("96.1.1(X)"), operand=operand))
        record = await shop.do(ReadRegisters((register,)), CONFIRMED)
        assert is_clean((record, shop.memory, shop.kept))
        assert len(shop.commands(b"P")) <= 1
