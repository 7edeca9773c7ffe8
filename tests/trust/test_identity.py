"""Whose a readout is: by the numbers that it prints, by its identification, by its check character."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import WrongMeter
from gateway.memory import MeterMemory
from gateway.profile import AddressForm, MeterProfile
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.datablock import parse_block
from gateway.protocol.parse import identification
from gateway.reading import Quality
from gateway.trust import Expected, Sight, Verdict, judge

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
GENERIC = MeterProfile(id="generic", version=1, title="", maker="")


def verdict(
    block: str,
    serial: str,
    profile: MeterProfile = GENERIC,
    memory: MeterMemory | None = None,
    *,
    framed: bool = True,
    is_pushed: bool = False,
) -> Verdict:
    body = f"{block}\r\n1.8.0(1*kWh)\r\n!\r\n".encode()
    said, parity = identification(b"/XMP5VERBA"), ReceivedParity.PRESENT
    sight = Sight(said, parse_block(body), body, framed, "xor", parity, NOW, 0.0, is_pushed=is_pushed)
    return judge(sight, memory or MeterMemory(), profile, Expected(serial, ZoneInfo("UTC")))


@pytest.mark.parametrize(
    "block",
    [
        "0.0.0(01234610)",
        "0.0.0( 1234610 )",
        "C.1.0(0000001234610)",
        "1-0:0.0.0*255(01234610)",
        "0-0:C.1.0*255(01234610)",
        "0.0(01234610   )",
        "C.1(01234610)",
        "0.0.0(99)\r\nC.1.0(01234610)",
    ],
)
def test_any_identity_register_that_prints_the_number_will_do(block: str) -> None:
    assert verdict(block, "01234610").reasons == ()


@pytest.mark.parametrize("block", ["0.0.0(01234601)", "C.1.0(12346100)", "0.0.0(01234601)\r\nC.1.0()"])
def test_another_meters_answer_is_refused(block: str) -> None:
    with pytest.raises(WrongMeter) as caught:
        verdict(block, "01234610")
    assert caught.value.code == "E-READ-8"


def test_the_refusal_names_both_numbers() -> None:
    with pytest.raises(WrongMeter, match=r"^asked 01234610, answered 01234601: nothing stored$"):
        verdict("0.0.0(01234601)", "01234610")


@pytest.mark.parametrize("block", ["0.2.0(V1)", "0.0.0()", "0.0.0(   )", "0.0.0*05(77)", "C.1.6(FDF5)"])
def test_a_meter_that_prints_no_identity_is_believed_with_a_reason(block: str) -> None:
    assert verdict(block, "01234610").reasons == ("identity not printed",)


def test_no_identity_is_checked_for_a_wildcard() -> None:
    assert verdict("0.0.0(77)", "").reasons == ()


def test_the_profile_names_further_identity_registers() -> None:
    profile = MeterProfile(id="x", version=1, title="", maker="", identity=("SNUMB", "0.0.1"))
    assert verdict("0.0.0(99)\r\nSNUMB(0123)", "123", profile).reasons == ()
    assert verdict("1-0:0.0.1*255(0123)", "123", profile).reasons == ()
    with pytest.raises(WrongMeter):
        verdict("SNUMB(0124)", "123", profile)


def test_the_profile_says_how_a_number_is_compared() -> None:
    last = MeterProfile(id="x", version=1, title="", maker="", address=AddressForm(last_digits=9))
    assert verdict("0.0.0(009112041770326)", "041770326", last).reasons == ()
    prefix = MeterProfile(id="x", version=1, title="", maker="", address=AddressForm(prefix="MSY"))
    assert verdict("0.0.0(80099921)", "MSY80099921", prefix).reasons == ()


def test_a_block_that_lost_its_check_character_is_refused() -> None:
    judged = verdict("0.0.0(7)", "7", memory=MeterMemory(framed=True), framed=False)
    assert judged.quality is Quality.SUSPECT
    assert "without check character" in (judged.reason or "")
    assert verdict("0.0.0(7)", "7", memory=MeterMemory(framed=False), framed=False).reasons == ()
    assert verdict("0.0.0(7)", "7", memory=None, framed=False).reasons == ()


def test_a_changed_identification_is_suspect_unless_the_number_vouches_for_the_meter() -> None:
    memory = MeterMemory(identification="/XMP5VERBA-1")
    assert verdict("0.0.0(7)", "7", memory=memory).quality is Quality.GOOD
    assert verdict("0.2.0(V1)", "7", memory=memory).quality is Quality.SUSPECT
    assert verdict("0.0.0(7)", "", memory=memory).quality is Quality.SUSPECT
    assert "changed from /XMP5VERBA-1 to /XMP5VERBA" in (verdict("0.0.0(7)", "7", memory=memory).reason or "")
    assert verdict("0.0.0(7)", "7", memory=MeterMemory(identification="/XMP5VERBA")).reasons == ()


@pytest.mark.parametrize(
    "block",
    [
        "0-0:96.1.1(3031323334363130)",
        "0-0:96.1.1(01234610)",
        "0-0:96.1.255*255(01234610)",
        "1-0:96.1.0*255(01234610)",
        "0-0:96.1.1(3031323334363130)\r\n0-1:96.1.0(4730303031)",
    ],
)
def test_a_pushed_telegram_may_print_the_number_in_the_registers_of_its_port(block: str) -> None:
    assert verdict(block, "01234610", is_pushed=True).reasons == ()
    with pytest.raises(WrongMeter):
        verdict(block, "01234611", is_pushed=True)


@pytest.mark.parametrize("block", ["0-1:96.1.0(01234601)", "0-0:96.1.1(3031323334363031)", "0-0:96.1.1(zz)"])
def test_numbers_of_devices_behind_a_meter_are_none_of_its_own(block: str) -> None:
    assert verdict(block, "01234610").reasons == ("identity not printed",)
