"""The hooks by which plugins bring profiles, decoders, password answers, sinks."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from gateway.decoders import Decoder
    from gateway.profile import MeterProfile, PasswordAnswer
    from gateway.sinks import SinkKind

PROJECT = "gateway"
ENTRY_POINTS = "metergate"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def meter_profiles() -> "Iterable[MeterProfile]":  # type: ignore[empty-body]
    """The profiles of the meter families that this plugin knows.

    Called once, at start. An id that another distribution brings too is an error that names both.
    """


@hookspec
def value_decoders() -> "Mapping[str, Decoder]":  # type: ignore[empty-body]
    """Decoders under the names that profiles use: `vendor.what`.

    Called once, at start. A decoder takes a data set with its register and gives the value; it runs on the loop, so it
    must be quick. It raises DecodeError for a print it cannot understand: that reading alone is `bad`.
    """


@hookspec
def password_answers() -> "Mapping[str, PasswordAnswer]":  # type: ignore[empty-body]
    """Answers to a meter's P0 challenge under the names that profiles use.

    Called once, at start. An answer makes the P1 or P2 command from the operand with the password; it runs on the loop,
    so it must be quick.
    """


@hookspec
def output_sinks() -> "Mapping[str, SinkKind[object]]":  # type: ignore[empty-body]
    """Kinds of sinks under the names that `type` of a `[[sink]]` uses.

    Called once, at start. A sink is plain blocking code and is called in a thread of its own.
    """
