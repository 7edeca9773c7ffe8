"""The site as the gateway runs it: settings of the gateway, its lines, meters, signals, sinks."""

import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import field, frozen

from gateway.protocol.characters import OPENING_SPEED, SEVEN_EVEN_ONE, CharacterFormat, Mode
from gateway.site.balance import BalanceSettings
from gateway.site.locate import Locator, Place


class LogLevel(StrEnum):
    """How much the log tells: failures, warnings too, every visit too, its steps too."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"


class LogFormat(StrEnum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


class FlowControl(StrEnum):
    """Flow control of a serial port."""

    NONE = "none"
    RTSCTS = "rtscts"
    XONXOFF = "xonxoff"


class ControlLevel(StrEnum):
    """The level at which a control signal (RTS, DTR) is held; `auto` leaves it to the driver."""

    HIGH = "high"
    LOW = "low"
    AUTO = "auto"


class SpeedChange(StrEnum):
    """Whether the line follows the speed that a meter offers."""

    AUTO = "auto"
    NEVER = "never"


class Wakeup(StrEnum):
    """What is sent to wake a battery meter before its sign-on."""

    NONE = "none"
    NULLS = "nulls"


class Push(StrEnum):
    """What meters send unasked on a line that only listens: nothing, mode D telegrams, DSMR P1 telegrams."""

    NONE = "none"
    MODE_D = "D"
    P1 = "P1"


class NumberType(StrEnum):
    """How the value of a signal is understood."""

    DECIMAL = "DECIMAL"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    INTEGER = "INTEGER"
    DIGITAL = "DIGITAL"
    TEXT = "TEXT"
    TIME = "TIME"


@frozen
class SerialPort:
    """A serial port of this machine, by its path."""

    device: str

    def __str__(self) -> str:
        return self.device


@frozen
class TcpEndpoint:
    """A raw TCP socket of a device server or modem; `port` is 1 to 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Endpoint = SerialPort | TcpEndpoint


def usual_speed_change(endpoint: Endpoint) -> SpeedChange:
    """Auto on a port; never on raw TCP, where nothing can tell the far end of a change."""
    return SpeedChange.AUTO if isinstance(endpoint, SerialPort) else SpeedChange.NEVER


@frozen
class GatewaySettings:
    """The gateway itself; `data_dir` None: `default_data_dir()`; `profiles` None: the shipped ones alone."""

    name: str = "metergate"
    timezone: ZoneInfo = field(factory=lambda: ZoneInfo("UTC"))
    data_dir: Path | None = None
    profiles: Path | None = None
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.TEXT
    retention_days: int = 90


@frozen
class LineSettings:
    """One line: its far end, the characters on it, its habits.

    Speeds in baud, `serial_close_delay` in milliseconds; `time_scale` divides every time of the wire (simulated lines).
    `alias` is empty for a line named on the command line. `speed_change` is `usual_speed_change` unless given.
    """

    alias: str
    endpoint: Endpoint
    baudrate: int = OPENING_SPEED
    max_baudrate: int | None = None
    format: CharacterFormat = SEVEN_EVEN_ONE
    soft_parity: bool = False
    flowcontrol: FlowControl = FlowControl.NONE
    rts: ControlLevel = ControlLevel.AUTO
    dtr: ControlLevel = ControlLevel.AUTO
    speed_change: SpeedChange = field()
    serial_close_delay: int = 400
    wakeup: Wakeup = Wakeup.NONE
    push: Push = Push.NONE
    time_scale: float = 1.0

    @speed_change.default
    def _usual_for_the_endpoint(self) -> SpeedChange:
        return usual_speed_change(self.endpoint)

    @property
    def can_change_speed(self) -> bool:
        """True where the line follows the speed that a meter offers."""
        return self.speed_change is SpeedChange.AUTO


@frozen
class SignalSettings:
    """One wanted register of a meter: `tag_job_todo` is its address as printed, alternatives parted by `|`.

    `log` 0: for the sinks only. `number_type` None: by the print. `scale` multiplies the value, `unit` replaces its
    unit; `min`, `max`, `max_step` judge the value that is delivered. None: nothing of the sort.
    """

    signal_name: str
    signal_alias: str
    tag_job_todo: str
    enable: bool = True
    log: int = 1
    number_type: NumberType | None = None
    scale: Decimal | None = None
    unit: str | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    max_step: Decimal | None = None


class JobKind(StrEnum):
    """Work that a meter's site file schedules beside its readouts."""

    PROFILE_DATA = "profile-data"
    EVENTS = "events"
    CLOCK = "clock"


@frozen
class JobSettings:
    """[[meter.job]]: background work.

    `schedule` is a time of day HH:MM or */N minutes, in the gateway's time zone. `code` is the series that is read,
    None: the profile's first of its kind, else P.01 or P.98. `days` is how far back the first one reaches.
    """

    kind: JobKind
    schedule: str
    code: str | None = None
    days: int = 1

    @property
    def name(self) -> str:
        """What visits call it: its kind, with the code where one is given."""
        return self.kind.value if self.code is None else f"{self.kind.value} {self.code}"


@frozen
class AccessSettings:
    """[access]: what may be written, unless a meter narrows it; `writable` are patterns such as `0.9.*`, none: all."""

    allow_write: bool = False
    writable: tuple[str, ...] = ()


@frozen
class MeterSettings:
    """One meter; times in milliseconds.

    `serialnumber` "" signs on with `/?!`. `meter_model` is a profile's id or "auto"; `type` None and `t2` None: auto.
    No `signals`: every register the meter offers. `password` is a reference (env:, file:, cred:), never the secret.
    `writable` narrows the site's, None: does not. `table` is the option digit of a short table, None: the readout.
    `fuse_a` is the rating of its connection in ampere a phase, None: the usual one.
    """

    device_alias: str
    line: str
    serialnumber: str
    name: str = ""
    description: str = ""
    enable: bool = True
    meter_model: str = "auto"
    type: Mode | None = None
    t2: int | None = None
    poll_delay_ms: int = 200
    scan_rate_ms: int = 900_000
    timeout_ms: int = 2500
    tags: Mapping[str, str] = field(factory=dict)
    signals: tuple[SignalSettings, ...] = ()
    password: str | None = None
    writable: tuple[str, ...] | None = None
    jobs: tuple[JobSettings, ...] = ()
    table: str | None = None
    fuse_a: int | None = None


@frozen
class SinkSettings:
    """One sink: `settings` are its further keys as they stand, for the sink's own settings class."""

    name: str
    type: str
    settings: Mapping[str, object] = field(factory=dict)


@frozen
class Site:
    """What one site file says; `plugins_allow` None: every installed distribution.

    `places` tells where each line, meter and sink stands, by its sort with its alias.
    """

    path: Path
    gateway: GatewaySettings
    lines: tuple[LineSettings, ...]
    meters: tuple[MeterSettings, ...]
    sinks: tuple[SinkSettings, ...]
    plugins_allow: tuple[str, ...] | None
    locator: Locator
    places: Mapping[tuple[str, str], Place] = field(factory=dict, repr=False)
    access: AccessSettings = AccessSettings()
    balances: tuple[BalanceSettings, ...] = ()

    def meters_of(self, alias: str) -> tuple[MeterSettings, ...]:
        """The enabled meters of the line of that alias, in the order of the file."""
        return tuple(meter for meter in self.meters if meter.enable and meter.line == alias)

    def where(self, settings: MeterSettings | LineSettings | SinkSettings, *keys: str | int) -> str:
        """Where these settings, or one key of them, stand in the file: `metergate.toml:22 [[meter]] flat01`."""
        match settings:
            case LineSettings(alias=alias):
                sort = "line"
            case MeterSettings(device_alias=alias):
                sort = "meter"
            case SinkSettings(name=alias):
                sort = "sink"
        place = self.places.get((sort, alias), (sort,))
        return f"{self.locator.where((*place, *keys))} [[{sort}]] {alias}"


def default_data_dir() -> Path:
    """The user's state folder for Metergate ($XDG_STATE_HOME, else ~/.local/state)."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "metergate"
