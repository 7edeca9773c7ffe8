"""The registers of a simulated meter as they are by now."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from attrs import evolve

from gateway.simulator.clock import MeterClock
from gateway.simulator.plate import Nameplate
from gateway.simulator.register import SimulatedRegister, StillRegister, block_of, print_of, reduced

RESET_COUNT = "0.1.0"
RESET_STAMP = "0.1.2"
# The second part of a reduced code (protocol.md 8): maxima begin anew at a reset, totals go on.
_MAXIMUM, _TOTAL = "6", "8"
_RESET_COUNTS = 100  # the counter has two digits


class Contents:
    """What a meter prints while it lives; the nameplate is what it began with.

    `clock` is what its registers of the clock show, None: the clock of each. `age` is how many seconds ago its life
    began, 0 for ever where time stands still.
    """

    def __init__(self, plate: Nameplate, clock: MeterClock | None) -> None:
        self._plate = plate
        self._clock = clock
        self._registers = plate.registers

    def block(self, age: float, table: Sequence[str] | None = None) -> bytes:
        """The 7-bit characters of its data block; `table` are the addresses of a short one, None: all registers."""
        wanted = [register for register in self._registers if table is None or register.address in table]
        return block_of(((one.address, self._print(one, age)) for one in wanted), glued=self._plate.glued)

    def prints(self, address: str, age: float) -> list[tuple[str, str]]:
        """The addresses and prints of the registers that a request means: those of that address, else of its code."""
        return [(one.address, self._print(one, age)) for one in self._meant(address)]

    def put(self, address: str, value: str) -> None:
        """The registers that a request means print this value from now on."""
        meant = self._meant(address)
        self._registers = tuple(StillRegister(one.address, value) if one in meant else one for one in self._registers)

    def reset(self, shown: datetime, age: float) -> None:
        """The demand reset: counts it, stores totals and maxima under its number, begins the maxima anew."""
        if not self._meant(RESET_COUNT):
            self._registers += (StillRegister(RESET_COUNT, "00"),)
        ((_, count),) = self.prints(RESET_COUNT, age)
        number = f"{(int(count) + 1) % _RESET_COUNTS:02}"
        stamp = StillRegister(f"{RESET_STAMP}*{number}", f"{shown:%y%m%d%H%M}")
        self._registers = tuple(
            kept for register in self._registers for kept in self._after_reset(register, number, stamp, age)
        )

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
        yield _begun_anew(register) if quantity == _MAXIMUM else register
        if quantity in (_MAXIMUM, _TOTAL):
            yield StillRegister(f"{register.address.removesuffix('*255')}*{number}", self._print(register, age))

    def _meant(self, address: str) -> list[SimulatedRegister]:
        exact = [one for one in self._registers if one.address == address]
        return exact or [one for one in self._registers if reduced(one.address) == reduced(address)]

    def _print(self, register: SimulatedRegister, age: float) -> str:
        return print_of(register, age, None if self._clock is None else self._clock.shown(age))


def _begun_anew(register: SimulatedRegister) -> SimulatedRegister:
    """A maximum of zero, its unit and stamp kept."""
    if not isinstance(register, StillRegister):
        return register
    number, star, unit = register.raw.partition("*")
    try:
        zero = Decimal(number) * 0
    except InvalidOperation:
        return register
    return evolve(register, raw=f"{format(zero, 'f').zfill(len(number))}{star}{unit}")
