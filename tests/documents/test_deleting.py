"""The citizen archives what he has received, brings it back, and deletes it for good."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal import files, outbox
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import keeping
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.papers import kept_papers
from portal.documents.states import NotPossible
from portal.testing.browser import Browser
from portal.testing.page_lint import lint
from tests.documents.test_own_documents import (
    DAY,
    LogIn,
    at_desk,
    deeds,
    delete,
    do,
    download,
    is_on_disk,
    main_of,
)


def test_it_goes_into_the_archive_and_comes_back(waiting: Any, owner: Any) -> None:
    assert do(owner, waiting, "archive").location == "/my-documents?page=1"
    assert waiting.protocol not in owner.get("/my-documents").text
    assert waiting.protocol in owner.get("/my-documents/archive").text
    do(owner, waiting, "bring-back", page="/my-documents/archive")
    assert waiting.protocol in owner.get("/my-documents").text
    assert waiting.protocol not in owner.get("/my-documents/archive").text
    assert (deeds("document archived"), deeds("document brought back")) == (1, 1)


def test_archiving_twice_changes_nothing(case: Any, waiting: Any, clock: Traveller) -> None:
    with transaction():
        keeping.archive(waiting, case.citizen)
    first = waiting.document.archived_at
    clock.shift(DAY)
    with transaction():
        keeping.archive(waiting, case.citizen)
    assert waiting.document.archived_at == first
    assert deeds("document archived") == 1


def test_what_has_not_reached_him_cannot_be_deleted(case: Any, waiting: Any, owner: Any) -> None:
    assert f"/my-documents/{waiting.key}/delete" not in owner.get("/my-documents").text
    answer = owner.get(f"/my-documents/{waiting.key}/delete")
    assert answer.location == "/my-documents"
    assert "cannot be done now" in owner.get("/my-documents").text
    with pytest.raises(NotPossible), transaction():
        keeping.delete(waiting, case.citizen)
    assert is_on_disk(case, waiting.document)


def test_deleting_asks_once_more_and_then_erases_the_file(case: Any, waiting: Any, owner: Any) -> None:
    download(owner, waiting)
    page = owner.get(f"/my-documents/{waiting.key}/delete")
    assert "cannot be brought back" in page.text
    assert waiting.document.deleted_at is None
    assert delete(owner, waiting).location == "/my-documents"
    case.work()
    assert not is_on_disk(case, waiting.document)
    listed = owner.get("/my-documents")
    assert "The document is deleted" in listed.text and waiting.protocol not in listed.text
    assert waiting.protocol not in owner.get("/my-documents/archive").text
    gone = download(owner, waiting)
    assert gone.status_code == 410 and "You have deleted this document" in gone.text


def test_the_work_of_erasing_is_written_down_together_with_the_deletion(
    case: Any, waiting: Any, owner: Any
) -> None:
    download(owner, waiting)
    case.work()
    delete(owner, waiting)
    erasing = select(outbox.OutboxRow).filter_by(kind="document.forget", state="waiting")
    [row] = db.session.scalars(erasing)
    assert row.payload == {"document_id": waiting.document.id}
    assert row.key == f"forget-{waiting.document.stored_as}-now"


def test_what_was_deleted_is_swept_away_even_if_nobody_erased_it(
    case: Any, waiting: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    download(owner, waiting)
    delete(owner, waiting)
    monkeypatch.setattr(files, "ORPHANED_AFTER", -DAY)
    kept_papers.sweep()
    assert not is_on_disk(case, waiting.document)


def test_that_it_was_deleted_is_told_to_its_owner_alone(
    case: Any, waiting: Any, owner: Any, client: Any
) -> None:
    download(owner, waiting)
    delete(owner, waiting)
    nobody = Browser(case.app, case.app.response_class)
    nobody.get("/manual?lang=en")
    answer = nobody.get(f"/documents/{waiting.key}")
    assert answer.status_code == 410
    assert "deleted" not in main_of(answer)


def test_the_clerk_reads_when_it_was_opened_and_deleted(
    case: Any, waiting: Any, owner: Any, log_in: LogIn
) -> None:
    page = f"/staff/appointments/{waiting.appointment.key}"
    clerk = at_desk(case, waiting, log_in)
    assert "It came back" not in clerk.get(page).text
    download(owner, waiting)
    assert "Opened by the citizen" in clerk.get(page).text
    delete(owner, waiting)
    case.work()
    told = clerk.get(page).text
    assert "Deleted by the citizen" in told and "The citizen deleted the document for good" in told
    assert clerk.get(f"{page}/document").status_code == 404
    assert lint(told, "en") == []


def test_what_lies_in_the_portal_does_not_come_back(case: Any, waiting: Any, log_in: LogIn) -> None:
    clerk, key = at_desk(case, waiting, log_in), waiting.deliveries[0].key
    assert clerk.submit(f"/staff/deliveries/{key}/came-back", page="/staff/deliveries").status_code == 400
    assert waiting.deliveries[0].state == "sent"


def test_a_copy_that_came_by_another_way_lets_the_one_in_the_portal_be_deleted(
    case: Any, waiting: Any, owner: Any
) -> None:
    with transaction():
        deliveries.choose_other_way(waiting, deliveries.Way("pickup", {}), waiting.appointment.clerk)
    case.work()
    with transaction():
        clerk = waiting.appointment.clerk
        deliveries.handed_over(waiting.deliveries[1], clerk, deliveries.Proof("id_card"))
    assert "have not opened it here yet" in owner.get(f"/my-documents/{waiting.key}/delete").text
    delete(owner, waiting)
    assert [one.state for one in waiting.deliveries] == ["cancelled", "delivered"]


def test_a_document_taken_back_a_moment_ago_is_neither_archived_nor_deleted(case: Any, waiting: Any) -> None:
    with transaction():
        lifecycle.take_back(waiting, waiting.appointment.clerk)
    for deed in (keeping.archive, keeping.bring_back, keeping.delete):
        with pytest.raises(NotPossible), transaction():
            deed(waiting, case.citizen)


def test_a_button_of_a_page_that_is_out_of_date_says_so(case: Any, waiting: Any, owner: Any) -> None:
    other = case.issued("mailbox")
    with transaction():
        lifecycle.take_back(waiting, waiting.appointment.clerk)
    assert do(owner, waiting, "archive").location == "/my-documents"
    page = owner.get("/my-documents").text
    assert "cannot be done now" in page and other.protocol in page
