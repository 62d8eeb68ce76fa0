"""For whom an appointment is, in words; every template can ask ``on_behalf_of(appointment)``."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.appointments.models import Appointment
from portal.appointments.papers import ASKED, CAPACITIES, RELATIONS


def on_behalf_of(appointment: Appointment) -> str:
    """As it stands after the name of the one who acts; empty where he acts for himself."""
    party = appointment.served
    if party is None:
        return ""
    if party.kind == "business":
        capacity = CAPACITIES[party.relation]
        return _("for the business %(name)s (%(capacity)s)", name=party.name, capacity=capacity)
    relation = RELATIONS[party.relation]
    return _("on behalf of %(name)s (%(relation)s)", name=party.name, relation=relation)


def booking_in_words(facts: dict[str, str]) -> str:
    """What the record of a booking says of those behind it: never a name."""
    told = []
    if "asked" in facts:
        told.append(_("the citizen asked %(how)s", how=ASKED[facts["asked"]]))
    if facts.get("served") == "business":
        told.append(_("for a business (%(capacity)s)", capacity=CAPACITIES[facts["relation"]]))
    elif "served" in facts:
        told.append(_("for another person (%(relation)s)", relation=RELATIONS[facts["relation"]]))
    return " · ".join(told)
