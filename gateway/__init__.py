"""Metergate: reads many IEC 62056-21 meters at once, hands trustworthy readings to other systems."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.decoders import Decoder
    from gateway.errors import AccessDenied, DecodeError, Finding, PermanentSinkError, ProfileError, TransientSinkError
    from gateway.hooks import hookimpl
    from gateway.profile import MeterProfile, Password, PasswordAnswer, check_examples, load_profile
    from gateway.protocol.datablock import DataSet
    from gateway.protocol.messages import Command
    from gateway.reading import Event, EventKind, Gap, Quality, Reading, Readout, Record, Register, Value, Visit
    from gateway.sinks import Sink, SinkKind

# What plugins and other programs may use; each name is imported when it is first asked for.
_HOMES = {
    "AccessDenied": "gateway.errors",
    "Command": "gateway.protocol.messages",
    "DataSet": "gateway.protocol.datablock",
    "DecodeError": "gateway.errors",
    "Decoder": "gateway.decoders",
    "Event": "gateway.reading",
    "EventKind": "gateway.reading",
    "Finding": "gateway.errors",
    "Gap": "gateway.reading",
    "MeterProfile": "gateway.profile",
    "Password": "gateway.profile",
    "PasswordAnswer": "gateway.profile",
    "PermanentSinkError": "gateway.errors",
    "ProfileError": "gateway.errors",
    "Quality": "gateway.reading",
    "Reading": "gateway.reading",
    "Readout": "gateway.reading",
    "Record": "gateway.reading",
    "Register": "gateway.reading",
    "Sink": "gateway.sinks",
    "SinkKind": "gateway.sinks",
    "TransientSinkError": "gateway.errors",
    "Value": "gateway.reading",
    "Visit": "gateway.reading",
    "check_examples": "gateway.profile",
    "hookimpl": "gateway.hooks",
    "load_profile": "gateway.profile",
}

__all__ = [
    "AccessDenied",
    "Command",
    "DataSet",
    "DecodeError",
    "Decoder",
    "Event",
    "EventKind",
    "Finding",
    "Gap",
    "MeterProfile",
    "Password",
    "PasswordAnswer",
    "PermanentSinkError",
    "ProfileError",
    "Quality",
    "Reading",
    "Readout",
    "Record",
    "Register",
    "Sink",
    "SinkKind",
    "TransientSinkError",
    "Value",
    "Visit",
    "check_examples",
    "hookimpl",
    "load_profile",
]


def __getattr__(name: str) -> object:
    """A public name, from the module in which it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no public name {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
