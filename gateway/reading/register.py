"""What is known of one register of a meter family."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen


class Access(StrEnum):
    """The logical groups of a meter's registers and commands, by what they ask of the reader (protocol.md 6).

    NONE: nothing. LOW: the password. HIGH: an encrypted answer to the meter's challenge. SEALED: a sealed switch behind
    the cover, for calibration; Metergate never goes there.
    """

    NONE = "none"
    LOW = "low"
    HIGH = "high"
    SEALED = "sealed"


@frozen
class Register:
    """What is known of one register of a meter family: its address as printed, its name, how its print is decoded.

    `decoder` is a name under which a plugin brought a decoder, or None: by the print.
    `parameters` are plain values for that decoder. `access` is the group that may read it, `write_access` the one that
    may write it; None: as the profile says of registers it does not list. `rollover_width` is how many digits before
    the decimal point it counts to before it begins anew; None: as many as it prints.
    """

    address: str
    name: str | None = None
    title: str | None = None
    unit: str | None = None
    decoder: str | None = None
    parameters: Mapping[str, str | int | bool] = field(factory=dict)
    aliases: tuple[str, ...] = ()
    access: Access | None = None
    write_access: Access | None = None
    rollover_width: int | None = None
