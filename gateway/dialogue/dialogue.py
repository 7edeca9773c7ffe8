"""The flow charts of a visit: sign on, read out, leave (protocol.md 5)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import assert_never

import anyio
from attrs import frozen

from gateway.dialogue.exchange import BEGIN, Exchange
from gateway.errors import Garbled, MeterError, NoAnswer, OutOfTurn, Refused
from gateway.figures import Step
from gateway.line.base import Line
from gateway.line.silence import quiet
from gateway.profile import Conduct
from gateway.protocol.characters import SPEEDS_MODE_C, XOR, BlockCheck, Mode, without_parity
from gateway.protocol.incoming import NOISE_LIMIT
from gateway.protocol.law import LEFT_BY_BREAK, State
from gateway.protocol.messages import Break, DataBlock, Identification, OptionSelect, Request, encode
from gateway.protocol.timing import T_R_MIN, WAKE_UP_PAUSE, WAKE_UP_STREAM, wire_time

LEAVE_SILENCE = 1.0  # seconds: how long leaving waits for the far end to finish
LEAVE_DRAIN = 0.5  # seconds for an answer to the break to pass

_DLMS = "speaks DLMS/COSEM, not in this version"


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


class Dialogue(Exchange):
    """One session with one meter; `step` is told what is done, `damaged` of each message that cannot be taken.

    `is_left` False: the meter was still talking when it was left, so that it has missed its break.
    """

    def __init__(
        self,
        line: Line,
        manners: Manners,
        step: Callable[[Step], None] = _unseen,
        damaged: Callable[[Garbled | OutOfTurn], None] = _unseen,
    ) -> None:
        super().__init__(line, manners.timeout, damaged)
        self.manners = manners
        self.step = step
        self.is_left = True
        self._opening_speed = line.speed

    async def sign_on(self) -> Identification:
        """Addresses the meter; raises NoAnswer (E-READ-1), Garbled, OutOfTurn."""
        await quiet(self.line, self.manners.poll_delay)
        if self.manners.wakes_up:
            await self._wake_up()
        request = Request(self.manners.address, self.manners.start)
        self.step(Step.SIGN_ON)
        self.begin()
        await self.say(request)
        with self.counted():
            message = await self.hear()
            if not isinstance(message, Identification):
                sign_on = f"/{request.start}{request.address}!"
                raise self.silence("E-READ-1", f'no answer to "{sign_on}"')
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
                await self.select(identification, conduct, t2)
            case Mode.D | Mode.E:
                raise Refused("E-READ-2", _DLMS, "leave type at auto if the meter answers mode C too")
            case _:
                assert_never(conduct.mode)
        try:
            block = await self._block(identification, conduct)
        except (NoAnswer, Garbled) as failure:
            raise self._explained(failure, identification, conduct) from failure
        self.step(Step.READOUT)
        return block

    async def leave(self) -> None:
        """Frees a meter that waits for us, at the present speed; then the line is back at its opening speed."""
        state = self.session.state
        # A meter in programming mode would not hear the next sign-on: better a break that it may miss than none.
        if state in LEFT_BY_BREAK and (await self._has_finished() or state is not State.IDENTIFIED):
            if self.session.check is BlockCheck.NONE:
                self.session.check = XOR  # a break has its check character all the same
            await self.line.send(self.session.say(Break()))
            self.is_left = await self.falls_silent(LEAVE_DRAIN)
        if self.line.speed != self._opening_speed:
            await self.line.set_speed(self._opening_speed)

    async def _has_finished(self) -> bool:
        """Lets pass what the far end says, its answer too where one is due: a break would collide with its begin."""
        begin = self.line.octets_received
        with anyio.move_on_after(LEAVE_SILENCE / self.line.time_scale) as waiting:
            if self.awaits_answer:
                await self.line.receive()
            await quiet(self.line, T_R_MIN)
        return not waiting.cancelled_caught or self.line.octets_received == begin

    async def select(self, identification: Identification, conduct: Conduct, t2: float) -> None:
        """Acknowledges the proposed speed t2 after the identification, unless the meter sends its data unasked."""
        if await self._begins_unasked(t2):
            return
        character = self._character(identification, conduct)
        speed = self._followed(identification, character)
        # The meter changes its speed once it has heard this: a break must find it there.
        with anyio.CancelScope(shield=True):
            await self.say(OptionSelect(character, conduct.option))
            if speed is not None:
                await self._change_speed(speed)

    def session_speed(self, identification: Identification, conduct: Conduct) -> int:
        """The speed in baud that the session goes on at once the meter's offer was answered."""
        speed = None
        if conduct.mode is Mode.B and self.line.can_change_speed:
            speed = identification.speed
        elif conduct.mode is Mode.C:
            speed = self._followed(identification, self._character(identification, conduct))
        return speed or self.line.speed

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

    async def _begins_unasked(self, t2: float) -> bool:
        """Waits t2 from the identification, or from its repetition; True where data began instead."""
        scale = self.line.time_scale
        with anyio.CancelScope(deadline=self.line.quiet_since + t2 / scale) as waiting:
            while True:
                with self.counted():
                    self._early = self.take(await self.line.receive())
                begin = BEGIN.search(without_parity(self.session.unread[: NOISE_LIMIT + 1]))
                if isinstance(self._early, Identification):
                    self._early, waiting.deadline = None, self.line.quiet_since + t2 / scale
                elif self._early is not None or (begin is not None and begin[0] != b"/"):
                    return True
                elif begin is not None:
                    waiting.deadline = self.line.quiet_since + self.line.character_gap / scale
        return False

    def _character(self, identification: Identification, conduct: Conduct) -> str:
        return conduct.speed_character or self._accepted(identification)

    def _followed(self, identification: Identification, character: str) -> int | None:
        """The speed that both sides change to after that speed character; None: neither does."""
        if character == "0" or character != identification.baud or not self.line.can_change_speed:
            return None
        return SPEEDS_MODE_C.get(character)

    def _accepted(self, identification: Identification) -> str:
        """The offered speed character, or "0" where this line cannot or shall not follow (protocol.md 3.3)."""
        speed = identification.speed
        if speed is None or (self.manners.max_speed is not None and speed > self.manners.max_speed):
            return "0"
        return identification.baud if self.line.can_change_speed or speed == self.line.speed else "0"

    async def _change_speed(self, speed: int) -> None:
        await self.line.set_speed(speed)
        self.step(Step.SPEED_CHANGE)

    async def _block(self, identification: Identification, conduct: Conduct) -> DataBlock:
        message = await self.answer(conduct)
        if message is None:
            raise self._no_data(identification)
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


async def free(line: Line, speed: int, check: BlockCheck) -> None:
    """Frees a meter that was left in programming mode at a speed; the line is back at its own speed afterwards.

    Raises LineLost.
    """
    own, can_follow = line.speed, line.can_change_speed
    octets = encode(Break(), XOR if check is BlockCheck.NONE else check)
    with anyio.CancelScope(shield=True):
        if can_follow and speed != own:
            await line.set_speed(speed)
        await line.send(octets)
        with anyio.move_on_after(LEAVE_DRAIN / line.time_scale):
            await quiet(line, T_R_MIN)
        if line.speed != own:
            await line.set_speed(own)


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
