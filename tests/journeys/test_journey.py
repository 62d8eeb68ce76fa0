"""The whole story in real browsers: book, move, meet, identify, invite, issue, deliver.

A citizen, a clerk and an invited third person, in Greek and in English, on a desktop and on a phone.
"""

from __future__ import annotations

import os
import re
from io import BytesIO

import pikepdf
import pytest

CITIZENS = {
    ("el", "phone"): "maria.papadopoulou",
    ("en", "desktop"): "john.miller",
}
"""Each language and each device once: a walk takes a minute."""
if "PORTAL_SCREENSHOTS" in os.environ:
    CITIZENS |= {("el", "desktop"): "giorgos.nikolaidis", ("en", "phone"): "eleftheria.stamou"}

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(("language", "device"), CITIZENS, ids=["-".join(key) for key in CITIZENS])
def test_from_the_first_page_to_the_document_in_hand(walker, language, device):
    citizen = walker(language, device)
    email = f"{language}-{device}@example.gr"
    key = book(citizen, CITIZENS[language, device], email)
    move(citizen)
    join_link = citizen.link_in_mail(email, "/join/")
    at_the_door_too_early(citizen, join_link)

    clerk = walker(language, "desktop")
    open_the_counter(clerk, key)
    enter_the_call(citizen)
    clerk_sees(clerk, pictures=2)
    clerk.look("call-clerk")
    citizen.look("call-citizen")

    companion = walker(language, device)
    guest_email = f"companion-{email}"
    invite(clerk, guest_email)
    companion.go(companion.link_in_mail(guest_email, "/join/"))
    companion.sees("[data-door][data-state=waiting]")
    companion.look("door-waiting")
    clerk.page.click("form[action*='/admit/'] button")
    enter_the_call(companion)
    clerk_sees(clerk, pictures=3)
    clerk.look("call-three")

    identify(clerk)
    sound_only_and_back(clerk, citizen)
    end_the_call(clerk)
    citizen.sees("[data-door][data-state=over]")
    citizen.look("door-over")

    issue(clerk)
    read_with_one_time_code(walker(language, device), email)
    clerk.page.reload()
    assert clerk.page.locator(".timeline-entry--done").count() >= 3
    citizen.go(f"/appointments/{key}")
    citizen.look("appointment-done")


def book(citizen, persona, email):
    """From the home page to the booked appointment; answers its key."""
    page = citizen.page
    citizen.go("/")
    citizen.look("home")
    page.click("a.button--primary[href$='/fields']")
    citizen.look("fields")
    page.click("a[href='/fields/applications']")
    citizen.look("services")
    page.click("a[href='/services/birth-certificate']")
    citizen.look("service")
    page.click("a[href*='office=kep-central']")
    citizen.look("times")
    page.locator(".times").last.locator("button").last.click()
    citizen.look("login-first")
    page.click("main a.button--primary")
    citizen.look("login")
    page.click(f"button[value='{persona}']")
    citizen.sees("form[action='/booking']")
    page.click("form[action='/booking'] button.button--primary")
    citizen.sees(".error-summary")
    citizen.look("details-errors")
    act_for_others(citizen)
    page.fill("#email", email)
    page.fill("#phone", "690 000 0000")
    page.check("input[name=paper][value=id_card]")
    page.check("input[name=delivery][value=email]")
    page.check("input[name=needs][value=written]")
    page.click("button[name=extend]")
    assert page.input_value("#email") == email
    citizen.look("details")
    page.click("form[action='/booking'] button.button--primary")
    citizen.sees(".panel")
    citizen.look("booked")
    return re.search(r"/appointments/(\w+)", page.url).group(1)


def act_for_others(citizen):
    """What is asked for whom unfolds below its answer, and tells what is missing; then it is for himself."""
    page = citizen.page
    for whom, first in (("person", "first_name"), ("business", "business_name")):
        page.check(f"input[name=behalf-whom][value={whom}]")
        assert page.locator(f"#behalf-{first}").is_visible()
        page.click("form[action='/booking'] button.button--primary")
        citizen.sees(f"#behalf-{first}-error")
        citizen.look(f"details-{whom}")
    page.check("input[name=behalf-whom][value=self]")
    assert not page.locator("#behalf-business_name").is_visible()


def move(citizen):
    """Choose another hour; the page and the mails follow."""
    page = citizen.page
    before = page.inner_text(".ticket-when")
    page.click("a[href$='/move']")
    citizen.look("move")
    page.locator("a.day[href]").last.click()
    page.locator(".times").last.locator("button").first.click()
    citizen.sees(".notice--success")
    assert page.inner_text(".ticket-when") != before


def at_the_door_too_early(citizen, link):
    """The link explains itself, and camera and microphone can be checked days before."""
    citizen.go(link)
    citizen.sees("[data-door][data-state=early]")
    citizen.look("door-early")
    citizen.page.click("a[href$='/check']")
    citizen.sees("[data-device-check]")
    citizen.page.click("[data-start]")
    citizen.until("document.querySelector('[data-preview]').videoWidth > 0")
    citizen.look("device-check")
    citizen.go(link)


def open_the_counter(clerk, key):
    """The supervisor logs in, looks at the office's day and opens the case."""
    clerk.go("/staff/")
    clerk.look("login-staff")
    clerk.page.click("button[value='s.ioannou']")
    clerk.sees(".day-head")
    clerk.look("staff-day")
    clerk.page.click("a[href*='office=kep-central']")
    clerk.look("staff-office-day")
    clerk.go(f"/staff/appointments/{key}")
    clerk.look("case")
    clerk.page.click("form[action$='/start'] button")
    clerk.sees("[data-direct-call]")


def enter_the_call(guest):
    """The door opens by itself once the clerk has admitted; the way in is pressed by the person."""
    guest.sees("[data-door][data-state=admitted]")
    if "/call" not in guest.page.url:
        guest.look("door-admitted")
        guest.page.click("a[href$='/call']")
    guest.sees("[data-direct-call]")


def clerk_sees(clerk, pictures):
    """So many moving pictures, the clerk's own among them."""
    clerk.until(
        "[...document.querySelectorAll('[data-direct-call] video')]"
        f".filter(video => video.videoWidth > 0 && video.currentTime > 0).length >= {pictures}"
    )


def invite(clerk, email):
    """Invite a companion without leaving the call."""
    clerk.page.click("#invite summary")
    clerk.page.fill("#invite [name=name]", "Ελένη Δήμου")
    clerk.page.fill("#invite [name=email]", email)
    clerk.page.click("#invite button")
    clerk.page.wait_for_selector(f"text={'Ελένη Δήμου'}")


def identify(clerk):
    """Tick what was seen; the call goes on meanwhile."""
    for name in ("paper_shown", "face_matches", "name_matches"):
        clerk.page.check(f"[data-part=identity] [name={name}]")
    clerk.page.click("[data-part=identity] form button")
    clerk.page.wait_for_selector("[data-call][data-identified=true]", state="attached")
    clerk_sees(clerk, pictures=3)


def sound_only_and_back(clerk, citizen):
    """After the identification the clerk may switch the pictures off for everybody, and on again."""
    for now in ("true", "false"):
        clerk.page.click("[data-part=sound] [name=sound_only]")
        for person in (clerk, citizen):
            person.page.wait_for_selector(f"[data-direct-call][data-sound-only={now}]", state="attached")


def end_the_call(clerk):
    """A document is to be issued; the call ends for everybody."""
    clerk.page.fill("[data-part=closing] [name=note]", "Ζητήθηκε ένα αντίγραφο.")
    clerk.page.check("[data-part=closing] [value=issue]")
    clerk.page.click("[data-part=closing] button.button--danger")
    clerk.page.wait_for_url(re.compile(r"/staff/appointments/\w+$"))
    clerk.look("case-to-issue")


def issue(clerk):
    """Add the PDF; it goes on its way."""
    document = {"name": "Πιστοποιητικό.pdf", "mimeType": "application/pdf", "buffer": a_pdf()}
    clerk.page.set_input_files("input[type=file]", document)
    clerk.page.locator("form[enctype] button").first.click()
    clerk.sees(".notice--success")
    clerk.look("case-issued")
    clerk.go("/staff/deliveries")
    clerk.look("deliveries")
    clerk.page.go_back()


def read_with_one_time_code(reader, email):
    """Somebody with the citizen's mail, but not logged in, opens the document with a code."""
    link = reader.link_in_mail(email, "/documents/")
    reader.go(link)
    reader.look("document-prove")
    reader.page.click("form[action$='/code'] button")
    reader.sees("input[name=code]")
    reader.look("document-code")
    entry = reader.page.url
    code = reader.in_mail(email, r"(?<![\w./-])\d{6}(?![\w-])")
    reader.go(entry)
    reader.page.fill("input[name=code]", code)
    reader.page.locator("form:has(input[name=code]) button").first.click()
    reader.sees("a[href$='/file']")
    reader.look("document")
    with reader.page.expect_download() as download:
        reader.page.click("a[href$='/file']")
    with pikepdf.open(download.value.path()) as pdf:
        assert len(pdf.pages) == 2, "the clerk's page, and the one with the code"


def a_pdf():
    """An empty page."""
    pdf, content = pikepdf.new(), BytesIO()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.save(content)
    return content.getvalue()
