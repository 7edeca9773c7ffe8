"""The work that can be asked of a meter beside its readout."""

from datetime import datetime

from attrs import frozen

from gateway.profile.programming_mode import SeriesKind


@frozen
class ReadRegisters:
    """Single registers, by their addresses as the meter prints them or by the names of its profile."""

    registers: tuple[str, ...]


@frozen
class WriteRegister:
    """One register gets a new value: `value` as the meter prints it, without brackets."""

    register: str
    value: str


@frozen
class ExecuteCommand:
    """A command of the profile, by its name or code, such as the reset of the demand registers."""

    name: str


@frozen
class ReadClock:
    """The meter's clock."""


@frozen
class SetClock:
    """The meter's clock gets the gateway's time."""


@frozen
class ReadSeries:
    """The stored intervals that lie, or log entries that stand, from `since` to before `until`.

    `address` None: the profile's first series of this kind, else P.01 or P.98. `since` None: from the last stored one
    on, at first `days` back; `until` None: to the present.
    """

    kind: SeriesKind
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    days: int = 1


Job = ReadRegisters | WriteRegister | ExecuteCommand | ReadClock | SetClock | ReadSeries
