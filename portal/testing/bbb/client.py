"""The browser's side of the stand-in: being in a meeting, waiting for it, leaving it."""

from __future__ import annotations

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from . import pages
from .meetings import Meetings, Visit


class Client:
    """Pages below ``/client``. The session belongs to a cookie: its address alone opens nothing."""

    def __init__(self, meetings: Meetings) -> None:
        self._meetings = meetings

    def answer(self, request: Request) -> Response | None:
        """The page; None when the address is none of ours."""
        views = {
            "/client/html5": self._inside,
            "/client/lobby": self._lobby,
            "/client/leave": self._leave,
            "/client/admit": self._admit,
        }
        view = views.get(request.path)
        if view is None:
            return None
        visit = self._meetings.visit(request.values.get("sessionToken") or request.form.get("token", ""))
        if visit is None or request.cookies.get("JSESSIONID") != visit.cookie:
            return _page(pages.no_session(), 401)
        return view(request, visit)

    def _inside(self, request: Request, visit: Visit) -> Response:
        if visit.meeting.forcibly_ended:
            return _out(visit)
        if visit.waits:
            return redirect(f"/client/lobby?sessionToken={visit.token}")
        visit.meeting.enter(visit)
        return _page(pages.client(visit))

    def _lobby(self, request: Request, visit: Visit) -> Response:
        if visit.waits and not visit.meeting.forcibly_ended:
            return _page(pages.lobby(visit))
        return redirect(f"/client/html5?sessionToken={visit.token}")

    def _leave(self, request: Request, visit: Visit) -> Response:
        visit.meeting.leave(visit)
        return _out(visit)

    def _admit(self, request: Request, visit: Visit) -> Response:
        guest = self._meetings.visit(request.form.get("guest", ""))
        if visit.moderates and guest is not None and guest.meeting is visit.meeting:
            guest.waits = False
        return redirect(f"/client/html5?sessionToken={visit.token}")


def _out(visit: Visit) -> Response:
    address = visit.meeting.asked.get("logoutURL", "")
    return redirect(address) if address else _page(pages.refused("you have left"))


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, content_type="text/html;charset=utf-8")
