"""The serial numbers of a site file, which tell its meters apart."""

from collections.abc import Iterator, Mapping

from gateway.site.broken import Broken, Rule, broken_about, broken_at, listening_lines
from gateway.site.document import Document, Entry
from gateway.site.tables import MeterTable


def _by_line(document: Document) -> Mapping[str, list[tuple[Entry[MeterTable], MeterTable]]]:
    """The enabled meters of each line."""
    grouped: dict[str, list[tuple[Entry[MeterTable], MeterTable]]] = {}
    for meter in document.meters:
        if meter.table is not None and meter.table.enable:
            grouped.setdefault(meter.table.line, []).append((meter, meter.table))
    return grouped


def _wildcards(document: Document) -> Iterator[Broken]:
    listening = listening_lines(document)
    for alias, meters in _by_line(document).items():
        for meter, table in meters:
            if table.serialnumber == "" and len(meters) > 1:
                given = "empty" if meter.raw.get("serialnumber") == "" else "0"
                at_once = '"/?!" would be answered by all at once'
                trouble = "none could be told by its telegrams" if alias in listening else at_once
                shared = f"{alias} has {len(meters)} meters: {trouble}"
                what = f"serialnumber is {given} but {shared}"
                yield broken_about(meter, "serialnumber", "E-CFG-12", what, "the number on the meter's plate")


def _equal_serial_numbers(document: Document) -> Iterator[Broken]:
    advice = "one [[meter]] a meter; enable = false for the one that was removed"
    for meters in _by_line(document).values():
        first: dict[str, Entry[MeterTable]] = {}
        for meter, table in meters:
            number = table.serialnumber.lstrip("0")
            if table.serialnumber and number in first:
                other = f"that of meter {first[number].alias} on the same line (leading zeros do not count)"
                what = f'serialnumber "{table.serialnumber}" is {other}'
                yield broken_at(meter, "serialnumber", "E-CFG-13", what, advice)
            elif table.serialnumber:
                first[number] = meter


def _numbers_on_several_lines(document: Document) -> Iterator[Broken]:
    advice = "compare both with the plates; readings are kept apart by device_alias and line"
    first: dict[str, tuple[Entry[MeterTable], MeterTable]] = {}
    for meters in _by_line(document).values():
        for meter, table in meters:
            if table.serialnumber == "":
                continue
            other, earlier = first.setdefault(table.serialnumber.lstrip("0"), (meter, table))
            if earlier.line != table.line:
                same = f"that of meter {other.alias} on line {earlier.line} (leading zeros do not count)"
                what = f'serialnumber "{table.serialnumber}" is {same}'
                yield broken_at(meter, "serialnumber", "W-CFG-6", what, advice)


NUMBER_RULES: tuple[Rule, ...] = (_wildcards, _equal_serial_numbers, _numbers_on_several_lines)
