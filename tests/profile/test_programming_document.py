"""The `[programming]` table of a profile."""

import pytest

from gateway.errors import Cause, Finding, ProfileError
from gateway.profile import load_profile
from gateway.profile.model import MeterProfile
from gateway.profile.programming_mode import (
    ClockForm,
    ErrorText,
    ProgrammingMode,
    SeriesKind,
    StoredCommand,
    StoredSeries,
)
from gateway.profile.vdew import LOG_STATUS, STATUS, USUAL
from gateway.protocol.parse import identification
from gateway.reading import Access

HEAD = """
id = "xmp-verba"
title = "XMP Verba"
maker = "XMP"
identification = '/XMP5'
differs = "It is made up."
"""
EXAMPLE = """
[[example]]
identification = '/XMP5VERBA'
block = '''
1.8.0(1*kWh)
!
'''
readings = [{ address = "1.8.0", value = "1" }]
"""
WHOLE = """
[programming]
read = "R2"
read_parts = "R4"
write = "W2"
execute = "W5"
argument = "1"
lines_a_block = 4
idle_s = 1.5
reads = "low"
writes = "high"
passwords = { low = "clear", high = "crc32" }
tables = { "6" = "short list", "9" = "outages" }

[[programming.error]]
pattern = "ERR1[45]"
meaning = "access denied"
cause = "access_denied"

[[programming.error]]
pattern = "ERR18"
meaning = "no such date"
cause = "empty"

[[programming.error]]
pattern = "ERR12"
meaning = "unknown register"

[[programming.series]]
address = "P.01"
kind = "load-profile"
title = "Load profile"
limit_form = "YY-MM-DD,hh:mm"
access = "low"
status = { "5" = "clock adjusted" }

[[programming.series]]
address = "P.98"
kind = "log"
title = "Log"

[[programming.command]]
name = "reset"
address = "S01"
argument = "00"
title = "Reset"
access = "sealed"
watched = ["0.1.0", "1.6.0"]

[programming.clock]
registers = [["0.9.4", "sYYMMDDhhmmss"]]
access = "high"
"""


def loaded(programming: str, registers: str = "") -> MeterProfile:
    return load_profile(HEAD + programming + registers + EXAMPLE, "xmp.toml")


def findings(programming: str, registers: str = "") -> tuple[Finding, ...]:
    with pytest.raises(ProfileError) as caught:
        loaded(programming, registers)
    return caught.value.findings


def test_a_profile_states_all_of_its_programming_mode() -> None:
    assert loaded(WHOLE).programming == ProgrammingMode(
        read="R2",
        read_parts="R4",
        write="W2",
        execute="W5",
        argument="1",
        lines_a_block=4,
        idle_s=1.5,
        reads=Access.LOW,
        writes=Access.HIGH,
        passwords={Access.LOW: "clear", Access.HIGH: "crc32"},
        tables={"6": "short list", "9": "outages"},
        errors=(
            ErrorText("ERR1[45]", "access denied", Cause.ACCESS_DENIED),
            ErrorText("ERR18", "no such date", None),
            ErrorText("ERR12", "unknown register"),
        ),
        series=(
            StoredSeries(
                "P.01",
                SeriesKind.LOAD_PROFILE,
                "Load profile",
                "YY-MM-DD,hh:mm",
                {5: "clock adjusted"},
                Access.LOW,
            ),
            StoredSeries("P.98", SeriesKind.LOG, "Log", status=LOG_STATUS),
        ),
        commands=(StoredCommand("reset", "S01", "Reset", "00", Access.SEALED, ("0.1.0", "1.6.0")),),
        clock=ClockForm((("0.9.4", "sYYMMDDhhmmss"),), Access.HIGH),
    )


def test_what_a_family_does_not_state_is_the_usual_practice() -> None:
    assert loaded("").programming is USUAL
    assert loaded("[programming]\n").programming == USUAL
    assert loaded("[programming.clock]\naccess = 'none'\n").programming.clock == ClockForm(access=Access.NONE)


def test_a_load_profile_has_the_usual_status_bits_unless_it_names_its_own() -> None:
    series = '[[programming.series]]\naddress = "P.01"\nkind = "load-profile"\ntitle = "L"\n'
    assert loaded(series).programming.series[0].status == STATUS
    assert loaded(series + "status = {}\n").programming.series[0].status == {}


def test_a_family_can_have_none_of_the_usual_things() -> None:
    mode = loaded("[programming]\nseries = []\ncommand = []\npasswords = {}\nclock = { registers = [] }\n").programming
    assert (mode.series, mode.commands, mode.clock.registers, mode.passwords) == ((), (), (), {})


def test_registers_say_who_may_read_and_who_may_write_them() -> None:
    (register,) = loaded(
        "", '[[register]]\naddress = "0.9.1"\nname = "time"\naccess = "low"\nwrite_access = "sealed"\n'
    ).registers
    assert (register.access, register.write_access) == (Access.LOW, Access.SEALED)


@pytest.mark.parametrize(
    ("programming", "code", "line", "evidence"),
    [
        ('[programming]\nread = "W1"\n', "E-PRO-3", 8, "R1, R2, R5"),
        ('[programming]\nread = "R6"\n', "E-PRO-3", 8, "R1, R2, R5"),
        ('[programming]\nread_parts = "R1"\n', "E-PRO-3", 8, "R3, R4, R6"),
        ('[programming]\nwrite = "E2"\n', "E-PRO-3", 8, "W1, W2, W5"),
        ('[programming]\nexecute = "B0"\n', "E-PRO-3", 8, "E2"),
        ('[programming]\nraed = "R1"\n', "E-PRO-2", 8, 'did you mean "read"'),
        ("[programming]\nidle_s = 1.4\n", "E-PRO-3", 8, "from 1.5 to 120"),
        ("[programming]\nidle_s = 121\n", "E-PRO-3", 8, "from 1.5 to 120"),
        ('[programming]\nidle_s = "2"\n', "E-PRO-3", 8, "a number"),
        ("[programming]\nidle_s = true\n", "E-PRO-3", 8, "a number"),
        ("[programming]\nlines_a_block = 0\n", "E-PRO-3", 8, "from 1 to 99"),
        ('[programming]\nargument = "1)"\n', "E-PRO-3", 8, "argument"),
        ('[programming]\nreads = "sealed"\n', "E-PRO-3", 8, "single registers"),
        ('[programming]\nwrites = "top"\n', "E-PRO-3", 8, "none, low, high"),
        ('[programming]\npasswords = { sealed = "clear" }\n', "E-PRO-2", 8, '"sealed"'),
        ('[programming]\ntables = { "0" = "readout" }\n', "E-PRO-3", 8, "5 to 9"),
        ("[programming]\ntables = { 6 = 7 }\n", "E-PRO-3", 8, "text"),
        ("[[programming.error]]\npattern = '('\nmeaning = 'm'\n", "E-PRO-5", 8, "no regular expression"),
        ("[[programming.error]]\npattern = '(a+)+'\nmeaning = 'm'\n", "E-PRO-5", 8, "for ever"),
        ("[[programming.error]]\npattern = 'a'\n", "E-PRO-4", 7, '"meaning"'),
        ("[[programming.error]]\npattern = 'a'\nmeaning = 'm'\ncause = 'garbled'\n", "E-PRO-3", 10, "empty"),
        ("[[programming.series]]\naddress = 'P.01'\ntitle = 't'\n", "E-PRO-4", 7, '"kind"'),
        ("[[programming.series]]\nkind = 'log'\ntitle = 't'\n", "E-PRO-4", 7, '"address"'),
        ("[[programming.series]]\naddress = 'P(1'\nkind = 'log'\ntitle = 't'\n", "E-PRO-3", 8, "P(1"),
        ("[[programming.series]]\naddress = 'P'\nkind = 'tape'\ntitle = 't'\n", "E-PRO-3", 9, "load-profile, log"),
        (
            "[[programming.series]]\naddress = 'P'\nkind = 'log'\ntitle = 't'\nlimit_form = 'yymm'\n",
            "E-PRO-3",
            11,
            "YY MM DD",
        ),
        (
            "[[programming.series]]\naddress = 'P'\nkind = 'log'\ntitle = 't'\nstatus = { 64 = 'x' }\n",
            "E-PRO-3",
            11,
            "63",
        ),
        ("[[programming.series]]\naddress = 'P'\nkind = 'log'\ntitle = 't'\nstatus = { 6 = 7 }\n", "E-PRO-3", 11, "63"),
        ("[[programming.command]]\nname = 'a b'\naddress = '1.6.0'\ntitle = 't'\n", "E-PRO-3", 8, "a b"),
        ("[[programming.command]]\nname = 'a'\naddress = '1.6.0'\ntitle = 't'\nwhen = 'now'\n", "E-PRO-2", 11, "when"),
        ("[programming.clock]\nregisters = [['0.9.1']]\n", "E-PRO-3", 8, "no pair"),
        ("[programming.clock]\nregisters = [['0.9.1', 'sHHMMSS']]\n", "E-PRO-3", 8, "sHHMMSS"),
        ("[programming.clock]\nregisters = [['(0.9.1', 'hhmm']]\n", "E-PRO-3", 8, "no pair"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(programming: str, code: str, line: int, evidence: str) -> None:
    found = findings(programming)
    assert [(finding.code, finding.where) for finding in found] == [(code, f"xmp.toml:{line}")]
    assert evidence in f"{found[0].what} {found[0].next}"


@pytest.mark.parametrize("key", ["access", "write_access"])
def test_a_group_that_there_is_not_is_refused(key: str) -> None:
    (finding,) = findings("", f"[[register]]\naddress = '1.8.0'\nname = 'e'\n{key} = 'medium'\n")
    assert (finding.code, finding.where) == ("E-PRO-3", "xmp.toml:10")


def test_a_series_or_a_command_that_stands_twice_is_refused() -> None:
    series = "[[programming.series]]\naddress = 'P.01'\nkind = 'log'\ntitle = 't'\n"
    command = "[[programming.command]]\nname = 'reset'\naddress = '1.6.0'\ntitle = 't'\n"
    found = findings(series * 2 + command * 2)
    assert [(finding.code, finding.where) for finding in found] == [
        ("E-PRO-7", "xmp.toml:11"),
        ("E-PRO-7", "xmp.toml:19"),
    ]


def test_an_identification_pattern_that_may_match_for_ever_is_refused() -> None:
    with pytest.raises(ProfileError, match="for ever"):
        load_profile(HEAD.replace("'/XMP5'", "'/(XMP+)*5'") + EXAMPLE, "xmp.toml")


def test_the_conduct_carries_the_programming_mode() -> None:
    profile = loaded(WHOLE)
    assert profile.conduct(identification(b"/XMP5VERBA")).programming is profile.programming


def test_the_escape_of_formatted_commands_counts_where_the_family_states_nothing() -> None:
    formatted = loaded("").conduct(identification(b"/XMP5\\@VERBA")).programming
    assert (formatted.read, formatted.read_parts, formatted.write) == ("R5", "R6", "W5")
    assert formatted.series == USUAL.series
    assert loaded("").conduct(identification(b"/XMP5VERBA")).programming.read == "R1"
    stated = loaded('[programming]\nread = "R2"\n').conduct(identification(b"/XMP5\\@VERBA")).programming
    assert stated.read == "R2"


def test_a_long_bracket_is_data_not_an_error_text() -> None:
    mode = loaded("[[programming.error]]\npattern = '.*'\nmeaning = 'm'\n").programming
    assert mode.refusal(("X" * 65,)) is None
    assert mode.refusal(("X" * 64,)) is not None
