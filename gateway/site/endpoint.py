"""A line named on the command line instead of in a site file."""

from urllib.parse import SplitResult, parse_qsl, urlsplit

from gateway.errors import Finding, SiteError
from gateway.protocol.characters import OPENING_SPEED, SEVEN_EVEN_ONE, SPEEDS, CharacterFormat, Parity
from gateway.site.kinds import LATER, Choice, Number, Unfit, did_you_mean, one_of
from gateway.site.model import Endpoint, LineSettings, SerialPort, SpeedChange, TcpEndpoint, usual_speed_change
from gateway.site.structure import UNKNOWN_KEY

NO_ENDPOINT = "E-CFG-18"
_LATER_SCHEMES = ("rfc2217", "replay")
_SHAPES = "/dev/…, serial:///dev/…?baud=300&format=7E1, or tcp://host:port?baud=300"
_FORMATS = Choice(
    {
        f"{bits}{parity.value[0].upper()}{stop}": CharacterFormat(bits, parity, stop)
        for bits in (7, 8)
        for parity in Parity
        for stop in (1, 2)
    }
)
_OPTIONS = ("baud", "format", "time_scale", "speed_change")
_BAUD = Choice({str(speed): speed for speed in SPEEDS})


def endpoint_from_text(text: str) -> LineSettings:
    """The line that an ENDPOINT names: an absolute path, `serial://` or `tcp://` with its options; its alias is "".

    Options: baud, format, time_scale, speed_change.
    Raises SiteError: E-CFG-18 no endpoint, E-CFG-9 a host without port, E-CFG-15 not in this version,
    E-CFG-2 unknown option, E-CFG-5 or E-CFG-6 a value outside its range, E-CFG-7 a speed change over raw TCP.
    """
    if text.startswith("/"):
        return LineSettings("", SerialPort(text))
    try:
        parts = urlsplit(text)
        endpoint = _endpoint(text, parts)
        return _with_options(endpoint, dict(parse_qsl(parts.query, keep_blank_values=True)))
    except Unfit as error:
        raise SiteError([Finding(error.code, text, error.what, error.next_step)]) from None
    except ValueError as error:  # urlsplit: brackets or a port that are none
        raise SiteError([Finding(NO_ENDPOINT, text, f"no endpoint: {error}", _SHAPES)]) from None


def _endpoint(text: str, parts: SplitResult) -> Endpoint:
    if parts.scheme in _LATER_SCHEMES:
        raise Unfit(LATER, f"{parts.scheme}:// is not in this version", _SHAPES)
    if parts.scheme == "serial" and not parts.netloc and parts.path.startswith("/"):
        return SerialPort(parts.path)
    if parts.scheme == "tcp" and parts.hostname and parts.path in ("", "/"):
        if not parts.port:
            raise Unfit("E-CFG-9", "a host without a port from 1 to 65535", f"tcp://{parts.hostname}:4001")
        return TcpEndpoint(parts.hostname, parts.port)
    raise Unfit(NO_ENDPOINT, f'"{text}" is no endpoint', _SHAPES)


def _with_options(endpoint: Endpoint, options: dict[str, str]) -> LineSettings:
    for name in options:
        if name not in _OPTIONS:
            advice = did_you_mean(name, _OPTIONS, f"known here: {', '.join(_OPTIONS)}")
            raise Unfit(UNKNOWN_KEY, f'unknown option "{name}"', advice)
    baud = _BAUD.read(options["baud"]) if "baud" in options else OPENING_SPEED
    form = _FORMATS.read(options["format"].upper()) if "format" in options else SEVEN_EVEN_ONE
    scale = _time_scale(options["time_scale"]) if "time_scale" in options else 1.0
    change = usual_speed_change(endpoint)
    if "speed_change" in options:
        change = one_of(SpeedChange).read(options["speed_change"])
    if change is SpeedChange.AUTO and isinstance(endpoint, TcpEndpoint):
        what = "speed_change=auto over a raw TCP socket: a raw socket cannot change the far end's speed"
        raise Unfit("E-CFG-7", what, "speed_change=never with baud= the server's setting")
    return LineSettings("", endpoint, baudrate=baud, format=form, speed_change=change, time_scale=scale)


def _time_scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Unfit("E-CFG-5", f"time_scale={text} is no number", "time_scale=10") from None
    return Number(0.001, 1_000_000).read(value)
