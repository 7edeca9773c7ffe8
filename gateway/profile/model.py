"""The profile of a meter family, with the conduct it asks for."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from attrs import field, frozen

from gateway.decoders import BUILT_IN, Decoder
from gateway.profile.interpretation import Binding, meter_time
from gateway.profile.programming_mode import ProgrammingMode
from gateway.profile.vdew import FORMATTED, FORMATTED_ESCAPE, USUAL
from gateway.protocol.characters import XOR, BlockCheck, Mode
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Identification
from gateway.protocol.timing import T_R_MIN, T_R_MIN_FAST
from gateway.reading import Reading, Register
from gateway.site.model import SignalSettings, Wakeup

_BINDING_LIMIT = 4096


@frozen
class Conduct:
    """How to go on once the identification is known.

    `mode` is the connection mode, `check` makes the block check, `option` is the mode control character Y of the option
    select, `t_r` the least reaction time in seconds. `speed_character` is sent as Z instead of the offered one.
    `programming` is what the family's programming mode is like.
    """

    mode: Mode
    check: BlockCheck = XOR
    option: str = "0"
    t_r: float = T_R_MIN
    speed_character: str | None = None
    programming: ProgrammingMode = USUAL


@frozen
class AddressForm:
    """How the serial number on the plate becomes the address of the sign-on (protocol.md 3.1).

    Literally, unless a `prefix` stands before it or only its `last_digits` are sent.
    """

    prefix: str = ""
    last_digits: int | None = None

    def sign_on(self, serial: str) -> str:
        """The address to send for a serial number; one that already carries the prefix is left alone."""
        if not serial:
            return ""
        kept = serial if self.last_digits is None else serial[-self.last_digits :]
        return kept if kept.startswith(self.prefix) else self.prefix + kept

    def is_same(self, printed: str, serial: str) -> bool:
        """True where an identity register prints that serial number; blanks and leading zeros do not count."""
        return self._essence(printed) == self._essence(serial)

    def _essence(self, number: str) -> str:
        bare = "".join(number.split()).removeprefix(self.prefix)
        return (bare if self.last_digits is None else bare[-self.last_digits :]).lstrip("0")


@frozen
class Example:
    """A telegram of the family with the readings it must give.

    `identification` is the line from `/` on; `block` holds the 7-bit characters between STX and ETX; `check` is the
    check character that was sent, None where it is not told. Each of `readings` names some keys of a reading's JSON.
    """

    title: str
    identification: str
    block: bytes
    readings: tuple[Mapping[str, str], ...]
    check: int | None = None


@frozen(eq=False)
class MeterProfile:
    """One meter family.

    `identification` is a regular expression that must match from the `/` of the identification on. `mode` None: as the
    identification says. `medium` is A of addresses that print none. `identity` are registers that hold the serial
    number beside 0.0.0 and C.1.0. `min_interval_s` is the shortest time between two reads in seconds (battery meters),
    `reaction_ms` the reaction time where it differs from the class that the identification tells. `programming` is what
    its programming mode is like; where a family says nothing of it, the identification tells whether it takes the
    formatted commands. `differs` says in one sentence which facts differ from the generic profile. `origin` names the
    text that states all this, "" a program; `lines` tells the line on which it states a register, by address.
    """

    id: str
    version: int
    title: str
    maker: str
    identification: str = ""
    mode: Mode | None = None
    check: BlockCheck = XOR
    medium: int = 1
    registers: tuple[Register, ...] = ()
    identity: tuple[str, ...] = ()
    address: AddressForm = AddressForm()
    min_interval_s: int = 0
    wakeup: Wakeup = Wakeup.NONE
    speed_character: str | None = None
    reaction_ms: int | None = None
    programming: ProgrammingMode = USUAL
    differs: str = ""
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    origin: str = ""
    lines: Mapping[str, int] = field(factory=dict, repr=False)
    _bindings: dict[tuple[int, int], Binding] = field(factory=dict, init=False, repr=False)

    @property
    def key(self) -> str:
        """The profile with its version, as readouts name it: id@version."""
        return f"{self.id}@{self.version}"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.identification)

    @cached_property
    def _by_print(self) -> Mapping[str, Register]:
        return {name: register for register in self.registers for name in (register.address, *register.aliases)}

    def register(self, address: str) -> Register | None:
        """What the profile states of a register that is printed so; None where it does not list it."""
        return self._by_print.get(address)

    def fits(self, identification: Identification) -> bool:
        """True where the identification is that of this family."""
        return self._pattern.match(identification.raw) is not None

    def matched(self, identification: Identification) -> int:
        """How many characters of the identification the pattern matches: the more, the closer the family."""
        found = self._pattern.match(identification.raw)
        return 0 if found is None else found.end()

    def conduct(self, identification: Identification) -> Conduct:
        """How to talk to a meter that has answered so; the profile wins over what the identification tells."""
        usual = T_R_MIN_FAST if identification.is_fast else T_R_MIN
        is_formatted = self.programming is USUAL and FORMATTED_ESCAPE in identification.escapes
        return Conduct(
            mode=self.mode or identification.mode,
            check=self.check,
            t_r=usual if self.reaction_ms is None else self.reaction_ms / 1000,
            speed_character=self.speed_character,
            programming=FORMATTED if is_formatted else self.programming,
        )

    def interpret(
        self,
        sets: Sequence[DataSet],
        signals: Sequence[SignalSettings] = (),
        decoders: Mapping[str, Decoder] = BUILT_IN,
    ) -> tuple[Reading, ...]:
        """What the data sets of one block say.

        Without signals: one reading a data set, in the order of the wire, duplicates kept. With signals: one reading an
        enabled signal, in their order. A register that cannot be decoded is `bad` alone, with its print and the reason.
        """
        key = (id(signals), id(decoders))
        binding = self._bindings.get(key)
        if binding is None:
            if len(self._bindings) >= _BINDING_LIMIT:
                self._bindings.clear()
            # The binding keeps both objects alive, so that no other can take over their ids.
            binding = self._bindings[key] = Binding(self.registers, self.medium, decoders, signals)
        return binding.readings(sets)

    def meter_time(self, sets: Sequence[DataSet]) -> datetime | None:
        """The meter's own clock from 0.9.4, 1.0.0, or 0.9.1 with 0.9.2; None where no valid time is printed."""
        return meter_time(sets, self.medium)
