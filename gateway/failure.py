"""The message that the failed or missing visit of a meter ends in."""

from attrs import evolve

from gateway.errors import Cause, Finding, MeterError
from gateway.site.model import MeterSettings

_NOT_VISITED = {
    Cause.OVERRUN: ("W-BUS-2", "not read: the round took longer than its scan rate"),
    Cause.RESTING: ("W-BUS-3", "not read: resting after failed visits"),
    Cause.LINE_DOWN: ("W-BUS-4", "not read: the line was down"),
    Cause.CANCELLED: ("W-READ-12", "not read: the visit was cut short"),
}


def where(meter: MeterSettings) -> str:
    """How a meter is named in messages: by its serial number, else by its alias; one without either needs no name."""
    name = meter.serialnumber or meter.device_alias
    return name and f"meter {name}"


def not_visited(meter: MeterSettings, cause: Cause) -> Finding:
    """The message for a slot that ended without a visit, or with one that was cut short."""
    code, what = _NOT_VISITED[cause]
    return Finding(code, where(meter), what)


def told(failure: MeterError, tries: int, meter: MeterSettings, answering: int) -> Finding:
    """The message for a failed visit; silence is told apart from a dead line by the meters that are `answering`."""
    finding = failure.finding(where(meter))
    if failure.code == "E-READ-4" and not meter.serialnumber:
        return evolve(finding, next="name the serial number: several meters may have answered at once")
    if failure.code != "E-READ-1":
        return finding
    times = f"{tries} tries" if tries > 1 else "1 try"
    what = f"{failure.what} ({times}, {meter.timeout_ms / 1000:g} s each)"
    if not answering:
        return evolve(
            finding, what=what, next="check speed, parity and wiring of the line: no meter of it has answered"
        )
    others = f"{answering} other{'s' if answering > 1 else ''} on this line answer{'s' if answering == 1 else ''}"
    return evolve(finding, what=f"{what}; {others}", next="check this meter's wiring or number, not the line")
