"""From a key of a TOML text to the line on which it stands."""

import re
from collections.abc import Iterator, Mapping

from attrs import field, frozen

Place = tuple[str | int, ...]

_KEY = re.compile(r"""[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*""")
_SKIPPED = re.compile(
    r"""(?P<text>\"{3}(?:\\.|(?!\"{3})[\s\S])*\"{3,5}|'{3}(?:(?!'{3})[\s\S])*'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<remark>\#[^\n]*)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<end>\n)|(?P<other>[^"'\#\[\]{}\n]+)"""
)


@frozen
class Locator:
    """Knows on which line of a file each table and key stands; a list element counts from 0 in its place."""

    file: str
    lines: Mapping[Place, int] = field(factory=dict, repr=False)

    def line_of(self, place: Place) -> int:
        """The line of that key, or of the innermost table around it; 1 where nothing is known."""
        return next((self.lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self.lines), 1)

    def where(self, place: Place) -> str:
        """File and line as editors and terminals understand them: `metergate.toml:22`."""
        return f"{self.file}:{self.line_of(place)}"


def locate(file: str, text: str) -> Locator:
    """The locator of a TOML text that is known to be valid."""
    lines: dict[Place, int] = {}
    lengths: dict[Place, int] = {}
    table: Place = ()
    for number, statement in _statements(text):
        header = re.match(r"\[\[?", statement)
        names = _names(statement[header.end() :] if header else statement)
        if header is None:
            place = _inside(table, names, lengths)
        else:
            place = table = _inside((), names, lengths)
            if header.group() == "[[":
                lengths[place] = lengths.get(place, 0) + 1
                lines.setdefault(place, number)
                place = table = (*place, lengths[place] - 1)
        lines.setdefault(place, number)
    return Locator(file, lines)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header or key with its value, with the number of its first line."""
    position, number = 0, 1
    while position < len(text):
        start, depth = position, 0
        for part in _SKIPPED.finditer(text, position):
            position = part.end()
            depth += (part.lastgroup == "open") - (part.lastgroup == "close")
            if part.lastgroup == "end" and depth <= 0:
                break
        statement = text[start:position]
        if statement.strip() and not statement.lstrip().startswith("#"):
            yield number, statement.lstrip()
        number += statement.count("\n")


def _names(statement: str) -> list[str]:
    """The dotted key at the start of a statement."""
    names: list[str] = []
    position = 0
    while found := _KEY.match(statement, position):
        names.append(found.group(1).strip("\"'"))
        position = found.end()
        if statement[position : position + 1] != ".":
            break
        position += 1
    return names


def _inside(table: Place, names: list[str], lengths: Mapping[Place, int]) -> Place:
    """The place of a dotted key: a name of a list of tables means its last element."""
    place = table
    for n, name in enumerate(names):
        place = (*place, name)
        if n < len(names) - 1 and place in lengths:
            place = (*place, lengths[place] - 1)
    return place
