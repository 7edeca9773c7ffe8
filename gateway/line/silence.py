"""The silence of a line before somebody speaks on it."""

import anyio

from gateway.errors import Garbled
from gateway.line.base import Line
from gateway.protocol.parse import evidence

BABBLE_LIMIT = 10.0  # seconds: a line that is never silent for so long has a talker that must be found
LOOK = 0.001  # seconds that suffice to take what has already arrived


async def quiet(line: Line, silence: float) -> None:
    """Waits until the line was silent for so many seconds; what comes meanwhile is nobody's and dropped.

    Raises Garbled (E-READ-4) when a talker never stops.
    """
    begin = anyio.current_time()
    give_up = begin + BABBLE_LIMIT / line.time_scale
    while True:
        # A deadline that has passed would leave what has arrived unread, for the next meter's answer to begin with.
        end = max(line.quiet_since + silence / line.time_scale, begin + LOOK)
        with anyio.CancelScope(deadline=end) as silent:
            octets = await line.receive()
        if silent.cancelled_caught:
            return
        if anyio.current_time() > give_up:
            raise Garbled(
                "E-READ-4", f"the line is never silent: {evidence(octets)}", "look for a talker that never stops"
            )
