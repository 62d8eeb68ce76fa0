"""The clerk fills in the municipality's template for the service, looks at it, and puts it forward."""

from __future__ import annotations

from io import BytesIO

from flask import Response, current_app, flash, redirect, render_template, request, send_file
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import security
from portal.certificates import asking, templates
from portal.certificates.forms import TemplateProblem
from portal.certificates.templates import Template
from portal.documents.desk import back_to, blueprint, refusals_told, served_request
from portal.documents.issuing import finishing
from portal.documents.issuing.issuing_pages import put_forward, way_instead
from portal.documents.models import DocumentRequest
from portal.files import NotAcceptable, StoreTrouble
from portal.forms import PageForm
from portal.people.visitor import the_person


@blueprint.get("/appointments/<key>/document/template")
@security.staff_only
def fill_template(key: str) -> ResponseReturnValue:
    """What the template asks for beside what the case knows."""
    wanted = _to_issue(key)
    if wanted is None:
        return redirect(flask_url_for("staff.case", key=key, _anchor="document"))
    template = _template(wanted)
    return template if not isinstance(template, Template) else _page(wanted, template, _form(template))


@blueprint.post("/appointments/<key>/document/template")
@security.staff_only
def use_template(key: str) -> ResponseReturnValue:
    """A preview, or the document itself. What was typed stays where something is missing."""
    wanted = served_request(key)
    template = _template(wanted)
    if not isinstance(template, Template):
        return template
    form = _form(template)
    if not form.validate():
        return _page(wanted, template, form), 422
    if request.form.get("deed") == "preview":
        return _preview(wanted, template, form)
    answers = asking.answers(form, template.form)
    with refusals_told():
        instead = way_instead(wanted.appointment)
        title = template.form.title.el
        try:
            finished = finishing.from_template(wanted, template.name, title, answers, the_person())
        except StoreTrouble as trouble:
            flash(str(trouble.told), "error")
            return _page(wanted, template, form), 503
        put_forward(wanted, finished, instead)
    return back_to(wanted.appointment)


def _to_issue(key: str) -> DocumentRequest | None:
    wanted = served_request(key)
    return wanted if wanted.state == "to_issue" else None


def _template(wanted: DocumentRequest) -> Template | ResponseReturnValue:
    """The template of the service; where none is in order, the way back to the case, with what to do."""
    name = wanted.appointment.service.certificate
    try:
        return templates.find(current_app.config["PORTAL"], name)
    except TemplateProblem as problem:
        flash(_("The template has a mistake. Tell the administrator: %(problem)s", problem=problem), "error")
        return back_to(wanted.appointment)


def _form(template: Template) -> PageForm:
    return asking.form_for(template.form)


def _page(wanted: DocumentRequest, template: Template, form: PageForm) -> str:
    return render_template("documents/fill_template.html", wanted=wanted, template=template, form=form)


def _preview(wanted: DocumentRequest, template: Template, form: PageForm) -> ResponseReturnValue:
    try:
        content = finishing.preview(wanted, template.name, asking.answers(form, template.form), the_person())
    except NotAcceptable as refusal:
        flash(str(refusal), "error")
        return _page(wanted, template, form), 422
    name = _("Draft – %(title)s", title=template.form.title.el)
    answer: Response = send_file(
        BytesIO(content), mimetype="application/pdf", as_attachment=True, download_name=f"{name}.pdf"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
