"""Speed of reading data readouts: all checks done, with a learned layout, on demand, at first contact."""

from collections.abc import Iterable, Sequence
from functools import partial

from attrs import frozen

from benchmarks import peers, prints
from benchmarks.contest import Absent, Contestant, Goal, Here, figures
from benchmarks.node_peer import node_peer
from benchmarks.table import Figure
from gateway.protocol import parse
from gateway.protocol.characters import XOR
from gateway.protocol.datablock import BlockParser, Layout, parse_block

SUBJECT = "readout"
EAGER, LAZY, FIRST = "every value a str", "one value on demand", "first contact"
GOALS = (
    Goal(EAGER, peers.IEC62056_21, 30),
    Goal(EAGER, peers.FINDALL, 1.9),
    Goal(LAZY, peers.FINDALL, 6),
    Goal(FIRST, peers.IEC62056_21, 6),
    Goal(EAGER, peers.SMARTMETER_OBIS),
)
REMARKS = {
    peers.IEC62056_21: "verifies the block check",
    peers.FINDALL: "checks nothing",
    peers.SMARTMETER_OBIS: "verifies no block check; numbers as floats",
}


@frozen
class Frame:
    """One data message from STX to its block check, with the layout of its meter."""

    octets: bytes
    layout: Layout


def measured() -> Iterable[Figure]:
    """The speeds, then their ratios beside the goals."""
    frames = learned(prints.readout)
    octets = [frame.octets for frame in frames]
    with node_peer(octets) as in_node:
        contestants: dict[str, Contestant | Absent] = {
            EAGER: Here(partial(eager, frames)),
            LAZY: Here(partial(on_demand, frames)),
            FIRST: Here(partial(first_contact, octets)),
            peers.FINDALL: Here(partial(peers.findall, octets)),
            peers.IEC62056_21: peers.iec62056_21(octets),
            peers.SMARTMETER_OBIS: in_node,
        }
        yield from figures(SUBJECT, sum(map(len, octets)), contestants, GOALS, REMARKS)


def learned(shown: prints.Print) -> Sequence[Frame]:
    """The messages of all meters, meter after meter in every round, as a gateway hears them."""
    first, second, *rounds = prints.messages(shown)
    parsers = [BlockParser() for _ in first]
    for taught in (first, second):
        for parser, message in zip(parsers, taught, strict=True):
            parser.sets(parse.data_block(message, XOR).body)
    return [
        Frame(message, parser.layout)
        for heard in rounds
        for parser, message in zip(parsers, heard, strict=True)
        if parser.layout is not None
    ]


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


def first_contact(messages: Sequence[bytes]) -> None:
    """Every message by the general parser, into data sets."""
    for message in messages:
        parse_block(parse.data_block(message, XOR).body)
