"""A month of simulated meters, read every quarter of an hour: what was accepted, what was true."""

import random
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, frozen

from gateway.acceptance import Acceptance, Heard, Judged
from gateway.consumption import series_of
from gateway.decoders import BUILT_IN
from gateway.experience import Announced
from gateway.memory import MeterMemory
from gateway.profile import GENERIC, shipped_profiles
from gateway.protocol.characters import Mode, ReceivedParity
from gateway.protocol.messages import DataBlock
from gateway.reading import Event, EventKind, Quality, Readout, Record, Visit
from gateway.simulator import (
    ClockRegister,
    Contents,
    Curve,
    Load,
    LoadRegister,
    MaximumRegister,
    MomentaryRegister,
    Nameplate,
    Quantity,
    Rate,
    SimulatedRegister,
    StillRegister,
    Timekeeping,
)
from gateway.site.balance import Counter
from gateway.site.model import MeterSettings

ZONE = ZoneInfo("Africa/Casablanca")
NORMAL_TIME = ZoneInfo("Etc/GMT-1")
BEGIN = datetime(2026, 2, 13, tzinfo=UTC)
END = datetime(2026, 3, 24, tzinfo=UTC)
PERIOD = timedelta(minutes=15)
SLOTS = (END - BEGIN) // PERIOD
# A meter is older than what is read of it.
BORN = BEGIN - timedelta(hours=5)
# An exchange takes the meter off the line for two slots; the gateway is restarted each Sunday.
EXCHANGED = datetime(2026, 3, 5, 9, 20, tzinfo=UTC)
BACK = EXCHANGED + timedelta(minutes=25)
RESTART_SLOTS = 7 * 96
CONFIRMED_AFTER = timedelta(seconds=12)
GIGAJOULE = 10**9
JOULES_A_CUBIC_METRE = 150_000_000  # of heating water that is cooled by 36 K
_PROFILE = next(profile for profile in shipped_profiles() if profile.id == GENERIC)
_BILLING_PERIODS = 2
_EMPTY = (11, 37)
_NIGHT_SHARE = Decimal("0.3")


@frozen
class Flat:
    """A place in the house: its meter, the one that takes its place if any, how its octets reach the gateway."""

    alias: str
    plate: Nameplate
    parity: ReceivedParity = ReceivedParity.PRESENT
    successor: Nameplate | None = None


@define
class Outcome:
    """What a month of one flat came to.

    `causes` are the confirming reads by what asked for them, `suspects` the suspect readings by their reason.
    `consumed` and `truth` are by register, the first as the records tell it, the second as the simulator knows it.
    """

    visits: int = 0
    causes: Tally[str] = field(factory=Tally)
    suspects: Tally[str] = field(factory=Tally)
    events: list[EventKind] = field(factory=list)
    consumed: Mapping[str, Decimal] = field(factory=dict)
    truth: Mapping[str, Decimal] = field(factory=dict)


def month_of(flat: Flat) -> Outcome:
    """The flat, read in every slot of the month, restarts of the gateway included."""
    outcome, records = Outcome(), list[Record]()
    acceptance, memory = Acceptance(ZONE, BUILT_IN), MeterMemory()
    meter = MeterSettings(flat.alias, "riser", flat.plate.serial)
    living = _Living(flat.plate, flat.parity)
    for slot in range(SLOTS):
        due = BEGIN + slot * PERIOD
        if slot and slot % RESTART_SLOTS == 0:
            memory = MeterMemory.from_text(memory.to_text())
        if flat.successor is not None and EXCHANGED <= due < BACK:
            continue
        if flat.successor is not None and due >= BACK and living.plate is flat.plate:
            ends = living.totals(EXCHANGED)
            living = _Living(flat.successor, flat.parity)
            memory.experience.announced = Announced(EXCHANGED, ends, living.totals(BACK))
            meter = MeterSettings(flat.alias, "riser", flat.successor.serial)
        records += _visited(due, living, meter, acceptance, memory, outcome)
    outcome.events = [record.kind for record in records if isinstance(record, Event)]
    counters = [Counter(flat.alias, address) for address in living.registers]
    series = series_of(records, counters)
    outcome.consumed = {counter.signal: series[counter].total for counter in counters}
    moments = [record.read_at for record in records if isinstance(record, Readout)]
    outcome.truth = _truth(flat, moments[0], moments[-1])
    return outcome


def _truth(flat: Flat, first: datetime, last: datetime) -> dict[str, Decimal]:
    meters = (
        [(flat.plate, first, last)]
        if flat.successor is None
        else [(flat.plate, first, EXCHANGED), (flat.successor, BACK, last)]
    )
    truth: dict[str, Decimal] = {}
    for plate, begin, end in meters:
        for register in _totals_of(plate):
            grown = register.counted(_age(end)) - register.counted(_age(begin))
            truth[register.address] = truth.get(register.address, Decimal(0)) + grown
    return truth


def _age(moment: datetime) -> float:
    return (moment - BORN).total_seconds()


def _totals_of(plate: Nameplate) -> Iterator[LoadRegister]:
    return (register for register in plate.registers if isinstance(register, LoadRegister))


class _Living:
    """A meter while it hangs there."""

    def __init__(self, plate: Nameplate, parity: ReceivedParity) -> None:
        self.plate = plate
        self.registers = {register.address: register for register in _totals_of(plate)}
        self._contents = Contents(plate, plate.clock())
        self._parity = parity

    def totals(self, moment: datetime) -> dict[str, str]:
        """What the plate of a meter shows to somebody who stands before it."""
        return {address: raw for name in self.registers for address, raw in self._contents.prints(name, _age(moment))}

    def heard(self, moment: datetime, memory: MeterMemory) -> Heard:
        """What it says then, fitted into the learned layout as a session does."""
        body = self._contents.block(_age(moment))
        layout = memory.blocks.layout
        fitting = layout if layout is not None and layout.fits(body) else None
        block = DataBlock(body, layout=fitting)
        said = self.plate.identification
        return Heard(said, _PROFILE, block, self._parity, "xor", moment, _age(moment))


def _visited(
    due: datetime,
    living: _Living,
    meter: MeterSettings,
    acceptance: Acceptance,
    memory: MeterMemory,
    outcome: Outcome,
) -> Sequence[Record]:
    """One visit, with its confirming read where one is asked for: events first, as they are stored."""
    begun = due + timedelta(milliseconds=random.Random(f"{meter.device_alias} {due}").randrange(9_000))  # noqa: S311
    judged = acceptance.judged(living.heard(begun, memory), meter, memory)
    outcome.visits += 1
    if judged.wants_another:
        outcome.causes[_cause(judged)] += 1
        again = acceptance.judged(living.heard(begun + CONFIRMED_AFTER, memory), meter, memory)
        judged = acceptance.settled(judged, again, meter, memory)
    visit = Visit("house", "riser", meter.device_alias, meter.serialnumber, due, begun, 2400)
    readout, events = acceptance.accepted(judged, meter, memory, visit)
    for reading in readout.readings:
        if reading.quality is not Quality.GOOD:
            outcome.suspects[f"{reading.address}: {reading.reason}"] += 1
    # A month of all its readings would not fit beside those of 59 others.
    counted = tuple(reading for reading in readout.readings if reading.address in living.registers)
    return (*events, evolve(readout, readings=counted, block=b"", grounds=None))


def _cause(judged: Judged) -> str:
    asked = sorted({f"{doubt.oddity} {doubt.register}".rstrip() for doubt in judged.verdict.doubts if doubt.asks})
    return ", ".join(asked) or "first read"


def special_flats() -> tuple[Flat, ...]:
    """Roll-over, exchange, a print of varying width, normal time all year, a drifting clock with export, heat."""
    return (
        Flat("rolls-over", _electric("20000001", "999941.73")),
        Flat("exchanged", _electric("20000002", "0045120.3"), successor=_electric("20000092", "000007.115")),
        Flat("varying", _electric("20000003", "87.61", digits=6)),
        Flat("normal-time", _electric("20000004", zone=NORMAL_TIME)),
        Flat("drifting", _electric("20000005", gain_s=2.0, has_export=True)),
        Flat("heat", _heat("20000006")),
    )


def usual_flats(count: int) -> tuple[Flat, ...]:
    """So many flats of different households, prints and lines; two of them are empty."""
    return tuple(_usual(n) for n in range(count))


def _usual(n: int) -> Flat:
    chance = random.Random(f"flat {n}")  # noqa: S311 - repeatable on purpose
    whole, decimals = chance.choice(((7, 1), (6, 2), (7, 3), (6, 3)))
    plate = _electric(
        str(30_000_000 + 7_919 * n),
        f"{chance.randrange(100_000_000) / 1000:0{whole + 1 + decimals}.{decimals}f}",
        mean_w=0 if n in _EMPTY else chance.randrange(60, 900),
        has_export=n % 9 == 4,
        is_whole=n % 5 == 2,
        gain_s=chance.uniform(-0.4, 0.4),
    )
    return Flat(f"flat{n:02}", plate, ReceivedParity.STRIPPED if n % 3 == 0 else ReceivedParity.PRESENT)


def _electric(
    serial: str,
    start: str = "0123456.7",
    *,
    digits: int | None = None,
    mean_w: int = 450,
    zone: ZoneInfo = ZONE,
    gain_s: float = 0.0,
    has_export: bool = False,
    is_whole: bool = False,
) -> Nameplate:
    """A meter of mode C with two tariffs, billing and momentary values."""
    load = Load(serial, BORN, ZONE, mean_w)
    shown = BORN.astimezone(zone).replace(tzinfo=None)
    total = Decimal(start)
    of_night = (total * _NIGHT_SHARE).quantize(total)
    width = 0 if digits is not None else len(start)
    day, night = (f"{part:f}".zfill(width) for part in (total - of_night, of_night))
    registers: list[SimulatedRegister] = [
        StillRegister("F.F", "00000000"),
        StillRegister("0.0.0", serial),
        ClockRegister("0.9.1", "{s}%H%M%S" if is_whole else "%H:%M:%S", shown),
        ClockRegister("0.9.2", "{s}%y%m%d" if is_whole else "%y-%m-%d", shown),
        StillRegister("0.1.0", "07"),
        *_stored("0.1.2", "2602010000", "2601010000"),
        LoadRegister("1.8.0", f"{start}*kWh", load, digits=digits),
        *_stored("1.8.0", f"{start}*kWh", f"{start}*kWh"),
        LoadRegister("1.8.1", f"{day}*kWh", load, Rate.DAY, digits=digits),
        *_stored("1.8.1", f"{day}*kWh", f"{day}*kWh"),
        LoadRegister("1.8.2", f"{night}*kWh", load, Rate.NIGHT, digits=digits),
        *_stored("1.8.2", f"{night}*kWh", f"{night}*kWh"),
        MaximumRegister("1.6.1", "01.412*kW)(2602081930", load),
        *_stored("1.6.1", "02.012*kW)(2601191915", "01.790*kW)(2512242000"),
    ]
    if has_export:
        roof = Load(f"{serial}/roof", BORN, ZONE, 700, Curve.SUN)
        registers.append(LoadRegister("2.8.0", f"{start}*kWh", roof))
    registers += [
        MomentaryRegister("16.7", "00.412*kW", load, Quantity.POWER),
        MomentaryRegister("32.7", "231.4*V", load, Quantity.VOLTAGE),
        MomentaryRegister("31.7", "01.21*A", load, Quantity.CURRENT),
        MomentaryRegister("14.7", "50.01*Hz", load, Quantity.FREQUENCY),
    ]
    if is_whole:
        registers = [evolve(register, address=_whole(register.address)) for register in registers]
    return Nameplate(
        serial,
        Mode.C,
        "XMP",
        "VERBA-3.1",
        tuple(registers),
        timekeeping=Timekeeping(shown, zone, gain_s),
        billing_periods=_BILLING_PERIODS,
    )


def _heat(serial: str) -> Nameplate:
    """A heat meter whose calculator prints energy, volume and temperatures."""
    load = Load(serial, BORN, ZONE, 3_000, Curve.HEATING)
    shown = BORN.astimezone(ZONE).replace(tzinfo=None)
    registers = (
        StillRegister("6-0:0.0.0*255", serial),
        ClockRegister("0-0:1.0.0*255", "%y%m%d%H%M%S", shown),
        LoadRegister("6-0:6.8.0*255", "00241.873*GJ", load, joules=GIGAJOULE),
        LoadRegister("6-0:6.26.0*255", "01655.91*m3", load, joules=JOULES_A_CUBIC_METRE),
        MomentaryRegister("6-0:6.28.0*255", "062.4*C", load, Quantity.FLOW_TEMPERATURE),
        # A code of its own maker: what it counts nobody knows, that it changes at will is to be learned.
        MomentaryRegister("6-0:199.0.0*255", "038.1*C", load, Quantity.RETURN_TEMPERATURE),
    )
    return Nameplate(serial, Mode.C, "XKV", "WARM-2", registers, timekeeping=Timekeeping(shown, ZONE))


def _stored(address: str, *raws: str) -> list[SimulatedRegister]:
    """The values of the last billing periods, the newest first."""
    return [StillRegister(f"{address}*{7 - n:02}", raw) for n, raw in enumerate(raws)]


def _whole(address: str) -> str:
    """The address as meters print it that print all of it."""
    if not address[0].isdigit():
        return address
    code, star, period = address.partition("*")
    code = code if code.count(".") > 1 else f"{code}.0"
    return f"1-0:{code}{star}{period}" if star else f"1-0:{code}*255"
