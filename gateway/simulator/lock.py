"""The lock of a simulated meter's programming mode: operand, passwords, lock-out."""

import random
import re
import zlib
from typing import assert_never

from gateway.reading import Access
from gateway.simulator.programming import (
    RANDOM_OPERAND,
    SERIAL_OPERAND,
    PasswordScheme,
    SimulatedPassword,
    SimulatedProgramming,
)

_GROUPS = {"1": Access.LOW, "2": Access.HIGH}
_REGISTER = 0xFFFFFFFF
_WHOLE_OPERAND = re.compile(r"[0-9A-Fa-f]{1,8}")


class Lock:
    """Opens the access groups for the right passwords; `wrong` counts the others, as long as the meter lives."""

    def __init__(self, facts: SimulatedProgramming, serial: str, seed: str) -> None:
        self.wrong = 0
        self.operand = ""
        self._facts = facts
        self._serial = serial
        self._chance = random.Random(f"operand/{seed}/{serial}")  # noqa: S311 - repeatable on purpose
        self._opened: Access = Access.NONE
        self._wrong_in_a_row = 0
        self._locked_until = float("-inf")

    def close(self) -> None:
        """A session ends: nothing is open."""
        self._opened = Access.NONE

    def challenge(self) -> str:
        """The operand of a new session's P0."""
        self.operand = self._facts.operand
        if self.operand == SERIAL_OPERAND:
            self.operand = self._serial
        elif self.operand == RANDOM_OPERAND:
            self.operand = f"{self._chance.getrandbits(32):08X}"
        return self.operand

    def takes(self, digit: str, answer: str, now: float) -> bool:
        """True where P1 or P2 with that content opens its group; `now` is in seconds of the meter's own time."""
        group = _GROUPS.get(digit)
        password = None if group is None else self._facts.passwords.get(group)
        if group is not None and password is not None and answer == expected(password, self.operand):
            if now < self._locked_until:
                return False
            self._wrong_in_a_row, self._opened = 0, group
            return True
        self.wrong += 1
        self._wrong_in_a_row += 1
        if self._wrong_in_a_row >= self._facts.tries:
            self._wrong_in_a_row, self._locked_until = 0, now + self._facts.lockout_s
        return False

    def opens(self, group: Access) -> bool:
        """True where the group may be used now."""
        match group:
            case Access.NONE:
                return True
            case Access.LOW:
                return self._opened in (Access.LOW, Access.HIGH)
            case Access.HIGH:
                return self._opened is Access.HIGH
            case Access.SEALED:
                # The switch sits behind the cover.
                return self._facts.is_cover_open and self._facts.is_switch_open
            case _:
                assert_never(group)


def expected(password: SimulatedPassword, operand: str) -> str:
    """What the meter expects between the brackets (protocol.md 6)."""
    if password.scheme is PasswordScheme.CLEAR:
        return password.secret
    preset = int(operand, 16) if _WHOLE_OPERAND.fullmatch(operand) else 0
    # zlib inverts its register before and after; this scheme inverts neither.
    return f"{zlib.crc32(password.secret.encode('latin-1'), preset ^ _REGISTER) ^ _REGISTER:08X}"
