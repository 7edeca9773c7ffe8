"""How far values can be trusted, with what that rests on."""

from enum import StrEnum

from attrs import frozen


class Quality(StrEnum):
    """How far a value can be trusted; the reason stands beside it in words."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"


class Layer(StrEnum):
    """The layers of trust in a readout, in the order in which they are looked at."""

    PARITY = "parity"
    CHECK = "block check"
    GRAMMAR = "grammar"
    SHAPE = "shape"
    IDENTITY = "identity"
    PLAUSIBILITY = "plausibility"


@frozen
class Remark:
    """What one layer has to tell of a readout, in words; `register` is the address as printed, "" the whole block."""

    layer: Layer
    register: str
    text: str


@frozen
class Grounds:
    """What the trust in a readout rests on.

    `parity`: present, stripped. `check`: xor, sum7, crc16, none. `shape`: known, new (nothing remembered), changed.
    `identity`: printed, not printed, not asked. `confirming` tells of the second read in the same slot: "" none was
    asked for, agreed, replaced (the first one was dismissed), disagreed, failed. `remarks` are those of all layers.
    """

    parity: str
    check: str
    shape: str
    identity: str
    confirming: str = ""
    remarks: tuple[Remark, ...] = ()
