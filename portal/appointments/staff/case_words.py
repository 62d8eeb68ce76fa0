"""What the staff read about one case: the answers of the booking, and the record of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.appointments.models import Appointment, ServedParty
from portal.appointments.on_behalf import tax_number_of
from portal.appointments.pages import chosen_way
from portal.appointments.papers import (
    CAPACITIES,
    CHANNELS,
    CONTACTS,
    NEEDS,
    OUTCOMES,
    PAPERS,
    RELATIONS,
    ROLES,
)
from portal.appointments.served_words import booking_in_words
from portal.audit import AuditLine
from portal.db import db
from portal.forms import readable_phone
from portal.i18n import short_date, wall_clock, weekday_date
from portal.people.models import Person
from portal.providers import current_providers

DEEDS = {
    "booked": _l("Booked"),
    "moved": _l("Moved to another time"),
    "reassigned": _l("A colleague stepped in"),
    "cancelled": _l("Cancelled"),
    "held": _l("Time held"),
    "earlier time wished": _l("The citizen would come earlier"),
    "earlier time not wished": _l("The citizen would not come earlier any more"),
    "earlier time offered": _l("An earlier time was offered to the citizen"),
    "earlier time declined": _l("The citizen declined the earlier time"),
    "missed": _l("Recorded as missed"),
    "call started": _l("Counter opened"),
    "room failed": _l("A room could not be opened; the next provider was asked"),
    "provider changed": _l("The call moved to another video provider"),
    "sound only": _l("The call went on with sound only"),
    "pictures again": _l("The pictures were switched on again"),
    "went on by phone": _l("The video was given up; the call went on by phone"),
    "video tried again": _l("Another room was asked for"),
    "admitted": _l("A person was admitted"),
    "invited": _l("A person was invited"),
    "invitation withdrawn": _l("An invitation was withdrawn"),
    "link renewed": _l("A new personal link was sent; the former one is dead"),
    "help wanted": _l("The citizen asked to be served without video"),
    "help not wanted": _l("The citizen wants to be served by video after all"),
    "identity checked": _l("Identity checked"),
    "citizen renamed": _l("The registry changed the citizen’s name"),
    "imported": _l("Taken over from the former system"),
    "note written": _l("Note written"),
    "call broke off": _l("The call broke off; everybody is back at the door"),
    "call ended": _l("Call ended"),
    "document asked": _l("A document is to be issued"),
    "case opened": _l("The case was opened after the call"),
    "papers asked": _l("Papers were asked for"),
    "paper sent": _l("The citizen sent a file for a paper"),
    "paper taken back": _l("The citizen took a file back"),
    "papers complete": _l("The citizen has sent all papers"),
    "paper read": _l("The office opened a paper of the citizen"),
    "paper accepted": _l("A paper was accepted"),
    "paper refused": _l("A paper was refused and asked for again"),
    "papers not needed": _l("The office goes on without the missing papers"),
    "papers erased": _l("The citizen’s papers were erased"),
    "request refused": _l("The request was refused"),
    "refusal taken back": _l("The refusal was taken back"),
    "document prepared": _l("A document was prepared for approval or sealing"),
    "prepared document read": _l("The office opened the prepared document"),
    "document approved": _l("A second person approved the document"),
    "document sent back": _l("The second person sent the document back"),
    "document called back": _l("The prepared document was called back"),
    "document issued": _l("Document issued"),
    "document read": _l("The office opened the issued document"),
    "document taken back": _l("The issued document was taken back"),
    "document withdrawn": _l("No document is issued after all"),
    "delivery begun": _l("Delivery begun"),
    "delivery tried again": _l("Delivery tried again"),
    "delivery on its way": _l("The document is on its way or ready"),
    "delivery corrected": _l("The citizen gave another address or chose another way of delivery"),
    "address corrected": _l("How the citizen is reached was corrected"),
    "way chosen": _l("The office chose how the document will reach the citizen"),
    "delivery failed": _l("The delivery did not work"),
    "document handed over": _l("Document handed over"),
    "hand-over undone": _l("Undone: the document had not left the office"),
    "wrong code": _l("A wrong code was typed for the document"),
    "delivery not collected": _l("The document was not collected in time"),
    "kept longer": _l("The document is kept longer"),
    "document given to the carrier": _l("Document given to the carrier"),
    "label read": _l("The office opened the label of the parcel"),
    "number of the parcel told": _l("The number of the parcel was written down"),
    "news of the carrier": _l("News of the carrier"),
    "parcel to be called back": _l("The carrier was asked to call the parcel back"),
    "parcel called back": _l("The carrier called the parcel back"),
    "parcel not called back": _l("The carrier did not call the parcel back"),
    "document arrived": _l("The document has arrived"),
    "document came back": _l("The document came back"),
    "citizen reminded": _l("The citizen was reminded of the document"),
    "document archived": _l("The citizen archived the document"),
    "document brought back": _l("The citizen brought the document back from the archive"),
    "document deleted": _l("The citizen deleted the document for good"),
    "document opened": _l("The citizen opened the document"),
}
PROBLEMS = frozenset(
    {
        "room failed",
        "call broke off",
        "missed",
        "cancelled",
        "delivery failed",
        "delivery not collected",
        "wrong code",
        "document came back",
        "parcel not called back",
        "paper refused",
        "request refused",
    }
)


@dataclass(frozen=True)
class HistoryEntry:
    """One deed as the timeline shows it."""

    title: str
    when: str
    text: str
    state: str


def booking_facts(appointment: Appointment) -> list[dict[str, object]]:
    """What the citizen told at booking, as rows of a summary; questions he left open are left out."""
    answers = [
        *_served_facts(appointment.served),
        (_("Takes place"), CHANNELS[appointment.channel]),
        (_("Phone"), readable_phone(appointment.phone)),
        (_("E-mail"), appointment.email),
        (_("Address"), _address(appointment.address)),
        (_("Language"), {"el": "Ελληνικά", "en": "English"}[appointment.language]),
        (_("Will show"), PAPERS.get(appointment.paper, "")),
        (_("Needs"), ", ".join(str(NEEDS[need]) for need in appointment.needs)),
        (_("Way of delivery chosen"), chosen_way(appointment)),
        (_("Says beforehand"), appointment.remark),
    ]
    return [{"key": question, "value": answer} for question, answer in answers if answer]


def _served_facts(party: ServedParty | None) -> list[tuple[str, object]]:
    """For whom the citizen acts, and how that person is reached."""
    if party is None:
        return []
    words = CAPACITIES if party.kind == "business" else RELATIONS
    return [
        (_("Acts on behalf of"), f"{party.name} ({words[party.relation]})"),
        (_("Tax number (AFM)"), tax_number_of(party)),
        (_("Phone of the person served"), readable_phone(party.phone)),
        (_("E-mail of the person served"), party.email),
        (_("Right to act"), _("declared by the citizen") if party.declared_at else ""),
    ]


def history_of(appointment: Appointment) -> list[HistoryEntry]:
    """Everything that was done with the appointment, newest last."""
    rows = db.session.execute(
        select(AuditLine, Person)
        .outerjoin(Person, Person.id == AuditLine.actor_id)
        .where(AuditLine.subject == f"appointment:{appointment.id}")
        .order_by(AuditLine.id)
    )
    zone = appointment.office.time_zone
    return [_entry(line, actor, zone) for line, actor in rows]


def provider_title(name: str) -> str:
    """What people call the provider; the bare name when it is not enabled any more."""
    providers = current_providers()
    provider = providers.video.get(name) or providers.delivery.get(name)
    return str(provider.title) if provider else name


def _entry(line: AuditLine, actor: Person | None, zone: str) -> HistoryEntry:
    return HistoryEntry(
        title=str(DEEDS.get(line.deed, line.deed)),
        when=_moment(line.at, zone) + " · " + (actor.name if actor else _("the portal")),
        text=_facts_in_words(line, zone),
        state="problem" if line.deed in PROBLEMS else "done",
    )


def _facts_in_words(line: AuditLine, zone: str) -> str:
    facts = line.facts
    match line.deed:
        case "booked":
            return booking_in_words(facts)
        case "moved":
            before, after = (
                _moment(datetime.fromisoformat(facts[name]), zone) for name in ("before", "after")
            )
            return _("from %(before)s to %(after)s", before=before, after=after)
        case "earlier time offered":
            return _moment(datetime.fromisoformat(facts["starts_at"]), zone)
        case "admitted" | "invited" | "invitation withdrawn" | "link renewed":
            return str(ROLES[facts["role"]])
        case "identity checked":
            result = _("identified") if facts["identified"] else _("not identified")
            return f"{ROLES['served']}: {result}" if facts.get("whom") == "served" else result
        case "call ended":
            return str(OUTCOMES[facts["outcome"]])
        case _:
            return _document_facts_in_words(line.deed, facts, zone)


def _document_facts_in_words(deed: str, facts: Mapping[str, Any], zone: str) -> str:
    match deed:
        case "document asked":
            return str(facts.get("protocol", ""))
        case "document handed over":
            return _("to an authorised person") if facts.get("authorisation") else ""
        case "address corrected":
            return ", ".join(str(CONTACTS[kind]) for kind in facts.get("kinds", ["email"]))
        case "kept longer":
            return weekday_date(date.fromisoformat(facts["until"]), zone)
        case _:
            return provider_title(facts.get("provider", ""))


def _address(parts: dict[str, str]) -> str:
    street = f"{parts.get('street', '')} {parts.get('number', '')}".strip()
    town = f"{parts.get('postal_code', '')} {parts.get('town', '')}".strip()
    return ", ".join(part for part in (street, town) if part)


def _moment(instant: datetime, zone: str) -> str:
    return f"{short_date(instant, zone)}, {wall_clock(instant, zone)}"
