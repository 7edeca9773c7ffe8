"""The balances of a site: which registers are held against each other."""

from attrs import frozen

from gateway.cadence import Span


@frozen
class Counter:
    """A register of a meter that counts on: device_alias with signal_alias, or address where the site names no signals.

    Written `flat01.energy_import`.
    """

    meter: str
    signal: str

    @classmethod
    def from_text(cls, text: str) -> "Counter":
        """The counter that is written so; an alias holds no point, an address may."""
        meter, _, signal = text.partition(".")
        return cls(meter, signal)

    def __str__(self) -> str:
        return f"{self.meter}.{self.signal}"


@frozen
class BalanceSettings:
    """[[balance]]: what `main` counts within `interval` is held against the sum of what the `parts` count.

    `tolerance_percent` of the main may be missing beside what reading at different times explains.
    """

    name: str
    main: Counter
    parts: tuple[Counter, ...]
    interval: Span
    tolerance_percent: float = 3.0
