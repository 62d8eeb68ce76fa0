"""Writes a catalogue into the database: what is new is added, what changed is changed, what is gone retires.

Nothing that appointments may refer to is deleted; it becomes inactive and comes back when the file
names it again. Called by `portal import` and by the demonstration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select

from portal import clock
from portal.appointments import roster
from portal.appointments.models import Appointment
from portal.catalogue.entries import Catalogue, FieldEntry, OfficeEntry, ServiceEntry, StaffEntry
from portal.catalogue.reading import read
from portal.config import TwoTexts
from portal.db import Base, Bilingual, db, transaction
from portal.offices.models import Closure, Field, Office, OpenDay, Service
from portal.offices.search import searchable
from portal.people.models import Membership, Person, WorkingHours
from portal.scheduling import Spell

LONGEST_SEARCH_TEXT = 600


@dataclass
class ImportReport:
    """What an import did, each as ``service birth-certificate``. What stayed as it was is not listed."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    """Keys of booked appointments whose clerk, office or service has retired; somebody must move them."""

    def in_words(self) -> str:
        """What happened, for whoever ran the import."""
        text = f"{len(self.created)} new, {len(self.updated)} changed, {len(self.retired)} retired"
        if self.stranded:
            text += f"\nbooked with a clerk, office or service that retired: {', '.join(self.stranded)}"
        return text


def import_file(path: Path, deliveries: Collection[str]) -> ImportReport:
    """Import the whole file or nothing of it, in a transaction of its own.

    ``deliveries`` are the delivery providers that run. Raises CatalogueProblems. Importing the same file
    again changes nothing.
    """
    catalogue = read(path, deliveries)
    with transaction():
        writing = _Writing(catalogue)
        writing.write_fields()
        writing.write_services()
        writing.write_offices()
        writing.write_staff()
        writing.write_closures()
        writing.write_open_days()
        writing.drop_empty_fields()
        writing.report.stranded = _stranded()
        roster.changed()
    return writing.report


class _Writing:
    """One import. The methods are called in the order in which rows refer to one another."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.report = ImportReport()
        self._catalogue = catalogue
        self._fields = {row.key: row for row in db.session.scalars(select(Field))}
        self._services = {row.key: row for row in db.session.scalars(select(Service))}
        self._offices = {row.key: row for row in db.session.scalars(select(Office))}

    def write_fields(self) -> None:
        for position, entry in enumerate(self._catalogue.fields, 1):
            row = self._fields.setdefault(entry.key, Field(key=entry.key))
            self._write(row, f"field {entry.key}", _field_values(entry), position=position)

    def write_services(self) -> None:
        for position, entry in enumerate(self._catalogue.services, 1):
            row = self._services.setdefault(entry.key, Service(key=entry.key))
            values = _service_values(entry)
            self._write(
                row, f"service {entry.key}", values, field=self._fields[entry.field], position=position
            )
        listed = {entry.key for entry in self._catalogue.services}
        self._retire((f"service {key}", row) for key, row in self._services.items() if key not in listed)

    def write_offices(self) -> None:
        for entry in self._catalogue.offices:
            row = self._offices.setdefault(entry.key, Office(key=entry.key))
            self._write(row, f"office {entry.key}", _office_values(entry))
        listed = {entry.key for entry in self._catalogue.offices}
        self._retire((f"office {key}", row) for key, row in self._offices.items() if key not in listed)

    def write_staff(self) -> None:
        """Posts given here; posts of people of earlier catalogues that the file does not name retire."""
        people = select(Person).where(Person.login.is_not(None))
        known = {person.login: person for person in db.session.scalars(people) if person.login}
        listed = set()
        for entry in self._catalogue.staff:
            person = self._write_person(known, entry)
            post = self._write_post(person, entry)
            listed.add(post.id)
        posts = db.session.scalars(select(Membership).join(Person).where(Person.login.is_not(None)))
        self._retire(
            (f"staff {post.person.login} in {post.office.key}", post)
            for post in posts
            if post.id not in listed
        )

    def write_closures(self) -> None:
        """The file is the whole list: a closure that it does not name has been called off."""
        known = {
            (row.office_id, row.first_day, row.last_day): row for row in db.session.scalars(select(Closure))
        }
        for entry in self._catalogue.closures:
            office_id = self._offices[entry.office].id if entry.office else None
            days = (office_id, entry.first_day, entry.until)
            row = known.pop(days, None) or Closure(
                office_id=office_id, first_day=entry.first_day, last_day=entry.until
            )
            name = _closure_name(entry.first_day, entry.until)
            self._write(row, name, {"reason": _bilingual(entry.reason)})
        for row in known.values():
            self.report.retired.append(_closure_name(row.first_day, row.last_day))
            db.session.delete(row)

    def write_open_days(self) -> None:
        """As with closures, the file is the whole list."""
        known = {(row.office_id, row.day): row for row in db.session.scalars(select(OpenDay))}
        for entry in self._catalogue.open_days:
            office_id = self._offices[entry.office].id if entry.office else None
            row = known.pop((office_id, entry.day), None) or OpenDay(office_id=office_id, day=entry.day)
            self._write(row, f"open day {entry.day}", {"reason": _bilingual(entry.reason)})
        for row in known.values():
            self.report.retired.append(f"open day {row.day}")
            db.session.delete(row)

    def drop_empty_fields(self) -> None:
        """A field has nothing to retire into: it goes when no service, old ones included, is in it."""
        db.session.flush()
        listed = {entry.key for entry in self._catalogue.fields}
        taken = set(db.session.scalars(select(Service.field_id)))
        for key, row in self._fields.items():
            if key not in listed and row.id not in taken:
                self.report.retired.append(f"field {key}")
                db.session.delete(row)

    def _write_person(self, known: dict[str, Person], entry: StaffEntry) -> Person:
        person = known.setdefault(entry.login, Person(login=entry.login))
        person.first_name, person.last_name = entry.first_name, entry.last_name
        person.email = entry.email or person.email or ""
        db.session.add(person)
        db.session.flush()
        return person

    def _write_post(self, person: Person, entry: StaffEntry) -> Membership:
        office = self._offices[entry.office]
        post = db.session.scalar(select(Membership).filter_by(person_id=person.id, office_id=office.id))
        post = post or Membership(person=person, office=office)
        skills = self._catalogue.skills_of(entry)
        values: dict[str, object] = {
            "role": entry.role,
            "approves": entry.approves,
            "languages": list(entry.languages),
            "active": True,
        }
        if {service.key for service in post.skills} != skills:
            values["skills"] = [self._services[key] for key in sorted(skills)]
        if _plan(post.hours) != _plan(entry.spells):
            values["hours"] = [
                WorkingHours(**{**vars(spell), "channels": sorted(spell.channels)}) for spell in entry.spells
            ]
        self._write(post, f"staff {entry.login} in {entry.office}", values)
        return post

    def _write(self, row: Base, name: str, values: dict[str, object], **references: object) -> None:
        is_new = row not in db.session
        for attribute, value in {**values, **references}.items():
            setattr(row, attribute, value)
        db.session.add(row)
        if is_new:
            self.report.created.append(name)
        elif db.session.is_modified(row):
            self.report.updated.append(name)
        db.session.flush()

    def _retire(self, gone: Iterable[tuple[str, Service | Office | Membership]]) -> None:
        for name, row in gone:
            if row.active:
                row.active = False
                self.report.retired.append(name)


def _stranded() -> list[str]:
    post = (Membership.person_id == Appointment.clerk_id) & (Membership.office_id == Appointment.office_id)
    keys = (
        select(Appointment.key)
        .join(Appointment.service)
        .join(Appointment.office)
        .outerjoin(Membership, post)
        .where(
            Appointment.state == "booked",
            Appointment.starts_at > clock.now(),
            ~Service.active | ~Office.active | Membership.id.is_(None) | ~Membership.active,
        )
        .order_by(Appointment.starts_at)
    )
    return list(db.session.scalars(keys))


def _field_values(entry: FieldEntry) -> dict[str, object]:
    return {"name": _bilingual(entry.name), "summary": _bilingual(entry.summary)}


def _service_values(entry: ServiceEntry) -> dict[str, object]:
    as_they_are = (
        "minutes",
        "buffer_before",
        "buffer_after",
        "lead_minutes",
        "horizon_days",
        "second_clerk",
        "due_days",
        "approval",
        "sample",
    )
    return {
        "mitos_code": entry.mitos,
        "name": _bilingual(entry.name),
        "summary": _bilingual(entry.summary),
        "papers": [paper.model_dump() for paper in entry.papers],
        "channels": list(entry.channels),
        "deliveries": list(entry.deliveries),
        "certificate": entry.certificate or "",
        "active": True,
        **{name: getattr(entry, name) for name in as_they_are},
    }


def _office_values(entry: OfficeEntry) -> dict[str, object]:
    return {
        "name": _bilingual(entry.name),
        "address": _bilingual(entry.address),
        "opening": _bilingual(entry.opening),
        "phone": entry.phone,
        "email": entry.email,
        "time_zone": entry.time_zone,
        "capacity": entry.capacity.model_dump(exclude_none=True),
        "protocol_series": entry.series,
        "search_text": _search_text(entry),
        "active": True,
    }


def _search_text(entry: OfficeEntry) -> str:
    texts = (entry.key, entry.name.el, entry.name.en, entry.address.el, entry.address.en)
    return searchable(" ".join(texts))[:LONGEST_SEARCH_TEXT]


def _bilingual(texts: TwoTexts) -> Bilingual:
    return Bilingual(texts.el, texts.en)


def _closure_name(first_day: date, last_day: date) -> str:
    return f"closure {first_day}" if first_day == last_day else f"closure {first_day} to {last_day}"


def _plan(spells: Iterable[Spell | WorkingHours]) -> set[tuple[object, ...]]:
    """The spells of a file or of the database in a form that can be compared."""
    names = ("weekday", "from_minute", "to_minute", "valid_from", "valid_until", "on_day", "released_minutes")
    return {(*(getattr(spell, name) for name in names), *sorted(spell.channels)) for spell in spells}
