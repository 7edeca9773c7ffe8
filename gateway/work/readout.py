"""The readout that a meter's data sets make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Identification
from gateway.reading import Reading, Readout, Visit
from gateway.trust import Verdict


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
        clock_drift_s=_clock_drift(meter_time, read_at, zone),
        quality=verdict.quality,
        reason="; ".join(verdict.reasons) or None,
    )


def _clock_drift(meter_time: datetime | None, read_at: datetime, zone: ZoneInfo) -> int | None:
    """Whole seconds that the meter's clock is ahead of ours."""
    if meter_time is None:
        return None
    aware = meter_time.replace(tzinfo=meter_time.tzinfo or zone)
    return round((aware - read_at) / timedelta(seconds=1))
