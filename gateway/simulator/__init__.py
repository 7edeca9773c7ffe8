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
from gateway.simulator.meter import SimulatedMeter
from gateway.simulator.plate import AddressRule, Nameplate
from gateway.simulator.programming import (
    ClockSet,
    Decline,
    ErrorStyle,
    EventLog,
    Farewell,
    LoadProfile,
    PasswordScheme,
    PowerLoss,
    SimulatedPassword,
    SimulatedProgramming,
)
from gateway.simulator.register import ClockRegister, SimulatedRegister, StillRegister, TotalRegister
from gateway.simulator.voice import Answer
from gateway.simulator.wire import OpenPort, open_port, serve_line

__all__ = [
    "AddressRule",
    "Answer",
    "ClockRegister",
    "ClockSet",
    "Decline",
    "ErrorStyle",
    "EventLog",
    "Farewell",
    "Fault",
    "FaultRate",
    "LineWish",
    "LoadProfile",
    "MemoryLine",
    "Nameplate",
    "OpenPort",
    "PasswordScheme",
    "Port",
    "PowerLoss",
    "PtyPort",
    "SimulatedBus",
    "SimulatedLine",
    "SimulatedMeter",
    "SimulatedPassword",
    "SimulatedProgramming",
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
