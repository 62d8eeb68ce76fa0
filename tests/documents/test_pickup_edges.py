"""Collecting at the counter when something goes otherwise: undone, not collected, reminded, guessed at."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select
from time_machine import Traveller

from portal import files, outbox
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import collecting, counter_codes
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Proof, Way
from portal.documents.delivering.undoing import undo
from portal.documents.models import Delivery
from portal.offices.models import Service
from portal.outbox import OutboxRow
from portal.people.models import Person
from tests.documents.steps import Steps, Worker

REMINDER = "Το έγγραφό σας σας περιμένει ακόμη"
REMINDED_AFTER, KEPT_FOR = timedelta(days=7), timedelta(days=20)
PAPERS = {"taker": "citizen", "paper": "id_card", "paper_seen": "y"}


@pytest.fixture
def uncollected(case: Any, ready: Any, clock: Traveller) -> Any:
    """The same when its days are over and nobody came."""
    clock.shift(KEPT_FOR + timedelta(days=2))
    case.work()
    assert ready.state == "uncollected"
    return ready


def of(delivery: Any, deed: str) -> str:
    return f"/staff/deliveries/{delivery.key}/{deed}"


def hand_over(delivery: Any) -> None:
    with transaction():
        deliveries.handed_over(delivery, delivery.request.appointment.clerk, Proof("id_card"))


def reminders(case: Any) -> int:
    return [letter.subject for letter in case.letters()].count(REMINDER)


# --- Undoing a hand-over ----------------------------------------------------------------------------------


def test_undoing_a_hand_over_keeps_the_decision_on_the_case(ready: Any, clock: Traveller) -> None:
    request = ready.request
    decided = (request.decision, request.decided_at)
    assert decided[0] == "granted" and decided[1] is not None
    clock.shift(timedelta(hours=3))
    hand_over(ready)
    assert (request.state, request.decision, request.decided_at) == ("completed", *decided)
    clock.shift(timedelta(minutes=5))
    with transaction():
        undo(ready, request.appointment.clerk)
    assert (request.state, request.decision, request.decided_at) == ("issued", *decided)
    assert (request.document.is_kept, request.reason) == (True, "")


def test_undoing_tells_the_citizen_nothing_of_his_case(case: Any, ready: Any) -> None:
    before = [letter.subject for letter in case.letters()]
    hand_over(ready)
    with transaction():
        undo(ready, ready.request.appointment.clerk)
    case.work()
    assert [letter.subject for letter in case.letters()] == before


# --- What becomes of a document that nobody has collected -------------------------------------------------


def test_what_was_not_collected_is_collected_after_all_and_that_can_be_undone(
    case: Any, uncollected: Any
) -> None:
    hand_over(uncollected)
    assert (uncollected.state, uncollected.request.state) == ("delivered", "completed")
    with transaction():
        undo(uncollected, uncollected.request.appointment.clerk)
    case.work()
    assert (uncollected.state, uncollected.request.state) == ("uncollected", "issued")


def test_the_citizen_himself_sends_what_he_did_not_collect_another_way(
    case: Any, uncollected: Any, client: Any, log_in: Any
) -> None:
    request = uncollected.request
    with transaction():
        service = db.session.query(Service).filter_by(key="birth-certificate").one()
        service.deliveries = ["pickup", "email"]
    client.get("/manual?lang=en")
    log_in(client, case.citizen)
    page = f"/appointments/{request.appointment.key}/delivery"
    assert "was not collected" in client.get(page).text
    told = {"delivery": "email", "email": "maria@citizens.example"}
    assert client.submit(page, told).status_code == 302
    case.work()
    assert [(one.provider, one.state) for one in request.deliveries] == [
        ("pickup", "cancelled"),
        ("email", "sent"),
    ]
    assert not any(one.state in collecting.READY for one in request.deliveries)


def test_collected_anew_it_has_days_a_code_and_a_reminder_of_its_own(
    case: Any, uncollected: Any, clock: Traveller
) -> None:
    request = uncollected.request
    before = reminders(case)
    with transaction():
        deliveries.choose_other_way(request, Way("pickup", {}), request.appointment.clerk)
    case.work()
    anew = request.deliveries[-1]
    assert (anew.state, anew.kept_until) == ("prepared", date(2027, 1, 11))
    assert anew.code and anew.code != uncollected.code
    clock.shift(REMINDED_AFTER)
    case.work()
    assert reminders(case) == before + 1


def test_what_nobody_needs_returns_to_the_file_and_its_code_opens_nothing(
    case: Any, uncollected: Any, at_desk: Any
) -> None:
    request, code = uncollected.request, uncollected.code
    browser = at_desk(request.appointment.clerk)
    page = f"/staff/appointments/{request.appointment.key}"
    stored_as = request.document.stored_as
    browser.submit(f"{page}/document/take-back", page=page)
    assert (request.state, uncollected.state, request.document) == ("to_issue", "cancelled", None)
    assert (request.decision, request.decided_at) == ("", None)
    with pytest.raises(FileNotFoundError):
        files.open_document(stored_as)
    browser.submit(f"{page}/document/withdraw", page=page)
    assert request.state == "withdrawn"
    answer = browser.submit("/staff/deliveries/code", {"code": code}, page="/staff/deliveries")
    assert answer.status_code == 422


@pytest.mark.parametrize("deed", ["extend", "handed-over", "undo"])
def test_after_that_nothing_more_happens_to_it(case: Any, uncollected: Any, at_desk: Any, deed: str) -> None:
    request = uncollected.request
    with transaction():
        lifecycle.take_back(request, request.appointment.clerk)
    at_desk(request.appointment.clerk).submit(of(uncollected, deed), PAPERS, page="/staff/deliveries")
    assert (uncollected.state, request.state) == ("cancelled", "to_issue")


# --- One reminder -----------------------------------------------------------------------------------------


def killed_while_reminding(case: Any, clock: Traveller, chosen: int) -> bool:
    """A worker is to die at this step, another one comes after its claim. True if the first one lived."""
    code, names = Worker(case.app, clock, Steps(chosen)).end()
    assert code == (0 if names else -signal.SIGKILL)
    clock.shift(timedelta(minutes=30))
    case.work()
    db.session.add(case.citizen)
    return bool(names)


def test_a_worker_killed_at_any_step_of_the_reminder_leaves_one_reminder(case: Any, clock: Traveller) -> None:
    chosen, lived = 0, False
    while not lived:
        chosen += 1
        delivery_id = case.issued("pickup").deliveries[0].id
        case.work()
        before = reminders(case)
        clock.shift(REMINDED_AFTER)
        lived = killed_while_reminding(case, clock, chosen)
        assert reminders(case) == before + 1, f"killed at step {chosen}"
        delivery = db.session.get_one(Delivery, delivery_id)
        assert [row.state for row in rows_of(delivery, "delivery.waiting")] == ["done"]
        hand_over(delivery)
    assert chosen > 3, "a reminder has more steps than that"


def rows_of(delivery: Any, kind: str) -> list[OutboxRow]:
    subject = f"delivery:{delivery.id}"
    return list(db.session.scalars(select(OutboxRow).filter_by(subject=subject, kind=kind)))


def test_a_reminder_that_is_run_twice_is_one_message(case: Any, ready: Any, clock: Traveller) -> None:
    clock.shift(REMINDED_AFTER)
    [row] = rows_of(ready, "delivery.waiting")
    for _twice in range(2):
        collecting.tell(**row.payload)
    assert reminders(case) == 1
    assert outbox.run(row.id) and not outbox.run(row.id)
    assert reminders(case) == 1


def test_without_the_name_of_the_message_there_would_be_two(case: Any, ready: Any, clock: Traveller) -> None:
    clock.shift(REMINDED_AFTER)
    [row] = rows_of(ready, "delivery.waiting")
    for key in ("one", "another"):
        collecting.tell(**{**row.payload, "key": key})
    assert reminders(case) == 2


def test_a_receipt_that_comes_again_and_a_hand_over_undone_bring_no_second_reminder(
    case: Any, ready: Any, clock: Traveller
) -> None:
    hand_over(ready)
    with transaction():
        undo(ready, ready.request.appointment.clerk)
        collecting.begin(ready)
    clock.shift(REMINDED_AFTER)
    case.work()
    with transaction():
        collecting.extend(ready, ready.request.appointment.clerk)
    clock.shift(REMINDED_AFTER)
    case.work()
    assert reminders(case) == 1


def test_a_document_that_lay_in_the_portal_first_is_reminded_of_once_at_the_counter(
    case: Any, clock: Traveller
) -> None:
    """The portal's own reminder, of what is unopened there, does not come any more."""
    request = case.issued("mailbox")
    case.work()
    with transaction():
        deliveries.choose_other_way(request, Way("pickup", {}), request.appointment.clerk)
    case.work()
    first, second = request.deliveries
    assert len(rows_of(first, "delivery.remind")) == 1
    assert rows_of(second, "delivery.remind") == []
    for _day in range(12):
        clock.shift(timedelta(days=1))
        case.work()
    assert reminders(case) == 1
    lines = select(func.count()).select_from(AuditLine).filter_by(deed="citizen reminded")
    assert db.session.scalar(lines) == 0


# --- Guessing the code ------------------------------------------------------------------------------------


def test_a_colleague_cannot_go_on_guessing_and_another_document_is_not_hindered(
    case: Any, ready: Any, at_desk: Any
) -> None:
    other = case.issued("pickup")
    case.work()
    browser = at_desk(ready.request.appointment.clerk)
    for _ in range(counter_codes.WRONG_CODES):
        browser.submit(of(ready, "code"), {"code": "WRONG"}, page=of(ready, "hand-over"))
    administrator = case.staff("administrator")[0]
    browser = at_desk(administrator)
    right = {"code": ready.code}
    assert (
        "Too many wrong codes" in browser.submit(of(ready, "code"), right, page=of(ready, "hand-over")).text
    )
    delivery = other.deliveries[0]
    answer = browser.submit(of(delivery, "code"), {"code": delivery.code}, page=of(delivery, "hand-over"))
    assert answer.status_code == 302


def test_right_codes_in_between_do_not_begin_the_count_anew(ready: Any, clock: Traveller) -> None:
    clerk = ready.request.appointment.clerk
    for number in range(counter_codes.WRONG_CODES):
        clock.shift(timedelta(minutes=1))
        with transaction():
            assert counter_codes.is_right(ready, ready.code, clerk)
            assert not counter_codes.is_right(ready, f"WRONG{number}", clerk)
    with pytest.raises(counter_codes.TooManyWrong), transaction():
        counter_codes.is_right(ready, ready.code, clerk)


def test_many_guesses_at_the_same_moment_are_counted_one_after_the_other(
    open_counter: Callable[[str], SimpleNamespace], postgres: str
) -> None:
    """On PostgreSQL, where they really are at the same moment."""
    counter = open_counter(postgres)
    clerk_id, together, answers = counter.citizen.id, threading.Barrier(12), []

    def guess(number: int) -> None:
        with counter.app.app_context():
            together.wait(20)
            try:
                with transaction():
                    clerk = db.session.get_one(Person, clerk_id)
                    counter_codes.found_by(f"WRONG{number}", [("key", "RIGHT")], clerk)
                answers.append("tried")
            except counter_codes.TooManyWrong:
                answers.append("refused")
            finally:
                db.session.remove()

    guesses = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join(30)
    assert sorted(answers) == ["refused"] * 7 + ["tried"] * 5
