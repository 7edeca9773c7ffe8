"""The gateway's programming mode against a simulated utility meter, in virtual time."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio
import pytest

from gateway.access import Permit
from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import AccessDenied, NoAnswer, Refused, SessionEnded
from gateway.profile import Conduct
from gateway.profile.programming_mode import ProgrammingMode
from gateway.programming import ProgrammingSession, enter
from gateway.protocol.characters import Mode
from gateway.protocol.law import State
from gateway.protocol.messages import Command
from gateway.reading import Access
from gateway.simulator import (
    ClockRegister,
    Fault,
    MemoryLine,
    Nameplate,
    SimulatedBus,
    SimulatedMeter,
    SimulatedPassword,
    SimulatedProgramming,
    StillRegister,
)

pytestmark = pytest.mark.anyio
START = datetime(2026, 10, 26, 12, 0)  # noqa: DTZ001 - a meter's local time
P1 = Command("P", "1", "(24681357)")
Work = Callable[[ProgrammingSession], Awaitable[object]]


def utility_meter(faults: dict[Fault, float] | None = None, **more: Any) -> SimulatedMeter:  # noqa: ANN401 - any fact
    usual: dict[str, Any] = {
        "start": START,
        "operand": "serial",
        "passwords": {Access.LOW: SimulatedPassword("24681357")},
        "events": (),
        "writable": {"0.9.1": Access.LOW, "0.9.2": Access.LOW, "0.2.2": Access.LOW},
    }
    registers = (
        StillRegister("0.0.0", "41770326"),
        ClockRegister("0.9.1", "{s}%H%M%S", START),
        StillRegister("0.2.2", "00000001"),
    )
    programming = SimulatedProgramming(**usual | more)
    plate = Nameplate("41770326", Mode.C, "XMP", "VERBA-3.1", registers, faults=faults or {}, programming=programming)
    return SimulatedMeter(plate)


async def work(meter: SimulatedMeter, do: Work, **mode: Any) -> object:  # noqa: ANN401 - any fact of the family
    """What the work gives in a session of its own."""
    conduct = Conduct(Mode.C, programming=ProgrammingMode(**{"read": "R5", "read_parts": "R6", "write": "W5"} | mode))
    dialogue = Dialogue(MemoryLine(SimulatedBus([meter])), Manners("41770326", poll_delay=0.2, timeout=2.5))
    async with signed_on(dialogue) as said:
        return await do(await enter(dialogue, said, conduct, 0.2))


async def test_a_register_is_written_after_the_password_and_the_break_is_seen() -> None:
    async def write(session: ProgrammingSession) -> object:
        assert session.operand == "41770326"
        await session.authenticate(P1)
        assert await session.write("0.2.2", "00000007", Permit("0.2.2"))
        return (await session.read("0.2.2")).sets[0].raw

    meter = utility_meter()
    assert await work(meter, write) == ("00000007",)
    assert (meter.breaks_heard, meter.state, meter.wrong_passwords) == (1, State.IDLE, 0)


async def test_the_clock_is_set() -> None:
    async def put(session: ProgrammingSession) -> object:
        await session.authenticate(P1)
        assert await session.write("0.9.1", "0140000", Permit("0.9.1"))
        return (await session.read("0.9.1")).sets[0].raw

    assert await work(utility_meter(), put) == ("0140000",)


@pytest.mark.parametrize("in_parts", [True, False])
@pytest.mark.parametrize("ends_parts", [True, False])
async def test_a_load_profile_over_a_season_change_comes_whole(*, in_parts: bool, ends_parts: bool) -> None:
    async def read(session: ProgrammingSession) -> object:
        answer = await session.read("P.01", "12610242345;02610260015", in_parts=in_parts)
        assert answer.is_complete
        return [data_set.raw[0] for data_set in answer.sets if data_set.address], len(answer.sets)

    # From 23:45 to 00:15 of the day after next: a day of 25 hours, both ends included.
    found = await work(utility_meter(ends_parts=ends_parts), read)
    assert found == (["1261024234500", "0261025030000"], 2 + 4 * 25 + 3)


async def test_s11_a_lost_ack_doubles_no_row() -> None:
    async def read(session: ProgrammingSession) -> object:
        answer = await session.read("P.98", ";", in_parts=True)
        return answer.is_complete, answer.sets

    whole = await work(utility_meter(part_lines=1), read)
    assert await work(utility_meter({Fault.ACK_LOST: 0.1}, part_lines=1), read) == whole


async def test_s9_a_wrong_password_is_counted() -> None:
    async def wrong(session: ProgrammingSession) -> None:
        await session.authenticate(Command("P", "1", "(11111111)"))

    meter = utility_meter()
    with pytest.raises(AccessDenied):
        await work(meter, wrong)
    assert meter.wrong_passwords == 1


async def test_x22_a_session_left_idle_is_ended_by_the_meter() -> None:
    async def dawdle(session: ProgrammingSession) -> None:
        await session.read("0.0.0")
        await anyio.sleep(10.0)
        await session.read("0.0.0")

    meter = utility_meter(idle_s=5.0)
    with pytest.raises((SessionEnded, NoAnswer)):
        await work(meter, dawdle, idle_s=60.0)
    assert (meter.state, meter.breaks_heard) == (State.IDLE, 0)


async def test_s8_what_the_meter_declines_is_refused_once() -> None:
    async def unknown(session: ProgrammingSession) -> None:
        await session.read("9.9.9")

    with pytest.raises(Refused):
        await work(utility_meter(), unknown)


async def test_a_write_whose_ack_is_lost_is_done_once() -> None:
    async def write(session: ProgrammingSession) -> object:
        return await session.write("0.2.2", "00000007", Permit("0.2.2"))

    meter = utility_meter({Fault.ANSWER_LOST: 1.0}, writable={"0.2.2": Access.NONE})
    assert await work(meter, write) is False
    assert meter.executed == (Command("W", "5", "0.2.2(00000007)"),)
