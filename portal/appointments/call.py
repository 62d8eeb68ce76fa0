"""The call: who is admitted, who is identified, how it ends. The second half of an appointment's life.

Runs inside the caller's `transaction()`, as `portal.appointments.lifecycle` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from portal import audit, clock, events
from portal.appointments import occupancy, on_behalf, rooms
from portal.appointments.lifecycle import NotPossible, change
from portal.appointments.messages import excuse_guest, tell_guest, tell_new_link
from portal.appointments.models import Appointment, IdentityCheck, Participant
from portal.appointments.papers import PARTIES
from portal.db import db, must_be_writing
from portal.documents import lifecycle as documents
from portal.people.models import Person
from portal.plugin_api import CallEnded

SEEN_WITHIN = timedelta(seconds=25)
"""A person is at the door while his page asked for news this recently."""


@dataclass(frozen=True)
class IdentityRecord:
    """What the clerk ticked. No picture, no number of a paper."""

    paper: str
    paper_shown: bool
    face_matches: bool
    name_matches: bool
    whom: str = "citizen"
    """``citizen``, or ``served`` for the person for whom he acts."""

    @property
    def identified(self) -> bool:
        return self.paper_shown and self.face_matches and self.name_matches


def arrive(participant: Participant) -> None:
    """The person's page at the door asked for news: he is here."""
    must_be_writing()
    now = clock.now()
    if participant.waiting_since is None or not is_here(participant):
        participant.waiting_since = now
    participant.seen_at = now


def is_here(participant: Participant) -> bool:
    """True while the person's page is open at the door."""
    return participant.seen_at is not None and clock.now() - participant.seen_at < SEEN_WITHIN


def start(appointment: Appointment, providers: Sequence[str], actor: Person) -> None:
    """The clerk opens the call and admits the citizen and whom he acts for; a worker opens the room.

    By phone and at the counter there is no room, and nobody waits at the door.
    """
    change(appointment, "start")
    appointment.started_at = appointment.started_at or clock.now()
    by_video = appointment.channel == "video"
    for participant in appointment.participants:
        if not participant.revoked_at and (participant.role in PARTIES or not by_video):
            participant.admitted_at = clock.now()
    audit.record(actor.id, "call started", _subject(appointment))
    if by_video:
        rooms.order(appointment, providers)


def admit(participant: Participant, actor: Person) -> None:
    """Let one more person in who waits at the door."""
    must_be_writing()
    if participant.appointment.state != "in_call" or participant.revoked_at:
        raise NotPossible(participant.appointment.state, "admit")
    if participant.admitted_at:
        return  # a colleague pressed at the same moment
    participant.admitted_at = clock.now()
    audit.record(actor.id, "admitted", _subject(participant.appointment), role=participant.role)


def invite(
    appointment: Appointment, role: str, name: str, email: str, language: str, actor: Person
) -> Participant:
    """Invite a third person by e-mail, with a link of his own."""
    must_be_writing()
    if appointment.state not in ("booked", "in_call"):
        raise NotPossible(appointment.state, "invite")
    guest = Participant(role=role, name=name, email=email, language=language)
    if appointment.state == "in_call" and appointment.channel != "video":
        guest.admitted_at = clock.now()  # there is no door at which he could wait
    appointment.participants.append(guest)
    db.session.flush()
    audit.record(actor.id, "invited", _subject(appointment), role=role)
    tell_guest(guest)
    return guest


def withdraw(guest: Participant, actor: Person) -> None:
    """Take an invitation back: the link is dead at once, and who is in the call already loses his way in.

    Raises NotPossible for those whose appointment it is, and for the interpreter of the roster, who leaves
    when his time is booked no more.
    """
    must_be_writing()
    appointment = guest.appointment
    if guest.role in PARTIES or guest.person_id or guest.revoked_at:
        raise NotPossible(appointment.state, "withdraw")
    guest.revoked_at = clock.now()
    audit.record(actor.id, "invitation withdrawn", _subject(appointment), role=guest.role)
    _shut_out(guest)
    excuse_guest(guest, appointment.starts_at)


def renew_link(guest: Participant, email: str, actor: Person) -> None:
    """Send a new personal link to ``email``; all older ones are dead at once, wherever they went."""
    must_be_writing()
    appointment = guest.appointment
    if appointment.state not in ("booked", "in_call") or guest.revoked_at or guest.person_id:
        raise NotPossible(appointment.state, "renew the link")
    guest.link_version += 1
    guest.browser = ""
    _write_address(guest, email)
    _shut_out(guest)
    audit.record(actor.id, "link renewed", _subject(appointment), role=guest.role)
    tell_new_link(guest)


def _write_address(guest: Participant, email: str) -> None:
    """Later messages go to the new address as well."""
    guest.email = email
    if guest.role == "citizen":
        guest.appointment.email = email
    elif guest.role == "served" and guest.appointment.served:
        guest.appointment.served.email = email


def _shut_out(guest: Participant) -> None:
    """Make worthless what the person's browser may hold of an open room: the call moves into another one."""
    was_inside, guest.admitted_at = guest.admitted_at is not None, None
    guest.seen_at = guest.waiting_since = None
    if was_inside:
        rooms.move_into_new_room(guest.appointment)


def ask_for_help(guest: Participant, channel: str) -> None:
    """The citizen asks to be served by ``channel`` instead of video; empty takes it back."""
    must_be_writing()
    if guest.help_wanted == channel:
        return
    guest.help_wanted = channel
    if channel:
        audit.record(None, "help wanted", _subject(guest.appointment))
    else:
        audit.record(None, "help not wanted", _subject(guest.appointment))


def record_identity(appointment: Appointment, record: IdentityRecord, actor: Person) -> None:
    """Keep what the clerk saw; a later record replaces an earlier one. By phone nothing is seen."""
    must_be_writing()
    may_be = record.whom in on_behalf.may_be_identified(appointment)
    if appointment.state != "in_call" or not sees_citizen(appointment) or not may_be:
        raise NotPossible(appointment.state, "identify")
    check = appointment.identity_check or IdentityCheck()
    check.whom, check.paper = record.whom, record.paper
    check.paper_shown = record.paper_shown
    check.face_matches = record.face_matches
    check.name_matches = record.name_matches
    check.identified = record.identified
    check.clerk_id, check.checked_at = actor.id, clock.now()
    # Last, because from here on it is part of the session and must be complete.
    appointment.identity_check = check
    facts = {"identified": record.identified, "whom": record.whom}
    audit.record(actor.id, "identity checked", _subject(appointment), **facts)


def can_identify(appointment: Appointment) -> bool:
    """True where the clerk sees the citizen and his paper at some time."""
    return appointment.channel != "phone"


def sees_citizen(appointment: Appointment) -> bool:
    """True while the clerk sees the citizen: not any more when a call by video went on by phone."""
    return can_identify(appointment) and appointment.by_phone_since is None


def write_note(appointment: Appointment, note: str, actor: Person) -> None:
    """Keep the clerk's note."""
    must_be_writing()
    appointment.note = note
    audit.record(actor.id, "note written", _subject(appointment))


def finish(appointment: Appointment, outcome: str, actor: Person) -> None:
    """End the call. With ``issue`` the office owes the citizen a document from now on.

    A technical fault is recorded as such, never as a missed appointment. By phone there is information
    only.
    """
    if outcome == "issue" and not can_identify(appointment):
        raise NotPossible(appointment.state, "issue")
    change(appointment, "finish")
    appointment.outcome = outcome
    appointment.ended_at = clock.now()
    rooms.close_all(appointment)
    occupancy.release(appointment)
    audit.record(actor.id, "call ended", _subject(appointment), outcome=outcome)
    if outcome == "issue":
        documents.ask(appointment)
    events.publish(CallEnded(at=clock.now(), appointment=appointment.key, outcome=outcome))


def call_again(appointment: Appointment, actor: Person) -> None:
    """The call broke off: everybody goes back to the door, the time stays taken."""
    change(appointment, "call_again")
    for participant in appointment.participants:
        participant.admitted_at = None
    appointment.by_phone_since = None
    rooms.close_all(appointment)
    audit.record(actor.id, "call broke off", _subject(appointment))


def _subject(appointment: Appointment) -> str:
    return f"appointment:{appointment.id}"
