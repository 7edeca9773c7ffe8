"""Simulated meters that push: mode D telegrams, DSMR P1 telegrams, one meter after the other (protocol.md 5.5, 5.6)."""

import random
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from attrs import evolve

from gateway.protocol.characters import BlockCheck, Mode, with_even_parity
from gateway.protocol.check import CheckKind
from gateway.protocol.pushed import PushedTelegram, encode_pushed
from gateway.protocol.timing import wire_time
from gateway.simulator.bus import SimulatedBus, Transmission
from gateway.simulator.contents import Contents
from gateway.simulator.fault import Fault
from gateway.simulator.household import household_registers
from gateway.simulator.plate import Nameplate
from gateway.simulator.register import ClockRegister, SimulatedRegister, StillRegister, TotalRegister
from gateway.simulator.voice import Voice
from gateway.site.model import Push

USUAL_SPEED = {Push.MODE_D: 2400, Push.P1: 115_200}
_STANDARD_SPEED = 2400  # what the standard gives mode D; household meters push at 9600 without STX, ETX, check
_WINTER_MONTHS = (11, 12, 1, 2, 3)
_REGISTERS = (8, 14)


class PushingMeter:
    """One meter with what it pushes; equal seeds give equal faults.

    `has_parity`: bit 7 of its octets is even parity, else clear. `is_live`: its totals grow, its clock runs.
    """

    def __init__(self, plate: Nameplate, push: Push, seed: str, *, has_parity: bool, is_live: bool) -> None:
        self._plate = plate
        self._contents = Contents(plate, plate.clock())
        self._kind = _check_of(plate, push)
        self._has_parity = has_parity
        self._is_live = is_live
        self._voice = Voice(plate, seed, 1.0, has_parity=has_parity)
        self._chance = random.Random(f"push/{seed}/{plate.serial}")  # noqa: S311 - repeatable on purpose

    def telegram(self, age: float) -> bytes:
        """Its octets, damaged as its faults want it, `age` seconds after the start; none of a silent meter."""
        if Fault.SILENT in self._plate.faults:
            return b""
        body = self._contents.block(age if self._is_live else 0.0, is_zero=self._voice.strikes(Fault.ZERO_GLITCH))
        is_framed = self._plate.framed and self._kind is not CheckKind.CRC16
        octets = encode_pushed(PushedTelegram(self._plate.identification, body, self._kind, is_framed))
        is_checked = self._kind is not CheckKind.NONE
        if is_checked and self._voice.strikes(Fault.BAD_CHECK):
            octets = self._with_wrong_check(octets)
        if self._voice.strikes(Fault.DIGITS):
            octets = self._voice.with_other_digits(octets)
        if self._has_parity:
            octets = with_even_parity(octets)
        if self._voice.strikes(Fault.NOISE):
            octets = self._voice.noisy(octets, may_flip=self._has_parity or self._kind is CheckKind.CRC16)
        if self._voice.strikes(Fault.CUT):
            octets = octets[: self._chance.randrange(1, len(octets))]
        return octets

    def _with_wrong_check(self, octets: bytes) -> bytes:
        if self._kind is not CheckKind.CRC16:
            return octets[:-1] + bytes((octets[-1] ^ self._chance.randrange(1, 0x80),))
        end = octets.rindex(b"!") + 1
        sent = int(octets[end : end + 4], 16) ^ self._chance.randrange(1, 1 << 16)
        return octets[:end] + b"%04X\r\n" % sent


class PushingBus(SimulatedBus):
    """A wire on which the meters speak unasked, in turn, each once in `period` seconds; nobody hears the reader.

    They begin when the reader first takes octets, anew when it comes back after it has hung up.
    """

    def __init__(
        self, meters: Sequence[PushingMeter], speed: int, period: float, *, time_scale: float = 1.0, seed: str = ""
    ) -> None:
        super().__init__((), time_scale=time_scale, seed=seed)
        self._pushing = tuple(meters)
        self._speed = speed
        self._period = period / time_scale
        self._round_due = float("-inf")
        self._born: float | None = None

    @property
    def next_due(self) -> float:
        """See `SimulatedBus.next_due`."""
        return min(super().next_due, self._round_due)

    def hear(self, octets: bytes, begin: float, speed: int) -> None:
        """What a reader says on such a line reaches nobody."""

    def take(self, now: float, speed: int) -> bytes:
        """See `SimulatedBus.take`."""
        if self._born is None:
            self._born = now
        if self._round_due == float("-inf"):
            self._round_due = now
        while self._round_due <= now:
            self._push(self._born)
        return super().take(now, speed)

    def hang_up(self) -> None:
        """See `SimulatedBus.hang_up`."""
        super().hang_up()
        self._round_due = float("-inf")

    def _push(self, born: float) -> None:
        """One round; it takes longer than its period where the telegrams do."""
        octet_time, moment = wire_time(1, self._speed) / self.time_scale, self._round_due
        said: list[Transmission] = []
        for meter in self._pushing:
            octets = meter.telegram((moment - born) * self.time_scale)
            said.append(Transmission(moment, octets, self._speed, octet_time))
            moment = said[-1].end
        self._add([one for one in said if one.octets])
        self._round_due = max(self._round_due + self._period, moment)


def pushing_plate(chance: random.Random, serial: str, start: datetime, push: Push, speed: int) -> Nameplate:
    """A made-up meter that pushes; at the standard's speed mode D comes with STX, ETX, check."""
    if push is Push.P1:
        registers = _port_registers(chance, serial, start)
        return Nameplate(serial, Mode.D, "XMP", "GATE500", registers, "5", ("2",), framed=False)
    registers = household_registers(chance, serial, start, chance.randint(*_REGISTERS))
    is_standard = speed == _STANDARD_SPEED
    registers = tuple(evolve(register, address=_whole(register.address)) for register in registers)
    return Nameplate(serial, Mode.D, "XKV", "HAUS-2", registers, "3" if is_standard else "5", framed=is_standard)


def _whole(address: str) -> str:
    """The address as household meters print it."""
    return f"1-0:{address}*255" if address.count(".") > 1 and address[0].isdigit() and "*" not in address else address


def _port_registers(chance: random.Random, serial: str, start: datetime) -> tuple[SimulatedRegister, ...]:
    """What a P1 port prints of an electricity meter with a gas meter behind it."""
    season = "W" if start.month in _WINTER_MONTHS else "S"
    day, night, gas = (Decimal(chance.randrange(100_000, 60_000_000)).scaleb(-3) for _ in range(3))
    return (
        StillRegister("1-3:0.2.8", "50"),
        ClockRegister("0-0:1.0.0", f"%y%m%d%H%M%S{season}", start),
        StillRegister("0-0:96.1.1", _in_hexadecimal(serial)),
        TotalRegister("1-0:1.8.1", f"{night:010.3f}*kWh", Decimal("0.250")),
        TotalRegister("1-0:1.8.2", f"{day:010.3f}*kWh", Decimal("0.750")),
        TotalRegister("1-0:2.8.1", "000000.000*kWh", Decimal(0)),
        StillRegister("0-0:96.14.0", f"{chance.randrange(1, 3):04}"),
        StillRegister("1-0:1.7.0", f"{chance.randrange(50, 6_000) / 1000:06.3f}*kW"),
        StillRegister("1-0:2.7.0", "00.000*kW"),
        StillRegister("1-0:32.7.0", f"{chance.randrange(2_250, 2_380) / 10:.1f}*V"),
        StillRegister("0-1:24.1.0", "003"),
        StillRegister("0-1:96.1.0", _in_hexadecimal(f"G{serial}")),
        StillRegister("0-1:24.2.1", f"{start:%y%m%d%H}0000{season})({gas:09.3f}*m3"),
    )


def _in_hexadecimal(text: str) -> str:
    return text.encode("ascii").hex().upper()


def _check_of(plate: Nameplate, push: Push) -> CheckKind:
    if plate.check is BlockCheck.NONE:
        return CheckKind.NONE
    if push is Push.P1:
        return CheckKind.CRC16
    if not plate.framed:
        return CheckKind.NONE
    return CheckKind.SUM7 if plate.check is BlockCheck.SUM7 else CheckKind.XOR
