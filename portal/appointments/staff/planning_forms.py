"""The forms of the planning pages: which free time is asked for, and what other hours a clerk could have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, TextAreaField, ValidationError
from wtforms.validators import Length, Optional

from portal import clock
from portal.appointments.staff.absence_forms import DAY_FORMATS, DayField
from portal.appointments.staff.booking_forms import WishForm
from portal.catalogue import hours as written_hours
from portal.forms import PageForm, choices, required
from portal.i18n import in_readers_language, short_date
from portal.offices.models import Office, Service
from portal.people.models import Membership, Person, WorkingHours
from portal.scheduling import Spell


class DaysForm(PageForm):
    """From which day until which; without days it is as far as the service can be booked."""

    first_day = DayField(_l("From day"), [Optional()], format=DAY_FORMATS)
    last_day = DayField(_l("Until day"), [Optional()], format=DAY_FORMATS)
    today = date.min
    zone = ""
    horizon_days = 0

    def reach(self, office: Office, service: Service) -> None:
        """Say for which office and service the days are meant; before anything is validated."""
        self.zone, self.horizon_days = office.time_zone, service.horizon_days
        self.today = clock.now().astimezone(ZoneInfo(self.zone)).date()

    @property
    def horizon(self) -> date:
        """The last day on which the service can be booked."""
        return self.today + timedelta(days=self.horizon_days)

    @property
    def begin(self) -> date:
        """The first day that is looked at."""
        return max(self.first_day.data or self.today, self.today)

    @property
    def end(self) -> date:
        """The last day that is looked at."""
        return min(self.last_day.data or self.horizon, self.horizon)

    @property
    def days(self) -> int:
        """How many days are looked at."""
        return (self.end - self.begin).days + 1

    def validate_first_day(self, field: DayField) -> None:
        """Not beyond what can be booked."""
        if field.data and field.data > self.horizon:
            until = short_date(self.horizon, self.zone)
            raise ValidationError(_("This service can be booked until %(day)s only.", day=until))

    def validate_last_day(self, field: DayField) -> None:
        """Not over, and not before the first day."""
        if field.data and field.data < self.today:
            raise ValidationError(_("This day is over."))
        if field.data and self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(_("The last day lies before the first one."))


class QuestionForm(WishForm, DaysForm):
    """Which free time is asked for. Sent by GET, so that the answer has an address."""

    by_staff = BooleanField(_l("As the staff may book: also kept time, and at short notice"))


class ClerkForm(PageForm):
    """Whose hours are thought about. Sent by GET."""

    class Meta:
        csrf = False

    office = SelectField(_l("Office"), validate_choice=False)
    clerk = SelectField(_l("Clerk"), validate_choice=False)

    def offer(self, offices: Iterable[Office], clerks: Iterable[Person]) -> None:
        """The offices and the clerks to choose from."""
        self.office.choices = choices({o.key: in_readers_language(o.name) for o in offices})
        self.clerk.choices = choices({str(person.id): person.name for person in clerks})


class HoursForm(DaysForm):
    """Other hours of a clerk, in the words of the catalogue."""

    service = SelectField(_l("Service"))
    hours = TextAreaField(
        _l("Hours, one pattern in each line"),
        [
            required(_l("Write the hours, like Mon-Fri 08:00-14:30.")),
            Length(max=2000, message=_l("Please write at most %(max)d letters.")),
        ],
    )
    spells: Sequence[Spell] = ()
    """What was written, once it has been validated."""

    def about(self, post: Membership) -> None:
        """The services which the holder of the post can give."""
        given = sorted((s for s in post.skills if s.active), key=lambda s: (s.field_id, s.position))
        self.service.choices = choices({s.key: in_readers_language(s.name) for s in given})

    def validate_hours(self, field: TextAreaField) -> None:
        """Readable lines that do not contradict each other."""
        self.spells = read_hours(field.data)


def read_hours(text: str) -> list[Spell]:
    """What the lines say, read as the catalogue is. Raises ValidationError with the line to mend."""
    spells: list[tuple[int, Spell]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            spells += [(number, spell) for spell in _read_line(number, line.strip())]
    if overlap := written_hours.first_overlap(spells):
        number, one, other = overlap
        raise ValidationError(
            _(
                "Line %(number)s contradicts what is written before it: %(one)s and %(other)s share time.",
                number=number,
                one=written_hours.in_words(one),
                other=written_hours.in_words(other),
            )
        )
    return [spell for _number, spell in spells]


def hours_as_written(hours: Sequence[WorkingHours], today: date) -> str:
    """The present plan as lines that `read_hours` reads; without what is over on ``today``."""
    spells = [_spell(row) for row in hours if (row.on_day or row.valid_until or today) >= today]
    weekly = sorted((s for s in spells if s.on_day is None), key=lambda s: (_rest_of(s), s.weekday))
    lines = [
        f"{_days_of([spell.weekday for spell in alike])} {rest}"
        for rest, alike in ((rest, list(same)) for rest, same in groupby(weekly, _rest_of))
    ]
    single = sorted((s for s in spells if s.on_day), key=lambda s: (str(s.on_day), s.from_minute))
    return "\n".join([*lines, *(written_hours.in_words(spell) for spell in single)])


def _read_line(number: int, line: str) -> Sequence[Spell]:
    try:
        return written_hours.parse_hours(line)
    except ValueError:
        raise ValidationError(
            _(
                "Line %(number)s cannot be read: %(line)s. Write days and hours like Mon-Fri 08:00-14:30, "
                "the earlier time first and in steps of five minutes.",
                number=number,
                line=line,
            )
        ) from None


def _spell(row: WorkingHours) -> Spell:
    return Spell(
        row.weekday,
        row.from_minute,
        row.to_minute,
        row.valid_from,
        row.valid_until,
        row.on_day,
        frozenset(row.channels),
        row.released_minutes,
    )


def _rest_of(spell: Spell) -> str:
    """What a line says after its days."""
    words = [written_hours.in_words(spell).split(" ", 1)[1]]
    words += [f"from {spell.valid_from}"] if spell.valid_from else []
    words += [f"until {spell.valid_until}"] if spell.valid_until else []
    return " ".join(words)


def _days_of(weekdays: Sequence[int]) -> str:
    """``Mon-Wed,Fri``: the days as the catalogue writes them."""
    runs: list[list[int]] = []
    for day in weekdays:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = written_hours.DAYS
    return ",".join(names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}" for run in runs)
