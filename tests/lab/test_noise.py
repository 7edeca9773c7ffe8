"""No damaged value is taken for true: the bars of the noise laboratory."""

from collections.abc import Iterator

import pytest

from tests.lab.laboratory import LONG, REPLAY, Laboratory
from tests.lab.noise import MODELS
from tests.lab.pipeline import Lane, Stage, Tally
from tests.lab.reference import Print

BITS = [name for name in MODELS if "flipped" in name or "bit error" in name]
LOST = [name for name in MODELS if "lost" in name]
ALWAYS_CHECKED = ("2 lines swapped", "4 bits in a rectangle")
# What both reads of a slot show alike is how the meter prints now, though chance may damage both alike.
SAME_DAMAGE_TWICE = 1e-5
TALKERS = [name for name in MODELS if "collision" in name or "digits" in name]

each_size = pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=pytest.mark.lab)])
# All of these pass the check: fewer tell as much.
each_small_size = pytest.mark.parametrize("count", [1_000, pytest.param(50_000, marks=pytest.mark.lab)])


@pytest.fixture(scope="module")
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """The laboratory, whose tables are printed at the end."""
    laboratory = Laboratory()
    yield laboratory
    laboratory.close()
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{laboratory.tables()}\n{REPLAY}")  # noqa: T201 - the table is what the laboratory is for


def at_most(limit: float, stage: Stage, tally: Tally) -> bool:
    """No more than this share of the damaged transmissions got through; of few transmissions two may by chance."""
    damaged = tally.reached[Stage.DAMAGED]
    return tally.reached[stage] <= max(limit * damaged, 2 if damaged < LONG else 1)


def told(tally: Tally) -> str:
    """What to look at where a bar is missed."""
    return "\n".join([REPLAY, *(f"{stage.name}: {text}" for stage, told in tally.examples.items() for text in told)])


@each_size
@pytest.mark.parametrize("name", BITS)
def test_h2_no_value_with_flipped_bits_is_taken_for_true_where_parity_is_present(
    laboratory: Laboratory, name: str, count: int
) -> None:
    tally = laboratory.tallies(name, count)[Lane.PARITY]
    assert tally.reached[Stage.SINGLE] == tally.reached[Stage.WORST] == 0, told(tally)


@each_size
@pytest.mark.parametrize("name", LOST)
def test_l6_no_value_with_lost_characters_is_taken_for_true(laboratory: Laboratory, name: str, count: int) -> None:
    tally = laboratory.tallies(name, count)[Lane.PARITY]
    assert tally.reached[Stage.CHECK] > 0
    assert tally.reached[Stage.SINGLE] == tally.reached[Stage.CONFIRMED] == 0, told(tally)
    assert at_most(SAME_DAMAGE_TWICE, Stage.WORST, tally), told(tally)


@each_size
def test_l5_hardly_a_value_in_a_burst_is_taken_for_true(laboratory: Laboratory, count: int) -> None:
    tally = laboratory.tallies("burst of 2-30 characters", count)[Lane.PARITY]
    assert at_most(1e-6, Stage.SINGLE, tally), told(tally)
    assert at_most(1e-6, Stage.WORST, tally), told(tally)


@each_size
def test_l7_no_value_with_doubled_characters_is_taken_for_true(laboratory: Laboratory, count: int) -> None:
    tally = laboratory.tallies("1-16 characters doubled", count)[Lane.PARITY]
    assert tally.reached[Stage.CHECK] > 0
    assert tally.reached[Stage.SINGLE] == 0, told(tally)
    assert at_most(SAME_DAMAGE_TWICE, Stage.WORST, tally), told(tally)


@each_size
@pytest.mark.parametrize("name", TALKERS)
def test_h2_one_value_in_ten_thousand_of_two_talkers_is_taken_for_true_and_none_that_is_confirmed(
    laboratory: Laboratory, name: str, count: int
) -> None:
    tally = laboratory.tallies(name, count)[Lane.PARITY]
    assert at_most(1e-4, Stage.SINGLE, tally), told(tally)
    assert at_most(1e-5, Stage.WORST, tally), told(tally)
    assert tally.reached[Stage.CONFIRMED] == 0, told(tally)


@each_small_size
def test_l3_bits_in_a_rectangle_are_seen_by_the_shape_or_the_values(laboratory: Laboratory, count: int) -> None:
    tally = laboratory.tallies("4 bits in a rectangle", count)[Lane.PARITY]
    assert tally.rate(Stage.CHECK) > 0.9
    assert at_most(1e-3, Stage.SINGLE, tally), told(tally)


@each_small_size
def test_l8_swapped_lines_are_always_seen_by_the_shape(laboratory: Laboratory, count: int) -> None:
    tally = laboratory.tallies("2 lines swapped", count)[Lane.PARITY]
    assert tally.reached[Stage.GRAMMAR] == tally.reached[Stage.DAMAGED]
    assert tally.reached[Stage.SHAPE] == 0, told(tally)


@each_size
def test_h2_random_octets_are_no_block(laboratory: Laboratory, count: int) -> None:
    tally = laboratory.tallies("random octets", count)[Lane.PARITY]
    assert tally.reached[Stage.SINGLE] == tally.reached[Stage.WORST] == 0, told(tally)


@each_size
@pytest.mark.parametrize("name", [name for name in MODELS if name not in ALWAYS_CHECKED])
def test_h2_one_value_in_a_hundred_thousand_is_taken_for_true_where_parity_was_stripped(
    laboratory: Laboratory, name: str, count: int
) -> None:
    tally = laboratory.tallies(name, count)[Lane.STRIPPED]
    assert at_most(1e-5, Stage.WORST, tally), told(tally)


@each_small_size
@pytest.mark.parametrize("name", TALKERS)
def test_h2_one_momentary_value_in_a_hundred_is_taken_for_true_and_hardly_one_that_is_confirmed(
    laboratory: Laboratory, name: str, count: int
) -> None:
    tally = laboratory.tallies(name, count, (Print.THREE_PHASE,))[Lane.PARITY]
    assert at_most(1e-2, Stage.SINGLE, tally), told(tally)
    assert at_most(1e-4, Stage.WORST, tally), told(tally)
