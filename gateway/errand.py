"""One job that a person asks of one meter, on a line that is opened for it."""

from datetime import datetime

from attrs import define, evolve, field

from gateway.errors import Cause, Finding, LineError
from gateway.failure import where
from gateway.job import Job
from gateway.line.opening import open_line
from gateway.line.reopening import Opener
from gateway.reading import Gap, Record
from gateway.site.model import MeterSettings, Push
from gateway.visit import Visitor
from gateway.work import Terms, job_name

_CUT_SHORT = Finding("W-READ-12", "", "not done: the visit was cut short")


@define(eq=False)
class Errand:
    """A job, its meter, on which terms; `opener` opens the line or raises LineError."""

    visitor: Visitor
    meter: MeterSettings
    job: Job
    terms: Terms
    opener: Opener = open_line
    _due_at: datetime = field(init=False)
    _failure: tuple[Cause, Finding] = field(init=False)
    _record: Record | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._due_at = self.visitor.now()
        self._failure = Cause.CANCELLED, evolve(_CUT_SHORT, where=where(self.meter))

    async def run(self) -> None:
        """Frees the meter where a session of it was never left, then does the job; a failing line ends it.

        Nothing is sent on a line that only listens.
        """
        if self.visitor.line.push is not Push.NONE:
            what = f"line {self.visitor.line.alias} only listens: nothing can be asked of its meters"
            self._failure = Cause.REFUSED, Finding("E-PUSH-4", where(self.meter), what, "name a line without push")
            return
        try:
            async with self.opener(self.visitor.line) as line:
                await self.visitor.free(line, (self.meter,))
                ended = await self.visitor.perform(line, self.meter, self.job, self.terms, self._due_at)
                self._record = ended.record
        except LineError as error:
            self._failure = (
                Cause.LINE_DOWN,
                error.finding(self.visitor.line.alias and f"line {self.visitor.line.alias}"),
            )

    def record(self) -> Record:
        """What came of it; where it did not come to its end, what it has done until then, else a gap."""
        if self._record is None:
            cause, finding = self._failure
            visit = evolve(self.visitor.blank(self.meter, self._due_at), job=job_name(self.job))
            self._record = self.visitor.cut_short(self.meter, finding.what) or Gap(visit, cause, finding)
        return self._record
