"""Single registers of a simulated meter: what is read, in which group, by whose identity."""

from decimal import Decimal

import pytest
from attrs import evolve

from gateway.errors import Cause
from gateway.job import ReadRegisters
from gateway.profile.programming_mode import ErrorText
from gateway.reading import Access, Quality
from gateway.simulator import Decline, ErrorStyle, SimulatedProgramming, StillRegister
from tests.workshop import METER, PLATE, PROGRAMMING, REGISTERS, SERIAL, VERBA, Workshop, data, scripted, session

pytestmark = pytest.mark.anyio


def with_facts(facts: SimulatedProgramming) -> Workshop:
    return Workshop(evolve(PLATE, programming=facts))


async def test_registers_are_read_by_address_or_by_the_profiles_name_without_a_password() -> None:
    shop = Workshop()
    readout = await shop.readout(ReadRegisters(("energy_import", "0.2.2")))
    assert [(reading.signal, reading.address, reading.raw) for reading in readout.readings] == [
        ("energy_import", "1.8.0", "0012345.678*kWh"),
        ("tariff_program", "0.2.2", "00000006"),
    ]
    assert readout.readings[0].value == Decimal("12345.678")
    assert (readout.profile, readout.manufacturer, readout.visit.job) == ("xmp-verba@1", "XMP", "read")
    assert shop.commands(b"P") == [], "a register of the no-security group is read without P1 or P2 on the wire"
    assert shop.commands(b"R") == [b"R5\x021.8.0()", b"R5\x020.2.2()"]
    assert shop.words[-1] == b"\x01B0\x03q"


async def test_a_refused_register_is_bad_with_the_meters_words_and_the_others_survive() -> None:
    readout = await Workshop().readout(ReadRegisters(("9.9.9", "1.8.0")))
    refused, energy = readout.readings
    assert (refused.address, refused.value, refused.quality) == ("9.9.9", None, Quality.BAD)
    assert "'ERROR'" in (refused.reason or "")
    assert "may want a password" in (readout.reason or "")
    assert energy.quality is Quality.GOOD


@pytest.mark.parametrize("style", [Decline.NAK, Decline.ACK])
async def test_s8_a_command_that_the_meter_does_not_understand_is_not_tried_again(style: Decline) -> None:
    shop = with_facts(evolve(PROGRAMMING, commands=frozenset(("W5",)), unknown_command=style))
    readout = await shop.readout(ReadRegisters(("1.8.0",)))
    assert readout.readings[0].quality is Quality.BAD
    assert shop.words.count(b"/?41770326!\r\n") == 1


async def test_s8_an_error_text_of_the_profile_tells_access_from_a_register_that_is_not_there() -> None:
    errors = (*VERBA.programming.errors, ErrorText("ER02", "unknown register"))
    shop = with_facts(evolve(PROGRAMMING, errors=ErrorStyle.TABLE, access={"0.2.2": Access.LOW}))
    shop.profile = evolve(VERBA, programming=evolve(VERBA.programming, errors=errors))
    shop.restart()
    readout = await shop.readout(ReadRegisters(("0.2.2", "9.9.9", "1.8.0")))
    assert [reading.quality for reading in readout.readings] == [Quality.BAD, Quality.BAD, Quality.GOOD]
    assert "access denied" in (readout.readings[0].reason or "")
    assert "unknown register" in (readout.readings[1].reason or "")
    gap = await shop.gap(ReadRegisters(("0.2.2",)))
    assert (gap.cause, gap.finding.code) == (Cause.ACCESS_DENIED, "E-ACC-4")


async def test_an_answer_without_address_is_that_of_the_register_asked_for() -> None:
    (reading,) = (
        await with_facts(evolve(PROGRAMMING, has_addresses=False)).readout(ReadRegisters(("1.8.0",)))
    ).readings
    assert (reading.signal, reading.obis, reading.value) == ("energy_import", "1-0:1.8.0*255", Decimal("12345.678"))


async def test_a_register_may_be_answered_under_its_whole_code() -> None:
    shop = Workshop()
    shop.line = scripted(session(data("1-0:1.8.0(0012345.678*kWh)")))
    (reading,) = (await shop.readout(ReadRegisters(("1.8.0",)))).readings
    assert (reading.address, reading.value) == ("1-0:1.8.0", Decimal("12345.678"))


@pytest.mark.parametrize("other", ["2.8.0(0000000.001*kWh)", "1.8.0*05(0000000.001*kWh)", "VOLTA(229.81)"])
async def test_the_answer_of_another_register_is_not_taken(other: str) -> None:
    shop = Workshop()
    shop.line = scripted(session(data(other)), session(data("1.8.0(0012345.678*kWh)")))
    readout = await shop.readout(ReadRegisters(("1.8.0",)))
    assert (readout.visit.attempt, readout.readings[0].value) == (2, Decimal("12345.678"))


async def test_several_values_under_one_name_are_all_kept() -> None:
    shop = Workshop()
    shop.line = scripted(session(data("VOLTA(229.81)\r\nVOLTA(230.14)\r\n(229.55)\r\n")))
    readout = await shop.readout(ReadRegisters(("VOLTA",)))
    assert [(reading.address, reading.raw) for reading in readout.readings] == [
        ("VOLTA", "229.81"),
        ("VOLTA", "230.14"),
        ("VOLTA", "229.55"),
    ]


async def test_a_table_under_a_vendors_code_keeps_its_addresses() -> None:
    shop = Workshop()
    shop.line = scripted(session(data("1.8.0(0012345.678*kWh)\r\n2.8.0(0000001.000*kWh)\r\n")))
    readout = await shop.readout(ReadRegisters(("TABLE7",)))
    assert [reading.address for reading in readout.readings] == ["1.8.0", "2.8.0"]


# Identity


async def test_the_operand_of_p0_is_an_identity() -> None:
    readout = await with_facts(evolve(PROGRAMMING, operand="serial")).readout(ReadRegisters(("1.8.0",)))
    assert (readout.quality, readout.reason) == (Quality.GOOD, None)


async def test_without_an_identity_the_readout_says_so() -> None:
    readout = await Workshop().readout(ReadRegisters(("1.8.0",)))
    assert (readout.quality, readout.reason) == (Quality.GOOD, "identity not printed")


@pytest.mark.parametrize(("operand", "serial"), [("", "000"), ("  ", "0"), ("0", "")])
async def test_an_empty_operand_is_nobodys_serial_number(operand: str, serial: str) -> None:
    shop = Workshop(settings=evolve(METER, serialnumber=serial))
    shop.line = scripted(session(data("1.8.0(0012345.678*kWh)"), operand=operand))
    readout = await shop.readout(ReadRegisters(("1.8.0",)))
    assert readout.reason == ("identity not printed" if serial else None)


async def test_s2_another_meters_register_is_not_stored() -> None:
    shop = Workshop(evolve(PLATE, registers=(StillRegister("0.0.0", "41770399"), *REGISTERS[1:])))
    gap = await shop.gap(ReadRegisters(("0.0.0", "1.8.0")))
    assert (gap.cause, gap.finding.code) == (Cause.WRONG_METER, "E-READ-8")


# Groups


async def test_the_low_group_is_reached_by_the_password_said_once() -> None:
    shop = Workshop()
    readout = await shop.readout(ReadRegisters(("1.8.0", "96.1.1")))
    assert readout.readings[1].raw == "OWNER 7"
    assert shop.commands(b"P") == [b"P1\x02(24681357)"]


async def test_the_high_group_is_reached_by_the_answer_to_the_challenge() -> None:
    facts = evolve(PROGRAMMING, access={"96.1.2": Access.HIGH})
    shop = Workshop(evolve(PLATE, registers=(*REGISTERS, StillRegister("96.1.2", "LT7")), programming=facts))
    readout = await shop.readout(ReadRegisters(("meter_point",)))
    assert readout.readings[0].raw == "LT7"
    (command,) = shop.commands(b"P")
    assert command.startswith(b"P2\x02(")
    assert SERIAL.encode() not in command


@pytest.mark.parametrize(
    ("register", "password", "code"),
    [("owner", None, "E-ACC-9"), ("meter_constant", "env:METER", "E-ACC-10"), ("owner", "env:NONE", "E-ACC-3")],
)
async def test_what_is_out_of_reach_is_refused_before_a_byte_is_sent(
    register: str, password: str | None, code: str
) -> None:
    shop = Workshop(settings=evolve(METER, password=password))
    gap = await shop.gap(ReadRegisters(("1.8.0", register)))
    assert (gap.cause, gap.finding.code) == (Cause.ACCESS_DENIED, code)
    assert shop.words == []


async def test_a_group_whose_answer_no_profile_knows_is_out_of_reach() -> None:
    programming = evolve(VERBA.programming, passwords={Access.LOW: "clear"})
    shop = Workshop(profile=evolve(VERBA, programming=programming))
    gap = await shop.gap(ReadRegisters(("meter_point",)))
    assert gap.finding.code == "E-ACC-9"
    assert shop.words == []


async def test_a_meter_not_known_before_is_refused_once_it_has_identified_itself() -> None:
    shop = Workshop(settings=evolve(METER, meter_model="auto", password=None))
    gap = await shop.gap(ReadRegisters(("owner",)))
    assert gap.finding.code == "E-ACC-9"
    assert shop.words == [b"/?41770326!\r\n", b"\x01B0\x03q"]
