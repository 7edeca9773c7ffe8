"""A decoder for what a profile cannot state: a value that needs arithmetic."""

import re
from decimal import Decimal

from gateway import DataSet, DecodeError, Register

DIGITS_LIMIT = 18


def pulses(data_set: DataSet, register: Register) -> Decimal:
    """A pulse count as the quantity it stands for; the parameter `pulses_per_unit` is the meter's constant.

    Raises DecodeError where no plain count is printed: that reading alone is `bad`.
    """
    count = data_set.raw[0] if data_set.raw else ""
    if not re.fullmatch(rf"[0-9]{{1,{DIGITS_LIMIT}}}", count):
        raise DecodeError("E-REG-1", f'"{count}" is not a pulse count')
    return Decimal(count) / int(register.parameters["pulses_per_unit"])
