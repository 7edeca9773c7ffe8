"""A simulated meter: the tariff device's side of a session, without any input or output."""

import random
from collections.abc import Iterator, Mapping
from enum import StrEnum

from attrs import define, field, frozen

from gateway.errors import Garbled, OutOfTurn
from gateway.protocol.characters import (
    OPENING_SPEED,
    SPEEDS_MODE_C,
    XOR,
    BlockCheck,
    Mode,
    with_even_parity,
)
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Repeat,
    Request,
)
from gateway.protocol.session import Role, Session, State
from gateway.protocol.timing import T_A, T_R_MIN, T_R_MIN_FAST, wire_time
from gateway.simulator.fault import Fault
from gateway.simulator.register import SimulatedRegister, print_of

# protocol.md 4, t_t: so long a meter waits for the reader's next word before it forgets the session.
PATIENCE = 2.2
# Beyond the standard's 1.5 s at its worst, yet within the time-out that most readers have.
SLOW_REACTION = (1.2, 2.4)
_SPURIOUS_OCTETS = bytes((0x00, 0xFF))
_EXPOSED_OCTETS = 100  # noise strikes a message of so many octets or more at its full rate, a shorter one less
_SPURIOUS_SHARE = 0.25
# What an octet with wrong parity becomes: a character that begins and ends no message.
_WITH_PARITY_CHECKED = bytes(0 if octet.bit_count() % 2 else octet for octet in range(256))


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

    @property
    def identification(self) -> Identification:
        """What it answers to its sign-on."""
        return Identification(self.manufacturer, self.speed_character, self.model, self.escapes)

    def block(self, age: float = 0.0) -> bytes:
        """The 7-bit characters of its data block, `age` seconds after the start."""
        lines = "\r\n".join(f"{register.address}({print_of(register, age)})" for register in self.registers)
        return f"{lines}{'' if self.glued else chr(13) + chr(10)}!\r\n".encode("latin-1")

    def is_addressed(self, request: Request) -> bool:
        """True where it takes the sign-on as its own; the empty address means every meter."""
        if request.start != "?":
            return False
        if not request.address or self.address_rule is AddressRule.IGNORE or Fault.IGNORES_ADDRESS in self.faults:
            return True
        if self.address_rule is AddressRule.EXACT:
            return request.address == self.serial
        return request.address.lstrip("0") == self.serial.lstrip("0")


@frozen
class Answer:
    """Octets that a meter says, `pause` seconds after the octet heard or said last, at `speed` baud."""

    octets: bytes
    pause: float
    speed: int


@define
class SimulatedMeter:
    """A meter that hears octets and answers as the standard lets it; equal seeds give equal faults.

    `has_parity`: bit 7 of the octets on its wire is even parity, made and judged here; else characters are plain.
    `time_scale` divides its times. `is_live`: its totals grow, its clock runs.
    """

    plate: Nameplate
    opening_speed: int = OPENING_SPEED
    has_parity: bool = True
    time_scale: float = 1.0
    is_live: bool = False
    seed: str = ""
    _session: Session = field(init=False)
    _chance: random.Random = field(init=False)
    _working_speed: int = field(init=False)
    _born: float | None = field(default=None, init=False)
    _heard_until: float = field(default=float("-inf"), init=False)
    _said_until: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed}/{self.plate.serial}")  # noqa: S311 - repeatable on purpose
        self._rest()

    def hear(self, octets: bytes, speed: int, begin: float, end: float) -> tuple[Answer, ...]:
        """What it says to octets that were on the wire from `begin` to `end`, in seconds of one clock.

        It hears nothing while it speaks; octets of another speed or with wrong parity are garbage to it.
        """
        if self._born is None:
            self._born = begin
        if begin < self._said_until or Fault.SILENT in self.plate.faults:
            return ()
        self._pass_time(begin)
        self._heard_until = end
        if speed not in self._speeds:
            self._session.forget()
            return ()
        heard = octets.translate(_WITH_PARITY_CHECKED) if self.has_parity else octets
        answers = tuple(self._answers(heard, end - self._born))
        self._said_until = end + sum(answer.pause + self._duration(answer) for answer in answers)
        return answers

    @property
    def _speeds(self) -> frozenset[int]:
        """The speeds at which it understands; after its data also the one at which a repeat may be asked."""
        if self._session.state is State.READOUT:
            return frozenset((self.opening_speed, self._working_speed))
        return frozenset((self.opening_speed,))

    def _rest(self) -> None:
        self._session = Session(Role.TARIFF_DEVICE, self.plate.check)
        self._working_speed = self.opening_speed

    def _pass_time(self, now: float) -> None:
        if now - self._heard_until > T_A / self.time_scale:
            self._session.forget()
        if self._session.state is not State.IDLE and now - self._said_until > PATIENCE / self.time_scale:
            self._rest()

    def _duration(self, answer: Answer) -> float:
        return wire_time(len(answer.octets), answer.speed) / self.time_scale

    def _answers(self, octets: bytes, age: float) -> Iterator[Answer]:
        """The answers to the first message among the octets that asks for one."""
        try:
            message = self._session.hear(octets)
            while message is not None:
                said = tuple(self._reply(message, age if self.is_live else 0.0))
                yield from said
                message = None if said else self._session.hear(b"")
        except (Garbled, OutOfTurn):
            # A tariff device that does not understand says nothing.
            return

    def _reply(self, message: Message, age: float) -> Iterator[Answer]:
        match message:
            case Request() if self.plate.is_addressed(message):
                self._working_speed = self.opening_speed
                yield self._say(self.plate.identification, self.opening_speed)
                if self.plate.mode in (Mode.A, Mode.B):
                    self._working_speed = self._speed_unasked()
                    yield self._say_block(age)
            case OptionSelect():
                self._working_speed = self._speed_selected(message)
                yield self._say_block(age)
            case Repeat() if self._session.state is State.READOUT:
                yield self._say_block(age)
            case Repeat():
                yield self._say(self.plate.identification, self.opening_speed)
            case Request():
                self._rest()
            case Acknowledge() | Break():
                pass
            case _:
                raise OutOfTurn("E-READ-3", f"no reader says {message!r}")

    def _speed_unasked(self) -> int:
        """Mode B changes to the speed of its identification, mode A stays."""
        offered = self.plate.identification.speed if self.plate.mode is Mode.B else None
        return offered or self.opening_speed

    def _speed_selected(self, select: OptionSelect) -> int:
        """The offered speed where exactly that is accepted, else the opening speed (protocol.md 3.3)."""
        if select.baud != self.plate.speed_character:
            return self.opening_speed
        return SPEEDS_MODE_C.get(select.baud, self.opening_speed)

    def _say_block(self, age: float) -> Answer:
        return self._say(DataBlock(self.plate.block(age), framed=self.plate.framed), self._working_speed)

    def _say(self, message: Identification | DataBlock, speed: int) -> Answer:
        octets = self._session.say(message)
        is_checked = isinstance(message, DataBlock) and message.framed and self.plate.check is not BlockCheck.NONE
        if is_checked and self._strikes(Fault.BAD_CHECK):
            octets = octets[:-1] + bytes((octets[-1] ^ self._chance.randrange(1, 0x80),))
        if self.has_parity:
            octets = with_even_parity(octets)
        if self._strikes(Fault.NOISE, exposure=len(octets) / _EXPOSED_OCTETS):
            octets = self._noisy(octets, may_flip=self.has_parity or is_checked)
        if isinstance(message, DataBlock) and self._strikes(Fault.CUT):
            octets = octets[: self._chance.randrange(1, len(octets))]
        usual = T_R_MIN_FAST if self.plate.identification.is_fast else T_R_MIN
        pause = usual if self.plate.reaction is None else self.plate.reaction
        if self._strikes(Fault.SLOW):
            pause = self._chance.uniform(*SLOW_REACTION)
        return Answer(octets, pause / self.time_scale, speed)

    def _strikes(self, fault: Fault, exposure: float = 1.0) -> bool:
        """True where chance wants it: at the fault's rate, or less for a message that is exposed less."""
        rate = self.plate.faults.get(fault, 0.0)
        return rate > 0 and self._chance.random() < 1 - (1 - rate) ** min(exposure, 1.0)

    def _noisy(self, octets: bytes, *, may_flip: bool) -> bytes:
        """One bit flipped, or spurious octets in front; never damage that neither parity nor block check can show."""
        if not may_flip or self._chance.random() < _SPURIOUS_SHARE:
            return bytes(self._chance.choices(_SPURIOUS_OCTETS, k=self._chance.randint(1, 3))) + octets
        place = self._chance.randrange(len(octets))
        bit = 1 << self._chance.randrange(8 if self.has_parity else 7)
        return octets[:place] + bytes((octets[place] ^ bit,)) + octets[place + 1 :]
