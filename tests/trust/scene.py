"""A made-up meter whose readouts are judged one after the other, as the gateway would."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import define, field

from gateway.acceptance import Acceptance, Heard, Judged
from gateway.decoders import BUILT_IN
from gateway.memory import MeterMemory
from gateway.profile import MeterProfile
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.messages import DataBlock
from gateway.protocol.parse import identification
from gateway.reading import Event, Reading, Readout, Visit
from gateway.site.model import MeterSettings
from gateway.trust import LineState

GENERIC = MeterProfile(id="generic", version=1, title="", maker="")
START = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
SLOT = timedelta(minutes=15)
USUAL = {
    "F.F": "00000000",
    "0.0.0": "41770326",
    "0.9.1": "{clock:%H%M%S}",
    "0.9.2": "{clock:%y%m%d}",
    "1.8.0": "0012345.678*kWh",
    "1.8.1": "0008000.178*kWh",
    "1.8.2": "0004345.500*kWh",
    "2.8.0": "0000000.000*kWh",
    "32.7": "230.1*V",
    "0.1.0": "07",
    "1.8.0*06": "0012001.000*kWh",
}


@define
class Scene:
    """One meter at a time of the host's clock; `prints` are its registers, `{clock}` stands for its clock.

    `confirmed` counts the confirming reads, `events` are all that happened.
    """

    prints: dict[str, str] = field(factory=lambda: dict(USUAL))
    profile: MeterProfile = GENERIC
    meter: MeterSettings = field(factory=lambda: MeterSettings("flat01", "riser-a", "41770326"))
    memory: MeterMemory = field(factory=MeterMemory)
    said: str = "/XMP5VERBA"
    parity: ReceivedParity = ReceivedParity.PRESENT
    framed: bool = True
    line: LineState = LineState.SOUND
    now: datetime = START
    monotonic: float = 1000.0
    confirmed: int = 0
    events: list[Event] = field(factory=list)
    acceptance: Acceptance = field(init=False, factory=lambda: Acceptance(ZoneInfo("UTC"), BUILT_IN))

    def after(self, time: timedelta = SLOT) -> "Scene":
        """The same scene so much later."""
        self.now += time
        self.monotonic += time.total_seconds()
        return self

    def heard(self, prints: Mapping[str, str]) -> Heard:
        """The block of these registers, as it is heard now."""
        lines = "".join(f"{address}({raw.format(clock=self.now)})\r\n" for address, raw in prints.items())
        block = DataBlock(f"{lines}!\r\n".encode("latin-1"), framed=self.framed)
        check = "xor" if self.framed else "none"
        said = identification(self.said.encode())
        return Heard(said, self.profile, block, self.parity, check, self.now, self.monotonic)

    def judged(self, prints: Mapping[str, str] | None = None) -> Judged:
        """The verdict on one read."""
        return self.acceptance.judged(self.heard(prints or self.prints), self.meter, self.memory, self.line)

    def read(self, changed: Mapping[str, str] | None = None, *, first: Mapping[str, str] | None = None) -> Readout:
        """A visit with its confirming read, once registers have changed; `first` is what its first read shows."""
        self.prints |= changed or {}
        judged = self.judged({**self.prints, **first} if first else None)
        if judged.wants_another:
            self.confirmed += 1
            self.after(timedelta(seconds=3))
            judged = self.acceptance.settled(judged, self.judged(), self.meter, self.memory, self.line)
        visit = Visit("g", "riser-a", "flat01", self.meter.serialnumber, self.now, self.now, 0)
        readout, events = self.acceptance.accepted(judged, self.meter, self.memory, visit)
        self.events += events
        return readout

    def restart(self) -> None:
        """The process ends; what was learned is read from the journal again."""
        self.memory = MeterMemory.from_text(self.memory.to_text())
        self.monotonic = 5.0


def reading(readout: Readout, address: str) -> Reading:
    """The first reading of that address."""
    return next(one for one in readout.readings if one.address == address)


def familiar(prints: Mapping[str, str] | None = None) -> Scene:
    """A meter that has been read for two days, each slot a little on; no confirming read was needed after the first."""
    scene = Scene()
    scene.prints |= prints or {}
    for n in range(192):
        grow(scene, 120 + n % 7 * 10)
        scene.read()
        scene.after()
    grow(scene, 120)
    scene.confirmed = 0
    scene.events.clear()
    return scene


def grow(scene: Scene, watt_hours: int) -> None:
    """The total grows by day's tariff."""
    for address in ("1.8.0", "1.8.1"):
        number = scene.prints[address].partition("*")[0]
        grown = (round(float(number) * 1000) + watt_hours) % 10 ** (len(number) - 1)
        scene.prints[address] = f"{grown // 1000:0{len(number) - 4}}.{grown % 1000:03}*kWh"
