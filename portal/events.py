"""Tell observing plugins what happened: one row of work for each plugin and event.

Each plugin is told in a worker and fails alone; an event reaches it at least once.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from portal import clock, outbox, plugin_api
from portal.appointments.models import new_key
from portal.plugin_api import Event
from portal.providers import current_providers


def publish(event: Event) -> None:
    """Post the event for every enabled plugin that observes."""
    facts = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(event).items()}
    for plugin in current_providers().observers:
        outbox.post(
            "event.tell",
            f"event:{plugin}",
            {"plugin": plugin, "event": type(event).__name__, "facts": facts},
            key=f"event-{plugin}-{new_key()}",
            give_up_at=clock.now() + timedelta(days=2),
        )


@outbox.job("event.tell", queue="events")
def tell(plugin: str, event: str, facts: dict[str, Any]) -> None:
    """Hand one event to one plugin."""
    kind = getattr(plugin_api, event)
    instants = {"at", "starts_at"}
    values = {k: datetime.fromisoformat(v) if k in instants else v for k, v in facts.items()}
    current_providers().observers[plugin](kind(**values))
