"""A template of a Metergate plugin: what it brings, hook by hook."""

from collections.abc import Iterable, Mapping
from importlib import resources

from gateway import Decoder, MeterProfile, SinkKind, hookimpl, load_profile
from metergate_template.decoder import pulses
from metergate_template.sink import LogSettings, open_log

PROFILE = "template-meter.toml"


@hookimpl
def meter_profiles() -> Iterable[MeterProfile]:
    """The profile of the meter family."""
    text = resources.files(__name__).joinpath(PROFILE).read_text(encoding="utf-8")
    return [load_profile(text, PROFILE)]


@hookimpl
def value_decoders() -> Mapping[str, Decoder]:
    """The decoder that the profile names."""
    return {"template.pulses": pulses}


@hookimpl
def output_sinks() -> Mapping[str, SinkKind[LogSettings]]:
    """The sink that a site file asks for with type = "template-log"."""
    return {"template-log": SinkKind(LogSettings, open_log)}
