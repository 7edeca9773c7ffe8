"""The verb `simulate`: simulated meters on pseudo-terminals or TCP ports."""

import json
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import anyio
import click
from attrs import evolve

from gateway.cli.exits import Exit, invalid_input
from gateway.cli.output import fail
from gateway.errors import LineError
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    OpenPort,
    Port,
    PtyPort,
    SimulatedLine,
    WireForm,
    building,
    load_building,
    open_port,
)
from gateway.simulator.tables import MOST_METERS
from gateway.simulator.terms import parse_port

T = TypeVar("T")
_USUAL_METERS = 4


class _Parsed(click.ParamType[object]):
    """An option's value that is read by a function of the simulator."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The value; a ValueError becomes a usage error."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _fault_lists() -> str:
    """Every fault in words, for the end of the help."""
    titles = {
        True: "Faults of single messages, the rate being the share that is hit (0.2 by default):",
        False: "Faults of meters, the rate being the share that has them (by default exactly one a line):",
    }
    lists = {
        of_messages: [f"  {fault:<16} {fault.about}" for fault in Fault if fault.strikes_messages is of_messages]
        for of_messages in titles
    }
    return "\n\n".join("\n".join(("\b", title, *lists[of_messages])) for of_messages, title in titles.items())


@click.command(epilog=_fault_lists())
@click.argument("building_file", metavar="[BUILDING.toml]", required=False, type=click.Path(path_type=Path))
@click.option("--meters", type=click.IntRange(1, MOST_METERS), help=f"Meters on each line; {_USUAL_METERS} by default.")
@click.option(
    "--line",
    "ports",
    multiple=True,
    type=_Parsed("port", parse_port),
    help="pty, or tcp:PORT (0: a free port); repeatable.",
)
@click.option("--seed", type=click.IntRange(0), help="Equal seeds make equal buildings; 1 by default.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=_Parsed("name[:rate]", FaultRate.parse),
    help="A fault of every line; repeatable.",
)
@click.option(
    "--time-scale", type=click.FloatRange(0.001, 1_000_000), help="Divides every time of the wire; 1 by default."
)
@click.option(
    "--wire",
    type=click.Choice([form.value for form in WireForm]),
    help="Even parity in bit 7 (default on a pty), or plain (on TCP).",
)
@click.option("--live", is_flag=True, help="Totals grow, clocks run; else values stand still.")
def simulate(
    building_file: Path | None,
    meters: int | None,
    ports: tuple[Port, ...],
    seed: int | None,
    faults: tuple[FaultRate, ...],
    time_scale: float | None,
    wire: str | None,
    live: bool,  # noqa: FBT001 - click passes options by name
) -> None:
    """Serve simulated meters until interrupted; print what they hold as one JSON line a line.

    \b
    Examples:
      metergate simulate
      metergate simulate --meters 8 --line tcp:4711 --line pty --fault noise:0.05
    """  # noqa: D301 - click looks for the control character
    given = {"--meters": meters, "--line": ports, "--fault": faults, "--wire": wire}
    if building_file is not None and (doubled := [name for name, value in given.items() if value]):
        raise click.UsageError(f"{doubled[0]} stands in BUILDING.toml when there is one")
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    if building_file is not None:
        wishes = _from_file(building_file, start)
    else:
        wishes = tuple(
            LineWish(port, start, meters or _USUAL_METERS, faults=faults, wire=WireForm(wire) if wire else None)
            for port in ports or (PtyPort(),)
        )
    lines = building([_overridden(wish, seed, time_scale, is_live=live) for wish in wishes])
    code = anyio.run(_serve, lines, backend="trio")
    raise click.exceptions.Exit(code)


def _overridden(wish: LineWish, seed: int | None, time_scale: float | None, *, is_live: bool) -> LineWish:
    return evolve(
        wish,
        seed=wish.seed if seed is None else seed,
        time_scale=time_scale or wish.time_scale,
        is_live=is_live or wish.is_live,
    )


def _from_file(path: Path, start: datetime) -> tuple[LineWish, ...]:
    with invalid_input():
        return load_building(path, start)


async def _serve(lines: Sequence[SimulatedLine]) -> int:
    """Serves until a signal comes; gives the exit code."""
    opened: list[OpenPort] = []
    try:
        for number, line in enumerate(lines, 1):
            try:
                opened.append(await open_port(line))
            except LineError as error:
                raise fail(error, f"line {number}", Exit.NO_LINE) from error
        return await _serve_opened(lines, opened)
    finally:
        with anyio.CancelScope(shield=True):
            for port in opened:
                await port.aclose()


async def _serve_opened(lines: Sequence[SimulatedLine], opened: Sequence[OpenPort]) -> int:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            for line, port in zip(lines, opened, strict=True):
                group.start_soon(port.serve, line.bus())
                click.echo(json.dumps(line.as_json(port.endpoint), ensure_ascii=False))
            async for received in signals:
                group.cancel_scope.cancel()
                return Exit.INTERRUPTED if received == signal.SIGINT else Exit.GOOD
    raise AssertionError("signals never end")
