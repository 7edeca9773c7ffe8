"""The meters of a simulated building."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from gateway.obis import parse_obis
from gateway.protocol.characters import Mode
from gateway.protocol.datablock import parse_block
from gateway.simulator import (
    Fault,
    FaultRate,
    LineWish,
    Nameplate,
    PtyPort,
    SimulatedLine,
    TcpPort,
    WireForm,
    building,
    simulated_line,
)
from gateway.simulator.register import ClockRegister, print_of

START = datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - a meter's local time
WISH = LineWish(PtyPort(), START, meters=40)


def prints(plate: Nameplate) -> dict[str, tuple[str, ...]]:
    return {data_set.address: data_set.raw for data_set in parse_block(plate.block())}


def meters_of(line: SimulatedLine) -> list[dict[str, Any]]:
    meters = line.as_json("/dev/x")["meters"]
    assert isinstance(meters, list)
    return meters


def test_equal_seeds_make_equal_buildings() -> None:
    assert building([WISH, WISH]) == building([WISH, WISH])
    assert simulated_line(WISH).plates != simulated_line(evolve(WISH, seed=2)).plates


def test_no_two_meters_of_a_building_share_a_serial_number() -> None:
    lines = building([WISH] * 5)
    serials = [plate.serial for line in lines for plate in line.plates]
    assert len({serial.lstrip("0") for serial in serials}) == 200
    assert {len(serial) for serial in serials} == {8}
    assert any(serial.startswith("0") for serial in serials)


def test_a_line_mixes_modes_and_print_styles() -> None:
    plates = simulated_line(WISH).plates
    assert {plate.mode for plate in plates} == {Mode.A, Mode.B, Mode.C}
    assert {plate.mode for plate in plates[:4]} == {Mode.A, Mode.B, Mode.C}
    assert {plate.framed for plate in plates} == {True, False}
    assert {plate.glued for plate in plates} == {True, False}
    assert {plate.identification.is_fast for plate in plates} == {True, False}


def test_every_meter_prints_eight_to_twenty_five_registers_with_its_serial_number() -> None:
    for plate in simulated_line(WISH).plates:
        sets = parse_block(plate.block())
        assert 8 <= len(sets) <= 25
        assert any(
            data_set.raw == (plate.serial,) for data_set in sets if data_set.address in ("0.0.0", "1-0:0.0.0*255")
        )
        assert all(parse_obis(data_set.address) for data_set in sets), [data_set.address for data_set in sets]


def test_the_totals_of_the_tariffs_add_up() -> None:
    for meter in meters_of(simulated_line(WISH)):
        held = {value["address"].removeprefix("1-0:").removesuffix("*255"): value["value"] for value in meter["values"]}
        assert round(float(held["1.8.1"]) + float(held["1.8.2"]), 3) == float(held["1.8.0"])


def test_a_pty_opens_at_300_with_parity_and_tcp_stays_at_9600_plain() -> None:
    pty, tcp = building([WISH, evolve(WISH, port=TcpPort(0))])
    assert (pty.opening_speed, pty.wire) == (300, WireForm.PARITY)
    assert (tcp.opening_speed, tcp.wire) == (9600, WireForm.PLAIN)
    for plate in tcp.plates:
        assert plate.identification.speed in (None, 9600)
        assert plate.framed


def test_the_opening_speed_can_be_chosen() -> None:
    assert simulated_line(evolve(WISH, baudrate=2400)).opening_speed == 2400


def test_the_truth_is_what_the_meters_print() -> None:
    line = simulated_line(evolve(WISH, meters=1))
    (meter,) = meters_of(line)
    plate = line.plates[0]
    assert meter["serial"] == plate.serial
    assert (meter["mode"], meter["manufacturer"], meter["model"]) == ("C", "XMP", "VERBA-3.1")
    by_address = {value["address"]: value for value in meter["values"]}
    printed = prints(plate)
    assert {address: ")(".join(raw) for address, raw in printed.items()} == {
        address: value["raw"] for address, value in by_address.items()
    }
    number, unit = printed["1.8.0"][0].split("*")
    assert by_address["1.8.0"]["value"] == number.lstrip("0")
    assert by_address["1.8.0"]["unit"] == unit
    assert by_address["F.F"] == {"address": "F.F", "raw": "00000000", "value": "00000000", "unit": None}
    assert by_address["0.9.1"]["value"] == "12:00:14"
    assert by_address["0.9.2"]["value"] == "2026-09-30"


def afflicted(*faults: str, meters: int = 10) -> tuple[Nameplate, ...]:
    return simulated_line(evolve(WISH, meters=meters, faults=tuple(map(FaultRate.parse, faults)))).plates


def test_a_lasting_fault_falls_on_exactly_one_meter_of_a_line() -> None:
    assert sum(Fault.SILENT in plate.faults for plate in afflicted("silent")) == 1


def test_lasting_faults_fall_on_different_meters() -> None:
    plates = afflicted("silent", "clock_wrong", "wrong_identity", meters=3)
    assert [len(plate.faults) for plate in plates] == [1, 1, 1]


def test_the_rate_of_a_lasting_fault_is_the_share_of_meters() -> None:
    assert sum(Fault.SILENT in plate.faults for plate in afflicted("silent:0.3")) == 3
    assert not any(plate.faults for plate in afflicted("silent:0"))


def test_a_fault_of_messages_is_every_meter_s_at_its_rate() -> None:
    assert {plate.faults[Fault.NOISE] for plate in afflicted("noise:0.05")} == {0.05}
    assert {plate.faults[Fault.NOISE] for plate in afflicted("noise")} == {0.2}


def test_a_wrong_identity_shows_in_all_registers_of_identity() -> None:
    for plate in afflicted("wrong_identity:1", meters=30):
        printed = prints(plate)
        shown = {printed[address] for address in ("0.0.0", "C.1.0", "1-0:0.0.0*255") if address in printed}
        assert len(shown) == 1
        assert shown != {(plate.serial,)}


def test_a_wrong_clock_is_hours_or_years_off() -> None:
    for plate in afflicted("clock_wrong:1", meters=30):
        clocks = [register for register in plate.registers if isinstance(register, ClockRegister)]
        assert len(clocks) == 2
        assert all(abs(clock.start - START) >= timedelta(hours=2) for clock in clocks)


@pytest.mark.parametrize("text", ["smoke", "noise:2", "noise:-1", "noise:x", "noise:", "noise:nan"])
def test_an_unknown_fault_or_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        FaultRate.parse(text)


def test_meters_of_a_live_line_grow_and_the_others_stand_still() -> None:
    def said(*, is_live: bool, begin: float) -> bytes:
        line = simulated_line(evolve(WISH, meters=1, is_live=is_live, wire=WireForm.PLAIN))
        wire = line.bus()
        wire.hear(b"\r\n", 0.0, 300)
        wire.hear(f"/?{line.plates[0].serial}!\r\n".encode(), begin, 300)
        wire.take(begin + 2.0, 300)
        wire.hear(b"\x06000\r\n", begin + 2.0, 300)
        return wire.take(1e9, 300)

    assert said(is_live=False, begin=5.0) == said(is_live=False, begin=7200.0)
    assert said(is_live=True, begin=5.0) != said(is_live=True, begin=7200.0)


def test_a_rate_prints_as_it_is_written() -> None:
    assert [str(FaultRate.parse(text)) for text in ("noise", "cut:0.25")] == ["noise", "cut:0.25"]


def test_a_clock_prints_the_start_of_its_line() -> None:
    plate = simulated_line(evolve(WISH, meters=1)).plates[0]
    clock = next(register for register in plate.registers if register.address == "0.9.1")
    assert print_of(clock, 0.0).replace(":", "") == "120014"
