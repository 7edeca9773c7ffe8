"""The wire time of visits and rounds, against tables made by hand."""

import pytest
from attrs import evolve

from gateway.memory import MeterMemory
from gateway.plan import LineBudget, MeterBudget, duration_text, line_budget, meter_budget
from gateway.protocol.characters import CharacterFormat, Mode, Parity
from gateway.site.model import LineSettings, MeterSettings, SerialPort, SpeedChange, TcpEndpoint

PORT = LineSettings("riser-a", SerialPort("/dev/ttyS0"))
FIXED_300 = LineSettings("riser-a", TcpEndpoint("host", 4001))
FIXED_9600 = evolve(FIXED_300, baudrate=9600)
METER = MeterSettings("flat01", "riser-a", "01234567", poll_delay_ms=0)
IDENTIFICATION = "/XMP5EXAMPLE-METER"  # 18 characters, 20 with its line end; reacts after 200 ms


def remembered(characters: int, identification: str = IDENTIFICATION) -> MeterMemory:
    """A meter whose block has so many characters before its end mark."""
    return MeterMemory(identification=identification, block_octets=characters + 3)


@pytest.mark.parametrize(
    ("speed_character", "line", "seconds"),
    [
        ("5", FIXED_300, (12.10, 22.10, 70.37, 138.63)),
        ("2", PORT, (4.45, 6.95, 19.02, 36.08)),
        ("3", PORT, (3.17, 4.42, 10.46, 18.99)),
        ("4", PORT, (2.54, 3.16, 6.18, 10.45)),
        ("5", PORT, (2.22, 2.53, 4.04, 6.17)),
        ("6", PORT, (2.06, 2.22, 2.97, 4.04)),
        ("5", FIXED_9600, (0.96, 1.27, 2.78, 4.91)),
    ],
)
def test_sign_on_and_readout_take_what_the_table_says(
    speed_character: str, line: LineSettings, seconds: tuple[float, ...]
) -> None:
    identification = IDENTIFICATION.replace("5", speed_character)
    for characters, expected in zip((300, 600, 2048, 4096), seconds, strict=True):
        budget = meter_budget(line, METER, remembered(characters, identification))
        assert budget.seconds == pytest.approx(expected, abs=0.006)


def test_a_meter_with_short_reaction_time_is_reckoned_so() -> None:
    fast = IDENTIFICATION.replace("XMP", "XMp")
    assert meter_budget(PORT, METER, remembered(600, fast)).seconds == pytest.approx(1.99, abs=0.006)


def test_an_unknown_meter_is_assumed_to_send_600_characters_at_9600_baud() -> None:
    budget = meter_budget(PORT, METER)
    assert (budget.octets, budget.baud) == (606, 9600)
    assert budget.seconds == pytest.approx(2.53, abs=0.006)


def test_the_silence_before_the_sign_on_and_t2_are_part_of_a_visit() -> None:
    plain = meter_budget(PORT, METER).seconds
    assert meter_budget(PORT, evolve(METER, poll_delay_ms=500)).seconds == pytest.approx(plain + 0.5)
    assert meter_budget(PORT, evolve(METER, t2=1200)).seconds == pytest.approx(plain + 1.0)


def test_modes_without_option_select_save_it() -> None:
    known = remembered(600)
    mode_c = meter_budget(FIXED_300, METER, known).seconds
    mode_a = meter_budget(FIXED_300, evolve(METER, type=Mode.A), known).seconds
    assert mode_c - mode_a == pytest.approx(6 * 10 / 300 + 0.2)


@pytest.mark.parametrize(
    ("line", "mode", "identification", "baud"),
    [
        (PORT, None, "/XMP5X", 9600),
        (PORT, None, "/XMPDX", 4800),
        (PORT, None, "/XMP X", 300),
        (PORT, Mode.A, "/XMP5X", 300),
        (PORT, Mode.B, None, 9600),
        (evolve(PORT, max_baudrate=4800), None, "/XMP5X", 300),
        (evolve(PORT, max_baudrate=4800), None, None, 4800),
        (evolve(PORT, baudrate=19200), None, None, 19200),
        (evolve(PORT, speed_change=SpeedChange.NEVER), None, "/XMP5X", 300),
        (FIXED_9600, None, "/XMP6X", 9600),
    ],
)
def test_the_block_comes_at_the_speed_that_mode_line_and_ceiling_allow(
    line: LineSettings, mode: Mode | None, identification: str | None, baud: int
) -> None:
    memory = MeterMemory(identification=identification)
    assert meter_budget(line, evolve(METER, type=mode), memory).baud == baud


def test_two_stop_bits_take_longer() -> None:
    longer = evolve(FIXED_300, format=CharacterFormat(7, Parity.EVEN, 2))
    waits = 0.6
    plain = meter_budget(FIXED_300, METER).seconds - waits
    assert meter_budget(longer, METER).seconds == pytest.approx(plain * 1.1 + waits)


def test_a_simulated_line_is_faster_by_its_scale() -> None:
    assert meter_budget(evolve(PORT, time_scale=10), METER).seconds == pytest.approx(
        meter_budget(PORT, METER).seconds / 10
    )


def test_a_round_is_the_sum_of_its_visits() -> None:
    slow = evolve(METER, device_alias="flat02", scan_rate_ms=1_800_000)
    budget = line_budget(PORT, [METER, slow], {"flat01": remembered(2048)})
    first, second = budget.meters
    assert (first.octets, second.octets) == (2054, 606)
    assert budget.round_s == first.seconds + second.seconds
    assert budget.seconds_a_meter == budget.round_s / 2
    assert budget.share == first.seconds / 900 + second.seconds / 1800


def test_a_round_that_is_too_long_is_told_with_its_numbers_and_the_next_step() -> None:
    meters = tuple(MeterBudget(f"flat{n}", 52.0, 1500, 300, 900.0) for n in range(60))
    (finding,) = LineBudget("riser-a", meters).findings()
    assert str(finding) == (
        "W-BUS-1 line riser-a: one round takes 52 min, "
        "scan_rate_ms asks for 15 min (60 meters x 1500 bytes at 300 Bd)\n"
        "        next: speed_change, fewer registers, or scan_rate_ms = 3_600_000"
    )


def test_a_round_that_fits_is_not_told() -> None:
    assert LineBudget("riser-a", (MeterBudget("flat01", 900.0, 1500, 300, 900.0),)).findings() == ()
    assert LineBudget("riser-a", ()).findings() == ()


def test_a_line_without_meters_costs_nothing() -> None:
    empty = LineBudget("riser-a", ())
    assert (empty.round_s, empty.seconds_a_meter, empty.scan_rate_s, empty.share) == (0, 0, 0, 0)


def test_a_round_of_days_gets_a_scan_rate_of_days() -> None:
    (finding,) = LineBudget("riser-a", (MeterBudget("flat01", 100_000.0, 1500, 300, 900.0),)).findings()
    assert finding.next is not None
    assert finding.next.endswith("scan_rate_ms = 172_800_000")


@pytest.mark.parametrize(("seconds", "text"), [(2.534, "2.53 s"), (119, "119 s"), (3120, "52 min"), (14_400, "4 h")])
def test_lengths_of_time_are_told_in_the_unit_of_their_size(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
