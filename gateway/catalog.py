"""Everything that plugins bring, collected once at start through the hooks."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TypeVar, cast

import pluggy
from attrs import evolve, field, frozen

import gateway.decoders
import gateway.profile.library
import gateway.profile.password_answers
import gateway.sinks
from gateway import hooks
from gateway.decoders import Decoder
from gateway.errors import Finding, PluginError, ProfileError
from gateway.profile import GENERIC, MeterProfile, PasswordAnswer, load_folder
from gateway.protocol.messages import Identification
from gateway.sinks import SinkKind

AUTO = "auto"
OWN_DISTRIBUTION = "metergate"

_BUILT_IN = (gateway.profile.library, gateway.profile.password_answers, gateway.decoders, gateway.sinks)
# Noise on a line makes new identifications for ever; real ones are few.
_CHOICE_LIMIT = 4096
# What importing somebody's module, or calling its hook, raises when that plugin is at fault.
_PLUGIN_FAULTS = (
    ImportError,
    SyntaxError,
    AttributeError,
    NameError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    OSError,
    RuntimeError,
    AssertionError,
    ProfileError,
)

T = TypeVar("T")
V = TypeVar("V")


class Kind(StrEnum):
    """What a plugin can bring."""

    PROFILE = "profile"
    DECODER = "decoder"
    PASSWORD_ANSWER = "password answer"  # noqa: S105 - the name of a hook's subject
    SINK = "sink"


@frozen
class Contribution:
    """One thing that a distribution brought, under the name by which it is used."""

    distribution: str
    version: str
    kind: Kind
    name: str


@frozen
class _Plugin:
    """One object with hook implementations, with the distribution it came in."""

    distribution: str
    version: str
    name: str
    module: object


_Brought = dict[str, tuple[V, _Plugin]]


@frozen(eq=False)
class Catalog:
    """What can be used by name: profiles, decoders, password answers, sinks; with who brought it.

    `findings` are warnings, such as a local profile that replaces a shipped one.
    """

    profiles: Mapping[str, MeterProfile]
    decoders: Mapping[str, Decoder]
    password_answers: Mapping[str, PasswordAnswer]
    sinks: Mapping[str, SinkKind[object]]
    contributions: tuple[Contribution, ...]
    findings: tuple[Finding, ...] = ()
    _choices: dict[str, MeterProfile] = field(factory=dict, init=False, repr=False)

    @classmethod
    def collect(cls, allow: Sequence[str] | None = None, local_profiles: Path | None = None) -> "Catalog":
        """Calls every hook of the built-ins with those of the installed plugins.

        `allow` names the distributions that may bring plugins, None: all. Profiles of the folder `local_profiles`
        replace others of the same id, with a warning. Raises PluginError for a plugin that cannot be used or a name
        brought twice, ProfileError for an invalid profile or one that needs a decoder nobody brings.
        """
        plugins = (*_built_in(), *_installed(allow))
        hook = _registered(plugins).hook
        profiles: _Brought[MeterProfile] = _collected(Kind.PROFILE, hook.meter_profiles, plugins, _by_id)
        decoders: _Brought[Decoder] = _collected(Kind.DECODER, hook.value_decoders, plugins, _by_name)
        answers: _Brought[PasswordAnswer] = _collected(Kind.PASSWORD_ANSWER, hook.password_answers, plugins, _by_name)
        sinks: _Brought[SinkKind[object]] = _collected(Kind.SINK, hook.output_sinks, plugins, _by_name)
        findings = [*_not_installed(allow, plugins), *_replaced(profiles, local_profiles)]
        things: Mapping[Kind, Mapping[str, tuple[object, _Plugin]]] = {
            Kind.PROFILE: profiles,
            Kind.DECODER: decoders,
            Kind.PASSWORD_ANSWER: answers,
            Kind.SINK: sinks,
        }
        catalog = cls(
            profiles={name: profile for name, (profile, _) in profiles.items()},
            decoders={name: decoder for name, (decoder, _) in decoders.items()},
            password_answers={name: answer for name, (answer, _) in answers.items()},
            sinks={name: sink for name, (sink, _) in sinks.items()},
            contributions=tuple(
                Contribution(plugin.distribution, plugin.version, kind, name)
                for kind, brought in things.items()
                for name, (_, plugin) in sorted(brought.items())
            ),
            findings=tuple(findings),
        )
        _check_names(catalog)
        return catalog

    def choose(self, identification: Identification, model: str = AUTO) -> MeterProfile:
        """The profile of a meter: the configured `model`, else that whose pattern matches most of the identification.

        The generic profile where none fits. Raises ProfileError for a model that nobody brings.
        """
        if model != AUTO:
            return self.profile(model)
        chosen = self._choices.get(identification.raw)
        if chosen is None:
            if len(self._choices) >= _CHOICE_LIMIT:
                self._choices.clear()
            fitting = [profile for profile in self.profiles.values() if profile.fits(identification)]
            chosen = max(fitting, key=lambda profile: (profile.matched(identification), profile.id), default=None)
            chosen = self._choices[identification.raw] = chosen or self.profile(GENERIC)
        return chosen

    def profile(self, identifier: str) -> MeterProfile:
        """The profile of that id; raises ProfileError with the nearest id where nobody brings it."""
        if identifier in self.profiles:
            return self.profiles[identifier]
        near = difflib.get_close_matches(identifier, self.profiles, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(sorted(self.profiles))}"
        raise ProfileError([Finding("E-PRO-10", f"profile {identifier}", "nobody brings a profile of this id", hint)])


def _built_in() -> Iterator[_Plugin]:
    try:
        version = metadata.version(OWN_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        version = ""  # a checkout that was not installed
    for module in _BUILT_IN:
        yield _Plugin(OWN_DISTRIBUTION, version, module.__name__, module)


def _installed(allow: Sequence[str] | None) -> Iterator[_Plugin]:
    """The plugins of all installed distributions, or of the allowed ones; the others are not even imported."""
    allowed = None if allow is None else {_normal(name) for name in allow}
    for entry in sorted(metadata.entry_points(group=hooks.ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)):
        distribution = entry.dist.name if entry.dist else entry.value
        if allowed is not None and _normal(distribution) not in allowed:
            continue
        plugin = _Plugin(distribution, entry.dist.version if entry.dist else "", f"{distribution}: {entry.name}", None)
        yield evolve(plugin, module=_called(plugin, "importing it", entry.load))


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _not_installed(allow: Sequence[str] | None, plugins: Iterable[_Plugin]) -> Iterator[Finding]:
    present = {_normal(plugin.distribution) for plugin in plugins}
    for name in allow or ():
        if _normal(name) not in present:
            what = f'"{name}" is allowed, but no installed distribution of this name brings plugins'
            yield Finding("W-PLG-1", "plugins.allow", what, f"pip install {name}, or take it out")


def _called(plugin: _Plugin, doing: str, call: Callable[[], T]) -> T:
    """What somebody's code gives; its faults become a PluginError that names the distribution."""
    try:
        return call()
    except _PLUGIN_FAULTS as fault:
        what = f"plugin {plugin.name} {plugin.version}: {doing} failed: {type(fault).__name__}: {fault}"
        raise PluginError(
            "E-PLG-1", what, f"update or uninstall {plugin.distribution}, or leave it out of plugins.allow"
        ) from fault


def _registered(plugins: Iterable[_Plugin]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    for plugin in plugins:
        try:
            manager.register(plugin.module, plugin.name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            what = f"plugin {plugin.name} {plugin.version} does not fit this version's hooks: {error}"
            raise PluginError("E-PLG-3", what, f"update {plugin.distribution}") from error
        except ValueError as error:
            raise PluginError(
                "E-PLG-1", f"plugin {plugin.name}: {error}", f"uninstall {plugin.distribution}"
            ) from error
    return manager


def _collected(
    kind: Kind, hook: pluggy.HookCaller, plugins: Iterable[_Plugin], pairs: Callable[[T], Iterable[tuple[str, V]]]
) -> _Brought[V]:
    """All that one hook brings, by name, with its owner; raises PluginError where a name is brought twice."""
    by_name = {plugin.name: plugin for plugin in plugins}
    things: _Brought[V] = {}
    # The hook that is called last was registered first: built-ins come before what claims their names.
    for implementation in hook.get_hookimpls():
        plugin = by_name[implementation.plugin_name]
        function = cast("Callable[[], T]", implementation.function)  # pluggy keeps no types; the hookspec states them
        for name, thing in _called(plugin, f"its hook {hook.name}", partial(_pairs, function, pairs)):
            if name in things:
                first, second = (f"{owner.distribution} {owner.version}" for owner in (things[name][1], plugin))
                what = f'the {kind.value} "{name}" is brought by {first} as well as by {second}'
                raise PluginError("E-PLG-2", what, "uninstall one of them, or name the other alone in plugins.allow")
            things[name] = thing, plugin
    return things


def _pairs(function: Callable[[], T], pairs: Callable[[T], Iterable[tuple[str, V]]]) -> tuple[tuple[str, V], ...]:
    """Calls a hook's implementation to its end, so that a generator's faults show here."""
    return tuple(pairs(function()))


def _by_id(profiles: Iterable[MeterProfile]) -> Iterator[tuple[str, MeterProfile]]:
    return ((profile.id, profile) for profile in profiles)


def _by_name(things: Mapping[str, V]) -> Iterable[tuple[str, V]]:
    return things.items()


def _replaced(profiles: _Brought[MeterProfile], folder: Path | None) -> Iterator[Finding]:
    """Puts the profiles of a site's own folder among the others; a replaced one is told."""
    for profile in load_folder(folder) if folder else ():
        if profile.id in profiles:
            owner = profiles[profile.id][1]
            what = f"{profile.key} replaces {profiles[profile.id][0].key} of {owner.distribution}"
            yield Finding("W-PRO-1", f"profile {profile.id}", what, "give it an id of its own to keep both")
        profiles[profile.id] = profile, _Plugin(str(folder), "", str(folder), None)


def _check_names(catalog: Catalog) -> None:
    """Raises ProfileError for every decoder or password answer that a profile names but nobody brings."""
    findings = [
        Finding(
            "E-PRO-8", f"profile {profile.id}", f'nobody brings the decoder "{register.decoder}" of {register.address}'
        )
        for profile in catalog.profiles.values()
        for register in profile.registers
        if register.decoder is not None and register.decoder not in catalog.decoders
    ]
    findings += [
        Finding("E-PRO-11", f"profile {profile.id}", f'nobody brings the password answer "{name}" of the {group} group')
        for profile in catalog.profiles.values()
        for group, name in profile.programming.passwords.items()
        if name not in catalog.password_answers
    ]
    if findings:
        raise ProfileError(findings)
