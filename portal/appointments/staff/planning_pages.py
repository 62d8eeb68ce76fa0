"""Planning for supervisors: why no time is free, and what other hours of a clerk would bring.

Both pages only compute; hours are changed in the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import MultiDict

from portal import clock, security
from portal.appointments import explanation
from portal.appointments.explanation import WhatIf
from portal.appointments.pages import booking_rules
from portal.appointments.rules import Wish
from portal.appointments.staff import own_offices, planning_words
from portal.appointments.staff.booking_forms import ANYONE
from portal.appointments.staff.own_offices import OVERSEEING, OfficeChoice
from portal.appointments.staff.planning_forms import ClerkForm, HoursForm, QuestionForm, hours_as_written
from portal.db import db
from portal.offices.models import Office, Service
from portal.people.access import AT_THE_COUNTER
from portal.people.models import Membership, Person
from portal.people.visitor import the_person

blueprint = Blueprint("planning", __name__, url_prefix="/staff/planning")


@blueprint.get("/")
@security.supervisor_only
def why() -> ResponseReturnValue:
    """Where free times of a service were lost, stage by stage, and what can be done about it."""
    offices = _offices(request.args)
    office, service = offices.chosen, _service(request.args.get("service", ""))
    form = _question(offices, service)
    if office is None or service is None:
        return _why_page(offices, form)
    form.reach(office, service)
    if not form.validate():
        return _why_page(offices, form), 422
    wish = _wish(form, service)
    found = explanation.explain(service, booking_rules(), office, wish, form.begin, form.days)
    clerks = len(own_offices.clerks_of(service, office))
    return _why_page(
        offices,
        form,
        service=service,
        rows=planning_words.rows(found),
        free=found.stages[-1],
        advice=planning_words.advice(found, service, office, clerks),
    )


@blueprint.get("/hours")
@security.supervisor_only
def hours() -> str:
    """Choose a clerk, and see his hours in the words of the catalogue."""
    offices = _offices(request.args)
    post = _post(offices.chosen, request.args.get("clerk", ""))
    form = _hours_form(post, None)
    return _hours_page(offices, post, form)


@blueprint.post("/hours")
@security.supervisor_only
def compare() -> ResponseReturnValue:
    """Compare the clerk's hours with those that were typed. Nothing is changed by it."""
    offices = _offices(request.form)
    post = _post(offices.chosen, request.form.get("clerk", "")) or abort(404)
    form = _hours_form(post, request.form) or abort(404)
    service = _service(form.service.data or "") or abort(400)
    form.reach(post.office, service)
    if not form.validate():
        return _hours_page(offices, post, form), 422
    found = explanation.what_if(service, booking_rules(), post, form.spells, form.begin, form.days)
    return _hours_page(offices, post, form, found)


def _offices(given: Mapping[str, str]) -> OfficeChoice:
    person = the_person()
    own = own_offices.own_office(person, OVERSEEING)
    key = given.get("office") or (own.key if own else "")
    return own_offices.choice(person, key, given.get("find", ""))


def _service(key: str) -> Service | None:
    if not key:
        return None
    return db.session.scalar(select(Service).filter_by(key=key, active=True)) or abort(404)


def _services() -> Sequence[Service]:
    """All services, also those which nobody at the office gives: that may be what is asked."""
    query = select(Service).where(Service.active).options(selectinload(Service.field))
    return db.session.scalars(query.order_by(Service.field_id, Service.position)).all()


def _question(offices: OfficeChoice, service: Service | None) -> QuestionForm:
    """The form with what was asked, and with what can be asked."""
    form = QuestionForm(request.args if service else None)
    office = offices.chosen
    form.offer_offices(_listed(offices))
    form.offer_services(_services())
    form.office.data = office.key if office else ""
    if office and service:
        form.offer_clerks(own_offices.clerks_of(service, office), the_person())
        form.offer_channels(service.channels)
        if form.channel.data not in service.channels:
            form.channel.data = service.channels[0]
    return form


def _wish(form: QuestionForm, service: Service) -> Wish:
    known = {value for value, _label, *_more in form.clerk.iter_choices()}
    chosen = form.clerk.data if form.clerk.data in known else ANYONE
    return Wish(
        form.channel.data,
        form.interpreted.data,
        None if chosen == ANYONE else int(chosen),
        form.by_staff.data,
    )


def _post(office: Office | None, clerk: str) -> Membership | None:
    """The chosen post at the office; somebody who has none there is not found."""
    if office is None or not clerk:
        return None
    found = (post for post in _posts(office) if str(post.person_id) == clerk)
    return next(found, None) or abort(404)


def _posts(office: Office) -> Sequence[Membership]:
    query = (
        select(Membership)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.office_id == office.id, Membership.active, Membership.role.in_(AT_THE_COUNTER))
        .options(selectinload(Membership.person))
        .order_by(Person.last_name, Person.first_name, Person.id)
    )
    return db.session.scalars(query).all()


def _hours_form(post: Membership | None, given: MultiDict[str, str] | None) -> HoursForm | None:
    """The form for other hours; None while nobody is chosen, or for somebody who gives no service."""
    if post is None:
        return None
    written = hours_as_written(post.hours, clock.now().date())
    form = HoursForm(formdata=given, data={"hours": written})
    form.about(post)
    return form if form.service.choices else None


def _listed(offices: OfficeChoice) -> list[Office]:
    chosen = offices.chosen
    return [*offices.offices, *([chosen] if chosen and chosen not in offices.offices else [])]


def _why_page(offices: OfficeChoice, form: QuestionForm, **answer: Any) -> str:
    return render_template("staff/planning.html", offices=offices, form=form, **answer)


def _hours_page(
    offices: OfficeChoice, post: Membership | None, form: HoursForm | None, found: WhatIf | None = None
) -> str:
    office = offices.chosen
    choice = ClerkForm(formdata=None)
    choice.offer(_listed(offices), [other.person for other in _posts(office)] if office else [])
    choice.office.data = office.key if office else ""
    choice.clerk.data = str(post.person_id) if post else ""
    return render_template(
        "staff/planning_hours.html",
        offices=offices,
        post=post,
        choice=choice,
        form=form,
        found=found,
        difference=planning_words.difference_in_words(found.before, found.after) if found else "",
    )
