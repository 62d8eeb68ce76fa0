"""What `portal try video` finds out: do the STUN and TURN servers of the settings serve our guests?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from portal.plugin_api import Finding, PluginContext

from . import ice, stun
from .addresses import ServerAddress
from .settings import DirectSettings

SECTION = "[plugin.video_direct]"
SECRET = "PORTAL_VIDEO_DIRECT_TURN_SECRET"  # noqa: S105 - its name, not the secret
REFUSED = (
    f"the server refuses the password made from {SECRET}. It must be the static-auth-secret of the server, "
    "use-auth-secret must stand in its configuration, and the clocks of both machines must agree"
)
OPEN = (
    "the server relays for everybody who asks. Put use-auth-secret and static-auth-secret into its "
    "configuration, and take no-auth out"
)
NOBODY = (
    "neither stun_urls nor turn_urls is set, so people on different networks will not find each other. "
    f"Set both in {SECTION}; docs/running.md shows how a server of your own is set up"
)


def findings(context: PluginContext[DirectSettings]) -> Iterator[Finding]:
    """One for each server, or one that says that there is none."""
    settings = context.settings
    for url in settings.stun_urls:
        yield Finding(f"{url} answers", _stun_trouble(url))
    for url in settings.turn_urls:
        yield Finding(f"{url} relays for our guests and for nobody else", _turn_trouble(context, url))
    if not settings.stun_urls and not settings.turn_urls and not context.demo:
        yield Finding("browsers on different networks find each other", NOBODY)


def _stun_trouble(url: str) -> str:
    try:
        code = stun.binding(_read(url))
    except stun.NoAnswer as problem:
        return _unreachable(str(problem), "stun_urls")
    return _refusal(code)


def _turn_trouble(context: PluginContext[DirectSettings], url: str) -> str:
    secret = context.settings.turn_secret
    assert secret is not None, "the settings refuse turn_urls without a secret"
    until = context.clock() + timedelta(minutes=1)
    login = ice.turn_login(secret.get_secret_value(), "try", until)
    try:
        code = stun.allocation(_read(url), *login)
    except stun.NoAnswer as problem:
        return _unreachable(str(problem), "turn_urls")
    except stun.OpenToStrangers:
        return OPEN
    return REFUSED if code == 401 else _refusal(code)


def _read(url: str) -> ServerAddress:
    address = ServerAddress.read(url)
    assert address is not None, "the settings refuse other addresses"
    return address


def _unreachable(problem: str, setting: str) -> str:
    return f"{problem}. Start the server, open its port in the firewall, or mend {setting} in {SECTION}"


def _refusal(code: int) -> str:
    return f"the server refuses with error {code}; its log says why" if code else ""
