"""The login page: everybody of the demonstration as a button."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.plugin_api import PluginBlueprint, PluginContext, public_page

from .personas import BY_SUBJECT, PERSONAS

TIME_TO_CHOOSE = timedelta(minutes=30)


def add_pages(context: PluginContext[None], blueprint: PluginBlueprint) -> None:
    """Add the login page and what it posts to."""

    @blueprint.get("/login")
    @public_page
    def choose() -> ResponseReturnValue:
        order = _order(context)
        doors = ("staff", "citizens") if order["door"] == "staff" else ("citizens", "staff")
        groups = {door: [persona for persona in PERSONAS if persona.door == door] for door in doors}
        return render_template("portal_identity_demo/login.html", groups=groups, order=request.args["order"])

    @blueprint.post("/login")
    @public_page
    def chosen() -> ResponseReturnValue:
        order = _order(context)
        answer = {"state": order["state"]}
        if request.form.get("subject") in BY_SUBJECT:
            answer["code"] = context.signer.sign({**answer, "subject": request.form["subject"]})
        else:
            answer["error"] = "declined"
        return redirect(f"{order['return_url']}?{urlencode(answer)}")


def _order(context: PluginContext[None]) -> Mapping[str, str]:
    """What `start` signed; anything else is refused."""
    order = context.signer.read(request.args.get("order", ""), TIME_TO_CHOOSE)
    if order is None or "return_url" not in order:
        abort(403)
    return order
