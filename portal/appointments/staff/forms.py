"""The clerk's forms: the identity protocol, an invitation, the note, the end of the call.

Several of them stand on one page. The constructor makes the form that was sent with this request;
``about(appointment)`` makes one that was not, with what is known already.
"""

from __future__ import annotations

from typing import Any, Self

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from portal.appointments.call import IdentityRecord, can_identify
from portal.appointments.models import Appointment
from portal.appointments.on_behalf import may_be_identified
from portal.appointments.papers import OUTCOMES, PAPERS, PARTIES, ROLES
from portal.documents.papers.review_forms import PapersToAskFor
from portal.forms import EmailField, PageForm, choices, required, short_text

GUESTS = {role: title for role, title in ROLES.items() if role not in PARTIES}


class IdentityForm(PageForm):
    """What the clerk saw. No picture, no number of the paper."""

    whom = RadioField(_l("Who is identified?"), [InputRequired(_l("Choose whom you identify."))])
    paper = SelectField(_l("Paper shown"), choices=choices(PAPERS))
    paper_shown = BooleanField(_l("The paper was shown in full and is readable"))
    face_matches = BooleanField(_l("The face is that of the photograph"))
    name_matches = BooleanField(_l("The name is that of the appointment"))

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names = may_be_identified(appointment)
        if len(self._names) > 1:
            self.whom.choices = choices(self._names)
        else:
            del self.whom

    @classmethod
    def about(cls, appointment: Appointment) -> Self:
        """The form with what was recorded before, or with the paper that the citizen chose."""
        kept = appointment.identity_check
        likely = {"whom": next(iter(may_be_identified(appointment))), "paper": appointment.paper}
        return cls(appointment=appointment, formdata=None, obj=kept, data=None if kept else likely)

    def record(self) -> IdentityRecord:
        """The answers, ready for the call."""
        return IdentityRecord(
            self.paper.data,
            self.paper_shown.data,
            self.face_matches.data,
            self.name_matches.data,
            whom=self.whom.data if "whom" in self else next(iter(self._names)),
        )


class InvitationForm(PageForm):
    """A third person for the call."""

    name = short_text(_l("Name"), 200, required(_l("Write the name of the person you invite.")))
    email = EmailField(
        _l("E-mail"), [required(_l("Write the e-mail address to which the link is sent.")), Length(max=254)]
    )
    role = RadioField(_l("Takes part as"), choices=choices(GUESTS), default="companion")
    language = RadioField(
        _l("Language of the invitation"),
        choices=choices({"el": "Ελληνικά", "en": "English"}),
        default="el",
    )

    @classmethod
    def about(cls, appointment: Appointment) -> Self:
        """The empty form; the citizen's language is the likely one."""
        return cls(formdata=None, language=appointment.language)


class LinkForm(PageForm):
    """Where a new personal link goes."""

    email = EmailField(
        _l("E-mail"), [required(_l("Write the e-mail address to which the link is sent.")), Length(max=254)]
    )


class NoteForm(PageForm):
    """The clerk's note."""

    note = TextAreaField(
        _l("Note for colleagues"),
        [Optional(), Length(max=4000, message=_l("Please write at most %(max)d letters."))],
    )

    @classmethod
    def about(cls, appointment: Appointment) -> Self:
        """The form with the note as it is kept."""
        return cls(formdata=None, obj=appointment)


class ClosingForm(PapersToAskFor, NoteForm):
    """How the call ends, and what is missing. The note is in the same form, so that it is never lost."""

    outcome = RadioField(_l("How does the call end?"), [InputRequired(_l("Choose how the call ends."))])

    def __init__(self, *args: Any, obj: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, obj=obj, **kwargs)
        issues = bool(obj.service.deliveries) and can_identify(obj)
        possible = {key: words for key, words in OUTCOMES.items() if issues or key != "issue"}
        self.outcome.choices = choices(possible)
        self.offer_papers_of(obj)
        self._identified = bool(obj.identity_check and obj.identity_check.identified)

    @property
    def may_issue(self) -> bool:
        """A document can come of this call."""
        return any(choice.value == "issue" for choice in self.outcome.choices)

    def validate_outcome(self, field: RadioField) -> None:
        """No document for somebody whom nobody has recognised, and no papers without a document."""
        if field.data != "issue" and self.titles():
            raise ValidationError(
                _l("Papers are asked for when a document will be issued. Choose that, or clear the list.")
            )
        if field.data == "issue" and not self._identified:
            raise ValidationError(
                _l("Record the identity check first: without it no document can be issued.")
            )
