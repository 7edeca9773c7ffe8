"""The exchange of messages with one meter: says, hears, asks again for what came damaged (protocol.md 3.7, 4)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from gateway.errors import Garbled, MeterError, NoAnswer, OutOfTurn
from gateway.line.base import Line
from gateway.line.silence import quiet
from gateway.profile import Conduct
from gateway.protocol.characters import OPENING_SPEED, BlockCheck, without_parity
from gateway.protocol.incoming import NOISE_LIMIT
from gateway.protocol.law import Role
from gateway.protocol.messages import Identification, Message, Repeat
from gateway.protocol.parse import evidence
from gateway.protocol.session import Session
from gateway.protocol.timing import T_R_MIN, wire_time

REPEATS = 2  # protocol.md 3.7: at most this many NAKs a message
BARE_END = 0.2  # seconds of silence that end a block without check
MESSAGE_SLACK = 60.0  # seconds beyond what the slowest wire needs twice: octets that drip for longer end no message
SESSION_LIMIT = 3600.0  # seconds: a month of load profile at 300 Bd takes less, a meter that never ends does not

# What noise of the turn-around does not hold: the begin of a message.
BEGIN = re.compile(rb"[\x02!-~]")
# Only a block between these can be asked for again: the meter of a bare one has gone back to its sign-on state.
_FRAME = re.compile(rb"[\x02-\x04]")


class Exchange:
    """Our side of a session on a line; `timeout` is the wait for the first octet of an answer, in seconds.

    `damaged` is told of each message that cannot be taken. `broken_off` is what came last of a message without end.
    """

    def __init__(self, line: Line, timeout: float, damaged: Callable[[Garbled | OutOfTurn], None]) -> None:
        self.line = line
        self.session = Session(Role.READER)
        self._timeout = timeout
        self._damaged = damaged
        self.broken_off = b""
        self._is_identified = False
        self._early: Message | None = None
        self._is_framed = False
        self._said_at = float("inf")
        self._session_end = float("inf")

    @property
    def awaits_answer(self) -> bool:
        """Nothing has come since we spoke."""
        return self.line.quiet_since <= self._said_at

    def begin(self) -> None:
        """A session begins: from now on it may last SESSION_LIMIT."""
        self._session_end = anyio.current_time() + SESSION_LIMIT / self.line.time_scale

    async def say(self, message: Message) -> None:
        """Says a message; once begun it is finished: half a message would leave the meter waiting."""
        with anyio.CancelScope(shield=True):
            await self.line.send(self.session.say(message))
        self._said_at = anyio.current_time()

    async def answer(self, conduct: Conduct) -> Message | None:
        """The next message; a damaged one is asked for again where it carries a check. None: nothing came.

        Raises Garbled, OutOfTurn.
        """
        repeats, damage = 0, None
        while True:
            try:
                with self.counted():
                    message = await self.hear()
                    if message is None and self.session.unread:
                        self.broken_off = self.session.unread
                        raise self.silence("E-READ-10", "the data block broke off")
            except Garbled as error:
                damage, is_checked = error, self._is_framed and conduct.check is not BlockCheck.NONE
                if repeats == REPEATS or not is_checked or damage.code == "E-READ-7":
                    raise
                repeats += 1
                await quiet(self.line, conduct.t_r)
                await self.say(Repeat())
                continue
            if message is None and damage is not None:
                # A meter that does not repeat has said something before: the damage tells more than the silence.
                raise damage
            return message

    async def hear(self) -> Message | None:
        """The next message; None when none came or the one that began did not end."""
        scale, message = self.line.time_scale, self._early or self.session.hear(b"")
        self._early = None
        first_octet_due = anyio.current_time() + self._timeout / scale
        with anyio.CancelScope(deadline=first_octet_due) as silence:
            while message is None or self._is_repeated(message):
                message = self.take(b"" if message else await self.line.receive())
                gap = BARE_END if self.session.may_be_complete else self.line.character_gap
                silence.deadline = self.line.quiet_since + gap / scale
                # Noise of the turn-around or an echo is no answer yet.
                if BEGIN.search(without_parity(self.session.unread[: NOISE_LIMIT + 1])) is None:
                    silence.deadline = max(silence.deadline, first_octet_due)
        return self.session.quiet() if message is None else message

    def take(self, octets: bytes) -> Message | None:
        """The next message once these octets have come; raises Garbled (E-READ-7) for a talker without end."""
        self._is_framed = self._is_framed or _FRAME.search(without_parity(octets)) is not None
        heard = len(self.session.unread) + len(octets)
        longest = MESSAGE_SLACK + self._timeout + 2 * wire_time(heard, OPENING_SPEED)
        if anyio.current_time() - self._said_at > longest / self.line.time_scale:
            raise Garbled("E-READ-7", f"no end after {longest:.0f} s, {heard:,} octets")
        if anyio.current_time() > self._session_end:
            raise Garbled("E-READ-7", f"the session has no end after {SESSION_LIMIT:.0f} s")
        return self.session.hear(octets)

    def _is_repeated(self, message: Message) -> bool:
        """Some meters identify themselves twice: the second one is passed over while data is due."""
        return self._is_identified and isinstance(message, Identification)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Tells of damage that leaves the block as an error."""
        try:
            yield
        except (Garbled, OutOfTurn) as error:
            self._damaged(error)
            raise

    def silence(self, code: str, what: str) -> MeterError:
        """No octet at all, or octets that became no message."""
        heard = self.session.unread
        if not heard:
            return NoAnswer(code, what)
        shown = "not shown, since an echo of the password may be among them" if self.session.hides else evidence(heard)
        garbled = Garbled(
            "E-READ-10" if code == "E-READ-10" else "E-READ-4",
            f"{what}; heard {len(heard):,} octets: {shown}",
            "compare speed and parity of the line with the meter's; look for a weak contact",
        )
        garbled.octets = b"" if self.session.hides else heard
        return garbled

    async def falls_silent(self, limit: float) -> bool:
        """Lets pass what the far end still sends; False where it is not silent for t_r within the limit."""
        with anyio.move_on_after(limit / self.line.time_scale) as waiting:
            await quiet(self.line, T_R_MIN)
        return not waiting.cancelled_caught
