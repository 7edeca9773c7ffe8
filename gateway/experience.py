"""What the values of one meter were so far: what its next ones are judged by."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from attrs import define, field, frozen

from gateway.protocol.datablock import DataSet, Layout, parse_block


@frozen(slots=False)
class Remembered:
    """One data block of a meter with the time at which it was read.

    `heard_at` is the same moment by the clock of the process, which no host clock steps: None after a restart.
    `parsed` are its data sets where they are at hand.
    """

    body: bytes
    read_at: datetime
    heard_at: float | None = field(default=None, eq=False)
    parsed: tuple[DataSet, ...] | None = field(default=None, eq=False, repr=False)

    @cached_property
    def sets(self) -> tuple[DataSet, ...]:
        """Its data sets."""
        return parse_block(self.body) if self.parsed is None else self.parsed

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of its registers as printed."""
        return tuple([data_set.address for data_set in self.sets])

    def seconds_until(self, read_at: datetime, heard_at: float) -> float:
        """Seconds from this block to a later one; negative where the host's clock was put back meanwhile."""
        if self.heard_at is not None:
            return heard_at - self.heard_at
        return (read_at - self.read_at).total_seconds()


@frozen
class Announced:
    """An exchange of the meter that a person has told of: what both plates showed, by address or signal."""

    at: datetime
    ends: Mapping[str, str] = field(factory=dict)
    starts: Mapping[str, str] = field(factory=dict)


@define
class Experience:
    """What is known of a meter's values since it was put in its place.

    `identity` is the number it was known by. `accepted` is the last block that was taken for true, `odd` the last one
    that stayed odd when it was read again, with its doubts in `oddities`; those that one read alone has shown say so.
    `since` is when the first block was taken. `peaks` are the fastest growths of totals, in base units an hour, beside
    the greatest amounts of momentary values, in base units; `moved` is when each total last moved; both by register.
    `forms` are further prints that a register has had, digits as 0. `lively` are registers that change at will,
    `changed` those that changed at the last visit. `usual` are doubts that turned out to be this meter's way.
    `drift_s` is how far its clock was ahead of ours. `announced` is an exchange that has been told but not seen yet.
    Registers are named by address, those of equal address by `#` and their ordinal too.
    """

    identity: str | None = None
    accepted: Remembered | None = None
    odd: Remembered | None = None
    oddities: frozenset[str] = frozenset()
    since: datetime | None = None
    peaks: dict[str, Decimal] = field(factory=dict)
    moved: dict[str, datetime] = field(factory=dict)
    forms: dict[str, list[str]] = field(factory=dict)
    lively: set[str] = field(factory=set)
    changed: frozenset[str] = frozenset()
    usual: set[str] = field(factory=set)
    drift_s: int | None = None
    announced: Announced | None = None
    layout: Layout | None = field(default=None, eq=False)

    def to_json(self) -> dict[str, object]:
        """What outlives the process, for JSON."""
        return {
            "identity": self.identity,
            "accepted": _block_to_json(self.accepted),
            "odd": _block_to_json(self.odd),
            "oddities": sorted(self.oddities),
            "since": None if self.since is None else self.since.isoformat(),
            "peaks": {register: str(peak) for register, peak in self.peaks.items()},
            "moved": {register: round(moment.timestamp()) for register, moment in self.moved.items()},
            "forms": self.forms,
            "lively": sorted(self.lively),
            "changed": sorted(self.changed),
            "usual": sorted(self.usual),
            "drift_s": self.drift_s,
            "announced": None if self.announced is None else _announced_to_json(self.announced),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Experience":
        """What `to_json` gave; empty where an older version has stored nothing.

        Raises ValueError, TypeError, AttributeError, LookupError or ArithmeticError for anything else.
        """
        since, announced = stored.get("since"), stored.get("announced")
        identity, drift_s = stored.get("identity"), stored.get("drift_s")
        if not isinstance(identity, str | None) or not isinstance(drift_s, int | None):
            raise TypeError("a text and a whole number are expected")
        return cls(
            identity=identity,
            accepted=_block_from_json(stored.get("accepted")),
            odd=_block_from_json(stored.get("odd")),
            oddities=frozenset(stored.get("oddities", ())),
            since=None if since is None else _moment(since),
            peaks={register: Decimal(peak) for register, peak in stored.get("peaks", {}).items()},
            moved={register: datetime.fromtimestamp(at, UTC) for register, at in stored.get("moved", {}).items()},
            forms={register: list(forms) for register, forms in stored.get("forms", {}).items()},
            lively=set(stored.get("lively", ())),
            changed=frozenset(stored.get("changed", ())),
            usual=set(stored.get("usual", ())),
            drift_s=drift_s,
            announced=None if announced is None else _announced_from_json(announced),
        )


def _block_to_json(block: Remembered | None) -> list[str] | None:
    return None if block is None else [block.body.decode("latin-1"), block.read_at.isoformat()]


def _block_from_json(stored: Sequence[str] | None) -> Remembered | None:
    return None if stored is None else Remembered(stored[0].encode("latin-1"), _moment(stored[1]))


def _announced_to_json(announced: Announced) -> dict[str, object]:
    return {"at": announced.at.isoformat(), "ends": dict(announced.ends), "starts": dict(announced.starts)}


def _announced_from_json(stored: Mapping[str, Any]) -> Announced:
    return Announced(_moment(stored["at"]), dict(stored["ends"]), dict(stored["starts"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
