"""Logins, and all that may go wrong with them, at a real Keycloak with the documentation's realm file."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from portal_identity_keycloak.provider import KeycloakLogin

from portal import clock
from portal.plugin_api import (
    ConfigurationFailure,
    IdentityProvider,
    LoginRefused,
    LoginStart,
    PluginContext,
    StaffPost,
    TemporaryFailure,
)
from portal.testing import kit
from portal.testing.contracts import IdentityProviderContract
from portal.testing.keycloak import Keycloak, Realm
from portal.testing.keycloak_realms import CLIENT_SECRET, PORTAL_URL, taxisnet_broker
from portal.testing.keycloak_visitor import visitor
from portal.testing.remote import RemoteServer, Reply

RETURN_URL = f"{PORTAL_URL}/login/back"

# The first test waits until Keycloak has started, which takes a minute where all processors are busy.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def asking_client(realm: Realm) -> str:
    """A client that asks for consent, so that somebody can decline."""
    name = f"portal-{secrets.token_hex(4)}"
    realm.copy_client(name, consentRequired=True, defaultClientScopes=["basic", "profile"])
    return name


@pytest.fixture(scope="module")
def people(realm: Realm) -> list[str]:
    """Three citizens, by what they type to log in; the third never consents."""
    names = [f"citizen.{secrets.token_hex(4)}" for _ in range(3)]
    for number, name in enumerate(names):
        attributes = {"afm": ("090000045", "094014201", "094019245")[number]}
        realm.add_person(name, "pw", attributes=attributes, lastName="Δοκίμου", email=f"{name}@example.gr")
    return names


class TestContract(IdentityProviderContract):
    secrets = (CLIENT_SECRET,)

    @pytest.fixture
    def provider(
        self, open_login: Callable[..., Any], realm: Realm, asking_client: str, people: list[str]
    ) -> IdentityProvider:
        self.people = people
        login: KeycloakLogin = open_login(realm, client_id=asking_client).provider
        return login

    def come_back(self, start: LoginStart, person: int) -> Mapping[str, str]:
        return self._answer(start, self.people[person], "accept")

    def decline(self, start: LoginStart) -> Mapping[str, str]:
        return self._answer(start, self.people[2], "cancel")

    def _answer(self, start: LoginStart, username: str, button: str) -> Mapping[str, str]:
        with visitor() as browser:
            browser.log_in(start.url, username, "pw")
            if not browser.back:
                browser.submit({button: "on"})
            return browser.answer


# --- Who comes through which door --------------------------------------------------------------------------


def test_a_citizen_is_told_as_the_realm_knows_him(login: Any) -> None:
    username, subject = login.add_maria(roles=("administrator",))
    maria = login.enter(username)
    assert (maria.subject, maria.username) == (subject, username)
    assert (maria.first_name, maria.last_name, maria.fathers_name) == ("Μαρία", "Παπαδοπούλου", "Γεώργιος")
    assert (maria.tax_number, maria.birth_year, maria.phone) == ("090000045", 1980, "+306900000001")
    assert maria.email == f"{username}@example.gr"
    assert maria.posts is None
    assert maria.session
    assert maria.logout_hint


def test_nothing_personal_travels_in_the_address_of_the_logout(login: Any) -> None:
    username, _subject = login.add_maria()
    maria = login.enter(username)
    address = login.provider.logout_url(maria, f"{PORTAL_URL}/")
    claims = part_of(maria.logout_hint, 1)
    assert maria.logout_hint not in address
    assert login.provider.logout_fields(maria, f"{PORTAL_URL}/")["id_token_hint"] == maria.logout_hint
    assert {"afm", "family_name", "given_name", "email", "preferred_username"} & set(claims) == set()


def test_an_address_that_nobody_verified_is_not_taken(login: Any) -> None:
    username, _subject = login.add_maria(emailVerified=False)
    assert login.enter(username).email == ""


def test_staff_get_the_posts_of_their_roles_and_lose_them_with_the_role(login: Any) -> None:
    username, subject = login.add_maria(roles=("clerk:kep-central", "supervisor:kep-north"))
    assert login.enter(username, "staff").posts == (
        StaffPost("clerk", "kep-central"),
        StaffPost("supervisor", "kep-north"),
    )
    login.realm.withdraw(subject, "supervisor:kep-north")
    login.realm.grant(subject, "administrator")
    assert login.enter(username, "staff").posts == (
        StaffPost("administrator"),
        StaffPost("clerk", "kep-central"),
    )


def test_staff_without_a_role_come_in_with_no_post(login: Any) -> None:
    username, _subject = login.add_maria(attributes={})
    assert login.enter(username, "staff").posts == ()


def test_whoever_comes_from_taxisnet_is_known_by_what_the_registry_tells(
    open_login: Callable[..., Any], keycloak: Keycloak
) -> None:
    realm = keycloak.new_realm(f"broker-{secrets.token_hex(4)}", PORTAL_URL)
    realm.add_identity_provider(*taxisnet_broker(keycloak.url))
    login = open_login(realm, identity_provider_hint="taxisnet")
    told = {"taxid": "090000045   ", "lastname": "ΔΟΚΙΜΑΣΤΙΚΟΥ", "firstname": "ΕΛΕΝΗ"}
    username, taxisnet = f"user{secrets.token_hex(4)}", keycloak.realm("taxisnet")
    person = taxisnet.add_person(
        username, login.password, attributes={**told, "fathername": "ΓΕΩΡΓΙΟΣ", "birthyear": "1980"}
    )
    eleni = login.enter(username)
    assert (eleni.tax_number, eleni.first_name, eleni.fathers_name) == ("090000045", "ΕΛΕΝΗ", "ΓΕΩΡΓΙΟΣ")
    assert (eleni.last_name, eleni.birth_year, eleni.email) == ("ΔΟΚΙΜΑΣΤΙΚΟΥ", 1980, "")

    attributes = {name: [value] for name, value in {**told, "lastname": "ΝΕΟΥ"}.items()}
    taxisnet.change_person(person, attributes=attributes)
    again = login.enter(username)
    assert (again.subject, again.last_name) == (eleni.subject, "ΝΕΟΥ")

    assert login.provider.try_out(RETURN_URL)[-1].trouble == ""
    at_staff = login.provider.start(RETURN_URL, "s", "el", "staff")
    assert "kc_idp_hint" not in at_staff.url


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ({"attributes": {}}, "incomplete"),
        ({"attributes": {"afm": "000000000"}}, "incomplete"),
        ({"lastName": ""}, "incomplete"),
        ({"firstName": "", "lastName": ""}, "organisation"),
    ],
)
def test_a_citizen_without_name_or_tax_number_does_not_come_in(
    login: Any, missing: dict[str, Any], why: str
) -> None:
    username, _subject = login.add_maria(**missing)
    with pytest.raises(LoginRefused) as refused:
        login.enter(username)
    assert refused.value.why == why


def test_a_client_without_our_mappers_tells_what_its_scopes_tell(
    open_login: Callable[..., Any], realm: Realm
) -> None:
    name = f"stock-{secrets.token_hex(4)}"
    realm.copy_client(
        name,
        protocolMappers=[],
        defaultClientScopes=["basic", "profile", "email"],
        optionalClientScopes=["phone"],
    )
    login = open_login(realm, client_id=name, scope="openid profile email phone", required=("last_name",))
    username, _subject = login.add_maria()
    maria = login.enter(username)
    assert (maria.username, maria.last_name, maria.tax_number) == (username, "Παπαδοπούλου", "")
    assert maria.email == f"{username}@example.gr"


# --- What goes wrong at Keycloak ---------------------------------------------------------------------------


def test_a_wrong_password_leaves_the_person_at_keycloak(login: Any) -> None:
    username, _subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "el", "citizens")
    with visitor() as browser:
        assert browser.log_in(start.url, username, "not the password") == {}
        assert 'lang="el"' in browser.page
        browser.submit({"username": username, "password": login.password})
        assert login.provider.finish(start.kept, browser.answer).username == username


def test_a_disabled_person_stays_outside(login: Any) -> None:
    username, subject = login.add_maria()
    login.realm.change_person(subject, enabled=False)
    start = login.provider.start(RETURN_URL, "state-1", "en", "citizens")
    with visitor() as browser:
        assert browser.log_in(start.url, username, login.password) == {}


def test_a_person_who_is_disabled_on_the_way_back_is_refused(login: Any) -> None:
    username, subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "en", "citizens")
    with visitor() as browser:
        answer = browser.log_in(start.url, username, login.password)
    login.realm.change_person(subject, enabled=False)
    with pytest.raises(LoginRefused):
        login.provider.finish(start.kept, answer)


def test_a_code_works_once(login: Any) -> None:
    username, _subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "el", "citizens")
    with visitor() as browser:
        answer = browser.log_in(start.url, username, login.password)
    login.provider.finish(start.kept, answer)
    with pytest.raises(LoginRefused):
        login.provider.finish(start.kept, answer)


@pytest.mark.parametrize("lost", ["verifier", "nonce"])
def test_a_code_is_worth_nothing_without_what_was_kept(login: Any, lost: str) -> None:
    username, _subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "el", "citizens")
    with visitor() as browser:
        answer = browser.log_in(start.url, username, login.password)
    with pytest.raises(LoginRefused) as refused:
        login.provider.finish({**start.kept, lost: "x" * 43}, answer)
    assert refused.value.why == "invalid"


def test_whoever_takes_too_long_may_go_on_or_is_told_so(
    open_login: Callable[..., Any], keycloak: Keycloak
) -> None:
    realm = keycloak.new_realm(f"hasty-{secrets.token_hex(4)}", PORTAL_URL)
    hasty = {"accessCodeLifespan": 1, "accessCodeLifespanLogin": 1, "accessCodeLifespanUserAction": 1}
    keycloak.ask("PUT", f"/admin/realms/{realm.name}", hasty)
    login = open_login(realm)
    username, _subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "el", "citizens")
    with visitor() as browser:
        browser.open(start.url)
        time.sleep(2.5)
        browser.submit({"username": username, "password": login.password})
        assert (browser.back, browser.page.count("kc-form-login")) == ("", 1), "Keycloak asks once more"
        answer = browser.submit({"username": username, "password": login.password}).answer
    time.sleep(2.5)
    with pytest.raises(LoginRefused) as refused:
        login.provider.finish(start.kept, answer)
    # Keycloak has forgotten the code by then, and says the same of one that it never gave.
    assert refused.value.why == "invalid"


def test_a_new_key_of_the_realm_is_believed_at_once(login: Any) -> None:
    username, _subject = login.add_maria()
    first = login.enter(username)
    login.realm.rotate_keys()
    second = login.enter(username)
    assert second.subject == first.subject
    assert part_of(second.logout_hint, 0)["kid"] != part_of(first.logout_hint, 0)["kid"]


def test_clocks_that_differ_are_told_with_their_mend(open_login: Callable[..., Any], realm: Realm) -> None:
    login = open_login(realm, leeway_seconds=5)
    username, _subject = login.add_maria()
    for minutes in (-10, 10):
        with (
            time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True),
            pytest.raises(ConfigurationFailure, match="let both follow a time server"),
        ):
            login.enter(username)


# --- Keycloak away -----------------------------------------------------------------------------------------


@pytest.fixture
def away(open_login: Callable[..., Any], realm: Realm) -> Callable[[str], KeycloakLogin]:
    """``away(url)``: a provider whose Keycloak is at ``url``, where there is none."""
    return lambda url: open_login(realm, server_url=url, timeout_seconds=1).provider


def finish_somehow(provider: KeycloakLogin) -> None:
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    provider.finish(start.kept, {"state": "state-1", "code": "some-code"})


def test_keycloak_down_is_temporary(away: Callable[[str], KeycloakLogin], remote: RemoteServer) -> None:
    remote.refuse()
    with pytest.raises(TemporaryFailure, match="does not answer"):
        finish_somehow(away(remote.url))
    assert "mend server_url, or start Keycloak" in away(remote.url).try_out(RETURN_URL)[0].trouble


def test_a_keycloak_that_takes_connections_and_says_nothing_is_temporary(
    away: Callable[[str], KeycloakLogin],
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(TemporaryFailure, match="does not answer"),
    ):
        finish_somehow(away(f"http://127.0.0.1:{silent.getsockname()[1]}"))


@pytest.mark.parametrize("reply", [Reply(status=503), Reply(body=b"<html>"), Reply(dropped=True)])
def test_a_keycloak_that_answers_badly_is_temporary(
    away: Callable[[str], KeycloakLogin], remote: RemoteServer, reply: Reply
) -> None:
    remote.script(reply)
    with pytest.raises(TemporaryFailure):
        finish_somehow(away(remote.url))


# --- Logging out -------------------------------------------------------------------------------------------


def test_logging_out_of_the_portal_ends_the_session_at_keycloak(login: Any) -> None:
    username, _subject = login.add_maria()
    start = login.provider.start(RETURN_URL, "state-1", "el", "citizens")
    with visitor() as browser:
        maria = login.provider.finish(start.kept, browser.log_in(start.url, username, login.password))
        assert browser.open(start.url).answer["code"], "the session at Keycloak lets her in silently"
        address = login.provider.logout_url(maria, f"{PORTAL_URL}/")
        browser.send(address, login.provider.logout_fields(maria, f"{PORTAL_URL}/"))
        assert browser.back == f"{PORTAL_URL}/"
        assert browser.open(start.url).answer == {}


def test_keycloak_tells_the_portal_who_was_logged_out(
    open_login: Callable[..., Any],
    made_contexts: list[PluginContext[Any]],
    keycloak: Keycloak,
    remote: RemoteServer,
) -> None:
    realm = keycloak.new_realm(f"told-{secrets.token_hex(4)}", remote.url)
    login = open_login(realm)
    username, subject = login.add_maria()
    start = login.provider.start(f"{remote.url}/login/back", "state-1", "el", "citizens")
    with visitor() as browser:
        maria = login.provider.finish(start.kept, browser.log_in(start.url, username, login.password))
    context = made_contexts[-1]
    answers: list[Any] = []

    def pass_on(asked: Any) -> Reply:
        response = kit.browser(context).post(
            asked.path, data=asked.body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        answers.append(response)
        return Reply(status=response.status_code, body=response.data)

    remote.script(pass_on)
    realm.log_out(subject)
    assert [answer.status_code for answer in answers] == [200]
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert context.end_sessions.ended == [(subject, maria.session)]

    called = remote.asked[-1]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    again = kit.browser(context).post(called.path, data=called.body, headers=form)
    assert (again.status_code, context.end_sessions.ended) == (400, [(subject, maria.session)])


# --- What the log tells ------------------------------------------------------------------------------------


def test_the_log_tells_neither_secrets_nor_people(login: Any, logged: Callable[[], str]) -> None:
    username, _subject = login.add_maria()
    maria = login.enter(username, "staff")
    shown = logged() + repr(maria) + repr(login.provider.start(RETURN_URL, "s", "el", "staff"))
    private = [
        CLIENT_SECRET,
        maria.logout_hint,
        maria.last_name,
        maria.tax_number,
        maria.email,
        login.password,
    ]
    assert [text for text in private if text in shown] == []


def part_of(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token."""
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[number] + "=="))
    return told
