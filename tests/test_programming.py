"""Programming mode against a scripted far end in virtual time: what is sent, what is made of the answers."""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest
from attrs import evolve

from gateway.access import Permit
from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import (
    AccessDenied,
    Cause,
    Garbled,
    MeterError,
    NoAnswer,
    NotOurTurn,
    OutOfTurn,
    Refused,
    SessionEnded,
)
from gateway.profile import Conduct
from gateway.profile.programming_mode import ErrorText, ProgrammingMode, SeriesKind, StoredSeries
from gateway.programming import Answer, ProgrammingSession, enter
from gateway.protocol.characters import BlockCheck, Mode, without_parity
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Acknowledge, Break, Command, DataBlock, Message, Repeat, encode
from gateway.simulator import MemoryLine
from tests.script import Say, Script

REQUEST, IDENTIFICATION, SELECT = b"/?41770326!\r\n", b"/XMP5VERBA-3.1\r\n", b"\x06051\r\n"
P0 = encode(Command("P", "0", "(7C20)"))
BREAK = encode(Break())
ACK, NAK = encode(Acknowledge()), encode(Repeat())
MANNERS = Manners("41770326", poll_delay=0.2, timeout=2.5)
P01 = StoredSeries("P.01", SeriesKind.LOAD_PROFILE, "load profile")
MODE = ProgrammingMode(
    read="R5",
    read_parts="R6",
    write="W5",
    execute="E2",
    series=(P01,),
    errors=(ErrorText("ER15", "password wanted", Cause.ACCESS_DENIED), ErrorText("ER18", "no such date", None)),
)
CONDUCT = Conduct(Mode.C, programming=MODE)

Work = Callable[[ProgrammingSession], Awaitable[object]]

pytestmark = pytest.mark.anyio


def command(text: str) -> bytes:
    """`R5 1.8.0()` as octets."""
    return encode(Command(text[0], text[1], text[3:]))


def data(text: str, *, partial: bool = False) -> bytes:
    return encode(DataBlock(text.encode("ascii"), partial=partial))


def far_end(*turns: bytes | Sequence[Say], operand: bytes = P0) -> Script:
    """A meter that opens its programming mode at 9600 Bd, then says these turns."""
    answers = [[Say(turn, 9600)] if isinstance(turn, bytes) else list(turn) for turn in turns]
    return Script([Say(IDENTIFICATION)], [Say(operand, 9600)], *answers)


async def work(bus: Script, do: Work, conduct: Conduct = CONDUCT) -> tuple[object, list[bytes]]:
    """What the work gave, and the words of the reader after the option select."""
    line = MemoryLine(bus)
    dialogue = Dialogue(line, MANNERS)
    try:
        async with signed_on(dialogue) as said:
            result = await do(await enter(dialogue, said, conduct, 0.2))
    finally:
        words = [without_parity(octets) for _, octets, _ in line.sent]
        bus.words = words[2:]
        assert line.speed == 300
    assert words[:2] == [REQUEST, SELECT]
    return result, words[2:]


async def failing(bus: Script, do: Work, kind: type[MeterError], conduct: Conduct = CONDUCT) -> tuple[str, list[bytes]]:
    with pytest.raises(kind) as told:
        await work(bus, do, conduct)
    return told.value.code, bus.words


def read(address: str, *, in_parts: bool = False) -> Work:
    return lambda session: session.read(address, in_parts=in_parts)


# Entering and leaving


async def test_the_operand_of_p0_is_known_once_programming_mode_is_open() -> None:
    async def operand(session: ProgrammingSession) -> str:
        return session.operand

    assert await work(far_end(), operand) == ("7C20", [BREAK])


@pytest.mark.parametrize("p0", [b"\x01P0\x02()\x03\x60", b"\x01P0\x03" + bytes([0x50 ^ 0x30 ^ 0x03])])
async def test_an_empty_operand_is_the_empty_text(p0: bytes) -> None:
    async def operand(session: ProgrammingSession) -> str:
        return session.operand

    assert await work(far_end(operand=p0), operand) == ("", [BREAK])


@pytest.mark.parametrize("answer", [data("1.8.0(1*kWh)\r\n!\r\n"), BREAK])
async def test_a_meter_that_does_not_open_its_programming_mode_refuses(answer: bytes) -> None:
    code, _ = await failing(far_end(operand=answer), read("1.8.0"), Refused)
    assert code == "E-PRG-5"


async def test_silence_after_the_option_select_is_told_and_left_by_a_break() -> None:
    bus = Script([Say(IDENTIFICATION)])
    assert await failing(bus, read("1.8.0"), NoAnswer) == ("E-PRG-6", [BREAK])


async def test_a_cancelled_session_is_left_by_a_break_at_its_speed() -> None:
    line = MemoryLine(far_end())
    dialogue = Dialogue(line, MANNERS)
    with anyio.move_on_after(5.0):
        async with signed_on(dialogue) as said:
            await enter(dialogue, said, CONDUCT, 0.2)
            await anyio.sleep_forever()
    assert (without_parity(line.sent[-1][1]), line.sent[-1][2]) == (BREAK, 9600)
    assert line.speed == 300


async def test_a_session_cancelled_in_the_option_select_is_left_by_a_break_at_the_new_speed() -> None:
    line = MemoryLine(far_end())
    dialogue = Dialogue(line, MANNERS)
    # The option select begins 0.2 s after the identification and takes 0.2 s at 300 Bd.
    select_at = 0.2 + len(REQUEST) / 30 + 0.2 + len(IDENTIFICATION) / 30 + 0.2
    with anyio.move_on_after(select_at + 0.1):
        async with signed_on(dialogue) as said:
            await enter(dialogue, said, CONDUCT, 0.2)
    assert [(without_parity(octets), speed) for _, octets, speed in line.sent[1:]] == [(SELECT, 300), (BREAK, 9600)]


async def test_a_meter_of_mode_a_is_programmed_behind_its_readout() -> None:
    block = data("1.8.0(1*kWh)\r\n!\r\n")
    bus = Script([Say(b"/XMP VERBA\r\n"), Say(block)], [Say(data("0.9.1(143000)"))])
    line = MemoryLine(bus)
    dialogue = Dialogue(line, MANNERS)
    async with signed_on(dialogue) as said:
        session = await enter(dialogue, said, evolve(CONDUCT, mode=Mode.A), 0.2)
        assert await session.read("0.9.1") == Answer((DataSet("0.9.1", ("143000",)),))
    assert [without_parity(octets) for _, octets, _ in line.sent] == [REQUEST, command("R5 0.9.1()"), BREAK]


# Reading


async def test_x8_registers_are_read_without_a_password_and_an_error_text_leaves_the_session_open() -> None:
    async def both(session: ProgrammingSession) -> Answer:
        answer = await session.read("1.8.0")
        with pytest.raises(Refused) as told:
            await session.read("9.9.9")
        assert told.value.code == "E-PRG-1"
        assert "'ERROR'" in told.value.what
        return answer

    answer, words = await work(far_end(data("1.8.0(012345.67*kWh)"), data("(ERROR)")), both)
    assert answer == Answer((DataSet("1.8.0", ("012345.67*kWh",)),))
    assert words == [command("R5 1.8.0()"), command("R5 9.9.9()"), BREAK]


async def test_the_command_family_and_its_argument_are_the_profiles() -> None:
    conduct = Conduct(Mode.C, programming=ProgrammingMode(read="R1", argument="1"))
    _, words = await work(far_end(data("3:171.0(5)")), read("3:171.0"), conduct)
    assert words == [command("R1 3:171.0(1)"), BREAK]


async def test_x14_a_command_that_the_meter_did_not_understand_is_sent_again() -> None:
    answer, words = await work(far_end(NAK, data("2.8.0(000117.40*kWh)")), read("2.8.0"))
    assert answer == Answer((DataSet("2.8.0", ("000117.40*kWh",)),))
    assert words == [command("R5 2.8.0()")] * 2 + [BREAK]


async def test_x23_a_command_is_given_up_after_two_repeats() -> None:
    code, words = await failing(far_end(NAK, NAK, NAK), read("P.01"), Refused)
    assert (code, words) == ("E-PRG-2", [command("R5 P.01()")] * 3 + [BREAK])


async def test_a_damaged_answer_is_asked_for_again() -> None:
    damaged = data("1.8.0(1*kWh)")[:-1] + b"\x7f"
    answer, words = await work(far_end(damaged, data("1.8.0(1*kWh)")), read("1.8.0"))
    assert answer == Answer((DataSet("1.8.0", ("1*kWh",)),))
    assert words == [command("R5 1.8.0()"), NAK, BREAK]


async def test_a_mere_acknowledgement_of_a_read_command_is_a_refusal() -> None:
    code, words = await failing(far_end(ACK), read("1.8.0"), Refused)
    assert (code, words[-1]) == ("E-PRG-2", BREAK)


async def test_silence_after_a_command_is_told_with_the_command() -> None:
    with pytest.raises(NoAnswer, match=r"nothing came to R5 1\.8\.0\(\)") as told:
        await work(far_end(), read("1.8.0"))
    assert told.value.code == "E-PRG-4"


@pytest.mark.parametrize("text", ["P.01(ERROR)", "(ERROR)", "P.01(ER18)"])
async def test_x12_an_error_text_for_a_range_of_a_series_means_that_nothing_is_stored(text: str) -> None:
    answer, _ = await work(far_end(data(text)), read("P.01"))
    assert answer == Answer(())


async def test_an_error_text_that_asks_for_a_password_is_a_denied_access() -> None:
    code, _ = await failing(far_end(data("P.01(ER15)")), read("P.01"), AccessDenied)
    assert code == "E-ACC-4"


@pytest.mark.parametrize("is_admitted", [False, True])
async def test_a_declined_command_may_want_a_password_until_one_was_taken(is_admitted: bool) -> None:  # noqa: FBT001
    async def declined(session: ProgrammingSession) -> object:
        if is_admitted:
            await session.authenticate(PASSWORD)
        return await session.read("1.8.0")

    answers = [ACK, data("(ERROR)")] if is_admitted else [data("(ERROR)")]
    with pytest.raises(Refused) as told:
        await work(far_end(*answers), declined)
    assert ("may want a password" in (told.value.next_step or "")) is not is_admitted


async def test_x22_the_meters_own_sign_off_ends_the_session_without_a_further_word() -> None:
    code, words = await failing(far_end(BREAK), read("1.8.0"), SessionEnded)
    assert (code, words) == ("E-PRG-3", [command("R5 1.8.0()")])


async def test_nothing_is_said_to_a_meter_whose_idle_time_has_passed() -> None:
    async def late(session: ProgrammingSession) -> object:
        await anyio.sleep(MODE.idle_s + 0.1)
        return await session.read("1.8.0")

    code, words = await failing(far_end(), late, SessionEnded)
    assert (code, words) == ("E-PRG-3", [BREAK])


@pytest.mark.parametrize(
    ("address", "argument"),
    [("1.8.0)\x03", ""), ("1.8.0", "1)\x03q\x01W1\x020.9.1(1"), ("1/8", ""), ("1.8.0", "1" * 129), ("1.8.0(", "")],
)
async def test_what_would_end_a_command_early_is_never_sent(address: str, argument: str) -> None:
    code, words = await failing(far_end(), lambda session: session.read(address, argument), Refused)
    assert (code, words) == ("E-PRG-7", [BREAK])


# Partial blocks

FIRST = "P.01(0260301001500)(00)(15)(1)(1.5)(kW)\r\n(0.412)\r\n"


def rows(answer: object) -> list[tuple[str, ...]]:
    assert isinstance(answer, Answer)
    return [data_set.raw for data_set in answer.sets[1:]]


async def test_x10_parts_are_acknowledged_and_a_damaged_one_is_asked_for_again() -> None:
    first = data(FIRST, partial=True)
    bus = far_end(first[:-1] + b"\x00", first, data("(0.405)\r\n(0.391)\r\n"))
    answer, words = await work(bus, read("P.01", in_parts=True))
    assert rows(answer) == [("0.412",), ("0.405",), ("0.391",)]
    assert words == [command("R6 P.01()"), NAK, ACK, BREAK]


@pytest.mark.parametrize("end", ["", "\r\n"])
async def test_a_line_break_stands_between_parts_whether_the_meter_sends_it_or_not(end: str) -> None:
    bus = far_end(data(FIRST.rstrip() + end, partial=True), data("(0.405)\r\n"))
    answer, _ = await work(bus, read("P.01", in_parts=True))
    assert rows(answer) == [("0.412",), ("0.405",)]


async def test_equal_rows_in_parts_that_come_in_time_are_all_kept() -> None:
    part = data("(0.000)\r\n", partial=True)
    answer, _ = await work(far_end(data(FIRST, partial=True), part, part, data("(0.000)\r\n")), read("P.01"))
    assert rows(answer) == [("0.412",), ("0.000",), ("0.000",), ("0.000",)]


async def test_s11_a_part_said_again_for_want_of_our_acknowledgement_is_not_appended_twice() -> None:
    first = data(FIRST, partial=True)
    answer, words = await work(far_end(first, [Say(first, 9600, 2.2)], data("(0.405)\r\n")), read("P.01"))
    assert answer.is_complete  # type: ignore[attr-defined]
    assert rows(answer) == [("0.412",), ("0.405",)]
    assert words == [command("R5 P.01()"), ACK, ACK, BREAK]


async def test_s11_equal_rows_that_come_late_end_the_answer_since_nothing_tells_whether_they_are_new() -> None:
    part = data("(0.000)\r\n", partial=True)
    answer, _ = await work(far_end(data(FIRST, partial=True), part, [Say(part, 9600, 2.2)]), read("P.01"))
    assert rows(answer) == [("0.412",), ("0.000",)]
    assert not answer.is_complete  # type: ignore[attr-defined]


@pytest.mark.parametrize("turn", [(), BREAK])
async def test_parts_that_end_too_early_keep_what_has_come(turn: bytes | Sequence[Say]) -> None:
    answer, _ = await work(far_end(data(FIRST, partial=True), turn), read("P.01"))
    assert rows(answer) == [("0.412",)]
    assert not answer.is_complete  # type: ignore[attr-defined]


async def test_a_series_that_breaks_off_keeps_its_whole_lines_with_a_doubt() -> None:
    cut = data(FIRST + "(0.405)\r\n(0.3")[:-2]
    answer, words = await work(far_end(cut, cut, cut), read("P.01"))
    assert rows(answer) == [("0.412",), ("0.405",)]
    assert (answer.is_complete, answer.doubt) == (False, "the answer broke off before its block check")  # type: ignore[attr-defined]
    assert words == [command("R5 P.01()"), NAK, NAK, BREAK]


# Passwords

PASSWORD = Command("P", "1", "(24681357)")


async def test_x7_a_password_that_is_acknowledged_opens_the_way_to_reading_and_writing() -> None:
    async def all_of_it(session: ProgrammingSession) -> bool:
        await session.authenticate(PASSWORD)
        await session.read("1.8.0")
        return await session.write("0.2.2", "00000007", Permit("0.2.2"))

    done, words = await work(far_end(ACK, data("1.8.0(0012345.678*kWh)"), ACK), all_of_it)
    assert done is True
    assert words == [encode(PASSWORD), command("R5 1.8.0()"), command("W5 0.2.2(00000007)"), BREAK]


@pytest.mark.parametrize("answer", [BREAK, data("(ER07)"), NAK, ()])
async def test_x9_a_password_is_sent_once_however_the_meter_refuses_it(answer: bytes | Sequence[Say]) -> None:
    code, words = await failing(far_end(answer), lambda session: session.authenticate(PASSWORD), AccessDenied)
    assert code == "E-ACC-4"
    assert words[0] == encode(PASSWORD)
    assert encode(PASSWORD) not in words[1:]


async def test_a_damaged_echo_of_the_password_shows_in_no_error() -> None:
    echo = encode(PASSWORD)[:-1] + b"\x00"
    with pytest.raises(MeterError) as told:
        await work(far_end(echo, echo, echo), lambda session: session.authenticate(PASSWORD))
    shown = str(told.value.finding("here")) + repr(told.value)
    assert "24681357" not in shown
    assert "32 34 36 38" not in shown


async def test_an_echo_of_the_password_that_ends_nothing_shows_in_no_error() -> None:
    with pytest.raises(MeterError) as told:
        await work(far_end(encode(PASSWORD)[1:-4]), lambda session: session.authenticate(PASSWORD))
    assert "32 34 36 38" not in str(told.value.finding("here"))


async def test_nobody_is_given_the_octets_of_what_may_be_the_passwords_echo() -> None:
    given: list[bytes] = []

    def damaged(error: Garbled | OutOfTurn) -> None:
        assert isinstance(error, Garbled)
        given.append(error.octets)

    dialogue = Dialogue(MemoryLine(far_end(encode(PASSWORD)[1:-4])), MANNERS, damaged=damaged)
    with pytest.raises(MeterError):
        async with signed_on(dialogue) as said:
            await (await enter(dialogue, said, CONDUCT, 0.2)).authenticate(PASSWORD)
    assert given
    assert set(given) == {b""}


@pytest.mark.parametrize("wrong", [Command("W", "1", "0.9.1(0)"), Command("P", "0", "()"), Command("P", "3", "(1)")])
async def test_an_answer_that_is_no_password_command_is_not_sent(wrong: Command) -> None:
    code, words = await failing(far_end(), lambda session: session.authenticate(wrong), AccessDenied)
    assert (code, words) == ("E-ACC-8", [BREAK])


# Writing


def write(session: ProgrammingSession) -> Awaitable[bool]:
    return session.write("0.9.1", "0143000", Permit("0.9.1"))


async def test_x13_a_value_is_written_once() -> None:
    assert await work(far_end(ACK), write) == (True, [command("W5 0.9.1(0143000)"), BREAK])


async def test_a_lost_acknowledgement_is_never_met_by_writing_again() -> None:
    assert await work(far_end(), write) == (False, [command("W5 0.9.1(0143000)"), BREAK])


async def test_a_damaged_acknowledgement_is_never_met_by_writing_again() -> None:
    damaged = [Say(b"\x07\x07", 9600)] * 130
    done, words = await work(far_end(damaged, (), ()), write)
    assert done is False
    assert words.count(command("W5 0.9.1(0143000)")) == 1


@pytest.mark.parametrize(("answer", "code"), [(data("(ERROR)"), "E-PRG-1"), (NAK, "E-PRG-2"), (BREAK, "E-PRG-2")])
async def test_a_refused_write_is_told_and_not_repeated(answer: bytes, code: str) -> None:
    assert await failing(far_end(answer), write, Refused) == (
        code,
        [command("W5 0.9.1(0143000)"), *([] if answer == BREAK else [BREAK])],
    )


async def test_a_command_may_be_answered_by_data() -> None:
    bus = far_end(data("0.1.0(07)"))
    done, words = await work(bus, lambda session: session.execute("1.6.0", "", Permit("1.6.0")))
    assert (done, words) == (True, [command("E2 1.6.0()"), BREAK])


async def test_a_permit_holds_for_its_own_register_alone() -> None:
    with pytest.raises(NotOurTurn):
        await work(far_end(), lambda session: session.write("0.9.2", "0260301", Permit("0.9.1")))


async def test_x18_the_sum_check_serves_the_commands_and_the_break() -> None:
    conduct = Conduct(Mode.C, BlockCheck.SUM7, programming=ProgrammingMode())
    bus = far_end(
        encode(DataBlock(b"VOLTA(229.81)\r\nVOLTA(230.14)\r\nVOLTA(229.55)\r\n"), BlockCheck.SUM7),
        operand=encode(Command("P", "0", "(777777)"), BlockCheck.SUM7),
    )
    answer, words = await work(bus, read("VOLTA"), conduct)
    assert isinstance(answer, Answer)
    assert [data_set.raw for data_set in answer.sets] == [("229.81",), ("230.14",), ("229.55",)]
    assert words == [bytes.fromhex("01 52 31 02 56 4F 4C 54 41 28 29 03 5F"), bytes.fromhex("01 42 30 03 75")]


async def test_no_print_of_a_password_command_shows_the_password() -> None:
    shown: Message = PASSWORD
    assert "24681357" not in repr(shown)
