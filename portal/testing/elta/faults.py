"""What can go wrong at ELTA Courier. Each fault takes the good answer of a service and makes another of it.

In ``EltaSimulator.faults`` it spoils the answer after the deed was done; in ``instead`` nothing was done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from werkzeug.wrappers import Response

Fault = Callable[[Response], Response]

LONGEST_WAIT = 10.0
"""Seconds; a test that forgets to let an answer go must not hang."""


class Dropped(Response):
    """Stands for no answer: the line is cut."""


def no_answer(answer: Response) -> Response:
    """The line is cut before a word was said."""
    return Dropped()


def late(released: threading.Event) -> Fault:
    """The answer comes when the test releases it, or too late."""

    def fault(answer: Response) -> Response:
        released.wait(LONGEST_WAIT)
        return answer

    return fault


def twice(answer: Response) -> Response:
    """The same answer two times in one."""
    return Response(answer.get_data() * 2, answer.status, content_type=answer.content_type)


def truncated(answer: Response) -> Response:
    """Half of the answer, whole by its own account."""
    whole = answer.get_data()
    return Response(whole[: len(whole) // 2], content_type=answer.content_type)


def html(answer: Response) -> Response:
    """A page for people, with the status of success."""
    page = "<html><body>Η υπηρεσία δεν είναι διαθέσιμη</body></html>"
    return Response(page, content_type="text/html;charset=utf-8")


def soap_fault(answer: Response) -> Response:
    """A fault of the server that quotes what it was sent, as programs do."""
    return fault_response("Server", "COBOL program failed on input ΜΑΡΙΑ ΠΑΠΑΔΟΠΟΥΛΟΥ")


def status(code: int) -> Fault:
    """A bare error of the server, or of the proxy before it."""
    return lambda answer: Response(f"{code}", code, content_type="text/plain")


def body(content: bytes) -> Fault:
    """Something else altogether, called XML."""
    return lambda answer: Response(content, content_type="text/xml;charset=utf-8")


def once(fault: Fault) -> Fault:
    """The fault for the first answer; the later ones are good."""
    left = [fault]
    return lambda answer: left.pop()(answer) if left else answer


def fault_response(code: str, words: str) -> Response:
    """A SOAP 1.1 fault."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode>s:{code}</faultcode><faultstring>{words}</faultstring>"
        "</s:Fault></s:Body></s:Envelope>"
    )
    return Response(text, 500, content_type="text/xml;charset=utf-8")
