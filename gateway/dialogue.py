"""The flow charts of a visit: sign on, read out, leave (protocol.md 5)."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import assert_never

import anyio
from attrs import frozen

from gateway.errors import Garbled, MeterError, NoAnswer, OutOfTurn, Refused
from gateway.figures import Step
from gateway.line.base import Line
from gateway.line.silence import quiet
from gateway.profile import Conduct
from gateway.protocol.characters import OPENING_SPEED, SPEEDS_MODE_C, XOR, BlockCheck, Mode, without_parity
from gateway.protocol.incoming import NOISE_LIMIT
from gateway.protocol.messages import Break, DataBlock, Identification, Message, OptionSelect, Repeat, Request
from gateway.protocol.parse import evidence
from gateway.protocol.session import LEFT_BY_BREAK, Role, Session
from gateway.protocol.timing import T_R_MIN, WAKE_UP_PAUSE, WAKE_UP_STREAM, wire_time

REPEATS = 2  # protocol.md 3.7: at most this many NAKs a message
BARE_END = 0.2  # seconds of silence that end a block without check
MESSAGE_SLACK = 60.0  # seconds beyond what the slowest wire needs twice: octets that drip for longer end no message
LEAVE_SILENCE = 1.0  # seconds: how long leaving waits for the far end to finish
LEAVE_DRAIN = 0.5  # seconds for an answer to the break to pass

_DLMS = "speaks DLMS/COSEM, not in this version"
# What noise of the turn-around does not hold: the begin of a message.
_BEGIN = re.compile(rb"[\x02!-~]")
# Only a block between these can be asked for again: the meter of a bare one has gone back to its sign-on state.
_FRAME = re.compile(rb"[\x02-\x04]")


def _unseen(_: object) -> None:
    """Nobody wants to know."""


@frozen
class Manners:
    """How a meter wants to be spoken to before its identification is known; times in seconds of an unscaled line.

    `poll_delay` is the least silence before a sign-on, `timeout` the wait for the first octet of an answer.
    `max_speed` caps what is accepted in mode C.
    """

    address: str
    poll_delay: float
    timeout: float
    start: str = "?"
    wakes_up: bool = False
    max_speed: int | None = None


class Dialogue:
    """One session with one meter; `step` is told what is done, `damaged` of each message that cannot be taken."""

    def __init__(
        self,
        line: Line,
        manners: Manners,
        step: Callable[[Step], None] = _unseen,
        damaged: Callable[[Garbled | OutOfTurn], None] = _unseen,
    ) -> None:
        self.line = line
        self.manners = manners
        self.session = Session(Role.READER)
        self._step = step
        self._damaged = damaged
        self._opening_speed = line.speed
        self._is_identified = False
        self._early: Message | None = None
        self._is_framed = False
        self._said_at = float("inf")

    async def sign_on(self) -> Identification:
        """Addresses the meter; raises NoAnswer (E-READ-1), Garbled, OutOfTurn."""
        await quiet(self.line, self.manners.poll_delay)
        if self.manners.wakes_up:
            await self._wake_up()
        request = Request(self.manners.address, self.manners.start)
        self._step(Step.SIGN_ON)
        await self._say(request)
        with self._counted():
            message = await self._hear()
            if not isinstance(message, Identification):
                sign_on = f"/{request.start}{request.address}!"
                raise self._silence("E-READ-1", f'no answer to "{sign_on}"')
        self._is_identified = True
        return message

    async def read_out(self, identification: Identification, conduct: Conduct, t2: float) -> DataBlock:
        """The meter's data block; damaged ones are asked for again where they carry a check.

        `t2` is the wait in seconds before the option select. Raises NoAnswer (E-READ-5), Garbled, OutOfTurn, Refused.
        """
        self.session.check = conduct.check
        match conduct.mode:
            case Mode.A:
                pass
            case Mode.B:
                await self._follow_unasked(identification)
            case Mode.C:
                await self._select(identification, conduct, t2)
            case Mode.D | Mode.E:
                raise Refused("E-READ-2", _DLMS, "leave type at auto if the meter answers mode C too")
            case _:
                assert_never(conduct.mode)
        try:
            block = await self._block(identification, conduct)
        except (NoAnswer, Garbled) as failure:
            raise self._explained(failure, identification, conduct) from failure
        self._step(Step.READOUT)
        return block

    async def leave(self) -> None:
        """Frees a meter that waits for us, at the present speed; then the line is back at its opening speed."""
        if self.session.state in LEFT_BY_BREAK and await self._falls_silent(LEAVE_SILENCE):
            if self.session.check is BlockCheck.NONE:
                self.session.check = XOR  # a break has its check character all the same
            await self.line.send(self.session.say(Break()))
            await self._falls_silent(LEAVE_DRAIN)
        if self.line.speed != self._opening_speed:
            await self.line.set_speed(self._opening_speed)

    async def _wake_up(self) -> None:
        stream = bytes(round(WAKE_UP_STREAM / wire_time(1, self.line.speed, self.line.character_bits)))
        await self.line.send(stream)
        await anyio.sleep(WAKE_UP_PAUSE / self.line.time_scale)

    async def _follow_unasked(self, identification: Identification) -> None:
        speed = identification.speed
        if speed is not None and speed != self.line.speed and self.line.can_change_speed:
            await self._change_speed(speed)

    def _explained(self, failure: MeterError, identification: Identification, conduct: Conduct) -> MeterError:
        """A failure that comes of a speed which this line could not follow is told as such."""
        speed, ours = identification.speed, self.line.speed
        if conduct.mode is not Mode.B or speed in (None, ours):
            return failure
        what = f"mode B: the meter goes on at {speed} Bd, this line stays at {ours} Bd: {failure.what}"
        return Refused("E-READ-11", what, f"set the line and its far end to {speed} Bd, or use a port that can follow")

    async def _select(self, identification: Identification, conduct: Conduct, t2: float) -> None:
        """Acknowledges the proposed speed t2 after the identification, unless the meter sends its data unasked."""
        if await self._begins_unasked(t2):
            return
        character = conduct.speed_character or self._accepted(identification)
        await self._say(OptionSelect(character, conduct.option))
        speed = SPEEDS_MODE_C.get(character)
        if character != "0" and character == identification.baud and speed is not None and self.line.can_change_speed:
            await self._change_speed(speed)

    async def _begins_unasked(self, t2: float) -> bool:
        """Waits t2 from the identification, or from its repetition; True where data began instead."""
        scale = self.line.time_scale
        with anyio.CancelScope(deadline=self.line.quiet_since + t2 / scale) as waiting:
            while True:
                with self._counted():
                    self._early = self._heard(await self.line.receive())
                begin = _BEGIN.search(without_parity(self.session.unread[: NOISE_LIMIT + 1]))
                if isinstance(self._early, Identification):
                    self._early, waiting.deadline = None, self.line.quiet_since + t2 / scale
                elif self._early is not None or (begin is not None and begin[0] != b"/"):
                    return True
                elif begin is not None:
                    waiting.deadline = self.line.quiet_since + self.line.character_gap / scale
        return False

    def _accepted(self, identification: Identification) -> str:
        """The offered speed character, or "0" where this line cannot or shall not follow (protocol.md 3.3)."""
        speed = identification.speed
        if speed is None or (self.manners.max_speed is not None and speed > self.manners.max_speed):
            return "0"
        return identification.baud if self.line.can_change_speed or speed == self.line.speed else "0"

    async def _change_speed(self, speed: int) -> None:
        await self.line.set_speed(speed)
        self._step(Step.SPEED_CHANGE)

    async def _block(self, identification: Identification, conduct: Conduct) -> DataBlock:
        repeats, damage = 0, None
        while True:
            try:
                with self._counted():
                    message = await self._hear()
                    if message is None and self.session.unread:
                        raise self._silence("E-READ-10", "the data block broke off")
            except Garbled as error:
                damage, is_checked = error, self._is_framed and conduct.check is not BlockCheck.NONE
                if repeats == REPEATS or not is_checked or damage.code == "E-READ-7":
                    raise
                repeats += 1
                await quiet(self.line, conduct.t_r)
                await self._say(Repeat())
                continue
            if message is None:
                # A meter that does not repeat has said something before: the damage tells more than the silence.
                raise damage or self._no_data(identification)
            if not isinstance(message, DataBlock):
                raise Refused(
                    "E-READ-9", f"the meter answered with a {type(message).__name__.lower()} where its data was due"
                )
            return message

    def _no_data(self, identification: Identification) -> MeterError:
        if "2" in identification.escapes:
            return Refused("E-READ-2", f"{_DLMS}: it offers HDLC and gave no ASCII readout")
        silence = f"nothing at {self.line.speed} Bd within {self.manners.timeout:g} s"
        what = f"identification {identification.raw} good, then {silence}"
        return NoAnswer("E-READ-5", what, 'try t2 = 300, or speed_change = "never"')

    async def _say(self, message: Message) -> None:
        # A message once begun is finished: half a message would leave the meter waiting.
        with anyio.CancelScope(shield=True):
            await self.line.send(self.session.say(message))
        self._said_at = anyio.current_time()

    async def _hear(self) -> Message | None:
        """The next message; None when none came or the one that began did not end."""
        scale, message = self.line.time_scale, self._early or self.session.hear(b"")
        self._early = None
        first_octet_due = anyio.current_time() + self.manners.timeout / scale
        with anyio.CancelScope(deadline=first_octet_due) as silence:
            while message is None or self._is_repeated(message):
                message = self._heard(b"" if message else await self.line.receive())
                gap = BARE_END if self.session.may_be_complete else self.line.character_gap
                silence.deadline = self.line.quiet_since + gap / scale
                # Noise of the turn-around or an echo is no answer yet.
                if _BEGIN.search(without_parity(self.session.unread[: NOISE_LIMIT + 1])) is None:
                    silence.deadline = max(silence.deadline, first_octet_due)
        return self.session.quiet() if message is None else message

    def _heard(self, octets: bytes) -> Message | None:
        self._is_framed = self._is_framed or _FRAME.search(without_parity(octets)) is not None
        heard = len(self.session.unread) + len(octets)
        longest = MESSAGE_SLACK + self.manners.timeout + 2 * wire_time(heard, OPENING_SPEED)
        if anyio.current_time() - self._said_at > longest / self.line.time_scale:
            raise Garbled("E-READ-7", f"no end after {longest:.0f} s, {heard:,} octets")
        return self.session.hear(octets)

    def _is_repeated(self, message: Message) -> bool:
        """Some meters identify themselves twice: the second one is passed over while data is due."""
        return self._is_identified and isinstance(message, Identification)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (Garbled, OutOfTurn) as error:
            self._damaged(error)
            raise

    def _silence(self, code: str, what: str) -> MeterError:
        """No octet at all, or octets that became no message."""
        heard = self.session.unread
        if not heard:
            return NoAnswer(code, what)
        return Garbled(
            "E-READ-10" if code == "E-READ-10" else "E-READ-4",
            f"{what}; heard {len(heard):,} octets: {evidence(heard)}",
            "compare speed and parity of the line with the meter's; look for a weak contact",
        )

    async def _falls_silent(self, limit: float) -> bool:
        """Lets pass what the far end still sends; False where it is not silent for t_r within the limit."""
        with anyio.move_on_after(limit / self.line.time_scale) as waiting:
            await quiet(self.line, T_R_MIN)
        return not waiting.cancelled_caught


@asynccontextmanager
async def signed_on(dialogue: Dialogue) -> AsyncIterator[Identification]:
    """A session with a meter that has identified itself; it is left properly however the block ends.

    Raises MeterError when the meter does not answer as it should, LineLost when the line hangs up.
    """
    try:
        yield await dialogue.sign_on()
    finally:
        with anyio.CancelScope(shield=True):
            await dialogue.leave()
