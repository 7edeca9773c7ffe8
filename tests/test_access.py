from pathlib import Path

import pytest
from attrs import evolve

from gateway import access
from gateway.access import Secrets, check_group, check_latch, check_pin, permit
from gateway.errors import AccessDenied, Refused
from gateway.memory import Latch, MeterMemory
from gateway.profile import MeterProfile, Password
from gateway.profile.programming_mode import ProgrammingMode
from gateway.protocol.messages import Identification
from gateway.reading import Access
from gateway.site.model import AccessSettings, MeterSettings

KEY = bytes(range(32))
SECRET = "24681357"  # noqa: S105 - made up
METER = MeterSettings("flat01", "riser", "41770326")
SAID, OTHER = Identification("XMP", "5", "VERBA-3.1"), Identification("XMP", "5", "VERBA-3.2")
VERBA = MeterProfile("verba", 1, "Verba", "XMP", r"/XMP5VERBA-3\.1")
GENERIC = MeterProfile("generic", 1, "any meter", "any")

# Secrets


def test_a_password_comes_from_the_environment() -> None:
    assert Secrets(KEY, {"FLATS": SECRET}).password("env:FLATS").reveal() == SECRET


def test_a_password_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"24681357\r\nsecond line\n")
    assert Secrets(KEY, {}).password(f"file:{tmp_path}/secret").reveal() == SECRET


def test_a_password_is_a_credential_of_the_service(tmp_path: Path) -> None:
    (tmp_path / "flats").write_text(SECRET)
    assert Secrets(KEY, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).password("cred:flats").reveal() == SECRET


@pytest.mark.parametrize("reference", ["env:NONE", "env:EMPTY", "cred:flats", "file:/nowhere/at/all", "24681357", ""])
def test_a_reference_without_a_password_is_told_with_the_next_step(reference: str) -> None:
    with pytest.raises(AccessDenied) as told:
        Secrets(KEY, {"EMPTY": ""}).password(reference)
    assert told.value.code == "E-ACC-3"
    assert told.value.next_step


def test_a_password_that_was_written_in_clear_does_not_show() -> None:
    with pytest.raises(AccessDenied) as told:
        Secrets(KEY, {}).password(SECRET)
    assert SECRET not in str(told.value.finding("meter flat01"))


@pytest.mark.parametrize("secret", ["24(68", "24)\x03q\x01W1", "1" * 65, "päss", "2/4", "\x01"])
def test_a_password_that_no_command_can_carry_is_refused_unseen(secret: str) -> None:
    with pytest.raises(AccessDenied) as told:
        Secrets(KEY, {"FLATS": secret}).password("env:FLATS")
    assert told.value.code == "E-ACC-3"
    assert secret not in str(told.value.finding("meter flat01"))


def test_equal_passwords_have_equal_digests_under_one_key_only() -> None:
    first, other = Secrets(KEY), Secrets(KEY[::-1])
    assert first.digest(Password(SECRET)) == first.digest(Password(SECRET))
    assert first.digest(Password(SECRET)) != first.digest(Password("24681358"))
    assert first.digest(Password(SECRET)) != other.digest(Password(SECRET))
    assert SECRET not in first.digest(Password(SECRET))


# The latch


def test_s9_a_refused_password_is_not_tried_again() -> None:
    memory = MeterMemory()
    check_latch(memory, "env:FLATS", "d1", "flat01")
    access.note_refused(memory, "env:FLATS", "d1")
    with pytest.raises(
        AccessDenied, match=r"password env:FLATS refused: not tried again until the password changes"
    ) as told:
        check_latch(memory, "env:FLATS", "d1", "flat01")
    assert (told.value.code, told.value.next_step) == ("E-ACC-1", "metergate access unlatch flat01")


@pytest.mark.parametrize(("reference", "digest"), [("env:FLATS", "d2"), ("file:secret", "d1")])
def test_a_changed_reference_or_secret_is_tried(reference: str, digest: str) -> None:
    check_latch(MeterMemory(latch=Latch("env:FLATS", "d1", is_refused=True)), reference, digest, "flat01")


def test_a_first_try_is_latched_before_it_is_sent_so_that_a_crash_is_no_second_try() -> None:
    memory = MeterMemory()
    access.begin_try(memory, "env:FLATS", "d1")
    restarted = MeterMemory.from_text(memory.to_text())
    with pytest.raises(AccessDenied, match="sent, its answer is not known"):
        check_latch(restarted, "env:FLATS", "d1", "flat01")


def test_s9_a_password_that_was_accepted_is_latched_before_it_is_sent_again_too() -> None:
    memory = MeterMemory()
    access.begin_try(memory, "env:FLATS", "d1")
    access.note_accepted(memory, "d1", SAID)
    restarted = MeterMemory.from_text(memory.to_text())
    check_latch(restarted, "env:FLATS", "d1", "flat01")
    assert restarted.pinned == SAID.raw
    access.begin_try(restarted, "env:FLATS", "d1")
    with pytest.raises(AccessDenied):
        check_latch(restarted, "env:FLATS", "d1", "flat01")


def test_s9_without_an_answer_that_tells_only_the_password_that_was_accepted_last_is_tried_once_more() -> None:
    memory = MeterMemory(accepted="d1")
    access.begin_try(memory, "env:FLATS", "d1")
    access.note_unknown(memory, "d1")
    check_latch(memory, "env:FLATS", "d1", "flat01")
    access.begin_try(memory, "env:FLATS", "d1")
    access.note_unknown(memory, "d1")
    with pytest.raises(AccessDenied):
        check_latch(memory, "env:FLATS", "d1", "flat01")


def test_unlatching_forgets_the_refusal_and_the_identification() -> None:
    memory = MeterMemory(pinned=SAID.raw, latch=Latch("env:FLATS", "d1", is_refused=True))
    assert access.unlatch(memory)
    check_latch(memory, "env:FLATS", "d1", "flat01")
    assert memory.pinned is None
    assert not access.unlatch(memory)


# The pin


def test_fault_x24_a_password_goes_to_the_pinned_identification_only() -> None:
    memory = MeterMemory(pinned=SAID.raw)
    check_pin(memory, SAID, VERBA, "verba", consents=False)
    for model, consents in (("auto", False), ("auto", True), ("verba", True)):
        with pytest.raises(AccessDenied, match=r"identification /XMP5VERBA-3\.2, expected /XMP5VERBA-3\.1") as told:
            check_pin(memory, OTHER, VERBA, model, consents=consents)
        assert told.value.code == "E-ACC-2"


def test_the_first_password_goes_to_a_meter_that_fits_the_configured_profile() -> None:
    check_pin(MeterMemory(), SAID, VERBA, "verba", consents=False)
    with pytest.raises(AccessDenied):
        check_pin(MeterMemory(), OTHER, VERBA, "verba", consents=False)


def test_the_generic_profile_vouches_for_nothing() -> None:
    with pytest.raises(AccessDenied, match="no identification is known yet"):
        check_pin(MeterMemory(), SAID, GENERIC, "generic", consents=False)


def test_the_first_password_goes_to_the_meter_of_the_last_readout() -> None:
    memory = MeterMemory(identification=SAID.raw)
    check_pin(memory, SAID, GENERIC, "auto", consents=False)
    with pytest.raises(AccessDenied):
        check_pin(memory, OTHER, GENERIC, "auto", consents=True)


def test_a_person_at_the_command_line_consents_to_the_first_identification_read() -> None:
    check_pin(MeterMemory(), SAID, GENERIC, "auto", consents=True)
    with pytest.raises(AccessDenied):
        check_pin(MeterMemory(), SAID, GENERIC, "auto", consents=False)


# Groups


def test_the_no_security_group_needs_no_password() -> None:
    check_group(Access.NONE, ProgrammingMode(), None, "1.8.0")


@pytest.mark.parametrize(
    ("group", "password", "code"),
    [
        (Access.LOW, None, "E-ACC-9"),
        (Access.HIGH, "env:FLATS", "E-ACC-9"),
        (Access.SEALED, "env:FLATS", "E-ACC-10"),
    ],
)
def test_what_is_out_of_reach_is_refused_with_the_reason(group: Access, password: str | None, code: str) -> None:
    with pytest.raises(AccessDenied) as told:
        check_group(group, ProgrammingMode(), password, "C.99.1")
    assert told.value.code == code
    assert "C.99.1" in told.value.what


def test_a_group_with_an_answer_and_a_password_is_in_reach() -> None:
    mode = ProgrammingMode(passwords={Access.LOW: "clear", Access.HIGH: "crc32"})
    for group in (Access.LOW, Access.HIGH):
        check_group(group, mode, "env:FLATS", "0.9.1")


# Permits

OPEN = AccessSettings(allow_write=True)


def test_h12_nothing_may_be_written_unless_the_site_allows_it() -> None:
    with pytest.raises(Refused) as told:
        permit("0.9.1", AccessSettings(), METER, confirmed=True)
    assert told.value.code == "E-ACC-5"


def test_a_change_wants_to_be_confirmed() -> None:
    with pytest.raises(Refused) as told:
        permit("0.9.1", OPEN, METER, confirmed=False)
    assert told.value.code == "E-ACC-7"


@pytest.mark.parametrize(
    ("site", "meter", "is_allowed"),
    [
        ((), None, True),
        (("0.9.*",), None, True),
        (("0.2.*",), None, False),
        ((), ("0.9.*",), True),
        ((), (), False),
        (("0.*",), ("0.9.2",), False),
        (("0.2.2",), ("0.9.1",), False),
        (("0.9.?", "1.6.0"), ("0.9.1",), True),
    ],
)
def test_writable_narrows_what_may_be_written(
    site: tuple[str, ...], meter: tuple[str, ...] | None, *, is_allowed: bool
) -> None:
    settings = AccessSettings(allow_write=True, writable=site)
    if is_allowed:
        assert permit("0.9.1", settings, evolve(METER, writable=meter), confirmed=True).register == "0.9.1"
        return
    with pytest.raises(Refused) as told:
        permit("0.9.1", settings, evolve(METER, writable=meter), confirmed=True)
    assert told.value.code == "E-ACC-6"
