"""The values of registers, with the text that holds each without loss."""

from datetime import UTC, datetime
from decimal import Decimal

Value = Decimal | int | str | datetime | frozenset[str] | None
_MINUTE = 60


def value_text(value: Value) -> str | None:
    """A value as text without loss: plain decimals, ISO 8601 local times, flags in alphabetic order."""
    match value:
        case None:
            return None
        case Decimal():
            return format(value, "f")
        case datetime():
            return local_text(value)
        case frozenset():
            return " ".join(sorted(value))
        case _:
            return str(value)


def utc_text(moment: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_text(moment: datetime | None) -> str | None:
    """A meter's local time as ISO 8601 without a zone."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds")


def duration_text(seconds: float) -> str:
    """A duration in words, to the minute: 9 s, 15 min, 3 h 15 min, 8 d 1 h."""
    if seconds < _MINUTE:
        return f"{round(seconds)} s"
    minutes = round(seconds / _MINUTE)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
