"""The flow charts against a scripted far end in virtual time: the moment, the octets, the speed of all that is sent."""

import anyio
import pytest

from gateway.dialogue import Dialogue, Manners, signed_on
from gateway.errors import Garbled, MeterError, NoAnswer, OutOfTurn, Refused
from gateway.figures import Step
from gateway.profile import Conduct
from gateway.protocol.characters import BlockCheck, Mode, with_even_parity, without_parity
from gateway.protocol.law import State
from gateway.protocol.messages import DataBlock, encode
from gateway.protocol.timing import wire_time
from gateway.simulator import MemoryLine
from tests.script import Say, Script

BODY = b"F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n"
BLOCK = encode(DataBlock(BODY))
BAD_BLOCK = BLOCK.replace(b"0012345", b"0012344")
REQUEST, IDENTIFICATION = b"/?41770326!\r\n", b"/XMP5VERBA-3.1\r\n"
MANNERS = Manners("41770326", poll_delay=0.2, timeout=2.5)
BREAK = b"\x01B0\x03q"

pytestmark = pytest.mark.anyio


def mode_c(*blocks: bytes, speed: int = 9600, identification: bytes = IDENTIFICATION) -> list[list[Say]]:
    return [[Say(identification)], *([Say(block, speed)] for block in blocks)]


async def read(
    line: MemoryLine, manners: Manners = MANNERS, conduct: Conduct | None = None, t2: float = 0.2
) -> DataBlock:
    dialogue = Dialogue(line, manners)
    async with signed_on(dialogue) as identification:
        return await dialogue.read_out(identification, conduct or Conduct(identification.mode), t2)


def said(line: MemoryLine) -> list[tuple[float, bytes, int]]:
    return [(round(moment, 4), without_parity(octets), speed) for moment, octets, speed in line.sent]


def words(line: MemoryLine) -> list[bytes]:
    return [octets for _, octets, _ in said(line)]


def after(*octets: bytes, pauses: float) -> float:
    """The moment when these were said at 300 Bd, with so many seconds of pauses between them."""
    return round(wire_time(len(b"".join(octets)), 300) + pauses, 4)


# Each octet at its moment


async def test_mode_c_acknowledges_t2_after_the_identification_then_follows_the_speed() -> None:
    line = MemoryLine(Script(*mode_c(BLOCK)))
    block = await read(line, t2=0.3)
    select = after(REQUEST, IDENTIFICATION, pauses=0.2 + 0.2 + 0.3)
    assert said(line) == [(0.2, REQUEST, 300), (select, b"\x06050\r\n", 300)]
    assert block == DataBlock(BODY)
    assert {speed for moment, _, speed in line.received if moment > select} == {9600}
    assert line.speed == 300


@pytest.mark.parametrize("poll_delay", [0.02, 0.2, 1.7])
async def test_the_sign_on_waits_for_poll_delay_of_silence(poll_delay: float) -> None:
    line = MemoryLine(Script(*mode_c(BLOCK)))
    await read(line, Manners("41770326", poll_delay, 2.5))
    assert said(line)[0][0] == poll_delay


async def test_a_late_octet_begins_the_silence_before_the_sign_on_anew() -> None:
    bus = Script(*mode_c(BLOCK))
    bus._transmissions.append(bus._transmission(0.1, b"\xff", 300))
    line = MemoryLine(bus)
    await read(line)
    assert said(line)[0] == (after(b"\xff", pauses=0.1 + 0.2), REQUEST, 300)


async def test_what_has_arrived_long_after_the_last_word_is_no_part_of_the_next_answer() -> None:
    late = b"/XMP5LATE\r\n"
    bus = Script(*mode_c(BLOCK))
    bus._transmissions.append(bus._transmission(0.0, with_even_parity(late), 9600))
    line = MemoryLine(bus)
    await anyio.sleep(3.0)
    dialogue = Dialogue(line, MANNERS)
    async with signed_on(dialogue) as identification:
        assert identification.text == "VERBA-3.1"


@pytest.mark.parametrize("seconds", [0.5, 2.5, 10.0])
async def test_the_wait_for_the_first_octet_is_exact(seconds: float) -> None:
    line = MemoryLine(Script())
    with pytest.raises(NoAnswer) as silent:
        await read(line, Manners("41770326", 0.2, seconds))
    assert round(anyio.current_time(), 4) == after(REQUEST, pauses=0.2 + seconds)
    assert (silent.value.code, "/?41770326!" in silent.value.what) == ("E-READ-1", True)


@pytest.mark.parametrize("before", [b"\xff", REQUEST])
async def test_noise_or_an_echo_does_not_shorten_the_wait_for_the_first_octet(before: bytes) -> None:
    late = 2.4 - wire_time(len(before), 300)
    line = MemoryLine(Script([Say(before, pause=0), Say(IDENTIFICATION, pause=late)], [Say(BLOCK, 9600)]))
    assert (await read(line)).body == BODY


async def test_a_scaled_line_divides_every_time() -> None:
    line = MemoryLine(Script(*mode_c(BLOCK), time_scale=10))
    await read(line, t2=0.3)
    select = (0.7 + wire_time(len(REQUEST + IDENTIFICATION), 300)) / 10
    assert [moment for moment, _, _ in said(line)] == [0.02, round(select, 4)]


async def test_wake_up_sends_nulls_for_2_2_s_then_pauses_1_6_s() -> None:
    line = MemoryLine(Script([], *mode_c(BLOCK)))
    await read(line, Manners("41770326", 0.2, 2.5, wakes_up=True))
    assert said(line)[:2] == [(0.2, bytes(66), 300), (0.2 + 2.2 + 1.6, REQUEST, 300)]


# Modes, with the speed that follows


async def test_mode_a_stays_and_says_nothing_but_its_sign_on() -> None:
    line = MemoryLine(Script([Say(b"/XMP HZ-4\r\n"), Say(BLOCK)]))
    assert (await read(line)).body == BODY
    assert words(line) == [REQUEST]


async def test_mode_b_follows_the_speed_of_the_identification_unasked() -> None:
    line = MemoryLine(Script([Say(b"/XMPEVERBA-B\r\n"), Say(BLOCK, 9600, 0.02)]))
    assert (await read(line)).body == BODY
    assert (words(line), line.speed) == ([REQUEST], 300)


async def test_mode_b_on_a_line_that_cannot_follow_is_refused_and_the_meter_freed() -> None:
    line = MemoryLine(Script([Say(b"/XMPEVERBA-B\r\n")]), can_change_speed=False)
    with pytest.raises(Refused) as refused:
        await read(line)
    assert (refused.value.code, words(line)) == ("E-READ-11", [REQUEST, BREAK])


async def test_mode_b_is_read_where_the_far_end_is_faster_than_the_line_was_said_to_be() -> None:
    line = MemoryLine(Script([Say(b"/XMPEVERBA-B\r\n"), Say(BLOCK)]), can_change_speed=False)
    assert (await read(line)).body == BODY


async def test_mode_b_at_the_speed_of_a_fixed_line_is_read() -> None:
    far_end = Script([Say(b"/XMPEVERBA-B\r\n", 9600), Say(BLOCK, 9600)])
    line = MemoryLine(far_end, speed=9600, can_change_speed=False)
    assert (await read(line)).body == BODY


@pytest.mark.parametrize(("max_speed", "character", "speed"), [(9600, b"5", 9600), (4800, b"0", 300)])
async def test_a_ceiling_below_the_offer_keeps_the_speed(max_speed: int, character: bytes, speed: int) -> None:
    line = MemoryLine(Script(*mode_c(BLOCK, speed=speed)))
    assert (await read(line, Manners("41770326", 0.2, 2.5, max_speed=max_speed))).body == BODY
    assert words(line)[1] == b"\x060" + character + b"0\r\n"


@pytest.mark.parametrize(("offer", "character"), [(b"5", b"5"), (b"6", b"0"), (b"0", b"0"), (b"9", b"0")])
async def test_a_fixed_line_accepts_only_the_offer_that_is_its_own_speed(offer: bytes, character: bytes) -> None:
    identification = IDENTIFICATION.replace(b"P5", b"P" + offer)
    far_end = Script([Say(identification, 9600)], [Say(BLOCK, 9600)])
    line = MemoryLine(far_end, speed=9600, can_change_speed=False)
    assert (await read(line)).body == BODY
    assert words(line)[1] == b"\x060" + character + b"0\r\n"


async def test_a_profile_may_name_the_character_and_the_option() -> None:
    line = MemoryLine(Script(*mode_c(BLOCK, speed=300)))
    await read(line, conduct=Conduct(Mode.C, option="6", speed_character="3"))
    assert words(line)[1] == b"\x06036\r\n"


async def test_mode_e_is_refused_and_the_meter_freed() -> None:
    line = MemoryLine(Script(*mode_c()))
    with pytest.raises(Refused) as refused:
        await read(line, conduct=Conduct(Mode.E))
    assert (refused.value.code, words(line)) == ("E-READ-2", [REQUEST, BREAK])


async def test_a_meter_that_offers_hdlc_but_no_readout_speaks_dlms_only() -> None:
    with pytest.raises(Refused) as refused:
        await read(MemoryLine(Script(*mode_c(identification=b"/XMP5\\2VERBA-3.1\r\n"))))
    assert refused.value.code == "E-READ-2"


async def test_silence_after_the_speed_change_names_the_speed() -> None:
    with pytest.raises(NoAnswer, match="9600 Bd") as silent:
        await read(MemoryLine(Script(*mode_c())))
    assert silent.value.code == "E-READ-5"


# What meters do instead of what the flow charts say


async def test_a_meter_that_says_c_but_sends_its_data_unasked_gets_no_option_select() -> None:
    line = MemoryLine(Script([Say(IDENTIFICATION), Say(BLOCK, pause=0.1)]))
    assert (await read(line, t2=0.3)).body == BODY
    assert words(line) == [REQUEST]


async def test_noise_before_the_option_select_does_not_suppress_it() -> None:
    line = MemoryLine(Script([Say(IDENTIFICATION), Say(b"\xff\x00", pause=0.05)], [Say(BLOCK, 9600)]))
    assert (await read(line, t2=0.3)).body == BODY
    assert said(line)[1] == (after(REQUEST, IDENTIFICATION, pauses=0.7), b"\x06050\r\n", 300)


@pytest.mark.parametrize("pause", [0.0, 0.1])
async def test_a_second_identification_begins_t2_anew(pause: float) -> None:
    line = MemoryLine(Script([Say(IDENTIFICATION), Say(IDENTIFICATION, pause=pause)], [Say(BLOCK, 9600)]))
    assert (await read(line)).body == BODY
    assert said(line)[1] == (after(REQUEST, IDENTIFICATION * 2, pauses=0.6 + pause), b"\x06050\r\n", 300)


async def test_a_second_identification_before_unasked_data_is_passed_over() -> None:
    line = MemoryLine(Script([Say(b"/XMP HZ-4\r\n"), Say(b"/XMP HZ-4\r\n", pause=0.1), Say(BLOCK)]))
    assert (await read(line)).body == BODY


async def test_every_message_may_come_back_as_an_echo() -> None:
    far_end = Script(
        [Say(REQUEST, pause=0), Say(IDENTIFICATION)],
        [Say(b"\x06050\r\n", pause=0), Say(BAD_BLOCK, 9600)],
        [Say(b"\x15", 9600, 0), Say(BLOCK, 9600)],
    )
    line = MemoryLine(far_end)
    assert (await read(line)).body == BODY


async def test_a_bare_block_ends_by_silence() -> None:
    line = MemoryLine(Script([Say(b"/XMP WZ-1\r\n"), Say(BODY)]))
    assert await read(line) == DataBlock(BODY, framed=False)
    assert round(anyio.current_time(), 4) == after(REQUEST, b"/XMP WZ-1\r\n", BODY, pauses=0.2 + 0.2 + 0.2 + 0.2)


# Damage


async def test_a_damaged_block_is_asked_for_again_after_t_r_of_silence() -> None:
    line = MemoryLine(Script(*mode_c(BAD_BLOCK, BLOCK)))
    assert (await read(line)).body == BODY
    end_of_bad = line.sent[1][0] + wire_time(6, 300) + 0.2 + wire_time(len(BAD_BLOCK), 9600)
    assert said(line)[2] == (round(end_of_bad + 0.2, 4), b"\x15", 9600)


async def test_two_repeats_are_the_most() -> None:
    line = MemoryLine(Script(*mode_c(BAD_BLOCK, BAD_BLOCK, BAD_BLOCK, BLOCK)))
    with pytest.raises(Garbled) as damage:
        await read(line)
    assert damage.value.code == "E-READ-6"
    assert words(line)[2:] == [b"\x15", b"\x15"]


async def test_a_block_that_broke_off_is_asked_for_again_after_the_longest_gap() -> None:
    line = MemoryLine(Script(*mode_c(BLOCK[:40], BLOCK)))
    assert (await read(line)).body == BODY
    cut = line.sent[1][0] + wire_time(6, 300) + 0.2 + wire_time(40, 9600)
    assert said(line)[2] == (round(cut + 1.5 + 0.001, 4), b"\x15", 9600)


async def test_a_meter_that_does_not_repeat_is_told_by_its_damage() -> None:
    line = MemoryLine(Script(*mode_c(BLOCK[:40])))
    with pytest.raises(Garbled) as damage:
        await read(line)
    assert (damage.value.code, damage.value.octets) == ("E-READ-10", with_even_parity(BLOCK[:40]))
    assert words(line)[2:] == [b"\x15"]


@pytest.mark.parametrize(
    ("octets", "check"),
    [
        (BODY[:30], BlockCheck.XOR),
        (with_even_parity(BODY).replace(b"\xb2", b"\x32", 1), BlockCheck.XOR),
        (BLOCK[:40], BlockCheck.NONE),
    ],
    ids=["bare and cut", "bare with wrong parity", "cut without check"],
)
async def test_nothing_without_a_check_is_asked_for_again(octets: bytes, check: BlockCheck) -> None:
    line = MemoryLine(Script([Say(b"/XMP WZ-1\r\n"), Say(octets)]))
    with pytest.raises(Garbled):
        await read(line, conduct=Conduct(Mode.A, check))
    assert words(line) == [REQUEST, BREAK]


async def test_octets_that_are_no_identification_are_the_evidence() -> None:
    line = MemoryLine(Script([Say(b"\x2f\x4c\x47")]))
    with pytest.raises(Garbled) as damage:
        await read(line)
    assert (damage.value.code, damage.value.what[-8:]) == ("E-READ-4", "AF CC 47")


async def test_each_message_that_cannot_be_taken_is_counted_and_each_step_told() -> None:
    line, steps, damages = MemoryLine(Script(*mode_c(BAD_BLOCK, BLOCK))), list[Step](), list[MeterError]()
    dialogue = Dialogue(line, MANNERS, steps.append, damages.append)
    async with signed_on(dialogue) as identification:
        await dialogue.read_out(identification, Conduct(Mode.C), 0.2)
    assert steps == [Step.SIGN_ON, Step.SPEED_CHANGE, Step.READOUT]
    assert [damage.code for damage in damages] == ["E-READ-6"]


async def test_the_sign_on_of_a_second_reader_is_out_of_turn() -> None:
    with pytest.raises(OutOfTurn):
        await read(MemoryLine(Script([Say(b"/?00000001!\r\n")])))


async def test_a_meter_that_breaks_off_in_place_of_its_data_has_refused() -> None:
    with pytest.raises(Refused) as refused:
        await read(MemoryLine(Script(*mode_c(BREAK))))
    assert refused.value.code == "E-READ-9"


async def test_a_talker_that_never_stops_is_named() -> None:
    bus = Script()
    bus._transmissions.append(bus._transmission(0.0, b"U" * 600, 300))
    with pytest.raises(Garbled, match="never silent"):
        await read(MemoryLine(bus))
    assert anyio.current_time() == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize(
    "turns",
    [
        [[Say(b"x", pause=1)] * 1000],
        [[Say(IDENTIFICATION, pause=0.05)] * 1000],
        [[Say(IDENTIFICATION)], [Say(b"\x02", 9600), *[Say(b"x", 9600, pause=1)] * 1000]],
    ],
    ids=["octets", "identifications", "block"],
)
async def test_a_far_end_that_drips_for_ever_is_given_up(turns: list[list[Say]]) -> None:
    with pytest.raises(Garbled, match="no end after") as garbled:
        await read(MemoryLine(Script(*turns)))
    assert garbled.value.code == "E-READ-7"
    assert anyio.current_time() < 80


async def test_a_long_block_on_a_slow_wire_is_no_drip() -> None:
    body = b"1.8.0(0012345.678*kWh)\r\n" * 1000 + b"!\r\n"
    line = MemoryLine(Script([Say(b"/XMP VERBA\r\n"), Say(encode(DataBlock(body)))]))
    assert await read(line) == DataBlock(body)
    assert anyio.current_time() > 800


# Leaving


async def test_a_break_waits_for_silence_before_it_and_for_the_meters_own_break_after_it() -> None:
    line = MemoryLine(Script([Say(IDENTIFICATION)], [Say(BREAK, pause=0.1)]))
    with pytest.raises(ValueError, match="no profile"):
        async with signed_on(Dialogue(line, MANNERS)):
            raise ValueError("no profile")
    identified = after(REQUEST, IDENTIFICATION, pauses=0.4)
    assert said(line)[1] == (round(identified + 0.2, 4), BREAK, 300)
    assert without_parity(b"".join(octets for _, octets, _ in line.received)).endswith(BREAK)


CANCELLATIONS = [n * 0.0173 for n in range(1, 140)]  # seconds: a session of these takes 2.2 s


@pytest.mark.parametrize("identification", [IDENTIFICATION, b"/XMPEVERBA-B\r\n"])
async def test_cancelled_at_any_moment_a_session_is_left_as_its_state_wants(identification: bytes) -> None:
    left_by_break = 0
    for seconds in CANCELLATIONS:
        is_b = identification[4:5] == b"E"
        turns = [[Say(identification), Say(BLOCK, 9600, 0.2)]] if is_b else mode_c(BLOCK)
        line = MemoryLine(Script(*turns))
        dialogue, begin = Dialogue(line, MANNERS), anyio.current_time()
        state = State.IDLE
        with anyio.move_on_after(seconds) as limit:
            async with signed_on(dialogue) as found:
                try:
                    await dialogue.read_out(found, Conduct(found.mode), 0.2)
                finally:
                    state = dialogue.session.state
        assert line.octets_sent == sum(len(octets) for _, octets, _ in line.sent), seconds
        assert line.speed == 300
        assert anyio.current_time() - begin < seconds + 1.8
        breaks = [speed for _, word, speed in said(line) if word == BREAK]
        is_waiting = limit.cancelled_caught and state is State.IDENTIFIED
        assert breaks == ([9600 if is_b else 300] if is_waiting else []), seconds
        left_by_break += is_waiting
    assert 0 < left_by_break < len(CANCELLATIONS)


async def test_a_silent_mode_b_meter_is_freed_at_the_speed_that_it_has_changed_to() -> None:
    line = MemoryLine(Script([Say(b"/XMPEVERBA-B\r\n")]))
    with pytest.raises(NoAnswer):
        await read(line)
    assert [(word, speed) for _, word, speed in said(line)] == [(REQUEST, 300), (BREAK, 9600)]
    assert line.speed == 300


@pytest.mark.real_time
def test_an_asyncio_program_can_read_a_meter_too() -> None:
    async def one() -> DataBlock:
        return await read(MemoryLine(Script(*mode_c(BLOCK), time_scale=100)))

    assert anyio.run(one, backend="asyncio") == DataBlock(BODY)
