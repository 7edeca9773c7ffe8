"""Megabytes of data messages a second of processor time, beside a peer on the same bytes.

Sixty meters with eight readouts of 120 registers: a layout stands still, its digits vary, every check is verified.
The contestants alternate; a figure is the median of the rounds, a ratio the median of the ratios within a round.
"""

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import median

from attrs import frozen

from benchmarks.table import Figure
from gateway.protocol import parse
from gateway.protocol.characters import XOR
from gateway.protocol.datablock import BlockParser, Layout, parse_block
from gateway.protocol.messages import DataBlock, encode

METERS, READOUTS, REGISTERS, ROUNDS = 60, 8, 120, 7
SEED = 62056
SECONDS_A_ROUND = 0.15
PEER = "PyPI iec62056-21"
FINDALL = "re.findall"
EAGER, LAZY, FIRST = "all checks, every value a str", "all checks, one value on demand", "first contact"
GOALS = ((EAGER, PEER, 30), (EAGER, FINDALL, 1.9), (LAZY, FINDALL, 6), (FIRST, PEER, 6))

# Address, value and unit, as the peer gives them.
_DATA_SET = re.compile(rb"([^()\r\n]*)\(([^()*]*)(?:\*([^()]*))?\)")


@frozen
class Frame:
    """One data message from STX to its block check, with the layout of its meter."""

    octets: bytes
    layout: Layout


Contestant = Callable[[Sequence[Frame]], None]


def figures() -> Iterable[Figure]:
    """The speeds, then their ratios beside the goals."""
    frames = data()
    contestants: dict[str, Contestant] = {EAGER: eager, LAZY: on_demand, FIRST: first_contact, FINDALL: findall}
    peer = peer_of_the_index()
    if peer is not None:
        contestants[PEER] = peer
    speeds = measure(frames, contestants)
    for name, rounds in speeds.items():
        yield Figure(f"parser: {name}", median(rounds), "MB/s")
    if peer is None:
        yield Figure(f"parser: {PEER}", None, remark="not installed: pip install iec62056-21")
    for name, other, goal in GOALS:
        yield Figure(f"parser: {name} / {other}", ratio(speeds, name, other), "x", goal)


def data() -> Sequence[Frame]:
    """The messages of all meters, meter after meter in every readout, as a gateway hears them."""
    chance = random.Random(SEED)  # noqa: S311 - data, no secret
    parsers = [BlockParser() for _ in range(METERS)]
    readouts = [[body(meter, chance) for meter in range(METERS)] for _ in range(READOUTS + 2)]
    for bodies in readouts[:2]:
        for parser, learned in zip(parsers, bodies, strict=True):
            parser.sets(learned)
    return [
        Frame(encode(DataBlock(shown)), parser.layout)
        for bodies in readouts[2:]
        for parser, shown in zip(parsers, bodies, strict=True)
        if parser.layout is not None
    ]


def body(meter: int, chance: random.Random) -> bytes:
    """A readout of 120 registers: identity, clock, energies by tariff with their history, maxima with their times."""

    def digits(count: int) -> str:
        return "".join(chance.choices("0123456789", k=count))

    lines = ["F.F(00000000)", f"0.0.0({meter:08})", f"0.9.1({digits(6)})", f"0.9.2({digits(6)})"]
    for register in ("1.8.0", "1.8.1", "1.8.2", "2.8.0", "3.8.0", "4.8.0"):
        lines.append(f"{register}({digits(7)}.{digits(3)}*kWh)")
        lines += [f"{register}*{month:02}({digits(7)}.{digits(3)}*kWh)" for month in range(1, 16)]
    lines += [f"1.6.1*{month:02}({digits(2)}.{digits(3)}*kW)({digits(10)})" for month in range(1, 15)]
    lines += [f"{phase}.7.0({digits(3)}.{digits(2)}*{unit})" for phase in (32, 52, 72) for unit in "VA"]
    return "".join(f"{line}\r\n" for line in [*lines[:REGISTERS], "!"]).encode()


def eager(frames: Sequence[Frame]) -> None:
    """Every message by its learned layout, every value taken as text."""
    for frame in frames:
        layout = frame.layout
        if not layout.fits_message(frame.octets):
            raise AssertionError(frame.octets)
        layout.values(frame.octets[1:-2])


def on_demand(frames: Sequence[Frame]) -> None:
    """Every message checked as a whole by its learned layout, one value taken."""
    for frame in frames:
        layout = frame.layout
        if not layout.fits_message(frame.octets):
            raise AssertionError(frame.octets)
        layout.value(frame.octets[1:-2], 4)


def first_contact(frames: Sequence[Frame]) -> None:
    """Every message by the general parser, into data sets."""
    for frame in frames:
        parse_block(parse.data_block(frame.octets, XOR).body)


def findall(frames: Sequence[Frame]) -> None:
    """One regular expression over the octets, nothing checked."""
    for frame in frames:
        _DATA_SET.findall(frame.octets)


def peer_of_the_index() -> Contestant | None:
    """The parser of the package index, which verifies the block check too; None when it is not installed."""
    try:
        from iec62056_21.messages import AnswerDataMessage  # noqa: PLC0415 - may be missing
    except ImportError:
        return None

    def run(frames: Sequence[Frame]) -> None:
        for frame in frames:
            AnswerDataMessage.from_bytes(frame.octets)

    return run


def measure(frames: Sequence[Frame], contestants: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """MB/s of processor time of each contestant in each round."""
    megabytes = sum(len(frame.octets) for frame in frames) / 1e6
    runs = {name: partial(contestant, frames) for name, contestant in contestants.items()}
    repeats = {name: max(1, round(SECONDS_A_ROUND / seconds(run, 1))) for name, run in runs.items()}
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            speeds[name].append(megabytes * repeats[name] / seconds(run, repeats[name]))
    return speeds


def seconds(run: Callable[[], None], repeats: int) -> float:
    """Processor time of some repeats."""
    begin = time.process_time()
    for _ in range(repeats):
        run()
    return time.process_time() - begin


def ratio(speeds: Mapping[str, Sequence[float]], name: str, other: str) -> float | None:
    """How many times faster; None where the other could not be measured."""
    if other not in speeds:
        return None
    return median(ours / theirs for ours, theirs in zip(speeds[name], speeds[other], strict=True))
