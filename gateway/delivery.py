"""The way of the records from the journal to one sink."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Generic, NoReturn, TypeVar, assert_never

import trio
from attrs import define, field

from gateway.errors import Finding, PermanentSinkError, SinkError, TransientSinkError
from gateway.figures import SinkFigures
from gateway.journal import Journal, OwnThread, growing_pauses
from gateway.reading import Event, Gap, Readout, Record
from gateway.sinks import Sink, SinkKind

S = TypeVar("S")
T = TypeVar("T")
Numbered = tuple[int, Record]

BATCH = 500  # records; some megabytes at most
CALL_LIMIT_S = 30.0  # longer than any healthy far end takes for a batch
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
OUTAGE_WORTH_TELLING_S = 60.0  # a shorter one is told by the message about its cause alone
CLOSING_S = 2.0


@define
class Outlet(Generic[S]):
    """Gives the records of the journal to one sink: in their order, each at least once.

    `report` gets the messages for a person; `figures` tell how far the sink is behind. `delivered` counts the records
    taken since the start, `refused` those set aside because the sink will never take them.
    """

    journal: Journal
    name: str
    kind: SinkKind[S]
    settings: S
    report: Callable[[Finding], None]
    figures: SinkFigures = field(factory=SinkFigures)
    call_limit_s: float = CALL_LIMIT_S
    delivered: int = field(init=False, default=0)
    refused: int = field(init=False, default=0)
    _thread: OwnThread = field(init=False)
    _opened: tuple[AbstractContextManager[Sink], Sink] | None = field(init=False, default=None)
    _position: int = field(init=False, default=0)
    _moved: trio.Event = field(init=False, factory=trio.Event)
    _hurry: trio.Event = field(init=False, factory=trio.Event)
    _outage_since: float | None = field(init=False, default=None)
    _outage_told: bool = field(init=False, default=False)

    async def run(self) -> NoReturn:
        """Delivers until cancelled. Whatever the sink does stays here: it delays no bus and no other sink."""
        self._thread = OwnThread(inline=self.journal.inline)
        self._stand_at(await self.journal.cursor(self.name))
        try:
            sink = await self._persist(self._open)
            while True:
                await self.journal.beyond(self._position)
                batch = await self.journal.batch(self._position, BATCH)
                self._measure(batch)
                await self._deliver(sink, batch)
        finally:
            await self._close()

    async def drain(self, seconds: float) -> bool:
        """Waits for at most that long until the sink has taken all that the journal holds; tells whether it has.

        A sink that is not reached is tried once more at once. `run` must be running.
        """
        self._hurry.set()
        self._hurry = trio.Event()
        with trio.move_on_after(seconds):
            while self._position < self.journal.last:
                await self._moved.wait()
        return self._position >= self.journal.last

    async def _deliver(self, sink: Sink, batch: Sequence[Numbered]) -> None:
        size = len(batch)
        while batch:
            part = batch[:size]
            position = part[-1][0]
            write = partial(sink.write, [record for _, record in part])
            try:
                await self._persist(write)
            except PermanentSinkError as error:
                if len(part) > 1:
                    size = len(part) // 2
                    continue
                await self._set_aside(part[0], error)
            else:
                await self.journal.advance(self.name, position)
                self.delivered += len(part)
            self._stand_at(position)
            batch = batch[size:]
            size = len(batch)

    async def _set_aside(self, numbered: Numbered, error: PermanentSinkError) -> None:
        position, record = numbered
        await self.journal.set_aside(self.name, position, error.what)
        self.refused += 1
        slot = f"the record of {record.visit.meter} due {record.visit.due_at:%Y-%m-%dT%H:%M:%SZ} was set aside"
        self._tell("E-SINK-1", f"{slot}: {error.what}", error.next_step)

    async def _persist(self, work: Callable[[], T]) -> T:
        """What `work` gives once the sink takes it; raises PermanentSinkError alone."""
        pauses = growing_pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            try:
                result = await self._call(work)
            except TransientSinkError as error:
                self._note_outage(error)
                with trio.move_on_after(next(pauses)):
                    await self._hurry.wait()
            except PermanentSinkError:
                self._note_end_of_outage()
                raise
            else:
                self._note_end_of_outage()
                return result

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            with trio.fail_after(self.call_limit_s):
                return await self._thread.run(lambda: _isolated(work), abandon=True)
        except trio.TooSlowError:
            raise TransientSinkError("W-SINK-3", f"no end of the call within {self.call_limit_s:g} s") from None

    def _open(self) -> Sink:
        # A call that was given up may still have opened it.
        if self._opened is None:
            try:
                context = self.kind.open(self.settings)
                self._opened = context, context.__enter__()
            except PermanentSinkError as error:
                raise TransientSinkError(error.code, error.what, error.next_step) from error
        return self._opened[1]

    async def _close(self) -> None:
        if self._opened is None:
            return
        context = self._opened[0]
        with trio.CancelScope(shield=True, relative_deadline=CLOSING_S):
            try:
                await self._thread.run(lambda: _isolated(lambda: context.__exit__(None, None, None)), abandon=True)
            except SinkError as error:
                self._tell(error.code, error.what, error.next_step)

    def _stand_at(self, position: int) -> None:
        self._position = position
        self.figures.lag = self._lag
        if not self._lag:
            self.figures.delay_s = 0.0
        self._moved.set()
        self._moved = trio.Event()

    def _measure(self, batch: Sequence[Numbered]) -> None:
        self.figures.lag = self._lag
        self.figures.delay_s = (datetime.now(UTC) - _ended(batch[0][1])).total_seconds()

    @property
    def _lag(self) -> int:
        return self.journal.last - self._position

    def _note_outage(self, error: TransientSinkError) -> None:
        self.figures.lag = self._lag
        if self._outage_since is None:
            self._outage_since = trio.current_time()
            self._tell(error.code, f"{error.what}; {self._waiting}", error.next_step)
        lasted = trio.current_time() - self._outage_since
        if lasted >= OUTAGE_WORTH_TELLING_S and not self._outage_told:
            self._outage_told = True
            self._tell("W-SINK-2", f"not reached for {lasted / 60:.0f} min; {self._waiting}", None)

    def _note_end_of_outage(self) -> None:
        if self._outage_since is not None:
            lasted = trio.current_time() - self._outage_since
            self._tell("W-SINK-4", f"reached again after {lasted:.0f} s; {self._lag:,} records to deliver", None)
        self._outage_since = None
        self._outage_told = False

    @property
    def _waiting(self) -> str:
        return f"{self._lag:,} records wait in the journal, none lost"

    def _tell(self, code: str, what: str, next_step: str | None) -> None:
        self.report(Finding(code, f"sink {self.name}", what, next_step))


def _ended(record: Record) -> datetime:
    match record:
        case Readout():
            return record.read_at
        case Event():
            return record.at
        case Gap():
            return record.visit.started_at
        case _:
            assert_never(record)


def _isolated(work: Callable[[], T]) -> T:
    """Calls a plugin's code: the one place that contains an unforeseen error, so that a sink cannot end the gateway."""
    try:
        return work()
    except (TransientSinkError, PermanentSinkError):
        raise
    except Exception as error:  # whatever a third party raises
        raise TransientSinkError("E-SINK-2", f"it raised {type(error).__name__}: {error}") from error
