"""What changes a meter: a register that is written, a command that is executed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from attrs import define, field

from gateway.access import Permit, permit
from gateway.decoders import is_number, number
from gateway.errors import AccessDenied, Refused, SessionEnded
from gateway.profile import MeterProfile
from gateway.profile.programming_mode import StoredCommand
from gateway.programming import ProgrammingSession
from gateway.reading import Access, Event, EventKind
from gateway.work.order import Contact, Need, Order, Work
from gateway.work.registers import address_of, check_identity, read_register, reading_group, writing_group

_WITH_ARGUMENT = re.compile(r"([^()]+)\(([^()]*)\)")


@define(eq=False)
class RegisterWriting(Work):
    """Gives a register a new value, once: reads it before, writes, reads back.

    An acknowledgement that got lost is resolved by reading back, in a new session where the first one ended.
    """

    order: Order
    register: str
    value: str
    is_sent: bool = field(init=False, default=False)
    _is_acknowledged: bool = field(init=False, default=False)
    _old: str | None = field(init=False, default=None)
    _address: str = field(init=False, default="")

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The writing group of the register, with its reading group."""
        address = address_of(profile, self.register)
        _permit(self.order, address)
        return [Need(writing_group(profile, address), address), Need(reading_group(profile, address), address)]

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Event:
        """The event with the old and the new print; raises Refused where the meter does not take the value."""
        self._address = address = address_of(contact.profile, self.register)
        if not self.is_sent:
            leave = _permit(self.order, address)
            await check_identity(self.order, contact, session)
            self._old = await _print_of(session, contact.profile, address)
            with sending(self):
                self._is_acknowledged = await session.write(address, self.value, leave)
        new = await _print_of(session, contact.profile, address)
        if new is None:
            return self._event(None, "it cannot be read back", confirmed=self._is_acknowledged)
        is_taken = _is_equal(new, self.value)
        return self._event(new, "read back" if is_taken else "read back, it differs", confirmed=is_taken)

    def salvaged(self, why: str) -> Event | None:
        """The event of a value that was sent and never read back."""
        return self._event(None, f"not read back: {why}", confirmed=False) if self.is_sent else None

    def _event(self, new: str | None, how: str, *, confirmed: bool) -> Event:
        acknowledged = "acknowledged" if self._is_acknowledged else "no acknowledgement seen"
        text = f"{self._address} written: {_shown(self._old)} to {self.value}; {acknowledged}, {how}"
        if new is not None and not confirmed:
            text += f": {new}"
        details = {"register": self._address, "old": self._old, "new": new, "confirmed": confirmed}
        return event(self.order, EventKind.WRITE, text, details)


@define(eq=False)
class CommandExecuting(Work):
    """Executes a command, once, with the registers that it is known by read before and after.

    It is confirmed where one of them has changed; by the acknowledgement where none can be read, or where the profile
    does not list the command.
    """

    order: Order
    name: str
    is_sent: bool = field(init=False, default=False)
    _is_acknowledged: bool = field(init=False, default=False)
    _old: Mapping[str, str] = field(init=False, factory=dict)
    _command: StoredCommand | None = field(init=False, default=None)

    def needs(self, profile: MeterProfile) -> Sequence[Need]:
        """The group of the command."""
        command = self._found(profile)
        _permit(self.order, command.address)
        return [Need(command.access, command.title or command.name)]

    async def perform(self, session: ProgrammingSession, contact: Contact) -> Event:
        """The event with what the watched registers print before and after; raises Refused."""
        self._command = command = self._found(contact.profile)
        if not self.is_sent:
            leave = _permit(self.order, command.address)
            await check_identity(self.order, contact, session)
            self._old = await self._watched(session, contact.profile)
            with sending(self):
                self._is_acknowledged = await session.execute(command.address, command.argument, leave)
        new = await self._watched(session, contact.profile)
        if not new:
            how = "no watched register can be read"
            return self._event(new, how, confirmed=self._is_acknowledged)
        is_changed = any(print_ != self._old.get(address) for address, print_ in new.items())
        is_listed = contact.profile.programming.command_of(self.name) is not None
        confirmed = is_changed or (self._is_acknowledged and not is_listed)
        return self._event(new, "seen by its registers" if is_changed else "no change is seen", confirmed=confirmed)

    def salvaged(self, why: str) -> Event | None:
        """The event of a command that was sent, with its effect not known."""
        return self._event({}, f"not read back: {why}", confirmed=False) if self.is_sent else None

    async def _watched(self, session: ProgrammingSession, profile: MeterProfile) -> Mapping[str, str]:
        addresses = () if self._command is None else self._command.watched
        prints = {address: await _print_of(session, profile, address) for address in addresses}
        return {address: print_ for address, print_ in prints.items() if print_ is not None}

    def _found(self, profile: MeterProfile) -> StoredCommand:
        """The profile's command of that name or address; else the bare address, with its argument if one is given."""
        if found := profile.programming.command_of(self.name):
            return found
        address, argument = self.name, ""
        if given := _WITH_ARGUMENT.fullmatch(self.name):
            address, argument = given[1], given[2]
        group = Access.LOW if profile.programming.writes is Access.NONE else profile.programming.writes
        return StoredCommand(self.name, address, "", argument, group)

    def _event(self, new: Mapping[str, str], how: str, *, confirmed: bool) -> Event:
        acknowledged = "acknowledged" if self._is_acknowledged else "no acknowledgement seen"
        address = "" if self._command is None else self._command.address
        old_text, new_text = _joined(self._old), _joined(new)
        seen = f" ({_shown(old_text)} to {new_text})" if new_text is not None else ""
        details = {"register": address, "old": old_text, "new": new_text, "confirmed": confirmed}
        text = f"{self.name} executed: {acknowledged}, {how}{seen}"
        return event(self.order, EventKind.EXECUTE, text, details)


@contextmanager
def sending(work: Work) -> Iterator[None]:
    """Marks a change as sent from here on, unless the meter says no to it or the session is over before it is said."""
    was_sent, work.is_sent = work.is_sent, True
    try:
        yield
    except (Refused, AccessDenied, SessionEnded):
        work.is_sent = was_sent
        raise


def event(order: Order, kind: EventKind, text: str, details: Mapping[str, str | bool | None]) -> Event:
    """The record of a change."""
    return Event(visit=order.visit, kind=kind, at=order.now(), text=text, details=details)


def _permit(order: Order, address: str) -> Permit:
    return permit(address, order.access, order.meter, confirmed=order.terms.confirmed)


async def _print_of(session: ProgrammingSession, profile: MeterProfile, address: str) -> str | None:
    """What a register prints; None where the meter does not let it be read."""
    with suppress(Refused, AccessDenied):
        answer = await read_register(session, profile, address)
        return ")(".join(answer.sets[0].raw) if answer.sets else None
    return None


def _is_equal(printed: str, value: str) -> bool:
    """The same text, or the same number, whatever unit is printed."""
    bare, wanted = (text.partition("*")[0].strip() for text in (printed, value))
    return bare == wanted or (is_number(bare) and is_number(wanted) and number(bare) == number(wanted))


def _shown(print_: str | None) -> str:
    return "unknown" if print_ is None else print_


def _joined(prints: Mapping[str, str]) -> str | None:
    if len(prints) == 1:
        return next(iter(prints.values()))
    return ", ".join(f"{address}({print_})" for address, print_ in prints.items()) or None
