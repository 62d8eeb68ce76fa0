"""Fetches the lists of pick-up points, once a day for each way of delivery that has points."""

from __future__ import annotations

from datetime import timedelta

from portal import clock, outbox
from portal.db import transaction
from portal.plugin_api import TemporaryFailure
from portal.points import lists
from portal.providers import current_providers

REFRESH = "points.refresh"
GIVE_UP_AFTER = timedelta(hours=23)
"""The next day has work of its own."""


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


def post_refreshes() -> None:
    """Have today's lists fetched. Called often by the dispatcher: a row that is there already stays one."""
    now = clock.now()
    for name, way in current_providers().delivery.items():
        if lists.needs_point(way):
            outbox.post(
                REFRESH,
                f"points:{name}",
                {"provider": name},
                key=f"points-{name}-{now:%Y%m%d}",
                give_up_at=now + GIVE_UP_AFTER,
            )


@outbox.job(REFRESH, queue="delivery")
def refresh(provider: str) -> None:
    """Fetch one list and keep it. When that fails, or nothing is told, the former list stays."""
    way = current_providers().delivery.get(provider)
    if way is None or not lists.needs_point(way):
        return
    points = way.points()
    if not points:
        raise TemporaryFailure("the carrier told no points at all; the former list is kept")
    with transaction():
        lists.keep(provider, points)
        _take_off_the_list(provider)


@outbox.when_buried(REFRESH)
def given_up(provider: str, reason: str) -> None:
    """One line on the staff's list is enough, whichever number of days it has been so."""
    with transaction():
        _take_off_the_list(provider, all_but=1)


def _take_off_the_list(provider: str, all_but: int = 0) -> None:
    rows = [row for row in outbox.buried_rows() if row.kind == REFRESH]
    for row in [row for row in rows if row.payload["provider"] == provider][all_but:]:
        outbox.close(row.id)
