"""The clock of the host, as far as it can be believed."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import trio
from attrs import define, field, frozen

from gateway.errors import Finding
from gateway.reading import Event, EventKind, Visit, utc_text

# No host runs this release earlier, unless its clock has lost the time.
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
RUNS_BACK = timedelta(days=1)  # a clock may be set back for good reasons, by less than a day
STEP = timedelta(seconds=2)  # an NTP client that slews moves a clock by less between two looks
LOOK_EVERY = 10.0  # seconds


@frozen
class ClockStep:
    """The host's clock was put: it showed `before`, a moment later `after`; `was_synced`: it was believed before."""

    before: datetime
    after: datetime
    was_synced: bool

    @property
    def offset_s(self) -> float:
        """Seconds to add to a time that was told before."""
        return (self.after - self.before).total_seconds()


@define(eq=False)
class HostClock:
    """The wall clock `now`, watched by a `monotonic` one in seconds.

    It is believed unless it shows a time before this release, or more than a day before `newest`, the time of the
    newest record in the journal (None: there is none). One that is put while it is watched was set by somebody: it is
    believed from the release on.
    """

    now: Callable[[], datetime]
    newest: datetime | None
    monotonic: Callable[[], float]
    _looked: tuple[datetime, float] = field(init=False)
    _was_put: bool = field(init=False, default=False)
    _steps: list[ClockStep] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._looked = self.now(), self.monotonic()

    def is_synced(self) -> bool:
        """True while the clock is believed."""
        return self._is_believed(self._look())

    def steps(self) -> list[ClockStep]:
        """How it was put since the last call, oldest first."""
        self._look()
        steps, self._steps = self._steps, []
        return steps

    def _look(self) -> datetime:
        then, since = self._looked
        wall, moment = self._looked = self.now(), self.monotonic()
        expected = then + timedelta(seconds=moment - since)
        if abs(wall - expected) > STEP:
            self._steps.append(ClockStep(expected, wall, self._is_believed(expected)))
            self._was_put = True
        return wall

    def _is_believed(self, wall: datetime) -> bool:
        is_late = self._was_put or self.newest is None or wall >= self.newest - RUNS_BACK
        return wall >= RELEASED and is_late


@frozen(eq=False)
class ClockWatch:
    """What is told of the clock of the host of a gateway: to a person by `report`, to the journal by `append`.

    `was_put` are called with the monotonic time when the clock was put, before that is told.
    """

    clock: HostClock
    gateway: str
    report: Callable[[Finding], None]
    append: Callable[[Event], Awaitable[None]]
    was_put: Sequence[Callable[[float], None]] = ()

    async def begin(self) -> None:
        """Tells of a clock that cannot be believed; returns when that is in the journal."""
        if self.clock.is_synced():
            return
        wall, newest = self.clock.now(), self.clock.newest
        than = f"this release, {RELEASED:%Y-%m-%d}"
        if newest is not None and wall >= RELEASED:
            than = f"the newest record of {utc_text(newest)}"
        what = f"the host's clock shows {utc_text(wall)}, which is before {than}: readings are marked unsynced"
        self.report(Finding("W-CLK-1", "host", what, "set the clock, by NTP best: timedatectl set-ntp true"))
        await self.append(self._event(wall, what, None, is_synced=False))

    async def run(self) -> None:
        """Tells each time that the clock is put."""
        while True:
            for step in self.clock.steps():
                for was_put in self.was_put:
                    was_put(self.clock.monotonic())
                await self._tell(step)
            await trio.sleep(LOOK_EVERY)

    async def _tell(self, step: ClockStep) -> None:
        span = f"from {utc_text(step.before)} to {utc_text(step.after)}"
        what = f"the host's clock was put by {step.offset_s:+.3f} s: {span}"
        unsynced = "readings marked unsynced were taken so much later than they say"
        advice = None if step.was_synced else f"{unsynced}: docs/operate.md, Clocks"
        self.report(Finding("W-CLK-2", "host", what, advice))
        await self.append(self._event(step.after, what, step, is_synced=self.clock.is_synced()))

    def _event(self, at: datetime, text: str, step: ClockStep | None, *, is_synced: bool) -> Event:
        visit = Visit(self.gateway, "", "", "", at, at, 0)
        details = {
            "synced": is_synced,
            "was_synced": None if step is None else step.was_synced,
            "offset_s": None if step is None else f"{step.offset_s:.3f}",
            "before": None if step is None else utc_text(step.before),
            "after": None if step is None else utc_text(step.after),
        }
        return Event(visit, EventKind.HOST_CLOCK, at, text, details)
