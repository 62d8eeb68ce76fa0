"""The choice of a carrier's point: to a postal code or a town come a few points.

Works without a script: the button sends the form, and the same form comes back with the points in it.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import Field, Form, RadioField, StringField, SubmitField

from portal.forms import PageForm, choices, short_text
from portal.plugin_api import DeliveryProvider, PickupPoint
from portal.points import lists, words

LONGEST_SEARCH = 80


def search_field() -> StringField:
    """Near where the citizen wants to collect."""
    return short_text(_l("Postal code or town"), LONGEST_SEARCH, _needed_by_its_way)


def show_field() -> SubmitField:
    """The button that brings the points."""
    return SubmitField(_l("Show points"))


def point_field() -> RadioField:
    """The points that were found."""
    return RadioField(_l("Where will you collect it?"), validate_choice=False)


def _needed_by_its_way(form: Form, field: Field) -> None:
    """Takes the place of a check: it is not optional, but `PointQuestions.point_given` demands it."""


class PointQuestions(PageForm):
    """A form in which a point can be chosen. It has the three fields, in the order of its page."""

    point_search: StringField
    show_points: SubmitField
    point: RadioField
    points: list[PickupPoint]
    chosen_point: PickupPoint | None

    def offer_points(self, ways: dict[str, DeliveryProvider], chosen: str) -> None:
        """The points near what was typed, and the one chosen before. Left out where no way has any."""
        self.points, self.chosen_point = [], None
        with_points = [name for name, way in ways.items() if lists.needs_point(way)]
        if not with_points:
            del self.point_search, self.show_points, self.point
            return
        provider = chosen if chosen in with_points else with_points[0]
        self.chosen_point = lists.find(provider, self.point.data) if self.point.data else None
        self.points = lists.near(provider, self.point_search.data or "")
        if self.chosen_point and self.chosen_point not in self.points:
            self.points.insert(0, self.chosen_point)
        self.point.choices = choices({point.code: ", ".join(words.lines(point)) for point in self.points})

    def point_hints(self) -> dict[str, Markup]:
        """When each point is open, and its phone."""
        return {point.code: Markup("<br>").join(words.when_open(point)) for point in self.points}

    def point_given(self) -> bool:
        """Demand a point; what is missing is said at the field with which to go on."""
        if self.chosen_point:
            return True
        field, message = self.point_search, _l("Write a postal code or a town, and press “Show points”.")
        if self.points:
            gone = _l("This point is not offered any more. Choose another one.")
            field, message = self.point, gone if self.point.data else _l("Choose a point.")
        elif self.point_search.data:
            message = _l(
                "No point was found there. Write another postal code or town, or choose another way."
            )
        field.errors = [*field.errors, message]
        return False
