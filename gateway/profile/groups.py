"""The logical groups of a family's registers with its commands, by what they ask of the reader (protocol.md 6)."""

from collections.abc import Iterator
from enum import StrEnum
from typing import assert_never

from attrs import frozen

from gateway.obis import known, parse_obis
from gateway.profile.model import MeterProfile
from gateway.reading import Access, Register

TITLES = {
    Access.NONE: "no-security logical group",
    Access.LOW: "low-security logical group",
    Access.HIGH: "high-security logical group",
    Access.SEALED: "calibration",
}


class Use(StrEnum):
    """What a member of a group is for."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


@frozen
class Member:
    """One register or command in a group; `address` "" stands for all registers that the profile does not list."""

    use: Use
    address: str
    name: str | None = None
    title: str | None = None

    def as_json(self) -> dict[str, object]:
        """One entry of a group's `members`."""
        return {"use": self.use.value, "address": self.address or None, "name": self.name, "title": self.title}


@frozen
class AccessGroup:
    """One logical group; `way` says how it is reached, or why it is not."""

    access: Access
    way: str
    is_reachable: bool
    members: tuple[Member, ...]

    @property
    def title(self) -> str:
        """The group's name for a person."""
        return TITLES[self.access]

    def as_json(self) -> dict[str, object]:
        """The group as programs get it."""
        return {
            "access": self.access.value,
            "title": self.title,
            "reachable": self.is_reachable,
            "way": self.way,
            "members": [member.as_json() for member in self.members],
        }


def access_groups(profile: MeterProfile) -> tuple[AccessGroup, ...]:
    """The groups none, low, high, sealed of a family, each with its members, empty ones too.

    A listed register stands in the group that may read it, and where the profile states one, in that which may write.
    """
    members = list(_members(profile))
    return tuple(_group(profile, access, members) for access in Access)


def _group(profile: MeterProfile, access: Access, members: list[tuple[Access, Member]]) -> AccessGroup:
    answer = profile.programming.passwords.get(access)
    return AccessGroup(
        access,
        _way(access, answer),
        is_reachable=access is Access.NONE or answer is not None,
        members=tuple(member for group, member in members if group is access),
    )


def _way(access: Access, answer: str | None) -> str:
    match access:
        case Access.NONE:
            return "without a password: in programming mode, or as the data readout"
        case Access.LOW | Access.HIGH if answer is None:
            return "out of reach: the profile names no password answer for it"
        case Access.LOW:
            return f'after the password, by the password answer "{answer}"'
        case Access.HIGH:
            return f'after an answer to the meter\'s challenge, by the password answer "{answer}"'
        case Access.SEALED:
            return "out of reach: behind a sealed switch under the meter's cover; Metergate never asks for it"
        case _:
            assert_never(access)


def _members(profile: MeterProfile) -> Iterator[tuple[Access, Member]]:
    mode = profile.programming
    for register in profile.registers:
        title = register.title or _title(profile, register.address)
        yield register.access or mode.reads, Member(Use.READ, register.address, register.name, title)
    for series in mode.series:
        yield series.access, Member(Use.READ, series.address, None, series.title)
    yield mode.reads, Member(Use.READ, "", None, "Registers that the profile does not list")
    for group, register in _writable(profile):
        title = register.title or _title(profile, register.address)
        yield group, Member(Use.WRITE, register.address, register.name, title)
    yield mode.writes, Member(Use.WRITE, "", None, "Registers that the profile does not list")
    for command in mode.commands:
        yield command.access, Member(Use.EXECUTE, command.address, command.name, command.title)


def _writable(profile: MeterProfile) -> Iterator[tuple[Access, Register]]:
    """The registers that set the clock, then those that say who may write them."""
    clock = profile.programming.clock
    stated = {register.address: register for register in profile.registers if register.write_access is not None}
    for address, _form in clock.registers:
        if address not in stated:
            yield clock.access, Register(address)
    for register in stated.values():
        yield register.write_access or clock.access, register


def _title(profile: MeterProfile, address: str) -> str | None:
    obis = parse_obis(address, profile.medium)
    meaning = known(obis) if obis else None
    return meaning.name if meaning else None
