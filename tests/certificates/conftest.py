"""A municipality with codes, templates of its own and a counter whose citizen waits for a certificate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from flask import Flask

from portal.config import CertificateSettings

DEMO_CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"


def make_pdf() -> bytes:
    """Somebody's PDF of one page."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        whole = BytesIO()
        pdf.save(whole)
        return whole.getvalue()


def text_of(content: bytes) -> str:
    """What a reader of the PDF reads."""
    with pypdfium2.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def codes_in(content: bytes) -> list[str]:
    """What a telephone reads from the pages, drawn as a printer draws them."""
    with pypdfium2.PdfDocument(content) as document:
        drawn = [page.render(scale=2).to_pil() for page in document]
    return [code.text for picture in drawn for code in zxingcpp.read_barcodes(picture)]


@pytest.fixture
def settings(app: Flask) -> Callable[..., None]:
    """``settings(certificates=…)``: the portal as if its file said so."""

    def change(**values: Any) -> None:
        app.config["PORTAL"] = dataclasses.replace(app.config["PORTAL"], **values)

    return change


@pytest.fixture
def folder(settings: Callable[..., None], tmp_path: Path) -> Path:
    """The municipality's own folder of templates."""
    own = tmp_path / "certificates"
    own.mkdir()
    settings(operator_folder=tmp_path)
    return own


@pytest.fixture
def with_codes(settings: Callable[..., None]) -> None:
    """Every issued PDF carries a code."""
    settings(certificates=CertificateSettings(verification=True))


@dataclasses.dataclass
class Owed:
    """The counter after calls that ended with a certificate to be written."""

    app: Flask
    citizen: Any

    def request(self, service_key: str = "permanent-residence") -> Any:
        """The document that the office owes after a call about this service."""
        from portal.appointments import availability, call, lifecycle
        from portal.db import db, transaction
        from portal.documents.lifecycle import request_of
        from portal.offices.models import Service

        service = db.session.query(Service).filter_by(key=service_key).one()
        booking = self.app.config["PORTAL"].booking
        details = lifecycle.Details(
            name="Ευάγγελος Χατζηγιάννης <&>",
            email="maria@citizens.example",
            phone="+306900000000",
            language="el",
            paper="id_card",
            delivery="email",
            recipient={"email": "maria@citizens.example"},
        )
        starts_at = availability.offer(service, booking).starts[0]
        with transaction():
            row = lifecycle.hold(service, booking, None, starts_at, self.citizen, "el")
            lifecycle.confirm(row, booking, self.citizen, details, self.citizen, notify=False)
            call.start(row, ["direct"], row.clerk)
            call.finish(row, "issue", row.clerk)
        return request_of(row)

    def second(self, request: Any) -> Any:
        """Somebody who may approve what the clerk of this request prepares."""
        return next(one for one in self._staff() if self._may_approve(one, request))

    def colleague(self, request: Any) -> Any:
        """Staff of the same office without that right."""
        from portal.people import access

        office = request.appointment.office_id
        return next(
            one
            for one in self._staff()
            if access.may_see_office(one, office)
            and one.id != request.appointment.clerk_id
            and not self._may_approve(one, request)
        )

    def _staff(self) -> list[Any]:
        from portal.db import db
        from portal.people.models import Membership, Person

        return db.session.query(Person).filter(Person.memberships.any(Membership.active)).all()

    def _may_approve(self, person: Any, request: Any) -> bool:
        from portal.people import access

        appointment = request.appointment
        return access.may_approve(person, appointment.office_id, appointment.clerk_id)


@pytest.fixture
def owed(app: Flask, clock: Any, demonstration: None) -> Owed:
    """The demonstration's counter on a Monday morning."""
    from portal.db import db, transaction
    from portal.people.models import Person

    citizen = Person(first_name="Ευάγγελος", last_name="Χατζηγιάννης", fathers_name="Γεωργίου")
    with transaction():
        db.session.add(citizen)
    return Owed(app, citizen)


@pytest.fixture
def at_desk(client: Any, log_in: Callable[..., None]) -> Callable[[Any], Any]:
    """``at_desk(person)``: that person's browser, in English, come through the staff's door."""

    def enter(person: Any) -> Any:
        client.get("/manual?lang=en")
        log_in(client, person, door="staff")
        return client

    return enter
