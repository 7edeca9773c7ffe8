"""How much of a line's messages came damaged lately, and for whom that counts."""

from gateway.damage import ANSWERS, KEPT_OCTETS, MESSAGES, LineDamage


def line(**told: str) -> LineDamage:
    """Meters in turn, one message each a round: "." sound, "x" damaged."""
    damage = LineDamage()
    for round_of_all in zip(*told.values(), strict=True):
        for meter, message in zip(told, round_of_all, strict=True):
            if message == "x":
                damage.damaged(meter)
            else:
                damage.sound(meter)
    return damage


def test_a_line_that_has_said_nothing_is_sound() -> None:
    damage = LineDamage()
    assert (damage.is_lately("a"), damage.is_high("a"), damage.is_failing("a")) == (False, False, False)
    assert (damage.answers("a"), damage.others("a")) == ((), (0.0, 0))


def test_one_damaged_message_is_remembered_for_the_next_messages_of_all_meters() -> None:
    damage = line(a="x", b=".")
    for _ in range(MESSAGES - 2):
        damage.sound("b")
    assert damage.is_lately("a")
    assert damage.is_lately("b")
    damage.sound("b")
    assert not damage.is_lately("a")


def test_damage_is_high_from_three_messages_in_ten_on() -> None:
    assert line(a="x.x.......", b="...x......").is_high("a") is False
    assert line(a="x.x..", b="...x.").is_high("a")


def test_two_damaged_messages_are_no_share_yet() -> None:
    assert not line(a="xx").is_high("a")
    assert line(a="xxx").is_high("a")


def test_a_meter_with_a_trouble_of_its_own_says_nothing_of_the_others() -> None:
    damage = line(a="xxxx", b="....", c="....")
    assert damage.is_failing("a")
    assert damage.is_high("a")
    assert (damage.is_high("b"), damage.is_lately("b")) == (False, False)


def test_a_meter_fails_from_two_damaged_answers_in_three_on() -> None:
    assert line(a="x.xx.x").is_failing("a")
    assert not line(a="x.x.xx.").is_failing("a")
    assert not line(a="xx").is_failing("a")


def test_a_meter_that_answers_well_again_fails_no_more() -> None:
    damage = line(a="xxxxxx")
    for _ in range(3):
        damage.sound("a")
    assert not damage.is_failing("a")


def test_the_others_of_a_line_are_all_meters_but_one() -> None:
    damage = line(a="xx", b="..", c="x.")
    assert damage.others("a") == (0.25, 2)
    assert damage.others("b") == (0.75, 2)


def test_no_more_is_kept_than_a_few_answers_of_a_meter_and_their_begin() -> None:
    damage = LineDamage()
    for number in range(2 * ANSWERS):
        damage.damaged("a", bytes((number,)) * 2 * KEPT_OCTETS)
    kept = damage.answers("a")
    assert [answer.octets for answer in kept] == [
        bytes((number,)) * KEPT_OCTETS for number in range(ANSWERS, 2 * ANSWERS)
    ]
