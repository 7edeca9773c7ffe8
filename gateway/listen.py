"""The one task of a line that only listens: it hears what meters push, for ever (protocol.md 5.5, 5.6)."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import trio
from attrs import define, evolve, field

from gateway.acceptance import Heard, Judged
from gateway.catalog import AUTO
from gateway.errors import Cause, Finding, MeterError, NoAnswer
from gateway.failure import not_visited, where
from gateway.figures import FrameError
from gateway.line.base import Line
from gateway.line.opening import open_line
from gateway.line.reopening import Opener, Reopening
from gateway.line.silence import LOOK
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import BlockCheck
from gateway.protocol.dropped import Damage, Dropped
from gateway.protocol.messages import DataBlock
from gateway.protocol.push import PushStream
from gateway.protocol.pushed import PushedTelegram
from gateway.reading import Event, Gap, Readout, Record, Visit
from gateway.site.model import MeterSettings, Push
from gateway.telemetry import Telemetry
from gateway.trust import identities
from gateway.visit import Visitor

PATIENCE = 15.0  # seconds that a due slot waits for a telegram at least: meters push every 1 to 10 s
STRANGERS_LIMIT = 64  # unknown meters that are told: damage makes new ones for ever
BOOKING_LIMIT = 0.5  # seconds for the slots that are open when a signal comes

_NAMES = {Push.NONE: "", Push.MODE_D: "mode D", Push.P1: "P1"}
_FRAME_ERRORS = {
    Damage.PARITY: FrameError.PARITY,
    Damage.CHECK: FrameError.BLOCK_CHECK,
    Damage.CUT: FrameError.CUT,
}


@define(eq=False)
class _Turn:
    """The slots of one meter: the present one is due at `due`; `heard` is the last telegram not yet stored.

    `doubted` is one that waits for the next to bear it out.
    """

    meter: MeterSettings
    period: float
    patience: float
    due: float
    slots_left: int | None
    heard: Heard | None = None
    doubted: Judged | None = None
    is_failing: bool | None = None

    @property
    def is_open(self) -> bool:
        return self.slots_left is None or self.slots_left > 0

    @property
    def end(self) -> float:
        """When the present slot ends: at once with a telegram, else after its patience or with its successor."""
        if self.heard is not None:
            return self.due
        patience = self.patience if self.slots_left is not None else min(self.patience, self.period)
        return self.due + patience

    def ended(self, *, is_failing: bool) -> None:
        self.due += self.period
        self.is_failing = is_failing
        if self.slots_left is not None:
            self.slots_left -= 1


@define(eq=False)
class Listener:
    """One line on which meters push, its slots, where its records go; nothing is ever sent on it.

    A slot of a meter takes the last telegram that came since the slot before it, or the first to come after it is due.
    `append` stores a record and returns when it is durable, `report` shows a message. `rounds` None: for ever.
    `unwanted` are meters of the line whose telegrams are dropped. `opener` opens the line for the length of a block, or
    raises LineError.
    """

    visitor: Visitor
    meters: Sequence[MeterSettings]
    append: Callable[[Record, MeterMemory | None], Awaitable[None]]
    report: Callable[[Finding], None]
    telemetry: Telemetry
    rounds: int | None = None
    unwanted: Sequence[MeterSettings] = ()
    opener: Opener = open_line
    _turns: list[_Turn] = field(init=False, factory=list)
    _reopening: Reopening = field(init=False)
    _strangers: set[str] = field(init=False, factory=set)
    _last_loss: Dropped | None = field(init=False, default=None)
    _last_good: float = field(init=False, default=float("-inf"))
    _stream: PushStream = field(init=False, factory=PushStream)
    _due: tuple[float, datetime] | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._reopening = Reopening(self.visitor.line, self.opener, self.report)
        begin, scale = trio.current_time(), self.visitor.line.time_scale
        for meter in (*self.meters, *self.unwanted):
            patience = max(PATIENCE, meter.timeout_ms / 1000) / scale
            rounds = 0 if meter in self.unwanted else self.rounds
            self._turns.append(_Turn(meter, meter.scan_rate_ms / 1000 / scale, patience, begin, rounds))

    async def serve(self) -> None:
        """Keeps the line open, hears its meters; returns when all rounds are done.

        A line that fails is opened again with growing pauses, its slots keep their due times. Nothing but a bug of
        ours, or a journal that cannot store for good, leaves this method.
        """
        try:
            await self._reopening.serve(lambda: any(self._open_turns()), self._work, self._book_missed)
        finally:
            if trio.current_effective_deadline() == float("-inf"):
                # A journal that cannot store now gets the records at its end; the process is to be gone by then.
                with trio.CancelScope(shield=True, relative_deadline=BOOKING_LIMIT):
                    await self._settle(Cause.CANCELLED, float("inf"))

    async def _work(self, line: Line) -> None:
        """Hears an open line until all rounds are done."""
        if self._reopening.was_down:
            await self._book_missed()
        model = self._turns[0].meter.meter_model if len(self._turns) == 1 else AUTO
        self._stream = PushStream(lambda said: self.visitor.catalog.choose(said, model).check)
        while any(self._open_turns()):
            for one in await self._heard(line, self._stream):
                self._take(one)
            await self._settle(None, trio.current_time())

    async def _heard(self, line: Line, stream: PushStream) -> list[PushedTelegram | Dropped]:
        """What the next octets, a silence, or the end of a slot give."""
        moment = min(turn.end for turn in self._open_turns())
        silence = line.quiet_since + line.character_gap / line.time_scale
        is_quiet = stream.may_be_complete and silence <= moment
        # A deadline that has passed would leave what has arrived unread.
        with trio.CancelScope(deadline=max(silence if is_quiet else moment, trio.current_time() + LOOK)):
            octets = await line.receive()
            self.visitor.figures.received += len(octets)
            return stream.hear(octets)
        return stream.quiet() if is_quiet else []

    def _take(self, one: PushedTelegram | Dropped) -> None:
        if isinstance(one, Dropped):
            if one.damage.is_loss:
                self._last_loss = one
                self.visitor.figures.frame_errors[_FRAME_ERRORS.get(one.damage, FrameError.GARBLED)] += 1
            return
        self._reopening.is_sound()
        self._last_loss, self._last_good = None, trio.current_time()
        found = self._sender(one)
        if found is not None:
            turn, profile = found
            block = DataBlock(one.body, framed=one.is_checked)
            check = one.check.value if one.is_checked else BlockCheck.NONE.value
            now, moment = self.visitor.now(), trio.current_time()
            turn.heard = Heard(one.identification, profile, block, one.parity, check, now, moment)

    def _sender(self, telegram: PushedTelegram) -> tuple[_Turn, MeterProfile] | None:
        """The meter that prints its serial number, else the only one that the identification fits."""
        fitting: list[tuple[_Turn, MeterProfile]] = []
        numbers: list[str] = []
        for turn in self._turns:
            profile = self.visitor.catalog.choose(telegram.identification, turn.meter.meter_model)
            numbers = list(identities(telegram.sets, profile, is_pushed=True))
            serial = turn.meter.serialnumber
            if not serial or any(profile.address.is_same(number, serial) for number in numbers):
                return turn, profile
            if not numbers and profile.fits(telegram.identification):
                fitting.append((turn, profile))
        if len(fitting) != 1:
            self._tell_stranger(telegram, numbers)
            return None
        return fitting[0]

    def _tell_stranger(self, telegram: PushedTelegram, numbers: Sequence[str]) -> None:
        """A telegram of no meter of this line is told once an identity."""
        number = f"prints {', '.join(numbers)}" if numbers else "prints no number"
        what = f"{telegram.identification.raw} {number}: no meter of this line, nothing stored"
        if what in self._strangers or len(self._strangers) >= STRANGERS_LIMIT:
            return
        self._strangers.add(what)
        advice = f'a [[meter]] with serialnumber = "{numbers[-1]}"' if numbers else "meter_model at the meter it is"
        self.report(Finding("W-PUSH-3", self._reopening.name, what, advice))

    async def _settle(self, cause: Cause | None, now: float) -> None:
        """Ends every due slot that is over by `now`; one without a telegram for that cause, None: by what came."""
        for turn in self._turns:
            while turn.is_open and turn.due <= trio.current_time() and turn.end <= now:
                visit = self._visit(turn)
                if turn.heard is not None:
                    await self._judge(turn, turn.heard, visit)
                elif turn.doubted is not None:
                    failure = NoAnswer("E-PUSH-1", "no other telegram came")
                    await self._store(turn, self.visitor.acceptance.unconfirmed(turn.doubted, failure), visit)
                elif cause is not None:
                    await self._end(turn, Gap(visit, cause, not_visited(turn.meter, cause)))
                else:
                    gap = self._silence(turn, visit)
                    self.report(gap.finding)
                    await self._end(turn, gap)

    async def _book_missed(self) -> None:
        """While a line is down its passed slots end as gaps; with a limit of rounds every due slot does."""
        gives_up = self.rounds is not None and not self._reopening.was_opened
        await self._settle(Cause.LINE_DOWN, float("inf") if gives_up else trio.current_time())

    async def _judge(self, turn: _Turn, heard: Heard, visit: Visit) -> None:
        """Stores a telegram; what is strange about it is stored with the one that comes next."""
        turn.heard, acceptance = None, self.visitor.acceptance
        memory = self.visitor.memory(turn.meter)
        try:
            judged = acceptance.judged(heard, turn.meter, memory)
        except MeterError as error:
            gap = Gap(visit, error.cause, error.finding(where(turn.meter)))
            self.report(gap.finding)
            await self._end(turn, gap, heard.profile.key)
            return
        if turn.doubted is not None:
            judged = acceptance.settled(turn.doubted, judged, turn.meter, memory)
        elif judged.wants_another:
            turn.doubted = judged
            return
        await self._store(turn, judged, visit)

    async def _store(self, turn: _Turn, judged: Judged, visit: Visit) -> None:
        turn.doubted = None
        memory = self.visitor.memory(turn.meter)
        readout, events = self.visitor.acceptance.accepted(judged, turn.meter, memory, visit)
        await self._end(turn, readout, judged.heard.profile.key, events)

    async def _end(self, turn: _Turn, record: Readout | Gap, profile: str = "", events: Sequence[Event] = ()) -> None:
        """A slot is over: the next one is due, the record is counted, then stored behind what has happened."""
        turn.ended(is_failing=isinstance(record, Gap))
        failing = sum(turn.is_failing is True for turn in self._turns)
        answering = sum(turn.is_failing is False for turn in self._turns)
        self.visitor.figures.meters.update(answering=answering, failing=failing, resting=0)
        self.telemetry.visit(record, profile)
        async with AsyncExitStack() as appended:
            # The last one pushed is appended first; each of them is, even if cancelled while another one waits.
            appended.push_async_callback(self.append, record, self.visitor.memory(turn.meter))
            for event in reversed(events):
                appended.push_async_callback(self.append, event, None)

    def _silence(self, turn: _Turn, visit: Visit) -> Gap:
        """Why no telegram is there: none came, or nothing but damaged ones on the whole line."""
        line = self.visitor.line
        waited = f"{_NAMES[line.push]} telegram within {(turn.end - turn.due) * line.time_scale:g} s"
        came = self._last_loss or self._stream.noise
        # What others of the line have sent well meanwhile tells nothing of this meter.
        if came is None or self._last_good >= turn.due:
            advice = "look at the cable and the meter's request line, or raise timeout_ms"
            return Gap(visit, Cause.NO_ANSWER, Finding("E-PUSH-1", where(turn.meter), f"no {waited}", advice))
        what = f"no whole {waited}: {came}"
        advice = f"check speed and polarity of the line: baudrate = {line.baudrate}"
        return Gap(visit, Cause.GARBLED, Finding("E-PUSH-2", where(turn.meter), what, advice))

    def _visit(self, turn: _Turn) -> Visit:
        """The slot as a visit: from its due moment until now."""
        if self._due is None or self._due[0] != turn.due:
            self._due = turn.due, self.visitor.now() - timedelta(seconds=trio.current_time() - turn.due)
        due_at, lasted = self._due[1], trio.current_time() - turn.due
        return evolve(self.visitor.blank(turn.meter, due_at), started_at=due_at, duration_ms=round(lasted * 1000))

    def _open_turns(self) -> Iterator[_Turn]:
        return (turn for turn in self._turns if turn.is_open)
