"""What can go wrong at GSIS. Each fault takes the good answer of one endpoint and makes another of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from werkzeug.wrappers import Response

from . import pages

Fault = Callable[[Response], Response]


def slow(seconds: float) -> Fault:
    """The answer comes, but late."""

    def fault(answer: Response) -> Response:
        time.sleep(seconds)
        return answer

    return fault


def status(code: int) -> Fault:
    """A bare error of the server, or of the proxy before it."""
    return lambda answer: Response(f"{code}", code, content_type="text/plain")


def maintenance(answer: Response) -> Response:
    """A page for people, with the status of success."""
    return Response(pages.maintenance(), content_type="text/html;charset=utf-8")


def json_error(error: str, code: int = 400) -> Fault:
    """An OAuth error as Spring writes it."""
    told = json.dumps({"error": error, "error_description": "by order of the test"})
    return lambda answer: Response(told, code, content_type="application/json;charset=UTF-8")


def body(text: bytes, content_type: str) -> Fault:
    """Something else altogether."""
    return lambda answer: Response(text, content_type=content_type)


def truncated(answer: Response) -> Response:
    """Half of the answer, whole by its own account."""
    whole = answer.get_data()
    return Response(whole[: len(whole) // 2], content_type=answer.content_type)


def wrong_type(answer: Response) -> Response:
    """The right answer, called a page."""
    return Response(answer.get_data(), content_type="text/html")


def bomb(answer: Response) -> Response:
    """A first name that becomes ten thousand million letters when a parser believes the definitions."""
    tenfold = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    definitions = f'<!DOCTYPE root [<!ENTITY e0 "ΑΑΑΑΑΑΑΑΑΑ">{tenfold}]>'
    named = answer.get_data(as_text=True).replace(' firstname="', ' firstname="&e9;', 1)
    return Response(definitions + named, content_type="application/xml")


def definitions(text: str) -> Fault:
    """``text`` stands before the right answer, and an entity ``x`` that it may define inside."""

    def fault(answer: Response) -> Response:
        whole = answer.get_data(as_text=True).replace("<userinfo ", "&x;<userinfo ", 1)
        return Response(text + whole, content_type="application/xml")

    return fault
