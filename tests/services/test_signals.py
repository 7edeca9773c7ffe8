"""The gateway told to end while it reads."""

import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.processes import PATIENCE, gateway, metergate, rows, simulated, write_site
from tests.services.relay import Odometer, relayed

pytestmark = pytest.mark.services

SIGNALS = 20
LIMIT = 3.0  # seconds from the signal to the end of the process, as docs/operate.md says


def test_it_ends_well_within_three_seconds_wherever_a_session_stands(tmp_path: Path) -> None:
    chance = random.Random(20260930)  # noqa: S311 - repeatable on purpose
    octets = Odometer()
    with ExitStack() as stack:
        tcp, pty = stack.enter_context(simulated("tcp:0", "pty", meters=2))
        relay = stack.enter_context(relayed(tcp, octets))
        site = write_site(tmp_path, {"garage": relay.line, "riser": pty}, meter={"scan_rate_ms": 1000})
        for _ in range(SIGNALS):
            with gateway(site) as process:
                octets.set(chance.randint(2, 900), process.process.terminate)
                assert octets.reached.wait(PATIENCE), "\n".join(process.told)
                assert process.process.wait(LIMIT) == 0
                assert process.messages() == ""
        cut_short = [visit for visit in rows("visits", "--config", site) if visit["cause"] == "cancelled"]
        assert len(cut_short) >= SIGNALS, "each signal came while meters were read"
        assert metergate("run", "--once", site).returncode == 0
