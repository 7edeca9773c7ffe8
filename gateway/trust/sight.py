"""What one read of a meter gave, beside what the site says of the meter."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cached_property
from zoneinfo import ZoneInfo

from attrs import frozen

from gateway.decoders import BUILT_IN, Decoder
from gateway.protocol.characters import ReceivedParity
from gateway.protocol.datablock import DataSet, Layout
from gateway.protocol.messages import Identification
from gateway.site.model import SignalSettings


@frozen(eq=False, slots=False)
class Sight:
    """One read of a meter, to be judged.

    `framed`: the block came between STX and ETX, or with a CRC; `check` is the kind of its check: xor, sum7, none,
    crc16. `read_at` is wall time, `heard_at` the same moment in seconds of the process's own clock. `layout` is what
    the block was found to fit when it was heard. `is_pushed`: it was not asked for. `is_synced` False: the host's clock
    cannot be believed.
    """

    said: Identification
    sets: tuple[DataSet, ...]
    body: bytes
    framed: bool
    check: str
    parity: ReceivedParity
    read_at: datetime
    heard_at: float
    layout: Layout | None = None
    is_pushed: bool = False
    is_synced: bool = True

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of its registers as printed."""
        return tuple([data_set.address for data_set in self.sets])


@frozen(eq=False)
class Expected:
    """What the site says of a meter's values.

    `serial` is the number that is asked for; "" asks for any meter, so that no identity is checked. `zone` is that of
    its clock, `period_s` the seconds from one due slot to the next. `fuse_a` is the rating of its connection in ampere
    a phase, None: unknown. `signals` are those with bounds, `decoders` what decodes their values. `is_lasting`
    False: nothing is remembered beyond this read, so that it need not begin what later ones are judged by.
    """

    serial: str
    zone: ZoneInfo
    period_s: float = 900.0
    fuse_a: int | None = None
    signals: tuple[SignalSettings, ...] = ()
    decoders: Mapping[str, Decoder] = BUILT_IN
    is_lasting: bool = True


class LineState(Enum):
    """What the messages of a line are like: damaged ones ask for a confirming read of every block."""

    SOUND = "sound"
    DAMAGED = "damaged"
