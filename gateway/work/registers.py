"""Single registers, read in a meter's programming mode."""

from collections.abc import Sequence

from attrs import evolve, frozen

from gateway.errors import AccessDenied, NoAnswer, OutOfTurn, Refused
from gateway.obis import parse_obis
from gateway.profile import MeterProfile
from gateway.programming import Answer, ProgrammingSession
from gateway.protocol.datablock import DataSet
from gateway.reading import Access, Quality, Reading, Readout, Register
from gateway.trust import Verdict, identified
from gateway.work.order import Contact, Need, Order, Work
from gateway.work.readout import composed

# What holds a device number in every family (protocol.md 8), as it is asked for.
_DEVICE_NUMBERS = ("0.0.0", "C.1.0")
_WITHIN_REACH = (Access.NONE, Access.LOW)


@frozen(eq=False)
class RegisterReading(Work):
    """Reads registers, given by their addresses as the meter prints them or by the names of its profile.

    None given: those that the profile lists.
    """

    order: Order
    registers: Sequence[str]

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The reading group of each register; raises Refused (E-JOB-5) where there is none to read."""
        addresses = self._addresses(profile)
        if not addresses:
            what = f"profile {profile.key} lists no register, and none was named"
            raise Refused("E-JOB-5", what, "name the registers: --obis 1.8.0,0.2.0")
        return [Need(reading_group(profile, address), address) for address in addresses]

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Readout:
        """A readout with the readings of each register; one that the meter refuses is `bad` with the meter's words.

        Raises AccessDenied where the meter denied all of them.
        """
        sets, readings, denials, reasons = list[DataSet](), list[Reading](), list[AccessDenied](), dict[str, None]()
        addresses = self._addresses(contact.profile)
        for address in addresses:
            try:
                answer = await read_register(session, contact.profile, address)
            except (Refused, AccessDenied) as refusal:
                denials += [refusal] if isinstance(refusal, AccessDenied) else []
                readings.append(_not_read(contact.profile, address, refusal.what))
                reasons |= {} if refusal.next_step is None else {refusal.next_step: None}
                continue
            sets += answer.sets
            readings += _readings(self.order, contact, address, answer)
        if denials and len(denials) == len(addresses):
            raise denials[0]
        return readout(self.order, contact, session, sets, readings, tuple(reasons))

    def _addresses(self, profile: MeterProfile) -> list[str]:
        if not self.registers:
            listed = [known.address for known in profile.registers]
            return [address for address in listed if reading_group(profile, address) in _WITHIN_REACH]
        return [address_of(profile, register) for register in self.registers]


def registered(profile: MeterProfile, name: str) -> Register | None:
    """The register that the profile lists under an address, another spelling of it, or a name."""
    return next(
        (known for known in profile.registers if name in (known.address, known.name, *known.aliases)),
        None,
    )


def address_of(profile: MeterProfile, name: str) -> str:
    """The address to ask for: that of the register of this name, else the name as it stands."""
    named = next((known for known in profile.registers if known.name == name), None)
    return name if named is None else named.address


def reading_group(profile: MeterProfile, address: str) -> Access:
    """The group that may read a register."""
    known = registered(profile, address)
    return (known and known.access) or profile.programming.reads


def writing_group(profile: MeterProfile, address: str) -> Access:
    """The group that may write a register."""
    known = registered(profile, address)
    return (known and known.write_access) or profile.programming.writes


async def read_register(session: ProgrammingSession, profile: MeterProfile, address: str) -> Answer:
    """The answer to one read command, its data sets with the address asked for where the meter prints none.

    Raises OutOfTurn (E-JOB-1) for the answer of another register, and what `ProgrammingSession.read` raises.
    """
    answer = await session.read(address)
    printed = [data_set.address for data_set in answer.sets]
    is_table = len(printed) > 1 and parse_obis(address, profile.medium) is None
    if printed and not is_table and not any(_is_same(address, other, profile.medium) for other in printed):
        raise OutOfTurn("E-JOB-1", f"asked for {address}, the meter answered with {printed[0]}")
    return evolve(answer, sets=tuple(DataSet(data_set.address or address, data_set.raw) for data_set in answer.sets))


def _is_same(asked: str, printed: str, medium: int) -> bool:
    """True for an answer without address, too; the prefix A-B does not count (protocol.md 7.1)."""
    if printed in {"", asked}:
        return True
    ours, theirs = parse_obis(asked, medium), parse_obis(printed, medium)
    return ours is not None and theirs is not None and (ours.core, ours.f) == (theirs.core, theirs.f)


def _readings(order: Order, contact: Contact, address: str, answer: Answer) -> Sequence[Reading]:
    readings = contact.profile.interpret(answer.sets, (), order.decoders)
    if not readings:
        return [_not_read(contact.profile, address, "the meter stores nothing under it")]
    if answer.doubt is not None:
        doubt(readings, answer.doubt)
    return readings


def doubt(readings: Sequence[Reading], why: str) -> None:
    """Makes good readings `suspect`."""
    for reading in readings:
        if reading.quality is Quality.GOOD:
            reading.quality, reading.reason = Quality.SUSPECT, why


def _not_read(profile: MeterProfile, address: str, why: str) -> Reading:
    (reading,) = profile.interpret((DataSet(address, ("",)),))
    reading.value, reading.quality, reading.reason = None, Quality.BAD, why
    return reading


def readout(
    order: Order,
    contact: Contact,
    session: ProgrammingSession,
    sets: Sequence[DataSet],
    readings: Sequence[Reading],
    reasons: Sequence[str] = (),
) -> Readout:
    """The readout of a job; `reasons` are told beside those of its identity.

    Raises WrongMeter (E-READ-8).
    """
    verdict = whose(order, contact, session, sets)
    made = composed(order.visit, contact.said, contact.profile, sets, readings, verdict, order.now(), order.zone)
    return evolve(made, reason="; ".join((*verdict.reasons, *reasons)) or None)


def whose(order: Order, contact: Contact, session: ProgrammingSession, sets: Sequence[DataSet]) -> Verdict:
    """How far this is the meter that was asked for: by what was read, or by the operand of P0 (contract.md 5).

    Raises WrongMeter (E-READ-8).
    """
    serial, operand = order.meter.serialnumber, session.operand.strip()
    vouched = (DataSet(_DEVICE_NUMBERS[0], (operand,)),) if _is_serial(contact.profile, operand, serial) else ()
    return identified((*sets, *vouched), contact.said, contact.profile, order.memory, serial)


def _is_serial(profile: MeterProfile, operand: str, serial: str) -> bool:
    return bool(operand and serial) and profile.address.is_same(operand, serial)


async def check_identity(order: Order, contact: Contact, session: ProgrammingSession) -> None:
    """Reads a device number before something is changed, unless the operand of P0 has told it.

    Raises WrongMeter (E-READ-8) where it is another's; a meter that prints none is taken at its word.
    """
    serial = order.meter.serialnumber
    if not serial or _is_serial(contact.profile, session.operand.strip(), serial):
        return
    for address in dict.fromkeys((*contact.profile.identity, *_DEVICE_NUMBERS)):
        try:
            answer = await read_register(session, contact.profile, address)
        except (Refused, AccessDenied):
            continue
        except NoAnswer:
            return
        if any(data_set.raw[0].strip() for data_set in answer.sets):
            whose(order, contact, session, answer.sets)
            return
