"""The six numbers of an object identification code, read from every printed form (protocol.md 8)."""

import re
from functools import lru_cache

from attrs import frozen

NOT_USED = 255
_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
_PRINTED = re.compile(
    r"(?:(?P<a>[0-9]{1,3})-(?P<b>[0-9]{1,3}):)?"
    r"(?P<c>[0-9]{1,3}|[CFLP])\.(?P<d>[0-9]{1,3}|[CFLP])(?:\.(?P<e>[0-9]{1,3}))?"
    r"(?:[*&](?P<f>[0-9]{1,3}))?"
)


@frozen
class Obis:
    """One code A-B:C.D.E*F, each number from 0 to 255; F 255 is the present value."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = NOT_USED

    @property
    def core(self) -> tuple[int, int, int]:
        """C, D, E: what a register measures; prefix and history are left out (protocol.md 7.1)."""
        return self.c, self.d, self.e

    @property
    def is_present(self) -> bool:
        """True for the present value, False for a stored period."""
        return self.f == NOT_USED

    def __str__(self) -> str:
        """The full form, for example 1-0:1.8.0*255."""
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"


@lru_cache(maxsize=4096)
def parse_obis(printed: str, medium: int = 1) -> Obis | None:
    """The code that a whole address prints; None where it prints none (word registers, hexadecimal addresses).

    Omitted parts: A is `medium` (0 for the letter codes, which are abstract), B and E are 0, F is 255.
    """
    found = _PRINTED.fullmatch("F.F" if printed == "FF" else printed)
    if found is None:
        return None
    default_a = 0 if found["c"] in _LETTERS else medium
    numbers = (
        default_a if found["a"] is None else int(found["a"]),
        int(found["b"] or 0),
        _LETTERS.get(found["c"]) or int(found["c"]),
        _LETTERS.get(found["d"]) or int(found["d"]),
        int(found["e"] or 0),
        NOT_USED if found["f"] is None else int(found["f"]),
    )
    return Obis(*numbers) if max(numbers) <= NOT_USED else None
