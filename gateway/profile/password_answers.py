"""The built-in answers to a meter's P0 challenge (protocol.md 6)."""

import re
import zlib
from collections.abc import Mapping

from gateway.errors import AccessDenied
from gateway.hooks import hookimpl
from gateway.profile.access import Password, PasswordAnswer
from gateway.protocol.messages import Command

_REGISTER_32_BIT = 0xFFFFFFFF
_OPERAND = re.compile(r"[0-9A-Fa-f]{1,8}")


def clear(operand: str, password: Password) -> Command:
    """P1 with the password as it is; the operand does not matter."""
    del operand
    return Command("P", "1", f"({password.reveal()})")


def crc32(operand: str, password: Password) -> Command:
    """P2 with a CRC-32 over the password, eight hexadecimal digits in upper case.

    Reflected polynomial EDB88320, the register preset with the operand, no final inversion. Raises AccessDenied
    (E-ACC-8) for an operand that is no hexadecimal number of at most 32 bits.
    """
    if not _OPERAND.fullmatch(operand):
        raise AccessDenied(
            "E-ACC-8",
            f'the operand of the challenge is "{operand}", not a hexadecimal number of one to eight digits',
            "name the password answer of this meter in its profile, or read what needs no password",
        )
    # zlib inverts its register before and after: both are taken back.
    preset = int(operand, 16) ^ _REGISTER_32_BIT
    answer = zlib.crc32(password.reveal().encode("ascii"), preset) ^ _REGISTER_32_BIT
    return Command("P", "2", f"({answer:08X})")


BUILT_IN: Mapping[str, PasswordAnswer] = {"clear": clear, "crc32": crc32}


@hookimpl
def password_answers() -> Mapping[str, PasswordAnswer]:
    """The built-in answers, under the names that profiles use."""
    return BUILT_IN
