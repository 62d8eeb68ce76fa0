"""Are the templates in order? Asked by `portal check`, with invented values in the place of a case.

The municipality's own are tried, and the bundled ones that a service uses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from portal.certificates import asking, drawing, templates, values
from portal.certificates.drawing import NotInstalled
from portal.certificates.forms import Form, TemplateProblem
from portal.certificates.verification_block import SAMPLE, Block
from portal.db import db
from portal.offices.models import Service


def troubles() -> Iterator[tuple[str, str]]:
    """Name and trouble of each template; the trouble is empty when all is well."""
    config, wanted = current_app.config["PORTAL"], _wanted()
    for name in sorted({*templates.own_names(config), *wanted.values()} & {*templates.names(config)}):
        yield f"certificate {name}", _trouble(name)
    if config.certificates.verification and (missing := drawing.ready()):
        yield "verification codes", missing
    for service, name in wanted.items():
        if name not in templates.names(config):
            yield f"service {service}", f"its certificate {name} is not there; add {name}.html"


def _trouble(name: str) -> str:
    try:
        template = templates.find(current_app.config["PORTAL"], name)
        drawing.certificate(name, _sample(template.form), Block(SAMPLE, "https://counter.example.gr/verify"))
    except (TemplateProblem, NotInstalled) as problem:
        return str(problem)
    return ""


def _sample(form: Form) -> dict[str, Any]:
    invented = {
        kind.__name__.lower(): kind(**{one.name: "Δοκιμή" for one in dataclasses.fields(kind)})
        for kind in values.KINDS
    }
    return {**invented, "today": "1 Ιανουαρίου 2026", "fields": SimpleNamespace(**asking.sample(form))}


def _wanted() -> dict[str, str]:
    """Services of the imported catalogue and the templates they name; none while there is no database."""
    query = select(Service.key, Service.certificate).where(Service.active, Service.certificate != "")
    try:
        return {key: name for key, name in db.session.execute(query)}
    except SQLAlchemyError:
        return {}
