"""Times with an interpreter, booking at the counter, absences and planning, in real browsers."""

from __future__ import annotations

import re

import pytest

SERVICE = "birth-certificate"
WAYS = {"el-phone": ("el", "phone"), "en-desktop": ("en", "desktop")}

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.parametrize(("language", "device"), WAYS.values(), ids=WAYS),
]


def test_a_deaf_citizen_books_a_clerk_and_an_interpreter_and_waits_for_an_earlier_time(
    walker, language, device
):
    citizen = walker(language, device)
    page = citizen.page
    citizen.go(f"/services/{SERVICE}/times")
    page.click("details.details > summary")
    page.check("#interpreter")
    citizen.look("times-choice")
    page.click("details.details button[type=submit]")
    assert "interpreter=1" in page.url
    page.click("a[href*='/month']")
    citizen.look("month")
    page.locator("a.month-day").last.click()
    citizen.look("times-interpreter")
    page.locator(".times").last.locator("button").last.click()
    page.click("main a.button--primary")
    page.click("button[value='eleftheria.stamou']")
    citizen.sees("form[action='/booking']")
    citizen.look("details-interpreter")
    page.fill("#email", f"deaf-{language}@example.gr")
    page.fill("#phone", "690 000 0001")
    page.check("input[name=paper][value=id_card]")
    page.check("input[name=delivery][value=pickup]")
    page.click("form[action='/booking'] button.button--primary")
    citizen.sees(".panel")
    citizen.look("booked-interpreter")
    page.click("form[action$='/earlier/join'] button")
    citizen.sees(".notice--success")
    citizen.look("on-the-list")


def test_a_supervisor_books_for_a_caller_and_settles_an_absence(walker, language, device):
    clerk = walker(language, device)
    page = clerk.page
    clerk.go("/staff/book/")
    page.click("button[value='s.ioannou']")
    clerk.sees("select#service")
    clerk.look("book-choice")
    page.select_option("#service", SERVICE)
    page.locator("main form button").first.click()
    clerk.look("book-times")
    page.locator("main form[method=post] button.button--primary").click()
    clerk.sees(".error-summary")
    clerk.look("book-errors")
    page.locator("input[name=start]").first.check()
    page.fill("#name", "Γεώργιος Καλαμάτας")
    page.fill("#phone", "210 000 0000")
    page.check("input[name=asked][value=phone]")
    page.check("input[name=delivery][value=pickup]")
    page.locator("main form[method=post] button.button--primary").click()
    clerk.sees(".notice--success")
    clerk.look("booked-for-a-caller")

    clerk.go("/staff/absences/")
    clerk.look("absences")
    page.fill("#first_day", page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)"))
    page.fill("#last_day", page.evaluate("new Date(Date.now() + 6 * 864e5).toISOString().slice(0, 10)"))
    page.locator("main form[action$='/staff/absences/'] button.button--primary").click()
    page.wait_for_url(re.compile(r"/staff/absences/\d+$"))
    clerk.look("settle")
    if page.locator("input[name=do]").count():
        page.locator("input[name=do]").first.check()
        page.click("main form button.button--primary")
        clerk.sees("#outcomes-title")
        clerk.look("settled")
    clerk.go("/staff/absences/")
    page.locator("form[action$='/take-back'] button").first.click()
    clerk.sees(".notice--success")

    clerk.go(f"/staff/planning/?service={SERVICE}")
    clerk.look("planning")
    clerk.go("/staff/planning/hours")
    clerk.look("planning-hours")
