"""What is known of a meter before it is spoken to, or once it has identified itself."""

from attrs import evolve

from gateway.catalog import AUTO, Catalog
from gateway.dialogue import Manners
from gateway.memory import MeterMemory
from gateway.profile import Conduct, MeterProfile
from gateway.protocol.messages import Identification
from gateway.protocol.parse import identification
from gateway.site.model import LineSettings, MeterSettings, Wakeup


def known_profile(meter: MeterSettings, memory: MeterMemory, catalog: Catalog) -> MeterProfile | None:
    """The profile that the settings name, else the one that fits the last identification; None before the first."""
    if meter.meter_model != AUTO:
        return catalog.profile(meter.meter_model)
    last = memory.identification
    return None if last is None else catalog.choose(identification(last.encode("latin-1")))


def manners(meter: MeterSettings, line: LineSettings, known: MeterProfile | None) -> Manners:
    """What is known before the identification is: the settings, the profile that they or the last visit tell."""
    return Manners(
        address=meter.serialnumber if known is None else known.address.sign_on(meter.serialnumber),
        poll_delay=meter.poll_delay_ms / 1000,
        timeout=meter.timeout_ms / 1000,
        wakes_up=Wakeup.NULLS in (line.wakeup, None if known is None else known.wakeup),
        max_speed=line.max_baudrate,
    )


def conduct_of(profile: MeterProfile, said: Identification, meter: MeterSettings) -> Conduct:
    """The conduct that the profile asks for, unless the settings force another mode or table."""
    conduct = profile.conduct(said)
    return evolve(conduct, mode=meter.type or conduct.mode, option=meter.table or conduct.option)
