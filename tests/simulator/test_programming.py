"""The programming mode of a simulated meter by the octets it hears and says."""

import zlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.law import State
from gateway.protocol.messages import Command, DataBlock, encode
from gateway.reading import Access
from gateway.simulator import (
    Answer,
    ClockRegister,
    ClockSet,
    Decline,
    ErrorStyle,
    EventLog,
    Farewell,
    Fault,
    LoadProfile,
    Nameplate,
    PasswordScheme,
    SimulatedMeter,
    SimulatedPassword,
    SimulatedProgramming,
    StillRegister,
    TotalRegister,
)

START = datetime(2026, 3, 1, 14, 29, 50)  # noqa: DTZ001 - a meter's local time
SIGN_ON = b"/?41770326!\r\n"
SELECT = b"\x06051\r\n"
BREAK = b"\x01B0\x03\x71"
ERROR = b"\x02(ERROR)\x03\x5a"
LOW = SimulatedPassword("24681357")
P1 = b"\x01P1\x02(24681357)\x03\x69"
WRONG = b"\x01P1\x02(11111111)\x03\x61"
REGISTERS = (
    StillRegister("0.0.0", "41770326"),
    StillRegister("1.8.0", "012345.67*kWh"),
    StillRegister("2.8.0", "000117.40*kWh"),
    StillRegister("0.2.2", "00000001"),
    StillRegister("0.3.0", "5000*Imp/kWh"),
)


def facts(**more: Any) -> SimulatedProgramming:  # noqa: ANN401 - any of the facts
    usual: dict[str, Any] = {"start": START, "passwords": {Access.LOW: LOW}, "events": ()}
    return SimulatedProgramming(**usual | more)


def nameplate(programming: SimulatedProgramming | None, **more: Any) -> Nameplate:  # noqa: ANN401 - any of the facts
    usual: dict[str, Any] = {"registers": REGISTERS, "escapes": ("@",)}
    return Nameplate("41770326", Mode.C, "XMP", "VERBA-3.1", programming=programming, **usual | more)


class Reader:
    """Speaks to one meter; the clock runs by the wire time of all that is said."""

    def __init__(self, plate: Nameplate, *, is_live: bool = False, seed: str = "") -> None:
        self.meter = SimulatedMeter(plate, has_parity=False, is_live=is_live, seed=seed)
        self.clock = 0.0

    def say(self, octets: bytes, speed: int = 9600, wait: float = 0.2) -> tuple[Answer, ...]:
        begin = self.clock + wait
        while self.meter.due <= begin:
            self.meter.lapse()
        end = begin + len(octets) * 10 / speed
        answers = self.meter.hear(octets, speed, begin, end)
        self.clock = end + sum(answer.pause + len(answer.octets) * 10 / answer.speed for answer in answers)
        return answers

    def hears(self, octets: bytes, speed: int = 9600, wait: float = 0.2) -> bytes:
        return b"".join(answer.octets for answer in self.say(octets, speed, wait))

    def enter(self) -> bytes:
        self.say(SIGN_ON, 300)
        return self.hears(SELECT, 300)

    def command(self, kind: str, digit: str, data: str) -> str:
        """The body of the answer to a command, or the name of another message."""
        heard = self.hears(encode(Command(kind, digit, data), self.meter.plate.check))
        if heard[:1] == b"\x02":
            return heard[1:-2].decode("latin-1")
        return {b"\x06": "ACK", b"\x15": "NAK", b"": "nothing", BREAK: "break"}[heard]

    def read(self, data: str) -> str:
        return self.command("R", "5", data)


def entered(programming: SimulatedProgramming, **more: Any) -> Reader:  # noqa: ANN401 - any of the facts
    reader = Reader(nameplate(programming, **more))
    reader.enter()
    return reader


def unlocked(programming: SimulatedProgramming, **more: Any) -> Reader:  # noqa: ANN401 - any of the facts
    reader = entered(programming, **more)
    assert reader.hears(P1) == b"\x06"
    return reader


def x7(operand: str = "7C20", **more: Any) -> Reader:  # noqa: ANN401 - any of the facts
    programming = facts(
        operand=operand, commands=frozenset(("R1", "W1")), writable={"0.2.2": Access.LOW}, reads=Access.LOW
    )
    registers = (StillRegister("1.8.0", "0012345.678*kWh"), StillRegister("0.2.2", "00000001"))
    return Reader(nameplate(programming, registers=registers, **more))


def test_x7_a_session_with_password_read_write_and_break() -> None:
    reader = x7()
    assert reader.enter() == b"\x01P0\x02(7C20)\x03\x16"
    assert reader.say(P1) == (Answer(b"\x06", 0.2, 9600),)
    assert reader.hears(b"\x01R1\x021.8.0()\x03\x5a") == b"\x021.8.0(0012345.678*kWh)\x03\x63"
    assert reader.hears(b"\x01W1\x020.2.2(00000007)\x03\x51") == b"\x06"
    assert reader.meter.executed == (Command("W", "1", "0.2.2(00000007)"),)
    assert reader.hears(BREAK) == b""
    assert reader.meter.breaks_heard == 1
    assert reader.meter.state is State.IDLE
    assert reader.say(SIGN_ON, 300)[0].speed == 300


def test_x8_formatted_commands_without_password() -> None:
    reader = Reader(nameplate(facts()))
    assert reader.enter() == b"\x01P0\x02()\x03\x60"
    assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e") == b"\x021.8.0(012345.67*kWh)\x03\x6b"
    assert reader.hears(b"\x01R5\x029.9.9()\x03\x5e") == ERROR
    assert reader.meter.state is State.READ
    assert reader.hears(BREAK) == b""


@pytest.mark.parametrize(
    ("how", "heard"),
    [
        (Decline.BREAK, BREAK),
        (Decline.ERROR, b"\x02(ER07)\x03\x12"),
        (Decline.NAK, b"\x15"),
        (Decline.SILENCE, b""),
    ],
)
def test_x9_reactions_to_a_wrong_password(how: Decline, heard: bytes) -> None:
    reader = entered(facts(wrong_password=how, errors=ErrorStyle.TABLE))
    assert reader.hears(WRONG) == heard
    assert reader.meter.wrong_passwords == 1
    assert (reader.meter.state is State.IDLE) is (how is Decline.BREAK)


X10_PROFILE = LoadProfile(rows=(("0.412", "0.000"), ("0.398", "0.000"), ("0.405", "0.000"), ("0.391", "0.000")))
X10_FIRST = b"P.01(0260301001500)(00000000)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.412)(0.000)\r\n(0.398)(0.000)\r\n"
X10_LAST = b"\x02(0.405)(0.000)\r\n(0.391)(0.000)\r\n\x03\x09"
X10_REQUEST = b"\x01R6\x02P.01(02603010000;02603010100;2)\x03\x28"
FIRST_OF_MARCH = datetime(2026, 3, 1)  # noqa: DTZ001 - a meter's local time


def x10(**more: Any) -> Reader:  # noqa: ANN401 - any of the facts
    return entered(facts(stored=(X10_PROFILE,), since=FIRST_OF_MARCH), **more)


def test_x10_a_load_profile_in_partial_blocks_with_a_repeat() -> None:
    reader = x10()
    first = b"\x02" + X10_FIRST + b"\x04\x7e"
    assert reader.hears(X10_REQUEST) == first
    assert reader.hears(b"\x15") == first
    assert reader.hears(b"\x06") == X10_LAST
    assert reader.hears(b"\x06") == b""
    assert reader.hears(BREAK) == b""


def test_x11_a_load_profile_in_one_block() -> None:
    profile = LoadProfile(channels=(("1-0:1.5.0", "kW"), ("1-0:2.5.0", "kW")), rows=X10_PROFILE.rows)
    reader = entered(facts(stored=(profile,), since=FIRST_OF_MARCH, status_digits=2))
    assert reader.hears(b"\x01R5\x02P.01(02603010000;02603010030)\x03\x20") == (
        b"\x02P.01(0260301001500)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n"
        b"(0.412)(0.000)\r\n(0.398)(0.000)\r\n\x03\x79"
    )


def test_x12_an_event_log_and_an_empty_range() -> None:
    events = (ClockSet(datetime(2026, 3, 1, 8, 12, 7), 8),)  # noqa: DTZ001 - a meter's local time
    reader = entered(facts(stored=(X10_PROFILE, EventLog()), since=FIRST_OF_MARCH, events=events))
    assert reader.hears(b"\x01R5\x02P.98(02603010000;)\x03\x15") == (
        b"\x02P.98(0260301000000)(00000010)()(0)\r\n"
        b"P.98(0260301081207)(00008020)()(2)(0.9.1)()(0.9.2)()(0081215)(0260301)\r\n\x03\x0c"
    )
    assert reader.hears(b"\x01R5\x02P.01(02601010000;02601010100)\x03\x22") == b"\x02P.01(ERROR)\x03\x25"


def test_x13_the_clock_is_set_and_shows_it() -> None:
    clock = (ClockRegister("0.9.1", "{s}%H%M%S", START), ClockRegister("0.9.2", "{s}%y%m%d", START))
    reader = unlocked(facts(), registers=clock)
    assert reader.read("0.9.1()") == "0.9.1(0142950)"
    assert reader.hears(b"\x01W5\x020.9.1(0143000)\x03\x6c") == b"\x06"
    assert reader.hears(b"\x01W5\x020.9.2(0260301)\x03\x6f") == b"\x06"
    assert (reader.read("0.9.1()"), reader.read("0.9.2()")) == ("0.9.1(0143000)", "0.9.2(0260301)")


def test_x14_a_damaged_command_is_asked_for_again() -> None:
    reader = entered(facts())
    assert reader.hears(b"\x01R5\x022,8.0()\x03\x5d") == b"\x15"
    assert reader.hears(b"\x01R5\x022.8.0()\x03\x5d") == b"\x022.8.0(000117.40*kWh)\x03\x6b"
    assert reader.hears(b"\x01R5\x022,8.0()\x03\x5d") == b"\x15"


X18_REGISTERS = (
    StillRegister("VOLTA", "229.81"),
    StillRegister("VOLTA", "230.14"),
    StillRegister("VOLTA", "229.55"),
    StillRegister("ET0PE", "0012345.67"),
)


def test_x18_an_additive_check_and_several_values_of_one_name() -> None:
    programming = facts(commands=frozenset(("R1",)), ends_lines=True)
    reader = entered(programming, registers=X18_REGISTERS, check=BlockCheck.SUM7)
    assert reader.hears(b"\x01R1\x02VOLTA()\x03\x5f") == (
        b"\x02VOLTA(229.81)\r\nVOLTA(230.14)\r\nVOLTA(229.55)\r\n\x03\x5e"
    )
    assert reader.hears(b"\x01B0\x03\x75") == b""
    assert reader.meter.breaks_heard == 1


@pytest.mark.parametrize("chunk", [1, 7, 13, 100])
def test_x18_a_one_shot_read_needs_no_session(chunk: int) -> None:
    reader = Reader(nameplate(facts(commands=frozenset(("R1",))), registers=X18_REGISTERS, check=BlockCheck.SUM7))
    request = b"/?41770326!\x01R1\x02ET0PE()\x037"
    heard = [
        answer
        for position in range(0, len(request), chunk)
        for answer in reader.say(request[position : position + chunk], 300, 0.0)
    ]
    body = b"ET0PE(0012345.67)\x03"
    assert heard == [Answer(b"\x02" + body + bytes((sum(body) % 128,)), 0.2, 300)]
    assert reader.meter.state is State.IDLE
    assert reader.meter.due == float("inf")


def test_x18_a_one_shot_read_of_a_meter_without_programming_mode_is_not_answered() -> None:
    reader = Reader(nameplate(None, check=BlockCheck.SUM7))
    assert reader.hears(b"/?41770326!\x01R1\x02ET0PE()\x037", 300) == b""
    assert reader.meter.state is State.IDLE


def test_x22_an_idle_session_is_ended_by_the_meter_itself() -> None:
    reader = entered(facts(idle_s=1.5))
    due = reader.meter.due
    assert due == pytest.approx(reader.clock + 1.5)
    assert reader.meter.lapse() == (Answer(BREAK, 0.2, 9600),)
    assert reader.meter.due == float("inf")
    reader.clock = due + 1.0
    assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e") == b""
    assert reader.hears(SIGN_ON, 300) == b"/XMP5\\@VERBA-3.1\r\n"


def test_x22_each_message_begins_the_idle_time_anew() -> None:
    reader = entered(facts(idle_s=3.0))
    for _ in range(3):
        assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e", wait=2.9)
    assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e", wait=3.1) == b""


def test_x23_the_turkish_dialect() -> None:
    programming = facts(
        commands=frozenset(("R2", "W2", "E2")),
        refusal=Decline.NAK,
        stored=(),
        start=datetime(2026, 3, 1, 14, 30, 5),  # noqa: DTZ001 - a meter's local time
    )
    registers = (ClockRegister("0.9.1", "%H:%M:%S", START), StillRegister("0.1.0", "07"))
    reader = unlocked(programming, registers=registers)
    assert reader.hears(b"\x01R2\x020.9.1()\x03\x58") == b"\x020.9.1(14:30:05)\x03\x39"
    for _ in range(3):
        assert reader.hears(b"\x01R2\x02P.01(26-03-01,00:00;26-03-01,01:00)\x03\x25") == b"\x15"
    assert reader.hears(b"\x01E2\x021.6.0()\x03\x40") == b"\x06"
    assert reader.command("R", "2", "0.1.0()") == "0.1.0(08)"
    assert reader.command("W", "2", "0.9.1(15:01:02)") == "ACK"
    assert reader.command("R", "2", "0.9.1()") == "0.9.1(15:01:02)"


def test_s10_the_operand_is_the_serial_number_or_fresh_each_session() -> None:
    assert x7("serial").enter() == encode(Command("P", "0", "(41770326)"))
    reader = x7("random")
    heard = []
    for _ in range(3):
        heard.append(reader.enter())
        reader.say(BREAK)
    assert len(set(heard)) == 3
    assert all(len(operand) == len(b"\x01P0\x02(12345678)\x03?") for operand in heard)


def test_s10_the_operand_may_have_any_length() -> None:
    assert b"7" * 300 in x7("7" * 300).enter()


def test_an_identification_of_p0_is_repeated_on_request() -> None:
    reader = x7()
    assert reader.enter() == reader.hears(b"\x15")


@pytest.mark.parametrize("mode", ["error", "nak", "ack"])
def test_an_unknown_command_is_declined_as_the_meter_does(mode: str) -> None:
    expected = {"error": "(ERROR)", "nak": "NAK", "ack": "ACK"}
    reader = entered(facts(unknown_command=Decline(mode)))
    assert reader.command("R", "1", "1.8.0()") == expected[mode]
    assert reader.command("E", "1", "1.8.0()") == expected[mode]


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        (ErrorStyle.TEXT, ("(ERROR)", "(ERROR)", "(ERROR)", "P.01(ERROR)", "(ERROR)")),
        (ErrorStyle.TABLE, ("(ER02)", "(ER06)", "(ER08)", "P.01(ER05)", "(ER03)")),
        (ErrorStyle.NAMED, ("9.9.9(ERR12)", "0.2.2(ERR15)", "0.3.0(ERR14)", "P.01(ERR18)", "(ERR13)")),
    ],
)
def test_s8_error_texts_have_three_shapes(style: ErrorStyle, texts: tuple[str, ...]) -> None:
    reader = entered(facts(errors=style, writable={"0.2.2": Access.LOW, "0.3.0": Access.SEALED}))
    assert (
        reader.read("9.9.9()"),
        reader.command("W", "5", "0.2.2(7)"),
        reader.command("W", "5", "0.3.0(7)"),
        reader.read("P.01(02001010000;02001020000)"),
        reader.read("1.8.0"),
    ) == texts


def test_s9_wrong_passwords_lock_the_meter_even_for_the_right_one() -> None:
    reader = entered(facts(wrong_password=Decline.ERROR, lockout_s=10.0))
    for _ in range(3):
        assert reader.hears(WRONG) == ERROR
    assert reader.hears(P1) == ERROR
    assert reader.meter.wrong_passwords == 3
    assert reader.hears(P1, wait=10.0) == b"\x06"


def test_s9_fewer_wrong_passwords_lock_nothing() -> None:
    reader = entered(facts(wrong_password=Decline.ERROR))
    for octets, heard in ((WRONG, ERROR), (WRONG, ERROR), (P1, b"\x06"), (WRONG, ERROR), (P1, b"\x06")):
        assert reader.hears(octets) == heard
    assert reader.meter.wrong_passwords == 3


def test_s9_wrong_passwords_are_counted_over_sessions() -> None:
    reader = Reader(nameplate(facts(tries=2)))
    for _ in range(2):
        reader.enter()
        assert reader.hears(WRONG) == BREAK
    reader.enter()
    assert reader.hears(P1) == BREAK
    assert reader.meter.wrong_passwords == 2


HIGH = {Access.LOW: LOW, Access.HIGH: SimulatedPassword("777777", PasswordScheme.CRC32)}


def crc32_answer(operand: str) -> str:
    return f"({zlib.crc32(b'777777', int(operand, 16) ^ 0xFFFFFFFF) ^ 0xFFFFFFFF:08X})"


def test_p2_with_the_crc_over_the_operand_opens_the_high_group() -> None:
    reader = entered(facts(operand="1A2B3C4D", passwords=HIGH, access={"1.8.0": Access.HIGH, "2.8.0": Access.LOW}))
    assert reader.read("1.8.0()") == "(ERROR)"
    assert reader.command("P", "1", "(24681357)") == "ACK"
    assert reader.read("1.8.0()") == "(ERROR)"
    assert reader.command("P", "2", crc32_answer("1A2B3C4D")) == "ACK"
    assert reader.read("1.8.0()") == "1.8.0(012345.67*kWh)"
    assert reader.read("2.8.0()") == "2.8.0(000117.40*kWh)"


def test_the_crc_is_a_published_one() -> None:
    """Bit by bit, as protocol.md 6 describes it."""
    register = 0x1A2B3C4D
    for octet in b"777777":
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    assert f"({register:08X})" == crc32_answer("1A2B3C4D")


def test_a_group_without_password_stays_closed() -> None:
    reader = entered(facts(passwords={}, wrong_password=Decline.NAK))
    assert reader.command("P", "1", "(00000000)") == "NAK"
    assert reader.command("P", "2", "(00000000)") == "NAK"
    assert reader.command("P", "7", "(00000000)") == "NAK"


def test_what_a_password_has_opened_is_closed_after_the_session() -> None:
    reader = unlocked(facts(reads=Access.LOW))
    assert reader.read("1.8.0()") == "1.8.0(012345.67*kWh)"
    reader.say(BREAK)
    reader.enter()
    assert reader.read("1.8.0()") == "(ERROR)"


@pytest.mark.parametrize(("cover", "switch", "heard"), [(True, True, "ACK"), (True, False, "(ERROR)")])
def test_calibration_needs_the_sealed_switch(*, cover: bool, switch: bool, heard: str) -> None:
    sealed = {"0.3.0": Access.SEALED}
    reader = unlocked(facts(is_cover_open=cover, is_switch_open=switch, writable=sealed, access=sealed))
    assert reader.command("W", "5", "0.3.0(6000*Imp)") == heard
    assert reader.read("0.3.0()") == ("0.3.0(6000*Imp)" if switch else "(ERROR)")


def test_an_open_cover_stands_in_the_log() -> None:
    reader = entered(facts(is_cover_open=True, since=FIRST_OF_MARCH))
    assert "P.98(0260301142950)(00000200)()(0)\r\n" in reader.read("P.98()")


@pytest.mark.parametrize(
    ("farewell", "heard"), [(Farewell.NOTHING, b""), (Farewell.BREAK, BREAK), (Farewell.ACK, b"\x06")]
)
def test_a_break_is_answered_as_the_meter_does(farewell: Farewell, heard: bytes) -> None:
    reader = entered(facts(farewell=farewell))
    assert reader.say(BREAK) == ((Answer(heard, 0.2, 9600),) if heard else ())
    assert reader.say(SIGN_ON, 300)[0].octets == b"/XMP5\\@VERBA-3.1\r\n"


def test_a_break_outside_programming_mode_is_not_answered() -> None:
    reader = Reader(nameplate(facts(farewell=Farewell.ACK)))
    assert reader.hears(BREAK, 300) == b""
    reader.say(SIGN_ON, 300)
    assert reader.hears(BREAK, 300) == b""
    assert reader.meter.breaks_heard == 0


def test_answers_may_come_without_address() -> None:
    assert entered(facts(has_addresses=False)).read("1.8.0()") == "(012345.67*kWh)"


def test_a_short_request_gets_the_register_as_the_meter_prints_it() -> None:
    registers = (StillRegister("1-0:1.8.0*255", "1*kWh"), StillRegister("1-0:1.8.0*05", "0*kWh"))
    reader = entered(facts(), registers=registers)
    assert reader.read("1.8.0()") == "1-0:1.8.0*255(1*kWh)"
    assert reader.read("1.8.0*05()") == "1-0:1.8.0*05(0*kWh)"


@pytest.mark.parametrize(("mode", "character", "speed"), [(Mode.A, " ", 300), (Mode.B, "E", 9600)])
def test_modes_a_and_b_take_commands_after_their_data(mode: Mode, character: str, speed: int) -> None:
    plate = Nameplate("41770326", mode, "XMP", "HZ", REGISTERS, character, programming=facts(reads=Access.LOW))
    reader = Reader(plate)
    assert len(reader.say(SIGN_ON, 300)) == 2
    assert reader.say(P1, speed) == (Answer(b"\x06", 0.2, speed),)
    assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e", speed) == b"\x021.8.0(012345.67*kWh)\x03\x6b"
    assert reader.hears(BREAK, speed) == b""
    assert reader.meter.breaks_heard == 1


def test_mode_c_takes_no_command_after_its_data() -> None:
    reader = Reader(nameplate(facts()))
    reader.say(SIGN_ON, 300)
    reader.say(b"\x06050\r\n", 300)
    assert reader.hears(P1) == b""
    assert reader.meter.wrong_passwords == 0


def test_in_programming_mode_a_sign_on_at_the_opening_speed_is_not_understood() -> None:
    reader = entered(facts())
    assert reader.hears(SIGN_ON, 300) == b""
    assert reader.hears(SIGN_ON, 9600) == b"/XMP5\\@VERBA-3.1\r\n"


def test_another_speed_than_that_of_the_session_does_not_lengthen_it() -> None:
    reader = entered(facts(idle_s=5.0))
    due = reader.meter.due
    reader.say(SIGN_ON, 300)
    assert reader.meter.due == due


def test_the_hand_over_to_hdlc_is_not_offered() -> None:
    reader = Reader(nameplate(facts()))
    reader.say(SIGN_ON, 300)
    assert reader.hears(b"\x06252\r\n", 300) == b""
    assert reader.hears(SIGN_ON, 300)


def faulty(fault: Fault, rate: float = 1.0, **more: Any) -> Reader:  # noqa: ANN401 - any of the facts
    return Reader(nameplate(facts(stored=(X10_PROFILE,), since=FIRST_OF_MARCH, **more), faults={fault: rate}))


def test_s11_a_lost_ack_brings_the_same_block_again() -> None:
    reader = faulty(Fault.ACK_LOST)
    reader.enter()
    first = reader.hears(X10_REQUEST)
    assert reader.hears(b"\x06") == b""
    assert reader.meter.due == pytest.approx(reader.clock + 1.9)
    assert [answer.octets for answer in reader.meter.lapse()] == [first]
    assert first.endswith(b"\x04\x7e")


def test_s11_whoever_asks_first_gets_the_block_once() -> None:
    reader = faulty(Fault.ACK_LOST)
    reader.enter()
    first = reader.hears(X10_REQUEST)
    assert reader.hears(b"\x06") == b""
    assert reader.hears(b"\x15") == first
    assert reader.meter.due == pytest.approx(reader.clock + 60.0)


def test_s11_an_ack_that_is_heard_brings_the_next_block() -> None:
    reader = faulty(Fault.ACK_LOST, 0.5)
    for _ in range(20):
        reader.enter()
        reader.say(X10_REQUEST)
        while (heard := reader.hears(b"\x06")) != X10_LAST:
            assert heard == b""
            reader.clock = reader.meter.due + 1.0
            reader.meter.lapse()
        reader.say(BREAK)


def test_s11_an_idle_limit_below_the_time_of_repetition_wins() -> None:
    reader = faulty(Fault.ACK_LOST, idle_s=1.5)
    reader.enter()
    reader.say(X10_REQUEST)
    reader.say(b"\x06")
    assert [answer.octets for answer in reader.meter.lapse()] == [BREAK]
    assert reader.meter.state is State.IDLE


def test_s7_a_meter_that_loses_its_power_stands_at_its_sign_on() -> None:
    reader = faulty(Fault.POWER_LOST)
    reader.enter()
    heard = reader.hears(b"\x01R5\x021.8.0()\x03\x5e")
    assert b"\x021.8.0(012345.67*kWh)\x03\x6b".startswith(heard)
    assert reader.meter.state is State.IDLE
    assert reader.hears(SIGN_ON, 300)


def test_a_write_whose_ack_is_lost_is_done() -> None:
    reader = faulty(Fault.ANSWER_LOST, writable={"0.2.2": Access.NONE})
    reader.enter()
    assert reader.command("W", "5", "0.2.2(00000007)") == "nothing"
    assert reader.read("0.2.2()") == "0.2.2(00000007)"
    assert len(reader.meter.executed) == 1


def test_s14_a_break_that_is_lost_leaves_the_meter_in_programming_mode() -> None:
    reader = faulty(Fault.BREAK_LOST)
    reader.enter()
    assert reader.hears(BREAK) == b""
    assert reader.hears(SIGN_ON, 300) == b""
    assert reader.hears(b"\x01R5\x021.8.0()\x03\x5e")
    assert reader.meter.breaks_heard == 0
    assert reader.hears(SIGN_ON, 300, wait=61.0)


def test_s14_a_break_that_is_repeated_may_be_heard() -> None:
    reader = Reader(nameplate(facts(), faults={Fault.BREAK_LOST: 0.5}))
    for _ in range(20):
        reader.enter()
        while reader.meter.state is not State.IDLE:
            reader.say(BREAK)
    assert reader.meter.breaks_heard == 20


def test_s12_a_meter_may_send_its_data_without_option_select() -> None:
    reader = faulty(Fault.UNASKED)
    identification, block = reader.say(SIGN_ON, 300)
    assert (identification.speed, block.speed) == (300, 300)
    assert block.octets.startswith(b"\x020.0.0(41770326)")


@pytest.mark.parametrize("programming", [None, facts()])
def test_s12_a_meter_may_answer_the_choice_of_programming_mode_with_its_data(
    programming: SimulatedProgramming | None,
) -> None:
    reader = Reader(nameplate(programming, faults={Fault.READOUT_INSTEAD: 1.0}))
    assert reader.enter().startswith(b"\x020.0.0(41770326)")


def test_a_meter_may_not_hear_repeat_requests() -> None:
    reader = faulty(Fault.NO_REPEAT)
    reader.enter()
    assert reader.hears(b"\x15") == b""


def test_a_repeat_request_of_the_meter_is_never_repeated() -> None:
    reader = entered(facts(refusal=Decline.NAK))
    assert reader.read("9.9.9()") == "NAK"
    assert reader.hears(b"\x15") == b""


def test_a_cut_answer_has_no_end() -> None:
    reader = faulty(Fault.CUT)
    reader.enter()
    heard = reader.hears(b"\x01R5\x02P.01(02603010000;)\x03\x15")
    assert heard
    assert b"\x03" not in heard


def test_without_option_select_a_meter_may_read_out_at_its_opening_speed() -> None:
    reader = Reader(nameplate(None, reads_out_unselected=True))
    reader.say(SIGN_ON, 300)
    assert reader.meter.due == pytest.approx(reader.clock + 2.2)
    (answer,) = reader.meter.lapse()
    assert (answer.speed, answer.octets) == (300, encode(DataBlock(reader.meter.plate.block())))
    assert reader.meter.due == float("inf")


def test_option_digits_read_short_tables() -> None:
    reader = Reader(nameplate(None, tables={"6": ("1.8.0", "0.2.2")}))
    reader.say(SIGN_ON, 300)
    assert reader.hears(b"\x06056\r\n", 300) == encode(DataBlock(b"1.8.0(012345.67*kWh)\r\n0.2.2(00000001)\r\n!\r\n"))


def test_a_demand_reset_counts_stores_and_begins_anew() -> None:
    registers = (
        StillRegister("0.1.0", "07"),
        StillRegister("1.6.1", "27.190*kW)(2602090945"),
        StillRegister("1.8.0", "0012345.678*kWh"),
        StillRegister("1.8.0*07", "0012001.000*kWh"),
    )
    reader = unlocked(facts(), registers=registers)
    assert reader.command("E", "2", "1.6.0()") == "ACK"
    reader.say(BREAK)
    reader.say(SIGN_ON, 300)
    assert reader.hears(b"\x06050\r\n", 300)[1:-2] == (
        b"0.1.0(08)\r\n0.1.2*08(2603011429)\r\n1.6.1(00.000*kW)(2602090945)\r\n1.6.1*08(27.190*kW)(2602090945)\r\n"
        b"1.8.0(0012345.678*kWh)\r\n1.8.0*08(0012345.678*kWh)\r\n1.8.0*07(0012001.000*kWh)\r\n!\r\n"
    )


def test_a_demand_reset_may_be_a_write() -> None:
    reader = unlocked(facts(reset_by="C.9.9"))
    assert reader.command("E", "2", "1.6.0()") == "(ERROR)"
    assert reader.command("W", "5", "C.9.9(1)") == "ACK"
    assert reader.read("0.1.0()") == "0.1.0(01)"
    assert "(00000010)()(0)\r\n" in reader.read("P.98(02603011400;)")


def test_a_demand_reset_needs_its_group() -> None:
    reader = entered(facts())
    assert reader.command("E", "2", "1.6.0()") == "(ERROR)"
    assert reader.meter.executed == ()


@pytest.mark.parametrize("data", ["0.9.1(0246000)", "0.9.1(noon)", "0.9.2(0261301)", "0.9.1(9143000)", "0.9.1()"])
def test_a_clock_takes_no_text_that_is_no_time(data: str) -> None:
    assert unlocked(facts()).command("W", "5", data) == "(ERROR)"


def test_only_writable_registers_are_written() -> None:
    reader = unlocked(facts())
    assert reader.command("W", "5", "1.8.0(0*kWh)") == "(ERROR)"
    assert reader.command("W", "5", "9.9.9(0)") == "(ERROR)"
    assert reader.read("1.8.0()") == "1.8.0(012345.67*kWh)"


def test_what_was_written_lasts_over_sessions() -> None:
    reader = unlocked(facts(writable={"0.2.2": Access.LOW}))
    assert reader.command("W", "5", "0.2.2(00000009)") == "ACK"
    reader.say(BREAK)
    reader.enter()
    assert reader.read("0.2.2()") == "0.2.2(00000009)"


def test_a_live_clock_runs_on_after_it_was_set() -> None:
    clock = (ClockRegister("0.9.1", "{s}%H%M%S", START),)
    reader = Reader(nameplate(facts(idle_s=100.0), registers=clock), is_live=True)
    reader.enter()
    reader.say(P1)
    assert reader.command("W", "5", "0.9.1(0120000)") == "ACK"
    # What is said in between takes a second of its own.
    reader.say(b"", wait=28.0)
    assert reader.read("0.9.1()") in {"0.9.1(0120028)", "0.9.1(0120029)"}


def test_equal_meters_say_the_same() -> None:
    def said() -> list[str | bytes]:
        reader = Reader(nameplate(facts(operand="random", events=None)), seed="a")
        return [reader.enter(), reader.read("P.98()"), reader.read("P.02()")]

    assert said() == said()


def test_a_range_that_is_none_is_refused() -> None:
    reader = entered(facts(errors=ErrorStyle.NAMED))
    assert reader.read("P.01(noon;)") == "P.01(ERR17)"
    assert reader.read("P.01(;;2)") == "P.01(ERR13)"


def test_partial_blocks_end_with_or_without_line_end() -> None:
    reader = entered(facts(stored=(X10_PROFILE,), since=FIRST_OF_MARCH, ends_parts=False, part_lines=3))
    first = reader.hears(encode(Command("R", "6", "P.01(;)")))
    assert first.endswith(b"(0.405)(0.000)\x04" + first[-1:])
    assert reader.hears(b"\x06")[:-1] == b"\x02(0.391)(0.000)\r\n\x03"


def test_a_new_command_forgets_the_partial_blocks_of_the_last_one() -> None:
    reader = x10()
    reader.say(X10_REQUEST)
    assert reader.read("1.8.0()") == "1.8.0(012345.67*kWh)"
    assert reader.hears(b"\x06") == b""


def test_an_acknowledgement_of_a_readout_is_not_answered() -> None:
    reader = Reader(nameplate(facts()))
    reader.say(SIGN_ON, 300)
    reader.say(b"\x06050\r\n", 300)
    assert reader.hears(b"\x06") == b""


def test_a_value_that_no_register_takes_is_refused() -> None:
    reader = entered(facts(errors=ErrorStyle.NAMED, writable={"0.2.2": Access.NONE}))
    assert reader.command("W", "5", f"0.2.2({'7' * 129})") == "0.2.2(ERR17)"
    assert reader.command("E", "2", "9.9.9()") == "9.9.9(ERR12)"


def test_only_a_maximum_that_is_a_number_begins_anew() -> None:
    registers = (StillRegister("1.6.1", "--.---*kW"), TotalRegister("1.6.2", "5.5*kW", Decimal(1)))
    reader = unlocked(facts(), registers=registers)
    assert reader.command("E", "2", "1.6.0()") == "ACK"
    assert (reader.read("1.6.1()"), reader.read("1.6.2()")) == ("1.6.1(--.---*kW)", "1.6.2(5.5*kW)")
    assert reader.read("1.6.2*01()") == "1.6.2*01(5.5*kW)"


def test_what_no_reader_says_is_not_answered() -> None:
    reader = entered(facts())
    assert reader.hears(encode(DataBlock(b"1.8.0(1)"))) == b""
    assert reader.read("1.8.0()") == "1.8.0(012345.67*kWh)"


def test_a_meter_without_programming_mode_has_no_wrong_passwords_and_executes_nothing() -> None:
    meter = Reader(nameplate(None)).meter
    assert (meter.wrong_passwords, meter.executed) == (0, ())
