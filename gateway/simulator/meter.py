"""A simulated meter: the tariff device's side of a session, without any input or output."""

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from gateway.errors import Garbled, OutOfTurn
from gateway.protocol.characters import OPENING_SPEED, Mode
from gateway.protocol.law import LEFT_BY_BREAK, Role, State
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    Command,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Repeat,
    Request,
    encode,
)
from gateway.protocol.session import Session
from gateway.protocol.timing import T_A
from gateway.simulator.contents import Contents
from gateway.simulator.fault import Fault
from gateway.simulator.plate import Nameplate
from gateway.simulator.respondent import Respondent
from gateway.simulator.voice import Answer, Voice

# protocol.md 4, t_t: so long a meter waits for the reader's next word before it forgets the session.
PATIENCE = 2.2
# protocol.md 4, t_t as well: after so long it says a partial block again whose acknowledgement it did not hear.
REPEAT_AFTER = 1.9
# What an octet with wrong parity becomes: a character that begins and ends no message.
_WITH_PARITY_CHECKED = bytes(0 if octet.bit_count() % 2 else octet for octet in range(256))
_IN_PROGRAMMING = LEFT_BY_BREAK - {State.IDENTIFIED}


@define
class SimulatedMeter:
    """A meter that hears octets and answers as the standard lets it; equal seeds give equal faults.

    `has_parity`: bit 7 of the octets on its wire is even parity, made and judged here; else characters are plain.
    `time_scale` divides its times. `is_live`: its totals grow, its clock runs; else the clock moves when it is set.
    `breaks_heard` counts the sessions that a reader has signed off.
    """

    plate: Nameplate
    opening_speed: int = OPENING_SPEED
    has_parity: bool = True
    time_scale: float = 1.0
    is_live: bool = False
    seed: str = ""
    breaks_heard: int = field(default=0, init=False)
    _session: Session = field(init=False)
    _voice: Voice = field(init=False)
    _contents: Contents = field(init=False)
    _respondent: Respondent | None = field(default=None, init=False)
    _takes_commands: bool = field(init=False)
    _is_one_shot: bool = field(init=False)
    _working_speed: int = field(init=False)
    _last: Message | None = field(default=None, init=False)
    _missed_ack: bool = field(default=False, init=False)
    _born: float | None = field(default=None, init=False)
    _heard_until: float = field(default=float("-inf"), init=False)
    _said_until: float = field(default=float("-inf"), init=False)
    _talked_until: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        facts = self.plate.programming
        clock = self.plate.clock()
        self._voice = Voice(self.plate, self.seed, self.time_scale, has_parity=self.has_parity)
        self._contents = Contents(self.plate, clock)
        if facts is not None and clock is not None:
            self._respondent = Respondent(self.plate, facts, self._contents, clock)
        self._rest()

    @property
    def state(self) -> State:
        """Where it stands in the session."""
        return self._session.state

    @property
    def wrong_passwords(self) -> int:
        """How many wrong passwords it has heard in its life."""
        return 0 if self._respondent is None else self._respondent.lock.wrong

    @property
    def executed(self) -> Sequence[Command]:
        """The writes and other commands that it has carried out, in their order."""
        return () if self._respondent is None else tuple(self._respondent.executed)

    @property
    def due(self) -> float:
        """When it will speak unasked, as long as it hears nothing; infinite where it never will."""
        if self._missed_ack:
            return min(self._deadline, self._talked_until + REPEAT_AFTER / self.time_scale)
        reads_out = self.plate.reads_out_unselected and self.state is State.IDENTIFIED
        return self._deadline if reads_out or self.state in _IN_PROGRAMMING else float("inf")

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
        return self._spoken(self._answers(heard, end), end)

    def lapse(self) -> tuple[Answer, ...]:
        """What it says when it is due: data that was not asked for or acknowledged, or the break of an idle session."""
        moment = self.due
        if self._missed_ack and self._last is not None and moment < self._deadline:
            self._missed_ack = False
            return self._spoken([self._say(self._last)], moment)
        if self.state is State.IDENTIFIED:
            return self._spoken([self._say_block(moment)], moment)
        answers = self._spoken([self._say(Break())], moment)
        self._rest()
        return answers

    @property
    def _speeds(self) -> frozenset[int]:
        """The speeds at which it understands; after its data also the one at which a repeat may be asked."""
        if self.state in _IN_PROGRAMMING:
            return frozenset((self._working_speed,))
        if self.state is State.READOUT:
            return frozenset((self.opening_speed, self._working_speed))
        return frozenset((self.opening_speed,))

    @property
    def _deadline(self) -> float:
        """When it forgets the session for want of another message."""
        if self.state is State.IDLE:
            return float("inf")
        facts = self.plate.programming
        limit = facts.idle_s if facts is not None and self._takes_commands else PATIENCE
        return self._talked_until + limit / self.time_scale

    def _rest(self) -> None:
        self._session = Session(Role.TARIFF_DEVICE, self.plate.check)
        self._leave()

    def _leave(self) -> None:
        self._working_speed = self.opening_speed
        self._takes_commands = self._is_one_shot = self._missed_ack = False
        if self._respondent is not None:
            self._respondent.close()

    def _pass_time(self, now: float) -> None:
        if now - self._heard_until > T_A / self.time_scale:
            self._session.forget()
        if now > self._deadline:
            self._rest()

    def _spoken(self, answers: Iterable[Answer], after: float) -> tuple[Answer, ...]:
        said = tuple(answers)
        self._said_until = after + sum(self._voice.duration(answer) for answer in said)
        if said:
            self._talked_until = self._said_until
        return said

    def _answers(self, octets: bytes, now: float) -> Iterator[Answer]:
        """The answers to the first message among the octets that asks for one."""
        try:
            message = self._next(octets)
            while message is not None:
                self._talked_until, self._missed_ack = now, False
                said = tuple(self._reply(message, now))
                yield from said
                message = None if said else self._next(b"")
        except OutOfTurn:
            # A tariff device that does not understand says nothing.
            return
        except Garbled:
            if self._takes_commands and self.state in _IN_PROGRAMMING:
                yield self._uttered(Repeat())

    def _next(self, octets: bytes) -> Message | None:
        """The next message that it hears."""
        before = self.state
        message = self._session.hear(octets)
        if isinstance(message, Break) and before is not State.IDLE and self._voice.strikes(Fault.BREAK_LOST):
            self._session.state = before
            return self._next(b"")
        return message

    def _reply(self, message: Message, now: float) -> Iterator[Answer]:
        match message:
            case Request() if self.plate.is_addressed(message):
                yield from self._identify(message, now)
            case Request():
                self._rest()
            case OptionSelect():
                yield from self._enter(message, now)
            case Command():
                yield from self._obey(message, now)
            case Acknowledge():
                yield from self._go_on()
            case Repeat():
                yield from self._say_again()
            case Break():
                yield from self._sign_off()
            case _:
                raise OutOfTurn("E-READ-3", f"no reader says {message!r}")

    def _identify(self, request: Request, now: float) -> Iterator[Answer]:
        self._working_speed = self.opening_speed
        self._is_one_shot = request.is_one_shot
        self._takes_commands = self._is_one_shot and self._respondent is not None
        if request.is_one_shot:
            return
        yield self._say(self.plate.identification, self.opening_speed)
        if self.plate.mode in (Mode.A, Mode.B):
            self._working_speed = self.plate.speed_unasked or self.opening_speed
            # In modes A and B a command enters programming mode (protocol.md 5.2).
            self._takes_commands = self._respondent is not None
            yield self._say_block(now)
        elif Fault.UNASKED in self.plate.faults:
            yield self._say_block(now)

    def _enter(self, select: OptionSelect, now: float) -> Iterator[Answer]:
        """Readout, programming mode, or nothing: what an option select brings."""
        self._working_speed = self.plate.speed_selected(select) or self.opening_speed
        if self.state is State.READOUT or (self.state is State.ENTRY and Fault.READOUT_INSTEAD in self.plate.faults):
            yield self._say_block(now, self.plate.tables.get(select.mode))
        elif self.state is State.ENTRY and self._respondent is not None:
            self._takes_commands = True
            yield self._say(self._respondent.open())
        else:
            self._rest()

    def _obey(self, command: Command, now: float) -> Iterator[Answer]:
        if self._respondent is None or not self._takes_commands:
            self._rest()
            return
        self._last = None
        reply = self._respondent.answer(command, self._age(now), now * self.time_scale)
        if reply is not None:
            answer = self._say(reply)
            if not (isinstance(reply, Acknowledge) and self._voice.strikes(Fault.ANSWER_LOST)):
                yield answer
        if self._is_one_shot or isinstance(reply, Break):
            self._rest()

    def _go_on(self) -> Iterator[Answer]:
        """The next partial block."""
        if self._respondent is None or self.state is not State.READ:
            return
        if isinstance(self._last, DataBlock) and self._last.partial and self._voice.strikes(Fault.ACK_LOST):
            self._missed_ack = True
        elif part := self._respondent.next_part():
            yield self._say(part)

    def _say_again(self) -> Iterator[Answer]:
        # A repeat request is never answered by another one (protocol.md 3.7).
        if self._last is None or isinstance(self._last, Repeat) or Fault.NO_REPEAT in self.plate.faults:
            return
        yield self._say(self._last, self.opening_speed if isinstance(self._last, Identification) else None)

    def _sign_off(self) -> Iterator[Answer]:
        speed, respondent = self._working_speed, self._respondent if self._takes_commands else None
        self._leave()
        if respondent is not None:
            self.breaks_heard += 1
            if farewell := respondent.farewell:
                yield self._uttered(farewell, speed)

    def _age(self, now: float) -> float:
        return now - self._born if self.is_live and self._born is not None else 0.0

    def _say_block(self, now: float, table: Sequence[str] | None = None) -> Answer:
        body = self._contents.block(self._age(now), table, is_zero=self._voice.strikes(Fault.ZERO_GLITCH))
        return self._say(DataBlock(body, framed=self.plate.framed))

    def _say(self, message: Message, speed: int | None = None) -> Answer:
        """A message within the session, at the working speed unless told otherwise."""
        self._last = message
        octets, speed = self._session.say(message), speed or self._working_speed
        loses_power = isinstance(message, DataBlock) and self._voice.strikes(Fault.POWER_LOST)
        if loses_power:
            self._rest()
        return self._voice.answer(message, octets, speed, is_cut=loses_power)

    def _uttered(self, message: Message, speed: int | None = None) -> Answer:
        """A message that does not advance the session."""
        return self._voice.answer(message, encode(message, self.plate.check), speed or self._working_speed)
