"""The bounds that a site sets to its signals."""

from collections.abc import Iterator
from decimal import Decimal

from gateway.profile import MeterProfile
from gateway.reading import Reading
from gateway.site.model import SignalSettings
from gateway.trust.sight import Expected, Sight
from gateway.trust.verdict import Doubt, Oddity


def bound_doubts(
    sight: Sight, profile: MeterProfile, expected: Expected, before: tuple[Reading, ...]
) -> Iterator[Doubt]:
    """Values of signals beyond their `min`, `max` or `max_step`; `before` are the readings of the last good block."""
    if not expected.signals:
        return
    readings = profile.interpret(sight.sets, expected.signals, expected.decoders)
    last = {reading.signal: reading.value for reading in before}
    for signal, reading in zip((one for one in expected.signals if one.enable), readings, strict=True):
        value, old = reading.value, last.get(reading.signal)
        if not isinstance(value, int | Decimal):
            continue
        if text := _beyond(signal, Decimal(value)):
            # What was read twice before is not asked for again as long as it lasts.
            is_lasting = isinstance(old, int | Decimal) and _beyond(signal, Decimal(old)) is not None
            oddity = Oddity.BEYOND if is_lasting else Oddity.BOUND
            yield Doubt(oddity, f"{reading.address}: {text}", reading.address, reading.raw)
        elif isinstance(old, int | Decimal) and (text := _too_far(signal, Decimal(value), Decimal(old))):
            yield Doubt(Oddity.RANGE, f"{reading.address}: {text}", reading.address, reading.raw)


def _beyond(signal: SignalSettings, value: Decimal) -> str | None:
    if signal.min is not None and value < signal.min:
        return f"{value:f} is below min = {signal.min:f}"
    if signal.max is not None and value > signal.max:
        return f"{value:f} is above max = {signal.max:f}"
    return None


def _too_far(signal: SignalSettings, value: Decimal, before: Decimal) -> str | None:
    if signal.max_step is not None and abs(value - before) > signal.max_step:
        return f"{value:f} after {before:f} is more than max_step = {signal.max_step:f}"
    return None
