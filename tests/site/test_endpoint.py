"""An ENDPOINT of the command line in, a line's settings out."""

import pytest

from gateway.errors import SiteError
from gateway.site.endpoint import endpoint_from_text
from gateway.site.model import LineSettings, SerialPort, SpeedChange, TcpEndpoint


@pytest.mark.parametrize(
    ("text", "endpoint", "baud", "form", "change"),
    [
        ("/dev/ttyUSB0", SerialPort("/dev/ttyUSB0"), 300, "7E1", SpeedChange.AUTO),
        ("serial:///dev/ttyUSB0", SerialPort("/dev/ttyUSB0"), 300, "7E1", SpeedChange.AUTO),
        ("serial:///dev/ttyS1?baud=9600&format=8n1", SerialPort("/dev/ttyS1"), 9600, "8N1", SpeedChange.AUTO),
        ("serial:///dev/ttyS1?speed_change=never", SerialPort("/dev/ttyS1"), 300, "7E1", SpeedChange.NEVER),
        ("tcp://10.0.0.1:4001", TcpEndpoint("10.0.0.1", 4001), 300, "7E1", SpeedChange.NEVER),
        ("tcp://[::1]:4001?baud=9600", TcpEndpoint("::1", 4001), 9600, "7E1", SpeedChange.NEVER),
    ],
)
def test_an_endpoint_becomes_a_line_without_alias(
    text: str, endpoint: SerialPort | TcpEndpoint, baud: int, form: str, change: SpeedChange
) -> None:
    line = endpoint_from_text(text)
    assert (line.alias, line.endpoint, line.baudrate, str(line.format)) == ("", endpoint, baud, form)
    assert line.speed_change is change


def test_the_wire_of_a_simulated_line_may_run_faster() -> None:
    expected = LineSettings("", TcpEndpoint("localhost", 4001), time_scale=20.0)
    assert endpoint_from_text("tcp://localhost:4001?time_scale=20") == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("flat01", "E-CFG-18"),
        ("dev/ttyS0", "E-CFG-18"),
        ("serial://ttyS0", "E-CFG-18"),
        ("tcp://", "E-CFG-18"),
        ("tcp://host:port", "E-CFG-18"),
        ("tcp://host:70000", "E-CFG-18"),
        ("tcp://[::1", "E-CFG-18"),
        ("http://host:80", "E-CFG-18"),
        ("tcp://host", "E-CFG-9"),
        ("tcp://host:0", "E-CFG-9"),
        ("rfc2217://host:4001", "E-CFG-15"),
        ("replay://file.mgcap", "E-CFG-15"),
        ("tcp://host:4001?bauds=300", "E-CFG-2"),
        ("tcp://host:4001?baud=301", "E-CFG-6"),
        ("tcp://host:4001?baud=", "E-CFG-6"),
        ("serial:///dev/ttyS0?format=9E1", "E-CFG-6"),
        ("tcp://host:4001?time_scale=0", "E-CFG-6"),
        ("tcp://host:4001?time_scale=fast", "E-CFG-5"),
        ("tcp://host:4001?speed_change=auto", "E-CFG-7"),
    ],
)
def test_what_is_no_endpoint_is_told(text: str, code: str) -> None:
    with pytest.raises(SiteError) as caught:
        endpoint_from_text(text)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == (code, text)
    assert finding.next
