"""The programming mode of a meter: its password, single registers, stored series (protocol.md 3.5 to 3.7, 5.4)."""

import re
from collections.abc import Sequence

import anyio
from attrs import evolve, frozen

from gateway.access import Permit
from gateway.dialogue import REPEATS, Dialogue
from gateway.errors import AccessDenied, Cause, Garbled, NoAnswer, NotOurTurn, Refused, SessionEnded
from gateway.figures import Step
from gateway.line.silence import quiet
from gateway.profile import Conduct
from gateway.protocol.characters import CR_LF, Mode, ReceivedParity, judge_parity, without_parity
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.law import State
from gateway.protocol.messages import Acknowledge, Break, Command, DataBlock, Identification, Message, Repeat
from gateway.protocol.timing import T_R_MAX

OPTION = "1"
# A day of one-minute rows in blocks of one row each; a meter that never says ETX ends here.
PARTS_LIMIT = 1500
SERIES_LIMIT = 1024 * 1024  # octets of all parts: what a month of eight channels prints, times eight
# A plain "(ERROR)" does not tell why a meter declines (protocol.md 3.6).
MAY_WANT_ADMISSION = "the meter may want a password, which was not sent: --password env:NAME, or access in its profile"

_ADDRESS = re.compile(r"[!-'*-.0-~]{0,32}")
_CONTENT = re.compile(r"[ -'*-~]{0,128}")
_PASSWORD = re.compile(rf"\({_CONTENT.pattern}\)")


@frozen
class Answer:
    """What a meter answered to a read command: its data sets, none where it stores nothing in the range.

    `is_complete` False: it broke off, whole lines are here. `doubt` says why its values may be wrong, None: a block
    check covers all.
    """

    sets: tuple[DataSet, ...]
    is_complete: bool = True
    doubt: str | None = None


class ProgrammingSession:
    """A session in programming mode; made by `enter`, left when the dialogue is left.

    `operand` is what the meter gave with P0, the challenge of secure passwords (protocol.md 6). `is_admitted`: the
    meter has taken a password.
    """

    def __init__(self, dialogue: Dialogue, conduct: Conduct, operand: str) -> None:
        self.operand = operand
        self.is_admitted = False
        self._dialogue = dialogue
        self._conduct = conduct
        self._mode = conduct.programming

    async def authenticate(self, command: Command) -> None:
        """Sends the password, once; raises AccessDenied (E-ACC-4) unless the meter acknowledges it.

        E-ACC-8, with nothing sent, for what is no password command.
        """
        if command.kind != "P" or command.digit not in {"1", "2"} or not _PASSWORD.fullmatch(command.data or ""):
            raise AccessDenied(
                "E-ACC-8", "the password's answer is no P1 or P2 command", "mend the plugin that makes it"
            )
        answer = await self._asked(command)
        if not isinstance(answer, Acknowledge):
            what = f"the meter did not take the password: {_told(answer)}"
            raise AccessDenied("E-ACC-4", what, "compare it with the meter's; it is not sent again until it changes")
        self.is_admitted = True

    async def read(self, address: str, argument: str | None = None, *, in_parts: bool = False) -> Answer:
        """One register or stored series; `in_parts` asks for partial blocks where the family sends them.

        Raises Refused (E-PRG-1, E-PRG-2), AccessDenied (E-ACC-4) where the meter's error text says so, SessionEnded
        (E-PRG-3), NoAnswer (E-PRG-4), Garbled, OutOfTurn.
        """
        name = self._mode.read_parts if in_parts and self._mode.read_parts else self._mode.read
        given = self._mode.argument if argument is None else argument
        command = Command(name[0], name[1], _data_set(address, given))
        try:
            message = await self._asked(command)
            for _ in range(REPEATS):
                if not isinstance(message, Repeat):
                    break
                message = await self._asked(command)
        except Garbled as error:
            if (rest := self._whole_lines(error)) is None:
                raise
            return rest
        match message:
            case DataBlock():
                return await self._answered(message, command)
            case Break():
                raise SessionEnded("E-PRG-3", f"the meter ended the session on {_shown(command)}")
            case None:
                raise NoAnswer(
                    "E-PRG-4", f"nothing came to {_shown(command)}", "see whether idle_s of its profile fits"
                )
            case _:
                what = f"the meter answered {_shown(command)} with {_told(message)}"
                raise Refused("E-PRG-2", what, "another read command may be its own: [programming] read in its profile")

    async def write(self, address: str, value: str, permit: Permit) -> bool:
        """Gives a register a new value, once; False: the answer did not come, so that only reading back can tell.

        Raises Refused (E-PRG-1, E-PRG-2), AccessDenied (E-ACC-4).
        """
        return await self._changed(self._mode.write, address, value, permit)

    async def execute(self, address: str, argument: str, permit: Permit) -> bool:
        """Executes a command, once; otherwise as `write`."""
        return await self._changed(self._mode.execute, address, argument, permit)

    async def _changed(self, name: str, address: str, content: str, permit: Permit) -> bool:
        if permit.register != address:
            raise NotOurTurn(f"a permit for {permit.register} does not hold for {address}")
        command = Command(name[0], name[1], _data_set(address, content))
        try:
            answer = await self._asked(command)
        except Garbled:
            return False
        match answer:
            case Acknowledge():
                return True
            case DataBlock():
                self._check_refusal(parse_block(answer.body), command)
                return True
            case None:
                return False
            case _:
                raise Refused("E-PRG-2", f"the meter answered {_shown(command)} with {_told(answer)}")

    async def _asked(self, command: Command) -> Message | None:
        """The answer to a command, said once; raises SessionEnded (E-PRG-3) where the meter has given up waiting."""
        dialogue, line = self._dialogue, self._dialogue.line
        if dialogue.session.state is State.IDLE:
            raise SessionEnded("E-PRG-3", "the meter has ended the session, with more to be said to it")
        if anyio.current_time() - line.quiet_since > self._mode.idle_s / line.time_scale:
            raise SessionEnded("E-PRG-3", f"the meter ends a session after {self._mode.idle_s:g} s without a message")
        await quiet(line, self._conduct.t_r)
        await dialogue.say(command)
        return await dialogue.answer(self._conduct)

    async def _answered(self, first: DataBlock, command: Command) -> Answer:
        bodies, is_complete = await self._parts(first)
        sets = tuple(data_set for body in bodies for data_set in parse_block(body) if data_set.raw)
        refusal = self._check_refusal(sets, command)
        return Answer(() if refusal else sets, is_complete)

    def _check_refusal(self, sets: Sequence[DataSet], command: Command) -> bool:
        """True where the answer says that nothing is stored; raises what its error text means."""
        error = self._mode.refusal(sets[0].raw) if len(sets) == 1 else None
        if error is None:
            return False
        if command.kind == "R" and self._mode.is_empty((command.data or "").partition("(")[0], error):
            return True
        kind = AccessDenied if error.cause is Cause.ACCESS_DENIED else Refused
        code = "E-ACC-4" if kind is AccessDenied else "E-PRG-1"
        what = f"{_shown(command)}: the meter says {sets[0].raw[0]!r}: {error.meaning}"
        raise kind(code, what, None if self.is_admitted else MAY_WANT_ADMISSION)

    async def _parts(self, block: DataBlock) -> tuple[list[bytes], bool]:
        """The bodies of a partial block sequence; False where it did not come to its end."""
        bodies, repeats = [block.body], 0
        while block.partial:
            if len(bodies) >= PARTS_LIMIT or sum(map(len, bodies)) > SERIES_LIMIT:
                return bodies, False
            await quiet(self._dialogue.line, self._conduct.t_r)
            await self._dialogue.say(Acknowledge())
            said_at = anyio.current_time()
            try:
                message = await self._dialogue.answer(self._conduct)
            except Garbled:
                return bodies, False
            if not isinstance(message, DataBlock):
                return bodies, False
            block = message
            if block.body != bodies[-1]:
                bodies.append(block.body)
                repeats = 0
            elif _is_stamped(block.body):
                # Our acknowledgement was lost: the meter says this block again.
                repeats += 1
                if repeats > REPEATS:
                    return bodies, False
            elif anyio.current_time() - said_at > self._longest_reaction(block):
                # Rows of equal values or the same block again: nothing tells, so the rest is asked for anew.
                return bodies, False
            else:
                bodies.append(block.body)
        return bodies, True

    def _longest_reaction(self, block: DataBlock) -> float:
        line = self._dialogue.line
        return (T_R_MAX + len(block.body) * line.character_bits / line.speed) / line.time_scale

    def _whole_lines(self, error: Garbled) -> Answer | None:
        """The whole lines of a block that broke off; None where it is not that, or parity tells of damage."""
        octets = self._dialogue.broken_off
        if error.code != "E-READ-10" or judge_parity(octets) is ReceivedParity.BROKEN:
            return None
        characters = without_parity(octets)
        begin, end = characters.find(b"\x02") + 1, characters.rfind(b"\n") + 1
        if not 0 < begin < end:
            return None
        body = characters[begin:end]
        sets = tuple(data_set for data_set in parse_block(body) if data_set.raw)
        return Answer(sets, is_complete=False, doubt="the answer broke off before its block check")


async def enter(dialogue: Dialogue, identification: Identification, conduct: Conduct, t2: float) -> ProgrammingSession:
    """Opens the programming mode of a meter that has identified itself; `t2` is the wait before the option select.

    Raises Refused (E-PRG-5) where the meter does not open it, NoAnswer, Garbled, OutOfTurn.
    """
    dialogue.session.check = conduct.check
    match conduct.mode:
        case Mode.A | Mode.B:
            # Its commands follow the readout that comes unasked (protocol.md 5.2).
            await dialogue.read_out(identification, conduct, t2)
            return ProgrammingSession(dialogue, conduct, "")
        case Mode.C:
            await dialogue.select(identification, evolve(conduct, option=OPTION), t2)
            operand = await _operand(dialogue, conduct)
            dialogue.step(Step.PROGRAMMING)
            return ProgrammingSession(dialogue, conduct, operand)
        case _:
            raise Refused("E-PRG-5", f"mode {conduct.mode.value} has no programming mode of this protocol")


async def _operand(dialogue: Dialogue, conduct: Conduct) -> str:
    message = await dialogue.answer(conduct)
    match message:
        case Command(data=data):
            return (data or "").removeprefix("(").removesuffix(")")
        case None:
            raise NoAnswer("E-PRG-6", "identification good, then no P0 of the programming mode", "try t2 = 300")
        case _:
            what = f"the meter does not open its programming mode: {_told(message)}"
            raise Refused("E-PRG-5", what, "see whether it is enabled in the meter")


def _data_set(address: str, content: str) -> str:
    """`address(content)`; raises Refused (E-PRG-7) for characters that would end it early."""
    if not _ADDRESS.fullmatch(address) or not _CONTENT.fullmatch(content):
        raise Refused(
            "E-PRG-7",
            f"{address!r} with {content!r} cannot be sent: a command carries printable characters without ( )",
        )
    return f"{address}({content})"


def _is_stamped(body: bytes) -> bool:
    """Each line has its own address, so that two equal ones are one said twice."""
    return any(data_set.address for data_set in parse_block(body))


def _shown(command: Command) -> str:
    """A command as messages show it; never called for a password."""
    return f"{command.kind}{command.digit} {command.data or ''}".strip()


def _told(message: Message | None) -> str:
    """What a meter answered, in words."""
    match message:
        case None:
            return "silence"
        case Repeat():
            return "NAK"
        case Acknowledge():
            return "a mere ACK"
        case Break():
            return "a break"
        case DataBlock(body):
            return repr(body[:40].strip(CR_LF).decode("latin-1"))
        case _:
            return type(message).__name__.lower()
