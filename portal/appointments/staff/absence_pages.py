"""Who is away, and what becomes of the appointments: leave, illness, and closed days of a whole office.

Nothing is moved without being ticked. Each appointment is settled in a transaction of its own, so what is
lost to somebody else in the meantime is proposed anew and the others are done all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select

from portal import clock, security
from portal.appointments import absences, lifecycle
from portal.appointments.absences import Gap, Overtaken, Proposal
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.pages import booking_rules, parse_start
from portal.appointments.staff import own_offices
from portal.appointments.staff.absence_forms import AbsenceForm
from portal.appointments.staff.own_offices import OVERSEEING, OfficeChoice
from portal.audit import AuditLine
from portal.db import attempt, db, transaction
from portal.forms import readable_phone
from portal.i18n import short_date, wall_clock
from portal.offices.models import Closure, Office
from portal.people import access
from portal.people.models import Absence, Membership, Person
from portal.people.visitor import the_person

blueprint = Blueprint("absence", __name__, url_prefix="/staff/absences")

LISTED = 100
AT_ONCE = 40
"""Appointments that are planned on one page; the others follow when these are settled."""


@dataclass(frozen=True)
class Outcome:
    """What became of one ticked row."""

    appointment: Appointment
    done: bool
    text: str


@blueprint.get("/")
@security.staff_only
def overview() -> str:
    """The coming absences: one's own, or those of an office that one oversees."""
    offices = _offices()
    return _overview(offices, _form(offices))


@blueprint.post("/")
@security.staff_only
def record() -> ResponseReturnValue:
    """Record an absence, then show what is booked in that time."""
    offices = _offices()
    form = _form(offices)
    if not form.validate() or form.absent is None:
        return _overview(offices, form), 422
    absent = form.absent
    with transaction():
        number = absences.record(absent, form.starts_at, form.ends_at, the_person()).id
    flash(_("Recorded. Nobody can book in this time any more."), "success")
    return redirect(flask_url_for("absence.show", number=number))


@blueprint.get("/<int:number>")
@security.staff_only
def show(number: int) -> str:
    """What is booked in the time of an absence, with a proposal for each appointment."""
    row = _absence(number)
    return _settling(Gap.of_absence(row), absence=row)


@blueprint.post("/<int:number>")
@security.staff_only
def settle(number: int) -> str:
    """Do what is ticked, and propose anew what is left."""
    row = _absence(number)
    gap = Gap.of_absence(row)
    done = _do_ticked(gap)
    return _settling(gap, done, absence=row)


@blueprint.post("/<int:number>/take-back")
@security.staff_only
def take_back(number: int) -> ResponseReturnValue:
    """The person is there after all. What has been moved stays where it is."""
    row = _absence(number)
    with transaction():
        absences.take_back(row, the_person())
    flash(_("Taken back. The hours can be booked again; what was moved stays moved."), "success")
    return redirect(flask_url_for("absence.overview"))


@blueprint.get("/closed/<office>/<int:number>")
@security.supervisor_only
def show_closed(office: str, number: int) -> str:
    """What is booked on closed days of an office, with a proposal for each appointment."""
    place, closure = _closure(office, number)
    return _settling(Gap.of_closure(closure, place), closure=closure, office=place)


@blueprint.post("/closed/<office>/<int:number>")
@security.supervisor_only
def settle_closed(office: str, number: int) -> str:
    """Do what is ticked, and propose anew what is left."""
    place, closure = _closure(office, number)
    gap = Gap.of_closure(closure, place)
    done = _do_ticked(gap)
    return _settling(gap, done, closure=closure, office=place)


def _absence(number: int) -> Absence:
    """The absence, if the person may record it; otherwise it is not found, whoever asks."""
    row = db.session.get(Absence, number)
    absent = db.session.get(Person, row.person_id) if row else None
    if row is None or absent is None or row.ends_at <= clock.now():
        abort(404)
    return row if access.may_record_absence(the_person(), absent) else abort(404)


def _closure(key: str, number: int) -> tuple[Office, Closure]:
    """A closure that concerns an office which the person oversees."""
    office = own_offices.choice(the_person(), key).chosen or abort(404)
    concerns = or_(Closure.office_id == office.id, Closure.office_id.is_(None))
    closure = db.session.scalar(select(Closure).where(Closure.id == number, concerns))
    return office, closure or abort(404)


def _offices() -> OfficeChoice:
    person = the_person()
    own = own_offices.own_office(person, OVERSEEING)
    key = request.values.get("office", own.key if own else "")
    return own_offices.choice(person, key, request.args.get("find", ""))


def _form(offices: OfficeChoice) -> AbsenceForm:
    """The form for oneself, or for everybody of an office that one oversees."""
    person = the_person()
    office = offices.chosen or access.counter_posts(person)[0].office
    people: Sequence[Person] = [person]
    if offices.chosen:
        query = (
            select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(Membership.office_id == offices.chosen.id, Membership.active)
            .order_by(Person.last_name, Person.first_name, Person.id)
        )
        people = db.session.scalars(query).all()
    return AbsenceForm(zone=office.time_zone, people=people)


def _overview(offices: OfficeChoice, form: AbsenceForm) -> str:
    office = offices.chosen
    rows = absences.coming(None if office else the_person(), office, LISTED)
    return render_template(
        "staff/absences.html",
        offices=offices,
        office=office,
        form=form,
        rows=rows,
        full=len(rows) == LISTED,
        booked=absences.count_concerned([absence for absence, _person in rows]),
        closures=absences.coming_closures(office) if office else [],
        moment=lambda instant: _moment(instant, form.zone),
        until=lambda instant: _until(instant, form.zone),
    )


def _settling(
    gap: Gap,
    done: Sequence[Outcome] = (),
    absence: Absence | None = None,
    closure: Closure | None = None,
    office: Office | None = None,
) -> str:
    person = the_person()
    everything = absences.concerned(gap)
    mine = [row for row in everything if access.may_serve(person, row)]
    absent = db.session.get(Person, absence.person_id) if absence else None
    proposals = absences.plan(gap, mine[:AT_ONCE], booking_rules())
    return render_template(
        "staff/settle.html",
        absence=absence,
        absent=absent,
        closure=closure,
        office=office,
        proposals=proposals,
        clerks=_names(proposals),
        later=len(mine) - len(proposals),
        of_others=len(everything) - len(mine),
        outcomes=done,
        moment=_moment,
        until=_until,
        zone=office.time_zone if office else _zone_of(absent),
        phone=readable_phone,
    )


def _do_ticked(gap: Gap) -> list[Outcome]:
    return [_do(ticked, gap) for ticked in request.form.getlist("do")[:AT_ONCE]]


def _do(ticked: str, gap: Gap) -> Outcome:
    """One ticked row, written as ``key version deed start``."""
    try:
        key, version_text, deed, start = ticked.split(" ")
        version = int(version_text)
    except ValueError:
        abort(400)
    person = the_person()
    row = db.session.scalar(select(Appointment).filter_by(key=key))
    if row is None or not (access.may_serve(person, row) or _handed_on(row, person)):
        abort(404)
    if deed not in ("reassign", "move"):
        abort(400)
    proposal = Proposal(row, "reassign" if deed == "reassign" else "move", parse_start(start))
    try:
        attempt(lambda: absences.carry_out(proposal, version, gap, booking_rules(), person))
    except (Overtaken, lifecycle.NotPossible):
        return Outcome(row, False, _("The appointment has been changed meanwhile."))
    except TimeTaken:
        return Outcome(row, False, _("Somebody else has just taken this time."))
    return Outcome(row, True, _deed_in_words(row, deed))


def _handed_on(row: Appointment, person: Person) -> bool:
    """A clerk who gave his appointment to a colleague may have sent the form twice; he hears what is."""
    line = db.session.scalar(
        select(AuditLine.id)
        .where(
            AuditLine.subject == f"appointment:{row.id}",
            AuditLine.deed.in_(("reassigned", "moved")),
            AuditLine.actor_id == person.id,
        )
        .limit(1)
    )
    return line is not None


def _deed_in_words(row: Appointment, deed: str) -> str:
    if deed == "reassign":
        return _("%(clerk)s serves the citizen at the same time.", clerk=row.clerk.name)
    when = _moment(row.starts_at, row.office.time_zone)
    return _("Moved to %(when)s with %(clerk)s; the citizen is told.", when=when, clerk=row.clerk.name)


def _names(proposals: Sequence[Proposal]) -> dict[int, str]:
    numbers = {proposal.clerk_id for proposal in proposals if proposal.clerk_id}
    rows = db.session.scalars(select(Person).where(Person.id.in_(numbers))) if numbers else ()
    return {person.id: person.name for person in rows}


def _zone_of(absent: Person | None) -> str:
    posts = access.active_memberships(absent or the_person()) or access.active_memberships(the_person())
    return posts[0].office.time_zone


def _moment(instant: datetime, zone: str) -> str:
    return f"{short_date(instant, zone)}, {wall_clock(instant, zone)}"


def _until(instant: datetime, zone: str) -> str:
    """An end as people say it: the midnight that ends a day belongs to this day."""
    if wall_clock(instant, zone) != "00:00":
        return _moment(instant, zone)
    return f"{short_date(instant - timedelta(minutes=1), zone)}, 24:00"
