"""Simulated meters for the verbs that read, on real ports, served by a thread of their own."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import trio

from gateway.protocol.characters import Mode
from gateway.simulator import (
    LineWish,
    Nameplate,
    Port,
    SimulatedLine,
    StillRegister,
    TcpPort,
    building,
    serve_line,
)
from tests.cli.utility import REFERENCE, SECRET, Tap, tapped, utility

TIME_SCALE = 10


@pytest.fixture
def plate() -> Callable[..., Nameplate]:
    """Makes a mode C meter of two registers by its serial number; keywords go to the name plate."""

    def make(serial: str, **traits: object) -> Nameplate:
        usual = {
            "mode": Mode.C,
            "manufacturer": "XMP",
            "model": "VERBA-3.1",
            "registers": (StillRegister("0.0.0", serial), StillRegister("1.8.0", f"00{serial[-5:]}.678*kWh")),
        }
        return Nameplate(serial, **{**usual, **traits})  # type: ignore[arg-type]

    return make


@pytest.fixture
def serve() -> Iterator[Callable[[Port, Sequence[Nameplate]], str]]:
    """Serves meters on a port until the test ends; gives the ENDPOINT for `metergate read`."""
    with ExitStack() as stack:

        def start(port: Port, plates: Sequence[Nameplate]) -> str:
            start_of_clocks = datetime(2026, 9, 30, 9)  # noqa: DTZ001 - the meters' own clocks
            wish = LineWish(port, start_of_clocks, meters=0, plates=tuple(plates), time_scale=TIME_SCALE)
            (line,) = building([wish])
            endpoint = stack.enter_context(_served(line))
            scheme = "" if endpoint.startswith("tcp") else "serial://"
            return f"{scheme}{endpoint}?baud={line.opening_speed}&time_scale={TIME_SCALE}"

        yield start


@contextmanager
def _served(line: SimulatedLine) -> Iterator[str]:
    started: queue.Queue[tuple[str, Callable[[], None]]] = queue.Queue()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()

            def stop() -> None:
                token.run_sync_soon(nursery.cancel_scope.cancel)

            started.put((await nursery.start(serve_line, line), stop))

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    endpoint, stop = started.get(timeout=5)
    try:
        yield endpoint
    finally:
        stop()
        thread.join()


@pytest.fixture
def tap(serve: Callable[[Port, Sequence[Nameplate]], str]) -> Iterator[Tap]:
    """The utility meter on a TCP line, with all that is said to it."""
    with tapped(serve(TcpPort(), [utility()])) as tap:
        yield tap


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The reference of the utility meter's password; what is remembered of refused ones stays with the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(REFERENCE.partition(":")[2], SECRET)
    return REFERENCE
