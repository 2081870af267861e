"""Loads plugins, keeps what they offer with its origin, and tells watchers what happens.

The manager is made once per command and passed on; nothing here is global.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import importlib.util
import inspect
import logging
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, cast, get_args, get_type_hints

import pluggy

from autotl import hookspecs
from autotl.errors import ConfigError, PluginError
from autotl.interfaces import Backbone, Check, Crop, Encoder, Evaluator, Head, Panel
from autotl.runtime.blame import blaming, describe
from autotl.runtime.garbage import no_collection
from autotl.runtime.hook_manager import HookManager
from autotl.runtime.known_code import remember
from autotl.runtime.loose_module import import_file
from autotl.runtime.patience import MOST_SECONDS, Patience
from autotl.settings import Settings

log = logging.getLogger(__name__)

GROUP = "autotl"
NAME = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*")
SLOW_SECONDS = 1.0
"""A plugin that takes longer to load is named: every command waits for it."""


class Offered(Protocol):
    """What plugins offer: a `Head`, a `Check` and so on, each under a name that no other of its kind has."""

    @property
    def name(self) -> str:
        """By which a user chooses it."""


T = TypeVar("T", bound=Offered)
Origin: TypeAlias = Literal["ours", "installed", "file", "caller"]


def _kinds() -> Iterator[tuple[type[Offered], str]]:
    for name, hook in vars(hookspecs).items():
        if name.startswith("register_"):
            [kind] = get_args(get_type_hints(hook)["return"])
            yield kind, name


_CHOSEN_TOGETHER: Mapping[type[Offered], type[Offered]] = {Backbone: Encoder, Encoder: Backbone}
KINDS: Mapping[type[Offered], str] = dict(_kinds())
"""Every kind of object that a plugin can offer, with the hook that offers it; `hookspecs` alone declares them."""


@dataclass(frozen=True)
class Provenance:
    """The plugin that brought an object, and its version."""

    plugin: str
    version: str


@dataclass(frozen=True)
class LoadedPlugin:
    """A loaded plugin: where it is from, the hooks it implements, and the names it offers by kind, as "heads".

    origin: "ours" where it comes with AutoTL, else "installed", "file", or "caller" where Python code passed it in.
    files: where what it implements is written, to tell its lines in a traceback.
    """

    name: str
    version: str
    source: str
    hooks: tuple[str, ...]
    offers: Mapping[str, tuple[str, ...]]
    origin: Origin = "caller"
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A plugin that has been found but not yet imported."""

    name: str
    version: str
    source: str
    load: Callable[[], object]
    origin: Origin


def load_plugins(
    *,
    disable: Collection[str] = (),
    folder: Path | None = None,
    extra: Iterable[object] = (),
    installed: bool = True,
    only: str | Collection[str] | None = None,
) -> Plugins:
    """Load installed plugins, the `.py` files of a folder, and objects passed in, in this order.

    installed: false leaves out what is installed, to look at one plugin by itself. only: the plugin to load, or
        several. A broken plugin ends in `broken` and leaves nothing behind. Raises PluginError if two plugins offer
        one name, ConfigError if the folder does not exist.
    """
    candidates = [*(_installed() if installed else ()), *_loose_files(folder), *_passed_in(extra)]
    for name in sorted(set(disable) - {candidate.name for candidate in candidates}):
        log.warning("there is no plugin %r to disable%s", name, nearest(name, [c.name for c in candidates]))
    plugins = Plugins()
    wanted = {only} if isinstance(only, str) else only
    with no_collection():
        for candidate in candidates:
            if candidate.name not in disable and (wanted is None or candidate.name in wanted):
                plugins._add(candidate)
    if plugins._clashes:
        raise PluginError("\n".join(plugins._clashes))
    for crop in plugins.all(Crop).values():
        remember(crop.module)
    return plugins


def load_preferred(preferences: Settings, *, disable: Collection[str] = ()) -> Plugins:
    """Load the plugins that the settings allow, except those that are disabled in addition."""
    return load_plugins(disable=(*preferences.disable_plugins, *disable), folder=preferences.plugins)


class Plugins:
    """What the loaded plugins offer, by kind and name, in the order of loading.

    loaded: the plugins by name. broken: why a plugin was left out, by plugin name.
    failures: how often a watcher raised, by (plugin, hook). patience: how long the plugins of others are waited for.
    """

    def __init__(self) -> None:
        self.loaded: dict[str, LoadedPlugin] = {}
        self.broken: dict[str, str] = {}
        self.failures: Counter[tuple[str, str]] = Counter()
        self.patience = Patience()
        self._manager = HookManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._offered: dict[type[Offered], dict[str, Offered]] = {kind: {} for kind in KINDS}
        self._owners: dict[tuple[type[Offered], str], str] = {}
        self._clashes: list[str] = []

    def all(self, kind: type[T]) -> Mapping[str, T]:
        """Return everything of a kind, such as `Head`, by name."""
        return cast(Mapping[str, T], self._offered[kind])

    def sources(self) -> dict[str, Backbone | Encoder]:
        """Return all backbones and encoders by name, backbones first."""
        return {**self.all(Backbone), **self.all(Encoder)}

    def pick(self, kind: type[T], name: str) -> T:
        """Return the object of this kind and name; raises ConfigError with the nearest name."""
        offered = self.all(kind)
        if name in offered:
            return offered[name]
        hint = nearest(name, offered) or "."
        broken = f" Plugins that could not be loaded: {', '.join(self.broken)}." if self.broken else ""
        raise ConfigError(
            f"unknown {_singular(kind)} {name!r}{hint} Available: {', '.join(offered) or 'none'}.{broken}"
        )

    def provenance(self, kind: type[Offered], name: str) -> Provenance:
        """Say which plugin, in which version, brought an object; raises ConfigError as `pick` does."""
        owner = self.owner(kind, name)
        return Provenance(owner.name, owner.version)

    def owner(self, kind: type[Offered], name: str) -> LoadedPlugin:
        """The plugin that brought an object; raises ConfigError as `pick` does."""
        self.pick(kind, name)
        plugin = self._owners.get((kind, name), "")
        return self.loaded.get(plugin) or LoadedPlugin(plugin, "unknown", "the caller", (), {})

    def notify(self, hook_name: str, **event: object) -> None:
        """Tell every watcher; one that raises is named once, counted, and never stops the others."""
        hook: pluggy.HookCaller = getattr(self._manager.hook, hook_name)
        if hook.spec is None or set(event) != set(hook.spec.argnames):
            raise TypeError(f"{hook_name} was told {sorted(event)}")  # ours, and not to be put down to a watcher
        # pluggy itself would stop at the first implementation that raises.
        for watcher in reversed(hook.get_hookimpls()):
            try:
                self._tell(watcher, hook_name, event)
            except Exception as error:
                key = (watcher.plugin_name, hook_name)
                self.failures[key] += 1
                level = logging.WARNING if self.failures[key] == 1 else logging.DEBUG
                log.log(level, "plugin %r failed in %s, the search goes on: %s", *key, _describe(error))
                log.debug("traceback of plugin %r", watcher.plugin_name, exc_info=error)

    def demand(self, hook_name: str, **event: object) -> None:
        """Have every plugin do something that the user has asked for; what one raises is passed on."""
        hook: pluggy.HookCaller = getattr(self._manager.hook, hook_name)
        for watcher in reversed(hook.get_hookimpls()):
            named = blaming(watcher.function, f"plugin {watcher.plugin_name!r} in {hook_name}", watcher.plugin_name)
            named(*(event[argument] for argument in watcher.argnames))

    def _tell(self, watcher: pluggy.HookImpl, hook_name: str, event: Mapping[str, object]) -> None:
        """Call a watcher, one that is not ours with a deadline."""
        call = partial(watcher.function, *(event[argument] for argument in watcher.argnames))
        if self.loaded[watcher.plugin_name].origin == "ours":
            call()
        else:
            self.patience.call(watcher.plugin_name, hook_name, call)

    def _add(self, candidate: _Candidate) -> None:
        """Load, register and ask one plugin; whatever goes wrong is this plugin's alone."""
        name, started = candidate.name, time.perf_counter()
        try:
            if name in self.loaded:
                taken = self.loaded[name].source
                raise PluginError(f"its name is taken by the plugin from {taken}; rename one of them")
            plugin = candidate.load()
            hooks = self._register(plugin, name)
            offers = self._ask(name)
        # SystemExit: a script dropped into the plugin folder must not end the command without a word.
        except (Exception, SystemExit) as error:
            if name not in self.loaded and self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            label = f"{name} ({candidate.source})" if name in self.loaded or name in self.broken else name
            self.broken[label] = str(error) if isinstance(error, PluginError) else _describe(error)
            log.debug("traceback of plugin %r", name, exc_info=error)
            return
        if (seconds := time.perf_counter() - started) > SLOW_SECONDS:
            log.warning("plugin %r took %.1f s to load; it should import frameworks inside build", name, seconds)
        self.loaded[name] = LoadedPlugin(
            name=name,
            version=str(getattr(plugin, "__version__", candidate.version)),
            source=candidate.source,
            hooks=hooks,
            offers={_plural(kind): tuple(thing.name for thing in things) for kind, things in offers.items() if things},
            origin=candidate.origin,
            files=_files(plugin, offers),
        )
        for kind, things in offers.items():
            for thing in things:
                self._accept(kind, thing, name)

    def _register(self, plugin: object, name: str) -> tuple[str, ...]:
        """Hand a plugin to pluggy; returns its hooks, raises PluginError on a hook that cannot be called."""
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            known = [hook for hook in vars(self._manager.hook) if not hook.startswith("_")]
            known = [hook for hook in known if getattr(self._manager.hook, hook).has_spec()]
            callers = self._manager.get_hookcallers(plugin) or []
            unknown = [caller.name for caller in callers if not caller.has_spec()]
            if unknown:
                hint = nearest(unknown[0], known) or f"; the hooks are {', '.join(sorted(known))}"
                raise PluginError(f"unknown hook {unknown[0]!r}{hint}") from error
            raise PluginError(" ".join(str(error).split())) from error
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            raise PluginError("it implements no hook; mark its functions with @autotl.hookimpl")
        for implementation in (i for caller in callers for i in caller.get_hookimpls()):
            if implementation.plugin is plugin and (implementation.wrapper or implementation.hookwrapper):
                # Implementations are called one by one: there is no chain that one could wrap.
                raise PluginError(f"{implementation.function.__name__} is a hook wrapper; AutoTL calls none")
            if implementation.plugin is plugin and not _runs(implementation.function):
                raise PluginError(f"{implementation.function.__name__} yields, or waits, and would never run; return")
        return tuple(sorted(caller.name for caller in callers))

    def _ask(self, name: str) -> dict[type[Offered], list[Offered]]:
        offers = {}
        for kind, hook in KINDS.items():
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == name:
                    offers[kind] = _checked(implementation.function(), hook, kind)
        backbones = {thing.name for thing in offers.get(Backbone, ())}
        if both := [thing.name for thing in offers.get(Encoder, ()) if thing.name in backbones]:
            raise PluginError(f"it offers {both[0]!r} as a backbone and as an encoder; every name must be its own")
        return offers

    def _accept(self, kind: type[Offered], thing: Offered, plugin: str) -> None:
        owner = self._owners.setdefault((kind, thing.name), plugin)
        if kind in _CHOSEN_TOGETHER:  # a user names either in the same place
            owner = self._owners.setdefault((_CHOSEN_TOGETHER[kind], thing.name), plugin)
        if owner != plugin:
            sources = [f"{p!r} (from {self.loaded[p].source})" for p in (owner, plugin)]
            self._clashes.append(
                f"the {_singular(kind)} {thing.name!r} is offered by two plugins, {sources[0]} and {sources[1]}; "
                f"leave one out: --disable-plugin {owner} or --disable-plugin {plugin}"
            )
        # Heads of others run in a process of their own, which names them.
        if self.loaded[plugin].origin != "ours" and kind is not Head:
            thing = _blamed(kind, thing, plugin, self.patience)
        self._offered[kind].setdefault(thing.name, thing)


def _runs(hook: Callable[..., object]) -> bool:
    """Whether a hook does something when it is called; those that offer may yield."""
    yields = inspect.isgeneratorfunction(hook) and not hook.__name__.startswith("register_")
    return not yields and not inspect.iscoroutinefunction(hook)


def _files(plugin: object, offers: Mapping[type[Offered], Iterable[Offered]]) -> tuple[str, ...]:
    """The files of a plugin's module, its hooks, and the functions of what it offers."""
    found = [getattr(plugin, "__file__", None)]
    owned = [vars(thing).values() for things in offers.values() for thing in things]
    for value in (*vars(type(plugin)).values(), *(value for values in owned for value in values)):
        code = getattr(getattr(value, "func", value), "__code__", None)
        found.append(code and code.co_filename)
    return tuple(dict.fromkeys(file for file in found if file))


def _singular(kind: type[Offered]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _plural(kind: type[Offered]) -> str:
    return KINDS[kind].removeprefix("register_")


def nearest(name: str, options: Iterable[str]) -> str:
    """Return "; did you mean 'logistic'?" where an option resembles the name, else nothing."""
    near = difflib.get_close_matches(name, list(options), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _checked(given: object, hook: str, expected: type[Offered]) -> list[Offered]:
    if not isinstance(given, Iterable):
        found = type(given).__name__
        raise PluginError(f"{hook} returned {found}; expected an iterable: yield each {expected.__name__}")
    things: list[Offered] = list(given)
    for thing in things:
        if not isinstance(thing, expected):
            raise PluginError(f"{hook} offers {thing!r}; expected an autotl.interfaces.{expected.__name__}")
    for thing in things:
        if not (isinstance(thing.name, str) and NAME.fullmatch(thing.name)):
            raise PluginError(
                f"{hook} offers the name {thing.name!r}; expected lowercase letters and digits, and - _ or . "
                "between them"
            )
    twice = [name for name, count in Counter(thing.name for thing in things).items() if count > 1]
    if twice:
        raise PluginError(f"{hook} offers the name {twice[0]!r} twice; every name must be its own")
    return things


def _installed() -> Iterator[_Candidate]:
    # In a fixed order, which is that of the choices in the search and names the default backbone: neither may vary
    # between machines, nor with the name of somebody's plugin. So ours come first, then all by name.
    @cache  # each look at a name or a version parses the whole metadata again, README included
    def distribution(dist: importlib.metadata.Distribution) -> tuple[str, str]:
        return dist.name, dist.version

    found = []
    for entry in importlib.metadata.entry_points(group=GROUP):
        source, version = distribution(entry.dist) if entry.dist else (entry.value, "unknown")
        origin: Origin = "ours" if entry.dist and source == GROUP else "installed"
        found.append(_Candidate(entry.name, version, source, entry.load, origin))
    yield from sorted(found, key=lambda candidate: (candidate.origin != "ours", candidate.name))


def _loose_files(folder: Path | None) -> Iterator[_Candidate]:
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"the plugin folder {folder} does not exist; make it, or name another one")
    for path in sorted(folder.glob("[!_]*.py")) if folder else ():
        version = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        yield _Candidate(path.stem, version, str(path), partial(import_file, path), "file")


def _passed_in(extra: Iterable[object]) -> Iterator[_Candidate]:
    for index, plugin in enumerate(extra):
        name = getattr(plugin, "__name__", f"{type(plugin).__name__}-{index}")
        yield _Candidate(name, "unknown", "the caller", partial(lambda same: same, plugin), "caller")


def _describe(error: BaseException) -> str:
    return describe(error, (__file__, import_file.__code__.co_filename, Patience.call.__code__.co_filename))


def _blamed(kind: type[Offered], thing: Offered, plugin: str, patience: Patience) -> Offered:
    """The object with functions that name its plugin where they raise, or do not answer in time."""
    who = f"{_singular(kind)} {thing.name!r} of plugin {plugin!r}"
    most = {Evaluator: MOST_SECONDS, Panel: MOST_SECONDS, Check: math.inf}.get(kind)
    call = partial(patience.call, plugin, who, most=most) if most else (lambda function: function())
    # Not those of a class: a hyperparameter search and others look at what a class is.
    functions = {
        field.name: blaming(value, who, plugin, call=call)
        for field in fields(cast(Any, thing))
        if callable(value := getattr(thing, field.name)) and not isinstance(value, type)
    }
    return cast(Offered, replace(cast(Any, thing), **functions))
