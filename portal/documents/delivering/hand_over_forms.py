"""What the clerk records when he hands a document over at the counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField
from wtforms.validators import InputRequired, Optional

from portal.appointments.papers import PAPERS
from portal.documents.delivering.lifecycle import Proof
from portal.forms import PageForm, choices, demand, required, short_text

TAKERS = {
    "citizen": _l("The citizen in person"),
    "authorised": _l("Somebody authorised by the citizen"),
}
AUTHORISATIONS = {
    "govgr": _l("Authorisation issued at gov.gr"),
    "certified": _l("Authorisation with a certified signature"),
    "notary": _l("Power of attorney by a notary"),
}


class HandOverForm(PageForm):
    """Who takes the document, and what he showed. The number of an identity paper is not written down."""

    taker = RadioField(
        _l("Who takes the document?"),
        [InputRequired(_l("Choose who takes the document."))],
        choices=choices(TAKERS),
        default="citizen",
    )
    authorised = short_text(_l("Name of the authorised person"), 120)
    authorisation = SelectField(
        _l("Kind of authorisation"),
        [Optional()],
        choices=choices({"": _l("Please choose"), **AUTHORISATIONS}),
    )
    reference = short_text(_l("Code or number of the authorisation"), 60)
    authorisation_seen = BooleanField(
        _l("I have read the authorisation: it names this person and this document")
    )
    paper = SelectField(
        _l("Identity paper of the person taking it"),
        [required(_l("Choose which identity paper you have seen."))],
        choices=choices({"": _l("Please choose"), **PAPERS}),
    )
    paper_seen = BooleanField(
        _l("I have seen it: face and name are those of the person in front of me"),
        [required(_l("Tick this when you have seen the identity paper. Without it nothing is handed over."))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for asked in (self.authorised, self.authorisation, self.reference):
            # They are seen only where somebody authorised takes the document, and are needed there.
            asked.flags.optional = False

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """An authorised person also shows the authorisation."""
        valid = super().validate(extra_validators)
        if self.taker.data != "authorised":
            return valid
        answers = [
            demand(self.authorised, _l("Write the name of the person who takes the document.")),
            demand(self.authorisation, _l("Choose what kind of authorisation it is.")),
            demand(self.reference, _l("Write the code or number shown on the authorisation.")),
            demand(self.authorisation_seen, _l("Tick this when you have read the authorisation.")),
        ]
        return valid and all(answers)

    def proof(self) -> Proof:
        """The answers, ready for the record."""
        if self.taker.data != "authorised":
            return Proof(self.paper.data)
        told = (self.authorised.data or "", self.authorisation.data, self.reference.data or "")
        return Proof(self.paper.data, *told)
