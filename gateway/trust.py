"""How far one readout can be trusted."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from gateway.errors import WrongMeter
from gateway.memory import MeterMemory
from gateway.obis import parse_obis
from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.protocol.messages import Identification
from gateway.reading import Quality

# 0.0.0 and C.1.0 hold a device number in every family (protocol.md 8).
_DEVICE_NUMBERS = frozenset({(0, 0, 0), (96, 1, 0)})
# What meters that push print beside or in place of these: 0-0:96.1.1 on P1 ports, 0-0:96.1.255 in households.
_PUSHED_NUMBERS = _DEVICE_NUMBERS | {(96, 1, 1), (96, 1, 255)}


@frozen
class Verdict:
    """What is held of a readout: its quality, with every reason that is worth telling."""

    quality: Quality
    reasons: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """All reasons as one text; None where there is nothing to tell."""
        return "; ".join(self.reasons) or None


def judge(
    sets: Sequence[DataSet],
    identification: Identification,
    profile: MeterProfile,
    serial: str,
    framed: bool,  # noqa: FBT001 - a property of the block
    memory: MeterMemory | None,
    *,
    is_pushed: bool = False,
) -> Verdict:
    """What a readout is worth, by what came in it and what is remembered of the meter.

    `serial` is the number that was asked for; "" asks for any meter, so no identity is checked. `framed` tells that the
    block came between STX and ETX with its check character, or with a CRC. `is_pushed`: it was not asked for at all.

    Suspect is a block without check character from a meter whose last one had one, or a new identification where no
    printed number vouches for the meter. Raises WrongMeter (E-READ-8) where identity registers are printed and none is
    the serial number.
    """
    reasons: list[str] = []
    quality = Quality.GOOD
    if memory is not None and memory.framed and not framed:
        reasons.append("the block came without check character, this meter's last one had one")
        quality = Quality.SUSPECT
    is_identified = not serial or _is_identified(sets, profile, serial, is_pushed=is_pushed)
    if not is_identified:
        reasons.append("identity not printed")
    if memory is not None and memory.identification not in (None, identification.raw):
        reasons.append(f"identification changed from {memory.identification} to {identification.raw}")
        # Nothing else vouches that this is still the same meter.
        quality = quality if is_identified and serial else Quality.SUSPECT
    return Verdict(quality, tuple(reasons))


def _is_identified(sets: Sequence[DataSet], profile: MeterProfile, serial: str, *, is_pushed: bool) -> bool:
    """True where an identity register prints the serial number, False where none is printed; raises WrongMeter."""
    printed = list(dict.fromkeys(identities(sets, profile, is_pushed=is_pushed)))
    if any(profile.address.is_same(number, serial) for number in printed):
        return True
    if printed:
        answered = ", ".join(printed)
        raise WrongMeter(
            "E-READ-8",
            f"asked {serial}, answered {answered}: nothing stored",
            "compare serialnumber with the plate of the meter",
        )
    return False


def identities(sets: Sequence[DataSet], profile: MeterProfile, *, is_pushed: bool = False) -> Iterator[str]:
    """What the identity registers of a readout print: 0.0.0, C.1.0, those of the profile; blank ones are left out.

    `is_pushed`: also those of P1 ports and household meters, their octets in hexadecimal as text too. The numbers of
    devices on the channels behind a meter (0-1:96.1.0) are none of its own.
    """
    numbers = _PUSHED_NUMBERS if is_pushed else _DEVICE_NUMBERS
    wanted = {obis.core for address in profile.identity if (obis := parse_obis(address, profile.medium))}
    for data_set in sets:
        content = data_set.raw[0].strip() if data_set.raw else ""
        if not content:
            continue
        obis = parse_obis(data_set.address, profile.medium)
        is_own = obis is not None and obis.is_present and (obis.a != 0 or obis.b == 0)
        if data_set.address in profile.identity or (obis is not None and is_own and obis.core in numbers | wanted):
            yield content
            if is_pushed and (text := _text_of(content)):
                yield text


def _text_of(hexadecimal: str) -> str | None:
    """The text whose octets a P1 port prints in hexadecimal; None where it is something else."""
    try:
        text = bytes.fromhex(hexadecimal).decode("ascii")
    except ValueError:
        return None
    return text if text.isprintable() else None
