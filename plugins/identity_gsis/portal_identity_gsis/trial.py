"""What `portal try identity` asks GSIS, without logging anybody in, and what the answers mean.

How GSIS refuses an unknown client or return address is not documented: where an answer can mean several
things the words say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urljoin, urlsplit

from portal.plugin_api import ConfigurationFailure, Finding, LoginRefused, ProviderFailure, TemporaryFailure

from .calls import Answer, GsisServer
from .settings import Client

INVENTED = "invented-by-portal-try"
NOBODYS_ADDRESS = "https://portal.invalid/not-registered"
MOST_REDIRECTS = 5
SPEAKS_OF_ADDRESS = re.compile(rb"redirect[ _]?(uri|mismatch)", re.IGNORECASE)
SPEAKS_OF_CLIENT = re.compile(rb"invalid_client|unauthorized_client|no client with", re.IGNORECASE)


def findings(server: Callable[[], GsisServer], client: Client, return_url: str) -> list[Finding]:
    """Every trial of one client. When GSIS does not answer at all, that is the only one.

    ``server`` makes a GSIS with time for one trial.
    """
    answers = _address_answers(server(), client)
    if answers.trouble:
        return [answers]
    return [
        answers,
        _shows_login_page(server(), client, return_url),
        _accepts_secret(server(), client, return_url),
        _refuses_invented_token(server(), client),
    ]


def secret_is_accepted(server: GsisServer, client: Client, return_url: str) -> None:
    """Ask with a code that cannot be: who gets to hear that the code is wrong has the right secret.

    Raises ConfigurationFailure or TemporaryFailure otherwise.
    """
    try:
        server.token(client, INVENTED, return_url)
    except LoginRefused:
        return
    raise TemporaryFailure("what is there gives a token for a code that was invented")


def _tried(client: Client, what: str) -> str:
    return f"{client.prefix}client_id: {what}"


def _address_answers(server: GsisServer, client: Client) -> Finding:
    tried = _tried(client, f"{_origin(client.token)} answers")
    try:
        server.ask("GET", client.authorize)
    except ProviderFailure as failure:
        mend = "check base_url, and whether this machine may call it (firewall, proxy)"
        return Finding(tried, f"{failure}; {mend}")
    return Finding(tried)


def _accepts_secret(server: GsisServer, client: Client, return_url: str) -> Finding:
    tried = _tried(client, f"GSIS accepts it with {client.variable}")
    try:
        secret_is_accepted(server, client, return_url)
    except ConfigurationFailure as failure:
        return Finding(tried, str(failure))
    except ProviderFailure as failure:
        return Finding(tried, f"unclear: {failure}; try again later, then check token_path")
    return Finding(tried)


def _refuses_invented_token(server: GsisServer, client: Client) -> Finding:
    tried = _tried(client, "what GSIS tells about people is there, and closed to an invented token")
    try:
        answer = server.ask("GET", client.userinfo, headers={"Authorization": f"Bearer {INVENTED}"})
    except ProviderFailure as failure:
        return Finding(tried, f"unclear: {failure}; try again later")
    if answer.error or answer.status in (401, 403):
        return Finding(tried)
    mend = f"check {client.prefix}context and userinfo_path"
    if answer.status == 404:
        return Finding(tried, f"nothing is there; {mend}")
    return Finding(tried, f"unclear: the answer is {answer.status} without an error in JSON; {mend}")


def _shows_login_page(server: GsisServer, client: Client, return_url: str) -> Finding:
    tried = _tried(client, f"GSIS shows its login page for the return address {return_url}")
    try:
        answer, address = _followed(server, client, return_url)
        if not _is_login_page(answer, client):
            return Finding(tried, _trouble_of_page(answer, address, client, return_url))
        # Perhaps GSIS looks at the return address only after somebody has logged in.
        anyhow, _address = _followed(server, client, NOBODYS_ADDRESS)
    except ProviderFailure as failure:
        return Finding(tried, f"unclear: {failure}; try again later")
    if _is_login_page(anyhow, client):
        tried += " (unclear: it does for any address; only a first login shows whether this one is known)"
    return Finding(tried)


def _followed(server: GsisServer, client: Client, return_url: str) -> tuple[Answer, str]:
    """The page to which a login leads, and its address; never one outside GSIS."""
    address = client.authorize_address(return_url, INVENTED)
    answer = server.ask("GET", address)
    for _ in range(MOST_REDIRECTS):
        if not answer.location or answer.status not in (301, 302, 303, 307, 308):
            break
        address = _joined(address, answer.location)
        if _origin(address) != _origin(client.authorize):
            break
        answer = server.ask("GET", address)
    return answer, address


def _is_login_page(answer: Answer, client: Client) -> bool:
    last_part = client.login_path.rpartition("/")[2].encode()
    return answer.status == 200 and last_part in answer.body


def _trouble_of_page(answer: Answer, address: str, client: Client, return_url: str) -> str:
    if _origin(address) != _origin(client.authorize):
        return _trouble_of_way(address, client, return_url)
    if answer.status == 404:
        return f"nothing is there; check base_url, {client.prefix}context and authorize_path"
    if answer.status >= 500:
        return f"unclear: GSIS answers {answer.status}; it may be under maintenance, try again later"
    register = f"ask GSIS to register {return_url} for {client.prefix}client_id"
    if SPEAKS_OF_ADDRESS.search(answer.body):
        return f"GSIS does not know the return address; {register}"
    if SPEAKS_OF_CLIENT.search(answer.body):
        return f"GSIS does not know this client; compare {client.prefix}client_id and {client.prefix}context"
    return f"unclear: no login page comes ({answer.status}); compare {client.settings}, and {register}"


def _trouble_of_way(address: str, client: Client, return_url: str) -> str:
    """GSIS led away from itself: back to the portal with an error, or to a place of which we know nothing."""
    if not address.startswith(return_url):
        return f"unclear: GSIS leads on to {_origin(address)}; begin a login in a browser and look"
    told = parse_qs(urlsplit(address).query).get("error", [""])[0]
    error = told if re.fullmatch(r"[a-z_]{1,40}", told) else "an error that is not known"
    return f"GSIS sends people back with {error}; compare {client.settings}, and scope"


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:
        raise TemporaryFailure("GSIS leads to something that is no address") from None


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
