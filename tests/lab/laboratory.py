"""The noise laboratory: runs every model in as many damaged transmissions as are wanted; tells of them in a table."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from attrs import define, field

from tests.lab.pipeline import BATCH, Lane, Stage, Tally, run
from tests.lab.reference import Print

SEED = int(os.environ.get("METERGATE_SEED", "62056"))
REPLAY = f"replay: METERGATE_SEED={SEED}"
USUAL = (Print.FLAT, Print.BILLING)
PROCESSES = 2
LONG = 20_000  # transmissions from which on a second process pays
PIECES = 8  # of a long run, so that both processes end together
COLUMNS = {
    Stage.PARITY: "parity",
    Stage.CHECK: "block check",
    Stage.GRAMMAR: "grammar",
    Stage.SHAPE: "shape",
    Stage.SINGLE: "single read",
    Stage.WORST: "damaged twice",
    Stage.CONFIRMED: "confirmed",
}


@define(eq=False)
class Laboratory:
    """Runs each model once a size and keeps what was counted."""

    _tallies: dict[tuple[str, tuple[Print, ...], int], Mapping[Lane, Tally]] = field(factory=dict)
    _pool: ProcessPoolExecutor | None = None

    def tallies(self, name: str, count: int, prints: tuple[Print, ...] = USUAL) -> Mapping[Lane, Tally]:
        """Both lanes of a model, over so many damaged transmissions."""
        key = (name, prints, count)
        if key not in self._tallies:
            self._tallies[key] = self._run(name, count, prints)
        return self._tallies[key]

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown()

    def tables(self) -> str:
        """What was counted, one table a size, print and lane."""
        headings = dict.fromkeys((prints, count) for _, prints, count in self._tallies)
        return "\n".join(
            line for prints, count in headings for lane in Lane for line in self._table(prints, count, lane)
        )

    def _run(self, name: str, count: int, prints: tuple[Print, ...]) -> Mapping[Lane, Tally]:
        batches = range(count // BATCH)
        if count < LONG:
            return run(name, prints, SEED, batches)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))
        pieces = [batches[begin::PIECES] for begin in range(PIECES)]
        return merged(self._pool.map(run, *zip(*((name, prints, SEED, piece) for piece in pieces), strict=True)))

    def _table(self, prints: Sequence[Print], count: int, lane: Lane) -> Iterable[str]:
        yield ""
        shown = ", ".join(each.value for each in prints)
        yield f"Noise laboratory, {lane}: the share of damaged transmissions ({shown}) that no layer so far has seen"
        yield f"{'':32}{'damaged':>10}" + "".join(f"{title:>15}" for title in COLUMNS.values())
        for (name, printed, size), lanes in self._tallies.items():
            if (printed, size) == (prints, count):
                tally = lanes[lane]
                rates = (f"{rate:.1e}" if (rate := tally.rate(stage)) else "0" for stage in COLUMNS)
                yield f"{name:32}{tally.reached[Stage.DAMAGED]:>10,}" + "".join(f"{rate:>15}" for rate in rates)


def merged(parts: Iterable[Mapping[Lane, Tally]]) -> Mapping[Lane, Tally]:
    """What several runs have counted, together."""
    whole = {lane: Tally() for lane in Lane}
    for part in parts:
        for lane, tally in part.items():
            whole[lane].add(tally)
    return whole
