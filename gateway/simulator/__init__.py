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
from gateway.simulator.clock import Timekeeping
from gateway.simulator.contents import Contents
from gateway.simulator.document import load_building
from gateway.simulator.fault import Fault, FaultRate
from gateway.simulator.load import Curve, Load, Rate
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
from gateway.simulator.register import (
    ClockRegister,
    LoadRegister,
    MaximumRegister,
    MomentaryRegister,
    Quantity,
    SimulatedRegister,
    StillRegister,
    TotalRegister,
)
from gateway.simulator.voice import Answer
from gateway.simulator.wire import OpenPort, open_port, serve_line

__all__ = [
    "AddressRule",
    "Answer",
    "ClockRegister",
    "ClockSet",
    "Contents",
    "Curve",
    "Decline",
    "ErrorStyle",
    "EventLog",
    "Farewell",
    "Fault",
    "FaultRate",
    "LineWish",
    "Load",
    "LoadProfile",
    "LoadRegister",
    "MaximumRegister",
    "MemoryLine",
    "MomentaryRegister",
    "Nameplate",
    "OpenPort",
    "PasswordScheme",
    "Port",
    "PowerLoss",
    "PtyPort",
    "Quantity",
    "Rate",
    "SimulatedBus",
    "SimulatedLine",
    "SimulatedMeter",
    "SimulatedPassword",
    "SimulatedProgramming",
    "SimulatedRegister",
    "StillRegister",
    "TcpPort",
    "Timekeeping",
    "TotalRegister",
    "WireForm",
    "building",
    "load_building",
    "open_port",
    "serve_line",
    "simulated_line",
]
