"""What the door says, in words for the one who reads: the citizen, the person served, or an invited guest."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from portal.appointments.door_state import Face, kept_until, opens_at
from portal.appointments.models import Appointment
from portal.appointments.papers import CHILD, ROLES
from portal.clock import now
from portal.i18n import in_readers_language, short_date, wall_clock

TITLES = {
    "early": _l("You are early – good!"),
    "waiting": _l("Please wait, the clerk has been told"),
    "late": _l("The clerk is a little late"),
    "dropped": _l("The call is interrupted"),
    "opening": _l("The room is being opened"),
    "admitted": _l("The clerk is expecting you"),
    "no_room": _l("The video does not work at the moment"),
    "ended": _l("The time of this call is over"),
    "by_phone": _l("The call goes on by phone"),
    "cancelled": _l("This appointment is cancelled"),
    "missed": _l("This appointment is over"),
    "technical": _l("The call ended because of a technical fault"),
    "over": _l("The appointment is over"),
    "passed": _l("The time of this appointment has passed"),
    "phone": _l("This appointment is by phone"),
    "in_person": _l("We expect you at the office"),
    "elsewhere": _l("This link is in use in another browser"),
}


def title_of(face: Face) -> str:
    """The heading."""
    if face.state == "phone" and face.guest.role == "citizen":
        return _("We will call you")
    return str(TITLES[face.state])


def lead_of(face: Face) -> str:
    """The sentence under the heading."""
    return LEADS[face.state](face)


def line_in_words(face: Face) -> str:
    """How many are before him, and about how late the clerk is; empty when there is nothing to tell."""
    line = face.line
    if line is None:
        return ""
    told = []
    if line.before == 1 and line.in_call:
        told.append(_("The clerk is in another call. You are next."))
    elif line.before:
        people = ngettext("One person is before you.", "%(num)d people are before you.", line.before)
        told.append(people)
    if line.minutes_late:
        told.append(_("The clerk is about %(minutes)s minutes late.", minutes=line.minutes_late))
    return " ".join(told)


def news_of(face: Face) -> list[str]:
    """What has changed since he came: another clerk, another video system, another room."""
    told = []
    if face.other_clerk:
        told.append(_("A colleague has taken over and will serve you. You keep your turn."))
    if face.moved == "provider":
        told.append(_("The call has moved to another video system. It was nothing that you did."))
    elif face.moved == "room":
        told.append(_("The call has moved into another room. It was nothing that you did."))
    return told


def people_in_words(appointment: Appointment) -> str:
    """Who takes part in the call that is open, for everybody in it: no face is there that has no name."""
    staff = [(appointment.clerk.name, _("Clerk"))]
    if appointment.second_clerk:
        staff.append((appointment.second_clerk.name, _("Second clerk")))
    inside = [p for p in appointment.participants if p.admitted_at and not p.revoked_at]
    guests = [(person.name, str(ROLES[person.role])) for person in inside]
    return ", ".join(f"{name} ({role})" for name, role in [*staff, *guests])


def shows_paper(face: Face) -> bool:
    """True for whom the clerk may ask for an identity paper, until the check is recorded."""
    appointment, role = face.appointment, face.guest.role
    check = appointment.identity_check
    if check is not None and check.identified:
        return False
    return role == "citizen" or (role == "served" and not _is_child(appointment))


def may_book_again(face: Face) -> bool:
    """True where the page offers a new booking."""
    return face.guest.role == "citizen" and face.state in ("cancelled", "missed", "technical", "passed")


def _is_child(appointment: Appointment) -> bool:
    return appointment.served is not None and appointment.served.relation == CHILD


def _by_role(face: Face, citizen: str, served: str, guest: str) -> str:
    return {"citizen": citizen, "served": served}.get(face.guest.role, guest)


def _early(face: Face) -> str:
    clock = wall_clock(opens_at(face.appointment), face.appointment.office.time_zone)
    return _("The waiting room opens at %(clock)s. This page then changes by itself.", clock=clock)


def _waiting(face: Face) -> str:
    if face.call_is_open:
        return _(
            "The call is open, and the clerk sees that you are here and will let you in. Stay on this page."
        )
    return _("The clerk sees that you are here and will let you in. Keep this page open.")


def _late(face: Face) -> str:
    return _("We are sorry that you have to wait. You keep your turn; keep this page open.")


def _dropped(face: Face) -> str:
    until, zone = kept_until(face.appointment), face.appointment.office.time_zone
    clock, day = wall_clock(until, zone), short_date(until, zone)
    # A call that was opened days before its hour may break off on that day too.
    return _(
        "You keep your turn: you are expected until %(clock)s. Keep this page open; the clerk opens the "
        "call again.",
        clock=clock if day == short_date(now(), zone) else f"{clock} ({day})",
    )


def _opening(face: Face) -> str:
    return _("The clerk has admitted you. It takes only a moment.")


def _admitted(face: Face) -> str:
    if face.room is not None and face.room.sound_only:
        return _("The call goes on with sound only. Press the button and allow the microphone.")
    if shows_paper(face):
        return _("Press the button, allow camera and microphone, and have your identity paper ready.")
    return _("Press the button, and allow camera and microphone.")


def _no_room(face: Face) -> str:
    if face.guest.role == "citizen":
        return _(
            "The clerk sees it and goes on another way: with another video system, or by a call to your "
            "phone. Keep this page open and the phone near you."
        )
    return _("The clerk sees it and goes on another way. Keep this page open.")


def _ended(face: Face) -> str:
    phone = face.appointment.office.phone
    return _("If something is left open, please call the office: %(phone)s.", phone=phone)


def _by_phone(face: Face) -> str:
    name = face.appointment.citizen_name
    calls = _("The video does not work well, so the clerk goes on by phone with %(name)s.", name=name)
    citizen = _(
        "The video does not work well, so the clerk calls you now at the number that you gave. Keep the "
        "phone near you."
    )
    return _by_role(face, citizen, calls, calls)


def _phone(face: Face) -> str:
    appointment = face.appointment
    citizen = _(
        "This appointment is by phone: the clerk calls you at the number that you gave. You need no "
        "camera; keep the phone near you."
    )
    served = _(
        "This appointment is by phone: the clerk calls %(name)s, who has booked for you. Please be "
        "together at this hour.",
        name=appointment.citizen_name,
    )
    phone = appointment.office.phone
    guest = _(
        "This appointment is by phone. Please ask the office how you take part: %(phone)s.", phone=phone
    )
    return _by_role(face, citizen, served, guest)


def _in_person(face: Face) -> str:
    address = in_readers_language(face.appointment.office.address)
    if shows_paper(face):
        return _(
            "This appointment is in person. Please come to %(address)s, with your identity paper.",
            address=address,
        )
    return _("This appointment is in person. Please come to %(address)s.", address=address)


def _booker_can_book(face: Face) -> str:
    name = face.appointment.citizen_name
    return _("%(name)s, who booked for you, or the office can book a new time.", name=name)


def _cancelled(face: Face) -> str:
    citizen = _("If you still need the service, book a new time.")
    return _by_role(face, citizen, _booker_can_book(face), _("You are not expected any more."))


def _missed(face: Face) -> str:
    what = missed_in_words(face.appointment)
    citizen = f"{what} {_('You can book again at once.')}"
    guest = _("The appointment did not take place. You need not do anything.")
    return _by_role(face, citizen, _served_missed(face), guest)


def missed_in_words(appointment: Appointment) -> str:
    """What happened, to the citizen: by video, by phone or at the office."""
    if appointment.channel == "phone":
        return _("The clerk called you and did not reach you.")
    if appointment.channel == "in_person":
        return _("You did not come to the office at the hour of your appointment.")
    return _("You were not there when the clerk called.")


def _served_missed(face: Face) -> str:
    if face.appointment.channel == "phone":
        name = face.appointment.citizen_name
        what = _("The clerk called %(name)s and did not reach anybody.", name=name)
    else:
        what = missed_in_words(face.appointment)
    return f"{what} {_booker_can_book(face)}"


def _technical(face: Face) -> str:
    citizen = _("It does not count as missed. The office will contact you, or you can book another time.")
    name = face.appointment.citizen_name
    served = _(
        "It does not count as missed. The office will contact %(name)s, who booked for you.", name=name
    )
    guest = _("It does not count as missed. The office will contact the citizen. You can close this page.")
    return _by_role(face, citizen, served, guest)


def _over(face: Face) -> str:
    name = face.appointment.citizen_name
    citizen = _("Thank you. You can close this page. What happens next stands in your appointment.")
    if face.appointment.citizen_id is None:
        citizen = _("Thank you. You can close this page. The office tells you what happens next.")
    served = _(
        "Thank you. You can close this page. %(name)s, who booked for you, is told what happens next.",
        name=name,
    )
    return _by_role(face, citizen, served, _("Thank you. You can close this page."))


def _passed(face: Face) -> str:
    phone = face.appointment.office.phone
    if face.appointment.channel == "in_person":
        return _("The appointment did not take place. Please call the office: %(phone)s.", phone=phone)
    return _("The call did not take place. Please call the office: %(phone)s.", phone=phone)


def _elsewhere(face: Face) -> str:
    phone = face.appointment.office.phone
    return _(
        "The link of an invited person works in one browser only: the one in which the call was entered "
        "first. Go on there, or ask the office for a new link: %(phone)s.",
        phone=phone,
    )


LEADS: dict[str, Callable[[Face], str]] = {
    "early": _early,
    "waiting": _waiting,
    "late": _late,
    "dropped": _dropped,
    "opening": _opening,
    "admitted": _admitted,
    "no_room": _no_room,
    "ended": _ended,
    "by_phone": _by_phone,
    "cancelled": _cancelled,
    "missed": _missed,
    "technical": _technical,
    "over": _over,
    "passed": _passed,
    "phone": _phone,
    "in_person": _in_person,
    "elsewhere": _elsewhere,
}
