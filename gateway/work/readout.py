"""The readout that a meter's data sets make."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Identification
from gateway.reading import Reading, Readout, Visit
from gateway.trust import Verdict
from gateway.trust.clock import clock_of


def composed(
    visit: Visit,
    said: Identification,
    profile: MeterProfile,
    sets: Sequence[DataSet],
    readings: Sequence[Reading],
    verdict: Verdict,
    read_at: datetime,
    zone: ZoneInfo,
) -> Readout:
    """The readout of what a meter has said; `zone` is that of its clock where that tells none."""
    meter_time = profile.meter_time(sets)
    return Readout(
        visit=visit,
        identification=said.raw,
        manufacturer=said.manufacturer.upper(),
        model=said.text.strip(),
        profile=profile.key,
        read_at=read_at,
        readings=tuple(readings),
        meter_time=meter_time,
        clock_drift_s=clock_of(meter_time, read_at, zone),
        quality=verdict.quality,
        reason=verdict.reason,
    )
