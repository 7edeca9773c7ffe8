"""Contestants that take turns on the same bytes, so that a busy machine slows all of them alike.

A speed is MB/s of processor time in each round; a ratio is the median of the ratios within a round.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Protocol

from attrs import frozen

from benchmarks.table import Figure

ROUNDS = 15  # a burst of other work spoils few of them
SECONDS_A_ROUND = 0.1  # long enough that the caches a peer has filled do not matter


class Contestant(Protocol):
    """Something that reads all messages of a measurement as often as asked."""

    def seconds(self, repeats: int) -> float:
        """Processor time of so many repeats."""


@frozen
class Here:
    """A contestant in this process: `run` reads all messages once."""

    run: Callable[[], object]

    def seconds(self, repeats: int) -> float:
        """Processor time of this process."""
        begin = time.process_time()
        for _ in range(repeats):
            self.run()
        return time.process_time() - begin


@frozen
class Absent:
    """A peer that could not be had; `reason` stands in the table."""

    reason: str


@frozen
class Goal:
    """How many times faster one contestant is to be than another; `least` None: for orientation."""

    name: str
    other: str
    least: float | None = None


def figures(
    subject: str,
    octets: int,
    contestants: Mapping[str, Contestant | Absent],
    goals: Sequence[Goal],
    remarks: Mapping[str, str],
) -> Iterator[Figure]:
    """The speed of each contestant over so many octets, then the ratios beside their goals."""
    present = {name: each for name, each in contestants.items() if not isinstance(each, Absent)}
    speeds = measure(octets, present)
    for name, contestant in contestants.items():
        if isinstance(contestant, Absent):
            yield Figure(f"{subject}: {name}", None, remark=contestant.reason)
        else:
            yield Figure(f"{subject}: {name}", median(speeds[name]), "MB/s", remark=remarks.get(name, ""))
    for goal in goals:
        yield Figure(f"{subject}: {goal.name} / {goal.other}", ratio(speeds, goal), "x", goal.least)


def measure(octets: int, contestants: Mapping[str, Contestant]) -> dict[str, list[float]]:
    """MB/s of processor time of each contestant in each round."""
    # The first turn of each also warms it up.
    repeats = {name: max(1, round(SECONDS_A_ROUND / each.seconds(1))) for name, each in contestants.items()}
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            speeds[name].append(octets / 1e6 * repeats[name] / contestant.seconds(repeats[name]))
    return speeds


def ratio(speeds: Mapping[str, Sequence[float]], goal: Goal) -> float | None:
    """How many times faster; None where the other could not be measured."""
    if goal.other not in speeds:
        return None
    return median(ours / theirs for ours, theirs in zip(speeds[goal.name], speeds[goal.other], strict=True))
