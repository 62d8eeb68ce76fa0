"""Work that follows from logins, done in a worker."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from portal import clock, outbox
from portal.db import transaction
from portal.people import sessions

OVERTAKEN = (timedelta(seconds=10), timedelta(minutes=1))
"""When it is looked again for a session that the identity server ended before it had begun here."""


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


def post_end(provider: str, session: str) -> None:
    """The word that a session is over may overtake the login with which it begins: look again soon."""
    name = hashlib.sha256(f"{provider} {session}".encode()).hexdigest()[:32]
    for number, wait in enumerate(OVERTAKEN):
        due = clock.now() + wait
        outbox.post(
            "session.end",
            f"session:{name}",
            {"provider": provider, "session": session},
            key=f"session.end:{name}:{number}",
            due_at=due,
            give_up_at=due + timedelta(hours=1),
        )


@outbox.job("session.end", queue="events")
def end_session(provider: str, session: str) -> None:
    """End a session that the identity server has ended."""
    with transaction():
        sessions.end_known_as(provider, session=session)
