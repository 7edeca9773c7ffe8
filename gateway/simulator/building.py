"""Simulated lines with the believable meters of a building, equal for equal seeds."""

import random
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import evolve, frozen

from gateway.protocol.characters import OPENING_SPEED, Mode
from gateway.simulator.affliction import afflicted, twin
from gateway.simulator.bus import SimulatedBus
from gateway.simulator.fault import Fault, FaultRate
from gateway.simulator.household import household_registers
from gateway.simulator.meter import SimulatedMeter
from gateway.simulator.plate import Nameplate
from gateway.simulator.push import USUAL_SPEED, PushingBus, PushingMeter, pushing_plate
from gateway.simulator.truth import meter_as_json
from gateway.site.model import Push

TCP_SPEED = 9600


class WireForm(StrEnum):
    """What bit 7 of the octets on a wire is: even parity, or always clear."""

    PARITY = "parity"
    PLAIN = "plain"


@frozen
class PtyPort:
    """A pseudo-terminal."""


@frozen
class TcpPort:
    """A TCP port of this machine; 0 takes a free one."""

    number: int = 0


Port = PtyPort | TcpPort


@frozen
class SimulatedLine:
    """A wire with its meters.

    `opening_speed` is that of every sign-on, in baud; a TCP port stays at it. `time_scale` divides every time of the
    wire. `push`: its meters speak unasked, once in `period` seconds, all at that speed.
    """

    port: Port
    plates: tuple[Nameplate, ...]
    opening_speed: int
    wire: WireForm
    time_scale: float = 1.0
    is_live: bool = False
    seed: str = ""
    push: Push = Push.NONE
    period: float = 1.0

    def bus(self) -> SimulatedBus:
        """The bus with all meters at rest."""
        if self.push is not Push.NONE:
            return self._pushing_bus()
        twins = [twin(plate) for plate in self.plates if Fault.SAME_SERIAL in plate.faults]
        meters = [
            SimulatedMeter(
                plate,
                self.opening_speed,
                has_parity=self.wire is WireForm.PARITY,
                time_scale=self.time_scale,
                is_live=self.is_live,
                seed=self.seed,
            )
            for plate in (*self.plates, *twins)
        ]
        return SimulatedBus(meters, time_scale=self.time_scale, seed=self.seed)

    def _pushing_bus(self) -> PushingBus:
        has_parity = self.wire is WireForm.PARITY
        meters = [
            PushingMeter(plate, self.push, self.seed, has_parity=has_parity, is_live=self.is_live)
            for plate in self.plates
        ]
        return PushingBus(meters, self.opening_speed, self.period, time_scale=self.time_scale, seed=self.seed)

    def as_json(self, endpoint: str) -> dict[str, object]:
        """The ground truth of the line, as `metergate simulate` prints it."""
        return {
            "endpoint": endpoint,
            "baudrate": self.opening_speed,
            "wire": self.wire.value,
            **({} if self.push is Push.NONE else {"push": self.push.value, "period_s": self.period}),
            "meters": [meter_as_json(plate) for plate in self.plates],
        }


@frozen
class _Model:
    manufacturer: str
    text: str
    mode: Mode
    speed_characters: str = " "
    escapes: tuple[str, ...] = ()
    registers: tuple[int, int] = (12, 25)
    prefix: str = ""
    suffix: str = ""
    glued: bool = False
    framed: bool = True


# All makers are fictitious, so that no profile of a real family takes these meters for its own.
_MODELS = (
    _Model("XMP", "VERBA-3.1", Mode.C, "5546"),
    _Model("XMP", "VERBA-B", Mode.B, "EDEC", registers=(10, 16), glued=True),
    _Model("XKV", "WZ-1", Mode.A, registers=(8, 8), framed=False),
    _Model("XOn", "NOVA E4", Mode.C, "65", escapes=("2",), prefix="1-0:", suffix="*255"),
    _Model("XMp", "VERBA-3.5", Mode.C, "5"),
    _Model("XKV", "HZ-4", Mode.A, registers=(8, 9)),
)
# On a port with a fixed speed only its own character keeps every reader in step.
_FIXED_SPEED_CHARACTER = {Mode.A: " ", Mode.B: "E", Mode.C: "5"}
_DISTINCT = 7_368_787  # a prime: multiples of it modulo 10^6 or 9*10^7 repeat only after as many steps
_LINE_ROOM = 10_000


@frozen
class LineWish:
    """What a simulated line shall be like; `meters` of them are made up, `plates` are given.

    `baudrate` is the opening speed; `wire` None: parity on a pseudo-terminal, plain on TCP or P1. `start` is what the
    clocks of meters show at first. `push` and `period` as in `SimulatedLine`.
    """

    port: Port
    start: datetime
    meters: int = 4
    plates: tuple[Nameplate, ...] = ()
    faults: tuple[FaultRate, ...] = ()
    baudrate: int | None = None
    wire: WireForm | None = None
    time_scale: float = 1.0
    is_live: bool = False
    seed: int = 1
    push: Push = Push.NONE
    period: float = 1.0


def building(wishes: Sequence[LineWish]) -> tuple[SimulatedLine, ...]:
    """One simulated line a wish; no two of its made-up meters share a serial number."""
    return tuple(simulated_line(wish, number) for number, wish in enumerate(wishes))


def simulated_line(wish: LineWish, number: int = 0) -> SimulatedLine:
    """The line that a wish asks for; `number` keeps serial numbers apart from those of other lines."""
    is_fixed = isinstance(wish.port, TcpPort)
    wire = wish.wire or (WireForm.PLAIN if is_fixed or wish.push is Push.P1 else WireForm.PARITY)
    speed = wish.baudrate or USUAL_SPEED.get(wish.push) or (TCP_SPEED if is_fixed else OPENING_SPEED)
    seed = f"{wish.seed}/{number}"
    made = [
        _plate(wish, number, n, wire, is_fixed=is_fixed)
        if wish.push is Push.NONE
        else _pushing_plate(wish, number, n, speed)
        for n in range(wish.meters)
    ]
    given = wish.plates if wish.push is Push.NONE else [evolve(plate, mode=Mode.D) for plate in wish.plates]
    chance = random.Random(f"faults/{seed}")  # noqa: S311 - repeatable on purpose
    return SimulatedLine(
        wish.port,
        tuple(afflicted([*given, *made], wish.faults, chance)),
        speed,
        wire,
        wish.time_scale,
        wish.is_live,
        seed,
        wish.push,
        wish.period,
    )


def _plate(wish: LineWish, number: int, n: int, wire: WireForm, *, is_fixed: bool) -> Nameplate:
    chance = random.Random(f"{wish.seed}/{number}/{n}")  # noqa: S311 - repeatable on purpose
    model = _MODELS[n % len(_MODELS)]
    serial = _serial(wish.seed, number * _LINE_ROOM + n, has_leading_zeros=n % 4 == 1)
    count = chance.randint(*model.registers)
    usual = household_registers(chance, serial, wish.start, count)
    registers = tuple(evolve(register, address=_styled(model, register.address)) for register in usual)
    return Nameplate(
        serial,
        model.mode,
        model.manufacturer,
        model.text,
        registers,
        _FIXED_SPEED_CHARACTER[model.mode] if is_fixed else chance.choice(model.speed_characters),
        model.escapes,
        # Without parity nor block check no reader could see damage.
        framed=model.framed or wire is WireForm.PLAIN,
        glued=model.glued,
    )


def _pushing_plate(wish: LineWish, number: int, n: int, speed: int) -> Nameplate:
    chance = random.Random(f"{wish.seed}/{number}/{n}")  # noqa: S311 - repeatable on purpose
    serial = _serial(wish.seed, number * _LINE_ROOM + n, has_leading_zeros=n % 4 == 1)
    return pushing_plate(chance, serial, wish.start, wish.push, speed)


def _styled(model: _Model, address: str) -> str:
    """The address as this model prints it; letter codes stay short, stored periods keep their own suffix."""
    if not model.prefix or not address[0].isdigit():
        return address
    whole = address if address.count(".") > 1 else f"{address}.0"
    return model.prefix + whole + ("" if "*" in whole else model.suffix)


def _serial(seed: int, position: int, *, has_leading_zeros: bool) -> str:
    step = (seed * _LINE_ROOM + position + 1) * _DISTINCT
    return f"{step % 10**6:08}" if has_leading_zeros else str(10**7 + step % (9 * 10**7))
