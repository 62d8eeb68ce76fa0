"""The demonstration has a catalogue and a believable week, and writes to nobody."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import func, select

from portal import demo, files
from portal.appointments.models import Appointment
from portal.audit import AuditLine
from portal.certificates import verification
from portal.db import db, transaction
from portal.demo import bookings, own_documents
from portal.documents.delivering import trays
from portal.documents.models import DocumentRequest, IssuedDocument
from portal.offices.models import Office
from portal.outbox import OutboxRow
from portal.people.models import Account, Membership, Person

pytestmark = pytest.mark.usefixtures("clock")


def states():
    db.session.rollback()  # sees what others wrote since
    counted = select(Appointment.state, func.count()).group_by(Appointment.state)
    return {state: number for state, number in db.session.execute(counted)}


def test_the_week_has_a_past_and_a_future_and_nobody_is_written_to(app):
    demo.prepare(app)
    found = states()
    assert found.keys() == {"booked", "done", "missed", "cancelled"}
    assert 35 <= sum(found.values()) <= 55
    made = db.session.scalars(select(Appointment)).all()
    assert len({appointment.clerk_id for appointment in made}) == 6
    assert len({appointment.service_id for appointment in made}) == 14
    outcomes = {appointment.outcome for appointment in made}
    assert {"issue", "nothing", "follow_up", "technical"} <= outcomes
    assert all(room.state == "closed" for appointment in made for room in appointment.rooms)
    assert {appointment.channel for appointment in made} == {"video", "phone", "in_person"}
    waiting = select(OutboxRow.kind).filter_by(state="waiting").distinct()
    assert set(db.session.scalars(waiting)) == {"document.forget", "verification.forget"}


def test_who_signs_has_an_interpreter_and_two_clerks_examine_what_needs_two(app):
    demo.prepare(app)
    made = db.session.scalars(select(Appointment)).all()
    signed = [appointment for appointment in made if appointment.interpreter_id]
    assert signed == [appointment for appointment in made if "sign_language" in appointment.needs]
    assert any(appointment.state == "booked" for appointment in signed)
    assert all(appointment.minutes > appointment.service.minutes for appointment in signed)
    examined = [appointment for appointment in made if appointment.second_clerk_id]
    assert {appointment.service.key for appointment in examined} == {"pavement-permit"}


def test_something_lies_on_each_tray_of_the_desk(app):
    demo.prepare(app)
    supervisor = db.session.scalars(
        select(Person).where(Person.memberships.any(Membership.role == "administrator"))
    ).first()
    heaps, empty = trays.heaps(supervisor, trays.Sieve())
    assert empty == []
    assert [heap.tray.name for heap in heaps] == [tray.name for tray in trays.TRAYS]
    (ready,) = (heap for heap in heaps if heap.tray.name == "ready")
    assert files.open_document(ready.rows[0].document.stored_as).read().startswith(b"%PDF-")


def test_the_documents_of_the_past_carry_codes_that_can_be_checked(app):
    demo.prepare(app)
    kept = db.session.scalars(select(IssuedDocument).order_by(IssuedDocument.id)).first()
    with pypdfium2.PdfDocument(files.open_document(kept.stored_as).read()) as pdf:
        (scanned,) = zxingcpp.read_barcodes(pdf[0].render(scale=2).to_pil())
    page, _, code = scanned.text.rpartition("/")
    assert page.endswith("/verify")
    assert verification.look_up(code).sha256 == kept.sha256


def test_what_was_done_is_dated_in_its_order(app):
    demo.prepare(app)
    dates: dict[str, list[datetime]] = {}
    for line in db.session.scalars(select(AuditLine).order_by(AuditLine.id)):
        dates.setdefault(line.subject, []).append(line.at)
    assert max(map(len, dates.values())) > 3
    assert [subject for subject, told in dates.items() if told != sorted(told)] == []


def test_one_who_can_log_in_has_documents_new_opened_and_archived(app):
    demo.prepare(app)
    owner = db.session.scalars(select(Account.person_id).filter_by(subject=own_documents.OWNER.subject)).one()
    his = [
        request
        for request in db.session.scalars(select(DocumentRequest).order_by(DocumentRequest.id))
        if request.appointment.citizen_id == owner
    ]
    assert [request.deliveries[0].provider for request in his] == ["mailbox", "mailbox", "email", "mailbox"]
    assert [request.deliveries[0].state for request in his] == ["delivered"] * 3 + ["sent"]
    assert [request.document.opened_at is not None for request in his] == [True, True, True, False]
    assert [request.document.archived_at is not None for request in his] == [True, False, False, False]
    assert len({request.appointment.starts_at for request in his}) == 4, "nobody is at two places at once"


def test_starting_again_changes_nothing_until_the_week_is_over(app, clock):
    demo.prepare(app)
    with transaction():
        db.session.scalars(select(Office)).first().phone = "210 000 0009"
    before = states()
    demo.prepare(app)
    assert states() == before
    clock.shift(timedelta(days=30))
    demo.prepare(app)
    db.session.rollback()
    assert bookings.any_ahead()
    assert db.session.scalars(select(Office)).first().phone == "210 000 0009"


@pytest.mark.parametrize(
    "moment", [datetime(2026, 12, 26, 22, 30, tzinfo=UTC), datetime(2027, 3, 28, 0, 59, tzinfo=UTC)]
)
def test_it_starts_at_any_hour_of_any_day(app, clock, moment):
    clock.move_to(moment)
    demo.prepare(app)
    assert bookings.any_ahead()


def test_what_was_held_today_by_phone_had_no_room_and_identified_nobody(app, clock):
    clock.move_to(datetime(2026, 11, 24, 17, 0, tzinfo=UTC))
    demo.prepare(app)
    calls = db.session.scalars(select(Appointment).filter_by(channel="phone", state="done")).all()
    assert calls
    assert not any(call.rooms or call.identity_check or call.outcome == "issue" for call in calls)


def test_strict_rules_make_a_quieter_week(app, portal_config):
    demo.prepare(app)
    strict = portal_config.booking.model_copy(update={"open_appointments": 1})
    with transaction():
        made = bookings.make(dataclasses.replace(portal_config, booking=strict), [])
    assert len({appointment.citizen_id for appointment in made}) == len(made)
