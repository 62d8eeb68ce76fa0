"""Rooms of a call: which provider holds it, what happens when one disappoints, pictures or sound only.

`portal.appointments.call` and the clerk's page order rooms; a worker opens and closes them. Runs inside the
caller's `transaction()`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from portal import audit, clock, outbox
from portal.appointments.lifecycle import NotPossible
from portal.appointments.messages import GRACE
from portal.appointments.models import Appointment, VideoRoom, new_key
from portal.db import db, must_be_writing
from portal.people.models import Person
from portal.plugin_api import Room, RoomOrder

MAX_GUESTS = 4
"""Room for so many at least; with more participants there is room for all of them and one more."""
OPENS_WITHIN = timedelta(minutes=2)
"""After so long nobody waits for a provider any more."""


def order(appointment: Appointment, providers: Sequence[str], sound_only: bool = False) -> VideoRoom:
    """Ask for a room with the first of ``providers`` that has not disappointed this appointment yet."""
    failed = {room.provider for room in appointment.rooms if room.last_error}
    choices = [name for name in providers if name not in failed] or list(providers)
    room = VideoRoom(
        provider=choices[0],
        key=f"{appointment.key}-{new_key(8)}",
        state="opening",
        closes_at=max(appointment.ends_at, clock.now() + timedelta(minutes=appointment.minutes)) + GRACE,
        sound_only=sound_only,
    )
    appointment.by_phone_since = None
    appointment.rooms.append(room)
    db.session.flush()
    _post_work("video.open", room, give_up_at=clock.now() + OPENS_WITHIN)
    _post_work("video.close", room, due_at=room.closes_at, when="late")
    return room


def change_provider(appointment: Appointment, providers: Sequence[str], actor: Person) -> None:
    """The call does not work with this provider: close its room and ask the next one."""
    room = current(appointment)
    if appointment.state != "in_call" or room is None:
        raise NotPossible(appointment.state, "change provider")
    close_all(appointment)
    room.last_error = "changed by the clerk"
    audit.record(actor.id, "provider changed", _subject(appointment), provider=room.provider)
    order(appointment, providers, room.sound_only)


def switch_sound(appointment: Appointment, sound_only: bool, in_new_room: bool, actor: Person) -> None:
    """Go on without pictures, or with them again, for everybody.

    ``in_new_room``: the provider cannot do it in a room that is open, so the call moves into another one.
    Raises NotPossible without a room, and before the identity check is recorded, which needs the picture.
    """
    must_be_writing()
    room = current(appointment)
    if appointment.state != "in_call" or room is None or (sound_only and not _is_identified(appointment)):
        raise NotPossible(appointment.state, "switch sound")
    if room.sound_only == sound_only:
        return
    if sound_only:
        audit.record(actor.id, "sound only", _subject(appointment))
    else:
        audit.record(actor.id, "pictures again", _subject(appointment))
    if not in_new_room:
        room.sound_only = sound_only
        return
    close_all(appointment)
    order(appointment, [room.provider], sound_only)


def move_into_new_room(appointment: Appointment) -> None:
    """Go on in another room of the same provider; whatever led into the present one is worthless then."""
    must_be_writing()
    room = current(appointment)
    if appointment.state != "in_call" or room is None:
        return
    close_all(appointment)
    order(appointment, [room.provider], room.sound_only)


def go_on_by_phone(appointment: Appointment, actor: Person) -> None:
    """Give the video up; the clerk calls the citizen. What was seen and recorded before stays recorded."""
    must_be_writing()
    if appointment.state != "in_call" or appointment.channel != "video":
        raise NotPossible(appointment.state, "go on by phone")
    close_all(appointment)
    appointment.by_phone_since = clock.now()
    audit.record(actor.id, "went on by phone", _subject(appointment))


def try_video_again(appointment: Appointment, providers: Sequence[str], actor: Person) -> None:
    """Order a room for a call that has none: it went on by phone, or no provider could open one."""
    must_be_writing()
    if appointment.state != "in_call" or appointment.channel != "video" or current(appointment) is not None:
        raise NotPossible(appointment.state, "try video again")
    audit.record(actor.id, "video tried again", _subject(appointment))
    order(appointment, providers)


def order_for(room: VideoRoom, return_url: str, stale_since: str = "") -> RoomOrder | None:
    """What the worker asks of the provider; None when the room is not wanted any more.

    ``return_url``: where a browser goes that has left a call on another site. ``stale_since``: what `renew`
    wrote down; without it the room is opened for the first time.
    """
    appointment = room.appointment
    wanted = is_stale(room, stale_since) if stale_since else room.state == "opening"
    if not wanted or appointment.state != "in_call":
        return None
    return RoomOrder(
        key=room.key,
        title=appointment.service.name.in_language(appointment.language),
        opens_at=clock.now(),
        closes_at=room.closes_at,
        max_guests=max(MAX_GUESTS, _most_people(appointment)),
        language=appointment.language,
        return_url=return_url,
        sound_only=room.sound_only,
    )


def opened(room: VideoRoom, answer: Room) -> bool:
    """The provider has a room. False when it is not wanted any more and must be closed again."""
    must_be_writing()
    if room.state == "opening":
        room.state, room.data, room.opened_at = "open", dict(answer.data), clock.now()
    return room.state == "open"


def is_fresh(room: VideoRoom, fresh_for: timedelta | None) -> bool:
    """True while an open room may be trusted to exist: its provider said so lately."""
    return fresh_for is None or (room.opened_at is not None and clock.now() < room.opened_at + fresh_for)


def renew(room: VideoRoom) -> None:
    """Have the worker open the room again before somebody enters; asking twice posts one order.

    Those who are in it notice nothing: the same key leads to the same room, unless the provider lost it.
    """
    since = _last_opened(room)
    outbox.post(
        "video.renew",
        f"room:{room.id}",
        {"room_id": room.id, "stale_since": since},
        key=f"video.renew-{room.key}-{since}",
        give_up_at=clock.now() + OPENS_WITHIN,
    )


def is_stale(room: VideoRoom, since: str) -> bool:
    """True while the room is open and nobody has opened it again since then."""
    return room.state == "open" and _last_opened(room) == since


def renewed(room: VideoRoom, answer: Room) -> bool:
    """The room exists, perhaps anew. False when it was given up meanwhile and must be closed again."""
    must_be_writing()
    if room.state == "open":
        room.data, room.opened_at = dict(answer.data), clock.now()
    return room.state == "open"


def failed(room: VideoRoom, reason: str, providers: Sequence[str]) -> None:
    """The provider could not open the room: the next provider is asked, and the clerk sees why."""
    must_be_writing()
    if room.state != "opening":
        return
    _give_way(room, reason, providers)


def lost(room: VideoRoom, stale_since: str, reason: str, providers: Sequence[str]) -> None:
    """The room could not be opened again: nobody else gets in, so the call moves to the next provider."""
    must_be_writing()
    if not is_stale(room, stale_since):
        return
    # Nobody must stay behind in it alone.
    _post_work("video.close", room, when="now")
    _give_way(room, reason, providers)


def _give_way(room: VideoRoom, reason: str, providers: Sequence[str]) -> None:
    room.state, room.last_error = "failed", reason[:255]
    audit.record(None, "room failed", _subject(room.appointment), provider=room.provider)
    if room.appointment.state == "in_call" and untried(room, providers):
        order(room.appointment, providers, room.sound_only)


def untried(room: VideoRoom, providers: Collection[str]) -> set[str]:
    """The providers that have not been asked for this appointment yet."""
    return set(providers) - {other.provider for other in room.appointment.rooms}


def closed(room: VideoRoom) -> None:
    """The provider has ended the call for everybody."""
    must_be_writing()
    if room.state != "failed":
        room.state = "closed"


def current(appointment: Appointment) -> VideoRoom | None:
    """The room in which the call is held now."""
    living = [room for room in appointment.rooms if room.state in ("opening", "open")]
    living = [room for room in living if room.closes_at > clock.now()]
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


def close_all(appointment: Appointment) -> None:
    """Have the worker close whatever is open."""
    for room in appointment.rooms:
        if room.state in ("opening", "open"):
            _post_work("video.close", room, when="now")
            # From here on nobody is let in, and another room may take its place.
            room.state = "closing"


def _most_people(appointment: Appointment) -> int:
    staff = 2 if appointment.second_clerk_id else 1
    return staff + sum(not person.revoked_at for person in appointment.participants) + 1


def _is_identified(appointment: Appointment) -> bool:
    check = appointment.identity_check
    return check is not None and check.identified


def _last_opened(room: VideoRoom) -> str:
    return room.opened_at.isoformat() if room.opened_at else "never"


def _post_work(
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
