"""Measures every figure, prints the table; with BENCH_CHECK=1 a missed goal ends with exit code 1."""

import os
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import endpoints, load_profile, pacing, push, readout, verdict
from benchmarks.table import Figure, lines_of

# Each takes its own measurements; its rows stand in this order.
MEASUREMENTS: tuple[Callable[[], Iterable[Figure]], ...] = (
    readout.measured,
    push.measured,
    load_profile.measured,
    endpoints.figures,
    verdict.figures,
    pacing.figures,
)


def machine() -> str:
    """The processor and the interpreter that the figures belong to."""
    information = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (information.read_text().splitlines() if information.exists() else [])
        if line.startswith("model name")
    ]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}"


def main() -> int:
    """Prints the machine and the table; 1 where a goal is missed and BENCH_CHECK=1 asks for it."""
    figures = [figure for measure in MEASUREMENTS for figure in measure()]
    print(machine(), *lines_of(figures), sep="\n")
    is_missed = any(figure.is_met is False for figure in figures)
    return int(is_missed and os.environ.get("BENCH_CHECK") == "1")


if __name__ == "__main__":
    sys.exit(main())
