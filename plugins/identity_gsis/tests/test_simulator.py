"""The stand-in for GSIS refuses what the real one refuses; else our tests would prove little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from portal.testing.contracts.identity import RETURN_URL
from portal.testing.gsis import ANNA, ELENI, OFFICIAL, GsisSimulator, Taxpayer, Visitor

ASKED = {
    "response_type": "code",
    "client_id": "kep",
    "redirect_uri": RETURN_URL,
    "scope": "read",
    "state": "state-1",
}
EXCHANGE = {
    "grant_type": "authorization_code",
    "redirect_uri": RETURN_URL,
    "client_id": "kep",
    "client_secret": "kep-secret",
}


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with Visitor() as visitor:
        yield visitor


@pytest.fixture
def code(gsis: GsisSimulator, visitor: Visitor, clock: Any) -> str:
    """A fresh code of Eleni's."""
    return visitor.log_in(authorize(gsis), ELENI)["code"]


def authorize(gsis: GsisSimulator, context: str = "oauth2server", **changed: str) -> str:
    return f"{gsis.url}/{context}/oauth/authorize?{urlencode({**ASKED, **changed})}"


def exchange(
    gsis: GsisSimulator, visitor: Visitor, context: str = "oauth2server", **form: str
) -> httpx.Response:
    return visitor.post(f"{gsis.url}/{context}/oauth/token", {**EXCHANGE, **form})


def is_login_page(page: httpx.Response) -> bool:
    return page.headers.get("Location", "").endswith("/login")


# --- The login -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": RETURN_URL + "/"},
        {"redirect_uri": RETURN_URL + "?a=1"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": ""},
        {"client_id": "unknown"},
        {"client_id": "kep-staff"},
    ],
)
def test_a_client_or_address_that_is_not_registered_sees_an_error_and_no_login(
    gsis: GsisSimulator, visitor: Visitor, changed: dict[str, str]
) -> None:
    answer = visitor.get(authorize(gsis, **changed))
    assert answer.status_code in (400, 401)
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"scope": "write"}, "invalid_scope")],
)
def test_what_else_is_wrong_is_told_to_the_application(
    gsis: GsisSimulator, visitor: Visitor, changed: dict[str, str], error: str
) -> None:
    answer = visitor.get(authorize(gsis, **changed))
    assert answer.headers["Location"].startswith(f"{RETURN_URL}?error={error}")
    assert "state=state-1" in answer.headers["Location"]


@pytest.mark.parametrize(
    "codes", [{"j_username": ELENI.username}, {"j_username": ELENI.username, "j_password": ANNA.password}, {}]
)
def test_wrong_codes_lead_back_to_the_page_that_asks(
    gsis: GsisSimulator, visitor: Visitor, codes: dict[str, str]
) -> None:
    visitor.get(authorize(gsis))
    answer = visitor.post(f"{gsis.url}/oauth2server/j_spring_security_check", codes)
    assert answer.headers["Location"].endswith("authentication_error=true")
    assert is_login_page(visitor.get(authorize(gsis)))


def test_codes_of_citizens_and_of_public_employees_are_different_ones(
    gsis: GsisSimulator, visitor: Visitor
) -> None:
    for context, taxpayer in (("oauth2server", OFFICIAL), ("oauth2servergov", ELENI)):
        form = {"j_username": taxpayer.username, "j_password": taxpayer.password}
        answer = visitor.post(f"{gsis.url}/{context}/j_spring_security_check", form)
        assert answer.headers["Location"].endswith("authentication_error=true")


def test_a_password_alone_does_not_open_where_a_one_time_code_is_asked_for(
    gsis: GsisSimulator, visitor: Visitor
) -> None:
    address = authorize(gsis, "oauth2serverotp")
    visitor.get(address)
    form = {"j_username": ELENI.username, "j_password": ELENI.password}
    visitor.post(f"{gsis.url}/oauth2serverotp/j_spring_security_check", form)
    answer = visitor.post(f"{gsis.url}/oauth2serverotp/otp", {"otp": "000000"})
    assert answer.headers["Location"].endswith("authentication_error=true")
    assert is_login_page(visitor.get(address))


def test_without_a_login_there_is_nothing_to_agree_to(gsis: GsisSimulator, visitor: Visitor) -> None:
    form = {"user_oauth_approval": "true", "scope.read": "true"}
    assert visitor.post(authorize(gsis), form).status_code == 400


def test_whoever_has_logged_in_is_let_in_silently_until_he_logs_out(
    gsis: GsisSimulator, visitor: Visitor
) -> None:
    assert is_login_page(visitor.get(authorize(gsis)))
    visitor.log_in(authorize(gsis), ELENI)
    assert visitor.get(authorize(gsis)).headers["Location"].startswith(f"{RETURN_URL}?code=")
    assert visitor.get(f"{gsis.url}/oauth2server/logout/kep/?url=https://kep.example/").status_code == 302
    assert is_login_page(visitor.get(authorize(gsis)))


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ("kep/?url=https://evil.example/", 400),
        ("kep/", 400),
        ("unknown/?url=https://kep.example/", 400),
        ("kep?url=https://kep.example/", 404),
    ],
)
def test_logging_out_leads_to_registered_addresses_only_and_not_without_its_slash(
    gsis: GsisSimulator, visitor: Visitor, way: str, status: int
) -> None:
    visitor.log_in(authorize(gsis), ELENI)
    assert visitor.get(f"{gsis.url}/oauth2server/logout/{way}").status_code == status
    assert not is_login_page(visitor.get(authorize(gsis))), "the session goes on"


# --- Codes -----------------------------------------------------------------------------------------------


def test_a_code_becomes_a_token_that_ends(gsis: GsisSimulator, visitor: Visitor, code: str) -> None:
    assert code.isalpha() and len(code) == 6
    told = exchange(gsis, visitor, code=code).json()
    assert (told["token_type"], told["scope"], told["expires_in"]) == ("bearer", "read", 300)
    assert "id_token" not in told


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": ""}, "invalid_request"),
        ({"code": "AbCdEf"}, "invalid_grant"),
        ({"redirect_uri": "https://kep.example/other"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
    ],
)
def test_a_wrong_exchange_is_refused_in_json(
    gsis: GsisSimulator, visitor: Visitor, code: str, changed: dict[str, str], error: str
) -> None:
    answer = exchange(gsis, visitor, **{"code": code, **changed})
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error


def test_credentials_count_in_the_body_only(gsis: GsisSimulator, code: str) -> None:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN_URL}
    credentials = {"client_id": "kep", "client_secret": "kep-secret"}
    address = f"{gsis.url}/oauth2server/oauth/token"
    for answer in (
        httpx.post(address, data=form, auth=("kep", "kep-secret")),
        httpx.post(address, data=form, params=credentials),
        httpx.post(address, json={**form, **credentials}),
    ):
        assert answer.json()["error"] == "invalid_client"


def test_a_code_holds_once_for_its_own_client_and_shortly(
    gsis: GsisSimulator, visitor: Visitor, code: str, clock: Any
) -> None:
    assert exchange(gsis, visitor, code=code).status_code == 200
    assert exchange(gsis, visitor, code=code).json()["error"] == "invalid_grant"
    foreign = visitor.log_in(authorize(gsis), ELENI)["code"]
    staff = {"client_id": "kep-staff", "client_secret": "kep-staff-secret", "code": foreign}
    assert exchange(gsis, visitor, "oauth2servergov", **staff).json()["error"] == "invalid_grant"
    late = visitor.log_in(authorize(gsis), ELENI)["code"]
    clock.shift(121)
    assert exchange(gsis, visitor, code=late).json()["error"] == "invalid_grant"


# --- The person ------------------------------------------------------------------------------------------


def userinfo(gsis: GsisSimulator, token: str, context: str = "oauth2server") -> httpx.Response:
    return httpx.get(
        f"{gsis.url}/{context}/userinfo?format=xml", headers={"Authorization": f"Bearer {token}"}
    )


def test_the_person_is_xml_padded_with_spaces(gsis: GsisSimulator, visitor: Visitor, code: str) -> None:
    answer = userinfo(gsis, exchange(gsis, visitor, code=code).json()["access_token"])
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert answer.text.startswith('<root><userinfo userid="User999100005   " taxid="999100005   " lastname="')


def test_a_token_that_is_none_is_refused_in_json(
    gsis: GsisSimulator, visitor: Visitor, code: str, clock: Any
) -> None:
    token = exchange(gsis, visitor, code=code).json()["access_token"]
    assert userinfo(gsis, token, "oauth2servergov").json()["error"] == "invalid_token"
    in_address = httpx.get(f"{gsis.url}/oauth2server/userinfo?format=xml&access_token={token}")
    assert in_address.json()["error"] == "invalid_token"
    assert userinfo(gsis, "invented").status_code == 401
    clock.shift(301)
    assert userinfo(gsis, token).json()["error"] == "invalid_token"


def test_names_cannot_break_the_xml(gsis: GsisSimulator, visitor: Visitor) -> None:
    odd = Taxpayer("codes", {**ELENI.told, "lastname": 'Ο"ΚΟΝΟΡ <&>'}, "odd")
    gsis.taxpayers.append(odd)
    code = visitor.log_in(authorize(gsis), odd)["code"]
    answer = userinfo(gsis, exchange(gsis, visitor, code=code).json()["access_token"])
    assert "&lt;&amp;&gt;" in answer.text


@pytest.mark.parametrize("path", ["/", "/oauth2other/login", "/oauth2server/", "/oauth2server/oauth/tokens"])
def test_nothing_is_anywhere_else(gsis: GsisSimulator, visitor: Visitor, path: str) -> None:
    assert visitor.get(gsis.url + path).status_code == 404
