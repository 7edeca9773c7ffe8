"""The number that a register prints, its unit beside it."""

from decimal import Context, Decimal
from functools import lru_cache

from attrs import frozen

from gateway.decoders import number, split_unit
from gateway.errors import DecodeError
from gateway.obis import canonical_unit, in_base
from gateway.protocol.datablock import DataSet

# Sums of the longest numbers that are printed, of any number of decimals, are not rounded.
EXACT = Context(prec=128)


@frozen
class Figure:
    """A printed number; `unit` in canonical spelling, "" where none is printed, `step` is one of its last place."""

    value: Decimal
    unit: str
    whole_digits: int
    step: Decimal

    def converted(self, unit: str) -> Decimal | None:
        """The value in another unit; None where they measure different things."""
        if unit == self.unit:
            return self.value
        mine, other = in_base(self.unit), in_base(unit)
        if mine is None or other is None or mine[0] != other[0]:
            return None
        return self.value * mine[1] / other[1]

    @property
    def factor(self) -> Decimal:
        """What one of its unit is in the base unit; 1 where that is not known."""
        base = in_base(self.unit)
        return Decimal(1) if base is None else base[1]

    def __str__(self) -> str:
        return f"{self.value:f} {self.unit}".rstrip()


def figure_of(data_set: DataSet) -> Figure | None:
    """What the first bracket prints; None where that is no number."""
    return None if not data_set.raw else _figure(data_set.raw[0])


# Most registers of a bus print the same again at the next visit.
@lru_cache(maxsize=4096)
def _figure(content: str) -> Figure | None:
    text, star, unit = content.partition("*")
    if not star:
        text, found = split_unit(content)
        unit = found or ""
    try:
        value = number(text)
    except DecodeError:
        return None
    whole, _, fraction = text.strip().lstrip("+-").replace(",", ".").partition(".")
    return Figure(value, _unit(unit), len(whole), _step(len(fraction)))


@lru_cache(maxsize=256)
def _unit(printed: str) -> str:
    return canonical_unit(printed)


@lru_cache(maxsize=64)
def _step(decimals: int) -> Decimal:
    return Decimal((0, (1,), -decimals))
