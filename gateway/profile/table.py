"""A table of a profile's TOML text, read key by key with every finding noted."""

import difflib
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.errors import Finding
from gateway.site.locate import Locator, Place

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_TYPE_NAMES = {str: "text", int: "a whole number", list: "a list", dict: "a table", bool: "true or false"}


class Table:
    """Takes keys out of one TOML table; what is wrong goes to `findings`, and reading goes on."""

    def __init__(self, content: Mapping[str, object], place: Place, locator: Locator, findings: list[Finding]) -> None:
        self._content = dict(content)
        self._place = place
        self._locator = locator
        self._findings = findings
        self._asked: list[str] = []

    def find(self, code: str, what: str, next_step: str | None = None, key: str | None = None) -> None:
        """Notes a finding at a key, or at the table itself."""
        place = self._place if key is None else (*self._place, key)
        self._findings.append(Finding(code, self._locator.where(place), what, next_step))

    def has(self, key: str) -> bool:
        """True where the table names the key."""
        return key in self._content

    def take(self, key: str, kind: type[T], default: T) -> T:
        """The value of a key; the default where it is missing or of another type, the latter with a finding."""
        self._asked.append(key)
        if key not in self._content:
            return default
        value = self._content.pop(key)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.find("E-PRO-3", f"{key} = {value!r} is not {_TYPE_NAMES.get(kind, kind.__name__)}", key=key)
        return default

    def require(self, key: str, kind: type[T], default: T) -> T:
        """The value of a key that must be there."""
        if key not in self._content:
            self.find("E-PRO-4", f'the key "{key}" is missing')
        return self.take(key, kind, default)

    def number(self, key: str, default: int | None, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`."""
        if key not in self._content:
            self._asked.append(key)
            return default
        value = self.take(key, int, low)
        if not low <= value <= high:
            self.find("E-PRO-3", f"{key} = {value} is not from {low} to {high}", key=key)
        return value

    def real(self, key: str, default: float, low: float, high: float) -> float:
        """A number from `low` to `high`, whole or with decimals."""
        self._asked.append(key)
        value = self._content.pop(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            self.find("E-PRO-3", f"{key} = {value!r} is not a number from {low:g} to {high:g}", key=key)
            return default
        return float(value)

    def choice(self, key: str, kind: type[E]) -> E | None:
        """One word of an enumeration; None where the key is missing."""
        words = {member.value: member for member in kind}
        word = self.take(key, str, "")
        if word and word not in words:
            self.find("E-PRO-3", f'{key} = "{word}" is none of {", ".join(words)}', key=key)
        return words.get(word)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(key, list, [])
        if not all(isinstance(value, str) for value in values):
            self.find("E-PRO-3", f"{key} is not a list of texts", key=key)
            return ()
        return tuple(values)

    def table(self, key: str) -> "Table":
        """A table within this one; empty where it is missing."""
        return Table(self.take(key, dict, {}), (*self._place, key), self._locator, self._findings)

    def tables(self, key: str) -> tuple["Table", ...]:
        """A list of tables."""
        values = self.take(key, list, [])
        if not all(isinstance(value, dict) for value in values):
            self.find("E-PRO-3", f"{key} is not a list of tables", key=key)
            return ()
        places = ((*self._place, key, n) for n in range(len(values)))
        return tuple(
            Table(value, place, self._locator, self._findings) for value, place in zip(values, places, strict=True)
        )

    def rest(self) -> Mapping[str, object]:
        """All that was not taken yet; it counts as taken."""
        rest, self._content = self._content, {}
        return rest

    def close(self) -> None:
        """Notes every key that nobody asked for, with the nearest known name."""
        for key in self._content:
            near = difflib.get_close_matches(key, self._asked, 1)
            self.find("E-PRO-2", f'unknown key "{key}"', f'did you mean "{near[0]}"?' if near else None, key)
