"""What no block of a meter, however damaged or strange, may do to its judgement."""

import string
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gateway.acceptance import Heard, Judged
from gateway.errors import Garbled, NoAnswer, WrongMeter
from gateway.memory import MeterMemory
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.datablock import DATA_SET_LIMIT
from gateway.protocol.messages import DataBlock
from gateway.protocol.parse import identification
from gateway.reading import Quality, Readout, Register, Visit
from gateway.site.model import MeterSettings, SignalSettings
from gateway.trust import LineState
from gateway.trust.shape import difference, form_of
from gateway.trust.trait import traits_of
from tests.trust.scene import GENERIC, Scene, familiar, grow, reading

ANY = MeterSettings("flat01", "riser-a", "")
STEPPED = SignalSettings("", "energy", "1.8.0", max_step=Decimal("1e-30"))
BOUND = SignalSettings("", "voltage", "32.7", min=Decimal(200), max=Decimal(240))
NARROW = evolve(GENERIC, registers=(Register("1.8.0", rollover_width=0), Register("1.8.1", rollover_width=40)))
LONGEST = "9" * 40
FAILED = NoAnswer("E-READ-1", "no answer")

_latin = st.characters(max_codepoint=255, exclude_characters="()")
_known = (
    "0.0.0 1.8.0 1.8.1 1.8.2 1-0:1.8.0 *01 &02 1.8.0*01 1.6.0 0.1.0 0.1.2*03 32.7 1.7.0 0.9.1 0.9.4 1.0.0 6.8 96.14.0"
)
_addresses = st.sampled_from(["", "#", "1.8.0#2", "\xb2", *_known.split()]) | st.text(_latin, max_size=12)
_digits = st.text(string.digits, min_size=1, max_size=40)
_units = st.sampled_from(["", "*kWh", "*Wh", "*GJ", "*m3", "*V", "*A", "*kW", "kWh", "*h", "*x"])
_numbers = st.builds("{}{}{}{}{}".format, st.sampled_from(["", "-"]), _digits, st.sampled_from(".,"), _digits, _units)
_moments = (
    "0001-01-01 00:00;9999-12-31 23:59:59;26-09-14,09:00;0260914090000;120000;99-99-99;700101010000W;\xb2\xb3\xb9"
)
_values = _numbers | st.sampled_from(_moments.split(";")) | st.text(_latin, max_size=30)
_data_sets = st.tuples(_addresses, st.lists(_values, max_size=3))


@st.composite
def blocks(draw: st.DrawFn) -> list[bytes]:
    """Blocks of one meter one after the other, each a little like the one before it; some lost bits on the way."""
    sets, found = draw(st.lists(_data_sets, max_size=12)), list[bytes]()
    for _ in range(draw(st.integers(1, 6))):
        is_changed = draw(st.booleans())
        if sets and is_changed:
            place = draw(st.integers(0, len(sets) - 1))
            sets = [
                *sets[:place],
                *draw(st.lists(st.one_of(_data_sets, st.just(sets[place])), max_size=3)),
                *sets[place + 1 :],
            ]
        lines = [address + "".join(f"({value})" for value in values) for address, values in sets]
        block = bytearray("\r\n".join([*lines, "!\r\n"]).encode("latin-1"))
        for place in draw(st.lists(st.integers(0, len(block) - 1), max_size=3)):
            block[place] ^= 1 << draw(st.integers(0, 6))
        found.append(bytes(block))
    return found


def heard(scene: Scene, block: bytes, parity: ReceivedParity = ReceivedParity.PRESENT) -> Heard:
    said = identification(b"/XMP5VERBA")
    return Heard(said, scene.profile, DataBlock(block, framed=True), parity, "xor", scene.now, scene.monotonic)


def accepted(scene: Scene, judged: Judged, meter: MeterSettings = ANY) -> Readout:
    visit = Visit("g", "riser-a", "flat01", meter.serialnumber, scene.now, scene.now, 0)
    return scene.acceptance.accepted(judged, meter, scene.memory, visit)[0]


@given(
    blocks(),
    st.sampled_from([GENERIC, NARROW]),
    st.sampled_from([ANY, evolve(ANY, serialnumber="41770326"), evolve(ANY, signals=(STEPPED, BOUND))]),
    st.sampled_from(ReceivedParity),
    st.integers(-100_000, 10**8),
    st.booleans(),
    st.booleans(),
)
def test_no_block_that_parses_raises_anything_but_whose_it_is(
    said: list[bytes],
    profile: object,
    meter: MeterSettings,
    parity: ReceivedParity,
    seconds: int,
    is_pushed: bool,  # noqa: FBT001 - drawn
    is_failing: bool,  # noqa: FBT001 - drawn
) -> None:
    scene = Scene(profile=profile, meter=meter)  # type: ignore[arg-type]
    scene.acceptance.is_pushed = is_pushed
    doubted: Judged | None = None
    for block in said:
        scene.now, scene.monotonic = scene.now + timedelta(seconds=seconds), scene.monotonic + abs(seconds)
        try:
            judged = scene.acceptance.judged(heard(scene, block, parity), meter, scene.memory, LineState.DAMAGED)
        except (Garbled, WrongMeter):
            continue
        if doubted is not None:
            judged = scene.acceptance.settled(doubted, judged, meter, scene.memory, LineState.DAMAGED)
        elif judged.wants_another and not is_failing:
            doubted = judged
            continue
        elif judged.wants_another:
            judged = scene.acceptance.unconfirmed(judged, FAILED)
        doubted = None
        accepted(scene, judged, meter)
        text = scene.memory.to_text()
        scene.memory = MeterMemory.from_text(text)
        assert scene.memory.to_text() == text


@pytest.mark.parametrize("total", ["5", "5.5"])
def test_tariffs_of_forty_digits_are_no_sum_of_a_short_total(total: str) -> None:
    scene = Scene(meter=ANY, prints={"1.8.0": f"{total}*kWh", "1.8.1": f"{LONGEST}*kWh", "1.8.2": "1*kWh"})
    assert "its tariffs add up to" in (scene.read().reason or "")


def test_sums_of_forty_digits_are_not_rounded() -> None:
    long = LONGEST[:37]
    scene = Scene(meter=ANY, prints={"1.8.0": f"{long}905", "1.8.1": f"{long}004", "1.8.2": "901"})
    assert scene.read().reason is None


@pytest.mark.parametrize("clock", ["0001-01-01 00:00", "9999-12-31 23:59"])
def test_a_maximum_is_judged_at_either_end_of_the_calendar(clock: str) -> None:
    scene = Scene(meter=ANY, prints={"0.9.4": clock, "1.6.0": "1.5*kW)(2609140900"})
    scene.read()
    assert scene.after().read({"1.6.0": "2.5*kW)(2609140915"}).quality is Quality.GOOD


def test_a_roll_over_of_forty_digits_is_not_rounded() -> None:
    scene = Scene(meter=ANY, prints={"1.8.0": f"{LONGEST[1:]}0*kWh"})
    scene.read()
    assert "rolled over at 1" + "0" * 40 + ", 15 kWh on" in (scene.after().read({"1.8.0": f"{5:040}*kWh"}).reason or "")


def test_a_doubt_reaches_the_reading_of_a_register_whose_address_is_omitted() -> None:
    scene = familiar({"*01": "0000010.1*kWh"})
    scene.read()
    record = scene.after().read({"*01": "0000010.2*kWh"})
    assert "(read twice)" in (reading(record, "*01").reason or "")


def test_a_doubt_reaches_one_of_equal_addresses_alone() -> None:
    scene = Scene(meter=ANY)
    block = b"X.9(2)\r\nX.9(1)\r\nX.9(%b)\r\n!\r\n"
    accepted(scene, scene.acceptance.judged(heard(scene, block % b"1"), ANY, scene.memory))
    scene.after()
    judged = scene.acceptance.judged(heard(scene, block % b"2"), ANY, scene.memory)
    record = accepted(scene, scene.acceptance.settled(judged, judged, ANY, scene.memory))
    assert [one.reason is None for one in record.readings] == [True, True, False]


def calls(scene: Scene, prints: Sequence[tuple[str, str]]) -> int:
    """How many functions of ours a visit with its confirming read calls."""
    block = "".join(f"{address}({raw})\r\n" for address, raw in prints).encode()
    counted = Counter[str]()
    sys.setprofile(lambda _frame, what, _argument: counted.update((what,)))
    try:
        first, second = (scene.acceptance.judged(heard(scene, block), ANY, scene.memory) for _ in range(2))
        accepted(scene, scene.acceptance.settled(first, second, ANY, scene.memory))
    finally:
        sys.setprofile(None)
    scene.after()
    return counted["call"]


def test_a_register_of_the_largest_block_costs_no_more_than_one_of_a_small_block() -> None:
    cost = dict[int, int]()
    for size in (DATA_SET_LIMIT // 8, DATA_SET_LIMIT):
        scene = Scene(meter=ANY)
        calls(scene, [(f"X.{n}", f"{n}1") for n in range(size)])
        cost[size] = calls(scene, [(f"X.{n}", f"{n}2") for n in range(size)])
    small, large = cost.values()
    # Eight times as many registers; each with each of the others would be 64 times as much.
    assert large < 20 * small


class Hashed(str):
    """A text that counts how often it is looked up."""

    __slots__ = ()
    times: ClassVar[int] = 0

    def __hash__(self) -> int:
        Hashed.times += 1
        return super().__hash__()


def test_other_registers_are_found_at_one_look_each() -> None:
    one, other = ([Hashed(f"{prefix}.{n}") for n in range(DATA_SET_LIMIT)] for prefix in "89")
    assert difference(one, other).endswith(f"with 9.0, 9.1, 9.2 with {DATA_SET_LIMIT - 3} more")
    assert Hashed.times <= 2 * len(one + other)


def test_the_form_of_a_long_text_is_found_in_one_pass() -> None:
    # Looked through anew from each of its digits, this text would take hours.
    assert form_of(("1" * 2_000_000,)) == "0" * 2_000_000


def test_registers_that_are_ever_new_do_not_fill_the_memory() -> None:
    scene = familiar()
    scene.read()
    others, known = [f"9.{n}" for n in range(DATA_SET_LIMIT)], scene.memory.experience
    known.peaks |= dict.fromkeys(others, Decimal(1))
    known.moved |= dict.fromkeys(others, scene.now)
    known.forms |= {key: ["0"] for key in [*others, "1.8.0"]}
    known.lively |= {*others, "F.F"}
    known.usual |= {f"range {key}" for key in [*others, "32.7"]}
    grow(scene, 120)
    scene.after().read()
    assert {"1.8.0", "1.8.1"} <= known.peaks.keys() & known.moved.keys()
    assert (known.forms, known.lively, known.usual) == ({"1.8.0": ["0"]}, {"F.F"}, {"range 32.7"})
    assert len(known.peaks) + len(known.moved) < 20


def test_the_traits_of_the_largest_blocks_are_not_kept() -> None:
    large, small = (tuple(f"9.{n}" for n in range(size)) for size in (DATA_SET_LIMIT, 100))
    assert traits_of(GENERIC, small) is traits_of(GENERIC, small)
    assert traits_of(GENERIC, large) is not traits_of(GENERIC, large)


def single(scene: Scene, changed: dict[str, str]) -> Readout:
    """A visit whose confirming read fails."""
    scene.prints |= changed
    judged = scene.judged()
    assert judged.wants_another
    record = accepted(scene, scene.acceptance.unconfirmed(judged, FAILED), scene.meter)
    scene.after()
    return record


def test_a_level_that_single_reads_have_shown_twice_is_not_adopted_yet() -> None:
    scene = familiar()
    scene.read()
    scene.after()
    wrong = {"1.8.2": "0003345.500*kWh"}
    assert [single(scene, wrong).quality for _ in range(2)] == [Quality.SUSPECT] * 2
    assert scene.events == []
    # What three visits have shown is no damage.
    assert reading(scene.read(), "1.8.2").quality is Quality.GOOD


def test_a_level_that_the_second_read_alone_has_shown_is_not_adopted_at_the_next_visit() -> None:
    scene = familiar()
    scene.read()
    right, wrong = dict(scene.prints), {"1.8.2": "0003345.500*kWh"}
    scene.after().read(wrong, first=right)
    record = scene.after().read(right, first=wrong)
    assert reading(record, "1.8.2").quality is Quality.GOOD
    assert "dismissed" in (record.reason or "")
    assert scene.events == []


def test_a_wrong_level_of_one_slot_leaves_no_trace() -> None:
    scene = familiar()
    scene.read()
    scene.after().read({"1.8.2": "0003345.500*kWh"})
    grow(scene, 120)
    record = scene.after().read({"1.8.2": "0004345.500*kWh"})
    assert (record.quality, record.reason, scene.events) == (Quality.GOOD, None, [])


def test_a_meter_that_prints_what_is_not_clean_from_the_start_is_believed_at_the_second_visit() -> None:
    scene = Scene()
    scene.prints |= {"HEAD": "a\x01b"}
    assert [scene.read().quality, scene.after().read().quality] == [Quality.SUSPECT, Quality.GOOD]
    scene.confirmed = 0
    assert (scene.after().read().reason, scene.confirmed) == (None, 0)


def test_a_check_that_is_gone_is_missed_until_two_slots_were_read_without() -> None:
    scene = familiar()
    scene.read()
    scene.framed = False
    scene.after()
    single(scene, {})
    assert scene.read().quality is Quality.SUSPECT
    scene.after()
    assert [scene.read().quality for _ in range(2)] == [Quality.GOOD] * 2
