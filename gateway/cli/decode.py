"""The verb `decode`: what captured bytes say, offline."""

import json
from collections.abc import Iterator, Mapping, Sequence

import click
from attrs import define, field, frozen

from gateway.catalog import Catalog
from gateway.cli.exits import Exit, invalid_input
from gateway.cli.hexdump import NotHexadecimal, octets_of
from gateway.cli.output import Form, Output, output_options, print_table, printable, report
from gateway.errors import Finding, Garbled
from gateway.profile import GENERIC, MeterProfile
from gateway.protocol.characters import BlockCheck, Mode
from gateway.protocol.check import Check
from gateway.protocol.messages import Identification
from gateway.protocol.recording import Recording, recording
from gateway.protocol.telegram import Telegram
from gateway.reading import Quality, Reading, local_text, value_text

COLUMNS = ("address", "obis", "name", "value", "unit", "time", "quality", "reason")
CSV_COLUMNS = ("file", "identification", "check", *COLUMNS)

Row = Mapping[str, object]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--hex", "is_hex", is_flag=True, help="The files are hex dumps.")
@click.option("--profile", "model", metavar="ID", help="The profile to decode with; default: by the identification.")
@output_options
def decode(files: tuple[str, ...], model: str | None, output: Output, *, is_hex: bool) -> None:
    """Decode captured bytes: readouts, exchanges, pushed telegrams.

    FILE "-" is standard input. Exit 5: a check does not fit, or nothing was understood.

    \b
    Examples:
      metergate decode capture.bin
      metergate decode --hex dump.txt --json
      xxd -r -p dump.txt | metergate decode -
    """  # noqa: D301 - click's mark for lines that stay as they are
    profiles = _profiles(model)
    unreadable = False
    decoded = []
    for file in files:
        try:
            decoded.append(Decoded(file, recording(_octets(file, is_hex=is_hex), profiles.check), profiles))
        except (OSError, NotHexadecimal) as error:
            unreadable = True
            report(_unreadable(file, error))
    _print(decoded, output, is_one=len(files) == 1)
    not_understood = [one for one in decoded if not _is_understood(one)]
    if unreadable:
        raise click.exceptions.Exit(Exit.USAGE)
    if not_understood:
        raise click.exceptions.Exit(Exit.NOT_UNDERSTOOD)


@frozen
class Profiles:
    """Chooses the profile of an identification, unless the user has chosen."""

    catalog: Catalog
    chosen: MeterProfile | None

    def of(self, identification: Identification | None) -> MeterProfile:
        """The user's choice, else that of the catalog; the generic one without an identification."""
        if self.chosen is not None:
            return self.chosen
        return self.catalog.profile(GENERIC) if identification is None else self.catalog.choose(identification)

    def check(self, identification: Identification | None) -> BlockCheck | None:
        """How blocks are checked; the generic profile leaves that to the telegram."""
        profile = self.of(identification)
        return None if profile.id == GENERIC else profile.check


def _profiles(model: str | None) -> Profiles:
    with invalid_input():
        catalog = Catalog.collect()
        return Profiles(catalog, None if model is None else catalog.profile(model))


def _octets(file: str, *, is_hex: bool) -> bytes:
    """The octets of a file or of standard input; raises OSError, NotHexadecimal."""
    with click.open_file(file, "rb") as stream:
        octets: bytes = stream.read()
    return octets_of(octets.decode("latin-1")) if is_hex else octets


def _unreadable(file: str, error: OSError | NotHexadecimal) -> Finding:
    if isinstance(error, NotHexadecimal):
        return Finding("E-DEC-3", file, str(error), "leave out --hex for a file of plain octets")
    return Finding("E-DEC-1", file, f"cannot be read: {error.strerror or error}")


@define
class Decoded:
    """What one file holds; the telegrams that are too large to read are told in `diagnostics`."""

    file: str
    recorded: Recording
    profiles: Profiles
    diagnostics: list[str] = field(init=False)
    telegrams: list[dict[str, object]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.diagnostics = list(self.recorded.diagnostics)
        self.telegrams = [self._telegram(telegram) for telegram in self.recorded.telegrams]

    def as_json(self) -> dict[str, object]:
        """The object that programs get."""
        return {"file": self.file, "telegrams": self.telegrams, "diagnostics": self.diagnostics}

    def _telegram(self, telegram: Telegram) -> dict[str, object]:
        profile = self.profiles.of(telegram.identification)
        return {
            "identification": _identification(telegram, profile),
            "profile": profile.id,
            "check": {
                "kind": telegram.check.kind.value,
                "sent": telegram.check.sent_text,
                "computed": telegram.check.computed_text,
                "ok": telegram.check.ok,
            },
            "values": self._values(telegram, profile),
        }

    def _values(self, telegram: Telegram, profile: MeterProfile) -> list[dict[str, object]]:
        try:
            sets, lines = telegram.sets, telegram.text_lines
        except Garbled as error:
            self.diagnostics.append(error.what)
            return []
        self.diagnostics += [f"a line without data set left out: {line}" for line in lines]
        readings = profile.interpret(sets, (), self.profiles.catalog.decoders)
        return [_value(data_set.raw, reading, telegram) for data_set, reading in zip(sets, readings, strict=True)]


def _identification(telegram: Telegram, profile: MeterProfile) -> dict[str, object] | None:
    identification = telegram.identification
    if identification is None:
        return None
    mode = Mode.D if telegram.is_pushed else profile.mode or identification.mode
    return {
        "manufacturer": identification.manufacturer,
        "baud": identification.baud,
        "escapes": list(identification.escapes),
        "text": identification.text,
        "raw": identification.raw,
        "mode": mode.value,
    }


def _value(raw: Sequence[str], reading: Reading, telegram: Telegram) -> dict[str, object]:
    quality, reason = _quality(reading, telegram.check, telegram.doubt)
    return {
        "address": reading.address,
        "obis": reading.obis,
        "name": reading.title,
        "raw": list(raw),
        "value": value_text(reading.value),
        "unit": reading.unit,
        "time": local_text(reading.time),
        "quality": quality.value,
        "reason": reason,
    }


def _quality(reading: Reading, check: Check, doubt: str | None) -> tuple[Quality, str | None]:
    """How far a reading can be trusted, its telegram's check and end considered."""
    if check.ok is False:
        return Quality.BAD, "; ".join(filter(None, (str(check), reading.reason)))
    if check.is_guessed:
        doubt = "the sum check fits, but no profile says that it is used"
    if doubt is not None and reading.quality is Quality.GOOD:
        return Quality.SUSPECT, doubt
    return reading.quality, reading.reason


def _is_understood(decoded: Decoded) -> bool:
    """Something was read, no check is wrong; what is not so is reported."""
    telegrams = decoded.recorded.telegrams
    wrong = [telegram.check for telegram in telegrams if telegram.check.ok is False]
    if not telegrams:
        next_step = "--hex if this is a hex dump, else look at the line's speed and parity when it was recorded"
        report(Finding("E-DEC-2", decoded.file, "no telegram was found", next_step))
    if wrong:
        remedy = f"it would fit with {wrong[0].remedy}" if wrong[0].remedy else None
        what = f"{len(wrong)} of {len(telegrams)} telegrams with a wrong check: {wrong[0]}"
        report(Finding("E-DEC-4", decoded.file, what, remedy))
    return bool(telegrams) and not wrong


def _print(decoded: Sequence[Decoded], output: Output, *, is_one: bool) -> None:
    match output.form:
        case Form.JSON:
            documents = [one.as_json() for one in decoded]
            if documents or not is_one:
                click.echo(json.dumps(documents[0] if is_one else documents, ensure_ascii=False, indent=1))
        case Form.JSONL:
            output.rows((), [one.as_json() for one in decoded])
        case _:
            _print_values(decoded, output, is_one=is_one)


def _print_values(decoded: Sequence[Decoded], output: Output, *, is_one: bool) -> None:
    """The forms that hold values only; the diagnostics become messages."""
    if output.form is Form.CSV:
        output.rows(CSV_COLUMNS, [row for one in decoded for row in _rows(one)])
    for one in decoded:
        if output.form is Form.TABLE:
            _print_tables(one, with_file=not is_one)
        if output.form is Form.RAW:
            for telegram in one.recorded.telegrams:
                click.echo(telegram.body.decode("latin-1").rstrip("\r\n"))
        for diagnostic in one.diagnostics:
            report(Finding("W-DEC-1", one.file, diagnostic))


def _rows(decoded: Decoded) -> Iterator[Row]:
    """One row a value, with its telegram beside it."""
    for telegram, shown in zip(decoded.recorded.telegrams, decoded.telegrams, strict=True):
        identification = telegram.identification and telegram.identification.raw
        head = {"file": decoded.file, "identification": identification, "check": _verdict(telegram.check)}
        yield from ({**head, **value} for value in _values_of(shown))


def _values_of(shown: Mapping[str, object]) -> list[dict[str, object]]:
    values = shown["values"]
    return values if isinstance(values, list) else []


def _print_tables(decoded: Decoded, *, with_file: bool) -> None:
    if with_file:
        click.echo(f"== {decoded.file}")
    for telegram, shown in zip(decoded.recorded.telegrams, decoded.telegrams, strict=True):
        raw = "no identification" if telegram.identification is None else telegram.identification.raw
        click.echo(printable(f"{raw}  (profile {shown['profile']})"))
        click.echo(_verdict(telegram.check))
        if values := _values_of(shown):
            print_table(_filled(values), values)
        click.echo()


def _filled(values: Sequence[Row]) -> list[str]:
    """The columns that say something; quality is silent where all is good."""
    usual = {None, Quality.GOOD.value}
    needed = COLUMNS[:5]
    return [column for column in COLUMNS if column in needed or any(value[column] not in usual for value in values)]


def _verdict(check: Check) -> str:
    match check.ok:
        case None:
            return "no check"
        case True:
            return f"{check.kind.value} check {check.sent_text} fits"
        case False:
            return f"wrong {check.kind.value} check: sent {check.sent_text}, computed {check.computed_text}"
