"""The call: who is admitted, in which room, how it ends. The second half of an appointment's life.

Runs inside the caller's `transaction()`, as `portal.appointments.lifecycle` does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from portal import audit, clock, events, outbox
from portal.appointments import occupancy, on_behalf
from portal.appointments.lifecycle import NotPossible, change
from portal.appointments.messages import GRACE, tell_guest
from portal.appointments.models import Appointment, IdentityCheck, Participant, VideoRoom, new_key
from portal.appointments.papers import PARTIES
from portal.db import db, must_be_writing
from portal.documents import lifecycle as documents
from portal.people.models import Person
from portal.plugin_api import CallEnded, Room, RoomOrder

SEEN_WITHIN = timedelta(seconds=25)
"""A person is at the door while his page asked for news this recently."""
MAX_GUESTS = 4


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
        order_room(appointment, providers)


def order_room(appointment: Appointment, providers: Sequence[str]) -> VideoRoom:
    """Ask for a room with the first of ``providers`` that has not disappointed this appointment yet."""
    failed = {room.provider for room in appointment.rooms if room.last_error}
    choices = [name for name in providers if name not in failed] or list(providers)
    room = VideoRoom(
        provider=choices[0],
        key=f"{appointment.key}-{new_key(8)}",
        state="opening",
        closes_at=max(appointment.ends_at, clock.now() + timedelta(minutes=appointment.minutes)) + GRACE,
    )
    appointment.rooms.append(room)
    db.session.flush()
    _post_room_work("video.open", room, give_up_at=clock.now() + timedelta(minutes=2))
    _post_room_work("video.close", room, due_at=room.closes_at, when="late")
    return room


def change_provider(appointment: Appointment, providers: Sequence[str], actor: Person) -> None:
    """The call does not work with this provider: close its room and ask the next one."""
    room = current_room(appointment)
    if appointment.state != "in_call" or room is None:
        raise NotPossible(appointment.state, "change provider")
    _close_rooms(appointment)
    room.last_error = "changed by the clerk"
    audit.record(actor.id, "provider changed", _subject(appointment), provider=room.provider)
    order_room(appointment, providers)


def order_for(room: VideoRoom, return_url: str) -> RoomOrder | None:
    """What the worker asks of the provider; None when the room is not wanted any more.

    ``return_url``: where a browser goes that has left a call on another site.
    """
    appointment = room.appointment
    if room.state != "opening" or appointment.state != "in_call":
        return None
    return RoomOrder(
        key=room.key,
        title=appointment.service.name.in_language(appointment.language),
        opens_at=clock.now(),
        closes_at=room.closes_at,
        max_guests=MAX_GUESTS,
        language=appointment.language,
        return_url=return_url,
        sound_only=room.sound_only,
    )


def room_opened(room: VideoRoom, opened: Room) -> bool:
    """The provider has a room. False when it is not wanted any more and must be closed again."""
    must_be_writing()
    if room.state == "opening":
        room.state, room.data = "open", dict(opened.data)
    return room.state == "open"


def room_failed(room: VideoRoom, reason: str, providers: Sequence[str]) -> None:
    """The provider could not open the room: the next provider is asked, and the clerk sees why."""
    must_be_writing()
    if room.state != "opening":
        return
    room.state, room.last_error = "failed", reason[:255]
    tried = {other.provider for other in room.appointment.rooms}
    audit.record(None, "room failed", _subject(room.appointment), provider=room.provider)
    if room.appointment.state == "in_call" and set(providers) - tried:
        order_room(room.appointment, providers)


def room_closed(room: VideoRoom) -> None:
    """The provider has ended the call for everybody."""
    must_be_writing()
    if room.state != "failed":
        room.state = "closed"


def current_room(appointment: Appointment) -> VideoRoom | None:
    """The room in which the call is held now."""
    living = [room for room in appointment.rooms if room.state in ("opening", "open")]
    return living[-1] if living else None


def as_room(room: VideoRoom) -> Room:
    """The room as its provider knows it."""
    return Room(room.key, room.closes_at, dict(room.data), room.sound_only)


def open_rooms(providers: Collection[str]) -> tuple[Room, ...]:
    """The rooms of these providers in which a call may be held now."""
    wanted = (
        select(VideoRoom)
        .join(VideoRoom.appointment)
        .where(
            VideoRoom.provider.in_(providers),
            VideoRoom.state == "open",
            VideoRoom.closes_at > clock.now(),
            Appointment.state == "in_call",
        )
    )
    return tuple(as_room(room) for room in db.session.scalars(wanted))


def admit(participant: Participant, actor: Person) -> None:
    """Let one more person in who waits at the door."""
    must_be_writing()
    if participant.appointment.state != "in_call" or participant.revoked_at:
        raise NotPossible(participant.appointment.state, "admit")
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


def record_identity(appointment: Appointment, record: IdentityRecord, actor: Person) -> None:
    """Keep what the clerk saw; a later record replaces an earlier one. By phone nothing is seen."""
    must_be_writing()
    may_be = record.whom in on_behalf.may_be_identified(appointment)
    if appointment.state != "in_call" or not can_identify(appointment) or not may_be:
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
    """True where the clerk sees the citizen and his paper."""
    return appointment.channel != "phone"


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
    _close_rooms(appointment)
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
    _close_rooms(appointment)
    audit.record(actor.id, "call broke off", _subject(appointment))


def _close_rooms(appointment: Appointment) -> None:
    for room in appointment.rooms:
        if room.state in ("opening", "open"):
            _post_room_work("video.close", room, when="now")


def _post_room_work(
    kind: str,
    room: VideoRoom,
    due_at: datetime | None = None,
    give_up_at: datetime | None = None,
    when: str = "",
) -> None:
    outbox.post(
        kind,
        f"room:{room.id}",
        {"room_id": room.id},
        key=f"{kind}-{room.key}-{when}",
        due_at=due_at,
        give_up_at=give_up_at or (due_at or clock.now()) + timedelta(hours=12),
    )


def _subject(appointment: Appointment) -> str:
    return f"appointment:{appointment.id}"
