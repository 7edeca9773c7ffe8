"""The respondent of a simulated meter: what it answers to the commands of programming mode."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import assert_never

from gateway.protocol.messages import Acknowledge, Break, Command, DataBlock, Message, Repeat
from gateway.reading import Access
from gateway.simulator.clock import MeterClock, put_by
from gateway.simulator.contents import Contents
from gateway.simulator.history import PARAMETER_CHANGED, RESET, Entry, History
from gateway.simulator.lock import Lock
from gateway.simulator.plate import Nameplate
from gateway.simulator.programming import (
    CLOCK_REGISTERS,
    PARTED,
    Decline,
    Farewell,
    Reason,
    SimulatedProgramming,
    error_text,
)
from gateway.simulator.recording import Recording
from gateway.simulator.register import reduced

_DATA_SET = re.compile(r"([^()]*)\(([^()]*)\)")
_WRITABLE = re.compile(r"[ -'*-~]{0,128}")
_FAREWELLS: Mapping[Farewell, Message | None] = {
    Farewell.NOTHING: None,
    Farewell.BREAK: Break(),
    Farewell.ACK: Acknowledge(),
}


class _Declined(Exception):
    """The meter does not do what a command wants."""

    def __init__(self, reason: Reason, address: str = "") -> None:
        super().__init__(reason, address)
        self.reason = reason
        self.address = address


class Respondent:
    """Answers commands as the facts of a meter want it.

    `executed` are the writes and other commands that were carried out, in their order. `lock` is its passwords'.
    """

    def __init__(self, plate: Nameplate, facts: SimulatedProgramming, contents: Contents, clock: MeterClock) -> None:
        self.facts = facts
        self.executed: list[Command] = []
        self.lock = Lock(facts, plate.serial, plate.serial)
        self._seed = plate.serial
        self._contents = contents
        self._clock = clock
        self._history = History(facts, plate.serial)
        self._parts: deque[DataBlock] = deque()

    def open(self) -> Command:
        """The P0 of a new session."""
        return Command("P", "0", f"({self.lock.challenge()})")

    @property
    def farewell(self) -> Message | None:
        """What the meter says to a break, None: nothing."""
        return _FAREWELLS[self.facts.farewell]

    def close(self) -> None:
        """The session has ended."""
        self.lock.close()
        self._parts.clear()

    def next_part(self) -> DataBlock | None:
        """The next partial block of the answer to the last command, None after the last."""
        return self._parts.popleft() if self._parts else None

    def answer(self, command: Command, age: float, now: float) -> Message | None:
        """What the meter says to a command, None: nothing; `age` is that of its contents, `now` its own time."""
        self._parts.clear()
        how = self.facts.refusal
        if f"{command.kind}{command.digit}" not in self.facts.commands and command.kind != "P":
            return self._decline(self.facts.unknown_command, _Declined(Reason.COMMAND))
        try:
            address, argument = _data_set(command)
            match command.kind:
                case "P":
                    how = self.facts.wrong_password
                    self._try_password(command, argument, now)
                case "R":
                    return self._read(command, address, argument, age)
                case _:
                    self._carry_out(command, address, argument, age)
        except _Declined as declined:
            return self._decline(how, declined)
        return Acknowledge()

    def _decline(self, how: Decline, declined: _Declined) -> Message | None:
        match how:
            case Decline.ERROR:
                return DataBlock(error_text(self.facts.errors, declined.reason, declined.address).encode("latin-1"))
            case Decline.NAK:
                return Repeat()
            case Decline.ACK:
                return Acknowledge()
            case Decline.BREAK:
                return Break()
            case Decline.SILENCE:
                return None
            case _:
                assert_never(how)

    def _try_password(self, command: Command, answer: str, now: float) -> None:
        if not self.lock.takes(command.digit, answer, now):
            raise _Declined(Reason.PASSWORD)

    def _read(self, command: Command, address: str, argument: str, age: float) -> DataBlock:
        self._demand(_group(self.facts.access, address) or self.facts.reads, address)
        stored = next((one for one in self.facts.stored if one.address == address), None)
        if stored is None:
            return DataBlock(self._registers(address, age))
        recording = Recording(self._history, self._clock.now(age), self._seed, self.facts.status_digits)
        try:
            wanted = recording.range_of(argument)
        except ValueError:
            raise _Declined(Reason.VALUE, address) from None
        is_parted = f"{command.kind}{command.digit}" in PARTED
        if wanted.lines is not None and not is_parted:
            raise _Declined(Reason.STRUCTURE, address)
        lines = recording.lines(stored, wanted)
        if not lines:
            raise _Declined(Reason.NO_DATA, address)
        size = (wanted.lines or self.facts.part_lines) if is_parted else len(lines)
        self._parts.extend(self._parted(lines, size))
        return self._parts.popleft()

    def _registers(self, address: str, age: float) -> bytes:
        prints = self._contents.prints(address, age)
        if not prints:
            raise _Declined(Reason.REGISTER, address)
        sets = [f"{name if self.facts.has_addresses else ''}({raw})" for name, raw in prints]
        return ("\r\n".join(sets) + ("\r\n" if self.facts.ends_lines else "")).encode("latin-1")

    def _parted(self, lines: Sequence[str], size: int) -> list[DataBlock]:
        bodies = ["".join(f"{line}\r\n" for line in lines[n : n + size]) for n in range(0, len(lines), size)]
        last = len(bodies) - 1
        return [
            DataBlock(
                (body if n == last or self.facts.ends_parts else body.removesuffix("\r\n")).encode("latin-1"),
                partial=n < last,
            )
            for n, body in enumerate(bodies)
        ]

    def _carry_out(self, command: Command, address: str, value: str, age: float) -> None:
        if reduced(address) == reduced(self.facts.reset_by):
            self._demand(self.facts.reset_access, address)
            self._contents.reset(self._clock.shown(age), age)
            self._history.note(Entry(self._clock.now(age), RESET))
        elif command.kind == "W":
            self._write(address, value, age)
        else:
            raise _Declined(Reason.REGISTER, address)
        self.executed.append(command)

    def _write(self, address: str, value: str, age: float) -> None:
        group = _group(self.facts.writable, address)
        is_clock = reduced(address) in CLOCK_REGISTERS
        if not is_clock and not self._contents.prints(address, age):
            raise _Declined(Reason.REGISTER, address)
        if group is None:
            raise _Declined(Reason.ACCESS, address)
        self._demand(group, address)
        if not is_clock:
            if not _WRITABLE.fullmatch(value):
                raise _Declined(Reason.VALUE, address)
            self._contents.put(address, value)
            self._history.note(Entry(self._clock.now(age), PARAMETER_CHANGED))
            return
        before = self._clock.now(age)
        try:
            after = put_by(reduced(address), value, self._clock.shown(age))
        except ValueError:
            raise _Declined(Reason.VALUE, address) from None
        self._clock.put(after, age)
        self._history.clock_put(before, after)

    def _demand(self, group: Access, address: str) -> None:
        if not self.lock.opens(group):
            raise _Declined(Reason.SEALED if group is Access.SEALED else Reason.ACCESS, address)


def _data_set(command: Command) -> tuple[str, str]:
    found = _DATA_SET.fullmatch(command.data or "")
    if found is None:
        raise _Declined(Reason.STRUCTURE)
    return found.group(1), found.group(2)


def _group(groups: Mapping[str, Access], address: str) -> Access | None:
    """The group of an address as it is given, else of its code; None where it has none of its own."""
    if address in groups:
        return groups[address]
    return next((group for name, group in groups.items() if reduced(name) == reduced(address)), None)
