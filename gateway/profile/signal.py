"""The registers that a site wants of a meter, found among its data sets."""

import difflib
from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import assert_never

from gateway.decoders import Decoder, bracket, decimal, integer, text
from gateway.errors import DecodeError
from gateway.obis import canonical_unit, parse_obis
from gateway.profile.meaning import MISFITS, Meaning, make_bad, moment_by_print
from gateway.protocol.datablock import DataSet
from gateway.reading import Quality, Reading, Register, Value, value_text
from gateway.site.model import NumberType, SignalSettings

_NEAREST = 3
_EXACTLY = Context(prec=100)  # holds a printed number of 40 characters times a scale of 36 digits


def place_of(wanted: str, meanings: Sequence[Meaning], addresses: Sequence[str], medium: int) -> int | None:
    """Which data set a signal means: the first that prints it exactly, else the first of its code.

    Codes are compared whole, then without their prefix A-B (protocol.md 7.1). `|` parts alternatives, tried in turn.
    """
    for alternative in wanted.split("|"):
        tag = alternative.strip()
        exact = (n for n, printed in enumerate(addresses) if tag in (printed, meanings[n].address))
        place = next(exact, None)
        if place is None:
            place = _place_of_code(tag, meanings, medium)
        if place is not None:
            return place
    return None


def _place_of_code(tag: str, meanings: Sequence[Meaning], medium: int) -> int | None:
    wanted = parse_obis(tag, medium) if tag else None
    if wanted is None:
        return None
    whole = (n for n, meaning in enumerate(meanings) if meaning.obis == wanted)
    bare = (
        n
        for n, meaning in enumerate(meanings)
        if meaning.obis is not None and (meaning.obis.core, meaning.obis.f) == (wanted.core, wanted.f)
    )
    place = next(whole, None)
    return next(bare, None) if place is None else place


def signal_reading(signal: SignalSettings, meaning: Meaning, data_set: DataSet, unit: str | None) -> Reading:
    """The reading of a wanted register under the signal's names, its value scaled, then in the signal's number type.

    A value that fits neither scale nor number type leaves the reading `bad` with its print, which is never changed.
    """
    kind = signal.number_type
    # What is scaled is a number, though its print may not show it; a whole one may become so by its scale only.
    printed = kind if signal.scale is None else NumberType.DECIMAL
    replacement = None if printed is None or meaning.decoder is not None else _decoder_of(printed)
    reading = meaning.reading(data_set, unit, replacement)
    if reading.quality is not Quality.BAD:
        try:
            if signal.scale is not None:
                reading.value = _scaled(reading.value, signal.scale)
            if kind is not None and (replacement is None or printed is not kind):
                reading.value = _fitted(reading.value, kind)
        except MISFITS as misfit:
            make_bad(reading, misfit)
    if signal.unit is not None and isinstance(reading.value, Decimal | int):
        reading.unit = canonical_unit(signal.unit)
    return _named(reading, signal)


def missing_reading(signal: SignalSettings, sets: Sequence[DataSet]) -> Reading:
    """The reading of a wanted register that the meter did not print: no value, and the nearest prints in its reason."""
    prints = dict.fromkeys(data_set.address for data_set in sets if data_set.address)
    near = difflib.get_close_matches(signal.tag_job_todo, prints, _NEAREST, 0.4)
    hint = f"the nearest are {', '.join(near)}" if near else f"{len(prints)} other registers are"
    reading = Reading(
        signal=signal.signal_alias,
        obis=None,
        address=signal.tag_job_todo,
        value=None,
        unit=None,
        raw="",
        quality=Quality.BAD,
        reason=f"{signal.tag_job_todo} is not printed by the meter; {hint}",
    )
    return _named(reading, signal)


def _scaled(value: Value, scale: Decimal) -> Decimal:
    return _EXACTLY.multiply(_as_decimal(value), scale)


def _named(reading: Reading, signal: SignalSettings) -> Reading:
    reading.signal = signal.signal_alias
    reading.title = signal.signal_name or reading.title
    reading.logged = bool(signal.log)
    return reading


def _decoder_of(kind: NumberType) -> Decoder:
    match kind:
        case NumberType.DECIMAL | NumberType.FLOAT | NumberType.DOUBLE:
            return decimal
        case NumberType.INTEGER:
            return integer
        case NumberType.DIGITAL:
            return _digital
        case NumberType.TEXT:
            return text
        case NumberType.TIME:
            return _moment
        case _:
            assert_never(kind)


def _digital(data_set: DataSet, register: Register) -> int:
    return _as_digital(decimal(data_set, register))


def _moment(data_set: DataSet, register: Register) -> datetime | str:
    return moment_by_print(bracket(data_set, register))


def _fitted(value: Value, kind: NumberType) -> Value:
    """A value that a profile's decoder gave, as the number type; raises DecodeError where it does not fit."""
    match kind:
        case NumberType.DECIMAL | NumberType.FLOAT | NumberType.DOUBLE:
            return _as_decimal(value)
        case NumberType.INTEGER:
            whole = _as_decimal(value)
            if whole != int(whole):
                raise DecodeError("E-REG-2", f"{value} is not a whole number")
            return int(whole)
        case NumberType.DIGITAL:
            return _as_digital(_as_decimal(value))
        case NumberType.TEXT:
            return value_text(value)
        case NumberType.TIME:
            return value if isinstance(value, datetime) else moment_by_print(value_text(value) or "")
        case _:
            assert_never(kind)


def _as_decimal(value: Value) -> Decimal:
    if isinstance(value, Decimal | int):
        return Decimal(value)
    raise DecodeError("E-REG-2", f'"{value_text(value)}" is not a number')


def _as_digital(value: Decimal) -> int:
    if value not in (0, 1):
        raise DecodeError("E-REG-2", f"{value} is neither 0 nor 1")
    return int(value)
