from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import frozen

from gateway.errors import Garbled
from gateway.protocol.characters import ReceivedParity, with_even_parity
from gateway.protocol.datablock import DataSet, parse_block
from gateway.protocol.messages import DataBlock, Identification, Message, OptionSelect, Repeat, Request
from gateway.protocol.session import Role, Session, State

READER, DEVICE = Role.READER, Role.TARIFF_DEVICE


@frozen
class Step:
    speaker: Role
    octets: bytes
    message: Message


def step(speaker: Role, octets: str, message: Message) -> Step:
    return Step(speaker, bytes.fromhex(octets), message)


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

EXCHANGES = {
    "X1": (
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
    ),
    "X2": (
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
    ),
    "X3": (*SIGN_ON, GOOD_X3, NAK, GOOD_X3),
    "X4": (
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
    ),
    "X6": (
        REQUEST,
        step(DEVICE, "2F 58 4D 50 45 56 45 52 42 41 2D 42 0D 0A", Identification("XMP", "E", "VERBA-B")),
        step(
            DEVICE,
            "02 31 2E 38 2E 30 28 30 30 30 34 31 37 37 2E 30 2A 6B 57 68 29 0D 0A 21 0D 0A 03 4F",
            DataBlock(b"1.8.0(0004177.0*kWh)\r\n!\r\n"),
        ),
    ),
    "X15": (
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
    ),
    "X26": (
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
    ),
}
# A mode A meter without block check, after its sign-on.
BARE_X5 = (
    WILDCARD,
    step(DEVICE, "2F 58 4D 50 20 57 5A 2D 31 0D 0A", Identification("XMP", " ", "WZ-1")),
    step(
        DEVICE,
        "38 2E 31 28 30 30 31 31 37 2E 34 30 32 2A 6D 33 29 0D 0A 21 0D 0A",
        DataBlock(b"8.1(00117.402*m3)\r\n!\r\n", framed=False),
    ),
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


def play(steps: Sequence[Step], role: Role, chunks: Chunks) -> Session:
    """One side of an exchange: what it says is what is printed, what it hears is heard at its last octet."""
    session = Session(role)
    for said in steps:
        if said.speaker is role:
            assert session.say(said.message) == said.octets
        else:
            hear_at_the_last_octet(session, chunks(said.octets), said.message)
    return session


def signed_on(role: Role = READER) -> Session:
    return play(SIGN_ON, role, whole)


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_both_roles_of_every_exchange(name: str, role: Role, chunks: Chunks) -> None:
    assert play(EXCHANGES[name], role, chunks).state is State.READOUT


@each_exchange
@each_role
def test_every_exchange_split_at_every_position(name: str, role: Role) -> None:
    longest = max(len(said.octets) for said in EXCHANGES[name])
    for position in range(1, longest):
        play(EXCHANGES[name], role, split_at(position))


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
@pytest.mark.parametrize("trailing", [b"\xff\xff", b"\x00", b"~", b"\r\n"])
def test_every_exchange_with_trailing_octets(name: str, role: Role, chunks: Chunks, trailing: bytes) -> None:
    session = Session(role)
    for said in EXCHANGES[name]:
        if said.speaker is role:
            assert session.say(said.message) == said.octets
            continue
        heard = [session.hear(chunk) for chunk in chunks(said.octets + trailing)]
        assert [message for message in heard if message is not None] == [said.message]
        assert session.hear(b"") is None
        assert session.unread == trailing


class Pair:
    """A reader and a tariff device back to back."""

    def __init__(self) -> None:
        self.sessions = {role: Session(role) for role in Role}

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
    pair = Pair()
    for said in EXCHANGES[name]:
        assert pair.say(said) == said.message
        assert len(pair.states) == 1


def blocks() -> Iterator[tuple[str, DataBlock]]:
    for name, steps in (*EXCHANGES.items(), ("X5", BARE_X5)):
        block = steps[-1].message
        assert isinstance(block, DataBlock)
        yield name, block


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
    session = play(BARE_X5[:2], READER, chunks)
    for chunk in chunks(BARE_X5[2].octets):
        assert not session.may_be_complete
        assert session.hear(chunk) is None
    assert session.may_be_complete
    return session


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x5_a_block_without_check_ends_by_silence(chunks: Chunks) -> None:
    session = until_bare_block(chunks)
    assert session.quiet() == BARE_X5[2].message
    assert session.quiet() is None
    assert not session.may_be_complete


@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
@pytest.mark.parametrize("following", [b"\x00", b"\x7f\x7f", b"~~~", b"/XMP", b"\r\n"])
def test_x5_a_block_without_check_ends_by_what_follows(chunks: Chunks, following: bytes) -> None:
    session = until_bare_block(chunks)
    assert session.hear(following) == BARE_X5[2].message
    assert session.unread == following


def test_x5_split_at_every_position() -> None:
    octets = BARE_X5[2].octets
    for position in range(1, len(octets)):
        assert until_bare_block(split_at(position)).quiet() == BARE_X5[2].message


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


@each_exchange
@each_role
@pytest.mark.parametrize("chunks", [whole, byte_by_byte])
def test_x25_every_exchange_on_a_line_with_echo(name: str, role: Role, chunks: Chunks) -> None:
    session, echo = Session(role), b""
    for said in EXCHANGES[name]:
        if said.speaker is role:
            echo = session.say(said.message)
        else:
            hear_at_the_last_octet(session, chunks(echo + said.octets), said.message)
            echo = b""
    assert all(session.hear(chunk) is None for chunk in chunks(echo))
    assert session.has_echo
