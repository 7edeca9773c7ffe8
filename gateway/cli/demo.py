"""The verb `demo`: a simulated building, read by the gateway before your eyes."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import trio
from attrs import evolve

from gateway.app import App, Tally
from gateway.catalog import Catalog
from gateway.cli.exits import Exit, exit_of
from gateway.cli.output import Form, Output, output_options, report
from gateway.cli.records import print_record
from gateway.errors import Finding, JournalError
from gateway.reading import Readout, Record
from gateway.simulator import Fault, FaultRate, LineWish, Port, PtyPort, SimulatedLine, TcpPort, building, serve_line
from gateway.site.endpoint import endpoint_from_text
from gateway.site.locate import Locator
from gateway.site.model import GatewaySettings, LineSettings, MeterSettings, Site
from gateway.telemetry import Telemetry, configure

METERS_A_LINE = 20
TIME_SCALE = 10.0  # a building's round of a minute and a half is seen in some seconds
SCAN_RATE_MS = 200_000  # of the building's time
_NOISE = 0.25  # of the data messages on the noisy line
_ALIASES = ("riser-a", "riser-b", "garage")


@click.command()
@click.option("--rounds", type=click.IntRange(1), help="End after so many rounds; without it, on Ctrl-C.")
@click.option("--no-web", is_flag=True, help="Accepted for scripts: this version serves no status page.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Keep the journal there; else it is dropped at the end."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Equal seeds make equal buildings.")
@output_options
def demo(rounds: int | None, data_dir: Path | None, seed: int, output: Output, *, no_web: bool) -> None:
    """Read a simulated building: 60 meters on two pseudo-terminals and a TCP port, modes A, B and C.

    One meter is silent, one line is noisy, one clock is wrong. No hardware is needed; time runs ten times faster.
    Exit 3, because the silent meter stays silent.

    \b
    Examples:
      metergate demo
      metergate demo --rounds 2 --format jsonl
      metergate demo --rounds 1 --data-dir /tmp/demo; metergate readings --data-dir /tmp/demo
    """  # noqa: D301 - click's mark for lines that stay as they are
    del no_web
    with ExitStack() as stack:
        directory = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metergate-demo-")))
        records: list[Record] = []
        try:
            tally = trio.run(_run, rounds, directory, seed, output.form, records)
        except JournalError as error:
            report(error.finding("journal"))
            raise click.exceptions.Exit(Exit.NO_JOURNAL) from None
    if output.form in (Form.JSON, Form.CSV, Form.RAW):
        rows = [record.as_json() for record in records if isinstance(record, Readout)]
        output.rows(("meter", "serial", "read_at", "quality"), rows)
    raise click.exceptions.Exit(exit_of(tally))


async def _run(rounds: int | None, directory: Path, seed: int, form: Form, records: list[Record]) -> Tally:
    lines = tuple(map(_spared, building(_wishes(seed))))
    async with trio.open_nursery() as nursery:
        endpoints = [await nursery.start(serve_line, line) for line in lines]
        site = _site(lines, endpoints)
        telemetry, unheeded = configure(os.environ)
        with _stage(form, site, telemetry, records) as (watch, tell):
            for finding in unheeded:
                tell(finding)
            app = App(site, Catalog.collect(), (), telemetry, tell, rounds=rounds, watch=watch)
            tally = await app.run(directory)
        nursery.cancel_scope.cancel()
    _summarise(app, tally)
    return tally


def _wishes(seed: int) -> list[LineWish]:
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    faulty: tuple[tuple[Port, FaultRate], ...] = (
        (PtyPort(), FaultRate(Fault.SILENT)),
        (PtyPort(), FaultRate(Fault.NOISE, _NOISE)),
        (TcpPort(), FaultRate(Fault.CLOCK_WRONG)),
    )
    return [
        LineWish(port, start, METERS_A_LINE, faults=(fault,), time_scale=TIME_SCALE, is_live=True, seed=seed)
        for port, fault in faulty
    ]


def _spared(line: SimulatedLine) -> SimulatedLine:
    """Noise strikes only meters whose blocks carry a check: the others cannot be asked for a repeat."""
    plates = [
        plate
        if plate.framed
        else evolve(plate, faults={f: rate for f, rate in plate.faults.items() if f is not Fault.NOISE})
        for plate in line.plates
    ]
    return evolve(line, plates=tuple(plates))


def _site(lines: tuple[SimulatedLine, ...], endpoints: list[str]) -> Site:
    """The site file that an engineer would write for this building."""
    settings: list[LineSettings] = []
    meters: list[MeterSettings] = []
    for alias, line, endpoint in zip(_ALIASES, lines, endpoints, strict=True):
        far_end = endpoint_from_text(endpoint).endpoint
        settings.append(LineSettings(alias, far_end, baudrate=line.opening_speed, time_scale=TIME_SCALE))
        for plate in line.plates:
            number = len(meters) + 1
            meters.append(
                MeterSettings(f"flat{number:02}", alias, plate.serial, name=f"Flat {number}", scan_rate_ms=SCAN_RATE_MS)
            )
    return Site(Path(), GatewaySettings(name="demo"), tuple(settings), tuple(meters), (), None, Locator(""))


@contextmanager
def _stage(
    form: Form, site: Site, telemetry: Telemetry, records: list[Record]
) -> Iterator[tuple[Callable[[Record], None], Callable[[Finding], None]]]:
    """Where records and messages go: a live table for people, lines of JSON for programs."""
    if form is Form.TABLE:
        from gateway.cli.board import Board  # noqa: PLC0415 - rich is loaded only to be looked at

        board = Board(site, lambda alias: telemetry.line(alias).frame_errors.total())
        with board.shown():
            yield board.take, board.tell
    elif form is Form.JSONL:
        yield print_record, report
    else:
        yield records.append, report


def _summarise(app: App, tally: Tally) -> None:
    click.echo(f"{tally.delivered} readouts, {tally.gaps.total()} due slots without one", err=True)
    for line in app.site.lines:
        damaged = app.telemetry.line(line.alias).frame_errors.total()
        if damaged:
            click.echo(f"line {line.alias}: noisy; damaged messages, each asked for again: {damaged}", err=True)
