"""The verb `explain-reading`: why a stored value is what it is."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import TextWrapper

import click

from gateway.catalog import Catalog
from gateway.cli.exits import Exit, invalid_input
from gateway.cli.explanation import Explanation, Facts, Opinion
from gateway.cli.output import Form, Output, cell, fail, output_options, printable, report
from gateway.errors import Finding, JournalError
from gateway.journal import Delivery, Provenance, read_provenance
from gateway.site.load import find_site_file, load_site
from gateway.site.model import Site, default_data_dir

COLUMNS = ("part", "fact", "value")
Row = tuple[str, str]

_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")
_OCTETS_A_LINE = 16
_WIDTH = 80
# What a meter has printed is never broken.
_PRINTS = frozenset({"raw", "text", "line", "octets", "value", "form"})


def reading_id(text: str) -> tuple[int, int]:
    """The visit with the ordinal that an ID names."""
    found = _ID.fullmatch(text)
    if found is None:
        raise click.BadParameter(f'"{text}" is no reading\'s ID, such as 812.4: `metergate readings` shows them')
    return int(found[1]), int(found[2])


@click.command(name="explain-reading")
@click.argument("wanted", metavar="ID", type=reading_id)
@click.option("--config", type=click.Path(), help="The site file whose journal, profiles and sinks are looked at.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The journal's directory itself.")
@output_options
def explain_reading(wanted: tuple[int, int], config: str | None, data_dir: Path | None, output: Output) -> None:
    """Tell where a stored reading comes from: its octets, check, layout, profile, verdict by layer, sinks.

    ID is the last column of `metergate readings`. Works while the gateway runs. Raw blocks are kept for 7 days; of an
    older reading everything else is told. Ends with 7 where the journal does not hold the reading (any more).

    \b
    Examples:
      metergate explain-reading 812.4 --config site.toml
      metergate explain-reading 812.4 --data-dir /var/lib/metergate --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    with invalid_input():
        site = None if data_dir is not None and config is None else load_site(find_site_file(config))[0]
        catalog = Catalog.collect() if site is None else Catalog.collect(site.plugins_allow, site.gateway.profiles)
    found = _found(wanted, data_dir or (site and site.gateway.data_dir) or default_data_dir(), site)
    explanation = Explanation.of(found, catalog, site)
    match output.form:
        case Form.TABLE:
            _print(explanation)
        case Form.JSON | Form.JSONL:
            indent = 1 if output.form is Form.JSON else None
            click.echo(json.dumps(explanation.as_json(), ensure_ascii=False, indent=indent))
        case Form.CSV | Form.RAW:
            facts = [(part, label, text) for part, rows in _parts(explanation) for label, text in rows]
            output.rows(COLUMNS, [dict(zip(COLUMNS, fact, strict=True)) for fact in facts])


def _found(wanted: tuple[int, int], data_dir: Path, site: Site | None) -> Provenance:
    sinks = () if site is None else [sink.name for sink in site.sinks]
    try:
        found = read_provenance(data_dir, *wanted, sinks)
    except JournalError as error:
        raise fail(error, "journal", Exit.NO_JOURNAL) from None
    if isinstance(found, Finding):
        report(found)
        raise click.exceptions.Exit(Exit.REFUSED)
    return found


def _print(explanation: Explanation) -> None:
    """Each part under its name, the facts of all parts aligned."""
    parts = list(_parts(explanation))
    width = max(len(label) for _, rows in parts for label, _ in rows)
    wrapper = TextWrapper(_WIDTH - width - 4, break_long_words=False, break_on_hyphens=False)
    for part, rows in parts:
        click.echo(part)
        for label, text in rows:
            shown = printable(text)
            lines = [shown] if label in _PRINTS else wrapper.wrap(shown)
            for n, line in enumerate(lines or [""]):
                click.echo(f"  {('' if n else label).ljust(width)}  {line}".rstrip())


def _parts(explanation: Explanation) -> Iterator[tuple[str, Sequence[Row]]]:
    """The explanation as labels with texts, part by part."""
    provenance = explanation.provenance
    yield "reading", [("id", provenance.id), *_rows(explanation.reading())]
    yield "wire", [*_rows({**explanation.wire(), "octets": None}), *_octets(explanation.octets)]
    yield "check", _rows(explanation.check())
    yield "layout", _rows(explanation.layout())
    yield "profile", _rows(explanation.statement.facts())
    yield "verdict", [*map(_opinion, explanation.opinions), *_rows(explanation.verdict())]
    yield "sinks", [(one.sink, _delivery(one)) for one in provenance.deliveries] or [("", "none is known here")]
    yield "events", [(one.kind.value, one.text) for one in provenance.events] or [("", "none at this moment")]


def _rows(facts: Facts) -> list[Row]:
    """One row a fact; what has nothing to tell is left out."""
    return [(label.replace("_", " "), _text(fact)) for label, fact in facts.items() if fact not in (None, "", {})]


def _text(fact: object) -> str:
    return ", ".join(f"{name} {cell(one)}" for name, one in fact.items()) if isinstance(fact, Mapping) else cell(fact)


def _octets(octets: bytes) -> list[Row]:
    lines = [octets[begin : begin + _OCTETS_A_LINE] for begin in range(0, len(octets), _OCTETS_A_LINE)]
    return [("" if n else "octets", line.hex(" ").upper()) for n, line in enumerate(lines)]


def _opinion(opinion: Opinion) -> Row:
    remarks = "; ".join(opinion.remarks) or "nothing to remark"
    return opinion.layer.value, remarks if opinion.word is None else f"{opinion.word}: {remarks}"


def _delivery(delivery: Delivery) -> str:
    if delivery.dead_letter is not None:
        return f"dead letter: {delivery.dead_letter}"
    return "taken" if delivery.before is None else f"waits, records before it: {delivery.before}"
