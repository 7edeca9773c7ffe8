"""Lines on which meters push: octets in, telegrams out."""

import itertools
import random
from collections.abc import Iterable, Sequence

import pytest
from attrs import evolve

from gateway.protocol.characters import BlockCheck, ReceivedParity, with_even_parity
from gateway.protocol.check import CheckKind, crc16
from gateway.protocol.datablock import BLOCK_LIMIT, LINE_LIMIT, DataSet
from gateway.protocol.dropped import Damage, Dropped
from gateway.protocol.messages import Identification
from gateway.protocol.push import NOISE_LINE_LIMIT, SENDERS_LIMIT, PushStream
from gateway.protocol.pushed import PushedTelegram, encode_pushed

# protocol.md 13: the octets of X16 and X17 as it prints them.
X16 = bytes.fromhex(
    "2F 58 4D 50 33 57 41 53 53 45 52 31 0D 0A 0D 0A"
    "02 38 2E 31 28 30 30 31 31 37 2E 34 30 32 2A 6D 33 29 0D 0A 21 0D 0A 03 5F"
)
X17 = bytes.fromhex(
    """
    2F 58 4D 50 35 5C 32 47 41 54 45 35 30 30 0D 0A 0D 0A 31 2D 33 3A 30 2E
    32 2E 38 28 35 30 29 0D 0A 30 2D 30 3A 31 2E 30 2E 30 28 32 36 30 33 30
    31 31 34 33 30 30 30 57 29 0D 0A 31 2D 30 3A 31 2E 38 2E 31 28 30 30 31
    32 33 34 2E 35 36 37 2A 6B 57 68 29 0D 0A 21 39 33 31 37 0D 0A
    """
)
WATER = PushedTelegram(Identification("XMP", "3", "WASSER1"), b"8.1(00117.402*m3)\r\n!\r\n", CheckKind.XOR, framed=True)
GATE = PushedTelegram(
    Identification("XMP", "5", "GATE500", ("2",)),
    b"1-3:0.2.8(50)\r\n0-0:1.0.0(260301143000W)\r\n1-0:1.8.1(001234.567*kWh)\r\n!\r\n",
    CheckKind.CRC16,
)
# A household meter that pushes without STX, ETX, check.
BARE = PushedTelegram(Identification("XMP", "5", "HAUS-1"), b"0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n")
EXAMPLES = {"X16": (X16, WATER), "X17": (X17, GATE), "bare": (encode_pushed(BARE), BARE)}

Heard = PushedTelegram | Dropped


def heard(octets: bytes, stream: PushStream | None = None) -> list[Heard]:
    """What one chunk and the silence after it give."""
    stream = stream or PushStream()
    return stream.hear(octets) + stream.quiet()


def chunked(chunks: Iterable[bytes]) -> list[Heard]:
    stream = PushStream()
    return [one for chunk in chunks for one in stream.hear(chunk)] + stream.quiet()


def damages(found: Sequence[Heard]) -> list[Damage]:
    return [one.damage for one in found if isinstance(one, Dropped)]


def telegrams(found: Sequence[Heard]) -> list[PushedTelegram]:
    return [one for one in found if isinstance(one, PushedTelegram)]


def gate(energy: str = "001234.567", stamp: str = "260301143000W") -> bytes:
    body = f"1-3:0.2.8(50)\r\n0-0:1.0.0({stamp})\r\n1-0:1.8.1({energy}*kWh)\r\n!\r\n".encode()
    return encode_pushed(evolve(GATE, body=body))


# The examples of protocol.md 13


@pytest.mark.parametrize("name", EXAMPLES)
def test_x16_and_x17_are_what_the_tariff_device_sends(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    assert encode_pushed(telegram) == octets


@pytest.mark.parametrize("name", EXAMPLES)
def test_x16_and_x17_are_heard_whole(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    assert heard(octets) == [telegram]


@pytest.mark.parametrize("name", EXAMPLES)
def test_x16_and_x17_are_heard_byte_by_byte(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    assert chunked(octets[n : n + 1] for n in range(len(octets))) == [telegram]


@pytest.mark.parametrize("name", EXAMPLES)
def test_x16_and_x17_are_heard_split_at_every_position(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    for place in range(len(octets) + 1):
        assert chunked((octets[:place], octets[place:])) == [telegram]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("trailing", [b"\x00\x7f", b"\r\n", b"/XM", b"noise", X17[:50]])
def test_x16_and_x17_are_heard_with_trailing_data(name: str, trailing: bytes) -> None:
    octets, telegram = EXAMPLES[name]
    assert PushStream().hear(octets + trailing) == [telegram]


@pytest.mark.parametrize("name", EXAMPLES)
def test_x16_and_x17_are_heard_as_7e1_through_an_8n1_port(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    (found,) = telegrams(heard(with_even_parity(octets)))
    assert found == telegram
    assert found.parity is ReceivedParity.PRESENT


def test_the_data_sets_of_x17_come_in_the_order_of_the_wire() -> None:
    (telegram,) = telegrams(heard(X17))
    assert telegram.sets == (
        DataSet("1-3:0.2.8", ("50",)),
        DataSet("0-0:1.0.0", ("260301143000W",)),
        DataSet("1-0:1.8.1", ("001234.567*kWh",)),
    )
    assert telegram.values == ("50", "260301143000W", "001234.567*kWh")


# The forms that occur


def test_a_telegram_without_the_empty_line_is_heard_as_such() -> None:
    octets = X17.replace(b"\r\n\r\n", b"\r\n")[:-6] + b"%04X\r\n"
    octets %= crc16(octets[: octets.index(b"!") + 1])
    assert heard(octets) == [evolve(GATE, has_empty_line=False)]


def test_a_block_without_check_character_ends_by_its_etx() -> None:
    bare_block = evolve(WATER, check=CheckKind.NONE)
    octets = encode_pushed(bare_block)
    assert octets.endswith(b"!\r\n\x03")
    assert PushStream(lambda _: BlockCheck.NONE).hear(octets) == [bare_block]


def test_a_block_with_the_sum_check_is_checked_by_it() -> None:
    summed = evolve(WATER, check=CheckKind.SUM7)
    assert PushStream(lambda _: BlockCheck.SUM7).hear(encode_pushed(summed)) == [summed]
    assert damages(heard(encode_pushed(summed))) == [Damage.CHECK]


def test_the_check_of_a_block_is_that_of_its_identification() -> None:
    checks = {WATER.identification: BlockCheck.SUM7}
    stream = PushStream(lambda identification: checks.get(identification, BlockCheck.XOR))
    other = evolve(WATER, identification=Identification("XKV", "3", "W"))
    octets = encode_pushed(evolve(WATER, check=CheckKind.SUM7)) + encode_pushed(other)
    assert [telegram.check for telegram in telegrams(stream.hear(octets))] == [CheckKind.SUM7, CheckKind.XOR]


@pytest.mark.parametrize("character", range(128))
def test_a_check_character_may_be_any_character(character: int) -> None:
    texts = (
        bytes(pair)
        for pair in itertools.product(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", repeat=2)
    )
    blocks = (evolve(WATER, body=b"8.1(%b)\r\n!\r\n" % text) for text in texts)
    telegram = next(block for block in blocks if encode_pushed(block)[-1] == character)
    octets = encode_pushed(telegram)
    assert heard(octets * 2) == chunked([octets, octets]) == [telegram] * 2


def test_a_crc_may_be_printed_without_its_leading_zero() -> None:
    octets = next(
        octets for octets in map(gate, map("{:010.3f}".format, range(0, 999_999, 977))) if octets[-6:-5] == b"0"
    )
    assert heard(octets[:-6] + octets[-5:]) == heard(octets)


def test_a_crc_may_be_printed_in_small_letters() -> None:
    octets = next(
        octets for octets in map(gate, map("{:010.3f}".format, range(0, 999_999, 977))) if octets[-6:-2].isalpha()
    )
    assert heard((octets[:-6] + octets[-6:].lower()) * 4) == heard(octets) * 4


def test_a_crc_may_lack_its_line_end() -> None:
    assert heard(X17.rstrip() + X17) == [GATE, GATE]


def test_an_end_mark_may_follow_the_last_bracket() -> None:
    glued = evolve(BARE, body=b"1.8.0(0012345.678*kWh)!\r\n")
    assert heard(encode_pushed(glued)) == [glued]


def test_line_feeds_alone_end_lines_where_no_check_covers_them() -> None:
    (telegram,) = telegrams(heard(encode_pushed(BARE).replace(b"\r\n", b"\n")))
    assert telegram.sets == BARE.sets


def test_a_control_character_in_the_identification_is_text() -> None:
    octets = b"/XMp5\x02GATE500\r\n\r\n1-0:1.8.1(001234.567*kWh)\r\n!\r\n"
    (telegram,) = telegrams(heard(octets))
    assert telegram.identification.text == "\x02GATE500"


def test_an_identification_that_stands_twice_is_one_telegram() -> None:
    line = X17[: X17.index(b"\n") + 1]
    assert heard(line + X17) == [GATE]


def test_an_identification_that_is_followed_by_another_one_is_lost() -> None:
    assert damages(heard(b"/XKV5HAUS-2\r\n" + X17)) == []
    assert damages(heard(b"/XKV5HAUS-2\r\n1.8" + X17)) == [Damage.CUT]


@pytest.mark.parametrize("fill", [b"\x00", b"\x7f", b"\r\n", b"\x7f\x00 \t\n" * 400])
def test_fill_before_between_and_within_telegrams_is_no_noise(fill: bytes) -> None:
    stream = PushStream()
    head, data = X16[: X16.index(b"\x02")], X16[X16.index(b"\x02") :]
    assert stream.hear(fill + head + fill + data + fill + X17) == [WATER, GATE]
    assert stream.noise is None


# From anywhere on, one after the other


@pytest.mark.parametrize("name", EXAMPLES)
def test_heard_from_the_middle_on_the_first_telegram_is_dropped_and_told(name: str) -> None:
    octets, telegram = EXAMPLES[name]
    for place in range(1, len(octets)):
        found = heard(octets[place:] + octets)
        assert telegrams(found) == [telegram]
        assert damages(found) in ([Damage.BEGUN_INSIDE], []), place


def test_heard_from_the_middle_on_no_telegram_counts_as_lost() -> None:
    (dropped, *_) = heard(X17[30:] + X17)
    assert isinstance(dropped, Dropped)
    assert not dropped.damage.is_loss
    assert str(dropped).startswith("the line was heard from the middle of a telegram on (")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40, 97, 111, 4096])
def test_telegram_after_telegram_comes_in_any_chunking(size: int) -> None:
    stream = b"".join(gate(f"{number:06}.000") for number in range(12)) + (X16 + encode_pushed(BARE)) * 3
    found = chunked(stream[n : n + size] for n in range(0, len(stream), size))
    assert len(found) == 18
    assert [telegram.values[-1] for telegram in telegrams(found)[:12]] == [f"{n:06}.000*kWh" for n in range(12)]
    assert telegrams(found)[12:] == [WATER, BARE] * 3


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("other", EXAMPLES)
def test_a_telegram_that_broke_off_anywhere_is_not_mixed_with_the_next(name: str, other: str) -> None:
    octets, (following, telegram) = EXAMPLES[name][0], EXAMPLES[other]
    for place in range(1, len(octets) - 2):
        assert telegrams(heard(octets[:place] + following)) == [telegram], place


def test_a_block_without_its_check_character_costs_the_next_telegram_nothing() -> None:
    assert [type(one) for one in heard(X16[:-1] + X16)] == [Dropped, PushedTelegram]


def test_a_telegram_that_broke_off_is_told() -> None:
    found = heard(X17[:60] + X17)
    assert found == [Dropped(Damage.CUT, 60, found[0].evidence if isinstance(found[0], Dropped) else ""), GATE]
    assert str(found[0]).startswith("a telegram that broke off (60 octets: 2F 58 4D 50")


def test_noise_between_telegrams_is_told_with_its_first_octets() -> None:
    found = heard(X17 + b"\xff" * 33 + b"\r\n17\r\n" + X17)
    assert found == [GATE, Dropped(Damage.NOISE, 2, "31 37"), GATE]


def test_a_telegram_without_its_identification_is_lost() -> None:
    assert damages(heard(X17 + X17[1:] + X17)) == [Damage.HEADLESS]


def test_the_rest_of_a_damaged_telegram_is_not_told_again() -> None:
    damaged = X17.replace(b"(50)", b"(\x1050)")
    assert damages(heard(X17 + damaged + X17)) == [Damage.GARBLED]


def test_noise_is_seen_before_a_telegram_ends_it() -> None:
    stream = PushStream()
    stream.hear(b"\xaf\xcc\x47\x5a\xb4\x8d")
    assert stream.noise == Dropped(Damage.BEGUN_INSIDE, 5, "AF CC 47 5A B4 8D")


def test_a_telegram_that_has_not_ended_is_seen_before_the_next_one_begins() -> None:
    stream = PushStream()
    stream.hear(X17[:4] + X17[4:40])
    assert stream.noise == Dropped(Damage.CUT, 40, "2F 58 4D 50 35 5C 32 47 41 54 45 35 30 30 0D 0A …")


# Damage


def test_a_wrong_crc_drops_a_telegram_even_where_restored_line_ends_would_make_it_fit() -> None:
    stripped = X17.replace(b"\r\n", b"\n")
    assert damages(heard(stripped)) == [Damage.CHECK]


@pytest.mark.parametrize("name", ["X16", "X17"])
@pytest.mark.parametrize("bits", [7, 8])
def test_no_flipped_bit_of_a_checked_telegram_gives_another_one(name: str, bits: int) -> None:
    octets, telegram = EXAMPLES[name]
    sent = with_even_parity(octets) if bits == 8 else octets
    # The check character of a block covers no identification: there parity alone shows damage.
    first = sent.index(0x02) if name == "X16" and bits == 7 else 0
    for place in range(first, len(sent)):
        for bit in range(bits):
            flipped = sent[:place] + bytes((sent[place] ^ 1 << bit,)) + sent[place + 1 :]
            found = heard(flipped + sent + sent)
            assert set(telegrams(found)) <= {telegram}, (place, bit)


def test_a_lone_parity_bit_damages_a_telegram() -> None:
    bare = encode_pushed(BARE)
    assert damages(heard(bare[:20] + bytes((bare[20] | 0x80,)) + bare[21:])) == [Damage.PARITY]


def test_a_block_whose_stx_was_damaged_is_not_taken_for_one_without_check() -> None:
    for octet in (0x22, 0x42, 0x0A, 0x00):
        assert telegrams(heard(X16.replace(b"\x02", bytes((octet,))))) == []


def test_a_telegram_without_its_crc_is_damaged_where_the_sender_prints_crcs() -> None:
    without = X17.replace(b"!9317", b"!")
    assert telegrams(heard(without)) == [evolve(GATE, check=CheckKind.NONE)]
    assert damages(heard(X17 + without)) == [Damage.CHECK]


def test_a_telegram_without_data_is_dropped() -> None:
    assert damages(heard(b"/XMP5GATE500\r\n\r\n!\r\n")) == [Damage.EMPTY]


def test_a_second_stx_begins_no_block() -> None:
    assert damages(heard(X16.replace(b"117", b"\x02117") + X16)) == [Damage.GARBLED]


def test_octets_that_only_look_like_an_identification_are_noise() -> None:
    stream = PushStream()
    assert stream.hear(b"/\x1f\x1f\x1f\x1f\x1f\r\n" + X17) == [
        Dropped(Damage.BEGUN_INSIDE, 6, "2F 1F 1F 1F 1F 1F"),
        GATE,
    ]


def test_octets_of_eight_bits_are_text_where_the_crc_vouches_for_them() -> None:
    eight_bits = evolve(
        GATE,
        identification=Identification("XMP", "5", "\xabHAUS-7"),
        body=b"0-0:96.13.0(caf\xe9)\r\n1-0:1.8.1(001234.567*kWh)\r\n!\r\n",
    )
    octets = encode_pushed(eight_bits)
    found = telegrams(heard(octets * 4))
    assert found == [eight_bits] * 4
    assert {one.values for one in found} == {("caf\xe9", "001234.567*kWh")}
    assert damages(heard(octets.replace(b"\xe9", b"e"))) == [Damage.CHECK]


def test_octets_of_eight_bits_are_damage_where_no_check_vouches_for_them() -> None:
    assert damages(heard(encode_pushed(evolve(BARE, body=b"0.0.0(caf\xe9)\r\n!\r\n")))) == [Damage.PARITY]


# Limits


def test_fault_x1_a_telegram_without_end_is_given_up_at_the_limit_of_a_block() -> None:
    stream = PushStream()
    line = b"1.8.0(0012345.678*kWh)\r\n"
    found, most = stream.hear(b"/XMP5HAUS-1\r\n"), 0
    for _ in range(2 * BLOCK_LIMIT // len(line)):
        found += stream.hear(line)
        most = max(most, stream.held)
    assert damages(found) == [Damage.OVERSIZE]
    assert most <= BLOCK_LIMIT + len(line)
    assert telegrams(stream.hear(X17)) == [GATE]


def test_fault_x1_of_noise_without_end_little_is_held() -> None:
    stream, most = PushStream(), 0
    for _ in range(3000):
        assert stream.hear(b"\xffnoise" * 10) == []
        most = max(most, stream.held)
    assert most <= NOISE_LINE_LIMIT + 60
    (dropped, telegram) = stream.hear(X17)
    assert dropped == Dropped(Damage.BEGUN_INSIDE, 150_000, " ".join(["FF 6E 6F 69 73 65"] * 3)[:47] + " …")
    assert telegram == GATE


def test_a_line_beyond_the_limit_drops_its_telegram_alone() -> None:
    long = encode_pushed(evolve(GATE, body=b"0-0:96.13.0(%b)\r\n!\r\n" % (b"3" * LINE_LIMIT)))
    assert heard(long + X17) == [
        Dropped(Damage.OVERSIZE, len(long), "2F 58 4D 50 35 5C 32 47 41 54 45 35 30 30 0D 0A …"),
        GATE,
    ]


def test_fault_x1_identifications_without_number_do_not_fill_the_memory() -> None:
    stream = PushStream()
    for number in range(3 * SENDERS_LIMIT):
        identification = Identification("XMP", "5", f"HAUS-{number}")
        assert len(stream.hear(encode_pushed(evolve(GATE, identification=identification)))) == 1
    assert len(stream._senders) <= SENDERS_LIMIT


# What repeats


def test_a_print_that_repeats_is_read_by_its_layout_with_the_same_result() -> None:
    stream = PushStream()
    found = telegrams([one for n in range(6) for one in stream.hear(gate(f"{n:06}.25{n}"))])
    assert [telegram.layout is None for telegram in found] == [True, False, False, False, False, False]
    for telegram in found:
        (alone,) = telegrams(heard(encode_pushed(telegram)))
        assert (telegram, telegram.sets, telegram.values) == (alone, alone.sets, alone.values)


def test_a_print_that_repeats_is_still_checked() -> None:
    stream = PushStream()
    stream.hear(gate() * 3)
    damaged = gate().replace(b"001234.567", b"001834.567")
    assert damages(stream.hear(damaged + gate())) == [Damage.CHECK]
    assert damages(stream.hear(gate()[:-6] + b"0000\r\n")) == [Damage.CHECK]


def test_a_print_that_changes_is_read_and_learned_again() -> None:
    stream = PushStream()
    stream.hear(gate() * 3)
    summer = [gate(stamp=f"26070114300{n}S") for n in range(4)]
    found = telegrams([one for octets in summer for one in stream.hear(octets)])
    assert [telegram.values[1] for telegram in found] == [f"26070114300{n}S" for n in range(4)]
    assert found[-1].layout is not None


def test_a_shorter_telegram_than_usual_does_not_wait_for_the_next_one() -> None:
    stream = PushStream()
    stream.hear(gate() * 3)
    short = encode_pushed(evolve(GATE, body=b"1-3:0.2.8(50)\r\n!\r\n"))
    assert [telegram.values for telegram in telegrams(stream.hear(short))] == [("50",)]


def test_a_delimiter_cannot_hide_in_a_print_that_repeats() -> None:
    stream = PushStream()
    stream.hear(gate() * 3)
    (telegram,) = telegrams(stream.hear(gate("0012(4.567")))
    assert [data_set.raw for data_set in telegram.sets] == [
        data_set.raw for data_set in telegrams(heard(gate("0012(4.567")))[0].sets
    ]


def test_telegrams_with_parity_and_repeated_print_stay_equal() -> None:
    found = heard(with_even_parity(gate() * 4))
    assert telegrams(found) == telegrams(heard(gate())) * 4


# Random damage


def test_mutated_streams_give_whole_telegrams_or_nothing() -> None:
    chance = random.Random(62056)  # noqa: S311 - repeatable on purpose
    pool = [gate(f"{number:06}.000") for number in range(50)]
    good = {telegram for octets in pool for telegram in telegrams(heard(octets))}
    for _ in range(2000):
        octets = bytearray(b"".join(chance.sample(pool, 3)))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(octets))
            octets[place : place + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 9))
        found = telegrams(heard(bytes(octets)))
        assert {one for one in found if one.check is CheckKind.CRC16} <= good
        assert chunked(bytes((octet,)) for octet in octets) == heard(bytes(octets))
