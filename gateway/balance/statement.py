"""The statement of a balance: what each register counted, what is missing, the faults that explain it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from attrs import frozen

from gateway.site.balance import BalanceSettings, Counter


class Trouble(StrEnum):
    """What can be wrong with a balance, or with one of its registers."""

    MISSING = "missing"
    STUCK = "stuck"
    CROSSED = "crossed"
    EXCHANGED = "exchanged"
    BACKWARDS = "backwards"
    UNITS = "units"
    UNMETERED = "unmetered"
    SURPLUS = "surplus"


@frozen
class Fault:
    """One thing that is wrong, in words, with the registers that it is about; none: the balance as a whole."""

    trouble: Trouble
    counters: tuple[Counter, ...]
    text: str


@frozen
class Share:
    """What one register counted within the interval, in the statement's unit; None where it is not known.

    `start`, `end` are what it showed then, `doubt` is how far `consumption` may be off by the times of reading and the
    last digits.
    """

    counter: Counter
    start: Decimal | None = None
    end: Decimal | None = None
    consumption: Decimal | None = None
    doubt: Decimal = Decimal(0)


@frozen
class Statement:
    """A balance over one interval; without faults the parts sum to the main.

    `unit` is that of the main, `digits` are the decimals that the main prints.
    """

    settings: BalanceSettings
    since: datetime
    until: datetime
    unit: str | None
    digits: int
    main: Share
    parts: tuple[Share, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def is_off(self) -> bool:
        """True where something is wrong."""
        return bool(self.faults)

    @property
    def total(self) -> Decimal:
        """What the parts that are known have counted together."""
        return sum((part.consumption for part in self.parts if part.consumption is not None), Decimal(0))

    @property
    def residual(self) -> Decimal | None:
        """What the main counted beyond its known parts; None where the main is not known."""
        return None if self.main.consumption is None else self.main.consumption - self.total

    @property
    def allowed(self) -> Decimal:
        """How far the residual may be from 0: the tolerance, with what reading at different times may do."""
        tolerance = Decimal(str(self.settings.tolerance_percent)) / 100 * abs(self.main.consumption or Decimal(0))
        return tolerance + _together(share.doubt for share in (self.main, *self.parts))

    def rounded(self, amount: Decimal | None) -> Decimal | None:
        """An amount with as many decimals as the main prints."""
        return None if amount is None else round(amount, self.digits)

    def percent(self, amount: Decimal | None) -> Decimal | None:
        """An amount as a share of the main, to a tenth of a percent; None where there is none."""
        if amount is None or not self.main.consumption:
            return None
        return (100 * amount / self.main.consumption).quantize(Decimal("0.1"))

    def fault_of(self, counter: Counter) -> Fault | None:
        """The first fault that is about a register."""
        return next((fault for fault in self.faults if counter in fault.counters), None)


def _together(doubts: Iterable[Decimal]) -> Decimal:
    """The doubts of registers that know nothing of each other."""
    return sum((doubt * doubt for doubt in doubts), Decimal(0)).sqrt()
