"""Every message code with its explanation, as `metergate explain` prints it."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from attrs import frozen


@frozen
class Explanation:
    """What a message code means, and what to do."""

    title: str
    meaning: str
    next: str


def _load() -> Mapping[str, Explanation]:
    text = resources.files("gateway").joinpath("codes.toml").read_text(encoding="utf-8")
    return MappingProxyType({code: Explanation(**entry) for code, entry in tomllib.loads(text).items()})


CODES = _load()
