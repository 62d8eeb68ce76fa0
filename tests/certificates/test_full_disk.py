"""A clerk who has filled in a template when the disk is full finds everything as it was typed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from portal.document_store import disk
from portal.testing.page_lint import lint


def test_what_was_typed_into_a_template_stays_when_there_is_no_room(
    owed: Any, at_desk: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = owed.request("no-debt-certificate")
    browser = at_desk(request.appointment.clerk)
    page = f"/staff/appointments/{request.appointment.key}/document/template"
    answers = {"until": "2026-11-01", "kind": "0", "deed": "issue"}

    def refused(*about: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", refused)
    answer = browser.submit(page, answers, page=page)
    assert answer.status_code == 503 and lint(answer.text, "en") == []
    assert "There is no room left" in answer.text and 'value="2026-11-01"' in answer.text
    assert (request.state, request.prepared) == ("to_issue", None)
    assert not list((owed.app.config["PORTAL"].instance / "documents").iterdir())
