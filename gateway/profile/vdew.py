"""The usual practice of programming mode, for families whose profile says nothing else (protocol.md 7)."""

from collections.abc import Mapping

from attrs import evolve

from gateway.profile.programming_mode import ProgrammingMode, SeriesKind, StoredCommand, StoredSeries

# The escape by which an identification tells that R5, R6 and W5 are understood (protocol.md 3.2).
FORMATTED_ESCAPE = "@"

# protocol.md 7.3: the low octet of a status word.
STATUS: Mapping[int, str] = {
    0: "fatal device error",
    1: "clock reserve exhausted",
    2: "measurement disturbed",
    3: "season changed",
    4: "device reset",
    5: "clock set",
    6: "power restored",
    7: "power failed",
}
# Higher bits stand in logs only.
LOG_STATUS: Mapping[int, str] = {
    **STATUS,
    8: "parameter changed",
    9: "error began",
    10: "error ended",
    13: "log erased",
    14: "load profile erased",
}

SERIES = (
    StoredSeries("P.01", SeriesKind.LOAD_PROFILE, "Load profile", status=STATUS),
    StoredSeries("P.02", SeriesKind.LOAD_PROFILE, "Second load profile", status=STATUS),
    StoredSeries("P.98", SeriesKind.LOG, "Event log", status=LOG_STATUS),
    StoredSeries("P.99", SeriesKind.LOG, "Log of calibration", status=LOG_STATUS),
    StoredSeries("P.200", SeriesKind.LOG, "Maker's log 200", status=LOG_STATUS),
    StoredSeries("P.210", SeriesKind.LOG, "Maker's log 210", status=LOG_STATUS),
    StoredSeries("P.211", SeriesKind.LOG, "Maker's log 211", status=LOG_STATUS),
)

DEMAND_RESET = StoredCommand("demand-reset", "1.6.0", "Reset of the maximum demand, which ends a billing period")

USUAL = ProgrammingMode(series=SERIES, commands=(DEMAND_RESET,))
FORMATTED = evolve(USUAL, read="R5", read_parts="R6", write="W5")
