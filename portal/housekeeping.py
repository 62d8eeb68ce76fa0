"""What has to be done now and then without anybody's asking: old rows go, today's work of a plugin is posted.

The dispatcher calls it each hour; two at once do no harm.
"""

from __future__ import annotations

from portal import clock, due, kept_forms
from portal.appointments import occupancy
from portal.db import transaction
from portal.people import sessions
from portal.points import jobs as points


def tidy() -> None:
    """Do all of it in one transaction."""
    with transaction():
        due.forget_finished()
        occupancy.forget_past(clock.now())
        sessions.forget_old()
        kept_forms.forget_old()
        points.post_refreshes()
