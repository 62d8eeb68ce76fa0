"""The whole way of a document on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from portal import files, mailbox
from portal.appointments import call
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import access_codes
from portal.documents.delivering.delivery_pages import deliveries
from portal.outbox import run_due
from portal.people import sessions
from portal.plugin_api import Identity


def test_issued_sent_and_opened(
    each_counter: Any, booked: Callable[..., Any], make_pdf: Callable[..., bytes]
) -> None:
    appointment = booked(each_counter)
    clerk = appointment.clerk
    with transaction():
        call.start(appointment, ["direct"], clerk)
        call.finish(appointment, "issue", clerk)
    request = lifecycle.request_of(appointment)
    assert request is not None
    stored = files.store_pdf("a.pdf", make_pdf())
    with transaction():
        lifecycle.issue(request, stored, clerk, 30)
    run_due(each_counter.app)
    db.session.rollback()
    assert [one.state for one in request.deliveries] == ["sent"]
    letters = mailbox.letters(each_counter.config.instance / "mailbox")
    assert any(request.key in letter.text for letter in letters)
    with transaction():
        lifecycle.opened(request, None)
    assert request.state == "completed"


def test_a_code_is_used_once(
    each_counter: Any, booked: Callable[..., Any], make_pdf: Callable[..., bytes]
) -> None:
    appointment = booked(each_counter)
    with transaction():
        request = lifecycle.ask(appointment)
        code, _ = access_codes.make(request)
    answers = []
    for _ in range(2):
        with transaction():
            answers.append(access_codes.use(request, code))
    assert answers == ["right", "worthless"]


def test_the_desk_finds_its_documents(each_counter: Any, booked: Callable[..., Any]) -> None:
    appointment = booked(each_counter)
    with transaction():
        lifecycle.ask(appointment)
        login = sessions.begin(appointment.clerk, "staff", "demo", Identity("clerk"), timedelta(hours=1))
    with each_counter.app.test_request_context("/staff/deliveries"):
        from flask_login import login_user

        from portal.people.visitor import Visitor

        login_user(Visitor(login))
        assert appointment.citizen_name in deliveries()
