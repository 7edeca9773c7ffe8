"""One visit of one meter: its tries, with what came of them."""

from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import anyio
from attrs import define, evolve, field, frozen

from gateway.catalog import AUTO, Catalog
from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import Finding, Garbled, MeterError, NoAnswer, OutOfTurn
from gateway.figures import FrameError, LineFigures, Step
from gateway.line.base import Line
from gateway.memory import MeterMemory
from gateway.profile import Conduct, MeterProfile
from gateway.protocol.messages import DataBlock, Identification
from gateway.protocol.parse import identification
from gateway.reading import Gap, Readout, Record, Visit
from gateway.schedule import Slot
from gateway.site.model import LineSettings, MeterSettings, Wakeup
from gateway.trust import judge

_FRAME_ERRORS: Mapping[str, FrameError] = MappingProxyType(
    {"E-READ-3": FrameError.OUT_OF_TURN, "E-READ-6": FrameError.BLOCK_CHECK, "E-READ-10": FrameError.CUT}
)


@frozen
class Ended:
    """How a visit ended: its record, the steps on the way by wall time, the profile if one was chosen.

    `min_interval` is the shortest time in seconds between two visits that this profile allows.
    """

    record: Record
    steps: tuple[tuple[Step, datetime], ...] = ()
    profile: str = ""
    min_interval: float = 0.0


@frozen
class _Heard:
    """What a meter said in one good session."""

    identification: Identification
    profile: MeterProfile
    block: DataBlock
    read_at: datetime


@define(eq=False)
class Visitor:
    """Visits the meters of one line.

    `gateway` names this gateway in records, `zone` is that of the meters' clocks, `memories` are kept by device_alias,
    `now` gives the wall time.
    """

    gateway: str
    line: LineSettings
    zone: ZoneInfo
    catalog: Catalog
    memories: MutableMapping[str, MeterMemory]
    figures: LineFigures
    now: Callable[[], datetime]
    _steps: list[tuple[Step, datetime]] = field(init=False, factory=list)
    _profile: str = field(init=False, default="")

    async def visit(self, line: Line, slot: Slot, due_at: datetime, answering: int) -> Ended:
        """Reads the meter of a slot, with as many tries as the slot grants; a meter's failure becomes a Gap.

        `answering` is how many meters of this line answered last. Raises LineError when the line fails.
        """
        self._steps, self._profile = [], ""
        meter, begin = slot.meter, anyio.current_time()
        blank = self.blank(meter, due_at)
        number, failure = 0, None
        while number < slot.tries:
            number += 1
            visit = evolve(blank, attempt=number)
            try:
                heard = await self._session(line, meter)
                record = self._understood(heard, meter, _lasting(visit, begin))
            except MeterError as error:
                failure = error
                if not isinstance(error, NoAnswer | Garbled | OutOfTurn):
                    break
            else:
                self._steps.append((Step.DECODE, self.now()))
                return Ended(record, tuple(self._steps), self._profile, heard.profile.min_interval_s)
        if failure is None:
            raise ValueError("a slot grants at least one try")
        finding = _told(failure, number, meter, answering)
        return Ended(Gap(_lasting(visit, begin), failure.cause, finding), tuple(self._steps), self._profile)

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

    async def _session(self, line: Line, meter: MeterSettings) -> _Heard:
        dialogue = Dialogue(line, self._manners(meter), self._note, self._count)
        dialogue.session.layout = self.memory(meter).blocks.layout
        async with signed_on(dialogue) as said:
            profile = self.catalog.choose(said, meter.meter_model)
            self._profile = profile.key
            conduct = _conduct(profile, said, meter)
            t2 = conduct.t_r if meter.t2 is None else meter.t2 / 1000
            block = await dialogue.read_out(said, conduct, t2)
            read_at = self.now()
        return _Heard(said, profile, block, read_at)

    def _manners(self, meter: MeterSettings) -> Manners:
        """What is known before the identification is: the settings, the profile that they or the last visit tell."""
        known = self._known_profile(meter)
        return Manners(
            address=meter.serialnumber if known is None else known.address.sign_on(meter.serialnumber),
            poll_delay=meter.poll_delay_ms / 1000,
            timeout=meter.timeout_ms / 1000,
            wakes_up=Wakeup.NULLS in (self.line.wakeup, None if known is None else known.wakeup),
            max_speed=self.line.max_baudrate,
        )

    def _known_profile(self, meter: MeterSettings) -> MeterProfile | None:
        if meter.meter_model != AUTO:
            return self.catalog.profile(meter.meter_model)
        last = self.memory(meter).identification
        return None if last is None else self.catalog.choose(identification(last.encode("latin-1")))

    def _understood(self, heard: _Heard, meter: MeterSettings, visit: Visit) -> Readout:
        memory, profile, said = self.memory(meter), heard.profile, heard.identification
        sets = memory.blocks.sets(heard.block.body, heard.block.layout)
        verdict = judge(sets, said, profile, meter.serialnumber, heard.block.framed, memory)
        memory.identification = said.raw
        memory.block_octets, memory.framed = len(heard.block.body), heard.block.framed
        meter_time = profile.meter_time(sets)
        return Readout(
            visit=visit,
            identification=said.raw,
            manufacturer=said.manufacturer.upper(),
            model=said.text.strip(),
            profile=profile.key,
            read_at=heard.read_at,
            readings=profile.interpret(sets, meter.signals, self.catalog.decoders),
            meter_time=meter_time,
            clock_drift_s=_drift(meter_time, heard.read_at, self.zone),
            quality=verdict.quality,
            reason="; ".join(verdict.reasons) or None,
            block=heard.block.body,
        )

    def _note(self, step: Step) -> None:
        self._steps.append((step, self.now()))

    def _count(self, damage: Garbled | OutOfTurn) -> None:
        self.figures.frame_errors[_FRAME_ERRORS.get(damage.code, FrameError.GARBLED)] += 1


def where(meter: MeterSettings) -> str:
    """How a meter is named in messages: by its serial number, else by its alias; one without either needs no name."""
    name = meter.serialnumber or meter.device_alias
    return name and f"meter {name}"


def _conduct(profile: MeterProfile, said: Identification, meter: MeterSettings) -> Conduct:
    conduct = profile.conduct(said)
    return conduct if meter.type is None else evolve(conduct, mode=meter.type)


def _lasting(visit: Visit, begin: float) -> Visit:
    return evolve(visit, duration_ms=round((anyio.current_time() - begin) * 1000))


def _drift(meter_time: datetime | None, read_at: datetime, zone: ZoneInfo) -> int | None:
    """Whole seconds that the meter's clock is ahead of ours; one that tells no zone of its own is in `zone`."""
    if meter_time is None:
        return None
    aware = meter_time.replace(tzinfo=meter_time.tzinfo or zone)
    return round((aware - read_at) / timedelta(seconds=1))


def _told(failure: MeterError, tries: int, meter: MeterSettings, answering: int) -> Finding:
    """The message for a failed visit; silence is told apart from a dead line by those that answer."""
    finding = failure.finding(where(meter))
    if failure.code == "E-READ-4" and not meter.serialnumber:
        return evolve(finding, next="name the serial number: several meters may have answered at once")
    if failure.code != "E-READ-1":
        return finding
    times = f"{tries} tries" if tries > 1 else "1 try"
    what = f"{failure.what} ({times}, {meter.timeout_ms / 1000:g} s each)"
    if not answering:
        return evolve(
            finding, what=what, next="check speed, parity and wiring of the line: no meter of it has answered"
        )
    others = f"{answering} other{'s' if answering > 1 else ''} on this line answer{'s' if answering == 1 else ''}"
    return evolve(finding, what=f"{what}; {others}", next="check this meter's wiring or number, not the line")
