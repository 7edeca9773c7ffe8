"""What one round of visits prints, gathered where its form needs all of it."""

import json
from typing import assert_never

import click
from attrs import define, field

from gateway.cli.output import Form, Output, print_table
from gateway.cli.records import print_readout, print_record, print_signals, register_rows
from gateway.errors import Cause
from gateway.reading import Event, Gap, Readout, Record

COLUMNS = ("meter", "address", "title", "value", "unit", "quality", "reason")


@define
class Sheet:
    """Takes the records as they come; people get them at the end, programs at once.

    `is_bus`: there may be several meters; else the only readout is printed in full.
    """

    output: Output
    is_bus: bool
    wants_signals: bool = False
    readouts: list[Readout] = field(factory=list)
    ended: int = 0

    def take(self, record: Record) -> None:
        """A slot has ended; a gap was told by its message, an event is no slot."""
        match record:
            case Readout():
                self.ended += 1
                self.readouts.append(record)
                if self.is_bus and self.output.form is Form.JSONL:
                    print_record(record)
            case Gap(cause=cause):
                self.ended += cause is not Cause.CANCELLED
            case Event():
                pass
            case _:
                assert_never(record)

    def print(self) -> None:
        """All that has not been printed yet."""
        if self.wants_signals:
            for readout in self.readouts:
                print_signals(readout)
        elif not self.is_bus:
            for readout in self.readouts:
                print_readout(readout, self.output)
        elif self.output.form is Form.JSON:
            click.echo(json.dumps([readout.as_json() for readout in self.readouts], ensure_ascii=False, indent=1))
        elif self.output.form is Form.TABLE:
            print_table(COLUMNS, [row for readout in self.readouts for row in register_rows(readout)])
        elif self.output.form is not Form.JSONL:
            self.output.rows(COLUMNS, [row for readout in self.readouts for row in register_rows(readout)])
