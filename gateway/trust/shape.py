"""The shape of a meter's block: which registers, how wide, with which decimals, in which units."""

import re
from collections.abc import Iterator, Sequence

from gateway.experience import Experience, Remembered
from gateway.protocol.datablock import DataSet
from gateway.reading import EventKind
from gateway.trust.figure import figure_of
from gateway.trust.trait import Nature, Trait
from gateway.trust.verdict import Doubt, Oddity

FORMS_LIMIT = 16  # prints that a register of varying width may have; one that has more may have any
_DIGITS = str.maketrans("123456789", "000000000")
_FLAGS = re.compile(r"[0-9A-Fa-f]{2,}")
_UNPRINTABLE = re.compile(r"[^ -~]")
# Stored values are numbered on at each billing reset, or come and go with it.
_STORED = re.compile(r"[*&][0-9]+$")
_NAMED = 3
# Nothing but their shape tells whether characters of these were lost.
_TEXTS = frozenset({Nature.CONSTANT, Nature.STORED, Nature.RESET, Nature.MAXIMUM})


def form_of(raw: Sequence[str]) -> str:
    """A register's print with each digit as 0, hexadecimal words too."""
    return ")(".join(_FLAGS.sub(lambda word: "0" * len(word[0]), content).translate(_DIGITS) for content in raw)


def shape_doubts(
    accepted: Remembered,
    old: Sequence[DataSet | None],
    new: Sequence[DataSet],
    traits: Sequence[Trait],
    experience: Experience,
    *,
    is_reset: bool,
) -> Iterator[Doubt]:
    """What differs in shape from the last block that was taken for true, whose data sets stand in `old`.

    A number may be printed wider, or a register come or go. What lost or doubled characters could do too, to a text or
    to an address, is misshapen, unless a billing reset has brought it.
    """
    before, after = accepted.addresses, tuple([data_set.address for data_set in new])
    if before != after:
        gone, added = set(before) - set(after), set(after) - set(before)
        is_plain = is_reset or bool(gone) != bool(added)
        text = f"the block has another shape than the last one: {difference(before, after)}"
        oddity = Oddity.SHAPE if is_plain else Oddity.MISSHAPEN
        is_new = _lasting(before) != _lasting(after)
        yield Doubt(oddity, text, happened=EventKind.LAYOUT_CHANGED if is_new else None)
    for trait, was, data_set in zip(traits, old, new, strict=True):
        if was is None or was.raw == data_set.raw or trait.nature is Nature.LIVELY:
            continue
        usual, form = form_of(was.raw), form_of(data_set.raw)
        if usual != form and not is_known_form(form, experience.forms.get(trait.key, ())):
            oddity = Oddity.MISSHAPEN if trait.nature in _TEXTS and not is_reset else Oddity.SHAPE
            text = f"{trait.key}: printed as {form} until now as {usual}"
            happened = EventKind.LAYOUT_CHANGED if _is_printed_anew(was, data_set) else None
            yield Doubt(oddity, text, trait.key, ")(".join(data_set.raw), happened)


def shaped_otherwise(
    before: Remembered, old: Sequence[DataSet | None], new: Sequence[DataSet], traits: Sequence[Trait]
) -> set[str]:
    """The registers that a block prints in another form than an older one did; "" where it has other registers."""
    other = {
        trait.key
        for trait, was, data_set in zip(traits, old, new, strict=True)
        if was is None or form_of(was.raw) != form_of(data_set.raw)
    }
    return other if before.addresses == tuple([data_set.address for data_set in new]) else {*other, ""}


def is_known_form(form: str, forms: Sequence[str]) -> bool:
    """The register has been printed so before, or in ever new ways."""
    return form in forms or len(forms) >= FORMS_LIMIT


def grammar_doubts(sets: Sequence[DataSet]) -> Iterator[Doubt]:
    """What is no strict grammar of a readout (protocol.md 3.8): text without brackets, octets that print nothing."""
    for data_set in sets:
        raw = ")(".join(data_set.raw)
        if not data_set.raw:
            yield Doubt(Oddity.UNCLEAN, f'"{_shown(data_set.address)}" stands without brackets', data_set.address)
        elif _UNPRINTABLE.search(data_set.address) or _UNPRINTABLE.search(raw):
            text = f"{_shown(data_set.address)}({_shown(raw)}) holds what does not print"
            yield Doubt(Oddity.UNCLEAN, text, data_set.address, raw)


def _lasting(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if not _STORED.search(address)]


def _is_printed_anew(before: DataSet, data_set: DataSet) -> bool:
    """The number has another unit, or other decimals; one that is wider or has a sign is the same layout."""
    old, new = figure_of(before), figure_of(data_set)
    return old is not None and new is not None and (old.unit, old.step) != (new.unit, new.step)


def difference(old: Sequence[str], new: Sequence[str]) -> str:
    """Which registers of one block are gone in another, which are added, a few of each by name."""
    before, after = set(old), set(new)
    gone = [key for key in old if key not in after]
    added = [key for key in new if key not in before]
    parts = [
        f"{word} {', '.join(keys[:_NAMED])}{f' with {len(keys) - _NAMED} more' if len(keys) > _NAMED else ''}"
        for word, keys in (("without", gone), ("with", added))
        if keys
    ]
    return ", ".join(parts) or "its registers stand in another order"


def _shown(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")
