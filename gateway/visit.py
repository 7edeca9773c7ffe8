"""One visit of one meter: its tries, with what came of them."""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import anyio
from attrs import define, evolve, field, frozen

from gateway.acceptance import Acceptance, Heard, Judged
from gateway.access import Secrets
from gateway.acquaintance import conduct_of, known_profile, manners
from gateway.catalog import Catalog
from gateway.collision import Collisions
from gateway.dialogue import Dialogue, Manners, free, signed_on
from gateway.errors import Finding, Garbled, MeterError, NoAnswer, OutOfTurn, SessionEnded
from gateway.failure import told
from gateway.figures import FrameError, LineFigures, Step
from gateway.job import Job
from gateway.line.base import Line
from gateway.memory import MeterMemory, OpenSession
from gateway.profile import MeterProfile
from gateway.protocol.characters import BlockCheck
from gateway.protocol.messages import Identification
from gateway.reading import Event, Gap, Readout, Record, Visit
from gateway.schedule import STUCK_REST, TRIES_WHEN_HEALTHY, Slot
from gateway.site.model import AccessSettings, LineSettings, MeterSettings, Push
from gateway.work import (
    SCHEDULED,
    Contact,
    Gate,
    Order,
    Remember,
    Task,
    Terms,
    carry_out,
    forgotten,
    job_name,
    lasting,
    scheduled_job,
    work_of,
)

_FRAME_ERRORS: Mapping[str, FrameError] = MappingProxyType(
    {"E-READ-3": FrameError.OUT_OF_TURN, "E-READ-6": FrameError.BLOCK_CHECK, "E-READ-10": FrameError.CUT}
)
# After the meter's own sign-off one new session follows that counts as no try.
RENEWALS = 1


@frozen
class Ended:
    """How a visit ended: its record, the steps on the way by wall time, the profile if one was chosen.

    `min_interval` is the shortest time in seconds between two visits that this profile allows, `rest` how long to leave
    the meter alone, which stays in a session that no break has ended. `events` are what has happened to the meter, to
    be stored before the record; `warning` is to be shown.
    """

    record: Record
    steps: tuple[tuple[Step, datetime], ...] = ()
    profile: str = ""
    min_interval: float = 0.0
    rest: float = 0.0
    events: tuple[Event, ...] = ()
    warning: Finding | None = None


@define(eq=False)
class Visitor:
    """Visits the meters of one line.

    `gateway` names this gateway in records, `zone` is that of the meters' clocks, `memories` are kept by device_alias,
    `now` gives the wall time. `access` says what may be written, `secrets` finds passwords, `remember` makes a meter's
    memory durable.
    """

    gateway: str
    line: LineSettings
    zone: ZoneInfo
    catalog: Catalog
    memories: MutableMapping[str, MeterMemory]
    figures: LineFigures
    now: Callable[[], datetime]
    access: AccessSettings = field(factory=AccessSettings)
    secrets: Secrets = field(factory=lambda: Secrets(secrets.token_bytes()))
    remember: Remember = forgotten
    acceptance: Acceptance = field(init=False)
    _collisions: Collisions = field(init=False)
    _events: tuple[Event, ...] = field(init=False, default=())
    _steps: list[tuple[Step, datetime]] = field(init=False, factory=list)
    _profile: MeterProfile | None = field(init=False, default=None)
    _task: Task | None = field(init=False, default=None)
    _sessions: dict[str, OpenSession] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        is_pushed = self.line.push is not Push.NONE
        self.acceptance = Acceptance(self.zone, self.catalog.decoders, is_pushed)
        self._collisions = Collisions(self.acceptance.damage)

    async def visit(self, line: Line, slot: Slot, due_at: datetime, answering: int) -> Ended:
        """Reads the meter of a slot or does its job, with as many tries as the slot grants; a failure becomes a Gap.

        `answering` is how many meters of this line answered last. Raises LineError when the line fails: the same slot,
        visited again, goes on with its job where it was.
        """
        meter = slot.meter
        if slot.job is None:
            blank = self.blank(meter, due_at)
            return await self._tried(line, meter, blank, slot.tries, answering, lambda: self._read(line, meter, blank))
        key = meter.device_alias, slot.due, slot.job
        if self._task is None or self._task.key != key:
            job = scheduled_job(slot.job, self.access)
            self._task = self._begun(job, slot.job.name, meter, due_at, SCHEDULED, key)
        return await self._done(line, self._task, slot.tries, answering)

    async def perform(self, line: Line, meter: MeterSettings, job: Job, terms: Terms, due_at: datetime) -> Ended:
        """Does a job that a person asked for; a failure becomes a Gap. Raises LineError when the line fails."""
        self._task = self._begun(job, job_name(job), meter, due_at, terms)
        return await self._done(line, self._task, TRIES_WHEN_HEALTHY, 0)

    def cut_short(self, meter: MeterSettings, why: str) -> Readout | Event | None:
        """What there is to record of a job of that meter which was not brought to its end; then it is forgotten."""
        task = self._task
        if task is None or task.order.meter is not meter:
            return None
        self._task = None
        return task.salvaged(why)

    async def free(self, line: Line, meters: Iterable[MeterSettings]) -> None:
        """Frees those of the meters whose session was never left: by a break at its speed. Raises LineLost."""
        for meter in meters:
            memory = self.memory(meter)
            if memory.open_session is not None:
                await free(line, memory.open_session.speed, memory.open_session.check)
                memory.open_session = None
                await self.remember(meter.device_alias, memory)

    def _begun(
        self, job: Job, name: str, meter: MeterSettings, due_at: datetime, terms: Terms, key: object = None
    ) -> Task:
        visit = evolve(self.blank(meter, due_at), job=name)
        memory, decoders = self.memory(meter), self.catalog.decoders
        order = Order(visit, meter, terms, self.access, memory, self.zone, decoders, self.now)
        return Task(work_of(job, order), order, key)

    async def _done(self, line: Line, task: Task, tries: int, answering: int) -> Ended:
        meter, order = task.order.meter, task.order
        gate = Gate(self.secrets, self.catalog.password_answers, self._keep)

        async def in_one_session() -> Record:
            dialogue = Dialogue(line, self._manners(meter), self._note, lambda error: self._count(meter, error))
            known = self._known_profile(meter)
            return await carry_out(
                task.work, order, gate, dialogue, lambda said: self._introduced(line, said, meter), known
            )

        return await self._tried(line, meter, order.visit, tries, answering, in_one_session)

    async def _tried(
        self,
        line: Line,
        meter: MeterSettings,
        blank: Visit,
        tries: int,
        answering: int,
        attempt: Callable[[], Awaitable[Record]],
    ) -> Ended:
        """Tries until it succeeds, fails for good, or was tried often enough; a session that the meter ended is no try.

        A refusal is not tried again, nor is a talker without end heard again.
        """
        self._steps, self._profile, self._events = [], None, ()
        begin, number, renewals, rest = anyio.current_time(), 0, RENEWALS, 0.0
        failure: MeterError | None = None
        while number < tries:
            number += 1
            try:
                record = await attempt()
            except MeterError as error:
                failure = error
                if isinstance(error, SessionEnded) and renewals:
                    number, renewals = number - 1, renewals - 1
                elif error.code == "E-READ-7" or not isinstance(error, NoAnswer | Garbled | OutOfTurn):
                    break
                if error.code == "E-READ-1" and await self._is_freed_again(line, meter):
                    rest = STUCK_REST
            else:
                self._steps.append((Step.DECODE, self.now()))
                self._task = None
                visit = lasting(evolve(blank, attempt=number), begin)
                return self._ended(evolve(record, visit=visit))
        if failure is None:
            raise ValueError("a slot grants at least one try")
        gap = Gap(blank, failure.cause, told(failure, number, meter, answering))
        visit = lasting(evolve(blank, attempt=number), begin)
        return self._ended(
            evolve(self.cut_short(meter, failure.what) or gap, visit=visit), rest if failure.code == "E-READ-1" else 0.0
        )

    async def _is_freed_again(self, line: Line, meter: MeterSettings) -> bool:
        """A meter that is silent after programming mode may have missed its break (protocol.md 10.13): it gets another.

        False where it was in none.
        """
        left = self._sessions.pop(meter.device_alias, None)
        if left is not None:
            await free(line, left.speed, left.check)
        return left is not None

    def _ended(self, record: Record, rest: float = 0.0) -> Ended:
        profile, visit = self._profile, record.visit
        interval = 0.0 if profile is None or isinstance(record, Gap) else profile.min_interval_s
        events, warning = self._events, None
        memory = self.memories.get(visit.meter)
        remembered = None if memory is None else memory.identification
        if suspicion := self._collisions.news(visit.meter, remembered, anyio.current_time()):
            name = visit.serial or visit.meter
            events += (suspicion.event(visit, self.now()),)
            warning = suspicion.finding(f"meter {name}", name)
        key = "" if profile is None else profile.key
        return Ended(record, tuple(self._steps), key, interval, rest, events, warning)

    def blank(self, meter: MeterSettings, due_at: datetime) -> Visit:
        """A visit that begins now and has taken no time yet."""
        return Visit(
            gateway=self.gateway,
            line=self.line.alias,
            meter=meter.device_alias,
            serial=meter.serialnumber,
            due_at=due_at,
            started_at=self.now(),
            duration_ms=0,
            tags=meter.tags,
        )

    def memory(self, meter: MeterSettings) -> MeterMemory:
        """What is remembered of a meter; empty at first."""
        return self.memories.setdefault(meter.device_alias, MeterMemory())

    async def _keep(self, alias: str, memory: MeterMemory) -> None:
        if memory.open_session is not None:
            self._sessions[alias] = memory.open_session
        await self.remember(alias, memory)

    async def _read(self, line: Line, meter: MeterSettings, visit: Visit) -> Readout:
        """The readout of a meter; what is strange about it is read once more in the same slot."""
        memory = self.memory(meter)
        first = judged = await self._judged(line, meter)
        if first.wants_another:
            try:
                second = await self._judged(line, meter)
            except MeterError as failure:
                judged = self.acceptance.unconfirmed(first, failure)
            else:
                state = self.acceptance.line_state(meter, second.heard.parity)
                judged = self.acceptance.settled(first, second, meter, memory, state)
        readout, self._events = self.acceptance.accepted(judged, meter, memory, visit)
        return readout

    async def _judged(self, line: Line, meter: MeterSettings) -> Judged:
        """One session with a meter, and the verdict on its block."""
        memory = self.memory(meter)
        dialogue = Dialogue(line, self._manners(meter), self._note, lambda error: self._count(meter, error))
        dialogue.session.layout = memory.blocks.layout
        async with signed_on(dialogue) as said:
            contact = self._introduced(line, said, meter)
            block = await dialogue.read_out(said, contact.conduct, contact.t2)
            read_at, heard_at, parity = self.now(), anyio.current_time(), dialogue.session.parity
        self.acceptance.damage.sound(meter.device_alias)
        check = contact.conduct.check.value if block.framed else BlockCheck.NONE.value
        heard = Heard(said, contact.profile, block, parity, check, read_at, heard_at)
        return self.acceptance.judged(heard, meter, memory, self.acceptance.line_state(meter, parity))

    def _introduced(self, line: Line, said: Identification, meter: MeterSettings) -> Contact:
        """A meter that has identified itself, with how it is to be talked to."""
        self._sessions.pop(meter.device_alias, None)
        self._profile = profile = self.catalog.choose(said, meter.meter_model)
        conduct = conduct_of(profile, said, meter)
        return Contact(said, profile, conduct, conduct.t_r if meter.t2 is None else meter.t2 / 1000, line)

    def _manners(self, meter: MeterSettings) -> Manners:
        return manners(meter, self.line, self._known_profile(meter))

    def _known_profile(self, meter: MeterSettings) -> MeterProfile | None:
        return known_profile(meter, self.memory(meter), self.catalog)

    def _note(self, step: Step) -> None:
        self._steps.append((step, self.now()))

    def _count(self, meter: MeterSettings, damage: Garbled | OutOfTurn) -> None:
        self.figures.frame_errors[_FRAME_ERRORS.get(damage.code, FrameError.GARBLED)] += 1
        if isinstance(damage, Garbled):
            self.acceptance.damage.damaged(meter.device_alias, damage.octets)
