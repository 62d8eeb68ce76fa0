"""What the staff's pages of documents share: the blueprint, whose documents somebody may handle."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, abort, flash, redirect
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal.appointments.models import Appointment
from portal.db import db
from portal.documents.delivering.lifecycle import Way
from portal.documents.delivering.recipients import has_point, recipient_of, ways_to
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.states import NotPossible
from portal.files import NotAcceptable, StoreTrouble
from portal.people import access
from portal.people.visitor import the_person
from portal.plugin_api import NumberRefused, RecipientField
from portal.points.lists import needs_point
from portal.providers import current_providers

blueprint = Blueprint("desk", __name__, url_prefix="/staff")

ADDRESS_PARTS = ("street", "number", "postal_code", "town")


class NotReachable(Exception):
    """The way of delivery cannot reach this recipient; the text, for people, says why."""


class NoPoint(Exception):
    """The way of delivery leads to a point of its carrier, and none is chosen that is still there."""


class NotKnown(Exception):
    """The way of delivery needs something that the citizen has not told."""


def served_request(key: str) -> DocumentRequest:
    """The document of the appointment with this key, for those who may serve the appointment."""
    found = db.session.scalar(
        select(DocumentRequest).join(DocumentRequest.appointment).where(Appointment.key == key)
    )
    if found is None or not access.may_serve(the_person(), found.appointment):
        abort(404)
    return found


def request_at_desk(key: str) -> DocumentRequest:
    """The document with this key, for all staff of its office."""
    return _at_desk(db.session.scalar(select(DocumentRequest).filter_by(key=key)))


def delivery_at_desk(key: str) -> Delivery:
    """The attempt with this key, for all staff of its office."""
    found = db.session.scalar(select(Delivery).filter_by(key=key)) or abort(404)
    _at_desk(found.request)
    return found


def way_chosen(appointment: Appointment, name: str) -> Way:
    """The way with this name and what it needs, as the citizen has told it.

    Raises NotKnown when the citizen has not told that, NotReachable when the way does not lead to him,
    NoPoint when he must choose a point first.
    """
    provider = current_providers().delivery.get(name) or abort(400)
    if needs_point(provider) and not has_point(appointment, name):
        raise NoPoint
    if name not in ways_to(appointment):
        raise NotReachable(
            _("The citizen booked without a login and could not open the document there. Choose another way.")
        )
    recipient = _known(appointment, provider.needs)
    if any(value in (None, "") for value in recipient.values()):
        raise NotKnown
    objection = provider.objection(recipient_of(appointment, recipient))
    if objection:
        raise NotReachable(objection)
    return Way(name, recipient)


def _known(appointment: Appointment, needs: Collection[RecipientField]) -> dict[str, Any]:
    """What the citizen has told of what a way needs; None for what he has not."""
    address = {part: appointment.address.get(part) for part in ADDRESS_PARTS}
    known = {
        RecipientField.EMAIL: appointment.email,
        RecipientField.PHONE: appointment.phone,
        RecipientField.POSTAL_ADDRESS: address if all(address.values()) else None,
        RecipientField.PICKUP_POINT: appointment.recipient.get(RecipientField.PICKUP_POINT),
        RecipientField.ATTACHMENT_WISH: bool(appointment.recipient.get("attachment_wish")),
    }
    return {str(field): known.get(field) for field in needs}


@contextmanager
def refusals_told() -> Iterator[None]:
    """What cannot be done (any more) becomes a message."""
    try:
        yield
    except NotPossible:
        flash(
            _("This cannot be done any more: the document has moved on. See below where it stands."),
            "error",
        )
    except (NotAcceptable, NotReachable) as refusal:
        flash(str(refusal), "error")
    except StoreTrouble as trouble:
        flash(str(trouble.told), "error")
    except NumberRefused as refusal:
        flash(str(refusal) or _("Parcels of this way of delivery have no numbers."), "error")
    except NoPoint:
        flash(_("The point must be chosen first. Press “Another way, or another address”."), "error")
    except NotKnown:
        flash(
            _("The citizen has not told us what this way of delivery needs, such as the postal address."),
            "error",
        )


def back_to(appointment: Appointment) -> ResponseReturnValue:
    """The case, for those who may open it; for others the desk."""
    if access.may_serve(the_person(), appointment):
        return redirect(flask_url_for("staff.case", key=appointment.key, _anchor="document"))
    return redirect(flask_url_for("desk.deliveries"))


def _at_desk(found: DocumentRequest | None) -> DocumentRequest:
    if found is None or not access.may_see_office(the_person(), found.appointment.office_id):
        abort(404)
    return found
