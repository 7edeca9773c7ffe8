"""What the registers of a block print."""

from collections.abc import Sequence

from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.trust.figure import figure_of
from gateway.trust.growth import modulus_of
from gateway.trust.trait import Nature, traits_of


def prints(sets: Sequence[DataSet], profile: MeterProfile) -> dict[str, str]:
    """The prints of all registers, by register."""
    each = traits_of(profile, tuple(data_set.address for data_set in sets)).each
    return {trait.key: ")(".join(data_set.raw) for trait, data_set in zip(each, sets, strict=True)}


def totals(sets: Sequence[DataSet], profile: MeterProfile) -> dict[str, str]:
    """The prints of all registers that only grow, by register."""
    addresses = tuple(data_set.address for data_set in sets)
    return {
        trait.key: ")(".join(data_set.raw)
        for trait, data_set in zip(traits_of(profile, addresses).each, sets, strict=True)
        if trait.nature is Nature.TOTAL
    }


def registers(addresses: tuple[str, ...], profile: MeterProfile) -> tuple[str, ...]:
    """The name of each register of a block, as doubts give it: whole, with an ordinal where it repeats."""
    return tuple(trait.key for trait in traits_of(profile, addresses).each)


def modulus(register: str, old: str | None, new: str, profile: MeterProfile) -> str | None:
    """Where a register that has rolled over began anew, as text; None where no print tells it."""
    (trait,) = traits_of(profile, (register.partition("#")[0],)).each
    before, after = figure_of(DataSet(register, (old or "",))), figure_of(DataSet(register, (new,)))
    found = None if before is None or after is None else modulus_of(trait, before, after)
    return None if found is None else f"{found:f}"
