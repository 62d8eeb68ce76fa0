"""Logging in with TAXISnet codes: who arrives as what, what goes wrong, and what is told to nobody."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from portal_identity_gsis.provider import GsisLogin
from portal_identity_gsis.userinfo import read

from portal.plugin_api import (
    ConfigurationFailure,
    Identity,
    LoginRefused,
    LoginStart,
    ProviderFailure,
    TemporaryFailure,
)
from portal.testing.contracts import IdentityProviderContract, OutsideFailures
from portal.testing.contracts.identity import RETURN_URL
from portal.testing.gsis import (
    ANNA,
    ELENI,
    FATHERLESS,
    FIRM,
    NEWCOMER,
    NUMBERLESS,
    GsisSimulator,
    Taxpayer,
    Visitor,
    faults,
)

Enter = Callable[..., Identity]


class TestContract(IdentityProviderContract):
    secrets = ("kep-secret",)
    people: ClassVar = (ELENI, ANNA)

    # Plain OAuth 2 has neither nonce nor PKCE: only the state, which the core compares, tells logins apart.
    test_an_answer_for_another_login_is_refused = None  # type: ignore[assignment]

    def come_back(self, start: LoginStart, person: int) -> Mapping[str, str]:
        with Visitor() as visitor:
            return visitor.log_in(start.url, self.people[person])

    def decline(self, start: LoginStart) -> Mapping[str, str]:
        with Visitor() as visitor:
            return visitor.log_in(start.url, ELENI, agrees=False)


class TestTroubleOutside(OutsideFailures):
    @pytest.fixture
    def provider(self, login_by: Callable[..., GsisLogin], remote: Any) -> GsisLogin:
        return login_by(base_url=remote.url)

    def exercise(self, provider: GsisLogin) -> None:
        provider.finish(
            {"door": "citizens", "return_url": RETURN_URL}, {"code": "AbCdEf", "state": "state-1"}
        )


# --- Who arrives as what ---------------------------------------------------------------------------------


def test_a_person_arrives_with_everything_that_gsis_tells_and_without_its_padding(
    provider: GsisLogin, enter: Enter
) -> None:
    eleni = enter(provider, ELENI)
    assert (eleni.first_name, eleni.last_name, eleni.fathers_name) == ("ΕΛΕΝΗ", "ΔΟΚΙΜΑΣΤΙΚΟΥ", "ΓΕΩΡΓΙΟΣ")
    assert (eleni.tax_number, eleni.username, eleni.birth_year) == ("999100005", "", 1980)
    assert (eleni.email, eleni.phone, eleni.posts) == ("", "", None)


def test_two_surnames_stay_two(provider: GsisLogin, enter: Enter) -> None:
    anna = enter(provider, ANNA)
    assert (anna.first_name, anna.last_name) == ("ΑΝΝΑ ΜΑΡΙΑ", "ΠΑΠΑΔΟΠΟΥΛΟΥ ΞΗΡΟΤΥΡΗ")


def test_an_unknown_father_and_a_leading_zero_are_no_obstacle(provider: GsisLogin, enter: Enter) -> None:
    giorgos = enter(provider, FATHERLESS)
    assert (giorgos.fathers_name, giorgos.tax_number) == ("", "023456780")


def test_a_person_with_a_single_name_is_a_person(provider: GsisLogin, enter: Enter) -> None:
    newcomer = enter(provider, NEWCOMER)
    assert (newcomer.first_name, newcomer.last_name, newcomer.birth_year) == ("", "SUKARNO", None)


@pytest.mark.parametrize("year", ["", "0000", "19800", "1700", "2999", "ΑΓΝΩ"])
def test_a_year_that_makes_no_sense_is_left_out(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, year: str
) -> None:
    person = Taxpayer("codes", {**ELENI.told, "birthyear": year}, "someone")
    gsis.taxpayers.append(person)
    assert enter(provider, person).birth_year is None


def test_the_subject_tells_nobody_the_tax_number_and_stays_the_same(
    provider: GsisLogin, enter: Enter
) -> None:
    subject = enter(provider, ELENI).subject
    assert len(subject) == 64
    assert ELENI.told["taxid"] not in subject
    assert enter(provider, ELENI).subject == subject


def test_a_one_time_password_is_asked_for_where_the_context_has_one(
    login_by: Callable[..., GsisLogin], enter: Enter, gsis: GsisSimulator
) -> None:
    assert enter(login_by(context="oauth2serverotp"), ELENI).tax_number == "999100005"
    assert "otp" in [call.endpoint for call in gsis.called]


def test_the_way_to_gsis_is_spelled_as_gsis_wants_it(provider: GsisLogin) -> None:
    start = provider.start(RETURN_URL, "a&b=c d", "el", "citizens")
    assert urlsplit(start.url).path == "/oauth2server/oauth/authorize"
    assert parse_qs(urlsplit(start.url).query) == {
        "response_type": ["code"],
        "client_id": ["kep"],
        "redirect_uri": [RETURN_URL],
        "scope": ["read"],
        "state": ["a&b=c d"],
    }


def test_whoever_logs_out_is_logged_out_at_gsis_by_the_client_of_his_door(
    both_doors: GsisLogin, gsis: GsisSimulator
) -> None:
    citizen = Identity("s", logout_hint="citizens")
    address = both_doors.logout_url(citizen, "https://kep.example/?a=1&b=2")
    assert address == f"{gsis.url}/oauth2server/logout/kep/?url=https%3A%2F%2Fkep.example%2F%3Fa%3D1%26b%3D2"
    clerk = both_doors.logout_url(Identity("s", logout_hint="staff"), "https://kep.example/")
    assert clerk is not None and "/oauth2servergov/logout/kep-staff/?url=" in clerk


def test_addresses_can_be_moved_by_settings(login_by: Callable[..., GsisLogin]) -> None:
    moved = login_by(
        authorize_path="/v2/authorize", logout_path="/v2/bye/{client_id}/", client_id="a/b", scope=""
    )
    assert "/oauth2server/v2/authorize?" in moved.start(RETURN_URL, "s", "el", "citizens").url
    assert "/oauth2server/v2/bye/a%2Fb/?url=" in str(moved.logout_url(Identity("s"), RETURN_URL))


# --- Who is not logged in --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taxpayer", "why"),
    [
        (FIRM, "organisation"),
        (ELENI.without("firstname", "lastname"), "organisation"),
        (ELENI.without("userid", "firstname"), "organisation"),
        (NUMBERLESS, "incomplete"),
        (ELENI.without(*ELENI.told), "incomplete"),
        (Taxpayer("codes", {**ELENI.told, "taxid": "999100006"}, "x"), "incomplete"),
        (Taxpayer("codes", {**ELENI.told, "taxid": "99910000"}, "x"), "incomplete"),
        (Taxpayer("codes", {**ELENI.told, "taxid": "000000000"}, "x"), "incomplete"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_codes_that_are_not_those_of_a_person_are_refused_with_the_reason(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, taxpayer: Taxpayer, why: str
) -> None:
    gsis.taxpayers[:] = [taxpayer]
    with pytest.raises(LoginRefused) as refusal:
        enter(provider, taxpayer)
    assert refusal.value.why == why


def test_a_person_without_a_user_name_is_still_a_person(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter
) -> None:
    gsis.taxpayers[:] = [nameless := ELENI.without("userid")]
    assert enter(provider, nameless).username == ""


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ({"error": "access_denied", "error_description": "User denied access"}, LoginRefused, "declined"),
        ({"error": "other", "error_description": "User denied access"}, LoginRefused, "declined"),
        ({"error_description": "User denied access"}, LoginRefused, "declined"),
        ({"error": "access_denied"}, LoginRefused, "declined"),
        ({"error": "made-up <b>"}, LoginRefused, "invalid"),
        ({"error": "invalid_request"}, ConfigurationFailure, ""),
        ({"error": "unauthorized_client"}, ConfigurationFailure, ""),
        ({"error": "server_error"}, TemporaryFailure, ""),
        ({"error": "temporarily_unavailable"}, TemporaryFailure, ""),
        ({}, LoginRefused, "invalid"),
        ({"code": ""}, LoginRefused, "invalid"),
    ],
)
def test_an_answer_without_a_code_is_understood_by_its_meaning(
    provider: GsisLogin, answer: Mapping[str, str], kind: type[ProviderFailure], why: str
) -> None:
    kept = provider.start(RETURN_URL, "state-1", "el", "citizens").kept
    with pytest.raises(kind) as failure:
        provider.finish(kept, {"state": "state-1", **answer})
    assert getattr(failure.value, "why", "") == why
    assert "made-up" not in str(failure.value)


def test_a_code_is_good_for_one_login(provider: GsisLogin) -> None:
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    with Visitor() as visitor:
        answer = visitor.log_in(start.url, ELENI)
    provider.finish(start.kept, answer)
    with pytest.raises(LoginRefused) as refusal:
        provider.finish(start.kept, answer)
    assert refusal.value.why == "expired"


def test_whoever_takes_too_long_on_the_way_back_reads_that(provider: GsisLogin, clock: Any) -> None:
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    with Visitor() as visitor:
        answer = visitor.log_in(start.url, ELENI)
    clock.shift(180)
    with pytest.raises(LoginRefused) as refusal:
        provider.finish(start.kept, answer)
    assert refusal.value.why == "expired"


# --- When GSIS does not behave ---------------------------------------------------------------------------

AWAY = {
    "an error of the server": faults.status(500),
    "a closed gate": faults.status(503),
    "a gate that is too busy": faults.status(429),
    "a page about maintenance": faults.maintenance,
    "an error in JSON": faults.json_error("server_error", 200),
    "an error nobody knows": faults.json_error("something_new"),
    "nothing": faults.body(b"", "application/xml"),
}
SPOILED = {
    "half of the XML": faults.truncated,
    "XML about nobody": faults.body(b"<root/>", "application/xml"),
    "XML about two people": faults.body(b"<root><userinfo/><userinfo/></root>", "application/xml"),
    "JSON without an error": faults.body(b"{}", "application/json"),
    "a token that ended": faults.json_error("invalid_token", 401),
    "too much": faults.body(b"<root><userinfo/>" + b" " * 100_000 + b"</root>", "application/xml"),
    "far too much": faults.body(b"<root><userinfo/>" + b" " * 1_000_000 + b"</root>", "application/xml"),
    "an entity bomb": faults.bomb,
    "a foreign file": faults.definitions('<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "a foreign document type": faults.definitions('<!DOCTYPE root SYSTEM "http://127.0.0.1:1/x.dtd">'),
    "an innocent definition": faults.definitions('<!DOCTYPE root [<!ENTITY x "y">]>'),
}


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
def test_whatever_keeps_gsis_from_answering_is_temporary(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, endpoint: str, fault: faults.Fault
) -> None:
    gsis.faults[endpoint] = fault
    with pytest.raises(TemporaryFailure):
        enter(provider, ELENI)


@pytest.mark.parametrize("fault", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_answer_about_a_person_is_temporary_and_harmless(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, fault: faults.Fault
) -> None:
    gsis.faults["userinfo"] = fault
    with pytest.raises(TemporaryFailure):
        enter(provider, ELENI)


def test_the_right_answer_under_a_wrong_name_is_still_right(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter
) -> None:
    gsis.faults["userinfo"] = faults.wrong_type
    assert enter(provider, ELENI).tax_number == "999100005"


@pytest.mark.parametrize(
    "error", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_request"]
)
def test_a_client_that_gsis_does_not_accept_is_told_with_the_settings_to_mend(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, error: str
) -> None:
    gsis.faults["token"] = faults.json_error(error)
    with pytest.raises(
        ConfigurationFailure, match="client_id, PORTAL_IDENTITY_GSIS_CLIENT_SECRET and context"
    ):
        enter(provider, ELENI)


@pytest.mark.parametrize(
    "fault", [faults.json_error("insufficient_scope", 403), faults.status(403), faults.status(404)]
)
def test_data_that_the_client_may_not_read_are_a_matter_of_settings(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, fault: faults.Fault
) -> None:
    gsis.faults["userinfo"] = fault
    with pytest.raises(ConfigurationFailure):
        enter(provider, ELENI)


@pytest.mark.parametrize(
    "token", ['""', "null", '"two words"', '"line\\nbreak"', '"ελληνικά"', '"' + "x" * 5000 + '"']
)
def test_a_token_that_is_none_is_not_used(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, token: str
) -> None:
    gsis.faults["token"] = faults.body(f'{{"access_token": {token}}}'.encode(), "application/json")
    with pytest.raises(TemporaryFailure):
        enter(provider, ELENI)
    assert "userinfo" not in [call.endpoint for call in gsis.called]


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
def test_nobody_waits_longer_than_the_provider_promises(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "timeout", 0.3)
    gsis.faults[endpoint] = faults.slow(1)
    with pytest.raises(TemporaryFailure):
        enter(provider, ELENI)


# --- What is told to nobody ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*AWAY.values(), *SPOILED.values()])
def test_failures_and_logs_tell_nothing_of_the_person_the_code_or_the_token(
    provider: GsisLogin, gsis: GsisSimulator, fault: faults.Fault, logged: Callable[[], str]
) -> None:
    gsis.faults["userinfo"] = fault
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    with Visitor() as visitor:
        answer = visitor.log_in(start.url, ELENI)
    before = len(logged())
    with pytest.raises(TemporaryFailure) as failure:
        provider.finish(start.kept, answer)
    token = next(call for call in gsis.called if call.endpoint == "userinfo").headers["Authorization"]
    secret = ["kep-secret", answer["code"], token.removeprefix("Bearer "), *filter(None, ELENI.told.values())]
    told = "".join(traceback.format_exception(failure.value)) + logged()[before:]
    assert [word for word in secret if word in told] == []


def test_the_token_goes_in_the_header_and_no_cookie_goes_along(
    provider: GsisLogin, gsis: GsisSimulator, enter: Enter
) -> None:
    provider._context.http.cookies.set("JSESSIONID", "of-somebody-else")
    enter(provider, ELENI)
    calls = [call for call in gsis.called if call.endpoint in ("token", "userinfo")]
    assert [("Cookie" in call.headers, "token=" in call.path) for call in calls] == [(False, False)] * 2
    assert calls[1].headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-7", "windows-1253"])
def test_greek_is_read_in_whatever_encoding_it_declares(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{name}"?>\n<root><userinfo lastname="ΔΟΚΙΜΑΣΤΙΚΟΥ  "/></root>'
    assert read(text.encode(encoding)) == {"lastname": "ΔΟΚΙΜΑΣΤΙΚΟΥ"}
