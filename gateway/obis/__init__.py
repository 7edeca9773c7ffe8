"""Object identification codes of electricity, heat, gas or water registers (protocol.md 8)."""

from gateway.obis.code import Obis, parse_obis
from gateway.obis.names import Kind, Known, known
from gateway.obis.units import canonical_unit, in_base, is_known_unit

__all__ = ["Kind", "Known", "Obis", "canonical_unit", "in_base", "is_known_unit", "known", "parse_obis"]
