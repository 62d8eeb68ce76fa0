"""Personal links: the way from a message to the door, without login, into one appointment only.

A link is a participant's number, the version of his link and a signature over both, so it can be made
again for the reminder, and all older ones become worthless when the version grows.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from portal.appointments.models import Participant
from portal.db import db


def join_token(participant: Participant) -> str:
    """The signed part of the participant's personal link."""
    token: str = _serializer().dumps([participant.id, participant.link_version])
    return token


def join_url(participant: Participant) -> str:
    """The participant's personal link, as it stands in messages."""
    return page_address("door.show", token=join_token(participant))


def page_address(endpoint: str, **values: str) -> str:
    """The full address of a page, also in a worker, where there is no request to take the host from."""
    base = urlsplit(current_app.config["PORTAL"].portal.base_url)
    addresses = current_app.url_map.bind(base.netloc, url_scheme=base.scheme)
    return addresses.build(endpoint, values, force_external=True)


def participant_of(token: str) -> Participant | None:
    """The participant whose link this is, or None if it is forged, out of date or revoked."""
    try:
        number, version = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    participant = db.session.get(Participant, number)
    if participant is None or participant.revoked_at or participant.link_version != version:
        return None
    return participant


def _serializer() -> URLSafeSerializer:
    # The last key of the list signs in itsdangerous, the first in our configuration.
    keys = list(reversed(current_app.config["PORTAL"].secret_keys))
    return URLSafeSerializer(keys, salt="join link")
