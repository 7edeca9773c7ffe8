"""The kinds of values that only a site file knows, such as serial number, profile, time zone, password reference."""

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from gateway.cadence import Cadence, Span
from gateway.site.kinds import NAME, OUT_OF_RANGE, WRONG_KIND, Text, Unfit, kind_name, quoted, shown

LONGEST_SERIAL_NUMBER = 32  # protocol.md 3.1: an address has at most 32 characters


@frozen
class SerialNumber:
    """The address of a meter's sign-on: text, sent as it stands; 0 and "" read as "" (any meter)."""

    def read(self, value: object) -> str:
        """The address, or "" for the wildcard."""
        if value in ("", "0") or (value == 0 and type(value) is int):
            return ""
        if not isinstance(value, str):
            raise Unfit(
                WRONG_KIND, f"{shown(value)} is {kind_name(value)}, text is wanted: leading zeros count", quoted(value)
            )
        if len(value) > LONGEST_SERIAL_NUMBER:
            raise Unfit(
                "E-CFG-14", f"{len(value)} characters, a sign-on carries at most {LONGEST_SERIAL_NUMBER}", _PLATE
            )
        bad = sorted(
            {
                character
                for character in value
                if character in "/!?" or not (character.isascii() and character.isprintable())
            }
        )
        if bad:
            raise Unfit("E-CFG-14", f"{shown(value)} holds {shown(''.join(bad))}, which a sign-on cannot carry", _PLATE)
        return value

    def schema(self) -> dict[str, object]:
        """Text without / ! ? of at most 32 characters, or 0."""
        text = {
            "type": "string",
            "maxLength": LONGEST_SERIAL_NUMBER,
            "pattern": "^[ -~]*$",
            "not": {"pattern": "[/!?]"},
        }
        return {"anyOf": [text, {"const": 0}]}

    def __str__(self) -> str:
        return f'text of at most {LONGEST_SERIAL_NUMBER} characters without / ! ?; 0 or "" addresses any meter'


_PLATE = "the number as on the meter's plate"


@frozen
class MeterModel:
    """A profile's id; 1 is another word for "auto"."""

    def read(self, value: object) -> str:
        """The id."""
        return "auto" if value == 1 and type(value) is int else NAME.read(value)

    def schema(self) -> dict[str, object]:
        """Text, or 1."""
        return {"anyOf": [NAME.schema(), {"const": 1}]}

    def __str__(self) -> str:
        return "a profile's id, or 1 for auto"


@frozen
class TimeZone:
    """A time zone by its IANA name."""

    def read(self, value: object) -> ZoneInfo:
        """The zone."""
        name = NAME.read(value)
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Unfit(
                "E-CFG-17",
                f"{shown(name)} is no time zone that this machine knows",
                'for example "Europe/Vilnius" or "UTC"',
            ) from None

    def schema(self) -> dict[str, object]:
        """Text."""
        return NAME.schema()

    def __str__(self) -> str:
        return "an IANA time zone"


@frozen
class Folder:
    """A folder; relative ones start at the site file's folder."""

    def read(self, value: object) -> Path:
        """The path with the user's home folder put in for ~."""
        return Path(NAME.read(value)).expanduser()

    def schema(self) -> dict[str, object]:
        """Text."""
        return NAME.schema()

    def __str__(self) -> str:
        return "a path, relative to the site file"


@frozen
class Tags:
    """Names with texts."""

    def read(self, value: object) -> Mapping[str, str]:
        """The tags."""
        if not isinstance(value, dict):
            raise Unfit(
                WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a table of texts is wanted", 'tags = { flat = "1" }'
            )
        return {str(name): Text().read(text) for name, text in value.items()}

    def schema(self) -> dict[str, object]:
        """An object of strings."""
        return {"type": "object", "additionalProperties": {"type": "string"}}

    def __str__(self) -> str:
        return "a table of texts"


@frozen
class SecretReference:
    """Where a secret is found; the secret itself never stands in the file, nor in what is said of a wrong value."""

    def read(self, value: object) -> str:
        """The reference as it stands."""
        if isinstance(value, str) and _REFERENCE.fullmatch(value):
            return value
        raise Unfit(
            "E-CFG-20", "***: what stands here is no reference to a secret", f"{self}; a secret is never given here"
        )

    def schema(self) -> dict[str, object]:
        """A string with its pattern."""
        return {"type": "string", "pattern": f"^(?:{_REFERENCE.pattern})$"}

    def __str__(self) -> str:
        return "env:NAME, file:/PATH, cred:NAME"


_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f\x7f]+|cred:[A-Za-z0-9._-]+")


@frozen
class WallClock:
    """When scheduled work is due."""

    def read(self, value: object) -> str:
        """The cadence as it is written."""
        if not isinstance(value, str):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, text is wanted", f"for example {_OFTEN}")
        try:
            Cadence.from_text(value)
        except ValueError:
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {self} is wanted", f"for example {_OFTEN}") from None
        return value

    def schema(self) -> dict[str, object]:
        """A string with its pattern; that N divides a day is `check`'s."""
        return {"type": "string", "pattern": r"^(?:([01][0-9]|2[0-3]):[0-5][0-9]|\*/[1-9][0-9]{0,3})$"}

    def __str__(self) -> str:
        return "a time of day HH:MM, or */N minutes that divide a day"


_OFTEN = '"00:30" or "*/15"'

_SIGNAL = r"\.[^\x00-\x1f\x7f()/!*?]+"
COUNTER = Text("device_alias.signal_alias", rf"[A-Za-z0-9_-]+{_SIGNAL}", '"main.energy_import"')
COUNTERS = Text(
    "device_alias.signal_alias, * and ? in the first", rf"[A-Za-z0-9_*?-]+{_SIGNAL}", '"flat*.energy_import"'
)


@frozen
class Several:
    """A list of one text or more, each of one sort."""

    element: Text

    def read(self, value: object) -> tuple[str, ...]:
        """The texts in their order."""
        if not isinstance(value, list):
            raise Unfit(
                WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a list is wanted", f"[{self.element.example}]"
            )
        if not value:
            raise Unfit(OUT_OF_RANGE, f"[]: {self} is wanted", f"[{self.element.example}]")
        return tuple(self.element.read(element) for element in value)

    def schema(self) -> dict[str, object]:
        """An array of strings."""
        return {"type": "array", "items": self.element.schema(), "minItems": 1}

    def __str__(self) -> str:
        return f"a list of {self.element}"


@frozen
class Interval:
    """How long something repeated lasts."""

    def read(self, value: object) -> str:
        """The span as it is written."""
        try:
            Span.from_text(NAME.read(value))
        except Unfit:
            raise
        except ValueError:
            raise Unfit(OUT_OF_RANGE, f"{shown(value)}: {self} is wanted", 'for example "6h" or "1d"') from None
        return str(value)

    def schema(self) -> dict[str, object]:
        """A string with its pattern."""
        return {"type": "string", "pattern": "^(?:(?:1|2|3|4|6|8|12|24)h|(?:[1-9]|[12][0-9]|3[01])d)$"}

    def __str__(self) -> str:
        return "hours that divide a day (1h), or 1 to 31 days (7d)"
