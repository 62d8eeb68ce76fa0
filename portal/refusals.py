"""What a page says to somebody whose role has no such page: whose it is, and what he can do now.

`portal.security` raises `NotYourPage`; `portal.pages` shows it. Objects of others are simply not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import Forbidden

Reason = Literal["citizens", "no_post", "counter", "supervisors", "interpreters"]


class NotYourPage(Forbidden):
    """The role of whoever is logged in has no such page, whatever it may be about."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason: Reason = reason


@dataclass(frozen=True)
class Refusal:
    """The words of one refusal."""

    title: LazyString
    whose_it_is: LazyString
    what_to_do: LazyString
    other_account: bool = False
    """Logging in with another account is what helps; the page offers to log out."""


REFUSALS: dict[Reason, Refusal] = {
    "citizens": Refusal(
        _l("This page is for citizens"),
        _l(
            "You came in through the staff’s door. Your own appointments and documents are kept apart from "
            "your work, so they are not shown here."
        ),
        _l("Log out, then log in with your own codes, as every citizen does."),
        other_account=True,
    ),
    "no_post": Refusal(
        _l("Your account has no post at the counter"),
        _l(
            "The login has worked, but the municipality has not entered this account for any of its offices, "
            "or the post has ended."
        ),
        _l(
            "If you work for the municipality, ask your supervisor or the administrator of the portal to "
            "enter a post for this account, or log out and log in with the account of your work. If you want "
            "an appointment for yourself, log out and log in with your own codes."
        ),
        other_account=True,
    ),
    "counter": Refusal(
        _l("This page is for the staff of the counter"),
        _l("You take part in appointments as an interpreter. The cases of an office are for its clerks."),
        _l("Your appointments stand on a page of their own, with the way into each call."),
    ),
    "supervisors": Refusal(
        _l("This page is for supervisors"),
        _l("It is for the supervisor of an office and for the administrators of the portal."),
        _l("If you stand in for your supervisor, ask an administrator to enter this role for your account."),
    ),
    "interpreters": Refusal(
        _l("This page is for interpreters"),
        _l("It lists the appointments in which an interpreter takes part."),
        _l("The appointments that you serve stand on the page of your day."),
    ),
}


def refusal_of(error: NotYourPage) -> Refusal:
    """The words for this refusal."""
    return REFUSALS[error.reason]
