"""The ground truth of a simulated meter, as `metergate simulate` prints it."""

from gateway.profile import GENERIC, MeterProfile
from gateway.protocol.datablock import parse_block
from gateway.reading import value_text
from gateway.simulator.plate import Nameplate
from gateway.simulator.programming import ClockSet, LoadProfile, PowerLoss, SimulatedProgramming, StoredData

_BY_PRINT = MeterProfile(GENERIC, 1, "any meter", "any")


def meter_as_json(plate: Nameplate) -> dict[str, object]:
    """What the meter is and prints before anybody changes it; its passwords are made up, so they stand there too."""
    readings = _BY_PRINT.interpret(parse_block(plate.block()))
    truth: dict[str, object] = {
        "serial": plate.serial,
        "mode": plate.mode.value,
        "manufacturer": plate.manufacturer,
        "model": plate.model,
        "faults": [fault.value for fault in plate.faults],
        "values": [
            {
                "address": reading.address,
                "raw": reading.raw,
                "value": value_text(reading.value),
                "unit": reading.unit,
            }
            for reading in readings
        ],
    }
    if plate.programming is not None:
        truth["programming"] = _programming_as_json(plate.programming)
    return truth


def _programming_as_json(facts: SimulatedProgramming) -> dict[str, object]:
    return {
        "operand": facts.operand,
        "commands": sorted(facts.commands),
        "passwords": {group.value: password.secret for group, password in facts.passwords.items()},
        "idle_s": facts.idle_s,
        "clock": facts.start.isoformat(),
        "timezone": facts.time_zone.key,
        "access": {address: group.value for address, group in facts.access.items()},
        "writable": {address: group.value for address, group in facts.writable.items()},
        "reset": facts.reset_by,
        "stored": [_stored_as_json(stored) for stored in facts.stored],
        "events": [_event_as_json(event) for event in facts.events or ()],
    }


def _stored_as_json(stored: StoredData) -> dict[str, object]:
    if isinstance(stored, LoadProfile):
        channels = [f"{code}*{unit}" for code, unit in stored.channels]
        return {"address": stored.address, "minutes": stored.minutes, "channels": channels}
    return {"address": stored.address}


def _event_as_json(event: PowerLoss | ClockSet) -> dict[str, object]:
    kind = "power-loss" if isinstance(event, PowerLoss) else "clock-set"
    return {"kind": kind, "at": event.at.isoformat(), "seconds": event.seconds}
