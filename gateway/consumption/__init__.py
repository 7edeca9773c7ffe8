"""What meters have counted over time."""

from gateway.consumption.level import Level, converted
from gateway.consumption.records import series_of
from gateway.consumption.series import Break, Estimate, Point, Series, Step, consumption

__all__ = ["Break", "Estimate", "Level", "Point", "Series", "Step", "consumption", "converted", "series_of"]
