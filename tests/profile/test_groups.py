"""The logical groups of a family."""

from attrs import evolve

from gateway.profile import MeterProfile, access_groups
from gateway.profile.groups import Use
from gateway.profile.programming_mode import ClockForm, ProgrammingMode, SeriesKind, StoredCommand, StoredSeries
from gateway.reading import Access, Register

MODE = ProgrammingMode(
    passwords={Access.LOW: "clear", Access.HIGH: "vendor.secret"},
    writes=Access.HIGH,
    series=(
        StoredSeries("P.01", SeriesKind.LOAD_PROFILE, "Load profile"),
        StoredSeries("P.99", SeriesKind.LOG, "Log", access=Access.LOW),
    ),
    commands=(
        StoredCommand("demand-reset", "1.6.0", "Reset"),
        StoredCommand("calibrate", "C.99", "Calibration", access=Access.SEALED),
    ),
    clock=ClockForm((("0.9.1", "hhmmss"), ("0.9.2", "YYMMDD"))),
)
PROFILE = MeterProfile(
    id="made-up",
    version=1,
    title="",
    maker="",
    registers=(
        Register("1.8.0", "import"),
        Register("96.96", "secret", "Secret", access=Access.HIGH),
        Register("0.9.2", "date", write_access=Access.NONE),
        Register("K", "gain", "Gain", access=Access.SEALED, write_access=Access.SEALED),
    ),
    programming=MODE,
)


def members(profile: MeterProfile) -> dict[Access, list[tuple[Use, str]]]:
    return {group.access: [(one.use, one.address) for one in group.members] for group in access_groups(profile)}


def test_every_register_and_command_stands_in_the_group_that_may_use_it() -> None:
    assert members(PROFILE) == {
        Access.NONE: [
            (Use.READ, "1.8.0"),
            (Use.READ, "0.9.2"),
            (Use.READ, "P.01"),
            (Use.READ, ""),
            (Use.WRITE, "0.9.2"),
        ],
        Access.LOW: [(Use.READ, "P.99"), (Use.WRITE, "0.9.1"), (Use.EXECUTE, "1.6.0")],
        Access.HIGH: [(Use.READ, "96.96"), (Use.WRITE, "")],
        Access.SEALED: [(Use.READ, "K"), (Use.WRITE, "K"), (Use.EXECUTE, "C.99")],
    }


def test_registers_that_are_not_told_apart_follow_the_family() -> None:
    behind_a_password = evolve(PROFILE, programming=evolve(MODE, reads=Access.LOW))
    assert members(behind_a_password)[Access.LOW][:2] == [(Use.READ, "1.8.0"), (Use.READ, "0.9.2")]
    assert (Use.READ, "") in members(behind_a_password)[Access.LOW]


def test_the_way_into_a_group_is_told() -> None:
    none, low, high, sealed = access_groups(PROFILE)
    assert [group.is_reachable for group in (none, low, high, sealed)] == [True, True, True, False]
    assert "without a password" in none.way
    assert '"clear"' in low.way
    assert '"vendor.secret"' in high.way
    assert "seal" in sealed.way


def test_a_group_without_a_password_answer_is_out_of_reach() -> None:
    _, low, high, _ = access_groups(evolve(PROFILE, programming=evolve(MODE, passwords={Access.LOW: "clear"})))
    assert (low.is_reachable, high.is_reachable) == (True, False)
    assert "out of reach" in high.way


def test_a_member_is_titled_by_the_profile_or_by_its_code() -> None:
    none, low, high, _ = access_groups(PROFILE)
    assert none.members[0].title == "Active energy import total"
    assert high.members[0].title == "Secret"
    assert low.members[-1].name == "demand-reset"
    assert none.members[-2].as_json() == {
        "use": "read",
        "address": None,
        "name": None,
        "title": "Registers that the profile does not list",
    }
