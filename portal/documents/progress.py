"""Where a document stands, in words: for the citizen's appointment, the clerk's case and the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.documents.lifecycle import current_delivery
from portal.documents.models import Delivery, DocumentRequest
from portal.i18n import short_date, wall_clock
from portal.plugin_api import LazyText
from portal.providers import current_providers

DELIVERY_STATES: dict[str, tuple[LazyString, str]] = {
    "waiting": (_l("Being sent"), "blue"),
    "prepared": (_l("Ready to be handed over"), "yellow"),
    "sent": (_l("Sent"), "blue"),
    "delivered": (_l("Received"), "green"),
    "returned": (_l("Came back"), "red"),
    "failed": (_l("Did not work"), "red"),
    "cancelled": (_l("Called off"), "grey"),
}
"""Name and colour of each state of an attempt to deliver."""

PROBLEMS = ("returned", "failed")

WAITING = {"to_approve": _l("To be approved"), "to_seal": _l("Being sealed")}
"""What staff read of a prepared document that is not issued yet."""


@dataclass(frozen=True)
class Step:
    """One entry of the timeline. ``state`` is ``done``, ``current``, ``ahead`` or ``problem``."""

    title: str
    state: str
    when: str = ""
    text: str = ""


def status_steps(request: DocumentRequest) -> list[Step]:
    """The way of the document from the call to the citizen, as far as it has come."""
    zone = request.appointment.office.time_zone
    asked = moment(request.created_at, zone)
    if request.state == "withdrawn":
        return [Step(_("The office does not issue a document after all"), "problem", asked)]
    if request.state == "to_issue" or request.document is None:
        return [
            Step(_("The office prepares your document"), "current", asked),
            Step(_("Document issued"), "ahead"),
            Step(_("Document received"), "ahead"),
        ]
    issued = Step(_("Document issued"), "done", moment(request.document.added_at, zone))
    return [issued, *_delivery_steps(current_delivery(request), zone)]


def way_title(name: str) -> LazyText | str:
    """What a way of delivery is called; its bare name when it is not enabled any more."""
    way = current_providers().delivery.get(name)
    return way.title if way else name


def can_be_fetched(request: DocumentRequest) -> bool:
    """True while the citizen can open the document in the portal."""
    return request.document is not None and request.document.expires_at > clock.now()


def moment(instant: datetime, zone: str) -> str:
    """Day and hour on the office's wall clock."""
    return f"{short_date(instant, zone)}, {wall_clock(instant, zone)}"


def _delivery_steps(delivery: Delivery | None, zone: str) -> list[Step]:
    received = Step(_("Document received"), "ahead")
    if delivery is None:
        return [received]
    when, way = moment(delivery.changed_at, zone), str(way_title(delivery.provider))
    if delivery.state == "delivered":
        return [Step(_("Document received"), "done", when, way)]
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
