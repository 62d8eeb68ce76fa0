"""A browser without scripts whose every request stands alone, as it does on a real server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import Context
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.db import db


class Browser(FlaskClient):
    """Flask's test client, which by itself lets requests share the application context of the test.

    Sharing it means that whoever was logged in for one request still is for the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = Context().run(super().open, *args, **kwargs)
        if has_app_context():
            # The test looks at the rows as the request left them.
            db.session.rollback()
        return response

    def submit(self, address: str, data: Mapping[str, Any] | None = None, page: str = "") -> TestResponse:
        """Post a form as a person would: with the form token from ``page``, or from the address itself."""
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.get(page or address).text)
        assert token is not None, f"no form on {page or address}"
        return self.post(address, data={**(data or {}), "csrf_token": token[1]})
