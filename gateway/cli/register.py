"""The verb `register`: what a meter holds or does register by register, in its programming mode."""

import click

from gateway.cli.errand import ASKING, change_options, changed, check_permitted, exit_of_readings, readout_of
from gateway.cli.output import Form, Output, output_options, print_table
from gateway.cli.target import Target, target_options, timeout_option
from gateway.job import ExecuteCommand, ReadRegisters, WriteRegister
from gateway.reading import Quality, Reading, value_text
from gateway.work import Terms

COLUMNS = ("register", "raw", "value", "unit", "quality")
TABLE_COLUMNS = ("register", "title", "value", "unit", "quality", "reason")


@click.group()
def register() -> None:
    """Read, write or execute single registers of a meter.

    \b
    Examples:
      metergate register get /dev/ttyUSB0 1.8.0 0.9.1
      metergate register set flat01 0.2.1 7 --yes
      metergate register execute flat01 demand-reset --yes
    """  # noqa: D301 - click's mark for lines that stay as they are


@register.command()
@target_options
@click.argument("registers", metavar="REGISTER…", nargs=-1, required=True)
@timeout_option
@output_options
def get(target: Target, registers: tuple[str, ...], timeout: float | None, output: Output) -> None:
    """Read single registers, by their addresses as the meter prints them or by the names of its profile.

    A register that the meter refuses is bad, with the meter's words; the others are printed all the same (exit 7).

    \b
    Examples:
      metergate register get /dev/ttyUSB0 1.8.0 C.7.0
      metergate register get 'tcp://10.20.0.5:4001?baud=9600' 0.2.0 --serial 01234567 --password env:METER
      metergate register get flat01 1.8.0 --json
    """  # noqa: D301 - click's mark for lines that stay as they are
    readout = readout_of(target, ReadRegisters(registers), ASKING, timeout)
    if output.form is Form.TABLE:
        print_table(TABLE_COLUMNS, [_row_for_a_person(reading) for reading in readout.readings])
    else:
        output.rows(COLUMNS, [_row(reading) for reading in readout.readings])
    raise click.exceptions.Exit(exit_of_readings(readout))


@register.command(name="set")
@target_options
@click.argument("address", metavar="REGISTER")
@click.argument("value")
@change_options
@timeout_option
@output_options
def set_register(target: Target, address: str, value: str, terms: Terms, timeout: float | None, output: Output) -> None:
    """Write one register, once, then read it back.

    Needs [access] allow_write = true in the site file, or --allow-write without one; and --yes. VALUE is written as the
    meter prints it, without brackets. What was done stands in the journal as an event.

    \b
    Examples:
      metergate register set flat01 0.2.1 7 --yes
      metergate register set /dev/ttyUSB0 0.2.1 7 --password env:METER --allow-write --yes
    """  # noqa: D301 - click's mark for lines that stay as they are
    check_permitted(target, terms, address)
    changed(target, WriteRegister(address, value), terms, output, timeout)


@register.command()
@target_options
@click.argument("code")
@change_options
@timeout_option
@output_options
def execute(target: Target, code: str, terms: Terms, timeout: float | None, output: Output) -> None:
    """Execute a command, once: by its name in the profile, or by its code.

    The registers that the command changes are read before and after it. --allow-write and --yes as with `set`.

    \b
    Examples:
      metergate register execute flat01 demand-reset --yes
      metergate register execute flat01 '1.6.0()' --yes
    """  # noqa: D301 - click's mark for lines that stay as they are
    check_permitted(target, terms, code)
    changed(target, ExecuteCommand(code), terms, output, timeout)


def _row(reading: Reading) -> dict[str, object]:
    """One line a register; the reason stands there where the value is in doubt."""
    row: dict[str, object] = {
        "register": reading.address,
        "raw": reading.raw,
        "value": value_text(reading.value),
        "unit": reading.unit,
        "quality": reading.quality.value,
    }
    return row if reading.quality is Quality.GOOD else {**row, "reason": reading.reason}


def _row_for_a_person(reading: Reading) -> dict[str, object]:
    return {**_row(reading), "title": reading.title}
