"""The gateway's dialogue against every fault of a simulated line, in virtual time."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from attrs import evolve

from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import MeterError
from gateway.profile import MeterProfile
from gateway.protocol.characters import Mode
from gateway.protocol.datablock import DataSet, parse_block
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    MemoryLine,
    Nameplate,
    Port,
    PtyPort,
    SimulatedLine,
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
    "fault",
    [None, Fault.SLOW, Fault.BAD_CHECK, Fault.ECHO, Fault.WRONG_IDENTITY, Fault.CLOCK_WRONG, Fault.CLOCK_LOST],
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


def sets_of(block: bytes | MeterError) -> tuple[DataSet, ...]:
    assert isinstance(block, bytes)
    return parse_block(block)


async def test_a_zero_glitch_prints_zero_for_totals_alone() -> None:
    for plate, block in await visits(PtyPort(), (FaultRate(Fault.ZERO_GLITCH, 1.0),)):
        for shown, true in zip(sets_of(block), parse_block(plate.block()), strict=True):
            is_total = ".8." in shown.address
            assert shown.address == true.address
            assert [len(part) for part in shown.raw] == [len(part) for part in true.raw]
            assert (shown == true) is not is_total
            assert not is_total or set(shown.raw[0].partition("*")[0]) <= set("0.")


async def test_a_zero_glitch_comes_now_then() -> None:
    found = await visits(PtyPort(), (FaultRate(Fault.ZERO_GLITCH, 0.5),))
    assert {block == plate.block() for plate, block in found} == {True, False}


@PORTS
async def test_other_digits_pass_the_block_check(port: Port) -> None:
    for plate, block in await visits(port, (FaultRate(Fault.DIGITS, 1.0),)):
        assert isinstance(block, bytes)
        assert sum(one != other for one, other in zip(block, plate.block(), strict=True)) == 2


async def test_two_meters_of_one_serial_number_are_never_understood() -> None:
    (plate, *_), (first, *_) = zip(*await visits(PtyPort(), (FaultRate(Fault.SAME_SERIAL, 1.0),)), strict=True)
    assert plate.mode is Mode.C
    assert isinstance(first, MeterError)


async def test_a_lost_clock_begins_at_the_year_2000() -> None:
    for _, block in await visits(PtyPort(), (FaultRate(Fault.CLOCK_LOST, 1.0),)):
        shown = {
            one.address.removeprefix("1-0:").removesuffix("*255").removesuffix(".0"): one.raw for one in sets_of(block)
        }
        assert shown["0.9.2"][0].replace("-", "") == "000101"
        assert shown["0.9.1"][0].replace(":", "") == "000000"


@pytest.mark.parametrize(("fault", "is_less"), [(Fault.FROZEN, False), (Fault.BACKWARDS, True)])
async def test_what_befalls_a_meter_during_its_life_needs_a_live_line(fault: Fault, *, is_less: bool) -> None:
    def total(line: SimulatedLine, moment: float) -> str:
        wire = line.bus()
        wire.hear(b"/?999!\r\n", 0.0, 300)
        wire.hear(f"/?{line.plates[0].serial}!\r\n".encode(), moment, 300)
        wire.take(moment + 2.0, 300)
        wire.hear(b"\x06000\r\n", moment + 2.0, 300)
        return wire.take(1e9, 300).decode().partition("1.8.0(")[2].partition("*")[0]

    wish = LineWish(PtyPort(), START, 1, faults=(FaultRate(fault),), wire=WireForm.PLAIN)
    still, live = simulated_line(wish), simulated_line(evolve(wish, is_live=True))
    assert total(still, 5.0) == total(still, 7200.0)
    early, later, latest = (total(live, moment) for moment in (5.0, 7200.0, 72_000.0))
    assert (later < early, later == latest) == (is_less, not is_less)


async def test_each_mode_is_among_the_meters_that_are_read() -> None:
    found = await visits(PtyPort(), ())
    assert {plate.mode for plate, _ in found} == {Mode.A, Mode.B, Mode.C}
