"""What can go wrong at a Jitsi server. Each fault takes the good answer of one endpoint and makes another."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Response

Fault = Callable[[Response], Response]


def status(code: int) -> Fault:
    """A bare error of the server, or of the proxy before it."""
    return lambda answer: Response(f"{code}", code, content_type="text/plain")


def maintenance(answer: Response) -> Response:
    """A page for people, with the status of success."""
    return Response("<html><body>Εργασίες συντήρησης</body></html>", content_type="text/html;charset=utf-8")


def header(name: str, value: str) -> Fault:
    """The good answer with one header more."""

    def fault(answer: Response) -> Response:
        answer.headers[name] = value
        return answer

    return fault
