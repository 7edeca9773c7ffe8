"""Plain numbers that a line or a sink keeps of its work."""

from collections import Counter
from enum import StrEnum

from attrs import define, field


class Step(StrEnum):
    """What happens within a visit, as the events of its span are called."""

    SIGN_ON = "sign_on"
    SPEED_CHANGE = "speed_change"
    READOUT = "readout"
    PROGRAMMING = "programming"
    DECODE = "decode"


class FrameError(StrEnum):
    """Why a message on the wire was not taken: the `kind` of `metergate.frame.errors`."""

    PARITY = "parity"
    BLOCK_CHECK = "block_check"
    GARBLED = "garbled"
    OUT_OF_TURN = "out_of_turn"
    CUT = "cut"


@define
class LineFigures:
    """What one line counts while it works; its bus adds, the exporter's thread only reads.

    `sent` and `received` are octets, `round_s` is the length of the last full round in seconds,
    `busy_s` the seconds spent in visits, `meters` the number of meters in each state.
    """

    sent: int = 0
    received: int = 0
    round_s: float = 0.0
    busy_s: float = 0.0
    frame_errors: Counter[FrameError] = field(factory=Counter)
    meters: dict[str, int] = field(factory=dict)


@define
class SinkFigures:
    """How far one sink is behind the journal: `lag` in records, `delay_s` in seconds since the oldest was read."""

    lag: int = 0
    delay_s: float = 0.0
