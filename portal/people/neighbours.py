"""What the login asks the appointments, and tells them. The wiring names the functions; nothing here does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, current_app

from portal.people.models import Person


class HeldTime(Protocol):
    """A time that is held; the pages of the login name its service and its hour."""

    citizen_id: Any
    service: Any
    office: Any
    starts_at: Any
    hold_expires_at: Any


@dataclass(frozen=True)
class Neighbours:
    """The functions of the appointments."""

    held_time: Callable[[str | None], HeldTime | None]
    """What is held under this key of a browser, while it is."""
    renamed: Callable[[Person, str], None]
    """The registry gives a person another name than this former one."""
    joined: Callable[[Person, Person], None]
    """The first person takes over what belonged to the second, who was himself all the time."""


def init_app(app: Flask, neighbours: Neighbours) -> None:
    """Called by the wiring."""
    app.extensions["portal.neighbours"] = neighbours


def neighbours() -> Neighbours:
    """Those of the running application."""
    named: Neighbours = current_app.extensions["portal.neighbours"]
    return named
