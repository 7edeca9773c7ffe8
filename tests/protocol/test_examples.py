from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import frozen

from gateway.errors import Garbled, OutOfTurn
from gateway.protocol.characters import XOR, BlockCheck, ReceivedParity, with_even_parity
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.law import Role, State
from gateway.protocol.messages import (
    Acknowledge,
    Break,
    Command,
    DataBlock,
    Identification,
    Message,
    OptionSelect,
    Repeat,
    Request,
)
from gateway.protocol.session import Session

READER, DEVICE = Role.READER, Role.TARIFF_DEVICE


@frozen
class Step:
    speaker: Role
    octets: bytes
    message: Message


def step(speaker: Role, octets: str, message: Message) -> Step:
    return Step(speaker, bytes.fromhex(octets), message)


@frozen
class Exchange:
    """What both sides say in turn, the state they share in the end, the check of its blocks."""

    steps: tuple[Step, ...]
    ends_in: State = State.READOUT
    check: BlockCheck = XOR


REQUEST = step(READER, "2F 3F 34 31 37 37 30 33 32 36 21 0D 0A", Request("41770326"))
WILDCARD = step(READER, "2F 3F 21 0D 0A", Request())
SIGN_ON = (
    REQUEST,
    step(DEVICE, "2F 58 4D 50 35 56 45 52 42 41 2D 33 2E 31 0D 0A", Identification("XMP", "5", "VERBA-3.1")),
    step(READER, "06 30 35 30 0D 0A", OptionSelect("5", "0")),
)
GOOD_X3 = step(
    DEVICE,
    """
    02 31 2E 38 2E 31 28 30 30 30 34 33 31 2E 30 37 2A 6B 57 68 29 0D 0A 31
    2E 38 2E 32 28 30 30 30 32 31 32 2E 39 30 2A 6B 57 68 29 0D 0A 21 0D 0A
    03 2F
    """,
    DataBlock(b"1.8.1(000431.07*kWh)\r\n1.8.2(000212.90*kWh)\r\n!\r\n"),
)
DAMAGED_X3 = bytes.fromhex(
    """
    02 31 2E 38 2E 31 28 30 31 30 34 33 31 2E 30 37 2A 6B 57 68 29 0D 0A 31
    2E 38 2E 32 28 30 30 30 32 31 32 2E 39 30 2A 6B 57 68 29 0D 0A 21 0D 0A
    03 2F
    """
)
NAK = step(READER, "15", Repeat())
# What stands before an example that begins in the middle of programming mode: X7's sign-on, X8's empty operand.
ENTRY = (*SIGN_ON[:2], step(READER, "06 30 35 31 0D 0A", OptionSelect("5", "1")))
PROGRAMMING = (*ENTRY, step(DEVICE, "01 50 30 02 28 29 03 60", Command("P", "0", "()")))
GRANTED = (
    *PROGRAMMING,
    step(READER, "01 50 31 02 28 32 34 36 38 31 33 35 37 29 03 69", Command("P", "1", "(24681357)")),
    step(DEVICE, "06", Acknowledge()),
)
PART_X10 = DataBlock(
    b"P.01(0260301001500)(00000000)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.412)(0.000)\r\n(0.398)(0.000)\r\n", partial=True
)
PROFILE_X11 = DataBlock(
    b"P.01(0260301001500)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n(0.412)(0.000)\r\n(0.398)(0.000)\r\n"
)
LOG_X12 = DataBlock(
    b"P.98(0260301000000)(00000010)()(0)\r\nP.98(0260301081207)(00008020)()(2)(0.9.1)()(0.9.2)()(0081215)(0260301)\r\n"
)
DAMAGED_X14 = bytes.fromhex("01 52 35 02 32 2C 38 2E 30 28 29 03 5D")

EXCHANGES = {
    "X1": Exchange(
        (
            *SIGN_ON,
            step(
                DEVICE,
                """
            02 46 2E 46 28 30 30 30 30 30 30 30 30 29 0D 0A 30 2E 30 2E 30 28 34 31
            37 37 30 33 32 36 29 0D 0A 31 2E 38 2E 30 28 30 30 31 32 33 34 35 2E 36
            37 38 2A 6B 57 68 29 0D 0A 21 0D 0A 03 5E
            """,
                DataBlock(b"F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"),
            ),
        )
    ),
    "X2": Exchange(
        (
            WILDCARD,
            step(DEVICE, "2F 58 4D 70 35 56 45 52 42 41 2D 33 2E 31 0D 0A", Identification("XMp", "5", "VERBA-3.1")),
            step(READER, "06 30 30 30 0D 0A", OptionSelect("0", "0")),
            step(
                DEVICE,
                """
            02 31 2E 38 2E 30 28 30 30 31 32 33 34 35 2E 36 37 38 2A 6B 57 68 29 0D
            0A 21 0D 0A 03 42
            """,
                DataBlock(b"1.8.0(0012345.678*kWh)\r\n!\r\n"),
            ),
        )
    ),
    "X3": Exchange((*SIGN_ON, GOOD_X3, NAK, GOOD_X3)),
    "X4": Exchange(
        (
            WILDCARD,
            step(DEVICE, "2F 58 4D 50 20 48 5A 2D 34 0D 0A", Identification("XMP", " ", "HZ-4")),
            step(
                DEVICE,
                """
            02 30 2E 30 28 30 30 37 37 31 32 30 34 29 0D 0A 36 2E 38 28 30 30 33 39
            31 2E 34 36 2A 47 4A 29 0D 0A 36 2E 32 36 28 30 32 31 31 34 2E 38 33 2A
            6D 33 29 0D 0A 21 0D 0A 03 61
            """,
                DataBlock(b"0.0(00771204)\r\n6.8(00391.46*GJ)\r\n6.26(02114.83*m3)\r\n!\r\n"),
            ),
        )
    ),
    "X6": Exchange(
        (
            REQUEST,
            step(DEVICE, "2F 58 4D 50 45 56 45 52 42 41 2D 42 0D 0A", Identification("XMP", "E", "VERBA-B")),
            step(
                DEVICE,
                "02 31 2E 38 2E 30 28 30 30 30 34 31 37 37 2E 30 2A 6B 57 68 29 0D 0A 21 0D 0A 03 4F",
                DataBlock(b"1.8.0(0004177.0*kWh)\r\n!\r\n"),
            ),
        )
    ),
    "X15": Exchange(
        (
            *SIGN_ON,
            step(
                DEVICE,
                """
            02 31 2E 36 2E 31 28 32 37 2E 31 39 30 2A 6B 57 29 28 32 36 30 32 30 39
            30 39 34 35 29 0D 0A 31 2E 36 2E 31 2A 30 37 28 32 35 2E 30 30 34 2A 6B
            57 29 28 32 36 30 31 31 34 31 38 33 30 29 0D 0A 31 2E 38 2E 30 2A 30 36
            28 30 30 31 32 30 30 31 2E 30 30 30 2A 6B 57 68 29 2A 30 35 28 30 30 31
            31 38 30 30 2E 32 35 30 29 0D 0A 21 0D 0A 03 45
            """,
                DataBlock(
                    b"1.6.1(27.190*kW)(2602090945)\r\n1.6.1*07(25.004*kW)(2601141830)\r\n"
                    b"1.8.0*06(0012001.000*kWh)*05(0011800.250)\r\n!\r\n"
                ),
            ),
        )
    ),
    "X26": Exchange(
        (
            *SIGN_ON,
            step(
                DEVICE,
                """
            02 30 2E 30 28 30 30 37 37 31 32 30 34 29 0D 0A 36 2E 38 28 30 30 33 39
            31 2C 34 36 2A 47 4A 29 0D 0A 36 2E 33 31 28 30 30 31 37 30 30 34 2A 68
            29 21 0D 0A 03 75
            """,
                DataBlock(b"0.0(00771204)\r\n6.8(00391,46*GJ)\r\n6.31(0017004*h)!\r\n"),
            ),
        )
    ),
    "X7": Exchange(
        (
            *ENTRY,
            step(DEVICE, "01 50 30 02 28 37 43 32 30 29 03 16", Command("P", "0", "(7C20)")),
            step(READER, "01 50 31 02 28 32 34 36 38 31 33 35 37 29 03 69", Command("P", "1", "(24681357)")),
            step(DEVICE, "06", Acknowledge()),
            step(READER, "01 52 31 02 31 2E 38 2E 30 28 29 03 5A", Command("R", "1", "1.8.0()")),
            step(
                DEVICE,
                "02 31 2E 38 2E 30 28 30 30 31 32 33 34 35 2E 36 37 38 2A 6B 57 68 29 03 63",
                DataBlock(b"1.8.0(0012345.678*kWh)"),
            ),
            step(
                READER,
                "01 57 31 02 30 2E 32 2E 32 28 30 30 30 30 30 30 30 37 29 03 51",
                Command("W", "1", "0.2.2(00000007)"),
            ),
            step(DEVICE, "06", Acknowledge()),
            step(READER, "01 42 30 03 71", Break()),
        ),
        State.IDLE,
    ),
    "X8": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 52 35 02 31 2E 38 2E 30 28 29 03 5E", Command("R", "5", "1.8.0()")),
            step(
                DEVICE,
                "02 31 2E 38 2E 30 28 30 31 32 33 34 35 2E 36 37 2A 6B 57 68 29 03 6B",
                DataBlock(b"1.8.0(012345.67*kWh)"),
            ),
            step(READER, "01 52 35 02 39 2E 39 2E 39 28 29 03 5E", Command("R", "5", "9.9.9()")),
            step(DEVICE, "02 28 45 52 52 4F 52 29 03 5A", DataBlock(b"(ERROR)")),
            step(READER, "01 42 30 03 71", Break()),
        ),
        State.IDLE,
    ),
    "X9, variant 1": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 50 31 02 28 31 31 31 31 31 31 31 31 29 03 61", Command("P", "1", "(11111111)")),
            step(DEVICE, "01 42 30 03 71", Break()),
        ),
        State.IDLE,
    ),
    "X9, variant 2": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 50 31 02 28 31 31 31 31 31 31 31 31 29 03 61", Command("P", "1", "(11111111)")),
            step(DEVICE, "02 28 45 52 30 37 29 03 12", DataBlock(b"(ER07)")),
        ),
        State.PENDING,
    ),
    "X9, variant 3": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 50 31 02 28 31 31 31 31 31 31 31 31 29 03 61", Command("P", "1", "(11111111)")),
            step(DEVICE, "15", Repeat()),
        ),
        State.PENDING,
    ),
    "X10": Exchange(
        (
            *PROGRAMMING,
            step(
                READER,
                """
                01 52 36 02 50 2E 30 31 28 30 32 36 30 33 30 31 30 30 30 30 3B 30 32 36
                30 33 30 31 30 31 30 30 3B 32 29 03 28
                """,
                Command("R", "6", "P.01(02603010000;02603010100;2)"),
            ),
            step(
                DEVICE,
                """
                02 50 2E 30 31 28 30 32 36 30 33 30 31 30 30 31 35 30 30 29 28 30 30 30
                30 30 30 30 30 29 28 31 35 29 28 32 29 28 31 2E 35 29 28 6B 57 29 28 32
                2E 35 29 28 6B 57 29 0D 0A 28 30 2E 34 31 32 29 28 30 2E 30 30 30 29 0D
                0A 28 30 2E 33 39 38 29 28 30 2E 30 30 30 29 0D 0A 04 7E
                """,
                PART_X10,
            ),
            step(READER, "15", Repeat()),
            step(
                DEVICE,
                """
                02 50 2E 30 31 28 30 32 36 30 33 30 31 30 30 31 35 30 30 29 28 30 30 30
                30 30 30 30 30 29 28 31 35 29 28 32 29 28 31 2E 35 29 28 6B 57 29 28 32
                2E 35 29 28 6B 57 29 0D 0A 28 30 2E 34 31 32 29 28 30 2E 30 30 30 29 0D
                0A 28 30 2E 33 39 38 29 28 30 2E 30 30 30 29 0D 0A 04 7E
                """,
                PART_X10,
            ),
            step(READER, "06", Acknowledge()),
            step(
                DEVICE,
                """
                02 28 30 2E 34 30 35 29 28 30 2E 30 30 30 29 0D 0A 28 30 2E 33 39 31 29
                28 30 2E 30 30 30 29 0D 0A 03 09
                """,
                DataBlock(b"(0.405)(0.000)\r\n(0.391)(0.000)\r\n"),
            ),
            step(READER, "01 42 30 03 71", Break()),
        ),
        State.IDLE,
    ),
    "X11": Exchange(
        (
            *PROGRAMMING,
            step(
                READER,
                """
                01 52 35 02 50 2E 30 31 28 30 32 36 30 33 30 31 30 30 30 30 3B 30 32 36
                30 33 30 31 30 30 33 30 29 03 20
                """,
                Command("R", "5", "P.01(02603010000;02603010030)"),
            ),
            step(
                DEVICE,
                """
                02 50 2E 30 31 28 30 32 36 30 33 30 31 30 30 31 35 30 30 29 28 30 30 29
                28 31 35 29 28 32 29 28 31 2D 30 3A 31 2E 35 2E 30 29 28 6B 57 29 28 31
                2D 30 3A 32 2E 35 2E 30 29 28 6B 57 29 0D 0A 28 30 2E 34 31 32 29 28 30
                2E 30 30 30 29 0D 0A 28 30 2E 33 39 38 29 28 30 2E 30 30 30 29 0D 0A 03
                79
                """,
                PROFILE_X11,
            ),
        ),
        State.READ,
    ),
    "X12": Exchange(
        (
            *PROGRAMMING,
            step(
                READER,
                "01 52 35 02 50 2E 39 38 28 30 32 36 30 33 30 31 30 30 30 30 3B 29 03 15",
                Command("R", "5", "P.98(02603010000;)"),
            ),
            step(
                DEVICE,
                """
                02 50 2E 39 38 28 30 32 36 30 33 30 31 30 30 30 30 30 30 29 28 30 30 30
                30 30 30 31 30 29 28 29 28 30 29 0D 0A 50 2E 39 38 28 30 32 36 30 33 30
                31 30 38 31 32 30 37 29 28 30 30 30 30 38 30 32 30 29 28 29 28 32 29 28
                30 2E 39 2E 31 29 28 29 28 30 2E 39 2E 32 29 28 29 28 30 30 38 31 32 31
                35 29 28 30 32 36 30 33 30 31 29 0D 0A 03 0C
                """,
                LOG_X12,
            ),
            step(
                READER,
                """
                01 52 35 02 50 2E 30 31 28 30 32 36 30 31 30 31 30 30 30 30 3B 30 32 36
                30 31 30 31 30 31 30 30 29 03 22
                """,
                Command("R", "5", "P.01(02601010000;02601010100)"),
            ),
            step(DEVICE, "02 50 2E 30 31 28 45 52 52 4F 52 29 03 25", DataBlock(b"P.01(ERROR)")),
        ),
        State.READ,
    ),
    "X13": Exchange(
        (
            *GRANTED,
            step(
                READER,
                "01 57 35 02 30 2E 39 2E 31 28 30 31 34 33 30 30 30 29 03 6C",
                Command("W", "5", "0.9.1(0143000)"),
            ),
            step(DEVICE, "06", Acknowledge()),
            step(
                READER,
                "01 57 35 02 30 2E 39 2E 32 28 30 32 36 30 33 30 31 29 03 6F",
                Command("W", "5", "0.9.2(0260301)"),
            ),
            step(DEVICE, "06", Acknowledge()),
        ),
        State.PROGRAMMING,
    ),
    "X14": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 52 35 02 32 2E 38 2E 30 28 29 03 5D", Command("R", "5", "2.8.0()")),
            step(DEVICE, "15", Repeat()),
            step(READER, "01 52 35 02 32 2E 38 2E 30 28 29 03 5D", Command("R", "5", "2.8.0()")),
            step(
                DEVICE,
                "02 32 2E 38 2E 30 28 30 30 30 31 31 37 2E 34 30 2A 6B 57 68 29 03 6B",
                DataBlock(b"2.8.0(000117.40*kWh)"),
            ),
        ),
        State.READ,
    ),
    "X18": Exchange(
        (
            *ENTRY,
            step(DEVICE, "01 50 30 02 28 29 03 56", Command("P", "0", "()")),
            step(READER, "01 52 31 02 56 4F 4C 54 41 28 29 03 5F", Command("R", "1", "VOLTA()")),
            step(
                DEVICE,
                """
                02 56 4F 4C 54 41 28 32 32 39 2E 38 31 29 0D 0A 56 4F 4C 54 41 28 32 33
                30 2E 31 34 29 0D 0A 56 4F 4C 54 41 28 32 32 39 2E 35 35 29 0D 0A 03 5E
                """,
                DataBlock(b"VOLTA(229.81)\r\nVOLTA(230.14)\r\nVOLTA(229.55)\r\n"),
            ),
            step(READER, "01 42 30 03 75", Break()),
        ),
        State.IDLE,
        BlockCheck.SUM7,
    ),
    "X21": Exchange(
        (
            step(READER, "2F 3F 21 0D 0A", Request()),
            step(
                DEVICE, "2F 58 4D 50 35 5C 32 56 45 52 42 41 2D 45 0D 0A", Identification("XMP", "5", "VERBA-E", ("2",))
            ),
            step(READER, "06 32 35 32 0D 0A", OptionSelect("5", "2", "2")),
            step(DEVICE, "06 32 35 32 0D 0A", OptionSelect("5", "2", "2")),
        ),
        State.HDLC,
    ),
    "X22": Exchange(
        (
            *PROGRAMMING,
            step(DEVICE, "01 42 30 03 71", Break()),
            step(READER, "2F 3F 34 31 37 37 30 33 32 36 21 0D 0A", Request("41770326")),
        ),
        State.SIGN_ON,
    ),
    "X23": Exchange(
        (
            *PROGRAMMING,
            step(READER, "01 50 31 02 28 32 34 36 38 31 33 35 37 29 03 69", Command("P", "1", "(24681357)")),
            step(DEVICE, "06", Acknowledge()),
            step(READER, "01 52 32 02 30 2E 39 2E 31 28 29 03 58", Command("R", "2", "0.9.1()")),
            step(DEVICE, "02 30 2E 39 2E 31 28 31 34 3A 33 30 3A 30 35 29 03 39", DataBlock(b"0.9.1(14:30:05)")),
            step(
                READER,
                """
                01 52 32 02 50 2E 30 31 28 32 36 2D 30 33 2D 30 31 2C 30 30 3A 30 30 3B
                32 36 2D 30 33 2D 30 31 2C 30 31 3A 30 30 29 03 25
                """,
                Command("R", "2", "P.01(26-03-01,00:00;26-03-01,01:00)"),
            ),
            step(DEVICE, "15", Repeat()),
            step(READER, "01 45 32 02 31 2E 36 2E 30 28 29 03 40", Command("E", "2", "1.6.0()")),
            step(DEVICE, "06", Acknowledge()),
        ),
        State.PROGRAMMING,
    ),
}
# A mode A meter without block check, after its sign-on.
BARE_X5 = Exchange(
    (
        WILDCARD,
        step(DEVICE, "2F 58 4D 50 20 57 5A 2D 31 0D 0A", Identification("XMP", " ", "WZ-1")),
        step(
            DEVICE,
            "38 2E 31 28 30 30 31 31 37 2E 34 30 32 2A 6D 33 29 0D 0A 21 0D 0A",
            DataBlock(b"8.1(00117.402*m3)\r\n!\r\n", framed=False),
        ),
    )
)
SETS: dict[str, list[tuple[str, ...]]] = {
    "X1": [("F.F", "00000000"), ("0.0.0", "41770326"), ("1.8.0", "0012345.678*kWh")],
    "X2": [("1.8.0", "0012345.678*kWh")],
    "X3": [("1.8.1", "000431.07*kWh"), ("1.8.2", "000212.90*kWh")],
    "X4": [("0.0", "00771204"), ("6.8", "00391.46*GJ"), ("6.26", "02114.83*m3")],
    "X5": [("8.1", "00117.402*m3")],
    "X6": [("1.8.0", "0004177.0*kWh")],
    "X15": [
        ("1.6.1", "27.190*kW", "2602090945"),
        ("1.6.1*07", "25.004*kW", "2601141830"),
        ("1.8.0*06", "0012001.000*kWh"),
        ("*05", "0011800.250"),
    ],
    "X26": [("0.0", "00771204"), ("6.8", "00391,46*GJ"), ("6.31", "0017004*h")],
    "X7": [("1.8.0", "0012345.678*kWh")],
    "X8": [("", "ERROR")],
    "X9, variant 2": [("", "ER07")],
    "X10": [("", "0.405", "0.000"), ("", "0.391", "0.000")],
    "X11": [
        ("P.01", "0260301001500", "00", "15", "2", "1-0:1.5.0", "kW", "1-0:2.5.0", "kW"),
        ("", "0.412", "0.000"),
        ("", "0.398", "0.000"),
    ],
    "X12": [("P.01", "ERROR")],
    "X14": [("2.8.0", "000117.40*kWh")],
    "X18": [("VOLTA", "229.81"), ("VOLTA", "230.14"), ("VOLTA", "229.55")],
    "X23": [("0.9.1", "14:30:05")],
}

Chunks = Callable[[bytes], Sequence[bytes]]
each_exchange = pytest.mark.parametrize("name", EXCHANGES)
each_role = pytest.mark.parametrize("role", Role)


def whole(octets: bytes) -> Sequence[bytes]:
    return [octets]


def byte_by_byte(octets: bytes) -> Sequence[bytes]:
    return [octets[position : position + 1] for position in range(len(octets))]


def split_at(position: int) -> Chunks:
    return lambda octets: [chunk for chunk in (octets[:position], octets[position:]) if chunk]


def hear_at_the_last_octet(session: Session, chunks: Sequence[bytes], message: Message) -> None:
    for chunk in chunks[:-1]:
        assert session.hear(chunk) is None
    assert session.hear(chunks[-1]) == message
    assert session.hear(b"") is None
    assert session.unread == b""


def play(exchange: Exchange, role: Role, chunks: Chunks) -> Session:
    """One side of an exchange: what it says is what is printed, what it hears is heard at its last octet."""
    session = Session(role, exchange.check)
    for said in exchange.steps:
        if said.speaker is role:
            assert session.say(said.message) == said.octets
        else:
            hear_at_the_last_octet(session, chunks(said.octets), said.message)
    return session


def signed_on(role: Role = READER) -> Session:
    return play(Exchange(SIGN_ON), role, whole)


def programming(role: Role) -> Session:
    return play(Exchange(PROGRAMMING), role, whole)


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_both_roles_of_every_exchange(name: str, role: Role, chunks: Chunks) -> None:
    assert play(EXCHANGES[name], role, chunks).state is EXCHANGES[name].ends_in


@each_exchange
@each_role
def test_every_exchange_split_at_every_position(name: str, role: Role) -> None:
    longest = max(len(said.octets) for said in EXCHANGES[name].steps)
    for position in range(1, longest):
        play(EXCHANGES[name], role, split_at(position))


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
@pytest.mark.parametrize("trailing", [b"\xff\xff", b"\x00", b"~", b"\r\n"])
def test_every_exchange_with_trailing_octets(name: str, role: Role, chunks: Chunks, trailing: bytes) -> None:
    session = Session(role, EXCHANGES[name].check)
    for said in EXCHANGES[name].steps:
        if said.speaker is role:
            assert session.say(said.message) == said.octets
            continue
        heard = [session.hear(chunk) for chunk in chunks(said.octets + trailing)]
        assert [message for message in heard if message is not None] == [said.message]
        assert session.hear(b"") is None
        assert session.unread == trailing


class Pair:
    """A reader and a tariff device back to back."""

    def __init__(self, check: BlockCheck = XOR) -> None:
        self.sessions = {role: Session(role, check) for role in Role}

    def say(self, said: Step) -> Message | None:
        listener = self.sessions[DEVICE if said.speaker is READER else READER]
        octets = self.sessions[said.speaker].say(said.message)
        assert octets == said.octets
        return listener.hear(octets)

    @property
    def states(self) -> set[State]:
        return {session.state for session in self.sessions.values()}


@each_exchange
def test_two_roles_back_to_back_share_one_state(name: str) -> None:
    pair = Pair(EXCHANGES[name].check)
    for said in EXCHANGES[name].steps:
        assert pair.say(said) == said.message
        assert len(pair.states) == 1
    assert pair.states == {EXCHANGES[name].ends_in}


def blocks() -> Iterator[tuple[str, DataBlock]]:
    for name, exchange in (*EXCHANGES.items(), ("X5", BARE_X5)):
        said = [step.message for step in exchange.steps if isinstance(step.message, DataBlock)]
        if said:
            yield name, said[-1]


@pytest.mark.parametrize(("name", "block"), list(blocks()))
def test_data_sets_of_every_block(name: str, block: DataBlock) -> None:
    assert parse_block(block.body) == tuple(DataSet(address, tuple(raw)) for address, *raw in SETS[name])


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x3_a_damaged_block_is_refused_and_asked_for_again(chunks: Chunks) -> None:
    session = signed_on()
    *before, last = chunks(DAMAGED_X3)
    for chunk in before:
        assert session.hear(chunk) is None
    with pytest.raises(Garbled, match=r"sent 2F, computed 2E over 48 bytes"):
        session.hear(last)
    assert session.state is State.READOUT
    assert session.say(Repeat()) == NAK.octets
    hear_at_the_last_octet(session, chunks(GOOD_X3.octets), GOOD_X3.message)


def until_bare_block(chunks: Chunks) -> Session:
    session = play(Exchange(BARE_X5.steps[:2]), READER, chunks)
    for chunk in chunks(BARE_X5.steps[2].octets):
        assert not session.may_be_complete
        assert session.hear(chunk) is None
    assert session.may_be_complete
    return session


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x5_a_block_without_check_ends_by_silence(chunks: Chunks) -> None:
    session = until_bare_block(chunks)
    assert session.quiet() == BARE_X5.steps[2].message
    assert session.quiet() is None
    assert not session.may_be_complete


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
@pytest.mark.parametrize("following", [b"\x00", b"\x7f\x7f", b"~~~", b"/XMP", b"\r\n"])
def test_x5_a_block_without_check_ends_by_what_follows(chunks: Chunks, following: bytes) -> None:
    session = until_bare_block(chunks)
    assert session.hear(following) == BARE_X5.steps[2].message
    assert session.unread == following


def test_x5_split_at_every_position() -> None:
    octets = BARE_X5.steps[2].octets
    for position in range(1, len(octets)):
        assert until_bare_block(split_at(position)).quiet() == BARE_X5.steps[2].message


def test_x5_the_tariff_device_says_it_as_printed() -> None:
    play(BARE_X5, DEVICE, byte_by_byte)


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x19_the_nulls_of_a_wake_up_are_passed_over(chunks: Chunks) -> None:
    session = Session(DEVICE)
    for chunk in chunks(bytes(66)):
        assert session.hear(chunk) is None
    *before, last = chunks(bytes.fromhex("2F 3F 21 0D 0A"))
    for chunk in before:
        assert session.hear(chunk) is None
    assert session.hear(last) == Request()
    assert session.state is State.SIGN_ON


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x20_the_tariff_device_hears_parity_in_bit_7(chunks: Chunks) -> None:
    session = Session(DEVICE)
    hear_at_the_last_octet(session, chunks(bytes.fromhex("AF 3F 21 8D 0A")), Request())
    assert session.parity is ReceivedParity.PRESENT
    session.say(Identification("XMP", "5", "VERBA-3.1"))
    hear_at_the_last_octet(session, chunks(bytes.fromhex("06 30 35 30 8D 0A")), OptionSelect("5", "0"))
    assert session.parity is ReceivedParity.PRESENT


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x20_every_exchange_with_parity_in_bit_7(name: str, role: Role, chunks: Chunks) -> None:
    play(EXCHANGES[name], role, lambda octets: chunks(with_even_parity(octets)))


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x25_the_echo_of_the_request_is_dropped(chunks: Chunks) -> None:
    session = Session(READER)
    assert session.say(Request()) == bytes.fromhex("2F 3F 21 0D 0A")
    assert not session.has_echo
    echo = bytes.fromhex("2F 3F 21 0D 0A")
    answer = bytes.fromhex("2F 58 4D 70 35 56 45 52 42 41 2D 33 2E 31 0D 0A")
    hear_at_the_last_octet(session, chunks(echo + answer), Identification("XMp", "5", "VERBA-3.1"))
    assert session.has_echo


@pytest.mark.parametrize("name", [name for name in EXCHANGES if name != "X21"])
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x25_every_exchange_on_a_line_with_echo(name: str, role: Role, chunks: Chunks) -> None:
    session, echo = Session(role, EXCHANGES[name].check), b""
    for said in EXCHANGES[name].steps:
        if said.speaker is role:
            echo = session.say(said.message)
        else:
            hear_at_the_last_octet(session, chunks(echo + said.octets), said.message)
            echo = b""
    assert all(session.hear(chunk) is None for chunk in chunks(echo))
    assert session.has_echo


def hear_all(session: Session, chunks: Sequence[bytes]) -> list[Message]:
    heard = list[Message]()
    for chunk in chunks:
        message = session.hear(chunk)
        while message is not None:
            heard.append(message)
            message = session.hear(b"")
    return heard


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x14_a_damaged_command_is_refused_and_asked_for_again(chunks: Chunks) -> None:
    session = programming(DEVICE)
    with pytest.raises(Garbled, match=r"check of a command: sent 5D, computed 5F over 11 bytes"):
        hear_all(session, chunks(DAMAGED_X14))
    assert session.state is State.PROGRAMMING
    assert session.say(Repeat()) == b"\x15"
    *_, again, answer = EXCHANGES["X14"].steps
    hear_at_the_last_octet(session, chunks(again.octets), again.message)
    assert session.say(answer.message) == answer.octets


def test_x14_split_at_every_position() -> None:
    for position in range(1, len(DAMAGED_X14)):
        test_x14_a_damaged_command_is_refused_and_asked_for_again(split_at(position))


# A command right behind the address: no sign-on, no identification.
ONE_SHOT_X18 = bytes.fromhex("2F 3F 34 31 37 37 30 33 32 36 21 01 52 31 02 45 54 30 50 45 28 29 03 37")
ONE_SHOT = (Request("41770326", is_one_shot=True), Command("R", "1", "ET0PE()"))
ONE_SHOT_ANSWER = DataBlock(b"ET0PE(00017.42)")


@pytest.mark.parametrize("chunks", [whole, byte_by_byte, *(split_at(position) for position in range(1, 24))])
@pytest.mark.parametrize("trailing", [b"", b"\xff\xff", b"\x00", b"~", b"\r\n"])
def test_x18_a_tariff_device_hears_a_read_without_sign_on(chunks: Chunks, trailing: bytes) -> None:
    session = Session(DEVICE, BlockCheck.SUM7)
    assert hear_all(session, chunks(ONE_SHOT_X18 + trailing)) == list(ONE_SHOT)
    assert session.unread == trailing
    assert session.say(ONE_SHOT_ANSWER)
    assert session.state is State.READ


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
@pytest.mark.parametrize("echo", [b"", ONE_SHOT_X18])
def test_x18_a_reader_reads_without_sign_on(chunks: Chunks, echo: bytes) -> None:
    session = Session(READER, BlockCheck.SUM7)
    assert b"".join(session.say(message) for message in ONE_SHOT) == ONE_SHOT_X18
    answer = Session(DEVICE, BlockCheck.SUM7)
    hear_all(answer, [ONE_SHOT_X18])
    hear_at_the_last_octet(session, chunks(echo + answer.say(ONE_SHOT_ANSWER)), ONE_SHOT_ANSWER)


# What follows the hand-over of X21: first what the reader says, then what the tariff device answers.
HDLC_X21 = {
    DEVICE: bytes.fromhex(
        """
        7E A0 1E 03 21 93 CD 3B 81 80 14 05 01 80 06 01 80 07 04 00 00 00 01 08
        04 00 00 00 01 D6 48 7E
        7E A0 2B 03 21 10 FB AF E6 E6 00 60 1D A1 09 06 07 60 85 74 05 08 01 01
        BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 1E 1D FF FF C5 E4 7E
        7E A0 19 03 21 32 6F D8 E6 E6 00 C0 01 C1 00 03 01 00 01 08 00 FF 02 00
        32 68 7E
        7E A0 07 03 21 53 03 C7 7E
        """
    ),
    READER: bytes.fromhex(
        """
        7E A0 1E 21 03 73 C3 7A 81 80 14 05 01 80 06 01 80 07 04 00 00 00 01 08
        04 00 00 00 01 D6 48 7E
        7E A0 37 21 03 30 6C 7C E6 E7 00 61 29 A1 09 06 07 60 85 74 05 08 01 01
        A2 03 02 01 00 A3 05 A1 03 02 01 00 BE 10 04 0E 08 00 06 5F 1F 04 00 00
        18 1D 01 80 00 07 A1 DC 7E
        7E A0 15 21 03 52 5D 8A E6 E7 00 C4 01 C1 00 06 00 BC 61 4E 6B E0 7E
        7E A0 07 21 03 73 01 40 7E
        """
    ),
}
# The association of X24 with a password, and its refusal.
HDLC_X24 = {
    DEVICE: bytes.fromhex(
        """
        7E A0 44 03 41 10 B3 E1 E6 E6 00 60 36 A1 09 06 07 60 85 74 05 08 01 01
        8A 02 07 80 8B 07 60 85 74 05 08 02 01 AC 0A 80 08 32 34 36 38 31 33 35
        37 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 1E 1D FF FF 9C 69 7E
        7E A0 07 03 41 53 56 A2 7E
        """
    ),
    READER: bytes.fromhex(
        """
        7E A0 37 41 03 30 21 79 E6 E7 00 61 29 A1 09 06 07 60 85 74 05 08 01 01
        A2 03 02 01 01 A3 05 A1 03 02 01 0D BE 10 04 0E 08 00 06 5F 1F 04 00 00
        00 00 01 80 00 07 6E CE 7E
        """
    ),
}
CONFIRMATION = EXCHANGES["X21"].steps[-1]
each_hdlc = pytest.mark.parametrize("hdlc", [HDLC_X21, HDLC_X24], ids=["X21", "X24"])


@each_hdlc
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x21_x24_what_follows_the_hand_over_is_trailing(hdlc: dict[Role, bytes], role: Role, chunks: Chunks) -> None:
    session = play(EXCHANGES["X21"], role, chunks)
    assert session.trailing == b""
    assert hear_all(session, chunks(hdlc[role])) == []
    assert session.trailing == hdlc[role]
    assert session.quiet() is None


@each_hdlc
@each_role
def test_x21_x24_what_follows_the_hand_over_split_at_every_position(hdlc: dict[Role, bytes], role: Role) -> None:
    for position in range(1, len(hdlc[role])):
        test_x21_x24_what_follows_the_hand_over_is_trailing(hdlc, role, split_at(position))


@each_hdlc
def test_x21_x24_what_follows_in_the_chunk_of_the_confirmation_is_trailing(hdlc: dict[Role, bytes]) -> None:
    octets = CONFIRMATION.octets + hdlc[READER]
    for position in range(1, len(octets)):
        session = play(Exchange(EXCHANGES["X21"].steps[:-1]), READER, whole)
        assert hear_all(session, split_at(position)(octets)) == [CONFIRMATION.message]
        assert session.trailing == hdlc[READER]


def test_x21_a_hand_over_needs_no_confirmation() -> None:
    session = play(Exchange(EXCHANGES["X21"].steps[:-1]), READER, whole)
    assert hear_all(session, [HDLC_X21[READER]]) == []
    assert session.trailing == HDLC_X21[READER]


def test_x21_one_confirmation_is_taken_and_no_other() -> None:
    session = play(EXCHANGES["X21"], READER, whole)
    assert hear_all(session, [CONFIRMATION.octets]) == []
    assert session.trailing == CONFIRMATION.octets


def test_x21_only_a_hand_over_leaves_something_trailing() -> None:
    session = play(Exchange(EXCHANGES["X21"].steps[:2]), READER, whole)
    assert session.hear(b"\x7e") is None
    assert (session.unread, session.trailing) == (b"\x7e", b"")


LATE_X22 = bytes.fromhex("01 52 35 02 31 2E 38 2E 30 28 29 03 5E")


@pytest.mark.parametrize("chunks", [whole, byte_by_byte, *(split_at(position) for position in range(1, 13))])
def test_x22_a_command_after_the_break_is_passed_over_and_the_next_sign_on_heard(chunks: Chunks) -> None:
    session = play(Exchange(EXCHANGES["X22"].steps[:-1]), DEVICE, whole)
    with pytest.raises(OutOfTurn, match=r"R5.* came while the session was in state idle"):
        hear_all(session, chunks(LATE_X22))
    assert session.state is State.IDLE
    hear_at_the_last_octet(session, chunks(REQUEST.octets), REQUEST.message)


def test_x22_a_reader_that_missed_the_break_begins_anew() -> None:
    session = programming(READER)
    assert session.say(Command("R", "5", "1.8.0()")) == LATE_X22
    assert session.quiet() is None
    assert session.say(REQUEST.message) == REQUEST.octets
    assert session.state is State.SIGN_ON


def test_x10_the_blocks_of_a_sequence_make_one_after_the_other_the_whole_profile() -> None:
    parts = [said.message.body for said in EXCHANGES["X10"].steps[-4:] if isinstance(said.message, DataBlock)]
    rows = [data_set.raw for data_set in parse_block(b"".join(parts))]
    assert rows[1:] == [("0.412", "0.000"), ("0.398", "0.000"), ("0.405", "0.000"), ("0.391", "0.000")]


def test_x12_an_entry_of_the_log_keeps_its_empty_brackets() -> None:
    entries = parse_block(LOG_X12.body)
    assert [entry.raw for entry in entries] == [
        ("0260301000000", "00000010", "", "0"),
        ("0260301081207", "00008020", "", "2", "0.9.1", "", "0.9.2", "", "0081215", "0260301"),
    ]
