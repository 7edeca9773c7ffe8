"""The gateway's dialogue against every fault of a simulated line, in virtual time."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import MeterError
from gateway.profile import MeterProfile
from gateway.protocol.characters import Mode
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    MemoryLine,
    Nameplate,
    Port,
    PtyPort,
    TcpPort,
    WireForm,
    simulated_line,
)

pytestmark = pytest.mark.anyio
START = datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - a meter's local time
GENERIC = MeterProfile("generic", 1, "any meter", "any")
PORTS = pytest.mark.parametrize("port", [PtyPort(), TcpPort()], ids=["pty", "tcp"])


async def visits(port: Port, faults: Sequence[FaultRate]) -> list[tuple[Nameplate, bytes | MeterError]]:
    """The blocks that two rounds over six meters bring, or why there is none."""
    simulated = simulated_line(LineWish(port, START, 6, faults=tuple(faults)))
    line = MemoryLine(
        simulated.bus(),
        speed=simulated.opening_speed,
        makes_parity=simulated.wire is WireForm.PARITY,
        can_change_speed=port == PtyPort(),
    )
    found: list[tuple[Nameplate, bytes | MeterError]] = []
    for plate in simulated.plates * 2:
        dialogue = Dialogue(line, Manners(plate.serial, poll_delay=0.2, timeout=2.5))
        try:
            async with signed_on(dialogue) as identification:
                block = await dialogue.read_out(identification, GENERIC.conduct(identification), 0.2)
                found.append((plate, block.body))
        except MeterError as error:
            found.append((plate, error))
    return found


@PORTS
@pytest.mark.parametrize(
    "fault", [None, Fault.SLOW, Fault.BAD_CHECK, Fault.ECHO, Fault.WRONG_IDENTITY, Fault.CLOCK_WRONG]
)
async def test_every_meter_is_read_exactly_in_spite_of(port: Port, fault: Fault | None) -> None:
    faults = () if fault is None else (FaultRate(fault),)
    for plate, block in await visits(port, faults):
        assert block == plate.block()


@PORTS
@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.CUT, Fault.IGNORES_ADDRESS])
async def test_damage_is_noticed_and_never_taken_for_data(port: Port, fault: Fault) -> None:
    rate = None if fault is Fault.IGNORES_ADDRESS else 0.7
    found = await visits(port, (FaultRate(fault, rate),))
    assert any(isinstance(block, MeterError) for _, block in found)
    assert all(block == plate.block() for plate, block in found if isinstance(block, bytes) and plate.framed)


@PORTS
async def test_only_the_silent_meter_gives_no_answer(port: Port) -> None:
    found = await visits(port, (FaultRate(Fault.SILENT),))
    silent = [plate for plate, block in found if isinstance(block, MeterError)]
    assert [Fault.SILENT in plate.faults for plate in silent] == [True, True]


async def test_each_mode_is_among_the_meters_that_are_read() -> None:
    found = await visits(PtyPort(), ())
    assert {plate.mode for plate, _ in found} == {Mode.A, Mode.B, Mode.C}
