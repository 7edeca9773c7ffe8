"""The built-in value decoders: what the print of a register says."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from gateway.errors import DecodeError
from gateway.hooks import hookimpl
from gateway.obis import canonical_unit, is_known_unit
from gateway.protocol.datablock import DataSet
from gateway.reading import Register, Value

Decoder = Callable[[DataSet, Register], Value]

# protocol.md 3.8 allows 32 characters a value; 40 leaves room for what meters print beyond it.
NUMBER_LIMIT = 40
FLAG_WORD_LIMIT = 32

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_WITH_UNIT = re.compile(r"([+-]?[0-9][0-9.,]*)( *)([^0-9.,+\s-]\S*)")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_GLUED_UNIT_MIN = 2  # a single letter behind digits is more often part of a number or a name

# The season flag in front of a time stamp.
_WINTER, _SUMMER, _UTC = "012"
_CENTURY_PIVOT = 80
_STAMP_DIGITS = re.compile(r"([0-2]?)([0-9]{10}|[0-9]{12})")
# Home-area ports print the beginning of Unix time in winter for a moment that was never set.
_NEVER_DSMR = "700101010000"
_STAMP_DSMR = re.compile(r"([0-9]{12})([SWsw])")
_STAMP_PARTED = re.compile(r"((?:[0-9]{2}|[0-9]{4})-[0-9]{2}-[0-9]{2})[ ,T]+([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)")
_DATE_DIGITS = re.compile(r"[0-2]?([0-9]{6})")
_DATE_PARTED = re.compile(r"([0-9]{2}|[0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME_DIGITS = re.compile(r"(?:[0-2]?(?=[0-9]{6}$))?([0-9]{2})([0-9]{2})([0-9]{2})?")
_TIME_PARTED = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")


def split_unit(raw: str) -> tuple[str, str | None]:
    """The value of a bracket with its unit in canonical spelling, None where none is printed.

    The unit stands behind `*`, behind a blank or glued to the number; the last two count for units of the table only.
    """
    value, star, unit = raw.partition("*")
    if star:
        return value, canonical_unit(unit) if unit.strip() else None
    if raw[-1:].isdigit() and not raw.endswith("3"):
        return raw, None
    found = _WITH_UNIT.fullmatch(raw.strip())
    if found is None or not is_known_unit(found[3]) or not (found[2] or len(found[3]) >= _GLUED_UNIT_MIN):
        return raw, None
    return found[1], canonical_unit(found[3])


def number(text: str) -> Decimal:
    """A printed number, exactly: comma or point, leading zeros and + dropped, trailing zeros kept.

    Raises DecodeError for everything else, such as `?` or `-` in place of a roller's digit or `:;<=>?` among digits.
    """
    stripped = text.strip()
    if len(stripped) > NUMBER_LIMIT:
        raise DecodeError("E-REG-1", f"a number of {len(stripped)} characters; the limit is {NUMBER_LIMIT}")
    if not _NUMBER.fullmatch(stripped):
        raise DecodeError("E-REG-1", f'"{stripped}" is {_why_no_number(stripped)}')
    return Decimal(stripped.replace(",", "."))


def is_number(text: str) -> bool:
    """True where `number` takes the print."""
    return len(text) <= NUMBER_LIMIT and _NUMBER.fullmatch(text.strip()) is not None


def _why_no_number(text: str) -> str:
    if not text:
        return "nothing, not a number"
    rest = text.removeprefix("-").removeprefix("+")
    if rest and all(character in "0123456789.,?-" for character in rest) and ("?" in rest or "-" in rest):
        return "not a number: a roller could not be read"
    return "not a number"


def timestamp(raw: str) -> datetime | None:
    """The moment that a bracket prints, in one of the forms of protocol.md 7.2; None where it has none of their forms.

    Local to the meter, without zone, except that season flag 2 gives UTC; `fold` is 1 where it says winter time.
    Raises DecodeError for a date that does not exist, fillers such as 00-00-00 included.
    """
    text = raw.strip()
    if found := _STAMP_DIGITS.fullmatch(text):
        season, digits = found.groups()
        return _moment(digits[:6], digits[6:].ljust(6, "0"), season, text)
    if found := _STAMP_DSMR.fullmatch(text):
        if found[1] == _NEVER_DSMR:
            raise _no_such("date and time", text)
        return _moment(found[1][:6], found[1][6:], _SUMMER if found[2] in "Ss" else _WINTER, text)
    if found := _STAMP_PARTED.fullmatch(text):
        return _moment(found[1].replace("-", ""), found[2].replace(":", "").ljust(6, "0"), "", text)
    return None


def _moment(day: str, clock: str, season: str, text: str) -> datetime:
    year = int(day[:-4])
    try:
        moment = datetime.combine(
            date(_full_year(year) if len(day) == len("YYMMDD") else year, int(day[-4:-2]), int(day[-2:])),
            time(int(clock[:2]), int(clock[2:4]), int(clock[4:])),
        )
    except ValueError:
        raise _no_such("date and time", text) from None
    if season == _UTC:
        return moment.replace(tzinfo=UTC)
    return moment.replace(fold=1) if season == _WINTER else moment


def calendar_date(raw: str) -> date | None:
    """The date that a bracket prints: `sYYMMDD`, `YYMMDD`, `yy-mm-dd` or `yyyy-mm-dd`; None in another form.

    Raises DecodeError for a date that does not exist.
    """
    text = raw.strip()
    if found := _DATE_DIGITS.fullmatch(text):
        year, month, day = found[1][:2], found[1][2:4], found[1][4:]
    elif found := _DATE_PARTED.fullmatch(text):
        year, month, day = found.groups()
    else:
        return None
    try:
        return date(_full_year(int(year)) if len(year) == len("YY") else int(year), int(month), int(day))
    except ValueError:
        raise _no_such("date", text) from None


def clock_time(raw: str) -> time | None:
    """The time of day that a bracket prints: `shhmmss`, `hhmmss`, `hh:mm:ss` or `hh:mm`; None in another form.

    Raises DecodeError for a time that does not exist.
    """
    text = raw.strip()
    found = _TIME_DIGITS.fullmatch(text) or _TIME_PARTED.fullmatch(text)
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        raise _no_such("time", text) from None


def _full_year(two_digits: int) -> int:
    return two_digits + (2000 if two_digits < _CENTURY_PIVOT else 1900)


def _no_such(what: str, text: str) -> DecodeError:
    return DecodeError("E-REG-1", f'"{text}" is no {what} that exists')


def bracket(data_set: DataSet, register: Register) -> str:
    """The content of the bracket that the register's parameter `bracket` names, counted from 0; the first by default.

    Raises DecodeError where the meter printed fewer brackets.
    """
    position = int(register.parameters.get("bracket", 0))
    if not 0 <= position < len(data_set.raw):
        raise DecodeError("E-REG-1", f"bracket {position} is not printed, only {len(data_set.raw)} are")
    return data_set.raw[position]


def decimal(data_set: DataSet, register: Register) -> Decimal:
    """An exact decimal; a unit may stand beside it."""
    return number(split_unit(bracket(data_set, register))[0])


def integer(data_set: DataSet, register: Register) -> int:
    """A whole number; raises DecodeError where a fraction other than zero is printed."""
    value = decimal(data_set, register)
    if value != int(value):
        raise DecodeError("E-REG-1", f"{value} is not a whole number")
    return int(value)


def text(data_set: DataSet, register: Register) -> str:
    """The print as it stands, without the blanks around it."""
    return bracket(data_set, register).strip()


def flags(data_set: DataSet, register: Register) -> frozenset[str]:
    """The bits that are set in a hexadecimal word, by the names that the parameters give them.

    A parameter `"5" = "clock set"` names bit 5, counted from the lowest; a bit without a name is called `bit 5`.
    """
    word = bracket(data_set, register).strip()
    if not _HEXADECIMAL.fullmatch(word) or len(word) > FLAG_WORD_LIMIT:
        raise DecodeError("E-REG-1", f'"{word}" is not a hexadecimal word')
    value = int(word, 16)
    return frozenset(
        str(register.parameters.get(str(bit), f"bit {bit}")) for bit in range(value.bit_length()) if value >> bit & 1
    )


def date_text(data_set: DataSet, register: Register) -> str:
    """A calendar date in ISO 8601."""
    content = bracket(data_set, register)
    day = calendar_date(content)
    if day is None:
        raise _not_in_form("date", content)
    return day.isoformat()


def time_text(data_set: DataSet, register: Register) -> str:
    """A time of day in ISO 8601."""
    content = bracket(data_set, register)
    clock = clock_time(content)
    if clock is None:
        raise _not_in_form("time", content)
    return clock.isoformat(timespec="seconds")


def date_time(data_set: DataSet, register: Register) -> datetime:
    """A moment, local to the meter (see `timestamp`)."""
    content = bracket(data_set, register)
    moment = timestamp(content)
    if moment is None:
        raise _not_in_form("date and time", content)
    return moment


def _not_in_form(what: str, content: str) -> DecodeError:
    return DecodeError("E-REG-1", f'"{content.strip()}" is not printed as a {what}')


BUILT_IN: Mapping[str, Decoder] = {
    "decimal": decimal,
    "integer": integer,
    "text": text,
    "flags": flags,
    "date": date_text,
    "time": time_text,
    "datetime": date_time,
}


@hookimpl
def value_decoders() -> Mapping[str, Decoder]:
    """The built-in decoders, under the names that profiles use."""
    return BUILT_IN
