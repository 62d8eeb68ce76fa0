"""The form that records an absence, in the time of the office."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, TimeField, ValidationError
from wtforms.validators import InputRequired, Optional

from portal import clock, scheduling
from portal.forms import PageForm, choices
from portal.people.models import Person

LONGEST = timedelta(days=366)
DAY_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"]


class DayField(DateField):
    """A day, as browsers send it or as people write it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError:
            raise ValueError(_("Write the day like 30/11/2026.")) from None


class ClockField(TimeField):
    """A time of the day."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError:
            raise ValueError(_("Write the time like 09:30.")) from None


class AbsenceForm(PageForm):
    """Who is away from when until when. Without times it is whole days, without a last day a single one."""

    person = SelectField(_l("Who is away"), validate_choice=False)
    first_day = DayField(
        _l("First day"), [InputRequired(_l("Say on which day the absence begins."))], format=DAY_FORMATS
    )
    from_time = ClockField(_l("From (time)"), [Optional()])
    last_day = DayField(_l("Last day"), [Optional()], format=DAY_FORMATS)
    until_time = ClockField(_l("Until (time)"), [Optional()])

    def __init__(self, *args: Any, zone: str, people: Sequence[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.people = zone, people
        self.person.choices = choices({str(person.id): person.name for person in people})

    @property
    def absent(self) -> Person | None:
        """Who was chosen, among those who may be."""
        if len(self.people) == 1:
            return self.people[0]
        return next((person for person in self.people if str(person.id) == self.person.data), None)

    @property
    def starts_at(self) -> datetime:
        """The beginning, UTC."""
        return self._instant(self.first_day.data, self.from_time.data or time(0))

    @property
    def ends_at(self) -> datetime:
        """The end, UTC; the midnight that ends the last day if no time is said."""
        day = self.last_day.data or self.first_day.data
        if self.until_time.data:
            return self._instant(day, self.until_time.data)
        return scheduling.wall_clock(day, 1440, self.zone)

    def validate_first_day(self, field: DayField) -> None:
        """Within the years in which anybody works."""
        if field.data:
            _expect_near(field.data)

    def validate_last_day(self, field: DayField) -> None:
        """Not before the first day."""
        if field.data is None:
            return
        _expect_near(field.data)
        if self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(_("The last day lies before the first one."))

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.absent is None:
            return self._refuse(self.person, _("Choose who is away."))
        if self.ends_at <= self.starts_at:
            return self._refuse(self.until_time, _("The absence ends before it begins."))
        if self.ends_at <= clock.now():
            return self._refuse(self.last_day, _("This absence is over already."))
        if self.ends_at - self.starts_at > LONGEST:
            return self._refuse(self.last_day, _("An absence lasts a year at most."))
        return True

    def _refuse(self, field: Any, message: str) -> bool:
        field.errors = [*field.errors, message]
        return False

    def _instant(self, day: date, at: time) -> datetime:
        return scheduling.wall_clock(day, at.hour * 60 + at.minute, self.zone)


def _expect_near(day: date) -> None:
    if abs(day - clock.now().date()) > 5 * LONGEST:
        raise ValidationError(_("This day is too far away. Look at the year."))
