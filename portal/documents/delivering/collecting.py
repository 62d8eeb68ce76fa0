"""How long a document lies ready at the counter: the reminder, the end of its days, and more days.

The way of delivery says for how many days; from then on everything is a row with its time. Where nobody
came, the staff see it and the citizen reads how to go on.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal import audit, clock, mail, outbox, qr
from portal.appointments.links import page_address
from portal.db import db, transaction
from portal.documents import states
from portal.documents.delivering.recipients import recipient_of
from portal.documents.models import Delivery
from portal.offices import coming_days
from portal.people.models import Person
from portal.plugin_api import Attachment, DeliveryProvider
from portal.providers import current_providers

READY = ("prepared", "uncollected")
"""The paper lies at the counter; after its days the clerk decides what becomes of it."""
PATIENCE = timedelta(days=5)
A_DAY = timedelta(days=1)

TITLES = {
    "reminder": _l("Your document still waits for you"),
    "uncollected": _l("Your document was not collected"),
    "extended": _l("We keep your document for you longer"),
}
OPENINGS = {
    "reminder": _l("You have not collected your document yet. It is ready at the office."),
    "uncollected": _l(
        "The days for collecting it are over. Call the office: it can keep the document longer, or "
        "send it to you another way."
    ),
    "extended": _l("You can collect it with the same code, until the new day below."),
}


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


def last_day(delivery: Delivery, provider: DeliveryProvider) -> date | None:
    """Until when it lies ready. Known before it is sent: a repeated message must say the same day."""
    if delivery.kept_until is not None or provider.kept_for is None:
        return delivery.kept_until
    return _open_day_after(delivery, delivery.changed_at, provider.kept_for)


def begin(delivery: Delivery) -> None:
    """The paper is ready: post what follows from its days. Inside the transaction that keeps the receipt."""
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or delivery.state != "prepared" or delivery.kept_until is None:
        return
    post_end(delivery)
    due_at = clock.now() + (provider.remind_after or timedelta())
    if provider.remind_after is not None and due_at < _end_of(delivery):
        _tell(delivery, "reminder", f"reminder-{delivery.key}", due_at)


def post_end(delivery: Delivery) -> None:
    """Look at it again when its last day is over."""
    if delivery.kept_until is None:
        return
    due_at = _end_of(delivery)
    outbox.post(
        "delivery.kept",
        states.delivery_subject(delivery),
        {"delivery_id": delivery.id},
        key=f"kept-{delivery.key}-{due_at:%Y%m%d}-{clock.now():%Y%m%dT%H%M%S}",
        due_at=due_at,
        give_up_at=due_at + timedelta(days=365),
    )


def extend(delivery: Delivery, actor: Person) -> None:
    """Keep it ready for as many days again, from today; the citizen is told the new day."""
    states.lock(delivery.request, delivery)
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or provider.kept_for is None or delivery.state not in READY:
        raise states.NotPossible(delivery.state)
    before = delivery.kept_until
    delivery.kept_until = _open_day_after(delivery, clock.now(), provider.kept_for)
    if delivery.state == "uncollected":
        states.change_delivery(delivery, "extend")
    if delivery.kept_until == before:
        return
    post_end(delivery)
    day = delivery.kept_until.isoformat()
    audit.record(actor.id, "kept longer", states.subject(delivery.request), until=day)
    _tell(delivery, "extended", f"extended-{delivery.key}-{day}", clock.now())


@outbox.job("delivery.kept", queue="delivery")
def days_are_over(delivery_id: int) -> None:
    """Nobody came in time. Was it collected, called off, or is it kept longer, nothing changes."""
    with transaction():
        delivery = db.session.get_one(Delivery, delivery_id)
        states.lock(delivery.request, delivery)
        if delivery.state != "prepared" or _end_of(delivery) > clock.now():
            return
        states.change_delivery(delivery, "run_out")
        audit.record(None, "delivery not collected", states.subject(delivery.request))
        _tell(delivery, "uncollected", f"uncollected-{delivery.key}-{delivery.kept_until}", clock.now())


@outbox.job("delivery.waiting", queue="mail")
def tell(delivery_id: int, notice: str, until: str, key: str) -> None:
    """Send one message about a paper at the counter, if it still lies there as the message says."""
    delivery = db.session.get_one(Delivery, delivery_id)
    wanted = "uncollected" if notice == "uncollected" else "prepared"
    is_true = notice == "reminder" or str(delivery.kept_until) == until
    appointment = delivery.request.appointment
    to = recipient_of(appointment, delivery.recipient).email
    if delivery.state != wanted or not is_true or not to:
        return
    picture = (Attachment("code.png", "image/png", qr.as_png(delivery.code)),) if delivery.code else ()
    with force_locale(appointment.language):
        values = _values(delivery, notice)
    mail.send(key, to, appointment.language, "notices/collect", values, picture)


def _tell(delivery: Delivery, notice: str, key: str, due_at: datetime) -> None:
    until = str(delivery.kept_until)
    outbox.post(
        "delivery.waiting",
        states.delivery_subject(delivery),
        {"delivery_id": delivery.id, "notice": notice, "until": until, "key": key},
        key=key,
        due_at=due_at,
        give_up_at=due_at + PATIENCE,
    )


def _values(delivery: Delivery, notice: str) -> dict[str, Any]:
    appointment = delivery.request.appointment
    return {
        "notice": notice,
        "title": TITLES[notice],
        "opening": OPENINGS[notice],
        "delivery": delivery,
        "service": appointment.service,
        "office": appointment.office,
        "closed": closed_until(delivery),
        "has_page": appointment.citizen_id is not None,
        "page_url": page_address("citizen.appointment", key=appointment.key),
        "municipality": current_app.config["PORTAL"].municipality,
    }


def closed_until(delivery: Delivery) -> list[str]:
    """The days on which the office is closed while the paper lies there, in the reader's language."""
    return closed_in_days(delivery, delivery.kept_until)


def closed_in_days(delivery: Delivery, until: date | None) -> list[str]:
    """The same until a day that is not written down yet; none where there is no such day."""
    office = delivery.request.appointment.office
    today = clock.now().astimezone(ZoneInfo(office.time_zone)).date()
    return coming_days.closed_in_words(office, today, until) if until else []


def _open_day_after(delivery: Delivery, instant: datetime, days: timedelta) -> date:
    office = delivery.request.appointment.office
    return coming_days.next_open(office, instant.astimezone(ZoneInfo(office.time_zone)).date() + days)


def _end_of(delivery: Delivery) -> datetime:
    """Midnight after the last day, on the office's clock."""
    zone = ZoneInfo(delivery.request.appointment.office.time_zone)
    day = delivery.kept_until or clock.now().astimezone(zone).date()
    return datetime.combine(day + A_DAY, time(), zone).astimezone(ZoneInfo("UTC"))
