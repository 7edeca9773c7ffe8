"""What the verdict costs beside the readout that it judges, in processor time.

The meters are those of the endpoints' benchmark, 100 TCP endpoints with the journal off. The verdict is `judge` with
`learn`, on their blocks as they come visit after visit: the layout stands still, clock, totals, powers change.
Both take turns; the share is the median of those of the turns.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from attrs import define, field

from benchmarks.endpoints import LAPS, laps_of, unjournalled
from benchmarks.far_end import SECONDS_BETWEEN_BLOCKS, START, message_of, plate_of
from benchmarks.table import Figure, Goal
from gateway.catalog import AUTO, Catalog
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import XOR, ReceivedParity, without_parity
from gateway.protocol.parse import data_block
from gateway.reading import Quality
from gateway.simulator import Nameplate
from gateway.trust import Expected, Sight, judge, learn

METERS = 100
TURNS = 5
ROUNDS = 4  # a lap of readouts
VISITS = (LAPS + 2) * ROUNDS  # of each meter: as many on both sides
LEARNING = 4  # visits until the layout stands still
GOAL = 10.0


@define
class Judged:
    """A meter whose blocks are judged one after the other."""

    plate: Nameplate
    profile: MeterProfile
    expected: Expected
    memory: MeterMemory = field(factory=MeterMemory)

    def sight(self, visit: int) -> Sight:
        """What the visit of that number gives."""
        seconds, blocks = visit * SECONDS_BETWEEN_BLOCKS, self.memory.blocks
        block = data_block(without_parity(message_of(self.plate, visit)), XOR, blocks.layout)
        return Sight(
            said=self.plate.identification,
            sets=blocks.sets(block.body, block.layout),
            body=block.body,
            framed=True,
            check=XOR.value,
            parity=ReceivedParity.PRESENT,
            read_at=START.replace(tzinfo=UTC) + timedelta(seconds=seconds),
            heard_at=seconds,
            layout=None if block.layout is None else blocks.layout,
        )

    def judge(self, sight: Sight) -> None:
        """The verdict on it; one that asks for a second read is not what is measured."""
        verdict = judge(sight, self.memory, self.profile, self.expected)
        if verdict.confirm or verdict.quality is not Quality.GOOD:
            raise RuntimeError(verdict.reason)
        learn(sight, verdict, self.memory, self.profile)


def figures() -> Iterable[Figure]:
    """The share, with both times in its remark."""
    catalog, verdicts, readouts = Catalog.collect(allow=()), list[float](), list[float]()
    for _ in range(TURNS):
        verdicts.append(seconds_a_verdict(catalog))
        readouts.append(laps_of(METERS, ROUNDS, catalog, unjournalled).seconds())
    shares = [100 * verdict / readout for verdict, readout in zip(verdicts, readouts, strict=True)]
    remark = f"{median(verdicts) * 1e6:,.0f} µs of {median(readouts) * 1e6:,.0f} µs"
    yield Figure("verdict on a stable layout / readout", median(shares), "%", GOAL, Goal.AT_MOST, remark)


def seconds_a_verdict(catalog: Catalog) -> float:
    """Processor time of one verdict, the median of the visits."""
    meters = [_judged(plate_of(number), catalog) for number in range(METERS)]
    times = [_seconds(meters, [meter.sight(visit) for meter in meters]) for visit in range(VISITS)]
    return median(times[LEARNING:]) / METERS


def _judged(plate: Nameplate, catalog: Catalog) -> Judged:
    expected = Expected(plate.serial, ZoneInfo("UTC"), SECONDS_BETWEEN_BLOCKS)
    return Judged(plate, catalog.choose(plate.identification, AUTO), expected)


def _seconds(meters: Sequence[Judged], sights: Sequence[Sight]) -> float:
    begin = time.process_time()
    for meter, sight in zip(meters, sights, strict=True):
        meter.judge(sight)
    return time.process_time() - begin
