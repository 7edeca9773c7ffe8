"""Captures of real meters: what they hold is found, their checks are judged, the command's exit code tells it."""

import json
import os
from pathlib import Path

import pytest
from attrs import field, frozen
from cattrs import structure
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.protocol.check import CheckKind
from gateway.protocol.recording import recording

FOLDER = os.environ.get("METERGATE_VECTORS")
NAMES = sorted(path.stem for path in Path(FOLDER).glob("*.json")) if FOLDER else ["every capture"]

# Where the reference reading, which is one tolerant reading and no oracle, is not what the bytes say.
OTHER_SETS = {
    "emh-ehz_fw8e2a500ak1-1": "the reference gives up where parity stands in bit 7",
    "iskra-m550e_1011-1": "the reference takes the identification for a part of the first address",
}

every_capture = pytest.mark.parametrize("name", NAMES)


@frozen
class Frame:
    """A frame between SOH or STX and ETX, as the capture's description computes its check."""

    bcc_sent: str | None = None
    bcc_valid: str | None = None


@frozen
class Crc:
    sent: str | None
    calc: str
    valid: bool | None


@frozen
class Expected:
    datasets_ref: tuple[tuple[str, tuple[str, ...]], ...] = ()


@frozen
class Description:
    """The part of a capture's description that these tests compare with."""

    frames: tuple[Frame, ...] = ()
    crc16: tuple[Crc, ...] | None = None
    expected: Expected = field(factory=Expected)

    @property
    def checked_frames(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.bcc_sent is not None]

    @property
    def sent_crcs(self) -> list[Crc]:
        return [crc for crc in self.crc16 or () if crc.sent is not None]

    @property
    def has_wrong_check(self) -> bool:
        return any(not frame.bcc_valid for frame in self.checked_frames) or any(not crc.valid for crc in self.sent_crcs)


def _description(vectors: Path, name: str) -> Description:
    text = json.loads((vectors / f"{name}.json").read_text(encoding="utf-8"))
    for frame in text.get("frames", ()):
        frame["bcc_valid"] = frame.get("bcc_valid") or None
    return structure(text, Description)


def _octets(vectors: Path, name: str) -> bytes:
    return (vectors / f"{name}.bin").read_bytes()


@every_capture
def test_every_frame_of_a_capture_has_its_check_judged(vectors: Path, name: str) -> None:
    checks = [telegram.check for telegram in recording(_octets(vectors, name)).telegrams]
    found = [(check.sent_text, check.kind.value if check.ok else None) for check in checks if check.sent is not None]
    description = _description(vectors, name)
    frames = [(frame.bcc_sent, frame.bcc_valid) for frame in description.checked_frames]
    crcs = [(crc.sent, CheckKind.CRC16.value if crc.valid else None) for crc in description.sent_crcs]
    assert found == frames + crcs


@every_capture
def test_every_crc_of_a_capture_is_computed_as_its_description_does(vectors: Path, name: str) -> None:
    checks = [telegram.check for telegram in recording(_octets(vectors, name)).telegrams]
    found = [check.computed_text for check in checks if check.kind is CheckKind.CRC16]
    assert found == [crc.calc for crc in _description(vectors, name).sent_crcs]


@every_capture
def test_the_data_sets_of_a_capture_are_those_of_the_reference_in_the_order_of_the_wire(
    vectors: Path, name: str
) -> None:
    telegrams = recording(_octets(vectors, name)).telegrams
    found = tuple((data_set.address, data_set.raw) for telegram in telegrams for data_set in telegram.sets)
    is_same = found == _description(vectors, name).expected.datasets_ref
    assert is_same == (name not in OTHER_SETS), OTHER_SETS.get(name, "differs from the reference")


@every_capture
def test_the_command_decodes_a_capture_and_exits_5_only_for_a_wrong_check(vectors: Path, name: str) -> None:
    description = _description(vectors, name)
    result = CliRunner().invoke(main, ["decode", str(vectors / f"{name}.bin"), "--format", "json"])
    telegrams = json.loads(result.stdout)["telegrams"]
    assert result.exit_code == (5 if description.has_wrong_check else 0)
    verdicts = [telegram["check"]["ok"] for telegram in telegrams if telegram["check"]["ok"] is not None]
    assert verdicts == [bool(frame.bcc_valid) for frame in description.checked_frames] + [
        bool(crc.valid) for crc in description.sent_crcs
    ]
    values = [value for telegram in telegrams for value in telegram["values"]]
    assert len(values) == len(description.expected.datasets_ref) or name in OTHER_SETS
    wrong = [value for telegram in telegrams if telegram["check"]["ok"] is False for value in telegram["values"]]
    assert all(value["quality"] == "bad" for value in wrong)
