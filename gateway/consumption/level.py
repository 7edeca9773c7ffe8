"""The level of a register, exact in whatever unit it is told."""

from decimal import Decimal, Inexact, localcontext

from attrs import frozen

from gateway.errors import UnitError
from gateway.obis import in_base

EXACT_DIGITS = 120  # a printed number has at most 40, a factor of the site file 36
_JOULES_A_WATT_HOUR = 3600


@frozen
class Level:
    """What a register shows: exact, in `unit`; None where none is known."""

    value: Decimal
    unit: str | None = None

    @property
    def resolution(self) -> Decimal:
        """The worth of the last digit."""
        return Decimal(1).scaleb(int(self.value.as_tuple().exponent))

    def in_unit(self, unit: str | None) -> Decimal:
        """The value in another unit; UnitError where there is no way to it."""
        with localcontext(prec=EXACT_DIGITS):
            return self.value * _factor(self.unit, unit)


def converted(value: Decimal, unit: str | None, other: str | None) -> Decimal:
    """An amount in another unit; joules and watt-hours are converted too. UnitError where there is no way to it."""
    return Level(value, unit).in_unit(other)


def _factor(unit: str | None, other: str | None) -> Decimal:
    if unit == other:
        return Decimal(1)
    base, wanted = (None if each is None else in_base(each) for each in (unit, other))
    if base is None or wanted is None:
        raise UnitError("E-BAL-3", f"{unit or 'no unit'} cannot be converted into {other or 'none'}")
    match base[0], wanted[0]:
        case "Wh", "J":
            return base[1] * _JOULES_A_WATT_HOUR / wanted[1]
        case "J", "Wh":
            return base[1] / (_JOULES_A_WATT_HOUR * wanted[1])
        case first, second if first == second:
            return base[1] / wanted[1]
    raise UnitError("E-BAL-3", f"{unit} cannot be converted into {other}")


def is_exact(unit: str | None, other: str | None) -> bool:
    """True where every value in `unit` is a finite decimal number in the other one."""
    with localcontext(prec=EXACT_DIGITS) as context:
        context.traps[Inexact] = True
        try:
            _factor(unit, other)
        except (UnitError, Inexact):
            return False
    return True
