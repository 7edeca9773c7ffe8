"""A bus of simulated meters by the octets that pass on it."""

from datetime import datetime

import pytest

from gateway.protocol.characters import Mode, with_even_parity
from gateway.simulator import Fault, Nameplate, SimulatedBus, SimulatedMeter, SimulatedProgramming, StillRegister

OCTET = 10 / 300
BREAK = b"\x01B0\x03\x71"
START = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001 - a meter's local time
SIGN_ON_TIME = 13 * OCTET


def plate(serial: str, manufacturer: str = "XMP", faults: dict[Fault, float] | None = None) -> Nameplate:
    registers = (StillRegister("0.0.0", serial),)
    return Nameplate(serial, Mode.C, manufacturer, "VERBA", registers, faults=faults or {})


def bus(*plates: Nameplate, time_scale: float = 1.0, has_parity: bool = False) -> SimulatedBus:
    meters = [SimulatedMeter(each, has_parity=has_parity, time_scale=time_scale) for each in plates]
    return SimulatedBus(meters, time_scale=time_scale)


def all_of(wire: SimulatedBus, speed: int = 300) -> bytes:
    return wire.take(1e9, speed)


def test_only_the_addressed_meter_answers() -> None:
    wire = bus(plate("10000001"), plate("10000002", "XKV"), plate("10000003"))
    wire.hear(b"/?10000002!\r\n", 0.0, 300)
    assert all_of(wire) == b"/XKV5VERBA\r\n"


def test_nobody_answers_an_unknown_address() -> None:
    wire = bus(plate("10000001"), plate("10000002"))
    wire.hear(b"/?10000003!\r\n", 0.0, 300)
    assert wire.next_due == float("inf")
    assert all_of(wire) == b""


def test_all_answer_the_empty_address_and_their_octets_are_anded() -> None:
    wire = bus(plate("10000001", "XMP"), plate("10000002", "XKV"))
    wire.hear(b"/?!\r\n", 0.0, 300)
    both = bytes(one & other for one, other in zip(b"/XMP5VERBA\r\n", b"/XKV5VERBA\r\n", strict=True))
    assert all_of(wire) == both


def test_a_collision_damages_parity_too() -> None:
    wire = bus(plate("10000001", "XMP"), plate("10000002", "XKV"), has_parity=True)
    wire.hear(with_even_parity(b"/?!\r\n"), 0.0, 300)
    said = (with_even_parity(b"/XMP5VERBA\r\n"), with_even_parity(b"/XKV5VERBA\r\n"))
    assert all_of(wire) == bytes(one & other for one, other in zip(*said, strict=True))


def test_meters_that_begin_at_different_moments_collide_where_they_overlap() -> None:
    quick, usual = "XMp", "XKV"
    wire = bus(plate("10000001", quick), plate("10000002", usual))
    wire.hear(b"/?!\r\n", 0.0, 300)
    heard = all_of(wire)
    # 0.18 s are 5.4 octets: the first five are the quick meter's alone, the sixth is hit by the usual one's first.
    assert heard[:5] == b"/XMp5"
    assert heard[5] == b"V"[0] & b"/"[0]
    assert len(heard) == 12 + 5


def test_octets_arrive_at_the_pace_of_the_wire() -> None:
    wire = bus(plate("10000001"))
    wire.hear(b"/?10000001!\r\n", 5.0, 300)
    first_octet = 5.0 + SIGN_ON_TIME + 0.2 + OCTET
    assert wire.next_due == pytest.approx(first_octet)
    assert wire.take(first_octet - 0.001, 300) == b""
    assert wire.take(first_octet, 300) == b"/"
    assert wire.take(first_octet + 2.5 * OCTET, 300) == b"XM"
    assert wire.take(first_octet + 11 * OCTET, 300) == b"P5VERBA\r\n"


def test_quick_octets_come_in_portions_of_five_milliseconds_that_end_with_an_octet() -> None:
    wire = bus(plate("10000001"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    wire.take(10.0, 300)
    wire.hear(b"\x06050\r\n", 1.2, 300)
    begin = 1.2 + 6 * OCTET + 0.2
    assert wire.next_due == pytest.approx(begin + 5 * 10 / 9600)
    assert wire.take(wire.next_due, 9600) == b"\x020.0."
    wire.take(begin + 20 * 10 / 9600, 9600)
    last = begin + len(b"\x020.0.0(10000001)\r\n!\r\n\x03?") * 10 / 9600
    assert wire.next_due == pytest.approx(last)


def test_time_scale_divides_the_pace() -> None:
    wire = bus(plate("10000001"), time_scale=100.0)
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    end = (SIGN_ON_TIME + 0.2 + 12 * OCTET) / 100
    assert wire.take(end - 0.0001, 300) == b"/XMP5VERBA\r"
    assert wire.take(end, 300) == b"\n"


def test_a_reader_at_another_speed_gets_garbage_of_the_same_length() -> None:
    wire = bus(plate("10000001"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    heard = all_of(wire, 9600)
    assert len(heard) == 12
    assert heard != b"/XMP5VERBA\r\n"


def test_octets_that_come_at_once_are_heard_one_after_the_other() -> None:
    wire = bus(plate("10000001"))
    wire.hear(b"/?1000", 0.0, 300)
    wire.hear(b"0001!\r\n", 0.0, 300)
    assert wire.next_due == pytest.approx(SIGN_ON_TIME + 0.2 + OCTET)


def test_a_line_with_echo_returns_what_the_reader_says_before_the_answer() -> None:
    wire = bus(plate("10000001", faults={Fault.ECHO: 1.0}), plate("10000002"))
    wire.hear(b"/?10000002!\r\n", 0.0, 300)
    assert wire.take(OCTET, 300) == b"/"
    assert all_of(wire) == b"?10000002!\r\n/XMP5VERBA\r\n"


def test_after_a_hang_up_nothing_more_arrives() -> None:
    wire = bus(plate("10000001"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    wire.hang_up()
    assert all_of(wire) == b""


def test_a_sign_on_while_another_meter_speaks_lets_both_collide() -> None:
    wire = bus(plate("10000001"), plate("10000002", "XKv"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    wire.hear(b"/?10000002!\r\n", SIGN_ON_TIME, 300)
    heard = all_of(wire)
    # The second answers 0.253 s after the first began: within its eighth octet.
    assert heard[:7] == b"/XMP5VE"
    assert heard[7] == b"R"[0] & b"/"[0]
    assert len(heard) == 7 + 12


def programmed(serial: str) -> Nameplate:
    programming = SimulatedProgramming(START, idle_s=3.0, events=())
    return Nameplate(serial, Mode.C, "XMP", "VERBA", (StillRegister("0.0.0", serial),), programming=programming)


def test_x22_the_break_of_an_idle_meter_comes_by_itself() -> None:
    wire = bus(programmed("10000001"), plate("10000002"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    wire.take(2.0, 300)
    wire.hear(b"\x06051\r\n", 2.0, 300)
    operand_end = 2.0 + 6 * OCTET + 0.2 + 8 * 10 / 9600
    assert wire.take(2.9, 9600) == b"\x01P0\x02()\x03\x60"
    assert wire.next_due == pytest.approx(operand_end + 3.0)
    assert wire.take(wire.next_due, 9600) == b""
    assert wire.next_due == pytest.approx(operand_end + 3.0 + 0.2 + 5 * 10 / 9600)
    assert wire.take(wire.next_due, 9600) == BREAK
    assert wire.next_due == float("inf")


def test_x22_a_command_after_the_idle_time_finds_the_meter_signed_off() -> None:
    wire = bus(programmed("10000001"))
    wire.hear(b"/?10000001!\r\n", 0.0, 300)
    wire.take(2.0, 300)
    wire.hear(b"\x06051\r\n", 2.0, 300)
    wire.take(2.9, 9600)
    wire.hear(b"\x01R5\x020.0.0()\x03\x56", 60.0, 9600)
    assert all_of(wire, 9600) == BREAK
