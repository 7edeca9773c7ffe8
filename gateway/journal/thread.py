"""Blocking calls beside the loop."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import trio
from attrs import define, field

from gateway.errors import Finding, JournalFailed, JournalFull

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class OwnThread:
    """One thread at a time for blocking calls, apart from trio's shared ones; `inline` runs them on the loop instead.

    Inline is for a virtual clock, which does not wait for threads.
    """

    def __init__(self, *, inline: bool = False) -> None:
        self.inline = inline
        self._limiter = trio.CapacityLimiter(1)

    async def run(self, work: Callable[[], T], *, abandon: bool = False) -> T:
        """What `work` gives or raises. Cancelled only before it begins, unless `abandon`: then it goes on unheard.

        An abandoned call keeps the thread, so that the next one waits for its end.
        """
        if self.inline:
            await trio.lowlevel.checkpoint()
            return work()
        return await trio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=abandon)


def growing_pauses(first: float, longest: float) -> Iterator[float]:
    """Seconds to wait between tries: doubled each time up to the longest, for ever."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)


@define
class PatientThread:
    """A thread whose calls are made again, with growing pauses, until the journal can be used.

    `alarm` gets one message when calls begin to fail, and one when the last of them has succeeded.
    """

    thread: OwnThread
    alarm: Callable[[Finding], None]
    _failing: int = field(init=False, default=0)
    _hurried: trio.Event = field(init=False, factory=trio.Event)

    def hurry(self) -> None:
        """Calls that wait for their next try make it now."""
        self._hurried.set()
        self._hurried = trio.Event()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives in the end. JournalFull and JournalFailed do not leave it, any other error does."""
        pauses = growing_pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        try:
            return await self.thread.run(work)
        except (JournalFull, JournalFailed) as error:
            failure = error
        self._failing += 1
        try:
            if self._failing == 1:
                self.alarm(failure.finding("journal"))
            while True:
                with trio.move_on_after(next(pauses)):
                    await self._hurried.wait()
                try:
                    result = await self.thread.run(work)
                except (JournalFull, JournalFailed):
                    continue
                if self._failing == 1:
                    self.alarm(Finding("W-JRN-7", "journal", "it stores again, nothing acknowledged was lost"))
                return result
        finally:
            self._failing -= 1
