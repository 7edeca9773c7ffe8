"""The readings that the answer with a stored series gives."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from gateway.decoders import FLAG_WORD_LIMIT, Decoder, number
from gateway.errors import DecodeError
from gateway.obis import known, parse_obis
from gateway.profile.meaning import make_bad
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import StoredSeries
from gateway.protocol.datablock import DataSet
from gateway.reading import Quality, Reading

# The largest profiles that are known have 12 channels; log entries have two or three values.
CODE_LIMIT = 64

# A damaged or hostile answer must not fill a log.
SENTENCE_LIMIT = 20

_HEXADECIMAL = re.compile("[0-9A-Fa-f]+")
_NO_CODE_OF_ITS_OWN = ("", "*", "&")  # such a code would inherit its neighbour's


@frozen
class StoredData:
    """What the answer to one read of a stored series says.

    `is_complete` False: something that the meter printed is not among the readings, since it was cut off or broken;
    `diagnostics` says in sentences what. `newest` is the moment in UTC of the newest complete row or entry.
    """

    readings: tuple[Reading, ...]
    is_complete: bool
    newest: datetime | None
    diagnostics: tuple[str, ...]


class Findings:
    """What was noticed in one answer; the same thing noticed again is counted, not repeated."""

    def __init__(self) -> None:
        self.is_complete = True
        self._noted = Counter[str]()

    def note(self, sentence: str) -> None:
        """Something worth telling, with which nothing is lost."""
        is_new = sentence not in self._noted
        self._noted["more was noticed" if is_new and len(self._noted) >= SENTENCE_LIMIT else sentence] += 1

    def lose(self, sentence: str) -> None:
        """Something of the answer is lost."""
        self.is_complete = False
        self.note(sentence)

    def sentences(self) -> tuple[str, ...]:
        """All that was noticed, in the order of its first appearance."""
        return tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self._noted.items())


class Columns:
    """Values that stand under codes of their own, each decoded as the register of its code.

    `is_numeric` True: a value whose code and print tell nothing of it must be a number, as in a load profile.
    """

    def __init__(
        self, pairs: Sequence[str], profile: MeterProfile, decoders: Mapping[str, Decoder], *, is_numeric: bool
    ) -> None:
        self.codes = tuple(code.strip() for code in pairs[::2])
        self._units = tuple(unit.strip() for unit in pairs[1::2])
        self._profile = profile
        self._decoders = decoders
        self._must_be_number = tuple(is_numeric and _is_unknown(code, profile) for code in self.codes)

    @property
    def are_named(self) -> bool:
        """False where a code is missing."""
        return not any(code[:1] in _NO_CODE_OF_ITS_OWN for code in self.codes)

    def readings(self, values: Sequence[str]) -> tuple[Reading, ...]:
        """One reading a value, with its print; one that cannot be understood is `bad` with its reason."""
        sets = [
            DataSet(code, (f"{value}*{unit}" if unit and "*" not in value else value,))
            for code, unit, value in zip(self.codes, self._units, values, strict=True)
        ]
        readings = self._profile.interpret(sets, (), self._decoders)
        for reading, value, must_be_number in zip(readings, values, self._must_be_number, strict=True):
            reading.raw = value
            if must_be_number and isinstance(reading.value, str):
                _make_number(reading)
        return readings

    def broken(self, raw: str, reason: str) -> tuple[Reading, ...]:
        """One `bad` reading a code, for a print in which the values cannot be told apart."""
        readings = self.readings([""] * len(self.codes))
        for reading in readings:
            reading.raw, reading.value, reading.quality, reading.reason = raw, None, Quality.BAD, reason
        return readings


def _is_unknown(code: str, profile: MeterProfile) -> bool:
    obis = parse_obis(code, profile.medium)
    return obis is None or known(obis) is None


def _make_number(reading: Reading) -> None:
    try:
        reading.value = number(reading.raw)
    except DecodeError as misfit:
        make_bad(reading, misfit)


def flag_names(word: str, names: Mapping[int, str]) -> tuple[str, ...]:
    """The bits that a hexadecimal status word sets, from the lowest on; a bit without a name is called `bit 9`.

    An empty word sets none. Raises DecodeError (E-REG-1) for what is no hexadecimal word.
    """
    digits = word.strip()
    if not digits:
        return ()
    if not _HEXADECIMAL.fullmatch(digits) or len(digits) > FLAG_WORD_LIMIT:
        raise DecodeError("E-REG-1", f'"{digits}" is not a hexadecimal word')
    value = int(digits, 16)
    return tuple(names.get(bit, f"bit {bit}") for bit in range(value.bit_length()) if value >> bit & 1)


def status_text(flags: Sequence[str]) -> str | None:
    """The flags as a reading carries them; None where no bit is set."""
    return ", ".join(flags) or None


def is_of_series(address: str, series: StoredSeries, profile: MeterProfile) -> bool:
    """True where an address means that series; a prefix may be printed that was not asked for, or the reverse."""
    if address == series.address:
        return True
    printed, asked = parse_obis(address, profile.medium), parse_obis(series.address, profile.medium)
    return printed is not None and asked is not None and printed.core == asked.core


def is_nothing_stored(data_set: DataSet, profile: MeterProfile, findings: Findings) -> bool:
    """True for an error text in the place of a stamp: nothing is stored in the range (protocol.md 7.3).

    A text other than ERROR, unless the profile says that it means just this, is told among the findings.
    """
    error = profile.programming.refusal(data_set.raw)
    if error is None:
        return False
    content = data_set.raw[0].strip()
    if error.cause is not None and content != "ERROR":
        findings.note(f'the meter answered "{content}": {error.meaning}')
    return True


def count_of(text: str, low: int, high: int) -> int | None:
    """A whole number in a header; None for anything else, or one outside its range."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(high)) + 2):
        return None
    return int(digits) if low <= int(digits) <= high else None
