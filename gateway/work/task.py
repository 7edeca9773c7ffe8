"""A job that is being done, from its begin to its record."""

from typing import assert_never

import anyio
from attrs import evolve, field, frozen

from gateway.job import ExecuteCommand, Job, ReadClock, ReadRegisters, ReadSeries, SetClock, WriteRegister
from gateway.reading import Event, Readout, Visit
from gateway.work.changes import CommandExecuting, RegisterWriting
from gateway.work.clock import ClockReading, ClockSetting
from gateway.work.order import Order, Work
from gateway.work.registers import RegisterReading
from gateway.work.series import SeriesReading


@frozen(eq=False)
class Task:
    """A job on its way; `key` tells the slot that it is done in, None: a person asked for it."""

    work: Work
    order: Order
    key: object = None
    begin: float = field(factory=anyio.current_time)

    def salvaged(self, why: str) -> Readout | Event | None:
        """What there is to record of it where it does not come to its end."""
        record = self.work.salvaged(why)
        return None if record is None else evolve(record, visit=lasting(record.visit, self.begin))


def lasting(visit: Visit, begin: float) -> Visit:
    """A visit that has lasted from `begin`, by the loop's clock, until now."""
    return evolve(visit, duration_ms=round((anyio.current_time() - begin) * 1000))


def work_of(job: Job, order: Order) -> Work:
    """A job, ready to be done."""
    match job:
        case ReadRegisters(registers):
            return RegisterReading(order, registers)
        case WriteRegister(register, value):
            return RegisterWriting(order, register, value)
        case ExecuteCommand(name):
            return CommandExecuting(order, name)
        case ReadClock():
            return ClockReading(order)
        case SetClock():
            return ClockSetting(order)
        case ReadSeries():
            return SeriesReading(order, job)
        case _:
            assert_never(job)
