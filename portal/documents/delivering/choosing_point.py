"""The clerk chooses a carrier's point for the citizen, before the document is issued or after.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from portal import audit
from portal.appointments import contact
from portal.documents.delivering import lifecycle
from portal.documents.delivering.lifecycle import Way
from portal.documents.models import DocumentRequest
from portal.documents.states import lock, subject
from portal.people.models import Person

CHOOSING = ("to_issue", "issued")
"""While a document stands so, its way is the clerk's to choose."""


def choose(request: DocumentRequest, way: Way, actor: Person) -> None:
    """What is not issued yet will go there, what is issued goes there now. Raises NotPossible."""
    lock(request)
    if request.state == "to_issue":
        audit.record(actor.id, "way chosen", subject(request), provider=way.provider)
    else:
        lifecycle.choose_other_way(request, way, actor)
    contact.prefer(request.appointment, way.provider, way.recipient)
