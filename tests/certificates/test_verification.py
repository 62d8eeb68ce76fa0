"""The public page: right and wrong codes, taken back, over, erased; and what it never tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from portal import files
from portal.certificates import verification
from portal.certificates.verification import Verification
from portal.db import Bilingual, db, transaction
from portal.documents import lifecycle
from portal.documents.issuing import approval
from portal.documents.issuing.approval import Finished, Terms
from portal.outbox import run_due
from portal.testing.page_lint import lint
from tests.certificates.conftest import make_pdf

TERMS = Terms(days=30, check_days=365, sealed=False)


def issued(owed: Any) -> tuple[Any, str]:
    """A document with a code, and the code."""
    request, code = owed.request(), verification.new_code()
    finished = Finished(files.store_pdf("a.pdf", make_pdf()), code)
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, TERMS, None)
    return request, code


def page(client: Any, code: str) -> Any:
    client.get("/manual?lang=en")
    return client.get("/verify", query_string={"code": code})


def test_codes_cannot_be_guessed_and_are_easily_read() -> None:
    codes = {verification.new_code() for _ in range(500)}
    assert len(codes) == 500
    letters = {letter for code in codes for letter in code.replace("-", "")}
    assert letters == set("23456789ABCDEFGHJKMNPQRSTUVWXYZ")
    assert len(letters) ** 16 > 2**75


def test_the_page_tells_kind_issuer_and_day_and_nobodys_name(owed: Any, client: Any) -> None:
    request, code = issued(owed)
    answer = page(client, code)
    assert answer.status_code == 200 and not lint(answer.text, "en")
    for told in ("has not been revoked", "Certificate of permanent residence", "30 November 2026"):
        assert told in answer.text, told
    for hidden in (
        "Ευάγγελος",
        "Χατζηγιάννης",
        request.key,
        request.appointment.key,
        request.document.sha256,
    ):
        assert hidden not in answer.text, hidden
    assert "not a seal of gov.gr" in answer.text


@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code}"])
def test_the_code_may_be_typed_as_people_type(owed: Any, client: Any, change: Callable[[str], str]) -> None:
    assert page(client, change(issued(owed)[1])).status_code == 200


def test_greek_letters_that_look_alike_do_as_well(app: Any, clock: Any) -> None:
    with transaction():
        verification.begin("ABEH-KMNP-TXYZ-2345", Bilingual("α", "a"), Bilingual("β", "b"), "Europe/Athens")
        row = db.session.scalars(select(Verification)).one()
        verification.confirm(row, "0" * 64, 30)
    assert verification.look_up("ΑΒΕΗ-ΚΜΝP-ΤΧΥΖ-2345") is row


def test_unknown_mistyped_and_merely_prepared_codes_are_answered_alike(owed: Any, client: Any) -> None:
    request, code = owed.request("no-debt-certificate"), verification.new_code()
    finished = Finished(files.store_pdf("a.pdf", make_pdf()), code)
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, TERMS, None)
    answers = []
    for wrong in (code, verification.new_code(), "QQQQQ", "%00'\"<script>"):
        client.get("/manual?lang=en")
        answer = client.get("/verify", query_string={"code": wrong})
        assert answer.status_code == 422 and not lint(answer.text, "en")
        answers.append(answer.text.replace(wrong, ""))
    assert len(set(answers[:3])) == 1
    assert "<script>" not in answers[3]


def test_every_code_costs_one_question_to_the_database(owed: Any) -> None:
    _, code = issued(owed)
    counts, statements = [], list[str]()
    event.listen(db.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    verification.look_up(code)
    for typed in (code, verification.new_code(), ""):
        statements.clear()
        verification.look_up(typed)
        counts.append(len(statements))
    assert counts == [1, 1, 1]


def test_the_code_lies_nowhere(owed: Any) -> None:
    code = issued(owed)[1]
    row = db.session.scalars(select(Verification)).one()
    assert code not in str(vars(row)) and code.replace("-", "") not in str(vars(row))
    assert row.code_hash != hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def test_a_document_that_was_taken_back_is_not_valid(owed: Any, client: Any) -> None:
    request, code = issued(owed)
    with transaction():
        lifecycle.take_back(request, request.appointment.clerk)
    answer = page(client, code)
    assert "no longer valid" in answer.text and "30 November 2026" in answer.text
    assert not lint(answer.text, "en")


def test_the_record_outlives_the_file_and_ends_in_its_turn(owed: Any, client: Any, clock: Any) -> None:
    request, code = issued(owed)
    clock.shift(timedelta(days=40))
    run_due(owed.app)
    db.session.rollback()
    with pytest.raises(FileNotFoundError):
        files.open_document(request.document.stored_as)
    assert "has not been revoked" in page(client, code).text
    clock.shift(timedelta(days=400))
    assert "can no longer be checked here" in page(client, code).text
    clock.shift(timedelta(days=365))
    run_due(owed.app)
    db.session.rollback()
    assert db.session.scalars(select(Verification)).all() == []
    assert page(client, code).status_code == 422


def test_a_fingerprint_is_answered_with_yes_or_no(owed: Any, client: Any) -> None:
    request, code = issued(owed)
    form = f"/verify/{code}"
    client.get("/manual?lang=en")
    right = hashlib.sha256(files.open_document(request.document.stored_as).read()).hexdigest()
    for given, told in [
        (right.upper(), "is the one that"),
        ("0" * 64, "is not the one that"),
        ("", "Choose the file first"),
    ]:
        answer = client.submit(form, {"sha256": given}, page=form)
        assert told in answer.text, given
        assert right not in answer.text


def test_the_page_has_a_pace(owed: Any, client: Any) -> None:
    answers = {client.get("/verify?code=x").status_code for _ in range(25)}
    assert answers == {422, 429}
