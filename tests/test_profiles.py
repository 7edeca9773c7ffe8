"""The shipped profiles: examples of their own, facts that are named, identifications that do not collide."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.catalog import Catalog
from gateway.errors import Cause, ProfileError
from gateway.profile import MeterProfile, shipped_profiles
from gateway.profile.library import load_folder
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.parse import identification
from gateway.reading import Access

PROFILES = shipped_profiles()
FAMILIES = [profile for profile in PROFILES if profile.id != "generic"]


def test_generic_and_at_least_ten_families_are_shipped() -> None:
    assert len(FAMILIES) >= 10
    assert len({profile.id for profile in PROFILES}) == len(PROFILES)


@pytest.mark.parametrize("profile", FAMILIES, ids=lambda profile: profile.id)
def test_a_family_names_its_registers_and_its_facts(profile: MeterProfile) -> None:
    assert len([register for register in profile.registers if register.name]) >= 5
    assert profile.differs
    assert profile.sources
    assert all(not profile.check.of(b"") or example.check is not None for example in profile.examples)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_every_example_chooses_its_own_profile(profile: MeterProfile) -> None:
    catalog = Catalog.collect(allow=())
    for example in profile.examples:
        assert catalog.choose(identification(example.identification.encode())).id == profile.id


def family(name: str) -> MeterProfile:
    return next(profile for profile in PROFILES if profile.id == name)


def test_the_facts_that_decide_a_conversation_hold() -> None:
    assert family("energomera-ce30x").check is BlockCheck.SUM7
    assert family("energomera-ce30x").address.last_digits == 9
    assert family("landisgyr-uh50").mode is Mode.B
    assert family("landisgyr-uh50").min_interval_s >= 3600
    assert family("kamstrup-382").mode is Mode.A
    assert family("pafal-ec3").conduct(identification(b"/PAF5EC3gr00006")).speed_character == "0"
    assert family("landisgyr-zmd120").conduct(identification(b"/LGZ52ZMD120APt.G03")).mode is Mode.A


def test_the_facts_that_decide_a_programming_session_hold() -> None:
    energomera, makel = family("energomera-ce30x").programming, family("makel-c500").programming
    assert (energomera.read, energomera.write, energomera.idle_s) == ("R1", "W1", 1.5)
    assert energomera.passwords == {Access.LOW: "clear", Access.HIGH: "crc32"}
    assert (makel.read, makel.write, makel.execute) == ("R2", "W2", "E2")
    assert makel.clock.registers == (("0.9.1", "hh:mm:ss"), ("0.9.2", "YY-MM-DD"))
    assert [series.limit_form for series in makel.series] == ["YY-MM-DD,hh:mm"]
    assert set(makel.tables) == set("56789")
    for name in ("emh-lzqj", "metcom-mcs301", "elster-as1440"):
        mode = family(name).programming
        assert (mode.read, mode.read_parts, mode.write) == ("R5", "R6", "W5")


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("energomera-ce30x", "ERR12", Cause.REFUSED),
        ("energomera-ce30x", "ERR14", Cause.ACCESS_DENIED),
        ("energomera-ce30x", "ERR18", None),
        ("energomera-ce30x", "ERR33", Cause.REFUSED),
        ("elster-as1440", "ERROR01", Cause.REFUSED),
        ("elster-as1440", "ERROR14", Cause.ACCESS_DENIED),
    ],
)
def test_the_error_texts_of_a_family_are_understood(name: str, text: str, cause: Cause | None) -> None:
    programming = family(name).programming
    refusal = programming.refusal((text,))
    assert refusal in programming.errors
    assert refusal is not None
    assert refusal.cause is cause


def test_status_bits_are_events_unless_the_family_says_states() -> None:
    assert _status("generic", "P.01")[3] == "season changed"
    assert _status("metcom-mcs301", "P.01")[3] == "summer time"
    assert _status("metcom-mcs301", "P.98")[4] == "device reset"


def _status(name: str, code: str) -> Mapping[int, str]:
    series = family(name).programming.series_of(code)
    assert series is not None
    return series.status


@pytest.mark.parametrize("code", ["P.01", "P.02", "P.98", "P.99", "P.200", "P.210", "P.211"])
def test_a_meter_without_a_profile_is_asked_for_the_usual_series(code: str) -> None:
    assert family("generic").programming.series_of(code) is not None


@pytest.mark.parametrize(
    ("capture", "family_id"),
    [
        ("iskra-mt174_0001-1", "iskra-mt174"),
        ("iskra-mt171_0033-1", "iskra-mt171"),
        ("iskra-me162_0033-1", "iskra-me162"),
        ("landisgyr-e350_zmf100ac_m23-1", "landisgyr-e350"),
        ("landisgyr-zmd4054459_b40-2", "landisgyr-zmd400"),
        ("landisgyr-zmd120apt_g03-1", "landisgyr-zmd120"),
        ("elster-as1440_v9_21-1", "elster-as1440"),
        ("elster-as1440_v9_30-1", "elster-as1440"),
        ("emh-lzqjl0014e-1", "emh-lzqj"),
        ("kamstrup-382_685_382_qr_10-1", "kamstrup-382"),
        ("energomera-ce102mv01-1", "energomera-ce30x"),
        ("iskra-mt382_1000-1", "generic"),
    ],
)
def test_the_identification_of_a_captured_telegram_chooses_its_family(
    vectors: Path, capture: str, family_id: str
) -> None:
    catalog = Catalog.collect(allow=())
    lines = (vectors / f"{capture}.bin").read_bytes().split(b"\r\n")
    seen = identification(next(line for line in lines if line.startswith(b"/") and not line.startswith(b"/?")))
    assert catalog.choose(seen).id == family_id


def test_all_findings_of_a_folder_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("id = ")
    (tmp_path / "b.toml").write_bytes(b"\xff")
    with pytest.raises(ProfileError) as caught:
        load_folder(tmp_path)
    assert len(caught.value.findings) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gateway\.profiles"):
        load_folder(tmp_path / "nowhere")
