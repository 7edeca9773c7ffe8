"""Speed of reading P1 telegrams as their lines are heard: CRC verified, by the print that repeats, at first contact."""

from collections.abc import Iterable, Sequence
from functools import partial

from benchmarks import peers, prints
from benchmarks.contest import Absent, Contestant, Goal, Here, figures
from benchmarks.node_peer import node_peer
from benchmarks.readout import EAGER, FIRST
from benchmarks.table import Figure
from gateway.protocol.push import PushStream
from gateway.protocol.pushed import PushedTelegram

SUBJECT = "P1 telegram"
GOALS = (Goal(EAGER, peers.DSMR_PARSER, 60), Goal(FIRST, peers.DSMR_PARSER), Goal(EAGER, peers.SMARTMETER_OBIS))
REMARKS = {
    peers.DSMR_PARSER: "verifies the CRC; numbers as Decimal, times as datetime",
    peers.SMARTMETER_OBIS: "verifies no CRC; numbers as floats",
}


def measured() -> Iterable[Figure]:
    """The speeds, then their ratios beside the goals."""
    first, second, *rounds = prints.messages(prints.telegram)
    streams = [PushStream() for _ in first]
    for taught in (first, second):
        eager(streams, [taught])
    octets = [telegram for heard in rounds for telegram in heard]
    with node_peer(octets) as in_node:
        contestants: dict[str, Contestant | Absent] = {
            EAGER: Here(partial(eager, streams, rounds)),
            FIRST: Here(partial(first_contact, octets)),
            peers.DSMR_PARSER: peers.dsmr_parser(octets),
            peers.SMARTMETER_OBIS: in_node,
        }
        yield from figures(SUBJECT, sum(map(len, octets)), contestants, GOALS, REMARKS)


def eager(streams: Sequence[PushStream], rounds: Iterable[Sequence[bytes]]) -> None:
    """Every telegram through the stream of its meter, every value taken as text."""
    for heard in rounds:
        for stream, octets in zip(streams, heard, strict=True):
            telegram_of(stream, octets).values  # noqa: B018 - a property that takes them


def first_contact(telegrams: Sequence[bytes]) -> None:
    """Every telegram through a stream that has heard nothing before, into data sets."""
    for octets in telegrams:
        telegram_of(PushStream(), octets).sets  # noqa: B018 - a property that makes them


def telegram_of(stream: PushStream, octets: bytes) -> PushedTelegram:
    """The one telegram that these octets are."""
    (heard,) = stream.hear(octets)
    if not isinstance(heard, PushedTelegram):
        raise TypeError(heard)
    return heard
