"""The shipped profiles: examples of their own, facts that are named, identifications that do not collide."""

from pathlib import Path

import pytest

from gateway.catalog import Catalog
from gateway.errors import ProfileError
from gateway.profile import MeterProfile, shipped_profiles
from gateway.profile.library import load_folder
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.parse import identification

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
