"""A counter with its catalogue, a citizen whose call has just ended, and the papers to issue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from flask import Flask
from portal_delivery_elta.courier import EltaCourier
from portal_delivery_elta.points import EltaPoint
from portal_delivery_elta.registered import RegisteredMail
from portal_delivery_elta.settings import EltaSettings
from pydantic import SecretStr
from time_machine import Traveller

from portal.plugin_api import DeliveryProvider, PickupPoint
from portal.testing.elta import EltaSimulator

DOCUMENT_DAYS = 30
ADDRESS = {"street": "Δοκιμής", "number": "1", "postal_code": "15772", "town": "Ζωγράφου"}
POINT = PickupPoint("00123", "ΚΑΤΑΣΤΗΜΑ ΖΩΓΡΑΦΟΥ", "ΟΔΟΣ ΔΟΚΙΜΗΣ 1", "ΖΩΓΡΑΦΟΥ", "15772")
NEEDS: dict[str, dict[str, Any]] = {
    "email": {},
    "mailbox": {},
    "pickup": {},
    "elta": {"postal_address": ADDRESS, "phone": "+306900000000"},
    "elta_point": {"pickup_point": asdict(POINT), "phone": "+306900000000"},
    "elta_registered": {"postal_address": ADDRESS},
}


def make_pdf(change: Callable[[pikepdf.Pdf], None] | None = None, **save: Any) -> bytes:
    """A PDF of one page, changed by ``change`` before it is saved."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        if change:
            change(pdf)
        whole = BytesIO()
        pdf.save(whole, **save)
        return whole.getvalue()


@pytest.fixture(name="make_pdf")
def make_pdf_() -> Callable[..., bytes]:
    return make_pdf


@dataclass
class Case:
    """The counter after a call that ended with a document to be issued."""

    app: Flask
    citizen: Any
    stranger: Any
    needs: dict[str, dict[str, Any]] = field(default_factory=lambda: NEEDS)
    """What each bundled way of delivery has to know."""

    def owed(self, way: str = "email", **recipient: Any) -> Any:
        """Book, meet and end with “a document will be issued”; the answer is the request."""
        from portal.appointments import availability, call, lifecycle
        from portal.db import db, transaction
        from portal.documents.lifecycle import request_of
        from portal.offices.models import Service

        service = db.session.query(Service).filter_by(key="birth-certificate").one()
        booking = self.app.config["PORTAL"].booking
        details = lifecycle.Details(
            name=self.citizen.name,
            email="maria@citizens.example",
            phone="+306900000000",
            language="el",
            paper="id_card",
            delivery=way,
            recipient={"email": "maria@citizens.example", **recipient} if way == "email" else recipient,
        )
        starts_at = availability.offer(service, booking).starts[0]
        with transaction():
            row = lifecycle.hold(service, booking, None, starts_at, self.citizen, "el")
            lifecycle.confirm(row, booking, self.citizen, details, self.citizen, notify=False)
            call.start(row, ["direct"], row.clerk)
            call.finish(row, "issue", row.clerk)
        return request_of(row)

    def issued(self, way: str = "email", **recipient: Any) -> Any:
        """The same with the document issued; nothing has been sent yet."""
        from portal import files
        from portal.db import transaction
        from portal.documents import lifecycle

        request = self.owed(way, **recipient)
        stored = files.store_pdf("Πιστοποιητικό γέννησης.pdf", make_pdf())
        with transaction():
            lifecycle.issue(request, stored, request.appointment.clerk, DOCUMENT_DAYS)
        return request

    def work(self) -> int:
        """Do all work that is due; afterwards the rows are looked at as the workers left them."""
        from portal.db import db
        from portal.outbox import run_due

        try:
            return run_due(self.app)
        finally:
            db.session.rollback()

    def letters(self) -> list[Any]:
        """The mails that went out, newest first."""
        from portal import mailbox

        return mailbox.letters(self.app.config["PORTAL"].instance / "mailbox")

    def staff(self, role: str, office_id: int | None = None, *, elsewhere: bool = False) -> list[Any]:
        """Those who hold this post: at the office, or ``elsewhere`` only."""
        from portal.db import db
        from portal.people.models import Membership, Person

        post = (Membership.role == role) & Membership.active
        if office_id is None:
            wanted = Person.memberships.any(post)
        elif elsewhere:
            here = Membership.office_id == office_id
            wanted = Person.memberships.any(post) & ~Person.memberships.any(here)
        else:
            wanted = Person.memberships.any(post & (Membership.office_id == office_id))
        return db.session.query(Person).filter(wanted).order_by(Person.id).all()


@pytest.fixture
def case(app: Flask, clock: Traveller, demonstration: None) -> Case:
    """The demonstration's counter on a Monday morning."""
    from portal.db import db, transaction
    from portal.people.models import Person

    people = [Person(first_name=name, last_name="Δοκιμή") for name in ("Μαρία", "Άλλος")]
    with transaction():
        db.session.add_all(people)
    return Case(app, *people)


@pytest.fixture
def at_desk(client: Any, log_in: Callable[..., None]) -> Callable[..., Any]:
    """``at_desk(person)``: that person's browser, come through the staff's door; in English, or ``"el"``."""

    def enter(person: Any, language: str = "en") -> Any:
        client.get(f"/manual?lang={language}")
        log_in(client, person, door="staff")
        return client

    return enter


@pytest.fixture
def owner(case: Case, client: Any, log_in: Callable[..., None]) -> Any:
    """The citizen's browser, in English."""
    client.get("/manual?lang=en")
    log_in(client, case.citizen)
    return client


@pytest.fixture
def ready(case: Case) -> Any:
    """A document that lies at the counter since Monday morning, for twenty days."""
    request = case.issued("pickup")
    case.work()
    return request.deliveries[0]


@pytest.fixture
def clerk(ready: Any, at_desk: Callable[..., Any]) -> Any:
    """The browser of the clerk of the document at the counter."""
    return at_desk(ready.request.appointment.clerk)


@pytest.fixture
def waiting(case: Case) -> Any:
    """A document that lies in the portal, and of which the citizen has been told."""
    request = case.issued("mailbox")
    case.work()
    return request


@pytest.fixture
def elta(clock: Traveller) -> Iterator[EltaSimulator]:
    """A strict stand-in for ELTA Courier."""
    server = EltaSimulator()
    yield server
    server.close()


@pytest.fixture
def ways(case: Any, elta: EltaSimulator, plugin_context: Callable[..., Any]) -> dict[str, DeliveryProvider]:
    """All bundled ways of delivery, in use; the carrier's list of points is not fetched yet."""
    settings = EltaSettings(
        base_url=elta.url, user_code="9999999", password=SecretStr("9999999"), sender_code="999999999"
    )
    contract = settings.contract()
    assert contract is not None
    context = plugin_context("delivery_elta", settings)
    from portal.providers import current_providers
    from portal.testing.fakes import choose

    bundled = current_providers().delivery
    at_hand = [bundled[name] for name in ("email", "mailbox", "pickup")]
    by_courier = [EltaCourier(context, contract), EltaPoint(context, contract)]
    known = [*at_hand, *by_courier, RegisteredMail()]
    choose(case.app, delivery=tuple(known))
    return {provider.name: provider for provider in known}


@pytest.fixture
def points(ways: dict[str, DeliveryProvider]) -> None:
    """The list of the carrier's points is here."""
    from portal.points import jobs

    jobs.refresh("elta_point")


@pytest.fixture(scope="session")
def bucket_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 service with an empty bucket; see `portal.testing.bucket`."""
    from portal.testing import bucket

    with bucket.service(tmp_path_factory.mktemp("bucket")) as address:
        yield address
