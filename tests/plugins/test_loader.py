"""The loader builds sound plugins and refuses the others, each with a line that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from structlog.testing import capture_logs

from portal import clock
from portal.config import ChosenIdentity, ChosenProviders, Config
from portal.plugin_api import AppointmentCancelled
from portal.plugin_loader import find

from .conftest import COMPLETE, MANIFEST, Install, Start

Problems = Callable[..., list[str]]


def test_a_sound_plugin_gives_its_providers(install: Install, start: Start, bare_app: Flask) -> None:
    install("acme", COMPLETE)
    providers = start("acme")
    assert list(providers.video) == list(providers.delivery) == ["fake"]
    assert providers.identity_citizens.name == "fake"
    assert bare_app.extensions["portal.providers"] is providers


def test_the_bundled_plugins_are_found_like_anybodys(portal_config: Config) -> None:
    found = find(portal_config)
    assert [plugin.name for plugin in found] == list(portal_config.enabled_plugins)
    assert all(plugin.module is not None for plugin in found)


def test_catalogues_are_found_by_their_folder(install: Install, portal_config: Config) -> None:
    folder = install("acme", COMPLETE)
    (folder / "translations").mkdir()
    (plugin,) = find(replace(portal_config, enabled_plugins=("acme",)))
    assert plugin.translations == folder / "translations"


def test_a_plugin_that_is_not_installed(install: Install, problems: Problems) -> None:
    install("acme_post", COMPLETE)
    (line,) = problems("acme_past")
    assert line == (
        "municipality.toml  [plugins] enabled: no plugin acme_past is installed; did you mean acme_post?"
    )


def test_a_plugin_that_is_installed_twice(install: Install, problems: Problems) -> None:
    install("acme", COMPLETE)
    install("acme", COMPLETE, package="portal_acme_too")
    (line,) = problems("acme")
    assert line == "plugin acme  is installed twice (portal_acme, portal_acme_too); uninstall one"


def test_a_plugin_that_cannot_be_imported(install: Install, problems: Problems) -> None:
    install("acme", "import nobody_has_this")
    (line,) = problems("acme")
    assert line.startswith("plugin acme  cannot be imported: ModuleNotFoundError")
    assert line.endswith("is its extra installed?")


def test_a_plugin_without_a_manifest(install: Install, problems: Problems) -> None:
    install("acme", "")
    assert problems("acme") == ["plugin acme  has no portal_manifest; write one with @hookimpl"]


def test_a_plugin_for_another_api(install: Install, problems: Problems) -> None:
    install("acme", MANIFEST.replace("api=1", "api=2"))
    assert problems("acme") == ["plugin acme  speaks plugin API 2; this portal speaks 1"]


def test_a_misspelt_hook(install: Install, problems: Problems) -> None:
    install("acme", COMPLETE + "@hookimpl\ndef portal_route(context): ...\n")
    assert problems("acme") == ["plugin acme  portal_route: unknown hook (did you mean portal_routes?)"]


def test_a_hook_with_an_unknown_argument(install: Install, problems: Problems) -> None:
    install("acme", MANIFEST + "@hookimpl\ndef portal_video_provider(contxt): ...\n")
    (line,) = problems("acme")
    assert line.startswith("plugin acme  ")
    assert "contxt" in line


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("return object()", "object is no VideoProvider; inherit from it"),
        ('return FakeVideo("Fake!")', "FakeVideo.name: must be 2 to 30 small letters"),
        ('v = FakeVideo(); v.timeout = 61; return v', "FakeVideo.timeout: must be a whole number of seconds"),
        ('v = FakeVideo(); v.title = ""; return v', "FakeVideo.title: is missing"),
        ('v = FakeVideo(); v.can_forbid_recording = False; return v', "FakeVideo.can_forbid_recording: must"),
        ('v = FakeVideo(); v.origins = frozenset({"video"}); return v', "FakeVideo.origins: must be"),
        ('v = FakeVideo(); v.fresh_for = 5; return v', "FakeVideo.fresh_for: must be None or"),
        ('raise KeyError("x")', "portal_video_provider failed: KeyError: 'x'"),
        ('raise ConfigurationFailure("set [portal] demo = true")', "set [portal] demo = true"),
    ],
)  # fmt: skip
def test_a_provider_that_breaks_the_rules(install: Install, problems: Problems, code: str, line: str) -> None:
    install("acme", f"{MANIFEST}\n@hookimpl\ndef portal_video_provider():\n    {code}\n")
    (told,) = problems("acme")
    assert told.startswith(f"plugin acme  {line}")


def test_a_method_that_cannot_be_called_as_agreed(install: Install, problems: Problems) -> None:
    install(
        "acme",
        MANIFEST
        + """
class Post(FakeDelivery):
    def send(self, package): ...
    def cancel(self, receipt, reason): ...
    def track(self, receipt, detail=False): ...

@hookimpl
def portal_delivery_provider():
    return Post(Path("."))
""",
    )
    assert problems("acme") == [
        "plugin acme  Post.cancel(self, receipt, reason): must be cancel(self, receipt)",
        "plugin acme  Post.send(self, package): must be send(self, parcel)",
    ]


def test_a_way_to_points_that_lists_none(install: Install, problems: Problems) -> None:
    install(
        "acme",
        MANIFEST
        + """
class Post(FakeDelivery):
    needs = frozenset({RecipientField.PICKUP_POINT})

@hookimpl
def portal_delivery_provider():
    return Post(Path("."))
""",
    )
    assert problems("acme") == [
        "plugin acme  Post.points: must be written, since needs has PICKUP_POINT",
    ]


def test_a_method_that_was_not_written(install: Install, problems: Problems) -> None:
    install(
        "acme",
        MANIFEST
        + """
class Half(VideoProvider):
    name = "half"
    title = lazy("Half")

@hookimpl
def portal_video_provider():
    return Half()
""",
    )
    (line,) = problems("acme")
    assert "abstract" in line
    assert "open_room" in line


def test_two_plugins_with_one_provider(install: Install, problems: Problems) -> None:
    install("acme", COMPLETE)
    install("other", MANIFEST + "@hookimpl\ndef portal_video_provider():\n    return FakeVideo('fake')\n")
    assert problems("acme", "other") == [
        'plugin other  provides video "fake", which acme provides too; enable one of them'
    ]


def test_a_chosen_provider_that_nobody_provides(install: Install, problems: Problems) -> None:
    install("acme", COMPLETE)
    chosen = ChosenProviders(
        identity=ChosenIdentity(citizens="fake", staff="gsis"), video=("jitsi", "fake"), delivery=("fake",)
    )
    assert problems("acme", providers=chosen) == [
        'municipality.toml  [providers] identity: no enabled plugin provides "gsis"; '
        "enabled ones provide: fake",
        'municipality.toml  [providers] video: no enabled plugin provides "jitsi"; '
        "enabled ones provide: fake",
    ]


def test_a_provider_that_must_not_serve_its_door_as_it_is_set(install: Install, problems: Problems) -> None:
    unfit = """
class Careless(FakeIdentity):
    def unfit_for(self, door):
        return "anybody could come in; set lock" if door == "staff" else ""
"""
    install("acme", unfit + COMPLETE.replace("FakeIdentity({}", "Careless({}"))
    assert problems("acme") == [
        'municipality.toml  [providers] identity.staff = "fake": anybody could come in; set lock'
    ]


def test_a_table_for_a_plugin_that_is_not_enabled(install: Install, problems: Problems) -> None:
    install("acme", COMPLETE)
    (line,) = problems("acme", tables={"video_jitsi": {}})
    assert line.startswith("municipality.toml  [plugin.video_jitsi]: this plugin is not enabled;")


def test_all_problems_are_told_at_once(install: Install, problems: Problems) -> None:
    install("acme", "")
    install("other", MANIFEST.replace("api=1", "api=7"))
    lines = problems("acme", "nobody", "other", tables={"left_over": {}})
    assert [line.split()[1] for line in lines] == ["acme", "[plugins]", "other", "[plugin.left_over]:"]


def test_an_idle_plugin_is_only_warned_about(install: Install, start: Start) -> None:
    install("acme", COMPLETE)
    install("idle", MANIFEST + "@hookimpl\ndef portal_video_provider():\n    return FakeVideo('idle')\n")
    with capture_logs() as lines:
        providers = start("acme", "idle")
    assert [line["plugin"] for line in lines if line["log_level"] == "warning"] == ["idle"]
    assert list(providers.video) == ["fake"]


def test_an_observer_is_told_with_its_own_context(install: Install, start: Start) -> None:
    observing = (
        "told = []\n@hookimpl\ndef portal_on_event(context, event):\n    told.append((context.name, event))\n"
    )
    install("acme", COMPLETE + observing)
    install("other", MANIFEST + observing)
    providers = start("acme", "other")
    import portal_acme
    import portal_other

    event = AppointmentCancelled(clock.now(), "a1")
    providers.observers["other"](event)
    assert portal_other.told == [("other", event)]
    assert portal_acme.told == []


def test_two_applications_do_not_share_plugins(install: Install, start: Start, bare_app: Flask) -> None:
    install("acme", COMPLETE)
    first = start("acme")
    bare_app.blueprints.clear()
    bare_app.view_functions.clear()
    second = start("acme")
    assert first is not second
