"""The one task that talks on a line: it visits the line's meters in turn, for ever."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import trio
from attrs import define, field

from gateway.errors import Cause, Finding, LineError
from gateway.line.base import Line
from gateway.line.opening import open_line
from gateway.memory import MeterMemory
from gateway.reading import Gap, Readout, Record
from gateway.schedule import Fate, Schedule, Slot
from gateway.site.model import LineSettings, MeterSettings
from gateway.telemetry import Telemetry
from gateway.visit import Ended, Visitor, where

FIRST_PAUSE = 0.5  # seconds before a failed line is opened again
LONGEST_PAUSE = 30.0
BOOKING_LIMIT = 0.5  # seconds for the gap of a visit that a signal cuts short
LOSSES_A_SLOT = 3  # a slot in which the line was lost so often ends as a gap, so that one meter cannot wedge the rest

_CAUSES = {Fate.OVERRUN: Cause.OVERRUN, Fate.RESTING: Cause.RESTING}
_TEXTS = {
    Cause.OVERRUN: Finding("W-BUS-2", "", "not read: the round took longer than its scan rate"),
    Cause.RESTING: Finding("W-BUS-3", "", "not read: resting after failed visits"),
    Cause.LINE_DOWN: Finding("W-BUS-4", "", "not read: the line was down"),
    Cause.CANCELLED: Finding("W-READ-12", "", "not read: the visit was cut short"),
}

Append = Callable[[Record, MeterMemory | None], Awaitable[None]]
Opener = Callable[[LineSettings], AbstractAsyncContextManager[Line]]


@define(eq=False)
class Bus:
    """One line, its schedule, where its records go.

    `append` stores a record and returns when it is durable, `report` shows a message. `rounds` None: for ever.
    `opener` opens the line for the length of a block, or raises LineError.
    """

    visitor: Visitor
    schedule: Schedule
    append: Append
    report: Callable[[Finding], None]
    telemetry: Telemetry
    rounds: int | None = None
    opener: Opener = open_line
    _losses: int = field(init=False, default=0)
    _told: str = field(init=False, default="")
    _visited: set[str] = field(init=False, factory=set)
    _round_s: float = field(init=False, default=0.0)
    _due: tuple[float, datetime] | None = field(init=False, default=None)
    _slowed: set[str] = field(init=False, factory=set)

    @property
    def name(self) -> str:
        """The line as messages name it; a line of the command line needs no name."""
        alias = self.visitor.line.alias
        return alias and f"line {alias}"

    async def serve(self) -> None:
        """Keeps the line open, visits its meters; returns when the schedule has ended.

        A line that fails is opened again with growing pauses, its meters keep their due times. Nothing but a bug of
        ours, or a journal that cannot store for good, leaves this method.
        """
        pause, was_down = FIRST_PAUSE, False
        while self.schedule.next(trio.current_time()) is not None:
            heard, is_open = self.visitor.figures.received, False
            try:
                async with self.opener(self.visitor.line) as line:
                    is_open = True
                    if was_down:
                        await self._book_missed(is_open=True)
                    await self._work(line)
            except LineError as error:
                was_down = True
                self._tell_once(error.finding(self.name))
                await self._book_missed(is_open=is_open)
                if self.visitor.figures.received > heard:
                    pause = FIRST_PAUSE
                await trio.sleep(pause / self.visitor.line.time_scale)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _work(self, line: Line) -> None:
        """Sees to slot after slot on an open line."""
        while (slot := self.schedule.next(trio.current_time())) is not None:
            await _listen_until(line, slot.due)
            if slot.fate is Fate.VISIT:
                await self._visit(line, slot)
            else:
                await self._book(slot, _CAUSES[slot.fate])

    async def _visit(self, line: Line, slot: Slot) -> None:
        figures, ended = self.visitor.figures, None
        sent, received = line.octets_sent, line.octets_received
        try:
            ended = await self.visitor.visit(line, slot, self._wall(slot.due), self.schedule.answering())
        except LineError:
            self._losses += 1
            raise
        finally:
            figures.sent += line.octets_sent - sent
            figures.received += line.octets_received - received
            if ended is None and trio.current_effective_deadline() == float("-inf"):
                # A journal that cannot store now gets the gap at its end; the process is to be gone by then.
                with trio.CancelScope(shield=True, relative_deadline=BOOKING_LIMIT):
                    await self._book(slot, Cause.CANCELLED)
        self._told = ""
        await self._store(slot, ended)

    async def _store(self, slot: Slot, ended: Ended) -> None:
        """A visit ends: it is scheduled on, shown, stored."""
        record = ended.record
        self._losses = 0
        is_answered = isinstance(record, Readout)
        self.schedule.ended(slot, trio.current_time(), answered=is_answered, at_least=ended.min_interval)
        self._tell_interval(slot.meter, ended)
        self._measure(slot, record)
        if isinstance(record, Gap):
            self.report(record.finding)
        self.telemetry.visit(record, ended.profile, ended.steps)
        await self.append(record, self.visitor.memory(slot.meter))

    def _tell_interval(self, meter: MeterSettings, ended: Ended) -> None:
        """A profile's shortest interval wins over the scan rate: each read costs a battery meter."""
        if ended.min_interval * 1000 <= meter.scan_rate_ms or meter.device_alias in self._slowed:
            return
        self._slowed.add(meter.device_alias)
        wanted = f"every {meter.scan_rate_ms / 1000:g} s"
        what = f"read every {ended.min_interval:g} s instead of {wanted}: its profile {ended.profile} asks for it"
        self.report(Finding("W-BUS-5", where(meter), what, f"scan_rate_ms = {ended.min_interval * 1000:.0f}"))

    def _measure(self, slot: Slot, record: Record) -> None:
        """What the line's figures learn of a visit; a round is over when every meter was visited once more."""
        figures = self.visitor.figures
        figures.meters.update(self.schedule.states())
        if slot.meter.device_alias in self._visited:
            figures.round_s, self._round_s = self._round_s, 0.0
            self._visited.clear()
        self._visited.add(slot.meter.device_alias)
        self._round_s += record.visit.duration_ms / 1000

    async def _book(self, slot: Slot, cause: Cause) -> None:
        """Ends a slot without a visit."""
        text = _TEXTS[cause]
        finding = Finding(text.code, where(slot.meter), text.what)
        gap = Gap(self.visitor.blank(slot.meter, self._wall(slot.due)), cause, finding)
        self._losses = 0
        self.schedule.ended(slot, trio.current_time(), answered=None)
        self.telemetry.visit(gap)
        await self.append(gap, None)

    async def _book_missed(self, *, is_open: bool) -> None:
        """While a line is down its passed slots end as gaps, as does one in which it was lost too often.

        With a limit of rounds every due slot does when the line cannot be opened.
        """
        gives_up = self._losses >= LOSSES_A_SLOT
        while (slot := self.schedule.next(trio.current_time())) is not None and slot.due <= trio.current_time():
            if slot.fate is Fate.VISIT and not gives_up and (is_open or self.rounds is None):
                return
            gives_up = False
            await self._book(slot, Cause.LINE_DOWN)

    def _wall(self, moment: float) -> datetime:
        """A due moment of the loop's clock as wall time: the same for all slots that are due together."""
        if self._due is None or self._due[0] != moment:
            self._due = moment, self.visitor.now() - timedelta(seconds=trio.current_time() - moment)
        return self._due[1]

    def _tell_once(self, finding: Finding) -> None:
        """A line that stays down is told once, not at every try."""
        if str(finding) != self._told:
            self._told = str(finding)
            self.report(finding)


async def _listen_until(line: Line, moment: float) -> None:
    """Drops what comes on an idle line until a moment of the clock; raises LineLost when it hangs up."""
    with trio.CancelScope(deadline=moment):
        while True:
            await line.receive()
