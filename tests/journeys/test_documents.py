"""Documents in real browsers: written, approved, checked by anybody; papers sent; handed over at the desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from portal_delivery_elta.registered import RegisteredMail

from portal import clock, create_app
from portal.appointments.models import Appointment
from portal.catalogue import import_file
from portal.config import load
from portal.db import Bilingual, db, transaction
from portal.demo import CATALOGUE, bookings, documents
from portal.demo.citizens import Invented
from portal.documents import states
from portal.documents.lifecycle import request_of
from portal.documents.models import DocumentRequest
from portal.documents.papers import lifecycle as papers
from portal.offices.models import Office, Service
from portal.providers import current_providers
from portal.testing.fakes import choose
from portal.testing.serving import Place
from tests.journeys.conftest import Portal

CITIZEN = Invented("giorgos.nikolaidis", "Γιώργος", "Νικολαΐδης", "Παύλος", 1991, "+306900000017")
DAY = "2026-11-20"
BY_POST = "military-status"
CLERK, SECOND = "s.ioannou", "k.alexiou"
WAYS = {"el-phone": ("el", "phone"), "en-desktop": ("en", "desktop")}

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.parametrize(("language", "device"), WAYS.values(), ids=WAYS),
]


class Counter(Portal):
    """A portal without workers, in which a call can be over at once."""

    app: Any

    def owed(self, service: str, missing: tuple[Bilingual, ...] = ()) -> str:
        """The key of a case whose call ended with a document to be issued; papers are ``missing``."""
        config = self.app.config["PORTAL"]
        with self.app.app_context(), transaction():
            wanted = db.session.scalars(db.select(Service).filter_by(key=service)).one()
            with clock.pretend(clock.now() - bookings.BOOKED_BEFORE):
                day = min(bookings.availability.offer(wanted, config.booking).by_day)
                booked = bookings.book(config, bookings.Visit(0, day, wanted, CITIZEN, 0))
            bookings.end(config, booked, "issue")
            if missing:
                papers.ask_for(request_of(booked), missing, booked.clerk)
            return booked.key

    def issued(self, service: str, way: str = "", *, late: bool = False) -> str:
        """The code of its delivery, if it has one; ``late`` where nobody came for it in time."""
        key = self.owed(service)
        with self.app.app_context():
            samples = documents.samples(1)
        with self.app.app_context(), transaction():
            found = db.session.scalars(
                db.select(DocumentRequest).join(Appointment).where(Appointment.key == key)
            ).one()
            delivery = documents.issue(found, samples.pop(), way)
            if late:
                delivery.kept_until = clock.now().date() - timedelta(days=1)
                states.change_delivery(delivery, "run_out")
            return delivery.code


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """Instead of the whole demonstration: its counter, whose cases the tests make."""
    place = Place()
    counter = Counter(place.url)
    counter.app = app = create_app(
        load({"PORTAL_INSTANCE": str(tmp_path_factory.mktemp("counter")), "PORTAL_BASE_URL": counter.url})
    )
    with app.app_context():
        db.create_all()
        import_file(CATALOGUE, app.config["PORTAL"].providers.delivery)
        choose(app, delivery=(*current_providers().delivery.values(), RegisteredMail()))
        with transaction():
            posted = db.session.scalars(db.select(Service).filter_by(key=BY_POST)).one()
            posted.deliveries = ["elta_registered"]
            # Of two offices chance would choose; whoever walks here serves the first one.
            db.session.scalars(db.select(Office).filter_by(key="kep-branch")).one().active = False
    place.serve(app)
    yield counter
    place.close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def test_a_certificate_is_written_approved_checked_and_taken_back(walker, portal, language, device):
    key = portal.owed("no-debt-certificate")
    clerk, second = walker(language, device), walker(language, device)
    clerk.enter("staff", CLERK, f"/staff/appointments/{key}")
    clerk.look("case-with-template")
    clerk.press("#document a[href$='/document/template']")
    write(clerk)
    second.enter("staff", SECOND, "/staff/deliveries")
    send_back(second)
    clerk.go(f"/staff/appointments/{key}")
    clerk.sees(".notice--warning:has-text('ΑΤΑΚ')")
    clerk.look("case-sent-back")
    clerk.go(f"/staff/appointments/{key}/document/template")
    fill_in(clerk)
    clerk.press("button[value=issue]")
    second.go("/staff/deliveries")
    second.press("#approval ~ .table-frame a.button")
    second.press("form[action$='/approve'] button")
    second.sees(".notice--success")

    clerk.go(f"/staff/appointments/{key}")
    clerk.look("case-approved")
    content = downloaded(clerk, "#document .summary-action a, #document dl a")
    code = code_in(content)
    anybody = walker(language, device)
    check(anybody, code, content)
    without_scripts(walker(language, device, java_script_enabled=False), code)

    clerk.page.locator("#document details", has=clerk.page.locator("form[action$='/take-back']")).click()
    clerk.page.click("form[action$='/take-back'] button")
    clerk.sees(".notice--success")
    anybody.go(f"/verify/{code}")
    anybody.sees(".notice--error")
    assert not anybody.page.locator("[data-fingerprint]").count()
    anybody.look("verify-taken-back")


def write(clerk):
    """Fill in the template: an answer is missing at first, then a draft is looked at, then it goes on."""
    clerk.press("button[value=issue]")
    clerk.sees(".error-summary")
    clerk.look("template-errors")
    fill_in(clerk)
    draft = downloaded(clerk, "button[value=preview]")
    assert "XXXX" in text_of(draft)
    assert clerk.page.input_value("#until") == DAY
    clerk.press("button[value=issue]")
    clerk.sees(".notice--success")
    clerk.look("case-to-approve")


def fill_in(clerk):
    """What the template asks for."""
    clerk.page.fill("#until", DAY)
    clerk.page.locator("input[name=kind]").first.check()


def send_back(second):
    """Nothing goes back without a reason."""
    second.press("#approval ~ .table-frame a.button")
    second.look("approve")
    second.press("form[action$='/send-back'] button")
    second.sees("#reason-error")
    second.look("approve-errors")
    second.page.fill("#reason", "Λείπει ο ΑΤΑΚ του ακινήτου.")
    second.press("form[action$='/send-back'] button")
    second.sees(".notice--success")


def check(anybody, code, content):
    """Typed wrong, typed right, and compared with two files that never leave the device."""
    anybody.go("/verify")
    anybody.look("verify")
    anybody.page.fill("#code", "7KQM-2XHD-9TRB-WZ4C")
    anybody.press("form:has(#code) button")
    anybody.sees(".notice--error")
    anybody.look("verify-unknown")
    anybody.page.fill("#code", code.lower().replace("-", " "))
    anybody.press("form:has(#code) button")
    anybody.sees(".notice--success")
    anybody.look("verify-valid")
    assert not anybody.page.locator("#sha256").is_visible()
    anybody.press("[data-fingerprint] button")
    anybody.sees("#missing")
    sent = []
    anybody.page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    for file, answer in ((content, "success"), (content + b"\n", "error")):
        pdf = {"name": "document.pdf", "mimeType": "application/pdf", "buffer": file}
        anybody.page.set_input_files("[data-file] input", pdf)
        anybody.until("document.querySelector('#sha256').value.length === 64")
        anybody.press("[data-fingerprint] button")
        anybody.sees(f".notice--{answer}")
    anybody.look("verify-another-file")
    assert max(sent) < 500 < len(content)


def without_scripts(anybody, code):
    """The page answers alike; the fingerprint is typed, and the page tells how to compute it."""
    anybody.go(f"/verify/{code}")
    anybody.sees(".notice--success")
    assert not anybody.page.locator("[data-file]").is_visible()
    assert "certutil" in anybody.page.inner_text("#sha256-hint")
    anybody.page.fill("#sha256", "0" * 64)
    anybody.page.click("[data-fingerprint] button")
    anybody.sees(".notice--error")


def test_a_citizen_sends_what_is_missing_and_the_office_looks_at_it(walker, portal, language, device):
    lease = Bilingual("Μισθωτήριο", "Lease")
    key = portal.owed("birth-certificate", (lease,))
    citizen, clerk = walker(language, device), walker(language, device)
    citizen.enter("citizens", CITIZEN.subject, f"/appointments/{key}")
    citizen.look("appointment-papers-missing")
    citizen.press("#document a[href*='/papers/']")
    send(citizen, "application/zip", b"PK no paper")
    citizen.sees(".error-summary")
    assert citizen.page.locator("h1", has_text=lease.in_language(language)).count()
    citizen.look("paper-refused-by-the-portal")
    send(citizen, "image/png", a_picture())
    citizen.sees(".notice--success")
    citizen.look("appointment-papers-sent")

    clerk.enter("staff", CLERK, f"/staff/appointments/{key}")
    clerk.look("case-papers")
    clerk.page.check("input[value=refuse]")
    clerk.page.fill("#papers input[type=text]", "Είναι δυσανάγνωστο.")
    clerk.press("form[action$='/papers/review'] button")
    clerk.look("case-papers-refused")
    citizen.page.reload()
    assert "Είναι δυσανάγνωστο." in citizen.page.inner_text("#document")
    citizen.look("appointment-paper-refused")
    citizen.press("#document a[href$='/withdraw']")
    citizen.look("withdraw")


def test_a_clerk_finds_by_code_hands_over_undoes_and_sees_what_is_stuck(walker, portal, language, device):
    code = portal.issued("criminal-record", "pickup")
    portal.issued("family-status-certificate", "pickup", late=True)
    portal.issued(BY_POST)
    clerk = walker(language, device)
    clerk.enter("staff", CLERK, "/staff/deliveries")
    clerk.look("desk")
    scan(clerk, "#desk-code", "AAAAA")
    clerk.sees("#desk-code-error")
    clerk.look("desk-wrong-code")
    scan(clerk, "#desk-code", code)
    clerk.look("hand-over")
    clerk.page.check("input[name=taker][value=authorised]")
    clerk.press("form[action$='/handed-over'] button")
    clerk.sees(".error-summary")
    assert clerk.page.is_checked("input[name=taker][value=authorised]")
    clerk.look("hand-over-errors")
    clerk.page.check("input[name=taker][value=citizen]")
    clerk.page.select_option("#paper", "passport")
    clerk.page.check("#paper_seen")
    clerk.press("form[action$='/handed-over'] button")
    clerk.page.wait_for_url("**/receipt")
    clerk.look("receipt")
    clerk.press("form[action$='/undo'] button")
    clerk.sees(".notice--success")
    clerk.go("/staff/deliveries?tray=problem")
    clerk.press("#problem ~ .table-frame a.button")
    clerk.look("choose-way")
    clerk.go("/staff/attention")
    clerk.look("attention")
    clerk.go("/staff/deliveries/hand-over/elta_registered")
    clerk.look("hand-over-list")
    clerk.press("main form button")
    clerk.sees(".notice--success")


def scan(clerk, field, code):
    """As a scanner types into the field: ended with Enter."""
    clerk.page.fill(field, code)
    with clerk.page.expect_navigation():
        clerk.page.press(field, "Enter")


def send(citizen, kind, content):
    """Choose a file and send it."""
    citizen.page.set_input_files(
        "input[type=file]", {"name": "lease.png", "mimeType": kind, "buffer": content}
    )
    citizen.press("form[enctype] button")


def downloaded(person, selector):
    """What the browser saves when this is clicked."""
    with person.page.expect_download() as waited:
        person.page.locator(selector).first.click()
    return waited.value.path().read_bytes()


def text_of(content):
    with pypdfium2.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def code_in(content):
    """The code as it stands in the PDF."""
    return re.search("-".join(["[2-9A-Z]{4}"] * 4), text_of(content)).group()


def a_picture():
    """A photo of a paper, of one colour."""
    drawn = BytesIO()
    Image.new("RGB", (40, 60), "white").save(drawn, "PNG")
    return drawn.getvalue()
