"""Other people's parsers of this process, on the same bytes; none of them is ever shipped."""

import re
from collections.abc import Sequence

from benchmarks.contest import Absent, Contestant, Here

IEC62056_21 = "PyPI iec62056-21"
DSMR_PARSER = "PyPI dsmr-parser"
SMARTMETER_OBIS = "npm smartmeter-obis"
FINDALL = "re.findall"

# Address, value and unit, as the peers give them.
_DATA_SET = re.compile(rb"([^()\r\n]*)\(([^()*]*)(?:\*([^()]*))?\)")


def findall(messages: Sequence[bytes]) -> None:
    """One regular expression over the octets, nothing checked: stands in for parsers that no registry has."""
    for message in messages:
        _DATA_SET.findall(message)


def iec62056_21(messages: Sequence[bytes]) -> Contestant | Absent:
    """The client library of the same name, which verifies the block check."""
    try:
        from iec62056_21.messages import AnswerDataMessage  # noqa: PLC0415 - may be missing
    except ImportError:
        return Absent("not installed: pip install iec62056-21")

    def run() -> None:
        for message in messages:
            AnswerDataMessage.from_bytes(message)

    return Here(run)


def dsmr_parser(telegrams: Sequence[bytes]) -> Contestant | Absent:
    """The P1 library of the same name, its own CRC check on."""
    try:
        from dsmr_parser.parsers import TelegramParser  # noqa: PLC0415 - may be missing
        from dsmr_parser.telegram_specifications import V5  # noqa: PLC0415 - may be missing
    except ImportError:
        return Absent("not installed: pip install dsmr-parser")
    parser = TelegramParser(V5, apply_checksum_validation=True)

    def run() -> None:
        for telegram in telegrams:
            parser.parse(telegram.decode("latin-1"), throw_ex=True)

    return Here(run)
