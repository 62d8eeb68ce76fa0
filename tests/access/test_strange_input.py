"""Letters that no keyboard writes, in every place of every address, on both databases: no breakdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from portal import security
from portal.db import db, transaction
from portal.offices.models import Office
from portal.people.models import Membership, Person
from portal.testing.browser import Browser

FORM_SECRET = "0" * 40
PLACE = re.compile(r"<(?:[a-z]+(?:\([^)]*\))?:)?\w+>")
NUL, NO_LETTER, LARGE = "%00", "%ff", "9" * 25
FIELDS = (
    *("office", "clerk", "service", "person", "start", "day", "month", "find", "code", "name", "email"),
    *("phone", "first_day", "last_day", "reason", "to", "next", "state", "subject", "behalf-first_name"),
    *("remark", "needs", "closure", "channel", "interpreted", "hours", "key", "version", "page", "lang"),
)
"""Names that fields of our forms and addresses have."""


@pytest.fixture
def addresses(each_counter, clock, monkeypatch) -> Iterator[list[tuple[str, frozenset[str]]]]:
    monkeypatch.setattr(security.limiter, "enabled", False)
    # A breakdown shall answer 500 as it does in earnest.
    each_counter.app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
    rules = each_counter.app.url_map.iter_rules()
    # Logging out would make everybody nobody for the rest of the way; it has no place for letters but one.
    left_out = ("static", "login.out")
    yield [
        (rule.rule, frozenset(rule.methods or ())) for rule in rules if not rule.endpoint.endswith(left_out)
    ]


@pytest.fixture
def browsers(each_counter, log_in):
    """Those of nobody, of a citizen and of an administrator."""

    def enter(person: Person | None, door: str) -> Browser:
        browser = Browser(each_counter.app, each_counter.app.response_class)
        if person:
            log_in(browser, person, door=door)
        with browser.session_transaction() as session:
            session["csrf_token"] = FORM_SECRET
        return browser

    with transaction():
        boss = Person(login="boss")
        office = db.session.scalars(select(Office).order_by(Office.id)).first()
        db.session.add_all([boss, Membership(person=boss, office=office, role="administrator")])
    return {
        "nobody": enter(None, ""),
        "citizen": enter(each_counter.citizen, "citizens"),
        "boss": enter(boss, "staff"),
    }


def request_to(rule: str, methods: frozenset[str], strange: str, token: str) -> dict[str, object]:
    """What to send to an address so that the strange letters stand in each of its places."""
    values = "&".join(f"{name}={strange}" for name in FIELDS)
    path = PLACE.sub(strange, rule)
    if "GET" in methods:
        return {"path": f"{path}?{values}"}
    kind = "application/x-www-form-urlencoded"
    return {"path": path, "method": "POST", "data": f"csrf_token={token}&{values}", "content_type": kind}


def test_letters_that_nobody_types_break_no_page(each_counter, addresses, browsers):
    token = URLSafeTimedSerializer(each_counter.app.secret_key, salt="wtf-csrf-token").dumps(FORM_SECRET)
    sent = [("nobody", NUL), ("nobody", NO_LETTER), ("citizen", LARGE), ("boss", LARGE)]
    broken = []
    for rule, methods in addresses:
        for who, strange in sent:
            with browsers[who].open(**request_to(rule, methods, strange, token)) as answer:
                broken += [(who, rule, strange)] if answer.status_code >= 500 else []
    assert broken == []


def test_a_nul_in_a_form_gets_a_page_that_says_what_to_do(each_counter, browsers):
    browsers["citizen"].get("/?lang=en")
    answer = browsers["citizen"].post("/my-details", data={"email": "maria@example.gr\0"})
    assert answer.status_code == 400
    assert "We did not understand this request" in answer.text


def test_bytes_that_are_no_letters_in_an_address_do_no_harm(each_counter, browsers):
    raw = {"QUERY_STRING": "find=\xff\xce"}
    answers = {
        address: browsers["nobody"].get(address, environ_overrides=raw).status_code
        for address in ("/appointments", "/staff/", "/services/birth-certificate", "/login/back")
    }
    assert list(answers.values()) == [302, 302, 200, 400]
