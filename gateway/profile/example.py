"""The examples of a profile, read as a meter's own telegrams."""

from collections.abc import Mapping, Sequence

from gateway.decoders import BUILT_IN, Decoder
from gateway.errors import Finding, Garbled, ProfileError
from gateway.profile.model import Example, MeterProfile
from gateway.protocol.characters import ETX
from gateway.protocol.datablock import parse_block
from gateway.protocol.parse import identification
from gateway.reading import reading_as_json


def check_examples(profile: MeterProfile, decoders: Mapping[str, Decoder] = BUILT_IN) -> None:
    """Reads every example telegram of a profile; its readings must come in their order, others may stand between.

    Raises ProfileError with all findings: a decoder nobody brings, an identification that does not fit, a check
    character or reading that differs.
    """
    where = f"profile {profile.id}"
    missing = {register.decoder for register in profile.registers if register.decoder} - set(decoders)
    if missing:
        what = f"nobody brings the decoder {', '.join(sorted(missing))}"
        raise ProfileError([Finding("E-PRO-8", where, what, "install the plugin that brings it")])
    findings = [
        Finding("E-PRO-9", f"{where} example {number}", what)
        for number, example in enumerate(profile.examples, 1)
        for what in _differences(profile, example, decoders)
    ]
    if findings:
        raise ProfileError(findings)


def _differences(profile: MeterProfile, example: Example, decoders: Mapping[str, Decoder]) -> Sequence[str]:
    try:
        seen = identification(example.identification.encode("latin-1"))
        sets = parse_block(example.block)
    except Garbled as error:
        return [error.what]
    differences: list[str] = []
    if not profile.fits(seen):
        differences.append(f"{example.identification} does not match the identification pattern")
    computed = profile.check.of(example.block + bytes((ETX,)))
    if example.check is not None and computed != example.check:
        made = "none" if computed is None else f"{computed:02X}"
        differences.append(f"check character {example.check:02X} is stated, {profile.check.value} makes {made}")
    readings = [reading_as_json(reading) for reading in profile.interpret(sets, (), decoders)]
    remaining = iter(readings)
    for expected in example.readings:
        if not any(expected.items() <= reading.items() for reading in remaining):
            return [*differences, _explained(expected, readings)]
    return differences


def _explained(expected: Mapping[str, str], readings: Sequence[Mapping[str, object]]) -> str:
    key = "address" if "address" in expected else "signal"
    same = [reading for reading in readings if reading[key] == expected.get(key)]
    got = [{name: reading[name] for name in expected} | {"reason": reading["reason"]} for reading in same]
    return f"expected {dict(expected)}, got {got or 'no such register'} (readings stand in the order of the wire)"
