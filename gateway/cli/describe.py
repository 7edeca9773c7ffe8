"""The verb `describe`: what a meter is, what it holds, who may read it."""

import json

import click
import trio
from attrs import evolve, frozen

from gateway.app import App, Tally
from gateway.cli.exits import Exit, exit_of, invalid_input
from gateway.cli.output import Form, Output, cell, output_options, print_table, report
from gateway.cli.profile import print_groups
from gateway.cli.target import Target, target_options, timeout_option
from gateway.errors import DecodeError, Finding
from gateway.failure import where
from gateway.obis import parse_obis
from gateway.profile import MeterProfile, access_groups
from gateway.profile.stored import flag_names
from gateway.reading import Reading, Readout, Record, Register, local_text, reading_as_json, utc_text

REGISTER_COLUMNS = ("address", "name", "title", "value", "unit", "access", "write_access")
# The first numbers of C.D.E (protocol.md 8), the likelier ones in front.
_FIRMWARE, _RATIOS, _ERRORS, _DEVICE_NUMBERS = (0, 2, 0), (0, 4), ((97, 97),), ((0, 0, 0), (96, 1))


@click.command()
@target_options
@timeout_option
@output_options
def describe(target: Target, timeout: float | None, output: Output) -> None:
    """Tell what a meter is: maker, model, firmware, clock, errors, all its registers with their access groups.

    It is read out once; nothing is stored, no password is sent. Groups: no-security wants nothing, low-security a
    password, high-security an answer to the meter's challenge; calibration lies behind a sealed switch.

    \b
    Examples:
      metergate describe /dev/ttyUSB0
      metergate describe flat01 --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    with invalid_input():
        app = target.app()
    readout = _read(app, target, float("inf") if timeout is None else timeout)
    description = Description(readout, app.catalog.profile(readout.profile.partition("@")[0]))
    match output.form:
        case Form.TABLE:
            _print(description)
        case Form.JSON | Form.JSONL:
            indent = 1 if output.form is Form.JSON else None
            click.echo(json.dumps(description.as_json(), ensure_ascii=False, indent=indent))
        case Form.CSV | Form.RAW:
            output.rows(REGISTER_COLUMNS, description.registers())


@frozen
class Description:
    """A readout seen with the profile of its meter."""

    readout: Readout
    profile: MeterProfile

    def facts(self) -> dict[str, object]:
        """What the meter is, each fact None where it prints none."""
        readout = self.readout
        return {
            "meter": readout.visit.meter,
            "serial": readout.visit.serial or _raw(self._first(*_DEVICE_NUMBERS)),
            "manufacturer": readout.manufacturer,
            "maker": self.profile.maker,
            "model": readout.model,
            "identification": readout.identification,
            "profile": readout.profile,
            "title": self.profile.title,
            "firmware": _raw(self._first(_FIRMWARE)),
            "meter_time": local_text(readout.meter_time),
            "read_at": utc_text(readout.read_at),
            "drift_s": readout.clock_drift_s,
            "error_register": _raw(error := self._first(*_ERRORS)),
            "errors": None if error is None else _errors(error),
        }

    def ratios(self) -> dict[str, object]:
        """The ratios and constants (0.4.x) that the meter prints, by address."""
        return {reading.address: reading.raw for reading in self.readout.readings if _begins(reading, _RATIOS)}

    def registers(self) -> list[dict[str, object]]:
        """Each register that the meter prints, then those of its profile that it does not, with their groups."""
        listed = {spelling: one for one in self.profile.registers for spelling in (one.address, *one.aliases)}
        printed = {reading.address for reading in self.readout.readings}
        rows = [self._row(reading, listed.get(reading.address)) for reading in self.readout.readings]
        rest = [one for one in self.profile.registers if not printed & {one.address, *one.aliases}]
        return [*rows, *(self._row(None, one) for one in rest)]

    def as_json(self) -> dict[str, object]:
        """The whole description, as programs get it."""
        mode = self.profile.programming
        return {
            **self.facts(),
            "ratios": self.ratios(),
            "tables": dict(mode.tables),
            "registers": self.registers(),
            "groups": [group.as_json() for group in access_groups(self.profile)],
        }

    def _row(self, reading: Reading | None, known: Register | None) -> dict[str, object]:
        mode = self.profile.programming
        said = {} if reading is None else reading_as_json(reading)
        address = reading.address if reading is not None else "" if known is None else known.address
        return {
            "address": address,
            "name": known and known.name,
            "title": (reading and reading.title) or (known and known.title),
            **{key: said.get(key) for key in ("obis", "value", "unit", "raw", "quality", "reason")},
            "access": ((known and known.access) or mode.reads).value,
            "write_access": ((known and known.write_access) or mode.writes).value,
        }

    def _first(self, *codes: tuple[int, ...]) -> Reading | None:
        return next((one for code in codes for one in self.readout.readings if _begins(one, code)), None)


def _begins(reading: Reading, code: tuple[int, ...]) -> bool:
    """True for a present value whose C.D.E begin so."""
    obis = parse_obis(reading.obis) if reading.obis else None
    return obis is not None and obis.is_present and obis.core[: len(code)] == code


def _raw(reading: Reading | None) -> str | None:
    return None if reading is None else reading.raw


def _errors(reading: Reading) -> list[str]:
    """The errors that the error register tells: by the profile's names, else by the number of their bits."""
    if isinstance(reading.value, frozenset):
        return sorted(reading.value)
    try:
        return list(flag_names(reading.raw, {}))
    except DecodeError:
        return [reading.raw]


def _print(description: Description) -> None:
    facts = description.facts()
    errors = facts.pop("errors")
    shown = {**facts, "errors": ", ".join(errors) or "none" if isinstance(errors, list) else None}
    shown |= {f"ratio {address}": value for address, value in description.ratios().items()}
    print_table(("fact", "value"), [{"fact": key, "value": cell(value)} for key, value in shown.items() if cell(value)])
    click.echo()
    print_table(REGISTER_COLUMNS, description.registers())
    print_groups(access_groups(description.profile))


def _read(app: App, target: Target, limit: float) -> Readout:
    """The readout of the only meter; anything else ends the command with its message."""
    records = list[Record]()
    tally: Tally = trio.run(evolve(app, watch=records.append).rehearse, limit)
    app.telemetry.shutdown()
    for record in records:
        if isinstance(record, Readout):
            return record
    code = exit_of(tally)
    if code is Exit.GOOD and tally.interrupted_by is None:
        report(Finding("W-READ-12", where(target.meter), "the time was up before the meter had answered"))
        code = Exit.NO_ANSWER
    raise click.exceptions.Exit(code)
