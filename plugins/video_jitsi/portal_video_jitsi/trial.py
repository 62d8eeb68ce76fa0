"""What `portal try video jitsi` asks the server, and what the answers mean; each trouble names its mend.

Whether the room of a token is enforced (module ``token_verification``), and who becomes moderator, shows only
inside a room: no trial without a browser can tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from portal.plugin_api import Finding, ProviderFailure

from . import disclosed
from .disclosed import Value
from .server import Answer, JitsiServer
from .settings import JitsiSettings

INVENTED_ROOM = "inventedbyportaltry"
APP_SECRET = "PORTAL_VIDEO_JITSI_APP_SECRET"  # noqa: S105 - a name

CAPTURES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "the server offers no recording": (
        (
            "recordingService.enabled",
            "recordingService.sharingEnabled",
            "fileRecordingsEnabled",
            "fileRecordingsServiceEnabled",
        ),
        "set it to false (docker: ENABLE_RECORDING=0, ENABLE_SERVICE_RECORDING=0) and install no Jibri",
    ),
    "the server offers no streaming": (
        ("liveStreaming.enabled", "liveStreamingEnabled"),
        "set it to false (docker: ENABLE_LIVESTREAMING=0)",
    ),
    "the server offers no transcription": (
        ("transcription.enabled", "transcribingEnabled"),
        "set it to false (docker: ENABLE_TRANSCRIPTIONS=0) and install no Jigasi",
    ),
    "the server keeps no files, notes or drawings": (
        ("fileSharing.enabled", "whiteboard.enabled", "dropbox.appKey", "etherpad_base"),
        "set it to false or delete it",
    ),
}
"""What must be off in ``config.js``, and how it is switched off."""

REFUSALS = (
    (r"\bexp\b|\bnbf\b", "the clocks of the two machines differ; let both follow a time server (NTP)"),
    (r"'?kid'?|public key", "prosody is set to a key server (RS256); set app_secret there instead"),
    (r"alg", "set signature_algorithm in prosody to HS256, and no asap_key_server or cache_keys_url"),
    (r"signature", f"compare {APP_SECRET} with app_secret of prosody, also for a line break at its end"),
    (r"iss", "compare app_id with app_id and asap_accepted_issuers of prosody"),
    (r"aud", "add app_id to asap_accepted_audiences of prosody"),
)
"""By a word of prosody's own reason, what mends it."""


def findings(server: JitsiServer, settings: JitsiSettings, own_token: str) -> list[Finding]:
    """Every trial of the server; when it does not answer at all, that is the only one."""
    answers = _tried(f"{settings.base_url} answers with the script of the call page", lambda: _script(server))
    if answers.trouble:
        return [answers]
    return [
        answers,
        _tried("browsers can connect at /http-bind", lambda: _connection_manager(server)),
        _tried("nobody gets in without a token", lambda: _strangers(server)),
        _takes_token(server, INVENTED_ROOM, own_token),
        *_configuration(server),
    ]


def join_findings(server: JitsiServer, join_url: str) -> list[Finding]:
    """Follow one way into a room up to its door."""
    parts = urlsplit(join_url)
    token = re.search(r"(?:^|&)jwt=([^&]+)", parts.fragment)
    room = parts.path.strip("/")
    return [
        _tried("the room's page is there and may be framed", lambda: _page(server, parts.path, parts.query)),
        _takes_token(server, room, json.loads(unquote(token[1])) if token else ""),
    ]


def _tried(what: str, trial: Callable[[], str]) -> Finding:
    try:
        return Finding(what, trial())
    except ProviderFailure as failure:
        return Finding(what, str(failure))


def _script(server: JitsiServer) -> str:
    server.script()
    return ""


def _connection_manager(server: JitsiServer) -> str:
    answer = server.get("/http-bind")
    if answer.status == 200 and "bosh" in answer.text.lower():
        return ""
    return (
        f"it answers {answer.status}; the proxy before Jitsi must pass /http-bind on to prosody (port 5280)"
    )


def _strangers(server: JitsiServer) -> str:
    if server.connected(INVENTED_ROOM):
        return ""
    return (
        "the server lets anybody in; in prosody set authentication to token and allow_empty_token to false "
        "(docker: ENABLE_AUTH=1, AUTH_TYPE=jwt, JWT_ALLOW_EMPTY=0)"
    )


def _takes_token(server: JitsiServer, room: str, token: str) -> Finding:
    return _tried("the server takes a token of this portal", lambda: _refusal(server.connected(room, token)))


def _refusal(reason: str) -> str:
    if not reason:
        return ""
    mend = next((mend for word, mend in REFUSALS if re.search(word, reason, re.IGNORECASE)), "")
    return f'the server says "{reason}"; {mend or "the log of prosody tells more"}'


def _page(server: JitsiServer, path: str, query: str) -> str:
    answer = server.get(f"{path}?{query}")
    if answer.status != 200 or answer.media_type != "text/html":
        return f"it answers {answer.status}; the web server of Jitsi must show its page at every address"
    return _frame_trouble(answer)


def _frame_trouble(answer: Answer) -> str:
    mend = "let Jitsi's web server send frame-ancestors with the portal's address, and no X-Frame-Options"
    policy = answer.headers.get("Content-Security-Policy", "")
    ancestors = re.search(r"frame-ancestors\s+([^;]*)", policy)
    if "X-Frame-Options" in answer.headers:
        return f"X-Frame-Options keeps the portal from showing it; {mend}"
    if ancestors and set(ancestors[1].split()) <= {"'none'", "'self'"}:
        return f"frame-ancestors keeps the portal from showing it; {mend}"
    return ""


def _configuration(server: JitsiServer) -> list[Finding]:
    tried = "its config.js can be read"
    try:
        answer = server.get("/config.js")
    except ProviderFailure as failure:
        return [Finding(tried, str(failure))]
    told = disclosed.read(answer.text) if answer.status == 200 else {}
    if not told:
        return [
            Finding(tried, f"it answers {answer.status} without settings; nothing is known about recording")
        ]
    captures = [Finding(what, _capture(told, keys, mend)) for what, (keys, mend) in CAPTURES.items()]
    return [Finding(tried), _guests(told), *captures, _local_recording(told)]


def _guests(told: Mapping[str, Value]) -> Finding:
    domain = _is_set(told.get("hosts.anonymousdomain"))
    mend = "delete hosts.anonymousdomain from config.js, and its host from prosody (docker: ENABLE_GUESTS=0)"
    return Finding("there is no domain for guests without a token", mend if domain else "")


def _capture(told: Mapping[str, Value], keys: tuple[str, ...], mend: str) -> str:
    on = [key for key in keys if _is_set(told.get(key))]
    return f"config.js has {', '.join(on)}; {mend}" if on else ""


def _local_recording(told: Mapping[str, Value]) -> Finding:
    """It is on unless it is switched off."""
    mend = "set localRecording.disable to true in config.js (docker: DISABLE_LOCAL_RECORDING=1)"
    off = told.get("localRecording.disable") is True
    return Finding("the server's page does not record in the browser", "" if off else mend)


def _is_set(value: Value | None) -> bool:
    return value is True or (isinstance(value, str) and value not in ("", "null", "undefined"))
