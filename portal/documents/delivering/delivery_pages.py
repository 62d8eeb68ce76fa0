"""The delivery desk of an office: what is owed, what waits to be handed over, where the rest stands."""

from __future__ import annotations

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select

from portal import security
from portal.db import transaction
from portal.documents.delivering import calling_back, collecting, lifecycle, trays, undoing
from portal.documents.desk import (
    back_to,
    blueprint,
    delivery_at_desk,
    refusals_told,
)
from portal.documents.models import DocumentRequest
from portal.documents.progress import has_labels, keeps
from portal.people import access
from portal.people.visitor import the_person
from portal.providers import current_providers


@blueprint.get("/deliveries")
@security.staff_only
def deliveries() -> str:
    """What needs attention, what is owed, what waits for the citizen, what is on its way, what arrived."""
    return desk_page()


def desk_page(code_error: str = "", code: str = "") -> str:
    """The desk; with ``code_error`` after a code that led to no document."""
    person, sieve = the_person(), trays.sieve_of(request.args)
    heaps, empty = trays.heaps(person, sieve)
    return render_template(
        "documents/desk.html",
        heaps=heaps,
        empty=empty,
        sieve=sieve,
        all_ways=current_providers().delivery,
        offices=trays.offices_of(person),
        carriers=_carriers(heaps),
        may_serve=lambda appointment: access.may_serve(person, appointment),
        may_approve=lambda wanted: access.may_approve(
            person, wanted.appointment.office_id, wanted.prepared.prepared_by
        ),
        code_error=code_error,
        code=code,
    )


@blueprint.app_context_processor
def desk_words() -> dict[str, object]:
    """What the parts need that the desk and the page of a case share."""
    return {
        "can_be_undone": undoing.can_be_undone,
        "age_in_words": trays.age_in_words,
        "waiting_since": trays.waiting_since,
        "can_be_extended": _can_be_extended,
        "ready_states": collecting.READY,
    }


@blueprint.post("/deliveries/<key>/<any('carrier', 'came-back', 'try-again', 'call-back'):deed>")
@security.staff_only
def record_deed(key: str, deed: str) -> ResponseReturnValue:
    """Given to the carrier, came back, to be tried once more the same way, or to be called back."""
    delivery = delivery_at_desk(key)
    if deed == "came-back" and keeps(delivery.provider):
        abort(400)  # there is nothing that could come back
    deeds = {
        "carrier": (lifecycle.handed_to_carrier, _("Recorded: given to the carrier.")),
        "came-back": (lifecycle.came_back, _("Recorded: it came back. Choose another way.")),
        "try-again": (lifecycle.try_again, _("The document is being sent once more.")),
        "call-back": (
            calling_back.ask,
            _("The carrier is being asked. Its answer will stand here; until then nothing has changed."),
        ),
    }
    change, message = deeds[deed]
    with refusals_told():
        with transaction():
            change(delivery, the_person())
        flash(message, "success")
    return back_to(delivery.request.appointment)


def visible(query: Select[DocumentRequest]) -> Select[DocumentRequest]:
    """The documents of the offices in which the person serves, with all that the desk shows of them."""
    return trays.within_reach(trays.with_all_of_it(query.join(DocumentRequest.appointment)), the_person())


def _carriers(heaps: list[trays.Heap]) -> dict[str, int]:
    """How many parcels with labels wait to be given to each carrier."""
    ready = next((heap for heap in heaps if heap.tray.name == "ready"), None)
    waiting = ready.by_way if ready else {}
    return {way: count for way, (count, _oldest) in sorted(waiting.items()) if has_labels(way)}


def _can_be_extended(provider: str) -> bool:
    """True for a way whose parcels lie ready for some days."""
    way = current_providers().delivery.get(provider)
    return way is not None and way.kept_for is not None
