"""A mapping in, an object and all that does not fit in it out, as sinks of plugins use it."""

from pathlib import Path

import pytest
from attrs import field, frozen, validators

from gateway.site.structure import structure


@frozen
class Settings:
    """Settings as a plugin's sink would have them."""

    url: str
    path: Path | None = None
    tries: int = field(default=3, validator=validators.ge(1))
    timeout_s: float = 5
    verify: bool = True
    topics: tuple[str, ...] = ()


def told(given: dict[str, object]) -> list[tuple[str | None, str]]:
    return sorted(((misfit.key, misfit.code) for misfit in structure(Settings, given)[1]), key=str)


def test_a_mapping_that_fits_becomes_an_object() -> None:
    given = {"url": "x", "path": "/a", "tries": 1, "timeout_s": 2, "verify": False, "topics": ["a", "b"]}
    assert structure(Settings, given) == (Settings("x", Path("/a"), 1, 2.0, False, ("a", "b")), ())  # noqa: FBT003


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", 3),
        ("path", 3),
        ("tries", "3"),
        ("tries", True),
        ("tries", 3.0),
        ("timeout_s", "5"),
        ("timeout_s", True),
        ("verify", 1),
        ("verify", "yes"),
        ("topics", "abc"),
        ("topics", [1]),
    ],
)
def test_values_are_never_converted(key: str, value: object) -> None:
    assert told({"url": "x", key: value}) == [(key, "E-CFG-5")]


def test_an_unknown_key_hides_neither_a_wrong_value_nor_a_validator() -> None:
    given: dict[str, object] = {"url": "x", "tires": 2, "verify": "no", "tries": 0}
    assert told(given) == [("tires", "E-CFG-2"), ("verify", "E-CFG-5"), (None, "E-CFG-5")]


def test_an_object_without_its_wrong_keys_serves_later_checks() -> None:
    settings, misfits = structure(Settings, {"url": "x", "tires": 2, "verify": "no"})
    assert settings == Settings("x")
    assert len(misfits) == 2


def test_a_missing_required_key_leaves_no_object() -> None:
    settings, (misfit,) = structure(Settings, {"tries": 2})
    assert settings is None
    assert (misfit.key, misfit.code) == ("url", "E-CFG-4")
