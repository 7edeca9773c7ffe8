"""The catalog: what plugins bring, how names collide, which profile a meter gets."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.catalog import Catalog, Kind
from gateway.cli.main import main
from gateway.errors import PluginError, ProfileError
from gateway.protocol.parse import identification

Install = Callable[..., None]

BRINGS_A_DECODER = """
from gateway import hookimpl

@hookimpl
def value_decoders():
    return {"vendor.first": lambda data_set, register: data_set.raw[0]}
"""

BRINGS_AN_ANSWER = """
from gateway import hookimpl

@hookimpl
def password_answers():
    return {"vendor.secret": lambda operand, password: None}
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution with one plugin module where Python finds it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def _install(distribution: str, source: str) -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        information = tmp_path / f"{module}-1.2.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (information / "entry_points.txt").write_text(f"[metergate]\n{module} = {module}\n")

    return _install


def test_the_built_ins_come_through_the_same_hooks() -> None:
    catalog = Catalog.collect(allow=())
    assert {"decimal", "integer", "text", "flags", "date", "time", "datetime"} <= set(catalog.decoders)
    assert {"jsonl", "csv"} <= set(catalog.sinks)
    assert {"clear", "crc32"} <= set(catalog.password_answers)
    assert "generic" in catalog.profiles
    assert {contribution.distribution for contribution in catalog.contributions} == {"metergate"}


def test_an_installed_plugin_is_loaded_and_named(install: Install) -> None:
    install("metergate-first-test", BRINGS_A_DECODER)
    catalog = Catalog.collect(allow=["Metergate_First.Test"])
    assert "vendor.first" in catalog.decoders
    brought = [entry for entry in catalog.contributions if entry.distribution == "metergate-first-test"]
    assert [(entry.version, entry.kind, entry.name) for entry in brought] == [("1.2", Kind.DECODER, "vendor.first")]


def test_a_plugin_that_is_not_allowed_is_not_even_imported(install: Install) -> None:
    install("metergate-broken-test", "raise RuntimeError('imported')")
    assert Catalog.collect(allow=()).findings == ()


def test_an_allowed_plugin_that_is_not_there_is_told() -> None:
    findings = Catalog.collect(allow=["metergate-nowhere"]).findings
    assert [finding.code for finding in findings] == ["W-PLG-1"]


@pytest.mark.parametrize(
    "source",
    [
        "import nowhere_at_all",
        "this is no Python",
        "1 / 0",
        "from gateway import hookimpl\n@hookimpl\ndef value_decoders():\n    return None\n",
        "from gateway import hookimpl\n@hookimpl\ndef meter_profiles():\n    yield 7\n",
    ],
)
def test_a_plugin_that_fails_is_named(install: Install, source: str) -> None:
    install("metergate-broken-test", source)
    with pytest.raises(PluginError, match="metergate-broken-test") as caught:
        Catalog.collect(allow=["metergate-broken-test"])
    assert caught.value.code == "E-PLG-1"
    assert caught.value.next_step


@pytest.mark.parametrize("hook", ["def no_such_hook():", "def value_decoders(surprise):"])
def test_a_plugin_for_another_version_is_named(install: Install, hook: str) -> None:
    install("metergate-future-test", f"from gateway import hookimpl\n@hookimpl\n{hook}\n    return {{}}\n")
    with pytest.raises(PluginError, match="metergate-future-test") as caught:
        Catalog.collect(allow=["metergate-future-test"])
    assert caught.value.code == "E-PLG-3"


def test_a_name_that_two_bring_is_refused_with_both(install: Install) -> None:
    install("metergate-first-test", BRINGS_A_DECODER)
    install("metergate-second-test", BRINGS_A_DECODER)
    with pytest.raises(PluginError) as caught:
        Catalog.collect(allow=["metergate-first-test", "metergate-second-test"])
    assert caught.value.code == "E-PLG-2"
    assert all(name in caught.value.what for name in ("vendor.first", "metergate-first-test", "metergate-second-test"))


def test_a_built_in_name_cannot_be_taken_over(install: Install) -> None:
    install("metergate-thief-test", BRINGS_A_DECODER.replace("vendor.first", "decimal"))
    with pytest.raises(PluginError, match="metergate-thief-test"):
        Catalog.collect(allow=["metergate-thief-test"])


def test_a_local_profile_replaces_a_shipped_one_loudly(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[1] / "profiles" / "iskra-mt174.toml"
    (tmp_path / "mine.toml").write_text(shipped.read_text(encoding="utf-8").replace("version = 1", "version = 7", 1))
    catalog = Catalog.collect((), tmp_path)
    assert catalog.profile("iskra-mt174").key == "iskra-mt174@7"
    assert [(finding.code, "iskra-mt174@1" in finding.what) for finding in catalog.findings] == [("W-PRO-1", True)]


def test_a_profile_that_needs_a_missing_decoder_is_refused(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[1] / "profiles" / "iskra-mt174.toml"
    (tmp_path / "mine.toml").write_text(shipped.read_text(encoding="utf-8").replace('"datetime"', '"vendor.clock"'))
    with pytest.raises(ProfileError, match=r"vendor\.clock"):
        Catalog.collect((), tmp_path)


def test_a_profile_that_needs_a_missing_password_answer_is_refused_unless_a_plugin_brings_it(
    install: Install, tmp_path: Path
) -> None:
    shipped = (Path(__file__).parents[1] / "profiles" / "energomera-ce30x.toml").read_text(encoding="utf-8")
    folder = tmp_path / "profiles.d"
    folder.mkdir()
    (folder / "mine.toml").write_text(shipped.replace('"crc32"', '"vendor.secret"'), encoding="utf-8")
    with pytest.raises(ProfileError, match=r"vendor\.secret") as caught:
        Catalog.collect((), folder)
    assert [finding.code for finding in caught.value.findings] == ["E-PRO-11"]
    install("metergate-answer-test", BRINGS_AN_ANSWER)
    assert "vendor.secret" in Catalog.collect(["metergate-answer-test"], folder).password_answers


def test_the_closest_pattern_wins_and_a_stranger_is_generic(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[1] / "profiles" / "iskra-mt174.toml").read_text(encoding="utf-8")
    closer = shipped.replace('id = "iskra-mt174"', 'id = "closer"').replace("5MT174-'", "5MT174-0001'")
    (tmp_path / "closer.toml").write_text(closer)
    catalog = Catalog.collect((), tmp_path)
    assert catalog.choose(identification(b"/ISk5MT174-0001")).id == "closer"
    assert catalog.choose(identification(b"/ISk5MT174-0002")).id == "iskra-mt174"
    assert catalog.choose(identification(b"/XMP5VERBA-3.1")).id == "generic"


def test_a_configured_model_wins_over_the_identification() -> None:
    catalog = Catalog.collect(allow=())
    assert catalog.choose(identification(b"/XMP5VERBA-3.1"), "kamstrup-382").id == "kamstrup-382"
    with pytest.raises(ProfileError, match="kamstrup-382"):
        catalog.choose(identification(b"/XMP5VERBA-3.1"), "kamstrup-283")


def test_no_two_shipped_profiles_are_equally_close() -> None:
    catalog = Catalog.collect(allow=())
    for profile in catalog.profiles.values():
        for example in profile.examples:
            seen = identification(example.identification.encode())
            closest = max(other.matched(seen) for other in catalog.profiles.values())
            assert [other.id for other in catalog.profiles.values() if other.matched(seen) == closest] == [profile.id]


def test_the_verb_plugins_lists_who_brought_what(install: Install) -> None:
    install("metergate-first-test", BRINGS_A_DECODER)
    result = CliRunner().invoke(main, ["plugins", "--format", "json"])
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {"distribution": "metergate-first-test", "version": "1.2", "kind": "decoder", "name": "vendor.first"} in rows
    assert any(row["kind"] == "sink" and row["name"] == "jsonl" for row in rows)


def test_the_verb_plugins_obeys_a_site_file(install: Install, tmp_path: Path) -> None:
    install("metergate-first-test", BRINGS_A_DECODER)
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[1] / "profiles" / "iskra-mt174.toml", folder)
    site = tmp_path / "site.toml"
    site.write_text(f'config_version = 1\n[gateway]\nprofiles = "{folder}"\n[plugins]\nallow = []\n')
    result = CliRunner().invoke(main, ["plugins", "--config", str(site), "--json"])
    assert result.exit_code == 0, result.stderr
    assert "W-PRO-1" in result.stderr
    assert "vendor.first" not in result.stdout


def test_the_verb_plugins_names_a_broken_plugin(install: Install) -> None:
    install("metergate-broken-test", "import nowhere_at_all")
    result = CliRunner().invoke(main, ["plugins"])
    assert (result.exit_code, result.stdout) == (78, "")
    assert "E-PLG-1" in result.stderr
    assert "metergate-broken-test" in result.stderr
