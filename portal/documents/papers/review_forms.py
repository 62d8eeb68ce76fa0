"""The clerk's forms of a case: which papers are missing, what he says of those that came, why he refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField, ValidationError
from wtforms.validators import Length, Optional

from portal.appointments.models import Appointment
from portal.db import Bilingual
from portal.documents.models import AskedPaper, DocumentRequest
from portal.documents.papers.lifecycle import Verdict
from portal.forms import ManyChoices, PageForm, choices, required
from portal.i18n import in_readers_language

LONGEST_TITLE = 200
LONGEST_REASON = 1000


class PapersToAskFor:
    """The fields in which papers can be asked for: of the service's list, and in the clerk's words."""

    missing = ManyChoices(_l("Papers that are missing"), [Optional()])
    more_missing = TextAreaField(_l("Other papers, one on each line"), [Optional(), Length(max=4000)])

    def offer_papers_of(self, appointment: Appointment) -> None:
        """The list to choose from is that of the service."""
        self._listed = appointment.service.papers
        words = {str(place): in_readers_language(paper) for place, paper in enumerate(self._listed)}
        self.missing.choices = choices(words)

    def validate_more_missing(self, field: TextAreaField) -> None:
        """Each line is the name of a paper."""
        if any(len(line) > LONGEST_TITLE for line in _lines(field.data)):
            raise ValidationError(_l("Write each paper on a line of its own, with at most 200 letters."))

    def titles(self) -> list[Bilingual]:
        """The papers; what the clerk wrote stands the same in both languages."""
        chosen = set(self.missing.data or [])
        return [
            *(Bilingual(p["el"], p["en"]) for place, p in enumerate(self._listed) if str(place) in chosen),
            *(Bilingual(line, line) for line in _lines(self.more_missing.data)),
        ]


class MissingPapers(PapersToAskFor, PageForm):
    """Papers that the citizen must send."""

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_papers_of(appointment)


class RefusalForm(PageForm):
    """A refusal has a reason, which the citizen reads."""

    reason = TextAreaField(
        _l("Why is no document issued?"),
        [
            required(_l("Write the reason: the citizen has a right to know.")),
            Length(max=LONGEST_REASON, message=_l("Please write at most %(max)d letters.")),
        ],
    )


class NoReason(Exception):
    """A paper is refused without a word why."""


def verdicts(request: DocumentRequest, given: Mapping[str, str]) -> dict[int, Verdict]:
    """What the clerk chose for each paper that was sent. Raises NoReason."""
    found = {paper.id: _verdict(paper, given) for paper in request.papers if paper.state == "sent"}
    return {number: verdict for number, verdict in found.items() if verdict is not None}


def _verdict(paper: AskedPaper, given: Mapping[str, str]) -> Verdict | None:
    choice = given.get(f"verdict-{paper.key}", "")
    reason = given.get(f"reason-{paper.key}", "").strip()[:LONGEST_REASON]
    if choice == "refuse" and not reason:
        raise NoReason
    return Verdict(choice == "accept", reason) if choice in ("accept", "refuse") else None


def _lines(text: str | None) -> list[str]:
    lines = (" ".join(line.split()) for line in (text or "").splitlines())
    return [line for line in lines if line]
