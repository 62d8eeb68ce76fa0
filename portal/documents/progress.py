"""Where a document stands, in words: for the citizen's appointment, the clerk's case and the desk."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal import qr
from portal.documents.case_progress import Step, moment, open_steps
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.lifecycle import LIES_IN_PORTAL
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.documents.states import PROBLEMS
from portal.plugin_api import LazyText
from portal.points.words import chosen_point, with_point
from portal.providers import current_providers

DELIVERY_STATES: dict[str, tuple[LazyString, str]] = {
    "waiting": (_l("Being sent"), "blue"),
    "prepared": (_l("Ready to be handed over"), "yellow"),
    "uncollected": (_l("Not collected"), "red"),
    "sent": (_l("Sent"), "blue"),
    "delivered": (_l("Received"), "green"),
    "returned": (_l("Came back"), "red"),
    "failed": (_l("Did not work"), "red"),
    "cancelled": (_l("Called off"), "grey"),
}
"""Name and colour of each state of an attempt to deliver."""

KEPT_STATES: dict[str, tuple[LazyString, str]] = {
    "waiting": (_l("The citizen is being told"), "blue"),
    "sent": (_l("Not opened yet"), "yellow"),
    "delivered": (_l("Opened"), "green"),
    "failed": (_l("Not opened"), "red"),
}
"""The same where the document lies in the portal until its owner opens it."""

NEXT_STEPS: dict[str, LazyString] = {
    "uncollected": _l(
        "The citizen did not come in time. Call and ask: keep it longer, send it another way, or take the "
        "document back if it is no longer needed."
    ),
    "failed": _l("Try it once more, or choose another way. Call the citizen if the address may be wrong."),
    "returned": _l("It came back. Call the citizen, ask for the right address and choose another way."),
    "cancelled": _l("It was called off and is not on its way. Choose another way."),
}
"""What the staff do next about a document that has not reached the citizen."""


def status_steps(request: DocumentRequest) -> list[Step]:
    """The way of the document from the call to the citizen, as far as it has come."""
    zone = request.appointment.office.time_zone
    if request.state not in ("issued", "completed") or request.document is None:
        return open_steps(request)
    issued = Step(_("Document issued"), "done", moment(request.document.added_at, zone))
    return [issued, *_delivery_steps(current_delivery(request), zone)]


def qr_of(delivery: Delivery) -> Markup:
    """The code as QR: nothing but the code, which opens nothing by itself."""
    return qr.as_svg(delivery.code)


def way_title(name: str) -> LazyText | str:
    """What a way of delivery is called; its bare name when it is not enabled any more."""
    way = current_providers().delivery.get(name)
    return way.title if way else name


def delivery_state(delivery: Delivery) -> tuple[LazyString, str]:
    """Name and colour of the state in which an attempt is."""
    own_words = KEPT_STATES if keeps(delivery.provider) else {}
    return own_words.get(delivery.state, DELIVERY_STATES[delivery.state])


def keeps(name: str) -> bool:
    """True for a way whose documents lie in the portal until their owner opens them."""
    return current_providers().keeps(name)


def lies_in_portal(request: DocumentRequest) -> bool:
    """True where the newest attempt left the document in the portal, behind its owner's login."""
    delivery = current_delivery(request)
    return delivery is not None and keeps(delivery.provider)


def own_state(document: IssuedDocument) -> tuple[LazyString, str]:
    """Where one of his documents stands, as the citizen reads it in the list of all of them."""
    delivery = current_delivery(document.request)
    if not document.is_kept:
        return _l("No longer kept here"), "grey"
    if lies_in_portal(document.request) or delivery is None:
        return KEPT_STATES["delivered"] if document.opened_at else KEPT_STATES["sent"]
    return DELIVERY_STATES[delivery.state]


def has_labels(name: str) -> bool:
    """True for a carrier whose parcels bear labels."""
    way = current_providers().delivery.get(name)
    return way is not None and way.has_labels


def reason_told(delivery: Delivery) -> str:
    """Why it did not work, for staff: reasons are kept in English, and many are known to the catalogue."""
    return _(delivery.last_error) if delivery.last_error else ""


def address_lines(delivery: Delivery) -> list[str]:
    """The address on an envelope, the citizen's or a point's; empty for what is no paper."""
    told = delivery.recipient.get("postal_address")
    if not told:
        return chosen_point(delivery.recipient)
    return [f"{told['street']} {told['number']}", f"{told['postal_code']} {told['town']}"]


def can_be_fetched(request: DocumentRequest) -> bool:
    """True while the citizen can open the document in the portal."""
    return request.document is not None and request.document.is_kept


def _delivery_steps(delivery: Delivery | None, zone: str) -> list[Step]:
    received = Step(_("Document received"), "ahead")
    if delivery is None:
        return [received]
    when = moment(delivery.changed_at, zone)
    way = with_point(str(way_title(delivery.provider)), delivery.recipient)
    if keeps(delivery.provider) and delivery.state in LIES_IN_PORTAL:
        waits = _("Open it when you have a moment: then the office knows that you have it.")
        return [Step(_("The document waits for you under “My documents”"), "current", when, waits), received]
    if delivery.state == "delivered":
        return [Step(_("Document received"), "done", when, way)]
    if delivery.state == "uncollected":
        title = _("The document was not collected in time")
        call = _("Call the office: it can keep it longer, or send it another way.")
        return [Step(title, "problem", when, call), received]
    if delivery.state in PROBLEMS:
        help_comes = _("The office will find another way and call you if necessary.")
        return [
            Step(_("The document could not be delivered"), "problem", when, delivery.advice or help_comes),
            received,
        ]
    if delivery.state == "prepared" and delivery.code:
        return [Step(_("Ready: you can collect the document"), "current", when, way), received]
    titles = {
        "waiting": _("The document is on its way"),
        "prepared": _("The document is ready to be sent"),
        "sent": _("The document has been sent"),
    }
    return [
        Step(titles.get(delivery.state, _("The delivery was called off")), "current", when, way),
        received,
    ]
