"""A rule of the site file that does not hold."""

from collections.abc import Callable, Iterator, Mapping

from attrs import AttrsInstance, frozen

from gateway.site.document import Document, Entry
from gateway.site.locate import Place
from gateway.site.model import Push
from gateway.site.structure import Misfit
from gateway.site.tables import LineTable


@frozen
class Broken:
    """A rule that does not hold: where, for what, how."""

    place: Place
    title: str
    misfit: Misfit


Rule = Callable[[Document], Iterator[Broken]]


def broken_at(entry: Entry[AttrsInstance], key: str | None, code: str, what: str, advice: str | None) -> Broken:
    """A rule that does not hold for one table, told as `[[line]] riser-a` at one of its keys."""
    return Broken(entry.place_of(key), entry.title, Misfit(key, code, what, advice))


def broken_about(entry: Entry[AttrsInstance], key: str, code: str, what: str, advice: str | None) -> Broken:
    """The same, told as `line riser-a`."""
    return Broken(entry.place_of(key), entry.subject, Misfit(key, code, what, advice))


def listening_lines(document: Document) -> Mapping[str, LineTable]:
    """The lines that only listen, by their alias."""
    tables = [line.table for line in document.lines if line.table is not None]
    return {table.alias: table for table in tables if table.push is not Push.NONE}
