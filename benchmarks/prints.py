"""What the meters of the parser benchmarks print: one layout a meter, other digits in every message."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.protocol.check import crc16
from gateway.protocol.messages import DataBlock, encode

METERS, MESSAGES = 60, 8
SEED = 62056
REGISTERS = 120
PROFILE_ROWS, PROFILE_CHANNELS = 96, ("1.5.0", "2.5.0", "3.5.0", "4.5.0")


class Digits(Protocol):
    """Gives so many random digits."""

    def __call__(self, count: int) -> str:
        """As text."""


Print = Callable[[int, Digits], bytes]


def messages(shown: Print) -> Sequence[Sequence[bytes]]:
    """Round after round the message of each meter: two rounds to learn from, then those to measure with."""
    chance = random.Random(SEED)  # noqa: S311 - data, no secret

    def digits(count: int) -> str:
        return "".join(chance.choices("0123456789", k=count))

    return [[shown(meter, digits) for meter in range(METERS)] for _ in range(2 + MESSAGES)]


def readout(meter: int, digits: Digits) -> bytes:
    """A data message of 120 registers: identity, clock, energies by tariff with history, maxima with times, phases."""
    lines = ["F.F(00000000)", f"0.0.0({meter:08})", f"0.9.1({digits(6)})", f"0.9.2({digits(6)})"]
    for register in ("1.8.0", "1.8.1", "1.8.2", "2.8.0", "3.8.0", "4.8.0"):
        lines.append(f"{register}({digits(7)}.{digits(3)}*kWh)")
        lines += [f"{register}*{month:02}({digits(7)}.{digits(3)}*kWh)" for month in range(1, 16)]
    lines += [f"1.6.1*{month:02}({digits(2)}.{digits(3)}*kW)({digits(10)})" for month in range(1, 15)]
    lines += [f"{phase}1.7.0({digits(3)}.{digits(2)}*A)" for phase in (3, 5, 7)]
    lines += [f"{phase}2.7.0({digits(3)}.{digits(2)}*V)" for phase in (3, 5, 7)]
    return encode(DataBlock(_joined([*lines[:REGISTERS], "!"])))


def profile_answer(meter: int, digits: Digits) -> bytes:
    """The answer to P.01 for a day: a header, then a row a quarter of an hour (protocol.md 7.3)."""
    del meter
    codes = "".join(f"(1-0:{code})({unit})" for code, unit in zip(PROFILE_CHANNELS, _UNITS, strict=True))
    header = f"P.01(026031{digits(1)}001500)(00)(15)({len(PROFILE_CHANNELS)}){codes}"
    rows = ["".join(f"({digits(1)}.{digits(3)})" for _ in PROFILE_CHANNELS) for _ in range(PROFILE_ROWS)]
    return encode(DataBlock(_joined([header, *rows])))


_UNITS = ("kW", "kW", "kvar", "kvar")


def telegram(meter: int, digits: Digits) -> bytes:
    """A P1 telegram with its CRC: a three-phase meter with a gas meter behind it (protocol.md 5.6)."""
    serial = f"XMP{meter:014}".encode().hex().upper()
    lines = ["1-3:0.2.8(50)", f"0-0:1.0.0(260301143{digits(1)}00W)", f"0-0:96.1.1({serial})"]
    lines += [f"1-0:{way}.8.{tariff}({digits(6)}.{digits(3)}*kWh)" for way in (1, 2) for tariff in (1, 2)]
    lines += [f"0-0:96.14.0(000{digits(1)})", *(f"1-0:{way}.7.0({digits(2)}.{digits(3)}*kW)" for way in (1, 2))]
    lines += [f"0-0:96.7.21({digits(5)})", f"0-0:96.7.9({digits(5)})"]
    failures = "".join(f"(2512081{hour}2440W)({digits(10)}*s)" for hour in (1, 5))
    lines.append(f"1-0:99.97.0(2)(0-0:96.7.19){failures}")
    lines += [f"1-0:{phase}2.{kind}.0({digits(5)})" for kind in (32, 36) for phase in (3, 5, 7)]
    lines += ["0-0:96.13.0()", *(f"1-0:{phase}2.7.0({digits(3)}.{digits(1)}*V)" for phase in (3, 5, 7))]
    lines += [f"1-0:{phase}1.7.0({digits(3)}*A)" for phase in (3, 5, 7)]
    lines += [f"1-0:{phase}{way}.7.0({digits(2)}.{digits(3)}*kW)" for way in (1, 2) for phase in (2, 4, 6)]
    lines += ["0-1:24.1.0(003)", f"0-1:96.1.0({serial})", f"0-1:24.2.1(260301143000W)({digits(5)}.{digits(3)}*m3)"]
    checked = _joined(["/XMP5\\2GATE500", "", *lines]) + b"!"
    return checked + f"{crc16(checked):04X}\r\n".encode()


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()
