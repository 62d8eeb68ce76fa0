"""What the stages of an explanation are called, and what a supervisor can do. Asked by `planning_pages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from flask import url_for as flask_url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from portal.appointments.explanation import Explanation
from portal.offices.models import Office, Service

STAGES = {
    "hours": _l("Hours of the clerks who give the service"),
    "open": _l("Without holidays and closed days"),
    "present": _l("Without absences"),
    "public": _l("Without time that is kept for staff"),
    "in_time": _l("Neither too soon nor too far ahead"),
    "free": _l("Not booked yet"),
    "interpreter": _l("An interpreter is free"),
    "place": _l("A place is free"),
}


ADVICE = {
    "open": (
        _l("The office is closed on all these days"),
        _l(
            "Holidays and closures take all hours. Shorten the closure in the catalogue, or enter an open "
            "day there if the office works on a holiday."
        ),
    ),
    "public": (
        _l("All that is left is kept for staff"),
        _l(
            "You can book it for a citizen. For the public, let the catalogue release it earlier, or take "
            "away the word staff from some hours."
        ),
    ),
    "in_time": (
        _l("What is left is too soon or too far ahead"),
        _l(
            "Citizens can book from %(lead)s minutes until %(days)s days ahead. Change the lead time or the "
            "horizon of the service in the catalogue, or book it yourself for the citizen."
        ),
    ),
    "interpreter": (
        _l("No interpreter is free when a clerk is"),
        _l(
            "Give an interpreter more hours in the catalogue, or give the clerks hours at which an "
            "interpreter works."
        ),
    ),
    "place": (
        _l("All places of the office are taken when a clerk is free"),
        _l(
            "The catalogue says how many meetings of this kind the office can hold at once. Raise the "
            "number, or hold some of them in another way."
        ),
    ),
}


@dataclass(frozen=True)
class Row:
    """One stage as the table shows it."""

    title: str
    starts: int
    appointments: int
    lost: int
    """Starts that the stage before had and this one has not."""
    decides: bool
    """This stage has taken the last ones."""


@dataclass(frozen=True)
class Advice:
    """Why there is nothing, what can be done, and where."""

    title: str
    text: str
    url: str = ""
    link: str = ""


def rows(explanation: Explanation) -> Sequence[Row]:
    """The stages in order."""
    stages = explanation.stages
    lost = [0, *(before.starts - now.starts for before, now in pairwise(stages))]
    return [
        Row(
            str(STAGES[stage.name]), stage.starts, stage.appointments, gone, stage.name == explanation.verdict
        )
        for stage, gone in zip(stages, lost, strict=True)
    ]


def advice(explanation: Explanation, service: Service, office: Office, clerks: int) -> Advice | None:
    """What decided, and what can be done about it; None when something is free.

    ``clerks`` is how many at the office give the service.
    """
    verdict = explanation.verdict
    if verdict == "hours":
        return _no_hours(service, clerks)
    if verdict in ("present", "free"):
        return _with_page(verdict, office)
    if not verdict:
        return None
    title, text = ADVICE[verdict]
    return Advice(str(title), str(text) % {"lead": service.lead_minutes, "days": service.horizon_days})


def difference_in_words(before: int, after: int) -> str:
    """What other hours would bring, as a sentence."""
    if after > before:
        more = after - before
        return ngettext("%(num)s more appointment would fit.", "%(num)s more appointments would fit.", more)
    if after < before:
        fewer = before - after
        return ngettext("%(num)s appointment less would fit.", "%(num)s appointments less would fit.", fewer)
    return _("Just as many appointments would fit.")


def _no_hours(service: Service, clerks: int) -> Advice:
    needed = 2 if service.second_clerk else 1
    if not clerks:
        return Advice(
            _("Nobody at this office gives the service"),
            _("Add the service to the skills of a clerk in the catalogue."),
        )
    if clerks < needed:
        return Advice(
            _("The service needs two clerks at once, and the office has one for it"),
            _("Add the service to the skills of another clerk in the catalogue."),
        )
    return Advice(
        _("No clerk has hours for it on these days"),
        _(
            "Give a clerk hours for this way of meeting in the catalogue; they must be long enough for the "
            "appointment. If two clerks are needed, their hours must lie at the same time."
        ),
    )


def _with_page(verdict: str, office: Office) -> Advice:
    if verdict == "present":
        return Advice(
            _("Everybody who would have hours is away"),
            _("Take an absence back, or give another clerk hours in the catalogue."),
            flask_url_for("absence.overview", office=office.key),
            _("Absences of the office"),
        )
    return Advice(
        _("Everything is booked"),
        _("Longer hours or one more clerk bring new times. See how many before you change the catalogue."),
        flask_url_for("planning.hours", office=office.key),
        _("What if somebody had other hours?"),
    )
