"""The verb `decode`: captured octets in, readings and exit codes out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import field, frozen
from cattrs import structure
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.protocol.check import crc16

# The maker XMP is fictitious.
IDENT = b"/XMP5\\2VERBA-3.1\r\n"
BLOCK = b"\x02F.F(00000000)\r\n0.0.0(41770326)\r\n1.8.0(0012345.678*kWh)\r\n!\r\n\x03\x5e"
READOUT = IDENT + BLOCK
WRONG = READOUT.replace(b"0012345", b"0012845")
SUMMED = b"\x02VOLTA(229.81)\r\nVOLTA(230.14)\r\nVOLTA(229.55)\r\n\x03\x5e"
PUSHED = b"/XMP5\\2GATE500\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(260301143000W)\r\n1-0:1.8.1(001234.567*kWh)\r\n!9317\r\n"


@frozen
class Identification:
    manufacturer: str
    baud: str
    escapes: list[str]
    text: str
    raw: str
    mode: str


@frozen
class Check:
    kind: str
    sent: str | None
    computed: str | None
    ok: bool | None


@frozen
class Shown:
    """One of the values."""

    address: str
    obis: str | None
    name: str | None
    raw: list[str]
    value: str | None
    unit: str | None
    time: str | None
    quality: str
    reason: str | None


@frozen
class Telegram:
    identification: Identification | None
    profile: str
    check: Check
    values: list[Shown]


@frozen
class Decoded:
    file: str
    telegrams: list[Telegram] = field(factory=list)
    diagnostics: list[str] = field(factory=list)


def _decode(*arguments: str, octets: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["decode", *arguments], input=octets)


def _decoded(octets: bytes, *arguments: str) -> Decoded:
    return structure(json.loads(_decode("-", "--json", *arguments, octets=octets).stdout), Decoded)


def _written(folder: Path, name: str, octets: bytes) -> str:
    file = folder / name
    file.write_bytes(octets)
    return str(file)


def test_one_file_gives_one_object(tmp_path: Path) -> None:
    file = _written(tmp_path, "x.bin", READOUT)
    result = _decode(file, "--format", "json")
    decoded = structure(json.loads(result.stdout), Decoded)
    assert result.exit_code == 0
    assert (decoded.file, decoded.diagnostics) == (file, [])
    (telegram,) = decoded.telegrams
    assert telegram.identification == Identification("XMP", "5", ["2"], "VERBA-3.1", "/XMP5\\2VERBA-3.1", "C")
    assert telegram.profile == "generic"
    assert telegram.check == Check("xor", "5E", "5E", ok=True)
    assert telegram.values[2] == Shown(
        address="1.8.0",
        obis="1-0:1.8.0*255",
        name="Active energy import total",
        raw=["0012345.678*kWh"],
        value="12345.678",
        unit="kWh",
        time=None,
        quality="good",
        reason=None,
    )


def test_several_files_give_an_array(tmp_path: Path) -> None:
    files = [_written(tmp_path, name, READOUT) for name in ("a.bin", "b.bin")]
    result = _decode(*files, "--json")
    assert [document["file"] for document in json.loads(result.stdout)] == files


def test_json_lines_are_one_line_a_file(tmp_path: Path) -> None:
    files = [_written(tmp_path, name, READOUT) for name in ("a.bin", "b.bin")]
    result = _decode(*files, "--format", "jsonl")
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == files


def test_a_wrong_check_makes_all_values_bad_and_exits_5() -> None:
    result = _decode("-", "--json", octets=WRONG)
    decoded = structure(json.loads(result.stdout), Decoded)
    (telegram,) = decoded.telegrams
    assert result.exit_code == 5
    assert telegram.check == Check("xor", "5E", "55", ok=False)
    assert {value.quality for value in telegram.values} == {"bad"}
    assert "E-DEC-4 -: 1 of 1 telegrams with a wrong check: block check: sent 5E, computed 55" in result.stderr


def test_a_wrong_check_names_what_would_fit() -> None:
    result = _decode("-", "--json", octets=PUSHED.replace(b"\r\n", b"\n"))
    (diagnostic,) = json.loads(result.stdout)["diagnostics"]
    assert result.exit_code == 5
    assert diagnostic.endswith("it would fit with CR LF restored")
    assert "next: it would fit with CR LF restored" in result.stderr


def test_a_sum_check_without_profile_leaves_values_suspect() -> None:
    result = _decode("-", "--json", octets=SUMMED)
    (telegram,) = structure(json.loads(result.stdout), Decoded).telegrams
    assert result.exit_code == 0
    assert telegram.check == Check("sum7", "5E", "5E", ok=True)
    assert [value.value for value in telegram.values] == ["229.81", "230.14", "229.55"]
    assert {value.quality for value in telegram.values} == {"suspect"}


def test_the_sum_check_of_a_profile_leaves_values_good() -> None:
    (telegram,) = _decoded(SUMMED, "--profile", "energomera-ce30x").telegrams
    assert (telegram.profile, telegram.check.kind) == ("energomera-ce30x", "sum7")
    assert {value.quality for value in telegram.values} == {"good"}


def test_an_unknown_profile_exits_78() -> None:
    result = _decode("-", "--profile", "energomera-ce30y", octets=SUMMED)
    assert (result.exit_code, result.stdout) == (78, "")
    assert "E-PRO-10 profile energomera-ce30y" in result.stderr
    assert 'did you mean "energomera-ce30x"?' in result.stderr


def test_a_pushed_telegram_is_mode_d_with_its_crc() -> None:
    (telegram,) = _decoded(PUSHED).telegrams
    assert telegram.identification is not None
    assert telegram.identification.mode == "D"
    assert telegram.check == Check("crc16", "9317", "9317", ok=True)
    assert [value.value for value in telegram.values][1:] == ["2026-03-01T14:30:00", "1234.567"]


def test_a_crc_that_fits_once_line_ends_are_restored_is_no_pass() -> None:
    (telegram,) = _decoded(PUSHED.replace(b"\r\n", b"\n")).telegrams
    assert (telegram.check.kind, telegram.check.sent, telegram.check.ok) == ("crc16", "9317", False)
    assert telegram.check.computed != "9317"
    assert {value.quality for value in telegram.values} == {"bad"}


def test_a_p1_stream_is_decoded_telegram_after_telegram_from_its_middle_on() -> None:
    result = _decode("-", "--json", octets=PUSHED[40:] + PUSHED * 3)
    decoded = structure(json.loads(result.stdout), Decoded)
    assert result.exit_code == 0
    assert [telegram.check.ok for telegram in decoded.telegrams] == [True] * 3
    assert len({str(telegram) for telegram in decoded.telegrams}) == 1
    assert "the recording begins inside a telegram: that one is left out" in decoded.diagnostics


def test_a_damaged_telegram_of_a_stream_leaves_its_neighbours_good() -> None:
    result = _decode("-", "--json", octets=PUSHED + PUSHED.replace(b"001234", b"001834") + PUSHED)
    decoded = structure(json.loads(result.stdout), Decoded)
    assert result.exit_code == 5
    assert [telegram.check.ok for telegram in decoded.telegrams] == [True, False, True]
    assert [{value.quality for value in telegram.values} for telegram in decoded.telegrams] == [
        {"good"},
        {"bad"},
        {"good"},
    ]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (PUSHED + PUSHED[:-8], "a block without its end mark"),
        (READOUT[:-1], "the recording ends before the check character"),
        (READOUT[:-5], "a block without its ETX: it cannot be checked"),
    ],
)
def test_the_values_of_a_telegram_whose_end_is_missing_are_suspect(octets: bytes, reason: str) -> None:
    *whole, cut = _decoded(octets).telegrams
    assert {value.quality for telegram in whole for value in telegram.values} <= {"good"}
    assert {(value.quality, value.reason) for value in cut.values} == {("suspect", reason)}


def test_a_p1_telegram_before_dsmr_4_has_no_check() -> None:
    (telegram,) = _decoded(PUSHED.replace(b"!9317", b"!")).telegrams
    assert telegram.check == Check("none", None, None, ok=None)
    assert telegram.identification is not None
    assert telegram.identification.mode == "D"


def test_a_crc_printed_without_its_leading_zero_fits() -> None:
    stream = PUSHED.replace(b"001234.567", b"%b")
    for number in range(1000):
        body = stream[: stream.index(b"!") + 1] % (b"%06d.567" % number)
        if (crc := crc16(body)) < 0x1000:
            break
    (telegram,) = _decoded(body + b"%X\r\n" % crc).telegrams
    assert telegram.check == Check("crc16", f"{crc:04X}", f"{crc:04X}", ok=True)


def test_an_identification_alone_is_good() -> None:
    result = _decode("-", "--json", octets=IDENT)
    (telegram,) = structure(json.loads(result.stdout), Decoded).telegrams
    assert (result.exit_code, telegram.values, telegram.check) == (0, [], Check("none", None, None, ok=None))


def test_an_echo_is_told_among_the_diagnostics() -> None:
    decoded = _decoded(IDENT + b"\x06050\r\n" + BLOCK)
    assert decoded.diagnostics == ["echo of own acknowledgement removed (6 bytes)"]


def test_a_line_without_data_set_is_told() -> None:
    decoded = _decoded(IDENT + b"remark\r\n1.8.0(1*kWh)\r\n!\r\n")
    assert [value.address for value in decoded.telegrams[0].values] == ["1.8.0"]
    assert decoded.diagnostics == ["a line without data set left out: remark"]


def test_a_line_beyond_the_limit_is_told() -> None:
    decoded = _decoded(IDENT + b"0.0(" + b"1" * 3000 + b")\r\n!\r\n")
    assert decoded.telegrams[0].values == []
    assert decoded.diagnostics == ["a line of 3,006 characters; the limit is 2,048"]


@pytest.mark.parametrize("octets", [b"", b"nothing of a meter\n"])
def test_octets_without_telegram_exit_5(octets: bytes) -> None:
    result = _decode("-", "--json", octets=octets)
    assert (result.exit_code, json.loads(result.stdout)["telegrams"]) == (5, [])
    assert "E-DEC-2 -: no telegram was found" in result.stderr


def test_an_unreadable_file_exits_2_and_the_others_are_decoded(tmp_path: Path) -> None:
    good, missing = _written(tmp_path, "a.bin", READOUT), str(tmp_path / "missing.bin")
    result = _decode(missing, good, "--json")
    assert [document["file"] for document in json.loads(result.stdout)] == [good]
    assert result.exit_code == 2
    assert f"E-DEC-1 {missing}: cannot be read: No such file or directory" in result.stderr


def test_a_folder_is_an_unreadable_file(tmp_path: Path) -> None:
    result = _decode(str(tmp_path), "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be read: Is a directory" in result.stderr


def test_no_file_is_a_usage_error() -> None:
    assert _decode().exit_code == 2


def test_a_hex_dump_is_decoded() -> None:
    result = _decode("-", "--hex", "--json", octets=READOUT.hex(" ").encode())
    assert json.loads(result.stdout)["telegrams"][0]["check"]["ok"] is True


def test_octets_that_are_no_hex_dump_exit_2() -> None:
    result = _decode("-", "--hex", octets=READOUT)
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'E-DEC-3 -: line 1: "/XMP5' in result.stderr


def test_the_table_shows_identification_verdict_and_aligned_values() -> None:
    result = _decode("-", "--format", "table", octets=IDENT + b"\x06050\r\n" + BLOCK)
    assert result.stdout.splitlines() == [
        "/XMP5\\2VERBA-3.1  (profile generic)",
        "xor check 5E fits",
        "address  obis             name                            value  unit",
        "F.F      0-0:97.97.0*255  Error register               00000000",
        "0.0.0    1-0:0.0.0*255    Device number                41770326",
        "1.8.0    1-0:1.8.0*255    Active energy import total  12345.678  kWh",
        "",
    ]
    assert result.stderr == "W-DEC-1 -: echo of own acknowledgement removed (6 bytes)\n"


def test_the_table_tells_a_wrong_check() -> None:
    lines = _decode("-", "--format", "table", octets=WRONG).stdout.splitlines()
    assert lines[1] == "wrong xor check: sent 5E, computed 55"
    assert "quality" in lines[2]


def test_csv_holds_one_line_a_value() -> None:
    lines = _decode("-", "--format", "csv", octets=READOUT).stdout.splitlines()
    assert lines[0] == "file,identification,check,address,obis,name,value,unit,time,quality,reason"
    assert lines[3] == (
        "-,/XMP5\\2VERBA-3.1,xor check 5E fits,1.8.0,1-0:1.8.0*255,Active energy import total,12345.678,kWh,,good,"
    )


def test_raw_holds_the_blocks_as_they_were_sent() -> None:
    result = _decode("-", "--format", "raw", octets=READOUT)
    assert result.stdout_bytes == BLOCK[1:-4] + b"\n"


def test_fault_x18_a_recording_that_tells_to_write_is_decoded_and_reaches_no_line(tmp_path: Path) -> None:
    """What decodes recordings does not even load what talks on a line."""
    recording = tmp_path / "session"
    recording.write_bytes(READOUT + b"\x01W1\x020.9.1(000000)\x03\x00\x01E2\x02C003()\x03\x00" + b"(" * 100_000)
    look = "import sys, gateway.cli.decode; print([name for name in sys.modules if name.startswith('gateway.line')])"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
    done = CliRunner().invoke(main, ["decode", str(recording), "--format", "json"])
    assert done.exit_code in {0, 5}
    assert "0012345.678" in done.stdout
