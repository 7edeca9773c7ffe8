"""The opening of a line by what its endpoint is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import assert_never

import anyio

from gateway.line.base import Line
from gateway.line.serial import open_serial
from gateway.line.tcp import open_tcp
from gateway.site.model import LineSettings, SerialPort, TcpEndpoint


@asynccontextmanager
async def open_line(settings: LineSettings) -> AsyncIterator[Line]:
    """The line, open for the length of the block; it is given back also when the block is cancelled.

    Raises LineError where it cannot be opened.
    """
    line: Line
    match settings.endpoint:
        case SerialPort(device):
            line = await open_serial(settings, device)
        case TcpEndpoint() as endpoint:
            line = await open_tcp(settings, endpoint)
        case _:
            assert_never(settings.endpoint)
    try:
        yield line
    finally:
        with anyio.CancelScope(shield=True):
            await line.aclose()
