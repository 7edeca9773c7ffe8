"""What profile, plugins, site file state of one stored reading."""

from collections.abc import Mapping

from attrs import frozen

from gateway.catalog import Catalog, Kind
from gateway.journal import Provenance
from gateway.profile import MeterProfile
from gateway.profile.interpretation import Binding
from gateway.protocol.datablock import DataSet
from gateway.reading import Register
from gateway.site.model import SignalSettings, Site

_BY_PRINT = "by the print"


@frozen
class Statement:
    """What is stated now of the register with that whole address; `site` None: no site file was named."""

    provenance: Provenance
    address: str
    catalog: Catalog
    site: Site | None

    def facts(self) -> Mapping[str, object]:
        """The profile with the place where it states the register, the decoder, what the site file makes of the value.

        `note` says where that may differ from what was used when the reading was taken.
        """
        used, profile = self.provenance.readout.profile, self._profile
        facts = {"used": used, "now": profile and profile.key, "note": self._note()}
        signal = self._signal()
        decoded = {"decoder": self._decoder(signal), "signal_settings": None if signal is None else _settings(signal)}
        if profile is None:
            return {**facts, "brought_by": None, "register": None, "stated_in": None, **decoded}
        register = self._register
        return {
            **facts,
            "brought_by": self._owner(Kind.PROFILE, profile.id),
            "register": register.address or None,
            "stated_in": _stated_in(profile, register),
            **decoded,
            "parameters": dict(register.parameters),
            "decoder_of": None if register.decoder is None else self._owner(Kind.DECODER, register.decoder),
        }

    def bracket(self, data_set: DataSet) -> int:
        """The bracket that holds the value: the decoder's, or the one with a unit where a stamp stands before it."""
        raw, wanted = data_set.raw, self._register.parameters.get("bracket", 0)
        if isinstance(wanted, int) and 0 < wanted < len(raw):
            return wanted
        return 1 if len(raw) > 1 and "*" in raw[1] and "*" not in raw[0] else 0

    @property
    def _profile(self) -> MeterProfile | None:
        return self.catalog.profiles.get(self.provenance.readout.profile.partition("@")[0])

    @property
    def _register(self) -> Register:
        profile = self._profile
        if profile is None:
            return Register("")
        return Binding(profile.registers, profile.medium, self.catalog.decoders, ()).meaning(self.address).register

    def _note(self) -> str | None:
        used, profile = self.provenance.readout.profile, self._profile
        if profile is None:
            hint = "a local one is known by its site file: --config" if self.site is None else "it was known then"
            return f"nobody brings the profile {used} now; {hint}"
        return None if profile.key == used else f"{used} was used then, which may have stated something else"

    def _decoder(self, signal: SignalSettings | None) -> str | None:
        """The decoder by name; None where the profile that would tell is not known."""
        if self._profile is None:
            return None
        if self._register.decoder is not None:
            return self._register.decoder
        kind = None if signal is None else signal.number_type
        return _BY_PRINT if kind is None else f"{_BY_PRINT}, as number_type {kind.value}"

    def _owner(self, kind: Kind, name: str) -> str | None:
        brought = (one for one in self.catalog.contributions if (one.kind, one.name) == (kind, name))
        return next((f"{one.distribution} {one.version}".rstrip() for one in brought), None)

    def _signal(self) -> SignalSettings | None:
        alias, signal = self.provenance.readout.visit.meter, self.provenance.reading.signal
        meters = () if self.site is None else self.site.meters
        wanted = (one for meter in meters if meter.device_alias == alias for one in meter.signals)
        return next((one for one in wanted if one.signal_alias == signal), None)


def _stated_in(profile: MeterProfile, register: Register) -> str:
    where = profile.origin or f"the program that brings {profile.key}"
    if not register.address:
        return f"not listed in {where}: told by the print with its OBIS code"
    line = profile.lines.get(register.address)
    return where if line is None else f"{where}:{line}"


def _settings(signal: SignalSettings) -> Mapping[str, str]:
    kind = None if signal.number_type is None else signal.number_type.value
    scale = None if signal.scale is None else str(signal.scale)
    settings = {"number_type": kind, "scale": scale, "unit": signal.unit}
    return {key: setting for key, setting in settings.items() if setting is not None}
