"""What is said to somebody whose role has no such page, where everybody begins, and his navigation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from portal.testing.page_lint import lint

REFUSED = [
    ("clerk", "/appointments", "This page is for citizens", "/staff/"),
    ("interp", "/appointments", "This page is for citizens", "/interpreting/"),
    ("nopost", "/appointments", "This page is for citizens", "/logout"),
    ("nopost", "/staff/", "Your account has no post at the counter", "/logout"),
    ("nopost", "/interpreting/", "Your account has no post at the counter", "/logout"),
    ("interp", "/staff/", "This page is for the staff of the counter", "/interpreting/"),
    ("interp", "/staff/planning/", "This page is for the staff of the counter", "/interpreting/"),
    ("clerk", "/staff/planning/", "This page is for supervisors", "/staff/"),
    ("clerk", "/interpreting/", "This page is for interpreters", "/staff/"),
]


@pytest.mark.parametrize(("caller", "page", "title", "onward"), REFUSED)
def test_the_refusal_says_whose_page_it_is_and_where_to_go(
    browser_of: Callable[..., Any], caller: str, page: str, title: str, onward: str
) -> None:
    answer = browser_of(caller).get(page)
    assert answer.status_code == 403
    main = re.findall(r"<main.*</main>", answer.text, re.DOTALL)[0]
    assert f"<h1>{title}</h1>" in main
    assert f'"{onward}"' in main
    assert "You are logged in as" in main


@pytest.mark.parametrize("language", ["el", "en"])
@pytest.mark.parametrize(("caller", "page"), [(caller, page) for caller, page, *_ in REFUSED])
def test_the_refusals_are_in_order_in_both_languages(
    browser_of: Callable[..., Any], caller: str, page: str, language: str
) -> None:
    browser = browser_of(caller)
    browser.get(f"/manual?lang={language}")
    answer = browser.get(page)
    assert answer.status_code == 403
    assert f'<html lang="{language}">' in answer.text
    assert lint(answer.text, language) == []


def test_logging_out_is_what_helps_at_a_citizens_page(browser_of: Callable[..., Any]) -> None:
    browser = browser_of("clerk")
    browser.submit("/logout", page="/appointments")
    assert browser.get("/appointments").location.startswith("/login?")


NAVIGATION = [
    ("nobody", ["Home", "Services", "My appointments", "My documents"]),
    ("citizen", ["Home", "Services", "My appointments", "My documents"]),
    ("front", ["Home", "Services", "My appointments", "My documents"]),
    ("clerk", ["Home", "Services", "Staff"]),
    ("interp", ["Home", "Services", "Interpreting"]),
    ("nopost", ["Home", "Services"]),
]


@pytest.mark.parametrize(("caller", "entries"), NAVIGATION)
def test_the_navigation_leads_nobody_to_a_closed_page(
    browser_of: Callable[..., Any], caller: str, entries: list[str]
) -> None:
    page = browser_of(caller).get("/privacy").text
    links = re.findall(r'<ul class="site-nav-list">(.*?)</ul>', page, re.DOTALL)[0]
    assert re.findall(r">([^<>]+)</a>", links) == entries


@pytest.mark.parametrize(
    ("person", "login", "home"),
    [
        ("k.alexiou", "/login/staff", "/staff/"),
        ("r.sideri", "/login/staff", "/interpreting/"),
        ("maria.papadopoulou", "/login/staff", "/staff/"),
        ("maria.papadopoulou", "/login", "/appointments"),
    ],
)
def test_a_login_leads_everybody_to_where_his_work_is(
    browser_of: Callable[..., Any], person: str, login: str, home: str
) -> None:
    browser = browser_of("nobody")
    back = browser.submit(browser.get(login).location, {"subject": person}).location
    assert browser.get(back).location == home
