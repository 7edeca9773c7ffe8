"""A reader of other people reads our simulated meters."""

from datetime import datetime
from functools import partial

import anyio
import pytest
from anyio import to_thread
from iec62056_21.client import Iec6205621Client

from gateway.protocol.characters import Mode
from gateway.simulator import LineWish, Nameplate, StillRegister, TcpPort, serve_line, simulated_line

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]
START = datetime(2026, 9, 30, 12, 0, 14)  # noqa: DTZ001 - a meter's local time


def meter(serial: str, total: str) -> Nameplate:
    registers = (StillRegister("0.0.0", serial), StillRegister("1.8.0", total), StillRegister("32.7", "230.1*V"))
    return Nameplate(serial, Mode.C, "XMP", "VERBA-3.1", registers)


LINE = simulated_line(
    LineWish(TcpPort(0), START, 0, (meter("41770326", "0012345.678*kWh"), meter("00000017", "0000001.500*kWh")))
)


def read(host: str, port: int, serial: str) -> list[tuple[str, str, str | None]]:
    client = Iec6205621Client.with_tcp_transport((host, port), device_address=serial)
    client.connect()
    try:
        readout = client.standard_readout()
        return [(one.address, one.value, one.unit) for one in readout.data]
    finally:
        client.disconnect()


async def test_the_client_of_pypi_reads_each_meter_of_a_bus_by_its_serial_number() -> None:
    async with anyio.create_task_group() as group:
        endpoint = await group.start(serve_line, LINE)
        host, _, port = endpoint.removeprefix("tcp://").partition(":")
        with anyio.fail_after(40):
            first = await to_thread.run_sync(partial(read, host, int(port), "41770326"), abandon_on_cancel=True)
            second = await to_thread.run_sync(partial(read, host, int(port), "17"), abandon_on_cancel=True)
        group.cancel_scope.cancel()
    assert first == [("0.0.0", "41770326", None), ("1.8.0", "0012345.678", "kWh"), ("32.7", "230.1", "V")]
    assert second[:2] == [("0.0.0", "00000017", None), ("1.8.0", "0000001.500", "kWh")]
