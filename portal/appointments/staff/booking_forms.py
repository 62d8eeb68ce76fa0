"""The forms with which the staff book for a citizen at the counter or on the phone."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FormField, HiddenField, RadioField, SelectField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from portal.appointments.citizen.behalf_form import StaffBehalfForm
from portal.appointments.citizen.forms import WITHOUT_INTERPRETER, DetailsForm
from portal.appointments.lifecycle import Details
from portal.appointments.models import Appointment
from portal.appointments.papers import ASKED, CHANNELS, PAPERS
from portal.appointments.rules import Wish
from portal.forms import EmailField, ManyChoices, PageForm, PhoneField, choices, demand, required, short_text
from portal.i18n import in_readers_language, short_date, wall_clock
from portal.offices.models import Office, Service
from portal.people.models import Person
from portal.plugin_api import DeliveryProvider, RecipientField

ANYONE = "anyone"


class WishForm(PageForm):
    """What is to be booked, and with whom. Sent by GET, so that each choice has an address."""

    class Meta:
        csrf = False

    office = SelectField(_l("Office"), validate_choice=False)
    service = SelectField(_l("Service"), validate_choice=False)
    clerk = SelectField(_l("With"), validate_choice=False)
    channel = SelectField(_l("How"), validate_choice=False)
    interpreted = BooleanField(_l("With a Greek Sign Language interpreter"))

    def offer_offices(self, offices: Iterable[Office]) -> None:
        """The offices to choose from."""
        self.office.choices = [SelectChoice(o.key, in_readers_language(o.name)) for o in offices]

    def offer_services(self, services: Sequence[Service]) -> None:
        """The services, grouped by their fields."""
        grouped: dict[str, list[SelectChoice]] = {}
        for service in services:
            title = in_readers_language(service.name)
            grouped.setdefault(in_readers_language(service.field.name), []).append(
                SelectChoice(service.key, title)
            )
        self.service.choices = grouped

    def offer_clerks(self, clerks: Sequence[Person], me: Person) -> None:
        """Anyone, or one of those who give the service at the office; oneself comes first."""
        others = sorted((p for p in clerks if p.id != me.id), key=lambda p: (p.last_name, p.first_name))
        names = {str(p.id): p.name for p in others}
        mine = {str(me.id): _("me")} if any(p.id == me.id for p in clerks) else {}
        self.clerk.choices = choices({ANYONE: _("whoever is free"), **mine, **names})

    def offer_channels(self, names: Iterable[str]) -> None:
        """The ways in which the service is given."""
        self.channel.choices = choices({name: CHANNELS[name] for name in names})


class StaffBookingForm(DetailsForm):
    """The citizen's details as the clerk writes them down, with the time; ``once`` ends double clicks."""

    once = HiddenField()
    start = RadioField(_l("Time"), [InputRequired(_l("Choose a time."))], validate_choice=False)
    asked = RadioField(
        _l("How does the citizen ask for it?"),
        [InputRequired(_l("Choose whether the citizen is at the counter or on the phone."))],
        choices=choices(ASKED),
    )
    behalf = FormField(StaffBehalfForm)
    name = short_text(
        _l("Name of the citizen"), 200, required(_l("Write the name as it stands on the identity paper."))
    )
    email = EmailField(_l("E-mail"), [Optional(), Length(max=254)])
    phone = PhoneField(_l("Phone"), [required(_l("Write a phone number where the citizen can be reached."))])
    paper = RadioField(
        _l("Identity paper that will be shown"),
        [Optional()],
        choices=choices({"": _l("Not known yet"), **PAPERS}),
        default="",
    )
    needs = ManyChoices(
        _l("Does the citizen need one of these?"), [Optional()], choices=choices(WITHOUT_INTERPRETER)
    )

    def __init__(self, *args: Any, ways: dict[str, DeliveryProvider], wish: Wish, **kwargs: Any) -> None:
        super().__init__(*args, ways=ways, wish=wish, **kwargs)
        # Nobody agrees for somebody else that his contact details are kept.
        del self.keep
        self.language.label.text = _("In which language shall we speak and write to the citizen?")
        if not self.once.data:
            self.once.data = secrets.token_urlsafe(16)
        if "delivery" in self:
            self.delivery.label.text = _("How shall the document reach the citizen?")
        if "point" in self:
            self.point.label.text = _("Where will the citizen collect it?")

    def offer_starts(self, starts: Sequence[datetime], zone: str, with_day: bool) -> None:
        """The times to choose from; ``with_day`` where they are on different days."""
        self.start.choices = choices(
            {
                start.isoformat(): (f"{short_date(start, zone)}, " if with_day else "")
                + wall_clock(start, zone)
                for start in starts
            }
        )

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.ways and RecipientField.EMAIL in self.needed_by(self.delivery.data or ""):
            message = _("This way of delivery needs an e-mail address.")
            valid = demand(self.email, message) and valid
        return valid

    def validate_start(self, field: RadioField) -> None:
        """A time of the list, whatever the form was made to say."""
        if self.chosen_start() is None:
            raise ValidationError(_("Choose a time."))

    def chosen_start(self) -> datetime | None:
        """The chosen time, if one was chosen."""
        try:
            starts_at = datetime.fromisoformat(self.start.data or "")
        except ValueError:
            return None
        return starts_at if starts_at.tzinfo is not None and 2000 <= starts_at.year < 2200 else None

    @property
    def starts_at(self) -> datetime:
        """The chosen time."""
        return datetime.fromisoformat(self.start.data)

    def written_down(self) -> Details:
        """The answers, ready for the lifecycle."""
        way = self.delivery.data if self.ways else ""
        return Details(
            name=self.name.data or "",
            email=self.email.data or "",
            phone=self.phone.data or "",
            language=self.language.data,
            paper=(self.paper.data or "") if "paper" in self else "",
            address=self.address(),
            needs=self._needs(),
            remark=self.remark.data or "",
            delivery=way,
            recipient=self.recipient(way),
            served=self.behalf.form.served(),
            asked=self.asked.data,
        )


class MoveForm(PageForm):
    """Where and with whom an appointment shall be held at its new time. Sent by GET."""

    class Meta:
        csrf = False

    office = SelectField(_l("Office"), validate_choice=False)
    clerk = SelectField(_l("With"), validate_choice=False)

    def about(self, appointment: Appointment, offices: Iterable[Office]) -> None:
        """The choices there are for this appointment."""
        named = {appointment.office.key: in_readers_language(appointment.office.name)}
        named |= {office.key: in_readers_language(office.name) for office in offices}
        self.office.choices = choices({**named, "any": _("any office")})
        self.clerk.choices = choices({ANYONE: _("whoever is free"), "same": appointment.clerk.name})
