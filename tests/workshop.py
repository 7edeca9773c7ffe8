"""A simulated meter of a fictitious family, on a line in virtual time, with somebody who works on it."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
from attrs import define, evolve, field

from gateway.access import Secrets
from gateway.catalog import Catalog
from gateway.errors import Cause
from gateway.figures import LineFigures
from gateway.job import Job
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile, Password
from gateway.profile.programming_mode import ErrorText
from gateway.protocol.characters import Mode, without_parity
from gateway.protocol.messages import Acknowledge, Break, Command, DataBlock, Repeat, encode
from gateway.reading import Access, Event, Gap, Readout, Record, Register
from gateway.schedule import Fate, Slot
from gateway.simulator import (
    ClockRegister,
    MemoryLine,
    Nameplate,
    PasswordScheme,
    SimulatedBus,
    SimulatedMeter,
    SimulatedPassword,
    SimulatedProgramming,
    StillRegister,
)
from gateway.site.model import AccessSettings, JobSettings, LineSettings, MeterSettings, SerialPort
from gateway.visit import Visitor
from gateway.work import Terms
from tests.script import Say, Script

VILNIUS = ZoneInfo("Europe/Vilnius")
START = datetime(2026, 9, 30, 9, 0, 10, tzinfo=UTC)
LOCAL_START = datetime(2026, 9, 30, 12, 0, 10)  # noqa: DTZ001 - local time of the meter
SERIAL = "41770326"
SECRET, WRONG = "24681357", "11111111"
ENVIRONMENT = {"METER": SECRET, "WRONG": WRONG}
CONFIRMED = Terms(confirmed=True)
WRITING = AccessSettings(allow_write=True)

_COLLECTED = Catalog.collect()
VERBA = evolve(
    _COLLECTED.profile("generic"),
    id="xmp-verba",
    identification="/XMP5VERBA",
    registers=(
        Register("1.8.0", "energy_import"),
        Register("0.2.2", "tariff_program"),
        Register("96.1.1", "owner", access=Access.LOW),
        Register("96.1.2", "meter_point", access=Access.HIGH),
        Register("0.3.0", "meter_constant", access=Access.SEALED, write_access=Access.SEALED),
    ),
    programming=evolve(
        _COLLECTED.profile("generic").programming,
        read="R5",
        read_parts="R6",
        write="W5",
        passwords={Access.LOW: "clear", Access.HIGH: "crc32"},
        errors=(ErrorText("ER06", "access denied", Cause.ACCESS_DENIED), ErrorText("ER05", "no data", None)),
    ),
)
CATALOG = evolve(_COLLECTED, profiles={**_COLLECTED.profiles, VERBA.id: VERBA})
REGISTERS = (
    StillRegister("0.0.0", SERIAL),
    ClockRegister("0.9.1", "{s}%H%M%S", LOCAL_START),
    ClockRegister("0.9.2", "{s}%y%m%d", LOCAL_START),
    StillRegister("0.1.0", "12"),
    StillRegister("0.2.2", "00000006"),
    StillRegister("1.8.0", "0012345.678*kWh"),
    StillRegister("1.6.0", "27.190*kW"),
    StillRegister("96.1.1", "OWNER 7"),
    StillRegister("0.3.0", "500*Imp/kWh"),
)
PROGRAMMING = SimulatedProgramming(
    start=LOCAL_START,
    operand="7C20A15F",
    passwords={Access.LOW: SimulatedPassword(SECRET), Access.HIGH: SimulatedPassword(SECRET, PasswordScheme.CRC32)},
    access={"96.1.1": Access.LOW},
    writable={"0.2.2": Access.LOW, "0.9.1": Access.LOW, "0.9.2": Access.LOW},
)
PLATE = Nameplate(SERIAL, Mode.C, "XMP", "VERBA-3.1", REGISTERS, programming=PROGRAMMING)
METER = MeterSettings("flat01", "riser-a", SERIAL, meter_model="xmp-verba", password="env:METER")  # noqa: S106
LINE = LineSettings("riser-a", SerialPort("/dev/ttyS9"))
KEY = bytes(32)
ACK, NAK, BREAK = encode(Acknowledge()), encode(Repeat()), encode(Break())


def now() -> datetime:
    return START + timedelta(seconds=anyio.current_time())


@define
class Workshop:
    """One meter on one line; `kept` are the memories that were made durable, in their order."""

    plate: Nameplate = PLATE
    settings: MeterSettings = METER
    access: AccessSettings = field(factory=AccessSettings)
    profile: MeterProfile = VERBA
    environment: Mapping[str, str] = field(factory=lambda: ENVIRONMENT)
    memories: dict[str, MeterMemory] = field(factory=dict)
    is_live: bool = True
    kept: list[MeterMemory] = field(factory=list)
    meter: SimulatedMeter = field(init=False)
    line: MemoryLine = field(init=False)
    visitor: Visitor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.meter = SimulatedMeter(self.plate, is_live=self.is_live)
        self.line = MemoryLine(SimulatedBus([self.meter]))
        self.restart()

    def restart(self) -> None:
        """The gateway's process begins anew, with what it has kept."""
        catalog = evolve(CATALOG, profiles={**CATALOG.profiles, self.profile.id: self.profile})
        self.visitor = Visitor("block-12", LINE, VILNIUS, catalog, self.memories, LineFigures(), now)
        self.visitor.access = self.access
        self.visitor.secrets = Secrets(KEY, self.environment)
        self.visitor.remember = self.keep
        self.memories.update({"flat01": self.kept[-1]} if self.kept else {})

    async def keep(self, alias: str, memory: MeterMemory) -> None:
        assert alias == self.settings.device_alias
        await anyio.lowlevel.checkpoint()
        self.kept.append(MeterMemory.from_text(memory.to_text()))

    def digest(self, secret: str) -> str:
        """The keyed hash of a secret in this gateway."""
        return Secrets(KEY).digest(Password(secret))

    @property
    def memory(self) -> MeterMemory:
        return self.visitor.memory(self.settings)

    @property
    def words(self) -> list[bytes]:
        """What was said to the meter, parity taken off."""
        return [without_parity(octets) for _, octets, _ in self.line.sent]

    def commands(self, *kinds: bytes) -> list[bytes]:
        """The commands of these kinds that were said, without their frames."""
        return [word[1:-2] for word in self.words if word[:1] == b"\x01" and word[1:2] in kinds]

    async def do(self, job: Job, terms: Terms = CONFIRMED) -> Record:
        return (await self.visitor.perform(self.line, self.settings, job, terms, now())).record

    async def readout(self, job: Job, terms: Terms = CONFIRMED) -> Readout:
        record = await self.do(job, terms)
        assert isinstance(record, Readout), record
        return record

    async def event(self, job: Job, terms: Terms = CONFIRMED) -> Event:
        record = await self.do(job, terms)
        assert isinstance(record, Event), record
        return record

    async def gap(self, job: Job, terms: Terms = CONFIRMED) -> Gap:
        record = await self.do(job, terms)
        assert isinstance(record, Gap), record
        return record

    async def slot(self, job: JobSettings | None, due: float = 0.0) -> Record:
        """A scheduled slot of the meter: a job, or the usual readout."""
        ended = await self.visitor.visit(self.line, Slot(self.settings, due, Fate.VISIT, 3, job), now(), 0)
        return ended.record


def data(text: str) -> bytes:
    """A data message of programming mode."""
    return encode(DataBlock(text.encode("latin-1")))


def session(*answers: bytes, operand: str = "7C20A15F") -> list[list[Say]]:
    """The turns of a far end that opens its programming mode, gives these answers, then is left, or leaves itself."""
    opening = [Say(b"/XMP5VERBA-3.1\r\n")], [Say(encode(Command("P", "0", f"({operand})")), 9600)]
    turns = [[Say(answer, 9600)] if answer else [] for answer in answers]
    # A reader says no break to a meter that has said one.
    return [*opening, *turns] if answers and answers[-1] == BREAK else [*opening, *turns, []]


def scripted(*sessions: list[list[Say]]) -> MemoryLine:
    """A line whose far end says what is written down, session by session."""
    return MemoryLine(Script(*(turn for turns in sessions for turn in turns)))


def is_clean(texts: object) -> bool:
    """True where no secret stands in what this object shows."""
    shown = repr(texts) + os.linesep + str(texts)
    return SECRET not in shown and WRONG not in shown
