from itertools import product

import pytest

from gateway.errors import Garbled, NotOurTurn, OutOfTurn
from gateway.protocol.characters import BlockCheck
from gateway.protocol.datablock import Layout, parse_block
from gateway.protocol.law import LEFT_BY_BREAK, TRANSITIONS, Cue, Role, State, cue_of, diagram
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
REQUEST, IDENTIFICATION, SELECT = Request("41770326"), Identification("XMP", "5", "VERBA-3.1"), OptionSelect("5")
BLOCK = DataBlock(b"1.8.0(0012345.678*kWh)\r\n!\r\n")
PROGRAM, OPERAND = OptionSelect("5", "1"), Command("P", "0", "(7C20)")
READ, PASSWORD = Command("R", "5", "1.8.0()"), Command("P", "1", "(24681357)")
MESSAGE_OF: dict[Cue, Message] = {
    Cue.REQUEST: REQUEST,
    Cue.IDENTIFICATION: IDENTIFICATION,
    Cue.SELECT_READOUT: SELECT,
    Cue.SELECT_PROGRAMMING: PROGRAM,
    Cue.SELECT_HDLC: OptionSelect("5", "2", "2"),
    Cue.OPERAND: OPERAND,
    Cue.READ: READ,
    Cue.COMMAND: PASSWORD,
    Cue.DATA: BLOCK,
    Cue.REPEAT: Repeat(),
    Cue.ACKNOWLEDGE: Acknowledge(),
    Cue.BREAK: Break(),
}
WAY_TO: dict[State, tuple[tuple[Role, Message], ...]] = {State.IDLE: ()}
WAY_TO[State.SIGN_ON] = ((READER, REQUEST),)
WAY_TO[State.IDENTIFIED] = (*WAY_TO[State.SIGN_ON], (DEVICE, IDENTIFICATION))
WAY_TO[State.READOUT] = (*WAY_TO[State.IDENTIFIED], (READER, SELECT))
WAY_TO[State.ENTRY] = (*WAY_TO[State.IDENTIFIED], (READER, PROGRAM))
WAY_TO[State.PROGRAMMING] = (*WAY_TO[State.ENTRY], (DEVICE, OPERAND))
WAY_TO[State.READ] = (*WAY_TO[State.PROGRAMMING], (READER, READ))
WAY_TO[State.PENDING] = (*WAY_TO[State.PROGRAMMING], (READER, PASSWORD))
WAY_TO[State.HDLC] = (*WAY_TO[State.IDENTIFIED], (READER, OptionSelect("5", "2", "2")))


def session_in(state: State, role: Role) -> Session:
    session = Session(role)
    for speaker, message in WAY_TO[state]:
        if speaker is role:
            session.say(message)
        else:
            assert session.hear(encode(message)) == message
    assert session.state is state
    return session


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("cue", Cue)
@pytest.mark.parametrize("role", Role)
def test_a_side_says_what_the_table_allows_and_nothing_else(state: State, cue: Cue, role: Role) -> None:
    session, after = session_in(state, role), TRANSITIONS[state].get((role, cue))
    if after is None:
        with pytest.raises(NotOurTurn, match=f"{role.value} may not say"):
            session.say(MESSAGE_OF[cue])
        assert session.state is state
    else:
        assert session.say(MESSAGE_OF[cue]) == encode(MESSAGE_OF[cue])
        assert session.state is after


# An option select begins with the octet that alone is an acknowledgement.
SELECTS = (Cue.SELECT_READOUT, Cue.SELECT_PROGRAMMING, Cue.SELECT_HDLC)
AMBIGUOUS = {
    (state, cue, listener)
    for state, cue, listener in product(State, SELECTS, Role)
    if (DEVICE if listener is READER else READER, Cue.ACKNOWLEDGE) in TRANSITIONS[state]
}


@pytest.mark.parametrize(
    ("state", "cue", "listener"), [case for case in product(State, Cue, Role) if case not in AMBIGUOUS]
)
def test_a_side_hears_what_the_table_allows_and_nothing_else(state: State, cue: Cue, listener: Role) -> None:
    speaker = DEVICE if listener is READER else READER
    session, after = session_in(state, listener), TRANSITIONS[state].get((speaker, cue))
    # A sign-on after an own one would be its echo.
    message = Request("99") if cue is Cue.REQUEST else MESSAGE_OF[cue]
    try:
        heard = session.hear(encode(message))
    except (Garbled, OutOfTurn):
        heard = None
    assert heard == (message if after is not None else None)
    assert session.state is (state if after is None else after)


def test_an_option_select_that_comes_again_is_an_acknowledgement_of_the_readout() -> None:
    session = session_in(State.READOUT, DEVICE)
    assert session.hear(encode(SELECT)) == Acknowledge()
    assert session.hear(b"") is None
    assert session.state is State.READOUT


@pytest.mark.parametrize("state", [State.SIGN_ON, State.IDENTIFIED])
def test_a_foreign_request_is_out_of_turn_for_a_reader(state: State) -> None:
    session = session_in(state, READER)
    with pytest.raises(OutOfTurn, match=r"Request .* came while the session was in state") as told:
        session.hear(b"/?12345678!\r\n")
    assert told.value.code == "E-READ-3"
    assert session.state is state
    assert session.unread == b""


def test_a_foreign_request_is_out_of_turn_for_a_reader_that_waits_for_data() -> None:
    session = session_in(State.READOUT, READER)
    assert session.hear(b"/?12345678!\r\n") is None
    with pytest.raises(OutOfTurn, match="Request"):
        session.quiet()


def test_a_command_is_out_of_turn() -> None:
    with pytest.raises(OutOfTurn, match="Command"):
        session_in(State.READOUT, READER).hear(encode(Command("P", "0", "()")))


@pytest.mark.parametrize("select", [OptionSelect("5", "0", "2"), OptionSelect("5", "2"), OptionSelect("5", "3")])
def test_a_reserved_selection_is_out_of_turn(select: OptionSelect) -> None:
    with pytest.raises(OutOfTurn, match="OptionSelect"):
        session_in(State.IDENTIFIED, DEVICE).hear(encode(select))
    with pytest.raises(NotOurTurn):
        session_in(State.IDENTIFIED, READER).say(select)


@pytest.mark.parametrize("digit", "06789")
def test_short_tables_are_selected_like_the_readout(digit: str) -> None:
    assert session_in(State.IDENTIFIED, DEVICE).hear(encode(OptionSelect("5", digit))) == OptionSelect("5", digit)


def test_a_second_identification_is_heard() -> None:
    session = session_in(State.IDENTIFIED, READER)
    assert session.hear(b"/XMP5OTHER\r\n") == Identification("XMP", "5", "OTHER")
    assert session.state is State.IDENTIFIED


def test_two_messages_in_one_chunk_are_heard_one_after_the_other() -> None:
    session = session_in(State.SIGN_ON, READER)
    assert session.hear(encode(IDENTIFICATION) + encode(BLOCK)) == IDENTIFICATION
    assert session.unread == encode(BLOCK)
    assert session.hear(b"") == BLOCK
    assert session.hear(b"") is None


def test_what_was_unread_is_dropped_when_we_speak() -> None:
    session = session_in(State.SIGN_ON, READER)
    assert session.hear(b"/XMP5LA") is None
    session.say(REQUEST)
    assert session.unread == b""
    assert session.hear(encode(IDENTIFICATION)) == IDENTIFICATION


@pytest.mark.parametrize("check", [BlockCheck.SUM7, BlockCheck.NONE])
def test_the_block_check_may_be_set_once_the_meter_is_known(check: BlockCheck) -> None:
    session = session_in(State.READOUT, READER)
    session.check = check
    assert session.hear(encode(BLOCK, check)) == BLOCK


def test_a_known_layout_is_noted_in_the_block_that_fits_it() -> None:
    session = session_in(State.READOUT, READER)
    session.layout = Layout(BLOCK.body, parse_block(BLOCK.body))
    other = DataBlock(BLOCK.body.replace(b"0012345.678", b"0099999.999"))
    heard = session.hear(encode(other))
    assert isinstance(heard, DataBlock)
    assert heard == other
    assert heard.layout is session.layout


@pytest.mark.parametrize("body", [b"1.8.0(0012345.678*MWh)\r\n!\r\n", b"1.8.0(1*kWh)\r\n!\r\n"])
def test_a_block_of_another_print_is_heard_without_the_layout(body: bytes) -> None:
    session = session_in(State.READOUT, READER)
    session.layout = Layout(BLOCK.body, parse_block(BLOCK.body))
    heard = session.hear(encode(DataBlock(body)))
    assert isinstance(heard, DataBlock)
    assert heard.body == body
    assert heard.layout is None


def test_a_layout_lets_no_wrong_check_pass() -> None:
    session = session_in(State.READOUT, READER)
    session.layout = Layout(BLOCK.body, parse_block(BLOCK.body))
    with pytest.raises(Garbled, match="block check"):
        session.hear(encode(BLOCK).replace(b"345.678", b"345.679"))


def test_a_layout_does_not_stand_in_for_another_check() -> None:
    session = session_in(State.READOUT, READER)
    session.layout, session.check = Layout(BLOCK.body, parse_block(BLOCK.body)), BlockCheck.SUM7
    with pytest.raises(Garbled, match="block check"):
        session.hear(encode(BLOCK))


def test_only_a_device_that_waits_for_us_is_left_by_a_break() -> None:
    assert set(State) - {State.IDLE, State.SIGN_ON, State.READOUT, State.HDLC} == LEFT_BY_BREAK
    for state in LEFT_BY_BREAK:
        session = session_in(state, READER)
        assert session.say(Break()) == bytes.fromhex("01 42 30 03 71")
        assert session.state is State.IDLE


def test_the_break_of_the_meter_ends_the_session() -> None:
    session = session_in(State.READOUT, READER)
    assert session.hear(bytes.fromhex("01 42 30 03 71")) == Break()
    assert session.state is State.IDLE


def test_every_cue_has_its_message() -> None:
    assert {cue_of(message) for message in MESSAGE_OF.values()} == set(Cue)


def test_the_diagram_has_one_arrow_for_every_entry_of_the_table() -> None:
    arrows = [line for line in diagram().splitlines() if ":" in line]
    assert len(arrows) == sum(len(cues) for cues in TRANSITIONS.values())
    assert "    IDENTIFIED --> READOUT: reader, option select: readout" in arrows
    assert diagram().startswith("stateDiagram-v2\n    [*] --> IDLE\n")


@pytest.mark.parametrize("digit", "12")
def test_the_password_of_another_reader_is_not_shown(digit: str) -> None:
    with pytest.raises(OutOfTurn, match=r"^Command with a password came") as told:
        session_in(State.READOUT, READER).hear(encode(Command("P", digit, "(24681357)")))
    assert "24681357" not in str(told.value)


@pytest.mark.parametrize("command", [Command("X", "1", "()"), Command("B", "2x")])
def test_what_is_no_command_of_the_standard_has_no_meaning(command: Command) -> None:
    assert cue_of(command) is None
    with pytest.raises(NotOurTurn):
        session_in(State.PROGRAMMING, READER).say(command)


def test_damage_carries_the_octets_as_they_came() -> None:
    session, damaged = session_in(State.READOUT, READER), encode(BLOCK).replace(b"5", b"7", 1)
    with pytest.raises(Garbled) as block_check:
        session.hear(damaged)
    assert block_check.value.octets == damaged
    noise = b"\x00" * 300
    with pytest.raises(Garbled) as no_message:
        session.hear(noise)
    assert no_message.value.octets == noise


def test_damage_after_a_password_carries_no_octets() -> None:
    session = session_in(State.PROGRAMMING, READER)
    session.say(PASSWORD)
    with pytest.raises(Garbled) as caught:
        session.hear(b"(24681357)" * 40)
    assert caught.value.octets == b""
    assert caught.value.__cause__ is None
