"""Words of the booking form: channels, identity papers, accommodations and roles in the call.

The papers are those which Greek administration generally accepts; a paper is shown on camera, never
scanned (ν. 5099/2024, art. 31).
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

CHANNELS = {
    "video": _l("by video"),
    "phone": _l("by phone"),
    "in_person": _l("in person"),
}

PAPERS = {
    "id_card": _l("Identity card"),
    "id_temporary": _l("Temporary certificate of identity"),
    "passport": _l("Passport"),
    "driving_licence": _l("Driving licence"),
    "residence_permit": _l("Residence permit"),
    "wallet": _l("Identity card in the Gov.gr Wallet"),
}

SIGN_LANGUAGE = "sign_language"
CONTACTS = {
    "email": _l("E-mail"),
    "phone": _l("Phone"),
    "address": _l("Postal address"),
}
"""What can be corrected of how the citizen is reached, by the fields of `contact.Contact`."""

NEEDS = {
    SIGN_LANGUAGE: _l("Greek Sign Language interpreter"),
    "lip_reading": _l("Lip reading: the clerk faces the camera and speaks clearly"),
    "written": _l("Written messages during the call"),
}

ROLES = {
    "citizen": _l("Citizen"),
    "served": _l("Person served"),
    "companion": _l("Companion"),
    "interpreter": _l("Interpreter"),
}

PARTIES = ("citizen", "served")
"""Roles of those whose appointment it is; whoever has another role was invited by the office."""

HELP = {
    "phone": _l("asks to be called instead"),
    "in_person": _l("asks to come to the office instead"),
}
"""What the staff read of a citizen for whom the video does not work."""

CHILD = "child"
RELATIONS = {
    CHILD: _l("child under age"),
    "parent": _l("parent"),
    "spouse": _l("spouse or partner"),
    "relative": _l("other relative"),
    "ward": _l("person in care"),
    "other": _l("other person"),
}
"""What the person served is to the citizen who acts for him."""

CAPACITIES = {
    "representative": _l("legal representative"),
    "authorised": _l("authorised person"),
}
"""In which capacity a citizen acts for a business."""

ASKED = {
    "counter": _l("at the counter"),
    "phone": _l("by phone call"),
}
"""How a citizen asked the office to book for him."""

STATES = {
    "held": _l("Being booked"),
    "expired": _l("Not completed"),
    "booked": _l("Booked"),
    "in_call": _l("In call"),
    "done": _l("Completed"),
    "cancelled": _l("Cancelled"),
    "missed": _l("Missed"),
}

OUTCOMES = {
    "issue": _l("A document will be issued"),
    "follow_up": _l("Another appointment is needed"),
    "nothing": _l("Nothing more to do"),
    "technical": _l("The call failed for technical reasons"),
}
