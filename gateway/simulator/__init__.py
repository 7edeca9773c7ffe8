"""Simulated meters on simulated lines, with faults: for the demo, for tests, for authors of plugins."""

from gateway.simulator.building import (
    LineWish,
    Port,
    PtyPort,
    SimulatedLine,
    TcpPort,
    WireForm,
    building,
    simulated_line,
)
from gateway.simulator.bus import SimulatedBus
from gateway.simulator.document import load_building
from gateway.simulator.fault import Fault, FaultRate
from gateway.simulator.memory import MemoryLine
from gateway.simulator.meter import AddressRule, Answer, Nameplate, SimulatedMeter
from gateway.simulator.register import ClockRegister, SimulatedRegister, StillRegister, TotalRegister
from gateway.simulator.wire import OpenPort, open_port, serve_line

__all__ = [
    "AddressRule",
    "Answer",
    "ClockRegister",
    "Fault",
    "FaultRate",
    "LineWish",
    "MemoryLine",
    "Nameplate",
    "OpenPort",
    "Port",
    "PtyPort",
    "SimulatedBus",
    "SimulatedLine",
    "SimulatedMeter",
    "SimulatedRegister",
    "StillRegister",
    "TcpPort",
    "TotalRegister",
    "WireForm",
    "building",
    "load_building",
    "open_port",
    "serve_line",
    "simulated_line",
]
