"""Graded acceptance: what a meter's values are worth beside what is remembered of it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from gateway.errors import NoAnswer, WrongMeter
from gateway.experience import Announced
from gateway.protocol.characters import ReceivedParity
from gateway.reading import Event, EventKind, Layer, Quality, Readout, Register
from gateway.site.model import MeterSettings, SignalSettings
from gateway.trust import LineState
from gateway.trust.shape import FORMS_LIMIT
from tests.trust.scene import GENERIC, SLOT, Scene, familiar, grow, reading

VOLTAGE = SignalSettings("", "voltage", "32.7")


def happened(scene: Scene) -> list[EventKind]:
    return [event.kind for event in scene.events]


def only(scene: Scene) -> Event:
    (event,) = scene.events
    return event


def told(readout: Readout) -> str:
    return readout.reason or ""


def test_a_usual_readout_is_good_and_says_nothing() -> None:
    scene = familiar()
    record = scene.read()
    assert (record.quality, record.reason, scene.confirmed) == (Quality.GOOD, None, 0)
    assert {one.quality for one in record.readings} == {Quality.GOOD}
    assert record.grounds is not None
    assert (record.grounds.parity, record.grounds.check, record.grounds.shape) == ("present", "xor", "known")


def test_d1_a_roll_over_by_the_printed_width_is_read_twice_then_good() -> None:
    scene = familiar({"1.8.0": "9999970.000*kWh", "1.8.1": "9995624.500*kWh"})
    for _ in range(20):
        last = scene.prints["1.8.0"]
        record = scene.read()
        if scene.events:
            break
        before = last
        scene.after()
        grow(scene, 150)
    value = reading(record, "1.8.0")
    assert value.quality is Quality.GOOD
    assert "rolled over at 10000000" in (value.reason or "")
    event = next(one for one in scene.events if one.kind is EventKind.ROLLED_OVER)
    assert event.details["modulus"] == "10000000"
    assert (event.details["old"], event.details["new"]) == (before, last)
    assert last < before


def test_d1_the_profile_tells_the_width_where_the_print_does_not() -> None:
    profile = evolve(GENERIC, registers=(Register("1.8.0", rollover_width=5),))
    scene = familiar()
    scene.profile = profile
    scene.prints = {"0.0.0": "41770326", "1.8.0": "99999.9*kWh"}
    scene.memory = type(scene.memory)()
    scene.read()
    record = scene.after().read({"1.8.0": "0.3*kWh"})
    assert reading(record, "1.8.0").quality is Quality.GOOD
    assert EventKind.ROLLED_OVER in happened(scene)
    assert scene.events[-1].details["modulus"] == "100000"


def test_a_number_without_leading_zeros_does_not_roll_over() -> None:
    scene = Scene()
    scene.prints = {"0.0.0": "41770326", "1.8.0": "99999.9*kWh"}
    scene.read()
    record = scene.after().read({"1.8.0": "0.3*kWh"})
    assert reading(record, "1.8.0").quality is Quality.SUSPECT


def test_d2_another_number_opens_a_new_identity_with_end_and_start() -> None:
    scene = familiar()
    scene.read()
    end = scene.prints["1.8.0"]
    scene.meter = evolve(scene.meter, serialnumber="51770399")
    start = {"0.0.0": "51770399", "1.8.0": "0000003.000*kWh", "1.8.1": "0000002.000*kWh", "1.8.2": "0000001.000*kWh"}
    record = scene.after().read(start)
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    event = only(scene)
    assert event.kind is EventKind.METER_SWAPPED
    assert (event.details["old_identity"], event.details["new_identity"]) == ("41770326", "51770399")
    assert (event.details["end 1.8.0"], event.details["start 1.8.0"]) == (end, "0000003.000*kWh")
    grow(scene, 120)
    assert scene.after().read().reason is None


def test_d2_nothing_that_was_learned_of_the_old_meter_is_held_against_the_new_one() -> None:
    scene = familiar()
    scene.read()
    experience = scene.memory.experience
    experience.forms["1.8.0"] = ["0000000.0*kWh"]
    experience.lively.add("0.2.0")
    experience.usual.add("sum 1.8.0")
    scene.meter = evolve(scene.meter, serialnumber="51770399")
    scene.after().read({"0.0.0": "51770399"})
    assert (experience.identity, experience.since) == ("51770399", scene.now)
    assert (experience.peaks, experience.forms, experience.lively, experience.usual) == ({}, {}, set(), set())
    assert set(experience.moved.values()) == {scene.now}


def test_d2_an_exchange_that_was_told_ends_with_the_plates_values() -> None:
    scene = familiar()
    scene.read()
    signal = SignalSettings("", "energy", "1.8.0")
    scene.meter = evolve(scene.meter, serialnumber="51770399", signals=(signal,))
    ends, starts = {"energy": "0099999.000*kWh"}, {"1.8.0": "0000000.500*kWh"}
    scene.memory.experience.announced = Announced(scene.now, ends, starts)
    scene.after().read({"0.0.0": "51770399", "1.8.0": "0000003.000*kWh", "1.8.1": "0000002.000*kWh"})
    assert only(scene).details["end 1.8.0"] == "0099999.000*kWh"
    assert only(scene).details["start 1.8.0"] == "0000000.500*kWh"


def test_d2_registers_that_all_fell_are_suspect_once_then_a_new_meter() -> None:
    scene = familiar()
    scene.read()
    low = {"1.8.0": "0000003.000*kWh", "1.8.1": "0000002.000*kWh", "1.8.2": "0000001.000*kWh"}
    record = scene.after().read(low)
    assert reading(record, "1.8.0").quality is Quality.SUSPECT
    assert "exchanged or reset" in told(record)
    assert scene.events == []
    grow(scene, 120)
    record = scene.after().read()
    assert reading(record, "1.8.0").quality is Quality.GOOD
    assert only(scene).kind is EventKind.METER_SWAPPED
    assert only(scene).details["start 1.8.0"] == "0000003.000*kWh"


def test_d3_a_total_that_runs_backwards_is_suspect_with_its_block_then_adopted_at_the_next_visit() -> None:
    scene = familiar()
    scene.read()
    old = scene.prints["1.8.0"]
    fallen = {"1.8.0": "0012000.678*kWh", "1.8.1": "0007655.178*kWh"}
    record = scene.after().read(fallen)
    value = reading(record, "1.8.0")
    assert (value.quality, value.value, value.raw) == (Quality.SUSPECT, Decimal("12000.678"), "0012000.678*kWh")
    assert "ran backwards" in (value.reason or "")
    assert b"0012000.678" in record.block
    assert reading(record, "2.8.0").quality is Quality.GOOD
    assert scene.confirmed == 1
    assert scene.events == []
    grow(scene, 120)
    record = scene.after().read()
    assert reading(record, "1.8.0").quality is Quality.GOOD
    event = next(one for one in scene.events if one.details["register"] == "1.8.0")
    assert event.kind is EventKind.LEVEL_ADOPTED
    assert (event.details["old"], event.details["new"]) == (old, "0012000.678*kWh")


def test_d3_a_level_is_adopted_once_when_the_visit_that_bears_it_out_is_doubted_for_something_else() -> None:
    scene = familiar()
    scene.read()
    scene.after().read({"1.8.0": "0012000.678*kWh", "1.8.1": "0007655.178*kWh"})
    grow(scene, 120)
    record = scene.after().read(first={"0.1.0": "17", "32.7": "231.9*V"})
    assert (reading(record, "32.7").quality, scene.events) == (Quality.SUSPECT, [])
    grow(scene, 120)
    scene.after().read()
    assert [event.details["register"] for event in scene.events] == ["1.8.0", "1.8.1"]


def test_d4_a_jump_beyond_the_connection_is_suspect_until_borne_out() -> None:
    scene = familiar()
    scene.read()
    record = scene.after().read({"1.8.0": "0013345.678*kWh", "1.8.1": "0009000.178*kWh"})
    assert reading(record, "1.8.0").quality is Quality.SUSPECT
    assert "its connection allows 75" in told(record)
    grow(scene, 120)
    record = scene.after().read()
    assert reading(record, "1.8.0").quality is Quality.GOOD
    assert EventKind.LEVEL_ADOPTED not in happened(scene)


def test_a_meter_that_is_read_twice_a_second_may_grow_between() -> None:
    scene = Scene()
    scene.read()
    grow(scene, 9)
    assert scene.after(timedelta(seconds=0.45)).read().reason is None
    assert scene.confirmed == 0


def test_d4_a_jump_in_the_first_read_alone_is_dismissed() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    record = scene.after().read(first={"1.8.0": "0092345.678*kWh"})
    assert record.quality is Quality.GOOD
    assert reading(record, "1.8.0").raw == scene.prints["1.8.0"]
    assert "the first read of this slot was dismissed" in told(record)
    assert record.grounds is not None
    assert record.grounds.confirming == "replaced"


def test_d4_the_fuse_says_what_is_a_jump() -> None:
    def read(fuse_a: int | None) -> Quality:
        scene = Scene(meter=MeterSettings("flat01", "riser-a", "41770326", fuse_a=fuse_a))
        scene.read()
        return scene.after().read({"1.8.0": "0012359.678*kWh", "1.8.1": "0008014.178*kWh"}).quality

    assert read(None) is Quality.GOOD
    assert read(25) is Quality.SUSPECT


def test_a_meter_that_is_always_faster_than_its_connection_is_believed_at_the_second_visit() -> None:
    scene = Scene()
    qualities = []
    for n in range(4):
        total, day = 12345 + 500 * n, 8000 + 500 * n
        prints = {"1.8.0": f"{total:07}.678*kWh", "1.8.1": f"{day:07}.178*kWh"}
        qualities.append(reading(scene.read(prints), "1.8.0").quality)
        scene.after()
    assert qualities == [Quality.GOOD, Quality.SUSPECT, Quality.GOOD, Quality.GOOD]


def test_growth_faster_than_ever_is_read_twice_then_good() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 2000)
    record = scene.after().read()
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "faster than ever before" in (reading(record, "1.8.0").reason or "")
    grow(scene, 2000)
    assert scene.after().read().reason is None


def test_the_fastest_growth_is_remembered_over_slower_ones() -> None:
    scene = familiar()
    scene.read()
    for watt_hours in (2000, 10, 2000):
        grow(scene, watt_hours)
        scene.after().read()
    assert scene.confirmed == 1


def test_d5_how_fast_a_meter_was_is_known_in_any_unit() -> None:
    scene = familiar({"16.7": "0.412*kW"})
    scene.read()
    scene.prints |= {"1.8.0": "12374658*Wh", "16.7": "412*W"}
    record = scene.after().read()
    assert record.quality is Quality.GOOD
    assert "ever before" not in told(record)
    assert "faster than ever before" in told(scene.after().read({"1.8.0": "12375658*Wh"}))
    assert "higher than ever before" in told(scene.after().read({"16.7": "900*W"}))


def test_d5_another_unit_with_other_decimals_is_read_twice_then_the_usual_print() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    wide = scene.prints["1.8.0"].replace("*kWh", "0*kWh")[1:]
    record = scene.after().read({"1.8.0": wide})
    assert (reading(record, "1.8.0").quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "printed as 000000.0000*kWh until now as 0000000.000*kWh" in (reading(record, "1.8.0").reason or "")
    assert scene.after().read().reason is None
    assert scene.confirmed == 1


def test_d5_units_and_decimals_that_are_taken_over_are_one_event() -> None:
    scene = familiar()
    scene.read()
    old = scene.prints["1.8.0"]
    new = f"{int(old[:7] + old[8:11]) + 120}*Wh"
    scene.after().read({"1.8.0": new, "2.8.0": "000000.0000*kWh"})
    assert only(scene).kind is EventKind.LAYOUT_CHANGED
    assert only(scene).details == {
        "old 1.8.0": old,
        "new 1.8.0": new,
        "old 2.8.0": "0000000.000*kWh",
        "new 2.8.0": "000000.0000*kWh",
    }
    scene.after().read()
    assert len(scene.events) == 1


def test_d5_registers_that_come_and_go_are_an_event() -> None:
    scene = familiar()
    scene.read()
    del scene.prints["32.7"]
    assert scene.after().read({"52.7": "230.4*V", "72.7": "229.9*V"}).quality is Quality.SUSPECT
    assert scene.events == []
    grow(scene, 120)
    assert scene.after().read().quality is Quality.GOOD
    assert happened(scene) == [EventKind.LAYOUT_CHANGED]
    assert only(scene).details == {"gone": "32.7", "added": "52.7, 72.7"}


def test_d5_a_register_that_is_added_is_read_twice_then_good() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    record = scene.after().read({"52.7": "230.4*V"})
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert only(scene).details == {"gone": "", "added": "52.7"}


def test_l6_a_text_that_lost_characters_in_both_reads_is_suspect() -> None:
    scene = familiar({"C.1.0": "69088816"})
    scene.read()
    grow(scene, 120)
    record = scene.after().read({"C.1.0": "690816"})
    assert (reading(record, "C.1.0").quality, scene.confirmed) == (Quality.SUSPECT, 1)
    assert reading(record, "1.8.0").quality is Quality.GOOD


def test_l6_a_text_that_lost_other_characters_at_the_next_visit_is_suspect_again() -> None:
    scene = familiar({"C.1.0": "69088816"})
    scene.read()
    for damaged, quality in (("690816", Quality.SUSPECT), ("6908881", Quality.SUSPECT), ("6908882", Quality.GOOD)):
        grow(scene, 120)
        assert reading(scene.after().read({"C.1.0": damaged}), "C.1.0").quality is quality


def test_l6_addresses_that_are_damaged_in_another_way_at_the_next_visit_are_suspect_again() -> None:
    scene = familiar()
    scene.read()
    usual = dict(scene.prints)
    for damaged, quality in (("12.7", Quality.SUSPECT), ("72.7", Quality.SUSPECT), ("72.7", Quality.GOOD)):
        scene.prints = {address.replace("32.7", damaged): raw for address, raw in usual.items()}
        record = scene.after().read()
        assert reading(record, damaged).quality is quality
    assert only(scene).details["added"] == "72.7"


def test_d5_registers_in_another_order_are_an_event_that_names_none() -> None:
    scene = familiar()
    scene.read()
    scene.prints["32.7"] = scene.prints.pop("32.7")
    scene.after().read()
    grow(scene, 120)
    scene.after().read()
    assert only(scene).details == {"gone": "", "added": ""}


def test_a_wider_print_is_no_new_layout() -> None:
    scene = familiar({"16.7": "0.5*kW"})
    scene.read()
    scene.after().read({"16.7": "-12.5*kW"})
    assert (scene.confirmed, scene.events) == (1, [])


def test_stored_values_that_a_billing_reset_numbers_on_are_no_new_layout() -> None:
    scene = familiar()
    scene.read()
    del scene.prints["1.8.0*06"]
    scene.after().read({"0.1.0": "08", "1.8.0*07": "0012345.678*kWh"})
    assert (scene.confirmed, scene.events) == (1, [])


def test_d5_a_layout_that_only_the_first_read_shows_is_not_adopted() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    record = scene.after().read(first={"0.2.0": "V1"})
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert [one.address for one in record.readings].count("0.2.0") == 0
    assert scene.events == []
    assert scene.after().read().reason is None


def test_d5_a_unit_in_which_the_total_would_have_fallen_is_suspect() -> None:
    scene = familiar()
    scene.read()
    record = scene.after().read({"1.8.0": "0012345.678*Wh"})
    assert reading(record, "1.8.0").quality is Quality.SUSPECT


def test_a_print_of_varying_width_is_known_after_each_was_seen() -> None:
    scene = Scene()
    for n, power in enumerate(("0.5*kW", "12.5*kW", "0.7*kW", "-3.2*kW", "11.0*kW", "0.1*kW", "-0.4*kW")):
        scene.read({"16.7": power})
        scene.after()
        assert n < 6 or scene.confirmed == 2


def test_a_register_that_is_printed_in_ever_new_forms_is_soon_left_alone() -> None:
    scene = Scene()
    for n in range(20):
        scene.read({"13.7": f"0.{'5' * n}"})
        scene.after()
    assert len(scene.memory.experience.forms["13.7"]) == FORMS_LIMIT
    confirmed = scene.confirmed
    scene.read({"13.7": "-0.1"})
    assert scene.confirmed == confirmed


def test_d11_a_zero_is_a_glitch_that_the_next_read_may_heal() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    zeros = {"1.8.0": "0000000.000*kWh", "1.8.1": "0000000.000*kWh", "1.8.2": "0000000.000*kWh"}
    record = scene.after().read(first=zeros)
    assert (record.quality, reading(record, "1.8.0").raw) == (Quality.GOOD, scene.prints["1.8.0"])
    assert "zero glitch" in told(record)


def test_d11_zeros_that_stay_are_suspect_for_as_long_as_they_stay() -> None:
    scene = familiar()
    scene.read()
    usual = {address: raw for address, raw in scene.prints.items() if address.startswith("1.8.")}
    zeros = dict.fromkeys(("1.8.0", "1.8.1", "1.8.2"), "0000000.000*kWh")
    for _ in range(3):
        record = scene.after().read(zeros)
        assert reading(record, "1.8.0").quality is Quality.SUSPECT
        assert reading(record, "1.8.0").value == 0
    scene.prints |= usual
    grow(scene, 400)
    record = scene.after().read()
    assert (record.quality, scene.events) == (Quality.GOOD, [])


def test_d12_tariffs_that_do_not_add_up_are_suspect() -> None:
    scene = familiar()
    scene.read()
    total = scene.prints["1.8.0"]
    record = scene.after().read({"1.8.0": f"{float(total[:11]) + 0.05:011.3f}*kWh"})
    assert "its tariffs add up to" in (reading(record, "1.8.0").reason or "")
    suspect = {one.address for one in record.readings if one.quality is Quality.SUSPECT}
    assert suspect == {"1.8.0", "1.8.1", "1.8.2"}


def test_d12_sums_may_be_off_by_the_rounding_of_each_part() -> None:
    scene = familiar()
    scene.read()
    total = scene.prints["1.8.0"]
    scene.after().read({"1.8.0": f"{float(total[:11]) + 0.001:011.3f}*kWh"})
    assert scene.confirmed == 0
    scene.after().read({"1.8.0": f"{float(total[:11]) + 0.002:011.3f}*kWh"})
    assert scene.confirmed == 1


def test_d12_a_meter_whose_tariffs_never_add_up_is_read_twice_at_first_then_believed() -> None:
    scene = Scene()
    scene.prints["1.8.2"] = "0000001.000*kWh"
    record = scene.read()
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    grow(scene, 120)
    record = scene.after().read()
    assert (record.reason, scene.confirmed) == (None, 1)


def test_s2_another_meters_number_is_never_stored_under_the_asked_one() -> None:
    scene = familiar()
    scene.read()
    before = scene.memory.to_text()
    scene.after().prints["0.0.0"] = "41770327"
    with pytest.raises(WrongMeter, match="asked 41770326, answered 41770327: nothing stored"):
        scene.read()
    assert scene.memory.to_text() == before


def test_l8_lines_that_changed_places_are_another_shape() -> None:
    scene = familiar()
    scene.read()
    swapped = dict(sorted(scene.prints.items(), reverse=True))
    scene.after()
    judged = scene.judged(swapped)
    assert judged.wants_another
    assert {doubt.oddity.layer for doubt in judged.verdict.doubts} == {Layer.SHAPE}


@pytest.mark.parametrize(
    ("register", "raw"),
    [("F.F", "00000001"), ("1.8.0*06", "0012001.001*kWh"), ("32.7", "130.1*V"), ("2.8.0", "0000000.001*kWh")],
)
def test_a_register_that_hardly_ever_changes_is_read_twice_when_it_does(register: str, raw: str) -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    record = scene.after().read({register: raw})
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "(read twice)" in (reading(record, register).reason or "")


def test_a_register_that_changes_at_every_visit_is_soon_known_for_it() -> None:
    scene = familiar()
    scene.prints["C.77.9"] = "1"
    for n in range(6):
        scene.read({"C.77.9": f"{n + 1}"})
        scene.after()
    assert scene.confirmed <= 3


def test_a_billing_reset_is_read_twice_then_good() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    scene.prints = {address: raw for address, raw in scene.prints.items() if address != "1.8.0*06"}
    record = scene.after().read({"0.1.0": "08", "1.8.0*07": scene.prints["1.8.0"]})
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "a billing reset" in told(record)
    grow(scene, 120)
    assert scene.after().read().reason is None


def test_a_maximum_may_grow_but_not_fall_before_the_reset() -> None:
    scene = familiar({"1.6.0": "02.500*kW"})
    scene.read()
    scene.after().read({"1.6.0": "02.700*kW"})
    assert scene.confirmed == 0
    scene.after().read({"1.6.0": "02.600*kW"})
    assert scene.confirmed == 1


def test_a_block_that_comes_again_with_the_same_time_is_frozen() -> None:
    scene = familiar()
    scene.prints |= {"0.9.1": "120000", "0.9.2": "260916"}
    scene.read()
    record = scene.after().read()
    assert record.quality is Quality.SUSPECT
    assert "frozen: the block of 15 min ago came again, its clock stands still" in told(record)


def test_a_total_that_stands_still_under_load_is_frozen() -> None:
    scene = familiar({"1.7.0": "01.200*kW"})
    scene.read()
    for n in range(4):
        record = scene.after().read()
        assert reading(record, "1.8.0").quality is (Quality.GOOD if n < 3 else Quality.SUSPECT)
    assert "frozen at" in (reading(record, "1.8.0").reason or "")


def test_a_total_that_stands_still_for_a_week_is_told_without_being_doubted() -> None:
    scene = familiar()
    scene.read()
    record = scene.after(timedelta(days=8)).read()
    assert "1.8.0: has stood still for 8 d" in told(record)
    assert reading(record, "1.8.0").quality is Quality.GOOD


def test_only_a_clock_shows_that_a_block_is_frozen() -> None:
    scene = Scene()
    del scene.prints["0.9.1"], scene.prints["0.9.2"]
    scene.read()
    assert scene.after().read().reason is None


def test_a_clock_may_show_the_same_time_for_two_minutes() -> None:
    scene = Scene()
    scene.prints["0.9.1"] = "110000"
    scene.read()
    assert "frozen" not in told(scene.after(timedelta(seconds=90)).read())
    assert "frozen" in told(scene.after(timedelta(seconds=130)).read())


def test_a_total_that_has_not_moved_since_first_contact_stands_still() -> None:
    scene = Scene()
    scene.read()
    assert "has stood still for 8 d" in (reading(scene.after(timedelta(days=8)).read(), "2.8.0").reason or "")


def test_a_clock_that_is_no_longer_printed_is_read_twice_once() -> None:
    scene = familiar()
    scene.read()
    del scene.prints["0.9.1"], scene.prints["0.9.2"]
    record = scene.after().read()
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "its clock shows no time any more (read twice)" in told(record)
    assert (scene.after().read().reason, scene.confirmed) == (None, 1)


def test_a_clock_that_was_put_then_stopped_is_told_by_both_reads() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 120)
    record = scene.after().read({"0.9.1": "120000", "0.9.2": "260916"})
    assert (record.quality, scene.confirmed) == (Quality.GOOD, 1)
    assert "(read twice)" in told(record)


def test_a_stepped_clock_of_whole_minutes_may_tick_between_both_reads() -> None:
    scene = familiar({"0.9.1": "{clock:%H%M}"})
    scene.read()
    scene.prints |= {"0.9.2": "260918"}
    assert (scene.after().read(first={"0.9.1": "0914"}).quality, scene.confirmed) == (Quality.GOOD, 1)


def test_a_gap_is_told() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 400)
    assert told(scene.after(timedelta(hours=3)).read()) == "the reading before it is 3 h 0 min old"


def test_what_was_learned_survives_a_restart() -> None:
    scene = familiar()
    scene.read()
    scene.restart()
    grow(scene, 120)
    assert scene.after().read().reason is None
    scene.restart()
    record = scene.after().read({"1.8.0": "0002345.678*kWh", "1.8.1": "0000001.178*kWh"})
    assert reading(record, "1.8.0").quality is Quality.SUSPECT


def test_a_confirming_read_that_fails_leaves_what_was_doubted_suspect() -> None:
    scene = familiar()
    scene.read()
    scene.after().prints["F.F"] = "00000004"
    judged = scene.acceptance.unconfirmed(scene.judged(), NoAnswer("E-READ-1", "no answer"))
    assert judged.verdict.quality is Quality.SUSPECT
    assert "the confirming read failed: no answer" in (judged.verdict.reason or "")


def test_a_stripped_line_is_read_twice_at_first_contact_alone() -> None:
    scene = Scene(parity=ReceivedParity.STRIPPED)
    assert "parity was stripped" in told(scene.read())
    assert scene.confirmed == 1
    grow(scene, 120)
    scene.after().read()
    assert scene.confirmed == 1


def test_two_reads_at_first_contact_that_show_other_registers_are_no_measure_for_later_ones() -> None:
    scene = Scene(parity=ReceivedParity.STRIPPED)
    whole = dict(scene.prints)
    del scene.prints["32.7"]
    record = scene.read(first=whole)
    assert {one.quality for one in record.readings} == {Quality.SUSPECT}
    assert "the second read of this slot has another shape than the first: without 32.7" in told(record)
    assert record.grounds is not None
    assert record.grounds.confirming == "disagreed"
    scene.prints = whole
    assert scene.after().read().quality is Quality.GOOD


def test_a_bare_block_on_a_stripped_line_is_always_read_twice() -> None:
    scene = Scene(parity=ReceivedParity.STRIPPED, framed=False)
    scene.read()
    scene.after().read()
    assert scene.confirmed == 2


def test_a_line_that_damages_is_read_twice_and_has_to_agree() -> None:
    scene = familiar()
    scene.read()
    scene.parity, scene.line = ReceivedParity.STRIPPED, LineState.DAMAGED
    grow(scene, 120)
    assert scene.after().read().quality is Quality.GOOD
    assert scene.confirmed == 1
    grow(scene, 120)
    record = scene.after().read(first={"32.7": "230.5*V"})
    assert reading(record, "32.7").quality is Quality.SUSPECT
    assert "32.7: 230.5*V, then 230.1*V in the same slot" in (reading(record, "32.7").reason or "")


@pytest.mark.parametrize(
    ("signal", "raw", "text"),
    [
        (evolve(VOLTAGE, min=Decimal(200)), "199.9*V", "199.9 is below min = 200"),
        (evolve(VOLTAGE, max=Decimal(240)), "240.1*V", "240.1 is above max = 240"),
        (evolve(VOLTAGE, max_step=Decimal(5)), "236.0*V", "236.0 after 230.1 is more than max_step = 5"),
    ],
)
def test_the_site_bounds_a_signal(signal: SignalSettings, raw: str, text: str) -> None:
    scene = familiar()
    scene.meter = evolve(scene.meter, signals=(signal,))
    scene.read()
    (value,) = scene.after().read({"32.7": raw}).readings
    assert (value.quality, scene.confirmed) == (Quality.SUSPECT, 1)
    assert text in (value.reason or "")


@pytest.mark.parametrize("begin", [Scene, familiar])
def test_a_value_that_stays_beyond_its_bound_stays_suspect_and_is_read_twice_once(begin: Callable[[], Scene]) -> None:
    scene = begin()
    scene.meter = evolve(scene.meter, signals=(evolve(VOLTAGE, max=Decimal(240)),))
    for raw in ("241.0*V", "242.0*V", "241.5*V"):
        grow(scene, 120)
        (value,) = scene.after().read({"32.7": raw}).readings
        assert value.quality is Quality.SUSPECT
    assert scene.confirmed == 1
    scene.after().read({"32.7": "239.0*V"})
    scene.after().read({"32.7": "241.0*V"})
    assert scene.confirmed == 2


def test_totals_are_judged_also_while_another_value_is_beyond_its_bound() -> None:
    scene = Scene()
    scene.meter = evolve(
        scene.meter, signals=(evolve(VOLTAGE, max=Decimal(200)), SignalSettings("", "energy", "1.8.0"))
    )
    scene.read()
    assert "it ran backwards" in told(scene.after().read({"1.8.0": "0012300.000*kWh"}))


def test_a_bound_that_one_read_alone_breaks_is_dismissed() -> None:
    scene = familiar()
    scene.meter = evolve(scene.meter, signals=(evolve(VOLTAGE, max=Decimal(240)),))
    scene.read()
    (value,) = scene.after().read(first={"32.7": "241.0*V"}).readings
    assert (value.quality, scene.confirmed) == (Quality.GOOD, 1)


def test_what_is_read_while_the_hosts_clock_is_not_believed_is_no_measure() -> None:
    scene = familiar()
    before = scene.memory.experience.to_json()
    scene.acceptance.is_synced = lambda: False
    assert scene.after().read({"1.8.0": "0012300.000*kWh"}).quality is Quality.SUSPECT
    assert scene.memory.experience.to_json() == before


def test_a_clock_put_back_on_the_host_doubts_no_total() -> None:
    scene = familiar()
    scene.read()
    scene.restart()
    grow(scene, 5000)
    scene.after(-timedelta(days=3))
    scene.prints |= {"0.9.1": "{clock:%H%M%S}"}
    assert reading(scene.read(), "1.8.0").quality is Quality.GOOD


def test_no_layer_sees_more_slots_than_were_due() -> None:
    scene = familiar()
    assert scene.memory.experience.accepted is not None
    assert scene.now - scene.memory.experience.accepted.read_at == SLOT


def test_a_growth_that_passes_its_limit_between_two_reads_of_a_slot_is_no_damage() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 361)
    first = dict(scene.prints)
    grow(scene, 2)
    record = scene.after().read({"F.F": "00000001"}, first={**first, "F.F": "00000001"})
    assert (scene.confirmed, record.quality) == (1, Quality.GOOD)


def test_a_clock_that_stands_still_for_good_is_read_twice_once_then_told() -> None:
    scene = familiar()
    scene.prints |= {"0.9.1": "120000", "0.9.2": "260916"}
    told_of = []
    for _ in range(4):
        grow(scene, 120)
        told_of.append(told(scene.read()))
        scene.after()
    assert scene.confirmed == 2
    assert "its clock stands still at 2026-09-16T12:00:00 (read twice)" in told_of[1]
    assert told_of[2] == told_of[3] == "its clock stands still at 2026-09-16T12:00:00"


def test_a_load_that_is_higher_than_ever_is_so_between_two_reads_of_a_slot_too() -> None:
    scene = familiar()
    scene.read()
    grow(scene, 700)
    first = dict(scene.prints)
    grow(scene, 4)
    record = scene.after().read(first=first)
    assert (scene.confirmed, record.quality) == (1, Quality.GOOD)
    grow(scene, 700)
    first = dict(scene.prints)
    grow(scene, 90)
    record = scene.after().read({"F.F": "00000001"}, first={**first, "F.F": "00000001"})
    assert reading(record, "1.8.0").quality is Quality.SUSPECT
