"""What a template gets from the case: plain texts; no row of the database is in its reach."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from cryptography.fernet import InvalidToken
from flask import current_app

from portal import clock
from portal.appointments import models
from portal.document_store import KeyMissing
from portal.encryption import decrypt
from portal.people.models import Person

LANGUAGE = "el"
"""Certificates are written in Greek, whatever language their reader prefers in the portal."""


@dataclass(frozen=True)
class Citizen:
    """In whose name the certificate is issued; what is not known is empty."""

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    fathers_name: str = ""
    birth_year: str = ""
    tax_number: str = ""
    street: str = ""
    number: str = ""
    postal_code: str = ""
    town: str = ""


@dataclass(frozen=True)
class Applicant:
    """Who asked for it: the citizen himself, or who acts for somebody."""

    name: str


@dataclass(frozen=True)
class Office:
    """The office that issues it."""

    name: str
    address: str
    phone: str
    email: str


@dataclass(frozen=True)
class Municipality:
    """The municipality."""

    name: str
    phone: str
    email: str
    website: str


@dataclass(frozen=True)
class Service:
    """What the citizen asked for."""

    name: str
    mitos_code: str


@dataclass(frozen=True)
class Case:
    """The case as the portal knows it."""

    protocol: str
    call_day: str


@dataclass(frozen=True)
class Clerk:
    """Who prepares the certificate."""

    name: str


KINDS = (Citizen, Applicant, Office, Municipality, Service, Case, Clerk)
NAMES = (*(kind.__name__.lower() for kind in KINDS), "today", "fields", "verification")


def of_case(
    appointment: models.Appointment, protocol: str, clerk: Person, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything by the names of `NAMES` but the verification. ``answers`` are those of the clerk's form."""
    municipality = current_app.config["PORTAL"].municipality
    zone, office = appointment.office.time_zone, appointment.office
    return {
        "citizen": _citizen(appointment),
        "applicant": Applicant(appointment.citizen_name),
        "office": Office(office.name.el, office.address.el, office.phone, office.email),
        "municipality": Municipality(
            municipality.name.el, municipality.phone, municipality.email, municipality.website
        ),
        "service": Service(appointment.service.name.el, appointment.service.mitos_code or ""),
        "case": Case(protocol, in_words(appointment.starts_at.astimezone(ZoneInfo(zone)).date())),
        "clerk": Clerk(clerk.name),
        "today": in_words(clock.now().astimezone(ZoneInfo(zone)).date()),
        "fields": SimpleNamespace(**{key: _answer(value) for key, value in answers.items()}),
    }


def in_words(day: date) -> str:
    """``28 Νοεμβρίου 2026``."""
    return format_date(day, "d MMMM yyyy", locale=LANGUAGE)


def capitals(text: object) -> str:
    """Greek capitals carry no accents, but keep the dots of a diaeresis."""
    parts = unicodedata.normalize("NFD", str(text).upper())
    return unicodedata.normalize("NFC", parts.replace("\N{COMBINING ACUTE ACCENT}", ""))


def _answer(value: Any) -> Any:
    if isinstance(value, date):
        return in_words(value)
    return value if isinstance(value, bool) else str(value if value is not None else "")


def _citizen(appointment: models.Appointment) -> Citizen:
    served, person = appointment.served, appointment.citizen
    if served is not None:
        return Citizen(
            name=served.name,
            first_name=served.first_name,
            last_name=served.last_name,
            tax_number=_opened(served.tax_number_encrypted),
        )
    address = {
        part: appointment.address.get(part, "") for part in ("street", "number", "postal_code", "town")
    }
    if person is None:
        return Citizen(name=appointment.citizen_name, **address)
    return Citizen(
        name=appointment.citizen_name,
        first_name=person.first_name,
        last_name=person.last_name,
        fathers_name=person.fathers_name,
        birth_year=str(person.birth_year or ""),
        tax_number=_opened(person.tax_number_encrypted),
        **address,
    )


def _opened(sealed: str) -> str:
    try:
        return decrypt(sealed.encode()).decode() if sealed else ""
    except InvalidToken:
        # A certificate without the number would look complete.
        raise KeyMissing(
            "a tax number lies under a key that PORTAL_SECRET_KEY does not name; put it back"
        ) from None
