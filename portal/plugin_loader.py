"""Finds the enabled plugins, checks them, and builds the chosen providers. Called once by the factory.

Nothing of a faulty plugin stays behind: the start is refused with the complete list of problems.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pluggy
import structlog
from flask import Flask

from portal import plugin_checks, plugin_context, plugin_settings
from portal.config import Config, ConfigProblems
from portal.exchange import RedisExchange
from portal.plugin_api import (
    SUPPORTED_API_VERSIONS,
    ConfigurationFailure,
    DeliveryProvider,
    Door,
    Event,
    Exchange,
    IdentityProvider,
    Manifest,
    PluginBlueprint,
    PluginContext,
    VideoProvider,
    hooks,
)
from portal.providers import Providers, guard

GROUP = "portal.plugins"

log = structlog.get_logger()


class Kind(NamedTuple):
    """One kind of provider: the hook that hands it over, and its contract."""

    hook: str
    base: type


KINDS = {
    "identity": Kind("portal_identity_provider", IdentityProvider),
    "video": Kind("portal_video_provider", VideoProvider),
    "delivery": Kind("portal_delivery_provider", DeliveryProvider),
}


class PluginProblems(ConfigProblems):
    """Plugins or their configuration keep the portal from starting."""


@dataclass(frozen=True)
class FoundPlugin:
    """An enabled plugin: its module, or the reason why there is none (told by `build`)."""

    name: str
    module: ModuleType | None
    problem: str = ""

    @property
    def folder(self) -> Path:
        """Where its templates, static files and catalogues lie."""
        assert self.module is not None and self.module.__file__ is not None
        return Path(self.module.__file__).parent

    @property
    def translations(self) -> Path | None:
        """Its catalogues, if it has any."""
        if self.module is None or not (self.folder / "translations").is_dir():
            return None
        return self.folder / "translations"


def find(config: Config) -> list[FoundPlugin]:
    """The enabled plugins in the order of their names in the file. Never raises: `build` tells."""
    installed = entry_points(group=GROUP)  # looks into every package of the machine, so it is done once
    return [_find(name, config.source, installed) for name in dict.fromkeys(config.enabled_plugins)]


def build(app: Flask, found: list[FoundPlugin]) -> Providers:
    """Check and build everything; the result also stands in ``app.extensions["portal.providers"]``.

    Raises PluginProblems with the complete list.
    """
    config: Config = app.config["PORTAL"]
    builder = _Builder(app, config)
    for plugin in found:
        builder.add(plugin)
    builder.problems += _needless_tables(config)
    providers = builder.choose()
    if builder.problems or providers is None:
        raise PluginProblems(builder.problems)
    app.extensions["portal.providers"] = providers
    return providers


def _find(name: str, source: str, installed: EntryPoints) -> FoundPlugin:
    matching = list({point.value: point for point in installed.select(name=name)}.values())
    if not matching:
        names = sorted({point.name for point in installed})
        guess = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {guess[0]}?" if guess else f"installed ones are: {', '.join(names)}"
        return FoundPlugin(name, None, f"{source}  [plugins] enabled: no plugin {name} is installed; {hint}")
    if len(matching) > 1:
        values = ", ".join(sorted(point.value for point in matching))
        return FoundPlugin(name, None, f"plugin {name}  is installed twice ({values}); uninstall one")
    try:
        return FoundPlugin(name, importlib.import_module(matching[0].value))
    except Exception as error:
        log.exception("plugin cannot be imported", plugin=name)
        problem = f"cannot be imported: {type(error).__name__}: {error}; is its extra installed?"
        return FoundPlugin(name, None, f"plugin {name}  {problem}")


def _needless_tables(config: Config) -> list[str]:
    return [
        f"{config.source}  [plugin.{name}]: this plugin is not enabled; "
        "add it to [plugins] enabled or delete the table"
        for name in config.plugin_tables
        if name not in config.enabled_plugins
    ]


class _Builder:
    """Collects providers, observers and problems plugin by plugin."""

    def __init__(self, app: Flask, config: Config) -> None:
        self.app, self.config = app, config
        self.problems: list[str] = []
        self.offers: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self.givers: dict[tuple[str, str], str] = {}
        self.observers: dict[str, Callable[[Event], None]] = {}
        self.failed = False
        self.exchange: Exchange = RedisExchange(config.redis_url)
        app.extensions["portal.exchange"] = self.exchange
        self.plugins = pluggy.PluginManager("portal")
        self.plugins.add_hookspecs(hooks)

    def add(self, plugin: FoundPlugin) -> None:
        """Register one plugin and take what it hands over; a faulty one is taken out again."""
        problems = [plugin.problem] if plugin.module is None else self._register(plugin)
        if problems:
            self.failed = True
            self.problems += problems
            if self.plugins.has_plugin(plugin.name):
                self.plugins.unregister(name=plugin.name)

    def _register(self, plugin: FoundPlugin) -> list[str]:
        prefix = f"plugin {plugin.name}  "
        try:
            self.plugins.register(plugin.module, plugin.name)
        except pluggy.PluginValidationError as error:
            return [prefix + " ".join(str(error).split())]
        unknown = self._unknown_hooks(plugin)
        manifest, problems = self._manifest(plugin)
        if unknown or problems or manifest is None:
            return [prefix + problem for problem in [*unknown, *problems]]
        settings, problems = plugin_settings.read(self.config, plugin.name, manifest.settings)
        if problems:
            return problems
        context = plugin_context.make(self.app, self.config, plugin.name, settings, self.exchange)
        problems = [*self._take_providers(plugin, context), *self._add_routes(plugin, context)]
        if self._implements(plugin, "portal_on_event"):
            self.observers[plugin.name] = self._observer(plugin, context)
        return [prefix + problem for problem in problems]

    def _unknown_hooks(self, plugin: FoundPlugin) -> list[str]:
        known = [name for name in vars(hooks) if name.startswith("portal_")]
        lines = []
        for caller in self.plugins.get_hookcallers(plugin.module) or []:
            if not caller.has_spec():
                guess = difflib.get_close_matches(caller.name, known, 1)
                hint = f" (did you mean {guess[0]}?)" if guess else ""
                lines.append(f"{caller.name}: unknown hook{hint}")
        return lines

    def _manifest(self, plugin: FoundPlugin) -> tuple[Manifest | None, list[str]]:
        if not self._implements(plugin, "portal_manifest"):
            return None, ["has no portal_manifest; write one with @hookimpl"]
        try:
            manifest = self._call(plugin, "portal_manifest")[0]
        except Exception as error:
            return None, [_told(plugin, "portal_manifest", error)]
        if not isinstance(manifest, Manifest):
            return None, ["portal_manifest: must return a Manifest"]
        if manifest.api not in SUPPORTED_API_VERSIONS:
            speaks = ", ".join(map(str, sorted(SUPPORTED_API_VERSIONS)))
            return None, [f"speaks plugin API {manifest.api}; this portal speaks {speaks}"]
        return manifest, []

    def _take_providers(self, plugin: FoundPlugin, context: PluginContext[Any]) -> list[str]:
        problems: list[str] = []
        for kind, (hook, base) in KINDS.items():
            try:
                handed_over = self._call(plugin, hook, context)
            except Exception as error:
                problems.append(_told(plugin, hook, error))
                continue
            for provider in _each(handed_over):
                problems += plugin_checks.provider_problems(provider, base) or self._offer(
                    plugin, kind, provider
                )
        return problems

    def _offer(self, plugin: FoundPlugin, kind: str, provider: Any) -> list[str]:
        giver = self.givers.setdefault((kind, provider.name), plugin.name)
        if giver != plugin.name:
            return [f'provides {kind} "{provider.name}", which {giver} provides too; enable one of them']
        self.offers[kind][provider.name] = provider
        return []

    def _add_routes(self, plugin: FoundPlugin, context: PluginContext[Any]) -> list[str]:
        problems = plugin_checks.folder_problems(plugin.name, plugin.folder)
        blueprint = PluginBlueprint(
            f"plugin_{plugin.name}",
            plugin.module.__name__,  # type: ignore[union-attr]
            url_prefix=f"/plugins/{plugin.name}",
            template_folder=_if_there(plugin.folder / "templates"),
            static_folder=_if_there(plugin.folder / "static"),
        )
        call = partial(self._call, plugin, "portal_routes", context, blueprint=blueprint)
        try:
            return problems + plugin_checks.add_blueprint(self.app, blueprint, call)
        except Exception as error:
            return [*problems, _told(plugin, "portal_routes", error)]

    def _observer(self, plugin: FoundPlugin, context: PluginContext[Any]) -> Callable[[Event], None]:
        def observe(event: Event) -> None:
            self._call(plugin, "portal_on_event", context, event=event)

        return observe

    def _implements(self, plugin: FoundPlugin, hook: str) -> bool:
        return any(caller.name == hook for caller in self.plugins.get_hookcallers(plugin.module) or [])

    def _call(
        self,
        plugin: FoundPlugin,
        hook: str,
        context: PluginContext[Any] | None = None,
        **values: Any,
    ) -> list[Any]:
        """Call one hook of one plugin, with the plugin's own context."""
        others = [other for other in self.plugins.get_plugins() if other is not plugin.module]
        caller = self.plugins.subset_hook_caller(hook, others)
        if context is not None:
            values["context"] = context
        results: list[Any] = caller(**values)
        return results

    def choose(self) -> Providers | None:
        """The providers that the file names, in its order."""
        chosen = self.config.providers
        wanted = {
            "identity": (chosen.identity.citizens, chosen.identity.staff),
            "video": chosen.video,
            "delivery": chosen.delivery,
        }
        if not self.failed:
            # What a failed plugin would have provided is not known, so this would only be noise.
            self._report_missing(wanted)
            self._warn_of_idle(wanted)
            self._report_unfit()
        if self.problems:
            return None
        guarded = {
            kind: {name: guard(self.offers[kind][name]) for name in names} for kind, names in wanted.items()
        }
        return Providers(
            video=guarded["video"],
            delivery=guarded["delivery"],
            identity_citizens=guarded["identity"][chosen.identity.citizens],
            identity_staff=guarded["identity"][chosen.identity.staff],
            observers=self.observers,
            givers=dict(self.givers),
        )

    def _report_missing(self, wanted: Mapping[str, Iterable[str]]) -> None:
        for kind, names in wanted.items():
            enabled = ", ".join(self.offers[kind]) or "none"
            self.problems += [
                f'{self.config.source}  [providers] {kind}: no enabled plugin provides "{name}"; '
                f"enabled ones provide: {enabled}"
                for name in dict.fromkeys(names)
                if name not in self.offers[kind]
            ]

    def _report_unfit(self) -> None:
        doors: tuple[Door, ...] = ("citizens", "staff")
        for door in doors:
            name = getattr(self.config.providers.identity, door)
            provider = self.offers["identity"].get(name)
            if provider is not None and (problem := provider.unfit_for(door)):
                self.problems.append(
                    f'{self.config.source}  [providers] identity.{door} = "{name}": {problem}'
                )

    def _warn_of_idle(self, wanted: Mapping[str, Iterable[str]]) -> None:
        busy = {self.givers.get((kind, name)) for kind, names in wanted.items() for name in names}
        for plugin in sorted(set(self.givers.values()) - busy):
            log.warning("plugin is enabled, but none of its providers is chosen", plugin=plugin)


def _each(handed_over: Iterable[Any]) -> Iterator[Any]:
    """The providers one by one: a hook hands over one, or a list of them."""
    for entry in handed_over:
        if isinstance(entry, list):
            yield from entry
        else:
            yield entry


def _told(plugin: FoundPlugin, hook: str, error: Exception) -> str:
    """The line for something raised by a plugin while it was built."""
    if isinstance(error, ConfigurationFailure):
        return str(error)
    log.error("plugin failed", plugin=plugin.name, hook=hook, exc_info=error)
    return f"{hook} failed: {type(error).__name__}: {error}"


def _if_there(folder: Path) -> str | None:
    return str(folder) if folder.is_dir() else None
