"""Who is due on a line, in fair turn; who rests after failures."""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial

from attrs import define, frozen

from gateway.site.model import JobSettings, MeterSettings

# After so many failed slots in a row a meter rests between single tries, so that the living ones keep their cadence.
FAILURES_BEFORE_REST = 3
FIRST_REST = 30.0  # seconds
LONGEST_REST = 3600.0  # seconds
STUCK_REST = 120.0  # seconds: the longest idle time after which a meter ends a session by itself (protocol.md 4)
TRIES_WHEN_HEALTHY = 3
TRIES_WHEN_RESTING = 1

# When scheduled work is due next after a moment of the schedule's clock, by the text of its cadence.
Moments = Callable[[str, float], float]


class Fate(Enum):
    """What becomes of a due slot."""

    VISIT = "visit"
    RESTING = "resting"
    OVERRUN = "overrun"


@frozen
class Slot:
    """One due slot of one meter: due at `due` (seconds of the schedule's clock), with so many sign-on tries.

    `job` is the scheduled work that is due; None: the usual readout.
    """

    meter: MeterSettings
    due: float
    fate: Fate
    tries: int = TRIES_WHEN_HEALTHY
    job: JobSettings | None = None


@define
class _Turn:
    meter: MeterSettings
    period: float
    due: float
    waits_since: float  # when the first slot was due that came after the last visit
    slots_left: int | None
    last_visit: int = 0  # its number among all visits of the line
    failures: int = 0
    has_answered: bool = False
    rest: float = 0.0
    rests_until: float = float("-inf")

    @property
    def is_resting(self) -> bool:
        return self.failures >= FAILURES_BEFORE_REST

    @property
    def tries(self) -> int:
        return TRIES_WHEN_RESTING if self.is_resting else TRIES_WHEN_HEALTHY


@define
class _JobTurn:
    turn: _Turn
    job: JobSettings
    moment: Callable[[float], float]  # when it is due next after a moment
    due: float
    following: float
    period: float
    last: float | None = None  # the slot that was due before


class Schedule:
    """The due slots of the meters of one line; every slot is handed out once.

    Who has waited longest comes first, slots that overran included: on an overloaded line all are read equally often.

    The meters' jobs are due at wall-clock moments, which `moments` knows; without it there are none. Where a job and a
    readout are due they take turns: one job, one readout. How a job ends says nothing of the meter's health.

    `meters` are those of the line. Times are seconds of one monotonic clock. `scale` divides the meters' periods and
    the rests.
    With `rounds` each meter has so many slots, none of which overruns, and no jobs; without, slots come for ever.
    """

    def __init__(
        self,
        meters: Sequence[MeterSettings],
        begin: float,
        *,
        rounds: int | None = None,
        scale: float = 1.0,
        moments: Moments | None = None,
    ) -> None:
        self.meters = tuple(meters)
        self._turns = [_Turn(meter, meter.scan_rate_ms / 1000 / scale, begin, begin, rounds) for meter in meters]
        self._rounds = rounds
        self._scale = scale
        self._visits = 0
        self._jobs = [] if moments is None or rounds is not None else list(_job_turns(self._turns, begin, moments))
        self._was_job = False

    def next(self, now: float) -> Slot | None:
        """The slot to see to next; it may lie in the future. None when all rounds are done.

        A slot whose successor is due as well has overrun; a slot within a meter's rest is not visited.
        """
        turn = min(self._open_turns(), key=lambda turn: (turn.waits_since, turn.last_visit), default=None)
        if turn is None:
            return None
        job = min(self._jobs, key=lambda job: job.due, default=None)
        if job is not None and self._is_jobs_turn(job.due, turn.due, now):
            return Slot(job.turn.meter, job.due, _fate(job.turn, job.due, job.following, now), job.turn.tries, job.job)
        following = turn.due + turn.period if self._rounds is None else float("inf")
        return Slot(turn.meter, turn.due, _fate(turn, turn.due, following, now), turn.tries)

    def _is_jobs_turn(self, job: float, readout: float, now: float) -> bool:
        if max(job, readout) <= now:
            return not self._was_job
        return job < readout

    def ended(self, slot: Slot, now: float, *, answered: bool | None, at_least: float = 0.0, rest: float = 0.0) -> None:
        """The slot is over: the meter answered, failed, or (None) nothing was learned of it.

        `at_least` is the shortest period that the meter stands, in seconds; it holds from this slot on. `rest`, in
        seconds: the meter is left alone for so long.
        """
        if rest:
            resting = next(turn for turn in self._turns if turn.meter is slot.meter)
            resting.rests_until = max(resting.rests_until, now + rest / self._scale)
        if slot.job is not None:
            self._job_ended(slot)
            return
        self._was_job = self._was_job and slot.fate is not Fate.VISIT
        turn = next(turn for turn in self._turns if turn.meter is slot.meter)
        turn.period = max(turn.period, at_least / self._scale)
        turn.due = slot.due + turn.period
        if slot.fate is not Fate.OVERRUN:
            self._visits += 1
            turn.waits_since, turn.last_visit = turn.due, self._visits
        if turn.slots_left is not None:
            turn.slots_left -= 1
        if answered is not None:
            turn.has_answered = answered
        if answered is True:
            turn.failures, turn.rest, turn.rests_until = 0, 0.0, float("-inf")
        elif answered is False:
            turn.failures += 1
            if turn.is_resting:
                turn.rest = min(2 * turn.rest or FIRST_REST, LONGEST_REST)
                turn.rests_until = max(turn.rests_until, now + turn.rest / self._scale)

    def _job_ended(self, slot: Slot) -> None:
        self._was_job = self._was_job or slot.fate is Fate.VISIT
        job = next(job for job in self._jobs if job.job is slot.job and job.turn.meter is slot.meter)
        # Wall clock and monotonic clock do not run quite alike: what was due is not due again a little later.
        job.last, job.due = slot.due, job.moment(slot.due + job.period / 2)
        job.following = job.moment(job.due + job.period / 2)

    def wall_was_put(self, now: float) -> None:
        """The wall clock was put: the jobs are due by its new time.

        A job that has been due is due again after half of its period at the earliest, at once where that would be more
        than one and a half: it is neither done twice nor left out.
        """
        for job in self._jobs:
            if job.due > now and job.last is None:
                job.due = job.moment(now)
            elif job.due > now and job.last is not None:
                due = job.moment(max(now, job.last + job.period / 2))
                job.due = now if due > job.last + 1.5 * job.period else due
            job.following = job.moment(job.due + job.period / 2)

    def answering(self) -> int:
        """How many meters answered at their last visit."""
        return sum(turn.has_answered for turn in self._turns)

    def states(self) -> dict[str, int]:
        """How many meters answer, fail, or rest after failures."""
        resting = sum(turn.is_resting for turn in self._turns)
        failing = sum(turn.failures > 0 for turn in self._turns) - resting
        return {"answering": self.answering(), "failing": failing, "resting": resting}

    def _open_turns(self) -> Iterator[_Turn]:
        return (turn for turn in self._turns if turn.slots_left is None or turn.slots_left > 0)


def _job_turns(turns: Sequence[_Turn], begin: float, moments: Moments) -> Iterator[_JobTurn]:
    for turn in turns:
        for job in turn.meter.jobs:
            moment = partial(moments, job.schedule)
            due = moment(begin)
            following = moment(due)
            # The hour that a season change repeats makes one of two longer.
            yield _JobTurn(turn, job, moment, due, following, min(following - due, moment(following) - following))


def _fate(turn: _Turn, due: float, following: float, now: float) -> Fate:
    if following <= now:
        return Fate.OVERRUN
    return Fate.RESTING if due < turn.rests_until else Fate.VISIT
