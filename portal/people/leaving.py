"""Leads a browser from the portal to an identity server, to log in or out there. Called by `people.login`."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, make_response, redirect, render_template
from flask.typing import ResponseReturnValue


def lead_to(address: str) -> ResponseReturnValue:
    """Send the browser to ``address``, with a page in between when that is another site.

    A browser holds every redirect after a form to the content policy, which lets forms lead to this
    portal alone. Somebody who logs out, or logs in to finish a form, would be stopped on the way to an
    identity server; and which sites that leads on to is not known. From a page of its own he goes freely.
    """
    if _is_here(address):
        return redirect(address)
    page = make_response(
        render_template("login/leaving.html", address=address, host=urlsplit(address).hostname)
    )
    page.headers["Refresh"] = f"0; url={address}"
    return page


def _is_here(address: str) -> bool:
    """True for paths, and for addresses of this portal."""
    base_url: str = current_app.config["PORTAL"].portal.base_url
    return not urlsplit(address).netloc or address == base_url or address.startswith(f"{base_url}/")
