from collections.abc import Iterator
from itertools import product

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import MeterError
from gateway.protocol.characters import ACK, XOR, BlockCheck, with_even_parity
from gateway.protocol.datablock import parse_block
from gateway.protocol.law import TRANSITIONS, Role, State, cue_of
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
    encode,
)
from gateway.protocol.session import Session

READER, DEVICE = Role.READER, Role.TARIFF_DEVICE
BODY = b"F.F(00)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n1.6.1(27.19*kW)(2602090945)\r\n!\r\n"
REQUEST, SELECT = Request("41770326"), OptionSelect("5")
EXCHANGES: list[list[tuple[Role, Message]]] = [
    [(READER, REQUEST), (DEVICE, Identification("XMP", "5", "VERBA-3.1")), (READER, SELECT), (DEVICE, DataBlock(BODY))],
    [(READER, Request()), (DEVICE, Identification("XMP", " ", "HZ-4")), (DEVICE, DataBlock(BODY))],
    [(READER, Request()), (DEVICE, Identification("XMp", " ", "W/Z")), (DEVICE, DataBlock(BODY, framed=False))],
    [(READER, REQUEST), (DEVICE, Identification("XMP", "5", "X", ("2",))), (READER, SELECT), (DEVICE, Break())],
    [(READER, REQUEST), (DEVICE, Identification("XMP", "E", "X")), (DEVICE, DataBlock(BODY)), (READER, Repeat())],
    [(READER, REQUEST), (READER, SELECT), (DEVICE, Command("P", "0", "(7C20)"))],
]
GOOD = EXCHANGES[0]


@frozen
class Damage:
    """One change of a message's octets at a place given as a part of its length."""

    kind: str
    place: float
    octet: int

    def of(self, octets: bytes) -> bytes:  # noqa: PLR0911 - one arm a kind
        at = int(self.place * len(octets))
        before, here, after = octets[:at], octets[at : at + 1], octets[at + 1 :]
        match self.kind:
            case "flip":
                return before + bytes(octet ^ 1 << self.octet % 8 for octet in here) + after
            case "drop":
                return before + after
            case "insert":
                return before + bytes((self.octet,)) + here + after
            case "duplicate":
                return before + here + here + after
            case "swap":
                return before + after[:1] + here + after[1:]
            case "cut":
                return before
            case "twice":
                return octets + octets
            case _:
                raise AssertionError(self.kind)


damages = st.builds(
    Damage,
    st.sampled_from(["flip", "drop", "insert", "duplicate", "swap", "cut", "twice"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 255),
)


def chunks_of(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    begin = 0
    for size in sizes:
        yield octets[begin : begin + size]
        begin += size
    yield octets[begin:]


def hear(session: Session, octets: bytes, sizes: list[int]) -> None:
    """Hears octets and a silence after them; no error but those of meters may escape."""
    left = 0
    for chunk in [*chunks_of(octets, sizes), None]:
        try:
            message = session.quiet() if chunk is None else session.hear(chunk)
            while message is not None:
                message = session.hear(b"")
        except MeterError:
            left += len(session.unread)
    assert left == 0, "after an error all unread octets are dropped"


def go_well(session: Session) -> None:
    """A good exchange after whatever happened; a sign-on is allowed in every state."""
    session.forget()
    for speaker, message in GOOD:
        if speaker is session.role:
            assert session.say(message) == encode(message, session.check)
        else:
            assert session.hear(encode(message, session.check)) == message
            assert session.hear(b"") is None


def may_say(session: Session, message: Message) -> bool:
    cue = cue_of(message)
    return cue is not None and (session.role, cue) in TRANSITIONS[session.state]


@settings(max_examples=400)
@given(
    st.sampled_from(EXCHANGES),
    st.sampled_from(Role),
    st.sampled_from(BlockCheck),
    st.booleans(),
    st.lists(st.lists(damages, max_size=3), min_size=6, max_size=6),
    st.lists(st.integers(1, 40), max_size=12),
)
def test_mutated_exchanges_raise_meter_errors_only_and_leave_the_session_sound(
    exchange: list[tuple[Role, Message]],
    role: Role,
    check: BlockCheck,
    parity: bool,  # noqa: FBT001 - drawn
    damage: list[list[Damage]],
    sizes: list[int],
) -> None:
    session = Session(role, check)
    for (speaker, message), changes in zip(exchange, damage, strict=False):
        if speaker is role:
            if may_say(session, message):
                session.say(message)
            continue
        octets = encode(message, check)
        if parity:
            octets = with_even_parity(octets)
        for change in changes:
            octets = change.of(octets)
        hear(session, octets, sizes)
    go_well(session)


@settings(max_examples=300)
@given(st.sampled_from(Role), st.binary(max_size=600), st.lists(st.integers(1, 64), max_size=20))
def test_random_octets_raise_meter_errors_only_and_leave_the_session_sound(
    role: Role, octets: bytes, sizes: list[int]
) -> None:
    session = Session(role)
    for speaker, message in GOOD[:3]:
        if speaker is role and may_say(session, message):
            session.say(message)
        hear(session, octets, sizes)
    go_well(session)


@settings(max_examples=300)
@given(st.text("/?!\r\n\x01\x02\x03\x04\x06\x15(1)", max_size=80), st.sampled_from(Role))
def test_any_order_of_control_characters_raises_meter_errors_only(text: str, role: Role) -> None:
    session = Session(role)
    for speaker, message in GOOD[:3]:
        if speaker is role and may_say(session, message):
            session.say(message)
        hear(session, text.encode(), [1] * len(text))
    go_well(session)


@settings(max_examples=200)
@given(st.lists(damages, min_size=1, max_size=2), st.lists(st.integers(1, 40), max_size=6))
def test_a_damaged_block_asked_for_again_is_heard_as_it_is(changes: list[Damage], sizes: list[int]) -> None:
    session = Session(READER)
    for speaker, message in GOOD[:3]:
        if speaker is READER:
            session.say(message)
        else:
            session.hear(encode(message))
    octets = encode(DataBlock(BODY))
    for change in changes:
        octets = change.of(octets)
    hear(session, octets, sizes)
    if not may_say(session, Repeat()):
        return
    session.say(Repeat())
    heard = session.hear(encode(DataBlock(BODY)))
    assert isinstance(heard, DataBlock)
    assert parse_block(heard.body) == parse_block(BODY)


# Blocks of examples X1, X10, X12, X15, and one with the sum check, in the states in which they are heard.
BLOCKS = {
    "readout": (State.READOUT, DataBlock(b"F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"), XOR),
    "partial block": (
        State.READ,
        DataBlock(b"P.01(0260301001500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.412)(0.000)\r\n", partial=True),
        XOR,
    ),
    "log": (
        State.READ,
        DataBlock(b"P.98(0260301000000)(00000010)()(0)\r\nP.98(0260301081207)(00008020)()(0)\r\n"),
        XOR,
    ),
    "maxima": (
        State.IDENTIFIED,
        DataBlock(b"1.6.1(27.190*kW)(2602090945)\r\n1.8.0*06(0012001.000*kWh)*05(0011800.250)\r\n!\r\n"),
        XOR,
    ),
    "sum check": (State.READ, DataBlock(b"VOLTA(229.81)\r\nVOLTA(230.14)\r\nVOLTA(229.55)\r\n"), BlockCheck.SUM7),
}


def heard_in(state: State, check: BlockCheck, octets: bytes) -> Message | None:
    """What a reader in that state hears, a silence after it included; None where it refuses or passes over."""
    session = Session(READER, check)
    session.state = state
    try:
        message = session.hear(octets)
        return session.quiet() if message is None else message
    except MeterError:
        return None


@pytest.mark.parametrize("has_parity", [False, True])
@pytest.mark.parametrize("name", BLOCKS)
def test_fault_l1_one_flipped_bit_is_refused_wherever_it_is(name: str, *, has_parity: bool) -> None:
    state, block, check = BLOCKS[name]
    sent = encode(block, check)
    octets = with_even_parity(sent) if has_parity else sent
    assert heard_in(state, check, octets) == block
    for bit in range(8 * len(octets)):
        damaged = bytearray(octets)
        damaged[bit // 8] ^= 1 << bit % 8
        heard = heard_in(state, check, bytes(damaged))
        # One bit makes an acknowledgement of STX; without parity nothing tells, but it carries no value.
        is_acknowledged = heard == Acknowledge() and damaged[0] == ACK and state is State.READ
        assert heard is None or is_acknowledged, f"bit {bit % 8} of character {bit // 8}"


def test_fault_l2_two_flipped_bits_of_the_frame_are_refused_where_parity_is_present() -> None:
    state, block, check = BLOCKS["readout"]
    octets = with_even_parity(encode(block))
    ends = [(place, bit) for place in (0, len(octets) - 2, len(octets) - 1) for bit in range(8)]
    for one, other in product(ends, ends):
        damaged = bytearray(octets)
        for place, bit in {one, other}:
            damaged[place] ^= 1 << bit
        assert one == other or heard_in(state, check, bytes(damaged)) is None, f"{one}, {other}"


def test_noise_of_right_parity_before_a_block_without_check_is_passed_over() -> None:
    block = DataBlock(BODY, framed=False)
    octets = with_even_parity(encode(block))
    assert heard_in(State.READOUT, XOR, b"\xff\x00" + octets) == block
    assert heard_in(State.READOUT, XOR, b"\x98\x00" + octets) == block
    assert heard_in(State.READOUT, XOR, b"\x98" + octets) is None
    assert heard_in(State.READOUT, XOR, b"\x80" + encode(block)) == block
