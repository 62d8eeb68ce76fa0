"""What an administrator reads when he tries the login: each trouble with its setting, no wrong verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal_identity_gsis.provider import GsisLogin
from pydantic import SecretStr

from portal.plugin_api import ConfigurationFailure, TemporaryFailure
from portal.testing.contracts.identity import RETURN_URL
from portal.testing.gsis import GsisSimulator, faults
from portal.testing.remote import RemoteServer, Reply

Login = Callable[..., GsisLogin]
SECRET = "PORTAL_IDENTITY_GSIS_CLIENT_SECRET"


def troubles(provider: GsisLogin, return_url: str = RETURN_URL) -> list[str]:
    return [finding.trouble for finding in provider.try_out(return_url) if finding.trouble]


def test_all_is_well_at_both_doors(both_doors: GsisLogin, gsis: GsisSimulator) -> None:
    findings = both_doors.try_out(RETURN_URL)
    assert [finding.trouble for finding in findings] == [""] * 8
    assert {finding.tried.split(":")[0] for finding in findings} == {"client_id", "staff_client_id"}
    assert "unclear" not in str(findings)
    both_doors.check()


def test_nobody_is_logged_in_by_it(both_doors: GsisLogin, gsis: GsisSimulator) -> None:
    both_doors.try_out(RETURN_URL)
    assert "check" not in [call.endpoint for call in gsis.called]


def test_a_wrong_secret_is_named(login_by: Login) -> None:
    provider = login_by(client_secret=SecretStr("wrong"))
    [trouble] = troubles(provider)
    assert f"compare client_id, {SECRET} and context" in trouble
    with pytest.raises(ConfigurationFailure, match=SECRET):
        provider.check()


def test_a_wrong_secret_of_the_staffs_door_is_named_as_that(login_by: Login) -> None:
    provider = login_by(staff_client_id="kep-staff", staff_client_secret=SecretStr("wrong"))
    [trouble] = troubles(provider)
    assert "staff_client_id, PORTAL_IDENTITY_GSIS_STAFF_CLIENT_SECRET and staff_context" in trouble


def test_an_unknown_client_is_named_twice(login_by: Login) -> None:
    page, secret = troubles(login_by(client_id="unknown"))
    assert "does not know this client; compare client_id and context" in page
    assert SECRET in secret


def test_an_address_that_is_not_registered_is_named(provider: GsisLogin) -> None:
    [trouble] = troubles(provider, "https://elsewhere.example/login/back")
    assert "ask GSIS to register https://elsewhere.example/login/back for client_id" in trouble


def test_where_gsis_shows_its_login_page_to_anybody_no_verdict_is_made_up(
    provider: GsisLogin, gsis: GsisSimulator
) -> None:
    gsis.knows_clients_first = False
    findings = provider.try_out("https://elsewhere.example/login/back")
    assert [finding.trouble for finding in findings] == [""] * 4
    assert "unclear: it does for any address" in findings[1].tried


def test_a_wrong_scope_is_named(login_by: Login) -> None:
    [trouble] = troubles(login_by(scope="write"))
    assert "sends people back with invalid_scope" in trouble and trouble.endswith("scope")


@pytest.mark.parametrize(
    ("moved", "named"),
    [
        ({"authorize_path": "/nowhere"}, "authorize_path"),
        ({"token_path": "/nowhere"}, "token_path"),
        ({"userinfo_path": "/nowhere"}, "userinfo_path"),
    ],
)
def test_a_wrong_path_is_named(login_by: Login, moved: dict[str, str], named: str) -> None:
    [trouble] = troubles(login_by(**moved))
    assert "nothing is there" in trouble and named in trouble


def test_an_address_that_does_not_answer_is_told_once(login_by: Login, remote: RemoteServer) -> None:
    provider = login_by(base_url=remote.url)
    remote.refuse()
    [trouble] = troubles(provider)
    assert "check base_url, and whether this machine may call it" in trouble
    with pytest.raises(TemporaryFailure):
        provider.check()


def test_under_maintenance_everything_is_unclear(provider: GsisLogin, gsis: GsisSimulator) -> None:
    gsis.faults.update(dict.fromkeys(("authorize", "login", "token", "userinfo"), faults.maintenance))
    assert [trouble.startswith("unclear") for trouble in troubles(provider)] == [True] * 3
    gsis.faults.update(dict.fromkeys(("authorize", "login", "token", "userinfo"), faults.status(503)))
    assert [trouble.startswith("unclear") for trouble in troubles(provider)] == [True] * 3


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(302, headers={"Location": "https://login.gsis.example/"}),
            "leads on to https://login.gsis.example",
        ),
        (Reply(302, headers={"Location": "/again"}), "no login page comes (302)"),
        (Reply(302, headers={"Location": "http://[half"}), "no address"),
        (Reply(302, headers={"Location": f"{RETURN_URL}?error=%3Cb%3E"}), "an error that is not known"),
        (Reply(200, b"{}"), "no login page comes (200)"),
        (Reply(200, b'{"access_token": "x"}'), "a code that was invented"),
    ],
)
def test_strange_answers_are_told_and_not_followed_elsewhere(
    login_by: Login, remote: RemoteServer, reply: Reply, words: str
) -> None:
    remote.script(reply)
    assert words in "".join(troubles(login_by(base_url=remote.url)))


def test_no_secret_is_told(login_by: Login, logged: Any) -> None:
    for changed in ({}, {"client_secret": SecretStr("wrong-secret")}, {"client_id": "unknown"}):
        told = str(login_by(**changed).try_out(RETURN_URL)) + logged()
        assert "kep-secret" not in told and "wrong-secret" not in told
