"""Stored intervals or log entries, read as far as they are missing (protocol.md 7.3)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field

from gateway.job import ReadSeries
from gateway.profile import MeterProfile
from gateway.profile.event_log import log_entries
from gateway.profile.intervals import stored_intervals
from gateway.profile.programming_mode import ProgrammingMode, SeriesKind, StoredSeries
from gateway.profile.stamp import range_text
from gateway.profile.stored import StoredData
from gateway.programming import MAY_WANT_ADMISSION, Answer, ProgrammingSession
from gateway.reading import Quality, Reading, Readout
from gateway.work.order import Contact, Need, Order, Work
from gateway.work.registers import doubt, readout

# The longest usual interval; also what a meter shifts the limit by that adds the hour of summer time (protocol.md 7.3).
OVERLAP = timedelta(hours=1)
CONTINUATIONS = 3  # how often the rest of an answer that broke off is asked for in one slot

_NOTHING = "nothing is stored in the range"
_USUAL = {
    SeriesKind.LOAD_PROFILE: StoredSeries("P.01", SeriesKind.LOAD_PROFILE, "load profile"),
    SeriesKind.LOG: StoredSeries("P.98", SeriesKind.LOG, "event log"),
}


@define(eq=False)
class SeriesReading(Work):
    """Reads a stored series: what is missing since the last stored interval, or the range that was asked for.

    An answer that breaks off keeps its whole rows; the rest is asked for from the last of them on, also in the next
    session where this one ends.
    """

    order: Order
    job: ReadSeries
    _readings: list[Reading] = field(init=False, factory=list)
    _reasons: dict[str, None] = field(init=False, factory=dict)
    _newest: datetime | None = field(init=False, default=None)
    _continuations: int = field(init=False, default=0)
    _is_whole: bool = field(init=False, default=True)
    _met: tuple[Contact, ProgrammingSession] | None = field(init=False, default=None)

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The group of the series."""
        series = self._series(profile.programming)
        return [Need(series.access, series.address)]

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Readout:
        """A readout with the readings of every row or entry; the memory learns how far the series is stored."""
        programming = contact.profile.programming
        series, self._met = self._series(programming), (contact, session)
        while True:
            answer = await session.read(series.address, self._argument(series, programming), in_parts=True)
            goes_on = self._take(answer, self._decoded(answer, series, contact))
            if answer.is_complete or not goes_on:
                break
            self._continuations += 1
        if not answer.is_complete:
            self._lose("the answer broke off; the rest is asked for at the next slot")
        if not self._readings:
            is_certain = session.is_admitted or bool(answer.sets)
            self._reasons[_NOTHING if is_certain else f"{_NOTHING}, or {MAY_WANT_ADMISSION}"] = None
        return self._readout(contact, session)

    def salvaged(self, why: str) -> Readout | None:
        """The readout of the rows that came before a failure; None where there are none."""
        if self._met is None or not self._readings:
            return None
        self._lose(f"the rest is asked for at the next slot: {why}")
        return self._readout(*self._met)

    def _readout(self, contact: Contact, session: ProgrammingSession) -> Readout:
        found = readout(self.order, contact, session, (), self._readings, tuple(self._reasons))
        self._remember(self._series(contact.profile.programming))
        return found if self._is_whole else evolve(found, quality=Quality.SUSPECT)

    def _lose(self, reason: str) -> None:
        self._reasons[reason] = None
        self._is_whole = False

    def _series(self, programming: ProgrammingMode) -> StoredSeries:
        kind, address = self.job.kind, self.job.address
        if address is not None:
            return programming.series_of(address) or evolve(_USUAL[kind], address=address)
        return next((series for series in programming.series if series.kind is kind), _USUAL[kind])

    def _argument(self, series: StoredSeries, programming: ProgrammingMode) -> str:
        zone, until = self.order.zone, self.job.until
        since = self._newest or self._begin(series)
        limits = range_text(since.astimezone(zone), until and until.astimezone(zone), series.limit_form)
        is_sized = programming.read_parts is not None and programming.lines_a_block is not None
        return f"{limits};{programming.lines_a_block}" if is_sized else limits

    def _begin(self, series: StoredSeries) -> datetime:
        if self.job.since is not None:
            return self.job.since
        now, stored = self.order.now(), self._stored(series)
        return now - timedelta(days=self.job.days) if stored is None else min(stored, now) - OVERLAP

    def _stored(self, series: StoredSeries) -> datetime | None:
        """The end of what is stored already; None where a range was asked for, or nothing is."""
        asked = self.job.since or self.job.until
        return None if asked else self.order.memory.stored_until.get(series.address)

    def _decoded(self, answer: Answer, series: StoredSeries, contact: Contact) -> StoredData:
        decode = stored_intervals if series.kind is SeriesKind.LOAD_PROFILE else log_entries
        data = decode(answer.sets, series, contact.profile, self.order.zone, self.order.decoders)
        if answer.doubt is not None:
            doubt(data.readings, answer.doubt)
        wanted = tuple(one for one in data.readings if one.valid_at is None or self._is_wanted(one.valid_at, series))
        return evolve(data, readings=wanted)

    def _is_wanted(self, moment: datetime, series: StoredSeries) -> bool:
        """False for what is stored already, or lies outside the range: meters take its limits in more than one way.

        An interval is stamped with its end, so that one which ends at the first limit lies before the range.
        """
        stored, since, until = self._stored(series), self.job.since, self.job.until
        if stored is not None:
            return moment > stored
        if series.kind is SeriesKind.LOG:
            return (since is None or moment >= since) and (until is None or moment < until)
        return (since is None or moment > since) and (until is None or moment <= until)

    def _take(self, answer: Answer, data: StoredData) -> bool:
        """Adds what came, in the place of what an earlier answer said of the same moments.

        True where asking for the rest is worth it.
        """
        moments = {(reading.valid_at, reading.address) for reading in data.readings}
        self._readings = [reading for reading in self._readings if (reading.valid_at, reading.address) not in moments]
        self._readings += data.readings
        if answer.is_complete:  # that one broke off is told once, at the end
            self._reasons |= dict.fromkeys(data.diagnostics)
            self._is_whole = self._is_whole and data.is_complete
        is_further = data.newest is not None and (self._newest is None or data.newest > self._newest)
        if is_further:
            self._newest = data.newest
        return is_further and self._continuations < CONTINUATIONS

    def _remember(self, series: StoredSeries) -> None:
        """A meter whose clock is far ahead does not hide what it stores once that is set right."""
        if self.job.since or self.job.until or self._newest is None:
            return
        stored = self.order.memory.stored_until
        newest = min(self._newest, self.order.now() + OVERLAP)
        stored[series.address] = max(newest, stored.get(series.address, newest))
