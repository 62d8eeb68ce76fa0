"""What a browser sees at the stand-in: a client without picture and sound, the lobby, and errors."""

from __future__ import annotations

from markupsafe import Markup

from .meetings import Visit


def client(visit: Visit) -> str:
    """The meeting: who is in it, who waits, and the ways out."""
    inside = Markup("").join(Markup("<li>{}</li>").format(other.name) for other in visit.meeting.present)
    camera = "on" if visit.asked.get("userdata-bbb_enable_video") != "false" else "off"
    if visit.meeting.asked.get("lockSettingsDisableCam") == "true" and not visit.moderates:
        camera = "off"
    content = Markup(
        "<h1>{name}</h1><p>You are <strong id='me'>{me}</strong>. Camera: <span id='camera'>{camera}</span>"
        "</p><ul id='people'>{inside}</ul>{waiting}"
        '<form method="post" action="/client/leave"><input type="hidden" name="token" value="{token}">'
        "<button>Leave</button></form>"
    ).format(
        name=visit.meeting.asked["name"],
        me=visit.name,
        camera=camera,
        inside=inside,
        waiting=_waiting(visit) if visit.moderates else "",
        token=visit.token,
    )
    return _page(visit.asked.get("userdata-bbb_override_default_locale", "en"), content, 2)


def lobby(visit: Visit) -> str:
    """A guest waits until a moderator lets him in."""
    return _page(
        "en", Markup("<h1>Please wait</h1><p>A moderator will let you in, {}.</p>").format(visit.name), 1
    )


def no_session() -> str:
    """The client's address in a browser to which it does not belong."""
    return _page("en", Markup('<h1>Session</h1><p role="alert">could not be established</p>'), 0)


def refused(key: str) -> str:
    """The server's own page for a refused join that names no way back."""
    return _page("en", Markup('<h1>Refused</h1><p role="alert">{}</p>').format(key), 0)


def _waiting(visit: Visit) -> Markup:
    return Markup("").join(
        Markup(
            '<form method="post" action="/client/admit"><input type="hidden" name="token" value="{}">'
            '<input type="hidden" name="guest" value="{}"><button>Accept {}</button></form>'
        ).format(visit.token, other.token, other.name)
        for other in visit.meeting.visits
        if other.waits
    )


def _page(language: str, content: Markup, refresh: int) -> str:
    again = Markup('<meta http-equiv="refresh" content="{}">').format(refresh) if refresh else ""
    return str(
        Markup(
            '<!DOCTYPE html><html lang="{}"><head><meta charset="utf-8">{}<title>BigBlueButton</title></head>'
            "<body><main>{}</main></body></html>"
        ).format(language, again, content)
    )
