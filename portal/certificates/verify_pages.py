"""The public page on which anybody checks an issued document by its code.

Nothing personal is told. A code that does not exist, one that is mistyped, and one of a document that is only
prepared are answered alike. The file itself never comes here: a browser computes its fingerprint by itself.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal import security
from portal.certificates import verification

blueprint = Blueprint("verify", __name__, url_prefix="/verify")

PACE = "20 per minute; 200 per hour"
"""Enough for a bank's counter; hopeless for guessing."""


@blueprint.get("")
@security.limiter.limit(PACE)
@security.public
def show() -> ResponseReturnValue:
    """The form, or the answer to what was typed into it."""
    return answer_to(request.args.get("code", "").strip())


@blueprint.get("/<code>")
@security.limiter.limit(PACE)
@security.public
def scanned(code: str) -> ResponseReturnValue:
    """The answer to a code that was scanned."""
    return answer_to(code)


@blueprint.post("/<code>")
@security.limiter.limit(PACE)
@security.public
def compare(code: str) -> ResponseReturnValue:
    """Is a file the one that was issued? Its fingerprint is compared; the answer is yes or no."""
    given = "".join(request.form.get("sha256", "").split()).lower()
    found = verification.look_up(code)
    if not given:
        return answer_to(code, "missing")
    same = found is not None and hmac.compare_digest(given.encode(), found.sha256.encode())
    return answer_to(code, "same" if same else "different")


def answer_to(code: str, compared: str = "") -> ResponseReturnValue:
    """The page about one code; the form alone where none is given.

    ``compared`` tells how the fingerprint of a file compares: ``same``, ``different``, or ``missing``.
    """
    found = verification.look_up(code) if code else None
    page = render_template("certificates/verify.html", code=code, found=found, compared=compared)
    is_refused = (code and not found) or compared == "missing"
    return page, 422 if is_refused else 200
