"""The one task that talks on a line: it visits the line's meters in turn, for ever."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import trio
from attrs import define, evolve, field

from gateway.errors import Cause, Finding, LineError
from gateway.failure import not_visited, where
from gateway.line.base import Line
from gateway.line.opening import open_line
from gateway.line.reopening import Opener, Reopening
from gateway.memory import MeterMemory
from gateway.reading import Gap, Record
from gateway.schedule import Fate, Schedule, Slot
from gateway.site.model import MeterSettings
from gateway.telemetry import Telemetry
from gateway.visit import Ended, Visitor

BOOKING_LIMIT = 0.5  # seconds for the gap of a visit that a signal cuts short
LOOK_AGAIN = 60.0  # seconds of idle time after which the schedule is asked again: the wall clock may have been put
LOSSES_A_SLOT = 3  # a slot in which the line was lost so often ends as a gap, so that one meter cannot wedge the rest

_CAUSES = {Fate.OVERRUN: Cause.OVERRUN, Fate.RESTING: Cause.RESTING}

Append = Callable[[Record, MeterMemory | None], Awaitable[None]]


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
    _reopening: Reopening = field(init=False)
    _visited: set[str] = field(init=False, factory=set)
    _round_s: float = field(init=False, default=0.0)
    _due: tuple[float, datetime] | None = field(init=False, default=None)
    _slowed: set[str] = field(init=False, factory=set)

    def __attrs_post_init__(self) -> None:
        self._reopening = Reopening(self.visitor.line, self.opener, self.report)

    async def serve(self) -> None:
        """Keeps the line open, visits its meters; returns when the schedule has ended.

        A line that fails is opened again with growing pauses, its meters keep their due times. Nothing but a bug of
        ours, or a journal that cannot store for good, leaves this method.
        """
        await self._reopening.serve(
            lambda: self.schedule.next(trio.current_time()) is not None, self._work, self._book_missed
        )

    async def _work(self, line: Line) -> None:
        """Sees to slot after slot on an open line; before all a meter that was left in a session is freed."""
        await self.visitor.free(line, self.schedule.meters)
        if self._reopening.was_down:
            await self._book_missed()
        while (slot := self.schedule.next(trio.current_time())) is not None:
            await _listen_until(line, min(slot.due, trio.current_time() + LOOK_AGAIN))
            if slot.due > trio.current_time():
                continue
            if slot.fate is Fate.VISIT:
                await self._visit(line, slot)
            else:
                await self._book(slot, _CAUSES[slot.fate])

    async def _visit(self, line: Line, slot: Slot) -> None:
        figures, ended = self.visitor.figures, None
        sent, received = line.octets_sent, line.octets_received
        try:
            ended = await self.visitor.visit(line, slot, self._wall(slot), self.schedule.answering())
        except LineError:
            self._losses += 1
            raise
        finally:
            figures.sent += line.octets_sent - sent
            figures.received += line.octets_received - received
            if ended is None and trio.current_effective_deadline() == float("-inf"):
                # A journal that cannot store now gets the record at its end; the process is to be gone by then.
                with trio.CancelScope(shield=True, relative_deadline=BOOKING_LIMIT):
                    await self._book(slot, Cause.CANCELLED)
        self._reopening.is_sound()
        await self._store(slot, ended)

    async def _store(self, slot: Slot, ended: Ended) -> None:
        """A visit ends: it is scheduled on, shown, stored."""
        record = ended.record
        self._losses = 0
        is_answered = not isinstance(record, Gap)
        self.schedule.ended(
            slot, trio.current_time(), answered=is_answered, at_least=ended.min_interval, rest=ended.rest
        )
        self._tell_interval(slot.meter, ended)
        self._measure(slot, record)
        for finding in (record.finding if isinstance(record, Gap) else None, ended.warning):
            if finding is not None:
                self.report(finding)
        self.telemetry.visit(record, ended.profile, ended.steps)
        async with AsyncExitStack() as appended:
            # The last one pushed is appended first; each of them is, even if cancelled while another one waits.
            appended.push_async_callback(self.append, record, self.visitor.memory(slot.meter))
            for event in reversed(ended.events):
                appended.push_async_callback(self.append, event, None)

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
        if slot.job is not None:
            return
        if slot.meter.device_alias in self._visited:
            figures.round_s, self._round_s = self._round_s, 0.0
            self._visited.clear()
        self._visited.add(slot.meter.device_alias)
        self._round_s += record.visit.duration_ms / 1000

    async def _book(self, slot: Slot, cause: Cause) -> None:
        """Ends a slot without a visit, or with one that was cut short; what its job has done until then is told."""
        finding = not_visited(slot.meter, cause)
        blank = evolve(self.visitor.blank(slot.meter, self._wall(slot)), job="" if slot.job is None else slot.job.name)
        done = None if slot.job is None else self.visitor.cut_short(slot.meter, finding.what)
        record = done or Gap(blank, cause, finding)
        self._losses = 0
        self.schedule.ended(slot, trio.current_time(), answered=None)
        self.telemetry.visit(record)
        # A session that was cut short is left by now, which the meter's memory says.
        await self.append(record, None if slot.job is None else self.visitor.memory(slot.meter))

    async def _book_missed(self) -> None:
        """While a line is down its passed slots end as gaps, as does one in which it was lost too often.

        With a limit of rounds every due slot does when the line cannot be opened.
        """
        gives_up = self._losses >= LOSSES_A_SLOT
        while (slot := self.schedule.next(trio.current_time())) is not None and slot.due <= trio.current_time():
            if slot.fate is Fate.VISIT and not gives_up and (self._reopening.was_opened or self.rounds is None):
                return
            gives_up = False
            await self._book(slot, Cause.LINE_DOWN)

    def _wall(self, slot: Slot) -> datetime:
        """A due moment of the loop's clock as wall time: the same for all slots that are due together.

        A job's is a whole second, as its cadence is.
        """
        if self._due is None or self._due[0] != slot.due:
            self._due = slot.due, self.visitor.now() - timedelta(seconds=trio.current_time() - slot.due)
        due = self._due[1]
        return due if slot.job is None else (due + timedelta(milliseconds=500)).replace(microsecond=0)


async def _listen_until(line: Line, moment: float) -> None:
    """Drops what comes on an idle line until a moment of the clock; raises LineLost when it hangs up."""
    with trio.CancelScope(deadline=moment):
        while True:
            await line.receive()
