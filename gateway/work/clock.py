"""The clock of a meter, read or set (protocol.md 7.4)."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
from attrs import define, evolve, field, frozen

from gateway.access import Permit, permit
from gateway.errors import AccessDenied, Refused
from gateway.profile import MeterProfile
from gateway.profile.programming_mode import ClockForm
from gateway.profile.stamp import stamp_text
from gateway.programming import ProgrammingSession
from gateway.protocol.datablock import DataSet
from gateway.protocol.timing import wire_time
from gateway.reading import Event, EventKind, Readout, local_text
from gateway.trust.clock import instant_of
from gateway.work.changes import event, sending
from gateway.work.order import Contact, Need, Order, Work
from gateway.work.registers import check_identity, read_register, reading_group, readout

CLOCK_TOLERANCE = 2.0  # seconds: what printing whole seconds and the way over the wire make of a right clock
LONGEST_STEP = 300.0  # seconds: a longer one would skip or repeat an interval of 5 min, so a person has to force it
# Time and date are two registers: no midnight or season change may come near. A session takes up to 20 s at 300 Bd.
CALM_BEFORE, CALM_AFTER = timedelta(seconds=30), timedelta(seconds=60)
# Of the minute in which the session begins: its end may be that of an interval, which the step is kept away from where
# the line is not slow. The wait is 14 s at most.
FIRST_SECOND, LAST_SECOND = 5, 50

_FRAME = len(b"\x01W1\x02()\x03B")  # what a write command has around address and value
_USUAL = ClockForm()


@frozen(eq=False)
class ClockReading(Work):
    """Reads the meter's clock."""

    order: Order

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The reading group of each clock register."""
        return _reading_needs(profile)

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Readout:
        """A readout with the clock's registers, its time and its drift; raises MeterError."""
        return (await _look(self.order, session, contact)).readout


@define(eq=False)
class ClockSetting(Work):
    """Sets the meter's clock to the gateway's time: reads it, writes each register once, reads it back."""

    order: Order
    is_sent: bool = field(init=False, default=False)
    _old: str | None = field(init=False, default=None)
    _registers: str = field(init=False, default="")

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The group of the clock, with the reading group of its registers; raises Refused (E-JOB-4) without any."""
        self._permits(profile)
        return [Need(profile.programming.clock.access, "the clock"), *_reading_needs(profile)]

    def pause(self) -> float:
        """To the middle of a minute that is far from midnight and from a season change."""
        return until_calm(self.order.now(), self.order.zone)

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Readout | Event:
        """The event with the clock before and after; a readout of the clock where it is right and to be spared.

        Raises Refused: E-JOB-2 for a step that is too long, E-JOB-3 where the clock cannot be read.
        """
        if not self.is_sent:
            leaves = self._permits(contact.profile)
            await check_identity(self.order, contact, session)
            before = await _look(self.order, session, contact)
            if self.order.terms.spares and before.off is not None and abs(before.off) <= CLOCK_TOLERANCE:
                return before.readout
            self._check_step(before)
            self._old, self._registers = before.shown, ", ".join(leave.register for leave, _ in leaves)
            for leave, form in leaves:
                await self._write(session, contact, leave, form)
        after = await _look(self.order, session, contact)
        is_right = after.off is not None and abs(after.off) <= CLOCK_TOLERANCE
        off = "cannot be read" if after.off is None else f"is {after.off:+.0f} s off"
        return self._event(after.shown, "read back" if is_right else f"read back: it {off}", confirmed=is_right)

    def salvaged(self, why: str) -> Event | None:
        """The event of a clock that was written at least in part and never read back."""
        return self._event(None, f"not read back: {why}", confirmed=False) if self.is_sent else None

    def _permits(self, profile: MeterProfile) -> list[tuple[Permit, str]]:
        forms = profile.programming.clock.registers
        if not forms:
            what = f"profile {profile.key} does not know how this meter's clock is set"
            raise Refused("E-JOB-4", what, "state [programming.clock] registers in a local profile")
        access, meter, terms = self.order.access, self.order.meter, self.order.terms
        return [(permit(address, access, meter, confirmed=terms.confirmed), form) for address, form in forms]

    def _check_step(self, before: "_Look") -> None:
        if self.order.terms.forced:
            return
        if before.off is None:
            raise Refused("E-JOB-3", "the meter's clock cannot be read: how far it would step is not known", "--force")
        if abs(before.off) > LONGEST_STEP:
            what = f"the meter's clock is {before.off:+.0f} s off; it is put by at most {LONGEST_STEP:.0f} s at once"
            raise Refused("E-JOB-2", what, "--force; the load profile gets a gap, or intervals twice")

    async def _write(self, session: ProgrammingSession, contact: Contact, leave: Permit, form: str) -> None:
        """Writes one register so that the command ends with a whole second, which is the one it carries."""
        line, now = contact.line, self.order.now()
        octets = _FRAME + len(leave.register) + len(stamp_text(now.astimezone(self.order.zone), form))
        sending_s = wire_time(octets, line.speed, line.character_bits) / line.time_scale
        earliest = now.timestamp() + contact.conduct.t_r / line.time_scale + sending_s
        moment = datetime.fromtimestamp(math.ceil(earliest), UTC)
        await anyio.sleep(moment.timestamp() - sending_s - now.timestamp())
        # How far it was ahead until now says nothing of it any more.
        self.order.memory.experience.drift_s = None
        with sending(self):
            await session.write(leave.register, stamp_text(moment.astimezone(self.order.zone), form), leave)

    def _event(self, new: str | None, how: str, *, confirmed: bool) -> Event:
        details = {"register": self._registers, "old": self._old, "new": new, "confirmed": confirmed}
        old = "unknown" if self._old is None else self._old
        text = f"clock set: {old} to {'unknown' if new is None else new}, {how}"
        return event(self.order, EventKind.CLOCK_SET, text, details)


@frozen
class _Look:
    """The clock as it was read: `off` is how many seconds it is ahead of ours, None where it tells no time."""

    readout: Readout
    off: float | None
    shown: str | None


def _forms(profile: MeterProfile) -> Sequence[tuple[str, str]]:
    return profile.programming.clock.registers or _USUAL.registers


def _reading_needs(profile: MeterProfile) -> list[Need]:
    return [Need(reading_group(profile, address), address) for address, _ in _forms(profile)]


async def _look(order: Order, session: ProgrammingSession, contact: Contact) -> _Look:
    """Reads the clock; raises Refused or AccessDenied where the meter lets none of its registers be read."""
    sets, refusals = list[DataSet](), list[Refused | AccessDenied]()
    asked_at = answered_at = order.now()
    for address, form in _forms(contact.profile):
        begin = order.now()
        try:
            sets += (await read_register(session, contact.profile, address)).sets
        except (Refused, AccessDenied) as refusal:
            refusals.append(refusal)
        if "hh" in form:
            asked_at, answered_at = begin, order.now()
    if not sets and refusals and not order.terms.forced:
        raise refusals[0]
    readings = contact.profile.interpret(sets, (), order.decoders) if sets else ()
    found = readout(order, contact, session, sets, readings)
    if found.meter_time is None:
        return _Look(found, None, None)
    shown = instant_of(found.meter_time, answered_at, order.zone)
    off = _seconds_off(shown, asked_at, answered_at)
    return _Look(evolve(found, clock_drift_s=round(off)), off, local_text(found.meter_time))


def _seconds_off(shown: datetime, asked_at: datetime, answered_at: datetime) -> float:
    """How far a clock that shows whole seconds is ahead, with the doubt of when it was looked at in its favour."""
    if shown > answered_at:
        return (shown - answered_at).total_seconds()
    return min(0.0, (shown - asked_at).total_seconds() + 1)


def until_calm(begin: datetime, zone: ZoneInfo) -> float:
    """Seconds from a moment to the middle of a minute that is far from midnight and from a season change."""
    moment = begin
    while not _is_calm(moment, zone):
        moment += timedelta(seconds=1)
    return (moment - begin).total_seconds()


def _is_calm(moment: datetime, zone: ZoneInfo) -> bool:
    around = [(moment + by).astimezone(zone) for by in (-CALM_BEFORE, CALM_AFTER)]
    is_one_day = len({(local.date(), local.utcoffset()) for local in around}) == 1
    return is_one_day and FIRST_SECOND <= moment.second <= LAST_SECOND
