"""The meaning of one printed address, which turns its data sets into readings."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time

from attrs import frozen

from gateway.decoders import Decoder, calendar_date, clock_time, is_number, number, split_unit, timestamp
from gateway.errors import DecodeError
from gateway.obis import Kind, Obis, is_known_unit
from gateway.protocol.datablock import DataSet
from gateway.reading import Quality, Reading, Register, Value

# What a decoder may raise about a print it cannot understand; anything else is a bug of that decoder.
MISFITS = (DecodeError, ValueError, ArithmeticError, LookupError)

# What parts the values of one bracket stands, at the latest, in what looks like a unit (protocol.md 3.8).
SEVERAL = re.compile("[*&#;,]")
_MOMENTS = frozenset({Kind.TIME, Kind.DATE, Kind.DATETIME})
_MOMENT_FORMS: dict[Kind, tuple[Callable[[str], datetime | date | time | None], ...]] = {
    Kind.TIME: (clock_time, timestamp, calendar_date),
    Kind.DATE: (calendar_date, timestamp, clock_time),
    Kind.DATETIME: (timestamp, calendar_date, clock_time),
}


@frozen
class Meaning:
    """What is known of one address before its value is looked at.

    `address` is whole, also where a meter omits it; `signal` names the reading; `decoder` None: by the print.
    """

    address: str
    signal: str
    obis: Obis | None
    obis_text: str | None
    title: str | None
    kind: Kind | None
    register: Register
    decoder: Decoder | None

    def reading(self, data_set: DataSet, unit: str | None, decoder: Decoder | None = None) -> Reading:
        """The reading of a data set; `unit` is what it inherits where it prints none, `decoder` replaces the usual one.

        Raises nothing for a print that cannot be understood: the reading is `bad` with its reason.
        """
        reading = Reading(
            signal=self.signal,
            obis=self.obis_text,
            address=data_set.address,
            value=None,
            unit=None,
            raw=")(".join(data_set.raw),
            title=self.title,
        )
        try:
            self._fill(reading, data_set, unit, decoder or self.decoder)
        except MISFITS as misfit:
            make_bad(reading, misfit)
        return reading

    def _fill(self, reading: Reading, data_set: DataSet, unit: str | None, decoder: Decoder | None) -> None:
        raw = data_set.raw
        if not raw:
            raise DecodeError("E-REG-1", "a line without brackets")
        content = raw[0]
        if len(raw) > 1:
            reading.time = _stamp_in(raw[1])
            # Meters behind a home-area port print the stamp in front of the value.
            if "*" in raw[1] and "*" not in content and (stamp := _stamp_in(content)) is not None:
                reading.time, content, data_set = stamp, raw[1], DataSet(data_set.address, raw[1:])
        if decoder is not None:
            reading.value = decoder(data_set, self.register)
            printed = split_unit(content)[1]
        else:
            reading.value, printed = value_by_print(content, self.kind)
        if isinstance(reading.value, str | datetime | frozenset):
            return
        reading.unit = printed or self.register.unit or unit


def make_bad(reading: Reading, misfit: Exception) -> None:
    """Marks a reading whose print cannot be understood."""
    reading.value = None
    reading.quality = Quality.BAD
    reading.reason = misfit.what if isinstance(misfit, DecodeError) else f"the decoder gave up: {misfit!r}"


def value_by_print(content: str, kind: Kind | None) -> tuple[Value, str | None]:
    """The value of a bracket with its unit where no decoder is named.

    A decimal where a unit is printed or the code names a quantity, ISO 8601 where it names a time, else the text as
    printed. Raises DecodeError where the print is not what the code promises.
    """
    if kind in _MOMENTS:
        return moment_by_print(content, kind), None
    if kind is Kind.QUANTITY:
        value, unit = split_unit(content)
        if unit is not None and SEVERAL.search(unit):
            raise DecodeError("E-REG-1", f'"{content}" holds several values')
        return number(value), unit
    if "*" not in content and kind is not None:
        return content, None
    value, unit = split_unit(content)
    # Several values in one bracket, or a star in a text: the print alone tells no more.
    is_text = unit is None or SEVERAL.search(unit) or not (is_known_unit(unit) or is_number(value))
    return (content, None) if is_text else (number(value), unit)


def moment_by_print(content: str, kind: Kind = Kind.DATETIME) -> datetime | str:
    """A point in time, a date or a time of day, whichever is printed; `kind` decides between forms of equal length.

    Raises DecodeError where it is none of them, or one that does not exist.
    """
    for form in _MOMENT_FORMS[kind]:
        moment = form(content)
        if isinstance(moment, datetime):
            return moment
        if moment is not None:
            return moment.isoformat()
    raise DecodeError("E-REG-1", f'"{content.strip()}" is neither a date nor a time')


def _stamp_in(content: str) -> datetime | None:
    """The time stamp of a value; a filler is none."""
    with suppress(DecodeError):
        return timestamp(content)
    return None
