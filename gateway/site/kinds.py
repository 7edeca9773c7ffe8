"""The kinds of values that keys of the site file take, each with its range."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=StrEnum)

WRONG_KIND, OUT_OF_RANGE, LATER = "E-CFG-5", "E-CFG-6", "E-CFG-15"
LONGEST_ALIAS = 64  # an alias becomes part of file names, which end at 255 octets


class Unfit(ValueError):
    """A value that a key does not take: the message's code, what is wrong, the next step."""

    def __init__(self, code: str, what: str, next_step: str | None = None) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.next_step = next_step


class Kind(Protocol[T_co]):
    """What one key takes."""

    def read(self, value: object) -> T_co:
        """The value as the gateway uses it; raises Unfit."""

    def schema(self) -> dict[str, object]:
        """The range as JSON Schema."""

    def __str__(self) -> str:
        """The range in a person's words."""


@frozen
class Text:
    """Text that matches a pattern; `shape` says the pattern in words, `example` is a good value."""

    shape: str = "text"
    pattern: str = r"[^\x00-\x1f\x7f]*"
    example: str | None = None

    def read(self, value: object) -> str:
        """The text as it stands."""
        if not isinstance(value, str):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, {self.shape} is wanted", quoted(value))
        if not re.fullmatch(self.pattern, value):
            advice = None if self.example is None else f"for example {self.example}"
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {self.shape} is wanted", advice)
        return value

    def schema(self) -> dict[str, object]:
        """A string with its pattern."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}

    def __str__(self) -> str:
        return self.shape


@frozen
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    unit: str = ""

    def read(self, value: object) -> int:
        """The number; text and booleans are no numbers."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unfit(
                WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a whole number is wanted", f"a number of {self}"
            )
        if not self.low <= value <= self.high:
            raise Unfit(OUT_OF_RANGE, f"{value} is outside its range", f"a number of {self}")
        return value

    def schema(self) -> dict[str, object]:
        """An integer with its limits."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def __str__(self) -> str:
        return f"{self.low}…{self.high} {self.unit}".strip()


@frozen
class Number:
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def read(self, value: object) -> float:
        """The number as a float; infinities and NaN are outside every range."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a number is wanted", f"a number of {self}")
        if not self.low <= value <= self.high:
            raise Unfit(OUT_OF_RANGE, f"{value} is outside its range", f"a number of {self}")
        return float(value)

    def schema(self) -> dict[str, object]:
        """A number with its limits."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}

    def __str__(self) -> str:
        return f"{self.low:.12g}…{self.high:.12g}"


class Sign(StrEnum):
    """Which numbers an exact one may be."""

    ANY = "a number"
    NOT_ZERO = "a number other than 0"
    POSITIVE = "a number above 0"


@frozen
class Exact:
    """A number that is kept exactly as it is written: in digits, or as text where a float would round it."""

    sign: Sign = Sign.ANY

    def read(self, value: object) -> Decimal:
        """The number; infinities, NaN, powers of ten and more than 18 digits on a side of the point are outside."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, {self.sign} is wanted", _EXACT)
        written = format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
        if not _PLAIN_NUMBER.fullmatch(written):
            code = WRONG_KIND if isinstance(value, str) else OUT_OF_RANGE
            raise Unfit(code, f"{shown(value)}: {self.sign} is wanted", _EXACT)
        number = Decimal(written.removesuffix(".0") if isinstance(value, float) else written)
        if (number == 0 and self.sign is not Sign.ANY) or (number < 0 and self.sign is Sign.POSITIVE):
            raise Unfit(OUT_OF_RANGE, f"{shown(value)} is not {self.sign}", _EXACT)
        return number

    def schema(self) -> dict[str, object]:
        """A number, or text of digits."""
        limits: dict[Sign, dict[str, object]] = {
            Sign.ANY: {},
            Sign.NOT_ZERO: {"not": {"const": 0}},
            Sign.POSITIVE: {"exclusiveMinimum": 0},
        }
        text = {"type": "string", "pattern": f"^(?:{_PLAIN_NUMBER.pattern})$"}
        return {"anyOf": [{"type": "number", **limits[self.sign]}, text]}

    def __str__(self) -> str:
        return f"{self.sign}, also as text"


_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_EXACT = 'digits with a point, such as 0.001 or "0.001"'


@frozen
class OrAuto(Generic[T]):
    """Another kind, or "auto", which reads as None."""

    other: Kind[T]

    def read(self, value: object) -> T | None:
        """None for "auto"."""
        return None if value == "auto" else self.other.read(value)

    def schema(self) -> dict[str, object]:
        """Either of both."""
        return {"anyOf": [{"const": "auto"}, self.other.schema()]}

    def __str__(self) -> str:
        return f'"auto" or {self.other}'


@frozen
class Choice(Generic[T]):
    """One of a few values, each with what it reads as.

    `later` are values that a later version serves (None: all others), `refused` tells why a value can never be served.
    """

    values: Mapping[str | int, T]
    later: tuple[str, ...] | None = ()
    refused: Mapping[int, str] = field(factory=dict)

    def read(self, value: object) -> T:
        """What the value stands for."""
        for written, meant in self.values.items():
            if type(value) is type(written) and value == written:
                return meant
        if self.later is None or value in self.later:
            raise Unfit(LATER, f"{shown(value)} is not in this version", f"this version serves {self}")
        if isinstance(value, int) and value in self.refused:
            raise Unfit("E-CFG-16", f"{value} is not possible: {self.refused[value]}", f"one of {self}")
        # The number that looks most alike is no likelier than the others.
        known = () if str(value).isdigit() else map(str, self.values)
        advice = did_you_mean(str(value), known, "choose one of them")
        raise Unfit(OUT_OF_RANGE, f"{shown(value)} is none of {self}", advice)

    def schema(self) -> dict[str, object]:
        """The values that this version serves."""
        return {"enum": list(self.values)}

    def __str__(self) -> str:
        return ", ".join(map(shown, self.values))


@frozen
class Switch:
    """true or false; 1 and 0 mean the same."""

    def read(self, value: object) -> bool:
        """The truth of it."""
        if not isinstance(value, int) or value not in (0, 1):
            raise Unfit(WRONG_KIND, f"{shown(value)}: true or false is wanted", "true or 1, false or 0")
        return bool(value)

    def schema(self) -> dict[str, object]:
        """A boolean, or 0 or 1."""
        return {"enum": [True, False, 0, 1]}

    def __str__(self) -> str:
        return "true, false, 1, 0"


@frozen
class Texts:
    """A list of texts."""

    def read(self, value: object) -> tuple[str, ...]:
        """The texts in their order."""
        if not isinstance(value, list):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a list of texts is wanted")
        return tuple(NAME.read(element) for element in value)

    def schema(self) -> dict[str, object]:
        """An array of strings."""
        return {"type": "array", "items": NAME.schema()}

    def __str__(self) -> str:
        return "a list of texts"


ALIAS = Text(f"letters, digits, - and _ (1 to {LONGEST_ALIAS})", rf"[A-Za-z0-9_-]{{1,{LONGEST_ALIAS}}}", '"flat-01"')
NAME = Text("text that is not empty", r"[^\x00-\x1f\x7f]+")


def one_of(values: type[E]) -> Choice[E]:
    """The choice among the values of an enumeration."""
    return Choice({member.value: member for member in values})


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The advice that names the known word most like this one, or the other advice where none is like it."""
    folded = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), folded, n=1)
    return f'did you mean "{folded[found[0]]}"?' if found else otherwise


def kind_name(value: object) -> str:
    """The kind of a TOML value in words."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def shown(value: object) -> str:
    """A value as TOML writes it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 60


def quoted(value: object) -> str | None:
    """The advice to write a number as text; None for other values."""
    return f'in quotes: "{value}"' if isinstance(value, int | float) and not isinstance(value, bool) else None
