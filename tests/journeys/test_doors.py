"""Who comes through which door, what he finds there, and what he reads where he has no business."""

from __future__ import annotations

import pytest

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.parametrize(("language", "device"), [("el", "phone"), ("en", "desktop")]),
]


def test_a_citizen_looks_after_his_details_and_leaves(walker, language, device):
    citizen = walker(language, device)
    page = citizen.page
    citizen.go("/my-details")
    page.click("button[value='john.miller']")
    citizen.look("own-details")
    page.fill("#email", "john@")
    page.click("main form button.button--primary")
    citizen.sees(".error-summary")
    citizen.look("own-details-errors")
    page.fill("#email", f"john-{language}@example.gr")
    page.click("main form button.button--primary")
    citizen.sees(".notice--success")
    citizen.look("own-details-kept")
    citizen.go("/staff/")
    citizen.look("login-of-staff")
    citizen.go("/my-details")
    page.click("form[action$='/logout'] button")
    citizen.sees(".notice--success")
    citizen.go("/login/back?state=of-nobody")
    citizen.look("login-failed")


def test_who_came_through_the_staffs_door_reads_whose_page_it_is(walker, language, device):
    for persona, path, name in (
        ("r.sideri", "/interpreting/", "interpreting"),
        ("r.sideri", "/staff/", "not-for-interpreters"),
        ("k.alexiou", "/staff/planning/", "not-for-clerks"),
        ("k.alexiou", "/appointments", "not-for-staff"),
        ("maria.papadopoulou", "/staff/", "no-post"),
    ):
        somebody = walker(language, device)
        somebody.go("/login/staff")
        somebody.page.click(f"button[value='{persona}']")
        somebody.sees("h1")
        somebody.go(path)
        somebody.look(name)
