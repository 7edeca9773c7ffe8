"""The kinds of values that only BUILDING.toml knows: port, faults, commands, short tables, local times."""

import re
from collections.abc import Mapping
from datetime import datetime

from gateway.simulator.building import Port, PtyPort, TcpPort
from gateway.simulator.fault import FaultRate
from gateway.site.kinds import OUT_OF_RANGE, WRONG_KIND, Texts, Unfit, kind_name, shown

_COMMAND = re.compile(r"[RWE][1-6]")
_TABLE_DIGITS = ("6", "7", "8", "9")


class PortKind:
    """`pty` or `tcp:PORT`."""

    def read(self, value: object) -> Port:
        """The port; raises Unfit."""
        try:
            return parse_port(value if isinstance(value, str) else "")
        except ValueError as error:
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {error}", '"pty" or "tcp:0"') from None

    def schema(self) -> dict[str, object]:
        """A string of either form."""
        return {"type": "string", "pattern": "^(pty|tcp:[0-9]+)$"}

    def __str__(self) -> str:
        return "pty or tcp:PORT"


class FaultsKind:
    """A list of `NAME` or `NAME:rate`."""

    def read(self, value: object) -> tuple[FaultRate, ...]:
        """The faults with their rates; raises Unfit."""
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a list of texts is wanted", '["noise:0.1"]')
        try:
            return tuple(FaultRate.parse(part) for part in value)
        except ValueError as error:
            raise Unfit(OUT_OF_RANGE, str(error)) from None

    def schema(self) -> dict[str, object]:
        """A list of strings."""
        return {"type": "array", "items": {"type": "string"}}

    def __str__(self) -> str:
        return "a list of NAME or NAME:rate"


class CommandsKind:
    """A list of commands, kind with digit."""

    def read(self, value: object) -> frozenset[str]:
        """The commands; raises Unfit."""
        if not isinstance(value, list) or not all(isinstance(one, str) and _COMMAND.fullmatch(one) for one in value):
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {self} is wanted", 'for example ["R5", "R6", "W5", "E2"]')
        return frozenset(value)

    def schema(self) -> dict[str, object]:
        """A list of strings."""
        return {"type": "array", "items": {"type": "string", "pattern": f"^{_COMMAND.pattern}$"}}

    def __str__(self) -> str:
        return "a list of commands from R1 to R6, W1 to W6, E1 to E6"


class ShortTablesKind:
    """A table of option digits, each with a list of addresses."""

    def read(self, value: object) -> Mapping[str, tuple[str, ...]]:
        """The addresses by digit; raises Unfit."""
        if not isinstance(value, dict) or not all(digit in _TABLE_DIGITS for digit in value):
            raise Unfit(WRONG_KIND, f"{shown(value)}: {self} is wanted", 'for example tables = { "6" = ["1.8.0"] }')
        return {digit: Texts().read(addresses) for digit, addresses in value.items()}

    def schema(self) -> dict[str, object]:
        """An object of lists."""
        return {"type": "object", "propertyNames": {"enum": list(_TABLE_DIGITS)}}

    def __str__(self) -> str:
        return "a table from the digits 6 to 9 to lists of addresses"


class LocalTimeKind:
    """A date with a time, without zone."""

    def read(self, value: object) -> datetime:
        """The time; raises Unfit."""
        if not isinstance(value, datetime) or value.tzinfo is not None:
            raise Unfit(WRONG_KIND, f"{shown(value)}: {self} is wanted", "for example 2026-03-01T08:12:07")
        return value

    def schema(self) -> dict[str, object]:
        """A date-time."""
        return {"type": "string", "format": "date-time"}

    def __str__(self) -> str:
        return "a local date with time"


def parse_port(text: str) -> Port:
    """From `pty` or `tcp:PORT`; raises ValueError."""
    if text == "pty":
        return PtyPort()
    kind, _, number = text.partition(":")
    if kind == "tcp" and number.isdecimal() and int(number) < 2**16:
        return TcpPort(int(number))
    raise ValueError("pty or tcp:PORT is wanted, PORT from 0 (a free one) to 65535")
