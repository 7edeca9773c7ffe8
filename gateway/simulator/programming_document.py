"""The programming mode of a simulated meter, from its tables in BUILDING.toml."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import evolve, frozen

from gateway.reading import Access
from gateway.simulator.history import made_up_events
from gateway.simulator.programming import (
    CLOCK_REGISTERS,
    USUAL_STORED,
    ClockSet,
    EventLog,
    LoadProfile,
    PowerLoss,
    SimulatedPassword,
    SimulatedProgramming,
    StoredData,
)
from gateway.simulator.tables import (
    EventKind,
    EventTable,
    ProgrammingTable,
    Raw,
    RegisterTable,
    SeriesKind,
    SeriesTable,
    table_of,
    without,
)
from gateway.site.document import Findings, tables_in
from gateway.site.kinds import OUT_OF_RANGE, WRONG_KIND, kind_name
from gateway.site.locate import Place
from gateway.site.structure import Misfit

_TITLE = "[line.meter.programming]"


@frozen
class ProgrammingSource:
    """Where the programming mode of a meter stands in the file.

    `start` is the time in UTC, which its clock shows as local time unless the file says otherwise. `seed` makes up what
    happened to it.
    """

    place: Place
    start: datetime
    seed: str
    findings: Findings

    def programming(self, raw: object, registers: Sequence[RegisterTable]) -> SimulatedProgramming | None:
        """What the tables say, None with a finding where they cannot be used; `registers` bring their groups."""
        if not isinstance(raw, dict):
            what = f"programming is {kind_name(raw)}, one table is wanted"
            self.findings.add(self.place, _TITLE, Misfit(None, WRONG_KIND, what, f"write {_TITLE}"))
            return None
        table = table_of(ProgrammingTable, without(raw, "series", "event"), self.place, _TITLE, self.findings)
        series, events = self._series(raw), self._events(raw)
        if table is None:
            return None
        if table.switch_open and not table.cover_open:
            misfit = Misfit("switch_open", OUT_OF_RANGE, "the sealed switch is behind the cover", "cover_open = true")
            self.findings.add((*self.place, "switch_open"), _TITLE, misfit)
        grouped: list[RegisterTable | SeriesTable] = [*registers, *series]
        local = self.start.replace(tzinfo=UTC).astimezone(table.timezone).replace(tzinfo=None)
        start = table.clock or local
        return evolve(
            _facts(table, start),
            access={one.address: one.access for one in grouped if one.access is not None},
            writable=_writable(registers),
            stored=tuple(_stored(one) for one in series) or USUAL_STORED,
            events=events or made_up_events(start, self.seed),
        )

    def _series(self, raw: Raw) -> list[SeriesTable]:
        place = (*self.place, "series")
        found = [
            table_of(SeriesTable, one, (*place, n), "[[line.meter.programming.series]]", self.findings)
            for n, one in enumerate(tables_in(raw, place, self.findings))
        ]
        return [one for one in found if one is not None]

    def _events(self, raw: Raw) -> tuple[PowerLoss | ClockSet, ...]:
        place = (*self.place, "event")
        found = [
            table_of(EventTable, one, (*place, n), "[[line.meter.programming.event]]", self.findings)
            for n, one in enumerate(tables_in(raw, place, self.findings))
        ]
        return tuple(
            (ClockSet if one.kind is EventKind.CLOCK_SET else PowerLoss)(one.at, one.seconds)
            for one in found
            if one is not None
        )


def _facts(table: ProgrammingTable, start: datetime) -> SimulatedProgramming:
    return SimulatedProgramming(
        start=start,
        time_zone=table.timezone,
        operand=table.operand,
        commands=table.commands,
        passwords=_passwords(table),
        wrong_password=table.wrong_password,
        tries=table.tries,
        lockout_s=table.lockout_s,
        idle_s=table.idle_s,
        unknown_command=table.unknown_command,
        refusal=table.refusal,
        errors=table.errors,
        farewell=table.farewell,
        reads=table.reads,
        reset_by=table.reset_by,
        reset_access=table.reset_access,
        is_cover_open=table.cover_open,
        is_switch_open=table.switch_open,
        has_addresses=table.addresses,
        ends_lines=table.line_ends,
        ends_parts=table.part_line_ends,
        part_lines=table.part_lines,
        since=table.since,
        status_digits=table.status_digits,
    )


def _stored(table: SeriesTable) -> StoredData:
    if table.kind is SeriesKind.LOG:
        return EventLog(table.address)
    channels = (channel.partition("*") for channel in table.channels)
    return LoadProfile(table.address, table.minutes, tuple((code, unit) for code, _, unit in channels))


def _passwords(table: ProgrammingTable) -> Mapping[Access, SimulatedPassword]:
    given = {
        Access.LOW: (table.low_password, table.low_scheme),
        Access.HIGH: (table.high_password, table.high_scheme),
    }
    return {group: SimulatedPassword(secret, scheme) for group, (secret, scheme) in given.items() if secret is not None}


def _writable(registers: Sequence[RegisterTable]) -> Mapping[str, Access]:
    """The registers that can be written; the clock's can, unless the file says otherwise."""
    given = {one.address: one.write for one in registers if one.write is not None}
    return {**dict.fromkeys(CLOCK_REGISTERS, Access.LOW), **given}
