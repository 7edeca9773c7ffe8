"""What a person has read from the plates of an exchanged meter, in the terms of its registers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import click
from attrs import frozen

from gateway.decoders import Decoder, number, split_unit
from gateway.errors import DecodeError
from gateway.experience import Remembered
from gateway.obis import parse_obis
from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.site.model import SignalSettings
from gateway.trust import totals
from gateway.trust.figure import Figure, figure_of


@frozen(eq=False)
class Plate:
    """The registers of a meter as it printed them last; `totals` are the addresses of those that only grow.

    `signals` are the names that a site gives them.
    """

    block: Remembered
    profile: MeterProfile
    signals: tuple[SignalSettings, ...]
    decoders: Mapping[str, Decoder]

    @property
    def read_at(self) -> datetime:
        """When it was read."""
        return self.block.read_at

    @property
    def totals(self) -> Mapping[str, str]:
        """The prints of the registers that only grow, by address as printed."""
        return totals(self.block.sets, self.profile)

    def print_of(self, address: str) -> str | None:
        """The print of a register by its address as printed; None where the meter has none of that address."""
        found = (")(".join(each.raw) for each in self.block.sets if each.address == address)
        return self.totals.get(address) or next(found, None)

    def ends(self, told: Sequence[str]) -> Mapping[str, str]:
        """End values, by address as printed, of texts REGISTER=VALUE; raises click.BadParameter."""
        return dict(self._told(told, is_new=False))

    def starts(self, told: Sequence[str]) -> Mapping[str, str]:
        """Start values likewise; the new meter may have registers that the old one does not print."""
        return dict(self._told(told, is_new=True))

    def is_fallen(self, address: str, content: str) -> bool:
        """True where a value lies below what the register printed last."""
        last, figure = _figure(self.print_of(address)), _figure(content)
        converted = None if last is None or figure is None else figure.converted(last.unit)
        return last is not None and converted is not None and converted < last.value

    def _told(self, told: Sequence[str], *, is_new: bool) -> Iterator[tuple[str, str]]:
        seen = set[str]()
        for text in told:
            register, equals, value = (part.strip() for part in text.partition("="))
            if not (register and equals and value):
                raise click.BadParameter(f'"{text}" is not REGISTER=VALUE, such as 1.8.0=147238.4')
            address = self._address(register, is_new=is_new)
            if address in seen:
                raise click.BadParameter(f"{address} is told twice")
            seen.add(address)
            content = self._content(address, value)
            if not is_new:
                self._expect_room(address, content)
            yield address, content

    def _address(self, register: str, *, is_new: bool) -> str:
        """The address as printed of a register that is named by a signal, as printed or by its code."""
        named = {signal.signal_alias: signal.tag_job_todo for signal in self.signals}
        tag = named.get(register, register)
        wanted = (SignalSettings("", register, tag),)
        (found,) = self.profile.interpret(self.block.sets, wanted, self.decoders)
        if self.print_of(found.address) is not None:
            return found.address
        if is_new and (register in named or parse_obis(tag, self.profile.medium) is not None):
            return tag.partition("|")[0].strip()
        known = ", ".join((*named, *self.totals))
        raise click.BadParameter(f"{register} is not printed by the meter; its totals are: {known}")

    def _content(self, address: str, value: str) -> str:
        """A value as the register would print it: with its unit, where none is given."""
        text, unit = split_unit(value)
        try:
            number(text)
        except DecodeError as error:
            raise click.BadParameter(f"{address}: {error.what}") from None
        last = _figure(self.print_of(address))
        if unit is None:
            return text.strip() if last is None or not last.unit else f"{text.strip()}*{last.unit}"
        content = f"{text.strip()}*{unit}"
        figure = _figure(content)
        if last is not None and figure is not None and figure.converted(last.unit) is None:
            raise click.BadParameter(
                f"{address}: {value} is not in {last.unit or 'a number without unit'}, as it prints"
            )
        return content

    def _expect_room(self, address: str, content: str) -> None:
        """Raises click.BadParameter where a register is too narrow for a value: leading zeros tell how wide it is."""
        last, figure = _figure(self.print_of(address)), _figure(content)
        converted = None if last is None or figure is None else figure.converted(last.unit)
        if last is None or converted is None or last.value * 10 >= Decimal(10) ** last.whole_digits:
            return
        if converted >= Decimal(10) ** last.whole_digits:
            what = f"{content} has more than the {last.whole_digits} digits that it prints before the decimal point"
            raise click.BadParameter(f"{address}: {what}")


def _figure(content: str | None) -> Figure | None:
    return None if content is None else figure_of(DataSet("", (content,)))
