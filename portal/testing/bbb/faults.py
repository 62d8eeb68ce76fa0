"""What can go wrong before or in BigBlueButton. Each fault makes another answer of the good one of a call."""

from __future__ import annotations

import time
from collections.abc import Callable

from werkzeug.wrappers import Response

from . import answers

Fault = Callable[[Response], Response | None]
"""None drops the line."""


def slow(seconds: float) -> Fault:
    """The answer comes, but late."""

    def fault(answer: Response) -> Response:
        time.sleep(seconds)
        return answer

    return fault


def status(code: int) -> Fault:
    """A bare error of the server, or of the proxy before it."""
    return lambda answer: Response(f"{code}", code, content_type="text/plain")


def failed(key: str) -> Fault:
    """A refusal in good XML; without ``key`` as clusters word it that have no free server."""
    return lambda answer: answers.failed(key, "by order of the test")


def page(answer: Response) -> Response:
    """A proxy's page for people, with the status of success."""
    html = "<!DOCTYPE html><html><head><title>Login</title></head><body><br><p>Welcome</p></body></html>"
    return Response(html, content_type="text/html")


def truncated(answer: Response) -> Response:
    """Half of the answer, whole by its own account."""
    whole = answer.get_data()
    return Response(whole[: len(whole) // 2], content_type=answers.XML)


def leads_on(address: str) -> Fault:
    """Another place, as a balancer or a changed host name would say."""
    return lambda answer: Response("", 302, {"Location": address})


def bomb(answer: Response) -> Response:
    """A text that becomes ten thousand million letters when a parser believes the definitions."""
    tenfold = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE response [<!ENTITY e0 "ΑΑΑΑΑΑΑΑΑΑ">{tenfold}]><response><returncode>SUCCESS'
    return Response(f"{body}</returncode><message>&e9;</message></response>", content_type=answers.XML)


def definitions(answer: Response) -> Response:
    """The right answer after definitions of its own, which could name files."""
    whole = answer.get_data(as_text=True)
    return Response(f'<!DOCTYPE response [<!ENTITY x "y">]>{whole}', content_type=answers.XML)


def huge(answer: Response) -> Response:
    """A good answer with a message that fills the memory."""
    text = answer.get_data(as_text=True).replace("</response>", f"<more>{'x' * 300_000}</more></response>")
    return Response(text, content_type=answers.XML)


def without(element: str) -> Fault:
    """The answer lacks one element."""

    def fault(answer: Response) -> Response:
        before, _, rest = answer.get_data(as_text=True).partition(f"<{element}>")
        return Response(before + rest.partition(f"</{element}>")[2], content_type=answers.XML)

    return fault


def dropped(answer: Response) -> None:
    """The line ends without an answer."""


def first(times: int, fault: Fault) -> Fault:
    """Only the first answers are spoiled."""
    left = [times]

    def sometimes(answer: Response) -> Response | None:
        left[0] -= 1
        return fault(answer) if left[0] >= 0 else answer

    return sometimes
