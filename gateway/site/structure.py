"""From a mapping to an attrs class, with everything that does not fit at once."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, get_args, get_origin

from attrs import NOTHING, AttrsInstance, fields, frozen, has
from cattrs import AttributeValidationNote, ClassValidationError, Converter, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from gateway.site.kinds import LATER, WRONG_KIND, Kind, Unfit, did_you_mean, kind_name, shown
from gateway.site.tables import keys_of, later_keys

A = TypeVar("A", bound=AttrsInstance)
S = TypeVar("S")
UNKNOWN_KEY, MISSING_KEY = "E-CFG-2", "E-CFG-4"


@frozen
class Misfit:
    """What does not fit: the key at fault (None: the whole), the message's code, what is wrong, the next step."""

    key: str | None
    code: str
    what: str
    next: str | None = None


def structure(kind: type[A], given: Mapping[str, object]) -> tuple[A | None, tuple[Misfit, ...]]:
    """The mapping as an object of that class, and all misfits; None where a required key is missing or wrong.

    Keys that do not fit are left out, then the rest is structured once more: an unknown key must hide neither the
    class's own validators nor the object from later checks. Values are never converted.
    """
    left = dict(given)
    misfits: dict[tuple[str | None, str], Misfit] = {}
    while True:
        try:
            return _CONVERTER.structure(left, kind), tuple(misfits.values())
        except ClassValidationError as error:
            found = list(_misfits(error, kind, left))
        misfits = {(misfit.key, misfit.code): misfit for misfit in found} | misfits
        bad = {misfit.key for misfit in found if misfit.key in left}
        required_lost = any(misfit.code == MISSING_KEY for misfit in misfits.values())
        if not bad:
            return None, tuple(misfits.values())
        left = {name: value for name, value in left.items() if name not in bad}
        if required_lost or any(_is_required(kind, name) for name in bad):
            return None, tuple(misfits.values())


def _is_required(kind: type[AttrsInstance], name: str | None) -> bool:
    return any(found.name == name and found.default is NOTHING for found in fields(kind))


def _misfits(error: ClassValidationError, kind: type[AttrsInstance], given: Mapping[str, object]) -> Iterator[Misfit]:
    known = [found.name for found in fields(kind)]
    for inner in error.exceptions:
        notes = [note for note in getattr(inner, "__notes__", ()) if isinstance(note, AttributeValidationNote)]
        name = notes[0].name if notes else None
        match inner:
            case ForbiddenExtraKeysError(extra_fields=extra):
                yield from (_unknown(kind, known, key) for key in given if key in extra)
            case KeyError() if name is not None and name not in given:
                yield Misfit(name, MISSING_KEY, f'the key "{name}" is missing', _wanted(kind, name))
            case Unfit():
                yield Misfit(
                    name, inner.code, inner.what if name is None else f"{name} = {inner.what}", inner.next_step
                )
            case _:
                yield Misfit(name, WRONG_KIND, str(inner) if name is None else f"{name}: {inner}")


def _unknown(kind: type[AttrsInstance], known: list[str], name: str) -> Misfit:
    if name in later_keys(kind):
        return Misfit(name, LATER, f'the key "{name}" is not in this version', "leave it out")
    advice = did_you_mean(name, known, f"known here: {', '.join(known)}")
    return Misfit(name, UNKNOWN_KEY, f'unknown key "{name}"', advice)


def _wanted(kind: type[AttrsInstance], name: str) -> str:
    key = keys_of(kind).get(name)
    return f"{name} = …" if key is None else f"{name}: {key.about} ({key.kind})"


def _plain(wanted: type[S]) -> Callable[[object, type[S]], S]:
    def read(value: object, _: type[S]) -> S:
        if type(value) is wanted:
            return value
        names = {str: "text", int: "a whole number", bool: "true or false"}
        raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, {names[wanted]} is wanted")

    return read


def _number(value: object, _: type[float]) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a number is wanted")
    return float(value)


def _path(value: object, _: type[Path]) -> Path:
    if not isinstance(value, str):
        raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a path is wanted")
    return Path(value).expanduser()


def _reading(kind: Kind[object]) -> Callable[[object, object], object]:
    return lambda value, _: kind.read(value)


def _table_function(table: type[AttrsInstance]) -> Callable[[Mapping[str, object], object], AttrsInstance]:
    hooks = {name: override(struct_hook=_reading(key.kind)) for name, key in keys_of(table).items()}
    return make_dict_structure_fn(table, _CONVERTER, **hooks)  # type: ignore[arg-type]  # keys are no options of it


def _is_list(kind: object) -> bool:
    return get_origin(kind) in (tuple, list)


def _list_function(kind: type[object]) -> Callable[[object, object], object]:
    origin = tuple if get_origin(kind) is tuple else list
    element = get_args(kind)[0]

    def read(value: object, _: object) -> object:
        if not isinstance(value, list):
            raise Unfit(WRONG_KIND, f"{shown(value)} is {kind_name(value)}, a list is wanted")
        return origin(_CONVERTER.structure(part, element) for part in value)

    return read


_CONVERTER = Converter(forbid_extra_keys=True, detailed_validation=True)
_CONVERTER.register_structure_hook(str, _plain(str))
_CONVERTER.register_structure_hook(int, _plain(int))
_CONVERTER.register_structure_hook(bool, _plain(bool))
_CONVERTER.register_structure_hook(float, _number)
_CONVERTER.register_structure_hook(Path, _path)
_CONVERTER.register_structure_hook_factory(_is_list, _list_function)
_CONVERTER.register_structure_hook_factory(has, _table_function)
