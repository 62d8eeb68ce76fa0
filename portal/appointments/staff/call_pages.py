"""The clerk's side of the call: the picture, and beside it the case.

The forms of the panel work as ordinary posts; with the script `panel.js` they are sent without leaving
the page, because leaving it would drop the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import security
from portal.appointments import call, left_pages, rooms, way_page
from portal.appointments.lifecycle import NotPossible
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.appointments.papers import HELP, NEEDS, PAPERS, ROLES
from portal.appointments.staff.case_pages import asked_by_script, case_page, refusals_told, served_appointment
from portal.appointments.staff.case_words import booking_facts, provider_title
from portal.appointments.staff.forms import ClosingForm, IdentityForm, InvitationForm, LinkForm, NoteForm
from portal.appointments.staff.presence import presence
from portal.db import transaction
from portal.documents.lifecycle import request_of
from portal.documents.papers import lifecycle as papers
from portal.forms import readable_phone
from portal.i18n import current_language
from portal.people.visitor import the_person
from portal.plugin_api import Guest, Join, ProviderFailure
from portal.providers import current_providers, is_paused

log = structlog.get_logger()
blueprint = Blueprint("call", __name__, url_prefix="/staff/appointments/<key>")


@dataclass(frozen=True)
class Panel:
    """What stands beside the picture."""

    appointment: Appointment
    identity_form: IdentityForm
    invitation_form: InvitationForm
    closing_form: ClosingForm

    @property
    def room(self) -> VideoRoom | None:
        return rooms.current(self.appointment)

    @property
    def mark(self) -> str:
        """Changes when another room, or the same one in another state, belongs on the page."""
        if self.room:
            return f"{self.room.key} {self.room.state}"
        return "phone" if self.appointment.by_phone_since else "none"

    @property
    def failed_rooms(self) -> list[VideoRoom]:
        return [room for room in self.appointment.rooms if room.state == "failed"]

    @property
    def people(self) -> list[Participant]:
        return [person for person in self.appointment.participants if not person.revoked_at]

    @property
    def paused(self) -> list[str]:
        """The video systems that nobody is asked for at the moment, because they failed again and again."""
        return [provider_title(name) for name in current_providers().video if is_paused(name)]

    @property
    def can_identify(self) -> bool:
        return call.can_identify(self.appointment)

    @property
    def sees_citizen(self) -> bool:
        return call.sees_citizen(self.appointment)

    @property
    def sound_only(self) -> bool:
        return self.room is not None and self.room.sound_only

    @property
    def moves_for_sound(self) -> bool:
        return moves_for_sound(self.room)

    @property
    def needs_picture(self) -> bool:
        """True where somebody would lose what is said with hands or lips."""
        signs = any(person.role == "interpreter" for person in self.people)
        return signs or bool({"sign_language", "lip_reading"} & set(self.appointment.needs))

    @property
    def identified(self) -> bool:
        check = self.appointment.identity_check
        return check is not None and check.identified


@blueprint.get("/call")
@security.with_camera
@security.staff_only
def show(key: str) -> ResponseReturnValue:
    """The call; the clerk's way into the room is made now."""
    return _page(served_appointment(key))


@blueprint.get("/enter")
@security.staff_only
def enter(key: str) -> ResponseReturnValue:
    """Into a call that is held on another site. The way in is made at this click and stands on no page."""
    appointment = served_appointment(key)
    room = rooms.current(appointment)
    join = _way_in(appointment) if appointment.state == "in_call" else None
    if room is None or join is None or join.url is None:
        return _onward(appointment)
    left_pages.entered_as_staff(appointment.key)
    return way_page.lead(room, join.url)


@blueprint.post("/start")
@security.staff_only
def start(key: str) -> ResponseReturnValue:
    """Open the call and admit the citizen; a worker opens the room."""
    appointment = served_appointment(key)
    # A second click finds the call open already, which is what was wanted.
    if appointment.state != "in_call":
        _do(lambda: _start(appointment))
    return _onward(appointment)


def _start(appointment: Appointment) -> None:
    try:
        call.start(appointment, current_providers().video_in_order(), the_person())
    except NotPossible as refused:
        if refused.state != "in_call":  # otherwise a colleague has pressed at the same moment
            raise


@blueprint.post("/admit/<int:participant_id>")
@security.staff_only
def admit(key: str, participant_id: int) -> ResponseReturnValue:
    """Let one more person in."""
    appointment = served_appointment(key)
    guest = _guest_of(appointment, participant_id)
    _do(lambda: call.admit(guest, the_person()), _("%(name)s is admitted.", name=guest.name))
    return _onward(appointment)


@blueprint.post("/people/<int:participant_id>/withdraw")
@security.staff_only
def withdraw(key: str, participant_id: int) -> ResponseReturnValue:
    """Take an invitation back; its link is dead at once."""
    appointment = served_appointment(key)
    guest = _guest_of(appointment, participant_id)
    _do(
        lambda: call.withdraw(guest, the_person()),
        _("The invitation of %(name)s is withdrawn; the link does not work any more.", name=guest.name),
    )
    return _onward(appointment)


@blueprint.post("/people/<int:participant_id>/link")
@security.staff_only
def renew_link(key: str, participant_id: int) -> ResponseReturnValue:
    """Send a new personal link, perhaps to another address; the former ones are dead at once."""
    appointment = served_appointment(key)
    guest = _guest_of(appointment, participant_id)
    form = LinkForm()
    if not form.validate():
        flash(" ".join(map(str, form.email.errors)), "error")
        return _onward(appointment)
    email = form.email.data or ""
    _do(
        lambda: call.renew_link(guest, email, the_person()),
        _("A new link to %(name)s is on its way; the former one does not work any more.", name=guest.name),
    )
    return _onward(appointment)


@blueprint.post("/identify")
@security.with_camera
@security.staff_only
def identify(key: str) -> ResponseReturnValue:
    """Keep what the clerk saw of the citizen's paper."""
    appointment = served_appointment(key)
    form = IdentityForm(appointment=appointment)
    if not form.validate():
        return _page(appointment, identity_form=form)
    record = form.record()
    _do(lambda: call.record_identity(appointment, record, the_person()), _("The identity check is recorded."))
    return _onward(appointment)


@blueprint.post("/invite")
@security.with_camera
@security.staff_only
def invite(key: str) -> ResponseReturnValue:
    """Invite a third person, before the call or during it."""
    appointment = served_appointment(key)
    form = InvitationForm()
    if not form.validate():
        in_call = appointment.state == "in_call"
        return _page(appointment, invitation_form=form) if in_call else case_page(appointment, None, form)
    name, email = form.name.data or "", form.email.data or ""
    _do(
        lambda: call.invite(appointment, form.role.data, name, email, form.language.data, the_person()),
        _("The invitation to %(name)s is on its way.", name=name),
    )
    return _onward(appointment)


@blueprint.post("/note")
@security.with_camera
@security.staff_only
def note(key: str) -> ResponseReturnValue:
    """Keep the note. In the call an answer beside it about the end stays as it is."""
    appointment = served_appointment(key)
    form = ClosingForm(obj=appointment) if appointment.state == "in_call" else NoteForm()
    saved = form.note.validate(form)
    if saved:
        text = form.note.data or ""
        _do(lambda: call.write_note(appointment, text, the_person()), _("The note is saved."))
    if isinstance(form, ClosingForm) and (asked_by_script() or not saved):
        return _page(appointment, closing_form=form)
    return _onward(appointment) if saved else case_page(appointment, form)


@blueprint.post("/finish")
@security.with_camera
@security.staff_only
def finish(key: str) -> ResponseReturnValue:
    """End the call for everybody, with its outcome."""
    appointment = served_appointment(key)
    form = ClosingForm(obj=appointment)
    if not form.validate():
        return _page(appointment, closing_form=form)
    text = form.note.data or ""

    def end() -> None:
        if text != appointment.note:
            call.write_note(appointment, text, the_person())
        call.finish(appointment, form.outcome.data, the_person())
        wanted = request_of(appointment) if form.titles() else None
        if wanted is not None:
            papers.ask_for(wanted, form.titles(), the_person())

    _do(end, _("The call has ended for everybody."))
    return _onward(appointment)


@blueprint.post("/again")
@security.staff_only
def again(key: str) -> ResponseReturnValue:
    """The call broke off: everybody back to the door; the time stays taken."""
    appointment = served_appointment(key)
    _do(
        lambda: call.call_again(appointment, the_person()),
        _("Everybody is back at the door. Open the counter again when you are ready."),
    )
    return _onward(appointment)


@blueprint.post("/other-provider")
@security.staff_only
def other_provider(key: str) -> ResponseReturnValue:
    """Hold the call with the next video provider."""
    appointment = served_appointment(key)
    _do(lambda: rooms.change_provider(appointment, current_providers().video_in_order(), the_person()))
    return _onward(appointment)


@blueprint.post("/sound")
@security.staff_only
def sound(key: str) -> ResponseReturnValue:
    """Go on with sound only, or with pictures again, for everybody."""
    appointment = served_appointment(key)
    sound_only = request.form.get("sound_only") == "1"
    in_new_room = moves_for_sound(rooms.current(appointment))
    told = _("The call goes on with sound only.") if sound_only else _("The pictures are back.")
    _do(lambda: rooms.switch_sound(appointment, sound_only, in_new_room, the_person()), told)
    return _onward(appointment)


@blueprint.post("/by-phone")
@security.staff_only
def by_phone(key: str) -> ResponseReturnValue:
    """Give the video up and call the citizen."""
    appointment = served_appointment(key)
    _do(lambda: rooms.go_on_by_phone(appointment, the_person()))
    return _onward(appointment)


@blueprint.post("/video-again")
@security.staff_only
def video_again(key: str) -> ResponseReturnValue:
    """Ask for a room where the call has none."""
    appointment = served_appointment(key)
    order = current_providers().video_in_order()
    _do(lambda: rooms.try_video_again(appointment, order, the_person()))
    return _onward(appointment)


def _guest_of(appointment: Appointment, participant_id: int) -> Participant:
    found = next((p for p in appointment.participants if p.id == participant_id), None)
    return found or abort(404)


def _do(deed: Callable[[], Any], success: str = "") -> None:
    """Do one deed in a transaction of its own, and say what came of it."""
    with refusals_told():
        with transaction():
            deed()
        if success:
            flash(success, "success")


def _onward(appointment: Appointment) -> ResponseReturnValue:
    """To the page that fits the state which was reached."""
    if appointment.state == "in_call":
        return redirect(flask_url_for("call.show", key=appointment.key))
    return _leave_for_case(appointment)


def _leave_for_case(appointment: Appointment) -> ResponseReturnValue:
    """The script is told the address: it would follow a redirect and eat the messages of that page."""
    address = flask_url_for("staff.case", key=appointment.key)
    if asked_by_script():
        return Response(status=204, headers={"X-Go": address})
    return redirect(address)


def _page(
    appointment: Appointment,
    identity_form: IdentityForm | None = None,
    invitation_form: InvitationForm | None = None,
    closing_form: ClosingForm | None = None,
) -> ResponseReturnValue:
    """The call, or for the script its panel alone; a form that was sent stands there with its errors."""
    if appointment.state != "in_call":
        return _leave_for_case(appointment)
    panel = Panel(
        appointment,
        identity_form or IdentityForm.about(appointment),
        invitation_form or InvitationForm.about(appointment),
        closing_form or ClosingForm(formdata=None, obj=appointment),
    )
    shown: dict[str, object] = {
        "appointment": appointment,
        "panel": panel,
        "facts": booking_facts(appointment),
        "phone": readable_phone(appointment.phone),
        "has_other_provider": len(current_providers().video) > 1,
        "provider_title": provider_title,
        "presence": presence,
        "needs": NEEDS,
        "papers": PAPERS,
        "roles": ROLES,
        "helps": HELP,
        "as_part": asked_by_script(),
    }
    if asked_by_script():
        return render_template("staff/_panel.html", **shown)
    join = _way_in(appointment)
    # The plugin's template finds its values by their own names; where names meet, ours stay ours.
    return render_template("staff/call.html", **{**(join.values if join else {}), **shown, "join": join})


def moves_for_sound(room: VideoRoom | None) -> bool:
    """True where the provider cannot switch the pictures off in a room that is open."""
    provider = current_providers().video.get(room.provider) if room else None
    return provider is not None and provider.sound_switch == "new_room"


def _way_in(appointment: Appointment) -> Join | None:
    """A short-lived way into the open room for this member of staff; None when there is none.

    Of two clerks one leads the call: the second takes part without moderating.
    """
    room = rooms.current(appointment)
    if room is None or room.state != "open" or room.provider not in current_providers().video:
        return None
    provider = current_providers().video[room.provider]
    person = the_person()
    leads = person.id != appointment.second_clerk_id
    clerk = Guest(f"clerk-{person.id}", person.name, "clerk", current_language(), moderates=leads)
    try:
        join = provider.join(rooms.as_room(room), clerk)
    except ProviderFailure as failure:
        log.warning("no way into the room", room=room.id, failure=type(failure).__name__)
        return None
    g.call_provider = provider
    return join
