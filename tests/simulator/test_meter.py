"""The simulated meter by the octets it hears and says."""

from collections.abc import Mapping

import pytest

from gateway.protocol.characters import BlockCheck, Mode, parity_errors, with_even_parity, without_parity
from gateway.protocol.parse import data_block
from gateway.simulator import AddressRule, Answer, Fault, Nameplate, SimulatedMeter, StillRegister

XOR = BlockCheck.XOR
SIGN_ON = b"/?41770326!\r\n"
X1_BLOCK = b"\x02F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n\x03\x5e"
X1_REGISTERS = (
    StillRegister("F.F", "00000000"),
    StillRegister("0.0.0", "41770326"),
    StillRegister("1.8.0", "0012345.678*kWh"),
)


def plate(  # noqa: PLR0913 - the facts of a meter
    mode: Mode = Mode.C,
    speed_character: str = "5",
    model: str = "VERBA-3.1",
    registers: tuple[StillRegister, ...] = X1_REGISTERS,
    *,
    serial: str = "41770326",
    manufacturer: str = "XMP",
    framed: bool = True,
    glued: bool = False,
    check: BlockCheck = XOR,
    rule: AddressRule = AddressRule.STRIP_ZEROS,
    faults: Mapping[Fault, float] | None = None,
) -> Nameplate:
    return Nameplate(
        serial,
        mode,
        manufacturer,
        model,
        registers,
        speed_character,
        (),
        check,
        framed,
        glued,
        rule,
        None,
        faults or {},
    )


class Reader:
    """Speaks to one meter; the clock runs by the wire time of all that is said."""

    def __init__(self, nameplate: Nameplate, *, has_parity: bool = False, seed: str = "") -> None:
        self.meter = SimulatedMeter(nameplate, has_parity=has_parity, seed=seed)
        self.clock = 0.0

    def say(self, octets: bytes, speed: int = 300, wait: float = 0.2) -> tuple[Answer, ...]:
        begin = self.clock + wait
        end = begin + len(octets) * 10 / speed
        answers = self.meter.hear(octets, speed, begin, end)
        self.clock = end + sum(answer.pause + len(answer.octets) * 10 / answer.speed for answer in answers)
        return answers


def test_mode_c_reads_out_at_the_offered_speed_as_in_x1() -> None:
    reader = Reader(plate())
    assert reader.say(SIGN_ON) == (Answer(b"/XMP5VERBA-3.1\r\n", 0.2, 300),)
    assert reader.say(b"\x06050\r\n") == (Answer(X1_BLOCK, 0.2, 9600),)


def test_mode_c_stays_at_the_opening_speed_for_z_0_as_in_x2() -> None:
    reader = Reader(plate(manufacturer="XMp", registers=X1_REGISTERS[2:]))
    assert reader.say(b"/?!\r\n") == (Answer(b"/XMp5VERBA-3.1\r\n", 0.02, 300),)
    assert reader.say(b"\x06000\r\n") == (Answer(b"\x021.8.0(0012345.678*kWh)\r\n!\r\n\x03\x42", 0.02, 300),)


def test_another_speed_than_the_offered_leaves_the_meter_at_its_opening_speed() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    assert reader.say(b"\x06040\r\n")[0].speed == 300


def test_a_repeat_request_brings_the_same_block_as_in_x3() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    first = reader.say(b"\x06050\r\n")
    assert reader.say(b"\x15", 9600) == first
    assert reader.say(b"\x15", 9600) == first


def test_a_repeat_request_before_the_option_select_brings_the_identification() -> None:
    reader = Reader(plate())
    first = reader.say(SIGN_ON)
    assert reader.say(b"\x15") == first


def test_mode_a_sends_its_block_unasked_at_the_same_speed_as_in_x4() -> None:
    registers = (
        StillRegister("0.0", "00771204"),
        StillRegister("6.8", "00391.46*GJ"),
        StillRegister("6.26", "02114.83*m3"),
    )
    reader = Reader(plate(Mode.A, " ", "HZ-4", registers, serial="00771204"))
    assert reader.say(b"/?!\r\n") == (
        Answer(b"/XMP HZ-4\r\n", 0.2, 300),
        Answer(b"\x020.0(00771204)\r\n6.8(00391.46*GJ)\r\n6.26(02114.83*m3)\r\n!\r\n\x03\x61", 0.2, 300),
    )


def test_a_bare_block_has_neither_stx_nor_check_as_in_x5() -> None:
    reader = Reader(plate(Mode.A, " ", "WZ-1", (StillRegister("8.1", "00117.402*m3"),), framed=False))
    assert reader.say(SIGN_ON)[1].octets == b"8.1(00117.402*m3)\r\n!\r\n"


def test_mode_b_changes_its_speed_unasked_as_in_x6() -> None:
    reader = Reader(plate(Mode.B, "E", "VERBA-B", (StillRegister("1.8.0", "0004177.0*kWh"),)))
    assert reader.say(SIGN_ON) == (
        Answer(b"/XMPEVERBA-B\r\n", 0.2, 300),
        Answer(b"\x021.8.0(0004177.0*kWh)\r\n!\r\n\x03\x4f", 0.2, 9600),
    )
    assert reader.say(b"\x15", 9600)[0].speed == 9600
    assert reader.say(SIGN_ON)[0].speed == 300


def test_a_glued_end_mark_follows_the_last_bracket() -> None:
    assert plate(registers=X1_REGISTERS[2:], glued=True).block() == b"1.8.0(0012345.678*kWh)!\r\n"


def test_the_sum_check_is_made_where_the_meter_has_it() -> None:
    reader = Reader(plate(check=BlockCheck.SUM7))
    reader.say(SIGN_ON)
    block = reader.say(b"\x06050\r\n")[0].octets
    assert block[-1] == sum(block[1:-1]) % 128


@pytest.mark.parametrize(
    ("rule", "address", "answers"),
    [
        (AddressRule.STRIP_ZEROS, "0041770326", True),
        (AddressRule.STRIP_ZEROS, "41770327", False),
        (AddressRule.STRIP_ZEROS, "", True),
        (AddressRule.EXACT, "0041770326", False),
        (AddressRule.EXACT, "41770326", True),
        (AddressRule.EXACT, "", True),
        (AddressRule.IGNORE, "99", True),
    ],
)
def test_the_address_rule_decides_which_sign_on_is_answered(rule: AddressRule, address: str, *, answers: bool) -> None:
    assert bool(Reader(plate(rule=rule)).say(f"/?{address}!\r\n".encode())) is answers


def test_a_sign_on_of_another_dialect_is_not_answered() -> None:
    assert Reader(plate()).say(b"/#41770326!\r\n") == ()


def test_a_sign_on_to_another_meter_ends_the_session() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    assert reader.say(b"/?41770327!\r\n") == ()
    assert reader.say(b"\x06050\r\n") == ()


def test_a_break_ends_the_session() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    assert reader.say(b"\x01B0\x03\x71") == ()
    assert reader.say(b"\x06050\r\n") == ()


def test_a_break_right_before_a_sign_on_hides_it_not() -> None:
    assert len(Reader(plate()).say(b"\x01B0\x03\x71" + SIGN_ON)) == 1


def test_an_option_select_that_comes_too_late_is_not_answered() -> None:
    in_time, late = Reader(plate()), Reader(plate())
    in_time.say(SIGN_ON)
    late.say(SIGN_ON)
    assert in_time.say(b"\x06050\r\n", wait=2.1)
    assert late.say(b"\x06050\r\n", wait=2.3) == ()
    assert late.say(SIGN_ON)


def test_programming_mode_is_not_answered() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    assert reader.say(b"\x06051\r\n") == ()


def test_octets_at_another_speed_are_not_understood() -> None:
    reader = Reader(plate())
    assert reader.say(SIGN_ON, 9600) == ()
    assert len(reader.say(SIGN_ON)) == 1
    assert reader.say(b"\x06050\r\n", 9600) == ()


def test_a_message_may_come_octet_by_octet() -> None:
    reader = Reader(plate())
    answers = [reader.say(bytes((octet,)), wait=0.0) for octet in SIGN_ON]
    assert [len(answer) for answer in answers] == [0] * (len(SIGN_ON) - 1) + [1]


def test_the_halves_of_a_message_with_a_long_gap_are_forgotten() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON[:5])
    assert reader.say(SIGN_ON[5:], wait=1.6) == ()


def test_a_meter_hears_nothing_while_it_speaks() -> None:
    reader = Reader(plate())
    reader.say(SIGN_ON)
    assert reader.say(SIGN_ON, wait=-0.3) == ()


def test_on_a_parity_wire_plain_characters_are_not_understood() -> None:
    reader = Reader(plate(), has_parity=True)
    assert reader.say(SIGN_ON) == ()
    (answer,) = reader.say(with_even_parity(SIGN_ON))
    assert answer.octets == with_even_parity(b"/XMP5VERBA-3.1\r\n")


def fault(which: Fault, *, has_parity: bool = False, seed: str = "") -> Reader:
    return Reader(plate(faults={which: 1.0}), has_parity=has_parity, seed=seed)


def test_a_silent_meter_never_answers() -> None:
    assert fault(Fault.SILENT).say(SIGN_ON) == ()


def test_a_meter_that_ignores_addresses_answers_any() -> None:
    assert fault(Fault.IGNORES_ADDRESS).say(b"/?1!\r\n")


def test_a_slow_meter_reacts_late_yet_before_usual_time_outs() -> None:
    assert 1.2 <= fault(Fault.SLOW).say(SIGN_ON)[0].pause <= 2.4


def test_a_bad_check_leaves_the_data_as_it_is() -> None:
    reader = fault(Fault.BAD_CHECK)
    reader.say(SIGN_ON)
    block = reader.say(b"\x06050\r\n")[0].octets
    assert block[:-1] == X1_BLOCK[:-1]
    assert block[-1] != X1_BLOCK[-1]


def test_a_cut_meter_stops_within_its_data() -> None:
    reader = fault(Fault.CUT)
    assert reader.say(SIGN_ON)[0].octets == b"/XMP5VERBA-3.1\r\n"
    block = reader.say(b"\x06050\r\n")[0].octets
    assert 0 < len(block) < len(X1_BLOCK)
    assert X1_BLOCK.startswith(block)


@pytest.mark.parametrize("seed", [str(number) for number in range(40)])
def test_noise_on_a_parity_wire_shows_in_parity_or_stands_in_front(seed: str) -> None:
    reader = fault(Fault.NOISE, has_parity=True, seed=seed)
    heard = Reader(plate(), has_parity=True).say(with_even_parity(SIGN_ON))[0].octets
    noisy = reader.say(with_even_parity(SIGN_ON))[0].octets
    assert noisy != heard
    assert noisy.endswith(heard) or (len(noisy) == len(heard) and parity_errors(noisy) == 1)


@pytest.mark.parametrize("seed", [str(number) for number in range(40)])
def test_noise_on_a_plain_wire_flips_only_what_the_check_covers(seed: str) -> None:
    reader = fault(Fault.NOISE, seed=seed)
    assert reader.say(SIGN_ON)[0].octets.endswith(b"/XMP5VERBA-3.1\r\n")
    noisy = reader.say(b"\x06050\r\n")[0].octets
    assert noisy != X1_BLOCK
    flipped = [one ^ other for one, other in zip(noisy, X1_BLOCK, strict=True)] if len(noisy) == len(X1_BLOCK) else []
    assert noisy.endswith(X1_BLOCK) or sum(bits.bit_count() for bits in flipped) == 1


def test_equal_seeds_make_equal_faults() -> None:
    def said(seed: str) -> list[bytes]:
        reader = Reader(plate(faults={Fault.NOISE: 0.5, Fault.CUT: 0.3}), seed=seed)
        return [
            answer.octets for _ in range(20) for octets in (SIGN_ON, b"\x06050\r\n") for answer in reader.say(octets)
        ]

    assert said("a") == said("a")
    assert said("a") != said("b")


def test_a_rate_is_the_share_of_messages_that_are_hit() -> None:
    reader = Reader(plate(faults={Fault.BAD_CHECK: 0.25}))
    blocks = []
    for _ in range(400):
        reader.say(SIGN_ON)
        blocks.append(reader.say(b"\x06050\r\n")[0].octets)
    assert 60 < sum(block != X1_BLOCK for block in blocks) < 140


def test_what_a_meter_says_is_what_a_reader_can_check() -> None:
    reader = Reader(plate(), has_parity=True)
    reader.say(with_even_parity(SIGN_ON))
    block = without_parity(reader.say(with_even_parity(b"\x06050\r\n"))[0].octets)
    assert data_block(block, XOR).body == plate().block()


def test_time_scale_divides_reaction_times_and_patience() -> None:
    meter = SimulatedMeter(plate(), has_parity=False, time_scale=10.0)
    assert meter.hear(SIGN_ON, 300, 0.0, 0.1)[0].pause == pytest.approx(0.02)
    assert meter.hear(b"\x06050\r\n", 300, 0.7, 0.72) == ()
