"""The registers of a simulated meter as they are by now."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import assert_never

from attrs import evolve

from gateway.simulator.clock import MeterClock
from gateway.simulator.fault import ONSET_S, Fault
from gateway.simulator.plate import Nameplate
from gateway.simulator.register import (
    ClockRegister,
    LoadRegister,
    MaximumRegister,
    MomentaryRegister,
    SimulatedRegister,
    StillRegister,
    TotalRegister,
    block_of,
    lowered,
    print_of,
    reduced,
    zeroed,
)

RESET_COUNT = "0.1.0"
RESET_STAMP = "0.1.2"
# The second part of a reduced code (protocol.md 8): maxima begin anew at a reset, totals go on.
_MAXIMUM, _TOTAL = "6", "8"
_RESET_COUNTS = 100  # the counter has two digits
_DECEMBER = 12


class Contents:
    """What a meter prints while it lives; the nameplate is what it began with.

    `clock` is what its registers of the clock show, None: the clock of each. `age` is how many seconds ago its life
    began, 0 for ever where time stands still; it never falls.
    """

    def __init__(self, plate: Nameplate, clock: MeterClock | None) -> None:
        self._plate = plate
        self._clock = clock
        self._registers = plate.registers
        self._billing_due = None
        if clock is not None and plate.billing_periods is not None:
            self._billing_due = _next_month(clock.shown(0.0))
        self._coming = {fault for fault in (Fault.FROZEN, Fault.BACKWARDS) if fault in plate.faults}

    def block(self, age: float, table: Sequence[str] | None = None, *, is_zero: bool = False) -> bytes:
        """The 7-bit characters of its data block; `table` are the addresses of a short one, None: all registers.

        `is_zero`: all totals print zero this time.
        """
        self._come_to(age)
        wanted = [register for register in self._registers if table is None or register.address in table]
        shown = self._shown(age)
        prints = ((one.address, print_of(one, age, shown)) for one in wanted)
        if is_zero:
            prints = ((address, zeroed(raw) if _is_total(address) else raw) for address, raw in prints)
        return block_of(prints, glued=self._plate.glued)

    def prints(self, address: str, age: float) -> list[tuple[str, str]]:
        """The addresses and prints of the registers that a request means: those of that address, else of its code."""
        self._come_to(age)
        return [(one.address, self._print(one, age)) for one in self._meant(address)]

    def put(self, address: str, value: str) -> None:
        """The registers that a request means print this value from now on."""
        meant = self._meant(address)
        self._registers = tuple(StillRegister(one.address, value) if one in meant else one for one in self._registers)

    def reset(self, shown: datetime, age: float) -> None:
        """The demand reset: counts it, stores totals and maxima under its number, begins the maxima anew."""
        if not self._meant(RESET_COUNT):
            self._registers += (StillRegister(RESET_COUNT, "00"),)
        (counter,) = self._meant(RESET_COUNT)
        count = int(self._print(counter, age)) + 1
        number = f"{count % _RESET_COUNTS:02}"
        stamp = StillRegister(f"{RESET_STAMP}*{number}", f"{shown:%y%m%d%H%M}")
        self._registers = tuple(
            kept for register in self._registers for kept in self._after_reset(register, number, stamp, age)
        )
        if self._plate.billing_periods is not None:
            dropped = f"*{(count - self._plate.billing_periods) % _RESET_COUNTS:02}"
            self._registers = tuple(one for one in self._registers if not one.address.endswith(dropped))

    def _come_to(self, age: float) -> None:
        """Lets happen what happens by itself until then."""
        while self._clock is not None and self._billing_due is not None and self._billing_due <= self._clock.now(age):
            turn = self._billing_due.astimezone(self._clock.zone)
            self.reset(turn, self._clock.age_at(self._billing_due))
            self._billing_due = _next_month(turn)
        if self._coming and age >= ONSET_S:
            self._registers = tuple(self._struck(register) for register in self._registers)
            self._coming.clear()

    def _struck(self, register: SimulatedRegister) -> SimulatedRegister:
        if Fault.FROZEN in self._coming and not isinstance(register, ClockRegister):
            return StillRegister(register.address, self._print(register, ONSET_S))
        if Fault.BACKWARDS in self._coming and _is_total(register.address) and not isinstance(register, ClockRegister):
            return evolve(register, raw=lowered(register.raw))
        return register

    def _after_reset(
        self, register: SimulatedRegister, number: str, stamp: SimulatedRegister, age: float
    ) -> Iterator[SimulatedRegister]:
        """The register as it goes on, with what is stored of it."""
        code = reduced(register.address)
        if code == RESET_COUNT:
            yield StillRegister(register.address, number)
            yield stamp
            return
        quantity = "" if "*" in code else "".join(code.split(".")[1:2])
        yield _begun_anew(register, age) if quantity == _MAXIMUM else register
        if quantity in (_MAXIMUM, _TOTAL):
            yield StillRegister(f"{register.address.removesuffix('*255')}*{number}", self._print(register, age))

    def _meant(self, address: str) -> list[SimulatedRegister]:
        exact = [one for one in self._registers if one.address == address]
        return exact or [one for one in self._registers if reduced(one.address) == reduced(address)]

    def _print(self, register: SimulatedRegister, age: float) -> str:
        return print_of(register, age, self._shown(age))

    def _shown(self, age: float) -> datetime | None:
        return None if self._clock is None else self._clock.shown(age)


def _begun_anew(register: SimulatedRegister, age: float) -> SimulatedRegister:
    """A maximum of zero, its unit and stamp kept."""
    match register:
        case MaximumRegister():
            return evolve(register, since=age)
        case StillRegister():
            return evolve(register, raw=zeroed(register.raw))
        case TotalRegister() | LoadRegister() | MomentaryRegister() | ClockRegister():
            return register
        case _:
            assert_never(register)


def _is_total(address: str) -> bool:
    """True for the code of a total that is no stored one."""
    code = reduced(address)
    return "*" not in code and code.split(".")[1:2] == [_TOTAL]


def _next_month(local: datetime) -> datetime:
    """The beginning of the month after a local time, in UTC."""
    year, month = (local.year + 1, 1) if local.month == _DECEMBER else (local.year, local.month + 1)
    return datetime(year, month, 1, tzinfo=local.tzinfo).astimezone(UTC)
