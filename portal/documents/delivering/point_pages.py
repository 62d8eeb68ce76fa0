"""Where the clerk chooses a carrier's point for the citizen, as the citizen does himself when he books."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import security
from portal.appointments.citizen import point_questions
from portal.appointments.citizen.point_questions import PointQuestions
from portal.db import transaction
from portal.documents.delivering import choosing_point
from portal.documents.delivering.recipients import ways_to_a_point
from portal.documents.desk import back_to, blueprint, refusals_told, request_at_desk, way_chosen
from portal.documents.models import DocumentRequest
from portal.people.visitor import the_person
from portal.plugin_api import DeliveryProvider


class PointForm(PointQuestions):
    """The point, and nothing else: all the rest is known."""

    point_search = point_questions.search_field()
    show_points = point_questions.show_field()
    point = point_questions.point_field()

    def __init__(self, way: DeliveryProvider, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.point.label.text = _("Where will the citizen collect it?")
        self.offer_points({way.name: way}, way.name)


@blueprint.get("/documents/<key>/point/<way>")
@security.staff_only
def choose_point(key: str, way: str) -> ResponseReturnValue:
    """The points near the citizen."""
    wanted, provider = request_at_desk(key), _way(way)
    if wanted.state not in choosing_point.CHOOSING:
        return back_to(wanted.appointment)
    near = wanted.appointment.address.get("postal_code", "")
    return _page(wanted, provider, PointForm(provider, formdata=None, data={"point_search": near}))


@blueprint.post("/documents/<key>/point/<way>")
@security.staff_only
def take_point(key: str, way: str) -> ResponseReturnValue:
    """Show points near what was typed, or take the chosen one."""
    wanted, provider = request_at_desk(key), _way(way)
    form = PointForm(provider, formdata=request.form)
    if form.show_points.data:
        return _page(wanted, provider, form)
    if not (form.validate() and form.point_given()):
        return _page(wanted, provider, form), 422
    with refusals_told():
        chosen = way_chosen(wanted.appointment, way, form.chosen_point)
        with transaction():
            choosing_point.choose(wanted, chosen, the_person())
        if wanted.state == "issued":
            flash(_("The document is on its way to the citizen."), "success")
        else:
            flash(_("The point is chosen. The document goes there when it is issued."), "success")
    return back_to(wanted.appointment)


def _way(name: str) -> DeliveryProvider:
    return ways_to_a_point().get(name) or abort(404)


def _page(wanted: DocumentRequest, way: DeliveryProvider, form: PointForm) -> str:
    return render_template("documents/choose_point.html", wanted=wanted, way=way, form=form)
