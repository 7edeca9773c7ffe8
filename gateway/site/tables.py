"""The tables of the site file: every key with its range, default, meaning."""

# ruff: noqa: RUF009 - key() makes a field, not a default

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, TypeVar, cast
from zoneinfo import ZoneInfo

from attrs import NOTHING, AttrsInstance, field, fields_dict, frozen

from gateway.protocol.characters import OPENING_SPEED, SPEEDS, Mode, Parity
from gateway.site.kinds import (
    ALIAS,
    NAME,
    Choice,
    Exact,
    Kind,
    Number,
    OrAuto,
    Sign,
    Switch,
    Text,
    Texts,
    Whole,
    one_of,
)
from gateway.site.model import (
    ControlLevel,
    FlowControl,
    JobKind,
    LogFormat,
    LogLevel,
    NumberType,
    Push,
    SpeedChange,
    Wakeup,
)
from gateway.site.terms import (
    COUNTER,
    COUNTERS,
    Folder,
    Interval,
    MeterModel,
    SecretReference,
    SerialNumber,
    Several,
    Tags,
    TimeZone,
    WallClock,
)

T = TypeVar("T")
HOUR_MS, MONTH_MS = 3_600_000, 31 * 24 * 3_600_000
_METADATA = "site key"


@frozen
class Key:
    """One key of a table: what it takes, what it means.

    `default` is NOTHING where the key is required; `written` is how the file would write a default of None.
    """

    kind: Kind[object]
    about: str
    default: object
    written: str | None = None


def required(kind: Kind[T], about: str) -> T:
    """A key that must be given."""
    return cast("T", field(metadata={_METADATA: Key(kind, about, NOTHING)}))


def key(kind: Kind[T], about: str, default: T, written: str | None = None) -> T:
    """A key with a default."""
    return field(default=default, metadata={_METADATA: Key(kind, about, default, written)})


def keys_of(table: type[AttrsInstance]) -> Mapping[str, Key]:
    """The keys of a table's class, in their order; none for a class whose fields are plain attrs."""
    return {
        name: found.metadata[_METADATA] for name, found in fields_dict(table).items() if _METADATA in found.metadata
    }


def later_keys(table: type[AttrsInstance]) -> tuple[str, ...]:
    """Keys that a later version serves."""
    later: tuple[str, ...] = getattr(table, "later", ())
    return later


_SPEED = Choice({speed: speed for speed in SPEEDS})
_NO_UART = "the characters of meters have 7 or 8 data bits, and"
_DATA_BITS = Choice(
    {7: 7, 8: 8},
    refused={
        9: f"{_NO_UART} the UARTs of computers and adapters make no 9",
        6: f"{_NO_UART} 6 bits hold no letter; most adapters do not make them",
    },
)
_MODES: dict[str | int, Mode | None] = {"auto": None, "A": Mode.A, "B": Mode.B, "C": Mode.C, "D": Mode.D, "E": Mode.E}
_NOTHING_ELSE = None
_WRITABLE = "patterns of what may be written, such as 0.9.*; none: all"


@frozen(kw_only=True)
class GatewayTable:
    """[gateway]: the gateway itself."""

    name: str = key(NAME, "the gateway's name in records", "metergate")
    timezone: ZoneInfo = key(TimeZone(), "how meter clocks without a zone are understood", ZoneInfo("UTC"))
    data_dir: Path | None = key(Folder(), "holds metergate.db; none: the user's state folder", None)
    profiles: Path | None = key(Folder(), "local profiles, which override shipped ones", None)
    log_level: LogLevel = key(
        Choice({level.value: level for level in LogLevel}, later=("wire",)), "how much the log tells", LogLevel.INFO
    )
    log_format: LogFormat = key(one_of(LogFormat), "how a log line is written", LogFormat.TEXT)
    retention_days: int = key(Whole(1, 36_500, "days"), "how long readings are kept", 90)
    reload: str = key(
        Choice({"off": "off"}, later=("signal", "watch")), "what makes the gateway read this file again", "off"
    )


@frozen(kw_only=True)
class AccessTable:
    """[access]: writing to meters."""

    allow_write: bool = key(Switch(), "whether meters may be written", default=False)
    writable: tuple[str, ...] = key(Texts(), _WRITABLE, ())


@frozen(kw_only=True)
class PluginsTable:
    """[plugins]: which installed distributions are used."""

    allow: tuple[str, ...] | None = key(Texts(), "the distributions that may load; none: all installed", None)


@frozen(kw_only=True)
class LineTable:
    """[[line]]: a serial port or TCP endpoint with its own task."""

    later: ClassVar = ("listen", "rs485")
    alias: str = required(ALIAS, "the line's name; unique")
    device: str | None = key(
        Text("an absolute path", r"/[^\x00-\x1f\x7f]+", '"/dev/serial/by-id/…"'), "a serial port; or ip with port", None
    )
    ip: str | None = key(
        Text("a host name or address", r"[A-Za-z0-9_.:%-]+", '"10.20.0.5"'),
        "the far end of a TCP line; with port",
        None,
    )
    port: int | None = key(Whole(1, 65535), "the far end's TCP port; with ip", None)
    flavour: str = key(Choice({"raw": "raw"}, _NOTHING_ELSE), "what the TCP socket speaks", "raw")
    baudrate: int = key(_SPEED, "opening speed in baud; on TCP the speed of the far end", OPENING_SPEED)
    max_baudrate: int | None = key(_SPEED, "the highest speed that is accepted from a meter; none: all", None)
    databits: int = key(_DATA_BITS, "data bits of a character", 7)
    stopbits: int = key(Choice({1: 1, 2: 2}), "stop bits of a character", 1)
    parity: Parity = key(one_of(Parity), "parity bit of a character", Parity.EVEN)
    soft_parity: bool = key(
        Switch(), "true: the device server is set to 8N1, parity is made and checked here", default=False
    )
    flowcontrol: FlowControl = key(
        one_of(FlowControl), "flow control; xonxoff is warned of: a check character may equal XON", FlowControl.NONE
    )
    rts: ControlLevel = key(one_of(ControlLevel), "level of RTS", ControlLevel.AUTO)
    dtr: ControlLevel = key(one_of(ControlLevel), "level of DTR", ControlLevel.AUTO)
    speed_change: SpeedChange | None = key(
        one_of(SpeedChange),
        "whether a meter's offer of speed is followed; none: auto on a port, never on raw TCP",
        None,
    )
    serial_close_delay: int = key(Whole(0, 60_000, "ms"), "from the last byte to the closing of the port", 400)
    release: str = key(Choice({"never": "never"}, _NOTHING_ELSE), "when the port is freed between rounds", "never")
    echo: str = key(
        Choice({"auto": "auto"}, later=("yes", "no")),
        "whether what is sent comes back; auto: an exact echo is dropped",
        "auto",
    )
    wakeup: Wakeup = key(one_of(Wakeup), "what wakes a battery meter", Wakeup.NONE)
    push: Push = key(one_of(Push), "what meters send unasked on a line that only listens", Push.NONE)
    capture: int = key(Choice({0: 0}, _NOTHING_ELSE), "frames kept for a failing visit", 0)
    time_scale: float = key(Number(0.001, 1_000_000), "for simulated lines: divides every time of the wire", 1.0)


@frozen(kw_only=True)
class MeterTable:
    """[[meter]]: a meter on a line."""

    later: ClassVar = ("schedule", "retry_window_s", "spread_s", "signal_set")
    name: str = key(Text(), "a name for people", "")
    description: str = key(Text(), "a remark for people", "")
    device_alias: str = required(ALIAS, "the meter's name in records, topics, files; unique")
    enable: bool = key(Switch(), "false: not a byte is sent for it", default=True)
    protocol: str = key(Choice({"iec62056-21": "iec62056-21"}), "what the meter speaks", "iec62056-21")
    line: str = required(ALIAS, "the alias of its line")
    serialnumber: str = required(SerialNumber(), "the address of its sign-on, sent as it stands")
    meter_model: str = key(MeterModel(), "its profile; auto: by identification", "auto")
    type: Mode | None = key(
        Choice(_MODES), "forces a connection mode; auto: by profile and identification", None, "auto"
    )
    t2: int | None = key(
        OrAuto(Whole(20, 1500, "ms")), "silence before the option select of mode C; auto: 20 or 200", None, "auto"
    )
    poll_delay_ms: int = key(Whole(0, 60_000, "ms"), "least silence on the line before its sign-on", 200)
    scan_rate_ms: int = key(Whole(1, MONTH_MS, "ms"), "how often it is read", HOUR_MS // 4)
    timeout_ms: int = key(Whole(20, 600_000, "ms"), "longest wait for the first octet of an answer", 2500)
    fuse_a: int | None = key(
        Whole(1, 10_000, "A"),
        "rating of its connection in A a phase: growths beyond it are read twice; none: 100",
        None,
    )
    password: str | None = key(SecretReference(), "where its password is found", None)
    writable: tuple[str, ...] | None = key(Texts(), f"as in [access], which both have to allow; {_WRITABLE}", None)
    tags: Mapping[str, str] = key(Tags(), "carried into every record", {})


@frozen(kw_only=True)
class SignalTable:
    """[[meter.signal]]: a wanted register; none: every register that the meter offers."""

    signal_name: str = key(Text(), "a name for people", "")
    signal_alias: str = required(ALIAS, "the signal's name in records; unique in its meter")
    enable: bool = key(Switch(), "false: left out", default=True)
    log: int = key(Choice({0: 0, 1: 1}), "0: for the sinks only, absent from readings", 1)
    number_type: NumberType | None = key(one_of(NumberType), "how the value is understood; none: by the print", None)
    tag_job_todo: str = required(
        Text("a register as the meter prints it, alternatives parted by |", r"[^\x00-\x1f\x7f()/!]+", '"1.8.0"'),
        "the register exactly as the meter prints it; `|` parts alternatives",
    )
    scale: Decimal | None = key(Exact(Sign.NOT_ZERO), "multiplies the value, exactly; none: as printed", None)
    unit: str | None = key(NAME, "stands in place of the printed unit; none: as printed", None)
    min: Decimal | None = key(Exact(), "the least value that is plausible; one below it is read twice", None)
    max: Decimal | None = key(Exact(), "the greatest value that is plausible; one above it is read twice", None)
    max_step: Decimal | None = key(
        Exact(Sign.POSITIVE), "the greatest plausible change from one reading to the next", None
    )


@frozen(kw_only=True)
class JobTable:
    """[[meter.job]]: background work beside the readouts."""

    kind: JobKind = required(one_of(JobKind), "load profile, event log, or the meter's clock")
    schedule: str = required(WallClock(), "when it is done, by the gateway's time zone")
    code: str | None = key(
        Text("a code as the meter prints it", r"[!-'*-.0-~]{1,32}", '"P.01"'),
        "the load profile or log; none: the profile's first",
        None,
    )
    days: int = key(Whole(1, 3660, "days"), "how far back the first reading of a load profile or log reaches", 1)


@frozen(kw_only=True)
class SinkTable:
    """[[sink]]: where readings go; its further keys belong to the sink's type."""

    name: str = required(ALIAS, "the sink's name; unique")
    type: str = required(NAME, "what kind of sink, as a plugin names it")


@frozen(kw_only=True)
class BalanceTable:
    """[[balance]]: a main meter held against the meters behind it."""

    name: str = required(ALIAS, "the balance's name; unique")
    main: str = required(COUNTER, "the register of the main meter")
    parts: tuple[str, ...] = required(
        Several(COUNTERS),
        "the registers behind it; a device_alias may be a pattern such as flat*, the main is never one",
    )
    interval: str = key(Interval(), "how long it counts, by the gateway's time zone; 7d: from Monday to Monday", "1d")
    tolerance_percent: float = key(Number(0, 100), "how much of the main may be missing", 3.0)


LISTS: Mapping[str, type[AttrsInstance]] = {
    "line": LineTable,
    "meter": MeterTable,
    "sink": SinkTable,
    "balance": BalanceTable,
}
SINGLE: Mapping[str, type[AttrsInstance]] = {"gateway": GatewayTable, "access": AccessTable, "plugins": PluginsTable}
LATER_TABLES = ("http", "otel", "alert", "inventory", "signal_set")
CONFIG_VERSION = 1
