"""What `portal try video` asks BigBlueButton, and what the answers mean to an administrator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import httpx

from portal.plugin_api import ConfigurationFailure, Finding, PluginContext, ProviderFailure

from . import answers
from .calls import BAD_REQUEST, BbbServer
from .settings import BbbSettings, Checksum

OLDEST = (2, 6)
"""Older ones do not send people back when they refuse a join."""
SWITCH_OFF = "set disableRecordingDefault=true and allowStartStopRecording=false on the server"


def findings(context: PluginContext[BbbSettings], meeting: str) -> list[Finding]:
    """Whether the server answers, and whether it accepts how we sign. ``meeting`` does not exist."""
    server = BbbServer(context)
    try:
        version = server.version()
    except ProviderFailure as failure:
        mend = "check base_url, and whether this machine may call it (firewall, proxy)"
        return [Finding("BigBlueButton answers", f"{failure}; {mend}")]
    told = f"BigBlueButton answers (version {version})" if version else "BigBlueButton answers"
    return [Finding(told, _trouble_of_version(version)), _accepts_secret(context, server, meeting)]


def of_way_in(server: BbbServer, join_url: str) -> list[Finding]:
    """Whether the address leads into its meeting, and whether the meeting records."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(join_url).query).items()}
    return [_leads_in(server, join_url, asked), _records_nothing(server, asked["meetingID"])]


def _trouble_of_version(version: str) -> str:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        return "it is too old; the portal needs BigBlueButton 2.6 or newer"
    return ""


def _accepts_secret(context: PluginContext[BbbSettings], server: BbbServer, meeting: str) -> Finding:
    tried = f"BigBlueButton accepts the secret with {context.settings.checksum}"
    try:
        server.ask("isMeetingRunning", {"meetingID": meeting})
    except ConfigurationFailure as failure:
        others = list(_accepted_instead(context, meeting))
        if others:
            return Finding(tried, f'it does not, but with others; set checksum = "{others[0]}"')
        return Finding(tried, str(failure))
    except ProviderFailure as failure:
        return Finding(tried, f"unclear: {failure}; try again later")
    return Finding(tried)


def _accepted_instead(context: PluginContext[BbbSettings], meeting: str) -> Iterator[Checksum]:
    """The other algorithms under which the secret is accepted, the strongest first."""
    for algorithm in reversed(get_args(Checksum)):
        if algorithm == context.settings.checksum:
            continue
        server = BbbServer(context, context.settings.model_copy(update={"checksum": algorithm}))
        try:
            server.ask("isMeetingRunning", {"meetingID": meeting})
        except ProviderFailure:
            continue
        yield algorithm


def _leads_in(server: BbbServer, join_url: str, asked: dict[str, str]) -> Finding:
    tried = "the way in leads into the meeting"
    try:
        response = server.follow(join_url)
        if response.is_redirect:
            return Finding(tried, _trouble_of_redirect(response, asked))
        answer = server.answer(response)
    except ProviderFailure as failure:
        return Finding(tried, str(failure))
    if answer.key == BAD_REQUEST:
        return Finding(tried, "the server knows no such meeting (400)")
    return Finding(tried, f"BigBlueButton refuses it: {answer.key or 'it does not say why'}")


def _trouble_of_redirect(response: httpx.Response, asked: dict[str, str]) -> str:
    leads_to = response.headers.get("Location", "")
    keys = answers.error_keys(parse_qs(urlsplit(leads_to).query).get("errors", [""])[0])
    back = asked.get("errorRedirectUrl", "")
    if keys or (back and leads_to.startswith(back)):
        return f"BigBlueButton refuses it: {', '.join(filter(None, keys)) or 'it does not say why'}"
    return "" if leads_to else "BigBlueButton leads nowhere"


def _records_nothing(server: BbbServer, meeting: str) -> Finding:
    tried = "the meeting records nothing"
    try:
        recording = server.ask("getMeetingInfo", {"meetingID": meeting}).text("recording")
    except ProviderFailure as failure:
        return Finding(tried, f"unclear: {failure}")
    if recording != "false":
        return Finding(tried, f"the server records it although it was told not to; {SWITCH_OFF}")
    return Finding(tried)
