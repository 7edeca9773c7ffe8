"""A site file in, a site or all its findings out."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.codes import CODES
from gateway.errors import Finding, SiteError
from gateway.protocol.characters import CharacterFormat, Mode, Parity
from gateway.site.load import draft_site, find_site_file, load_site
from gateway.site.model import (
    AccessSettings,
    FlowControl,
    JobKind,
    JobSettings,
    NumberType,
    Push,
    SerialPort,
    SignalSettings,
    SinkSettings,
    Site,
    TcpEndpoint,
)

LINE = """
[[line]]
alias = "riser-a"
ip = "10.20.0.5"
port = 4001
"""
PORT = """
[[line]]
alias = "optical"
device = "/dev/ttyS0"
"""
METER = """
[[meter]]
device_alias = "flat01"
line = "riser-a"
serialnumber = "01234567"
"""
OTHER = """
[[meter]]
device_alias = "flat08"
line = "optical"
serialnumber = "7"
"""
SIGNAL = """
[[meter.signal]]
signal_alias = "energy"
tag_job_todo = "1.8.0"
"""
JOB = """
[[meter.job]]
kind = "profile-data"
schedule = "00:30"
"""
SINK = """
[[sink]]
name = "log"
type = "jsonl"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes metergate.toml into the current folder, and gives its relative path."""
    monkeypatch.chdir(tmp_path)

    def written(text: str) -> Path:
        Path("metergate.toml").write_text(text, encoding="utf-8")
        return Path("metergate.toml")

    return written


def errors_of(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(SiteError) as caught:
        load_site(path)
    return caught.value.findings


def only_error(path: Path) -> Finding:
    (error,) = (finding for finding in errors_of(path) if finding.is_error)
    return error


def site_of(path: Path) -> Site:
    return load_site(path)[0]


def test_the_smallest_site_gets_the_documented_defaults(write: Write) -> None:
    site, warnings = load_site(write(LINE + METER))
    (line,), (meter,) = site.lines, site.meters
    assert warnings == ()
    assert (line.alias, line.endpoint, line.baudrate, str(line.format)) == (
        "riser-a",
        TcpEndpoint("10.20.0.5", 4001),
        300,
        "7E1",
    )
    assert (line.serial_close_delay, line.time_scale, line.max_baudrate) == (400, 1.0, None)
    assert (meter.serialnumber, meter.enable, meter.type, meter.t2) == ("01234567", True, None, None)
    assert (meter.poll_delay_ms, meter.scan_rate_ms, meter.timeout_ms) == (200, 900_000, 2500)
    assert (meter.meter_model, meter.signals, site.sinks, site.plugins_allow) == ("auto", (), (), None)
    assert (meter.password, meter.writable, meter.jobs, site.access) == (None, None, (), AccessSettings())
    assert meter.fuse_a is None
    assert (site.gateway.name, site.gateway.timezone, site.gateway.retention_days) == ("metergate", ZoneInfo("UTC"), 90)


def test_every_table_reaches_its_settings(write: Write) -> None:
    site = site_of(
        write(
            """
            config_version = 1
            [gateway]
            name = "block-12"
            timezone = "Europe/Vilnius"
            data_dir = "state"
            [plugins]
            allow = ["metergate-example"]
            [access]
            allow_write = true
            writable = ["0.9.*", "1.6.0"]
            [[line]]
            alias = "optical"
            device = "/dev/ttyS0"
            baudrate = 600
            max_baudrate = 4800
            databits = 8
            parity = "none"
            stopbits = 2
            flowcontrol = "rtscts"
            flavour = "raw"
            release = "never"
            push = "none"
            capture = 0
            [[meter]]
            device_alias = "flat01"
            line = "optical"
            serialnumber = 0
            meter_model = 1
            type = "C"
            t2 = 300
            enable = 1
            password = "env:FLATS"
            writable = ["0.9.1"]
            fuse_a = 63
            tags = { flat = "1" }
            [[meter.signal]]
            signal_name = "Energy"
            signal_alias = "energy"
            tag_job_todo = "1.8.0|1.8.1"
            enable = 0
            log = 0
            number_type = "INTEGER"
            scale = 0.1
            unit = "MWh"
            min = -5
            max = "999999.90"
            max_step = 1000.0
            [[meter.job]]
            kind = "profile-data"
            schedule = "00:30"
            code = "P.02"
            days = 40
            [[meter.job]]
            kind = "events"
            schedule = "*/360"
            [[sink]]
            name = "log"
            type = "jsonl"
            path = "out.jsonl"
            """
        )
    )
    (line,), (meter,) = site.lines, site.meters
    assert site.gateway.timezone == ZoneInfo("Europe/Vilnius")
    assert site.gateway.data_dir == Path("state")
    assert site.plugins_allow == ("metergate-example",)
    assert line.endpoint == SerialPort("/dev/ttyS0")
    assert line.format == CharacterFormat(8, Parity.NONE, 2)
    assert (line.baudrate, line.max_baudrate, line.flowcontrol) == (600, 4800, FlowControl.RTSCTS)
    assert (meter.serialnumber, meter.meter_model, meter.type, meter.t2) == ("", "auto", Mode.C, 300)
    assert meter.tags == {"flat": "1"}
    assert meter.signals == (
        SignalSettings(
            "Energy",
            "energy",
            "1.8.0|1.8.1",
            enable=False,
            log=0,
            number_type=NumberType.INTEGER,
            scale=Decimal("0.1"),
            unit="MWh",
            min=Decimal(-5),
            max=Decimal("999999.90"),
            max_step=Decimal(1000),
        ),
    )
    assert meter.fuse_a == 63
    assert site.sinks == (SinkSettings("log", "jsonl", {"path": "out.jsonl"}),)
    assert site.access == AccessSettings(allow_write=True, writable=("0.9.*", "1.6.0"))
    assert (meter.password, meter.writable) == ("env:FLATS", ("0.9.1",))
    assert meter.jobs == (
        JobSettings(JobKind.PROFILE_DATA, "00:30", "P.02", 40),
        JobSettings(JobKind.EVENTS, "*/360"),
    )


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("0.1", "0.1"),
        ("1e-7", "0.0000001"),
        ("1000.0", "1000"),
        ("-0.001", "-0.001"),
        ("40", "40"),
        ('"0.10"', "0.10"),
        ('"123456789012345678.123456789012345678"', "123456789012345678.123456789012345678"),
    ],
)
def test_a_scale_is_kept_exactly_as_it_is_written(write: Write, written: str, exact: str) -> None:
    (signal,) = site_of(write(LINE + METER + SIGNAL + f"scale = {written}\n")).meters[0].signals
    assert format(signal.scale or 0, "f") == exact


def test_a_least_value_may_equal_the_greatest(write: Write) -> None:
    (signal,) = site_of(write(LINE + METER + SIGNAL + "min = 0\nmax = 0.0\n")).meters[0].signals
    assert (signal.min, signal.max) == (Decimal(0), Decimal(0))


def test_folders_of_a_site_file_elsewhere_start_at_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[gateway]\ndata_dir = "state"\nprofiles = "profiles.d"\n' + LINE + METER, encoding="utf-8")
    gateway = site_of(path).gateway
    assert (gateway.data_dir, gateway.profiles) == (tmp_path / "state", tmp_path / "profiles.d")


def test_a_port_follows_speeds_and_raw_tcp_does_not(write: Write) -> None:
    site = site_of(write(LINE + PORT + METER + METER.replace("flat01", "flat02").replace("riser-a", "optical")))
    assert [line.can_change_speed for line in site.lines] == [False, True]


def test_only_enabled_meters_of_a_line_are_its_meters(write: Write) -> None:
    second = METER.replace("flat01", "flat02").replace("01234567", "2") + "enable = false\n"
    site = site_of(write(LINE + METER + second))
    assert [meter.device_alias for meter in site.meters_of("riser-a")] == ["flat01"]
    assert len(site.meters) == 2


def test_defaults_serve_lines_and_meters_that_do_not_say_otherwise(write: Write) -> None:
    defaults = "[defaults]\nport = 4001\nbaudrate = 9600\nscan_rate_ms = 60_000\ntimeout_ms = 1000\n"
    line = LINE.replace("port = 4001\n", "")
    own = METER.replace("flat01", "flat02").replace("riser-a", "optical") + "timeout_ms = 5000\n"
    site = site_of(write(defaults + line + PORT + "baudrate = 300\n" + METER + own))
    assert [each.endpoint for each in site.lines] == [TcpEndpoint("10.20.0.5", 4001), SerialPort("/dev/ttyS0")]
    assert [each.baudrate for each in site.lines] == [9600, 300]
    assert [(each.scan_rate_ms, each.timeout_ms) for each in site.meters] == [(60_000, 1000), (60_000, 5000)]


def test_a_wrong_default_is_told_once_where_it_stands(write: Write) -> None:
    error = only_error(write('[defaults]\ntimeout_ms = "x"\n' + LINE + METER))
    assert (error.code, error.where) == ("E-CFG-5", "metergate.toml:2 [defaults]")


def test_soft_parity_keeps_the_character_format_of_a_tcp_line(write: Write) -> None:
    soft = 'soft_parity = true\nparity = "odd"\n'
    site, warnings = load_site(write(LINE + soft + METER))
    assert site.lines[0].format == CharacterFormat(7, Parity.ODD, 1)
    assert warnings == ()


def test_tcp_wins_over_a_port_and_names_the_settings_that_it_ignores(write: Write) -> None:
    ignored = 'device = "/dev/ttyS0"\nparity = "none"\ndatabits = 8\n'
    site, (warning,) = load_site(write(LINE + ignored + METER))
    assert site.lines[0].endpoint == TcpEndpoint("10.20.0.5", 4001)
    assert str(site.lines[0].format) == "7E1"
    assert warning.code == "W-CFG-1"
    assert warning.what == "device, databits, parity: ignored, since ip and port make this a TCP line"
    assert warning.where == "metergate.toml:6 [[line]] riser-a"


def test_an_unknown_key_names_the_nearest_known_one(write: Write) -> None:
    error = only_error(write(LINE + "baud = 300\n" + METER))
    assert str(error) == (
        'E-CFG-2 metergate.toml:6 [[line]] riser-a: unknown key "baud"\n        next: did you mean "baudrate"?'
    )


def test_speed_change_over_raw_tcp_is_refused_with_the_next_step(write: Write) -> None:
    error = only_error(write(LINE + 'speed_change = "auto"\n' + METER))
    assert str(error) == (
        'E-CFG-7 metergate.toml:6 line riser-a: speed_change = "auto" over a raw TCP socket: '
        "a raw socket cannot change the far end's speed\n"
        '        next: flavour = "rfc2217", or speed_change = "never" with baudrate = the server\'s setting'
    )


def test_the_wildcard_is_refused_on_a_shared_line_with_the_count_of_its_meters(write: Write) -> None:
    nameless = METER.replace("flat01", "flat02").replace('"01234567"', '""')
    error = only_error(write(LINE + METER + nameless))
    assert error.code == "E-CFG-12"
    assert error.where == "metergate.toml:15 meter flat02"
    assert error.what == 'serialnumber is empty but riser-a has 2 meters: "/?!" would be answered by all at once'


@pytest.mark.parametrize("zero", ['""', '"0"', "0"])
def test_a_meter_alone_on_its_line_needs_no_serial_number(write: Write, zero: str) -> None:
    disabled = METER.replace("flat01", "flat02") + "enable = 0\n"
    site = site_of(write(LINE + METER.replace('"01234567"', zero) + disabled))
    assert site.meters[0].serialnumber == ""


def test_an_all_zero_serial_number_is_a_number_of_its_own(write: Write) -> None:
    assert site_of(write(LINE + METER.replace("01234567", "000"))).meters[0].serialnumber == "000"


def test_all_errors_of_a_file_come_at_once_in_the_order_of_its_lines(write: Write) -> None:
    text = (
        '[http]\nlisten = "127.0.0.1:8787"\n'
        + LINE.replace("port = 4001", "port = 0")
        + METER.replace('"01234567"', '"12/34"')
        + 'line_ = "x"\npoll_delay_ms = -1\n'
        + SIGNAL.replace('signal_alias = "energy"\n', "")
        + SINK.replace('type = "jsonl"\n', "")
    )
    findings = errors_of(write(text))
    lines = [int(finding.where.partition(":")[2].partition(" ")[0]) for finding in findings]
    assert [finding.code for finding in findings] == [
        "E-CFG-15",
        "E-CFG-6",
        "E-CFG-14",
        "E-CFG-2",
        "E-CFG-6",
        "E-CFG-4",
        "E-CFG-4",
    ]
    assert lines == [1, 7, 12, 13, 14, 16, 19]
    assert all(finding.next for finding in findings)


def test_a_wrong_number_is_not_taken_for_the_one_that_looks_most_alike(write: Write) -> None:
    assert only_error(write(LINE + "baudrate = 6900\n" + METER)).next == "choose one of them"


BAD: list[tuple[str, str, int, str]] = [
    (LINE + LINE.replace("4001", "4002") + METER, "E-CFG-8", 8, 'alias "riser-a" is taken'),
    (LINE + METER + METER.replace("0123", "9123"), "E-CFG-8", 13, 'device_alias "flat01" is taken'),
    (LINE + METER + SIGNAL + SIGNAL, "E-CFG-8", 17, 'signal_alias "energy" is taken'),
    (LINE + METER + SINK + SINK, "E-CFG-8", 17, 'name "log" is taken'),
    (LINE.replace("port = 4001\n", "") + METER, "E-CFG-9", 4, '"ip" is given without "port"'),
    (LINE.replace('ip = "10.20.0.5"\n', "") + METER, "E-CFG-9", 4, '"port" is given without "ip"'),
    ('[[line]]\nalias = "riser-a"\n' + METER, "E-CFG-4", 1, "neither a port nor an endpoint"),
    (LINE.replace('alias = "riser-a"\n', "") + METER.replace("riser-a", "x"), "E-CFG-4", 2, '"alias" is missing'),
    (LINE.replace("4001", "65536") + METER, "E-CFG-6", 5, "port = 65536 is outside its range"),
    (LINE.replace("4001", "true") + METER, "E-CFG-5", 5, "port = true is true or false, a whole number is wanted"),
    (LINE + "baudrate = 6900\n" + METER, "E-CFG-6", 6, "baudrate = 6900 is none of 300, 600"),
    (LINE + "databits = 9\n" + METER, "E-CFG-16", 6, "UARTs of computers and adapters make no 9"),
    (LINE + "databits = 6\n" + METER, "E-CFG-16", 6, "6 bits hold no letter"),
    (LINE + "stopbits = 3\n" + METER, "E-CFG-6", 6, "stopbits = 3 is none of 1, 2"),
    (LINE + "stopbits = true\n" + METER, "E-CFG-6", 6, "stopbits = true is none of 1, 2"),
    (LINE + "time_scale = 0\n" + METER, "E-CFG-6", 6, "time_scale = 0 is outside its range"),
    (LINE + "time_scale = nan\n" + METER, "E-CFG-6", 6, "time_scale = nan is outside its range"),
    (LINE + 'flavour = "rfc2217"\n' + METER, "E-CFG-15", 6, 'flavour = "rfc2217" is not in this version'),
    (LINE + 'push = "C"\n' + METER, "E-CFG-6", 6, 'push = "C" is none of "none", "D", "P1"'),
    (PORT + 'push = "D"\n' + METER, "E-CFG-4", 5, 'push = "D" without "baudrate"'),
    (LINE + 'push = "P1"\n' + METER + 'password = "env:FLATS"\n', "E-CFG-22", 12, "a password on a line that only"),
    (LINE + 'push = "P1"\n' + METER + 'type = "C"\n', "E-CFG-22", 12, 'type = "C" on a line that only listens'),
    (LINE + "capture = 5\n" + METER, "E-CFG-15", 6, "capture = 5 is not in this version"),
    (LINE + 'release = "round"\n' + METER, "E-CFG-15", 6, 'release = "round" is not in this version'),
    (LINE + 'listen = "0.0.0.0:7000"\n' + METER, "E-CFG-15", 6, '"listen" is not in this version'),
    (LINE + "rs485 = true\n" + METER, "E-CFG-15", 6, '"rs485" is not in this version'),
    (LINE.replace("riser-a", "riser a") + METER.replace("riser-a", "x"), "E-CFG-6", 3, 'alias = "riser a": letters'),
    (PORT.replace("/dev/ttyS0", "COM3") + METER.replace("riser-a", "optical"), "E-CFG-6", 4, "an absolute path"),
    (
        PORT + "baudrate = 9600\nmax_baudrate = 4800\n" + METER.replace("riser-a", "optical"),
        "E-CFG-6",
        6,
        "max_baudrate = 4800 is below the opening speed",
    ),
    (LINE + METER.replace('line = "riser-a"', 'line = "riser-b"'), "E-CFG-11", 9, 'there is no line "riser-b"'),
    (LINE + METER + METER.replace("flat01", "flat02").replace("0123", "123"), "E-CFG-13", 15, "that of meter flat01"),
    (LINE + METER.replace('"01234567"', "1234567"), "E-CFG-5", 10, "text is wanted: leading zeros count"),
    (LINE + METER.replace("01234567", "1" * 33), "E-CFG-14", 10, "33 characters"),
    (LINE + METER.replace("01234567", "12!4"), "E-CFG-14", 10, 'holds "!"'),
    (LINE + METER.replace("01234567", "12\\u0001"), "E-CFG-14", 10, "which a sign-on cannot carry"),
    (LINE + METER + "t2 = 19\n", "E-CFG-6", 11, "t2 = 19 is outside its range"),
    (LINE + METER + "t2 = 1501\n", "E-CFG-6", 11, "t2 = 1501 is outside its range"),
    (LINE + METER + 'type = "D"\n', "E-CFG-22", 11, 'type = "D" on a line that asks'),
    (LINE + METER + "enable = 2\n", "E-CFG-5", 11, "true or false is wanted"),
    (LINE + METER + "meter_model = 2\n", "E-CFG-5", 11, "meter_model = 2 is a number"),
    (LINE + METER + "tags = { flat = 1 }\n", "E-CFG-5", 11, "tags = 1 is a number, text is wanted"),
    (LINE + METER + "signal = 3\n", "E-CFG-5", 11, "signal is a number, tables are wanted"),
    (LINE + METER + 'password = "env:"\n', "E-CFG-20", 11, "password = ***"),
    (LINE + METER + 'password = "file:secret"\n', "E-CFG-20", 11, "password = ***"),
    (LINE + METER + 'writable = "0.9.1"\n', "E-CFG-5", 11, "a list of texts is wanted"),
    (LINE + METER + 'schedule = "*/15"\n', "E-CFG-15", 11, '"schedule" is not in this version'),
    (LINE + METER + '[[meter.job]]\nkind = "clock"\n', "E-CFG-4", 11, '"schedule" is missing'),
    (LINE + METER + JOB.replace("profile-data", "profile"), "E-CFG-6", 13, 'kind = "profile" is none of'),
    (LINE + METER + JOB.replace("00:30", "24:00"), "E-CFG-6", 14, 'schedule = "24:00": a time of day HH:MM'),
    (LINE + METER + JOB.replace("00:30", "*/7"), "E-CFG-6", 14, "*/N minutes that divide a day"),
    (LINE + METER + JOB.replace('"00:30"', "30"), "E-CFG-5", 14, "schedule = 30 is a number"),
    (LINE + METER + JOB + "days = 0\n", "E-CFG-6", 15, "days = 0 is outside its range"),
    (LINE + METER + JOB + 'code = "P.01("\n', "E-CFG-6", 15, 'code = "P.01("'),
    (LINE + METER + JOB + "cron = 1\n", "E-CFG-2", 15, 'unknown key "cron"'),
    (LINE + METER + "job = 3\n", "E-CFG-5", 11, "job is a number, tables are wanted"),
    (LINE + METER + JOB + JOB, "E-CFG-8", 17, 'a job of kind "profile-data" for the same code stands above'),
    (LINE + METER + "fuse_a = 0\n", "E-CFG-6", 11, "fuse_a = 0 is outside its range"),
    (LINE + METER + "fuse_a = 10_001\n", "E-CFG-6", 11, "fuse_a = 10001 is outside its range"),
    (LINE + METER + SIGNAL + "scale = 0\n", "E-CFG-6", 15, "scale = 0 is not a number other than 0"),
    (LINE + METER + SIGNAL + "max_step = -0.5\n", "E-CFG-6", 15, "max_step = -0.5 is not a number above 0"),
    (LINE + METER + SIGNAL + "max_step = 0.0\n", "E-CFG-6", 15, "max_step = 0.0 is not a number above 0"),
    (LINE + METER + SIGNAL + "min = nan\n", "E-CFG-6", 15, "min = NaN: a number is wanted"),
    (LINE + METER + SIGNAL + "max = 1e30\n", "E-CFG-6", 15, "max = 1e+30: a number is wanted"),
    (LINE + METER + SIGNAL + "max = true\n", "E-CFG-5", 15, "max = true is true or false, a number is wanted"),
    (LINE + METER + SIGNAL + 'scale = "1/1000"\n', "E-CFG-5", 15, 'scale = "1/1000": a number other than 0 is'),
    (LINE + METER + SIGNAL + "unit = 7\n", "E-CFG-5", 15, "unit = 7 is a number"),
    (LINE + METER + SIGNAL + "max = 1\nmin = 1.5\n", "E-CFG-6", 16, "min = 1.5 is above max = 1"),
    (
        LINE + METER + SIGNAL + 'number_type = "TEXT"\nunit = "kWh"\n',
        "E-CFG-6",
        16,
        'unit beside number_type = "TEXT": only numbers have them',
    ),
    (LINE + METER + SIGNAL.replace("1.8.0", ""), "E-CFG-6", 14, "a register as the meter prints it"),
    ("[otel]\n" + LINE + METER, "E-CFG-15", 1, '"otel" is not in this version'),
    ("[access]\nwritable = [1]\n" + LINE + METER, "E-CFG-5", 2, "writable = 1 is a number"),
    ('[access]\nallow_write = "yes"\n' + LINE + METER, "E-CFG-5", 2, "true or false is wanted"),
    ('[gateway]\nreload = "watch"\n' + LINE + METER, "E-CFG-15", 2, 'reload = "watch" is not in this version'),
    ('[gateway]\ntimezone = "Mars/Olympus"\n' + LINE + METER, "E-CFG-17", 2, "no time zone that this machine knows"),
    ('[gateway]\ntimezone = "../passwd"\n' + LINE + METER, "E-CFG-17", 2, "no time zone that this machine knows"),
    ("[gatway]\n" + LINE + METER, "E-CFG-2", 1, 'unknown key "gatway"'),
    ("config_version = 2\n" + LINE + METER, "E-CFG-6", 1, "this Metergate knows version 1"),
    ("[defaults]\nbauds = 9600\n" + LINE + METER, "E-CFG-2", 2, 'unknown key "bauds"'),
    ('[defaults]\npassword = "x"\n' + LINE + METER, "E-CFG-20", 2, "password = ***"),
    ("[plugins]\nallow = 'all'\n" + LINE + METER, "E-CFG-5", 2, "a list of texts is wanted"),
    (LINE.replace("[[line]]", "[line]") + METER.replace("riser-a", "x"), "E-CFG-5", 2, "tables are wanted"),
    ("[[gateway]]\n" + LINE + METER, "E-CFG-5", 1, "one table is wanted"),
    (LINE + METER + "name = \n", "E-CFG-3", 11, "no valid TOML"),
    (LINE + METER + "tags = [", "E-CFG-3", 11, "no valid TOML"),
]


@pytest.mark.parametrize(("text", "code", "line", "what"), BAD, ids=[f"{n}-{bad[1]}" for n, bad in enumerate(BAD)])
def test_a_mistake_is_told_with_its_line(write: Write, text: str, code: str, line: int, what: str) -> None:
    finding = next(finding for finding in errors_of(write(text)) if finding.is_error)
    assert finding.code == code
    assert finding.where.partition(" ")[0] == f"metergate.toml:{line}"
    assert what in finding.what
    assert code in CODES


def test_a_wrong_key_hides_no_rule_of_the_same_table(write: Write) -> None:
    second = LINE.replace("riser-a", "riser-b") + "databits = 9\n"
    findings = errors_of(write(LINE + METER + second))
    assert [finding.code for finding in findings if finding.is_error] == ["E-CFG-10", "E-CFG-16"]


def test_a_line_with_a_mistake_is_still_known_to_its_meters(write: Write) -> None:
    error = only_error(write(LINE.replace("4001", '"4001"') + METER))
    assert error.code == "E-CFG-5"


def test_two_links_to_one_port_are_one_port(write: Write, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/ttyS0")
    second = PORT.replace("optical", "copy").replace("/dev/ttyS0", str(link))
    error = only_error(write(PORT + second + METER.replace("riser-a", "optical")))
    assert (error.code, error.where) == ("E-CFG-10", "metergate.toml:8 [[line]] copy")
    assert "line optical" in error.what


def test_one_endpoint_in_two_lines_is_refused_whatever_its_spelling(write: Write) -> None:
    first = LINE.replace("10.20.0.5", "server.example")
    second = LINE.replace("riser-a", "riser-b").replace("10.20.0.5", "Server.Example.")
    assert only_error(write(first + second + METER)).code == "E-CFG-10"


@pytest.mark.parametrize("secret", ['"24681357"', "24681357", '["24681357"]', '"env:24681357"', '"clear:24681357"'])
@pytest.mark.parametrize("place", ["[defaults]\npassword = {}\n" + LINE + METER, LINE + METER + "password = {}\n"])
def test_a_password_in_clear_is_refused_and_repeated_nowhere(write: Write, place: str, secret: str) -> None:
    error = only_error(write(place.format(secret)))
    assert error.code == "E-CFG-20"
    assert "24681357" not in str(error)
    assert "env:NAME" in (error.next or "")


@pytest.mark.parametrize("reference", ["env:FLATS", "file:/etc/metergate/flats", "cred:flats.2"])
def test_a_password_is_named_by_its_place(write: Write, reference: str) -> None:
    assert site_of(write(LINE + METER + f'password = "{reference}"\n')).meters[0].password == reference


def test_two_jobs_of_one_kind_are_told_apart_by_their_codes(write: Write) -> None:
    second = JOB + 'code = "P.02"\n'
    assert [job.code for job in site_of(write(LINE + METER + JOB + second)).meters[0].jobs] == [None, "P.02"]


def test_a_job_with_a_mistake_hides_no_other(write: Write) -> None:
    broken = JOB.replace("00:30", "nightly")
    site, findings = draft_site(write(LINE + METER + broken + JOB.replace("profile-data", "events")))
    assert [finding.code for finding in findings] == ["E-CFG-6"]
    assert [job.kind for job in site.meters[0].jobs] == [JobKind.EVENTS]
    assert findings[0].where == "metergate.toml:14 [[meter.job]] profile-data of flat01"


def test_a_clock_may_be_set_by_a_job_where_writing_is_on(write: Write) -> None:
    clock = JOB.replace("profile-data", "clock")
    assert load_site(write("[access]\nallow_write = true\n" + LINE + METER + clock))[1] == ()


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (LINE + METER + JOB.replace("profile-data", "clock"), "W-CFG-5", 13),
        (PORT + 'flowcontrol = "xonxoff"\n' + METER.replace("riser-a", "optical"), "W-CFG-2", 5),
        (LINE + METER + 'type = "B"\n', "W-CFG-3", 11),
        (PORT + 'speed_change = "never"\n' + METER.replace("riser-a", "optical") + 'type = "B"\n', "W-CFG-3", 11),
        (LINE + PORT + METER + METER.replace("flat01", "flat07").replace("riser-a", "optical"), "W-CFG-6", 19),
        (LINE, "W-CFG-4", 2),
        (LINE + METER + "enable = false\n", "W-CFG-4", 2),
        ("", "W-CFG-4", 1),
    ],
)
def test_what_works_badly_is_warned_of(write: Write, text: str, code: str, line: int) -> None:
    _, (warning,) = load_site(write(text))
    assert (warning.code, warning.where.partition(" ")[0]) == (code, f"metergate.toml:{line}")
    assert not warning.is_error


def test_s3_one_serial_number_on_two_lines_is_warned_of_with_both_meters(write: Write) -> None:
    second = METER.replace("flat01", "flat07").replace("riser-a", "optical").replace("01234567", "1234567")
    site, (warning,) = load_site(write(LINE + PORT + METER + second))
    assert str(warning) == (
        'W-CFG-6 metergate.toml:19 [[meter]] flat07: serialnumber "1234567" is that of meter flat01 on line riser-a '
        "(leading zeros do not count)\n"
        "        next: compare both with the plates; readings are kept apart by device_alias and line"
    )
    assert [meter.device_alias for meter in site.meters] == ["flat01", "flat07"]


def test_s3_meters_that_are_disabled_or_without_number_share_none(write: Write) -> None:
    elsewhere = METER.replace("flat01", "flat07").replace("riser-a", "optical")
    assert load_site(write(LINE + PORT + METER + elsewhere + "enable = false\n" + OTHER))[1] == ()
    nameless = METER.replace("01234567", "") + elsewhere.replace("01234567", "000")
    assert load_site(write(LINE + PORT + nameless))[1] == ()


def test_a_mode_that_needs_no_speed_change_is_not_warned_of(write: Write) -> None:
    mode_b = METER.replace("riser-a", "optical") + 'type = "B"\n'
    assert load_site(write(PORT + mode_b))[1] == ()
    assert load_site(write(LINE + METER + 'type = "E"\n'))[1] == ()


def test_a_later_check_can_name_the_line_of_a_setting(write: Write) -> None:
    site = site_of(write(LINE + METER + SIGNAL + SINK + 'path = "x"\n'))
    assert site.where(site.sinks[0], "path") == "metergate.toml:19 [[sink]] log"
    assert site.where(site.meters[0], "serialnumber") == "metergate.toml:10 [[meter]] flat01"
    assert site.where(site.meters[0], "signal", 0, "tag_job_todo") == "metergate.toml:14 [[meter]] flat01"
    assert site.where(site.lines[0]) == "metergate.toml:2 [[line]] riser-a"


def test_a_draft_keeps_what_can_be_used_of_a_file_with_errors(write: Write) -> None:
    broken = METER.replace("flat01", "flat02").replace("01234567", "1/2")
    site, findings = draft_site(write(LINE + broken + METER + SINK))
    assert [finding.code for finding in findings] == ["E-CFG-14"]
    assert [meter.device_alias for meter in site.meters] == ["flat01"]
    assert site.where(site.meters[0], "serialnumber") == "metergate.toml:15 [[meter]] flat01"


def test_windows_line_ends_and_a_byte_order_mark_are_read(write: Write) -> None:
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf" + (LINE + METER).replace("\n", "\r\n").encode())
    assert site_of(path).lines[0].alias == "riser-a"


def test_octets_that_are_no_utf8_are_told_with_their_line(write: Write) -> None:
    path = write("")
    path.write_bytes(b'[gateway]\nname = "caf\xe9"\n')
    (error,) = errors_of(path)
    assert (error.code, error.where) == ("E-CFG-3", "metergate.toml:2")


def test_a_file_that_is_not_there_or_a_folder_is_told_as_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        (error,) = errors_of(path)
        assert (error.code, error.where) == ("E-CFG-1", str(path))


def test_the_site_file_is_looked_for_in_the_documented_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, user = tmp_path / "here", tmp_path / "config" / "metergate"
    here.mkdir()
    user.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("METERGATE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", f"{tmp_path / 'none'}:{tmp_path / 'etc'}")
    with pytest.raises(SiteError, match=r"no site file found; looked for metergate\.toml"):
        find_site_file(None)
    (tmp_path / "etc" / "metergate").mkdir(parents=True)
    (tmp_path / "etc" / "metergate" / "metergate.toml").touch()
    assert find_site_file(None) == tmp_path / "etc" / "metergate" / "metergate.toml"
    (user / "metergate.toml").touch()
    assert find_site_file(None) == user / "metergate.toml"
    (here / "metergate.toml").touch()
    assert find_site_file(None) == Path("metergate.toml")
    monkeypatch.setenv("METERGATE_CONFIG", "other.toml")
    assert find_site_file(None) == Path("other.toml")
    assert find_site_file("given.toml") == Path("given.toml")


def test_a_line_that_only_listens_is_known_as_such(write: Write) -> None:
    path = write(PORT + 'push = "P1"\nbaudrate = 115200\n' + METER.replace("riser-a", "optical") + 'type = "D"\n')
    (line,) = load_site(path)[0].lines
    assert (line.push, line.baudrate) == (Push.P1, 115_200)


def test_meters_that_push_on_one_line_are_told_apart_by_their_numbers(write: Write) -> None:
    second = METER.replace("flat01", "flat02").replace("01234567", "")
    finding = errors_of(write(LINE + 'push = "D"\n' + METER + second))[0]
    assert (finding.code, finding.what) == (
        "E-CFG-12",
        "serialnumber is empty but riser-a has 2 meters: none could be told by its telegrams",
    )
