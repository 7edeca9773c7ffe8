"""A job that a person asks for: on its own line, with a record whatever happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import pytest
from attrs import evolve

from gateway.errand import Errand
from gateway.errors import Cause, LineLost, LineMissing
from gateway.job import Job, ReadRegisters, SetClock, WriteRegister
from gateway.line.base import Line
from gateway.line.reopening import Opener
from gateway.memory import OpenSession
from gateway.protocol.characters import BlockCheck
from gateway.reading import Event, Gap, Readout
from gateway.site.model import LineSettings
from tests.workshop import BREAK, CONFIRMED, LOCAL_START, PLATE, PROGRAMMING, WRITING, Workshop

ENERGY = ReadRegisters(("1.8.0",))

pytestmark = pytest.mark.anyio


def opening(shop: Workshop) -> Opener:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        yield shop.line

    return opener


def errand(shop: Workshop, job: Job = ENERGY) -> Errand:
    return Errand(shop.visitor, shop.settings, job, CONFIRMED, opening(shop))


async def test_an_errand_gives_the_record_of_its_job() -> None:
    shop = Workshop()
    asked = errand(shop)
    await asked.run()
    record = asked.record()
    assert isinstance(record, Readout)
    assert record.readings[0].raw == "0012345.678*kWh"
    assert asked.record() is record


async def test_s5_a_meter_that_was_left_in_a_session_is_freed_first() -> None:
    shop = Workshop()
    shop.memory.open_session = OpenSession(9600, BlockCheck.XOR)
    await errand(shop).run()
    assert shop.words[0] == BREAK
    assert shop.line.sent[0][2] == 9600
    assert shop.kept[0].open_session is None


async def test_a_line_that_cannot_be_opened_is_a_gap_with_its_reason() -> None:
    @asynccontextmanager
    async def opener(_: LineSettings) -> AsyncIterator[Line]:
        raise LineMissing("E-LINE-1", "/dev/ttyS9 does not exist")
        yield Workshop().line

    shop = Workshop()
    asked = Errand(shop.visitor, shop.settings, ENERGY, CONFIRMED, opener)
    await asked.run()
    record = asked.record()
    assert isinstance(record, Gap)
    assert (record.cause, record.finding.code, record.visit.job) == (Cause.LINE_DOWN, "E-LINE-1", "read")
    assert record.finding.where == "line riser-a"


async def test_a_line_that_is_lost_after_a_write_leaves_the_audit_record() -> None:
    shop = Workshop(access=WRITING)
    receive = shop.line.receive

    async def torn() -> bytes:
        if shop.commands(b"W"):
            raise LineLost("E-LINE-5", "/dev/ttyS9 hung up")
        return await receive()

    shop.line.receive = torn  # type: ignore[method-assign]
    asked = errand(shop, WriteRegister("0.2.2", "00000007"))
    await asked.run()
    record = asked.record()
    assert isinstance(record, Event)
    assert record.details == {"register": "0.2.2", "old": "00000006", "new": None, "confirmed": False}


@pytest.mark.parametrize("seconds", [0.1, 1.0, 1.7, 2.0])
async def test_cancelled_an_errand_is_a_gap_and_its_meter_is_freed(seconds: float) -> None:
    shop = Workshop()
    asked = errand(shop)
    with anyio.move_on_after(seconds):
        await asked.run()
    record = asked.record()
    assert isinstance(record, Gap)
    assert (record.cause, record.finding.code) == (Cause.CANCELLED, "W-READ-12")
    assert shop.memory.open_session is None
    assert shop.line.speed == 300


async def test_cancelled_after_a_write_an_errand_leaves_the_audit_record() -> None:
    plate = evolve(PLATE, programming=evolve(PROGRAMMING, start=LOCAL_START - timedelta(seconds=100)))
    shop = Workshop(plate, access=WRITING)
    asked = errand(shop, SetClock())
    send = shop.line.send
    with anyio.CancelScope() as scope:

        async def send_then_stop(octets: bytes) -> None:
            await send(octets)
            if shop.commands(b"W"):
                scope.cancel()

        shop.line.send = send_then_stop  # type: ignore[method-assign, assignment]
        await asked.run()
    record = asked.record()
    assert isinstance(record, Event)
    assert record.details["confirmed"] is False
    assert shop.words[-1] == BREAK
