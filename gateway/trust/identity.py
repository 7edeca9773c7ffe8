"""The numbers by which a readout tells whose it is (contract.md 5)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from gateway.errors import WrongMeter
from gateway.obis import parse_obis
from gateway.profile import MeterProfile
from gateway.protocol.datablock import DataSet
from gateway.trust.sight import Expected, Sight

# 0.0.0 and C.1.0 hold a device number in every family (protocol.md 8).
_DEVICE_NUMBERS = frozenset({(0, 0, 0), (96, 1, 0)})
# What meters that push print beside or in place of these: 0-0:96.1.1 on P1 ports, 0-0:96.1.255 in households.
_PUSHED_NUMBERS = _DEVICE_NUMBERS | {(96, 1, 1), (96, 1, 255)}


def number_of(sight: Sight, profile: MeterProfile, expected: Expected) -> str | None:
    """The number that a meter is known by: the one that is asked for, else the first that it prints."""
    return expected.serial or next(identities(sight.sets, profile, is_pushed=sight.is_pushed), None)


def is_identified(sets: Sequence[DataSet], profile: MeterProfile, serial: str, *, is_pushed: bool) -> bool:
    """True where an identity register prints the serial number; False where none is printed, or none was asked for.

    Raises WrongMeter (E-READ-8) where one is printed and none is that number.
    """
    if not serial:
        return False
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
    for place in _places(tuple([data_set.address for data_set in sets]), profile, is_pushed=is_pushed):
        data_set = sets[place]
        content = data_set.raw[0].strip() if data_set.raw else ""
        if content:
            yield content
            if is_pushed and (text := _text_of(content)):
                yield text


# As many blocks as a few hundred meters print, none of them as large as a block may be.
@lru_cache(maxsize=512)
def _places(addresses: tuple[str, ...], profile: MeterProfile, *, is_pushed: bool) -> tuple[int, ...]:
    """Where a block prints the number of the meter itself."""
    return tuple(
        place for place, address in enumerate(addresses) if _is_identity(address, profile, is_pushed=is_pushed)
    )


@lru_cache(maxsize=4096)
def _is_identity(address: str, profile: MeterProfile, *, is_pushed: bool) -> bool:
    """A register that holds the number of the meter itself."""
    if address in profile.identity:
        return True
    numbers = _PUSHED_NUMBERS if is_pushed else _DEVICE_NUMBERS
    wanted = {obis.core for other in profile.identity if (obis := parse_obis(other, profile.medium))}
    obis = parse_obis(address, profile.medium)
    return obis is not None and obis.is_present and (obis.a != 0 or obis.b == 0) and obis.core in numbers | wanted


def _text_of(hexadecimal: str) -> str | None:
    """The text whose octets a P1 port prints in hexadecimal; None where it is something else."""
    try:
        text = bytes.fromhex(hexadecimal).decode("ascii")
    except ValueError:
        return None
    return text if text.isprintable() else None
