"""Speed of reading load profile answers of a day: 96 rows of four channels, block check verified, learned layout."""

from collections.abc import Iterable
from functools import partial

from benchmarks import peers, prints
from benchmarks.contest import Absent, Contestant, Goal, Here, figures
from benchmarks.readout import EAGER, FIRST, eager, first_contact, learned
from benchmarks.table import Figure

SUBJECT = "load profile"
GOALS = (Goal(EAGER, peers.IEC62056_21, 20), Goal(FIRST, peers.IEC62056_21))


def measured() -> Iterable[Figure]:
    """The speeds, then their ratios beside the goals."""
    frames = learned(prints.profile_answer)
    octets = [frame.octets for frame in frames]
    contestants: dict[str, Contestant | Absent] = {
        EAGER: Here(partial(eager, frames)),
        FIRST: Here(partial(first_contact, octets)),
        peers.IEC62056_21: peers.iec62056_21(octets),
    }
    remarks = {peers.IEC62056_21: "verifies the block check; one data set a bracket, P.01 at the first alone"}
    yield from figures(SUBJECT, sum(map(len, octets)), contestants, GOALS, remarks)
