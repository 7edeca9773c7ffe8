"""The nameplate of a simulated meter: what it is, before anything has happened to it."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from gateway.protocol.characters import SPEEDS_MODE_C, XOR, BlockCheck, Mode
from gateway.protocol.messages import Identification, OptionSelect, Request
from gateway.simulator.clock import MeterClock, Timekeeping
from gateway.simulator.fault import Fault
from gateway.simulator.programming import SimulatedProgramming
from gateway.simulator.register import SimulatedRegister, block_of, print_of


class AddressRule(StrEnum):
    """Which sign-ons a meter takes as meant for it (protocol.md 3.1)."""

    STRIP_ZEROS = "strip_zeros"
    EXACT = "exact"
    IGNORE = "ignore"


@frozen
class Nameplate:
    """What a simulated meter is.

    `model` is the text of its identification; `framed` False: its block has neither STX nor check; `glued`: its
    end mark follows the last bracket without a line end. `reaction` is t_r in seconds, None: the least of its reaction
    class. `faults` maps those that it has to their rate a message; lasting ones have the rate 1.
    `programming` None: it has no programming mode. `timekeeping` None: that of its programming mode; without one each
    of its registers of the clock runs by itself. `billing_periods` None: its demand is reset by commands only; else
    each month of its clock begins with a reset, and what so many resets have stored is kept. `tables` maps option
    digits 6 to 9 to the addresses of the registers that they read. `reads_out_unselected`: without option select a
    meter of mode C reads out at its opening speed.
    """

    serial: str
    mode: Mode
    manufacturer: str
    model: str
    registers: tuple[SimulatedRegister, ...]
    speed_character: str = "5"
    escapes: tuple[str, ...] = ()
    check: BlockCheck = XOR
    framed: bool = True
    glued: bool = False
    address_rule: AddressRule = AddressRule.STRIP_ZEROS
    reaction: float | None = None
    faults: Mapping[Fault, float] = field(factory=dict)
    programming: SimulatedProgramming | None = None
    timekeeping: Timekeeping | None = None
    billing_periods: int | None = None
    tables: Mapping[str, tuple[str, ...]] = field(factory=dict)
    reads_out_unselected: bool = False

    @property
    def identification(self) -> Identification:
        """What it answers to its sign-on."""
        return Identification(self.manufacturer, self.speed_character, self.model, self.escapes)

    @property
    def speed_unasked(self) -> int | None:
        """The speed to which mode B changes after its identification; None where it stays (mode A)."""
        return self.identification.speed if self.mode is Mode.B else None

    def speed_selected(self, select: OptionSelect) -> int | None:
        """The offered speed where exactly that is accepted; None: the opening speed stays (protocol.md 3.3)."""
        return SPEEDS_MODE_C.get(select.baud) if select.baud == self.speed_character else None

    def clock(self) -> MeterClock | None:
        """Its clock as it starts; None where each of its registers of the clock runs by itself."""
        if self.timekeeping is not None:
            return MeterClock(self.timekeeping.start, self.timekeeping.zone, self.timekeeping.gain_s)
        return None if self.programming is None else MeterClock(self.programming.start, self.programming.time_zone)

    def block(self, age: float = 0.0) -> bytes:
        """The 7-bit characters of its data block, `age` seconds after the start, as long as nothing changes it."""
        clock = self.clock()
        shown = None if clock is None else clock.shown(age)
        prints = ((register.address, print_of(register, age, shown)) for register in self.registers)
        return block_of(prints, glued=self.glued)

    def is_addressed(self, request: Request) -> bool:
        """True where it takes the sign-on as its own; the empty address means every meter."""
        if request.start != "?":
            return False
        if not request.address or self.address_rule is AddressRule.IGNORE or Fault.IGNORES_ADDRESS in self.faults:
            return True
        if self.address_rule is AddressRule.EXACT:
            return request.address == self.serial
        return request.address.lstrip("0") == self.serial.lstrip("0")
