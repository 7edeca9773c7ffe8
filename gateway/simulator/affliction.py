"""The simulated meters that have faults."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from gateway.simulator.fault import USUAL_RATE, Fault, FaultRate
from gateway.simulator.plate import Nameplate
from gateway.simulator.programming import SERIAL_OPERAND
from gateway.simulator.register import (
    ClockRegister,
    LoadRegister,
    SimulatedRegister,
    StillRegister,
    TotalRegister,
)

# What a clock without supply for too long begins with.
_CLOCK_BEGINS = datetime(2000, 1, 1)  # noqa: DTZ001 - a meter's local time
_OTHER_DIGITS = str.maketrans("0123456789", "1032547698")
IDENTITY_ADDRESSES = frozenset(("0.0.0", "C.1.0", "1-0:0.0.0*255", "0-0:96.1.1"))


def afflicted(plates: Sequence[Nameplate], faults: Sequence[FaultRate], chance: random.Random) -> Iterator[Nameplate]:
    """The meters with the faults of their line; lasting faults fall on different meters as long as there are any."""
    bearers: dict[int, dict[Fault, float]] = {n: {} for n in range(len(plates))}
    healthy = list(bearers)
    chance.shuffle(healthy)
    for fault_rate in faults:
        fault = fault_rate.fault
        if fault.strikes_messages:
            struck, rate = list(bearers), USUAL_RATE if fault_rate.rate is None else fault_rate.rate
        else:
            count = 1 if fault_rate.rate is None else round(fault_rate.rate * len(plates))
            order = [*healthy, *(n for n in bearers if n not in healthy)]
            struck, rate = order[:count], 1.0
            healthy = [n for n in healthy if n not in struck]
        for n in struck:
            bearers[n][fault] = rate
    for n, plate in enumerate(plates):
        yield with_faults(plate, {**plate.faults, **bearers[n]}, chance)


def with_faults(plate: Nameplate, faults: dict[Fault, float], chance: random.Random) -> Nameplate:
    """The meter with these faults; those of its prints show in its registers."""
    new = faults.keys() - plate.faults.keys()
    registers, programming = plate.registers, plate.programming
    if Fault.WRONG_IDENTITY in new:
        other = (
            f"{(int(plate.serial) + chance.randrange(1, 10**7)) % 10**8:08}" if plate.serial.isdigit() else "99999998"
        )
        registers = tuple(_with_identity(register, other) for register in registers)
        if programming is not None and programming.operand == SERIAL_OPERAND:
            programming = evolve(programming, operand=other)
    afflicted = evolve(plate, faults=faults, registers=registers, programming=programming)
    if Fault.CLOCK_WRONG in new:
        error = timedelta(hours=chance.choice((-3, 2, 7)), days=chance.choice((0, 0, -365 * 9)))
        afflicted = _with_clock(afflicted, lambda start: start + error)
    if Fault.CLOCK_LOST in new:
        afflicted = _with_clock(afflicted, lambda _: _CLOCK_BEGINS)
    return afflicted


def twin(plate: Nameplate) -> Nameplate:
    """Another meter with the same serial number, whose digits are others."""
    registers = tuple(
        evolve(register, raw=register.raw.translate(_OTHER_DIGITS))
        if isinstance(register, LoadRegister | TotalRegister)
        else register
        for register in plate.registers
    )
    return evolve(plate, registers=registers)


def _with_identity(register: SimulatedRegister, serial: str) -> SimulatedRegister:
    if isinstance(register, StillRegister) and register.address in IDENTITY_ADDRESSES:
        return evolve(register, raw=serial)
    return register


def _with_clock(plate: Nameplate, changed: Callable[[datetime], datetime]) -> Nameplate:
    """The meter with another start of its clock."""
    registers = tuple(
        evolve(register, start=changed(register.start)) if isinstance(register, ClockRegister) else register
        for register in plate.registers
    )
    programming, timekeeping = plate.programming, plate.timekeeping
    return evolve(
        plate,
        registers=registers,
        programming=None if programming is None else evolve(programming, start=changed(programming.start)),
        timekeeping=None if timekeeping is None else evolve(timekeeping, start=changed(timekeeping.start)),
    )
