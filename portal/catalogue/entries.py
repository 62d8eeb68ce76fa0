"""The tables of a catalogue file and the rules for each of their keys; `reading` fills them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from portal.catalogue.hours import CHANNELS, parse_hours
from portal.clock import is_time_zone
from portal.config import TwoTexts
from portal.scheduling import Spell

ALL_SERVICES = "all"
INTERPRETER = "interpreter"
SIGN_LANGUAGES = frozenset(
    {"gss", "ils", "ase", "bfi", "bqn", "fsl", "gsg", "ise", "rms", "rsl", "sqk", "ssp", "tsm", "ukl"}
)
"""Codes of ISO 639-3: the Greek sign language, the international one, those of neighbours and visitors."""


def _key(value: str) -> str:
    if not value.isascii() or not value.replace("-", "").isalnum() or value != value.lower():
        raise ValueError(f'"{value}" is no key; use small Latin letters, digits and hyphens')
    return value


def _mitos_code(value: str) -> str:
    if len(value) != 6 or not value.isascii() or not value.isdigit():
        raise ValueError(f'"{value}" is no ΜΙΤΟΣ code; write its six digits in quotes, leading zeros too')
    return value


def _series(value: str) -> str:
    if not value.strip() or value != value.strip() or not value.replace("-", "").replace(".", "").isalnum():
        raise ValueError(f'"{value}" is no series; write letters, digits, hyphens and dots, like ΚΕΠ-ΖΩΓ')
    return value


def _steps_of_five(value: int) -> int:
    if value % 5:
        raise ValueError(f"{value} is not a multiple of 5; the portal counts in steps of 5 minutes")
    return value


def _email(value: str) -> str:
    name, at, domain = value.partition("@")
    if value and (not name or not at or "." not in domain or any(letter.isspace() for letter in value)):
        raise ValueError(f'"{value}" is no e-mail address')
    return value


def _zone(value: str) -> str:
    if not is_time_zone(value):
        raise ValueError(f'"{value}" is no time zone; write one like Europe/Athens')
    return value


def _language(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.islower() and len(value) in (2, 3)):
        raise ValueError(f'"{value}" is no language; write its code, like el or en')
    return value


def _channel(value: str) -> str:
    if value not in CHANNELS:
        raise ValueError(f'"{value}" is no channel; there are {", ".join(CHANNELS)}')
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(values) != len(set(values)):
        raise ValueError("names a channel twice")
    if not values:
        raise ValueError("name at least one")
    return values


def _skills(value: object) -> object:
    return [ALL_SERVICES] if value == ALL_SERVICES else value


Key = Annotated[str, Field(max_length=40), AfterValidator(_key)]
ServiceKey = Annotated[str, Field(max_length=60), AfterValidator(_key)]
Series = Annotated[str, Field(max_length=20), AfterValidator(_series)]
Minutes = Annotated[int, AfterValidator(_steps_of_five)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
Language = Annotated[str, AfterValidator(_language)]
Channel = Annotated[str, AfterValidator(_channel)]
Places = Annotated[int, Field(ge=1, le=200)]
Hours = Annotated[tuple[Spell, ...], PlainValidator(parse_hours)]


class Entry(BaseModel):
    """One table of the file. A key that is not named here is a problem."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FieldEntry(Entry):
    """A thematic field; fields are shown in the order of the file."""

    key: Key
    name: TwoTexts
    summary: TwoTexts


class ServiceEntry(Entry):
    """A service; within its field, services are shown in the order of the file."""

    key: ServiceKey
    field: str
    mitos: Annotated[str, AfterValidator(_mitos_code)] | None = None
    name: TwoTexts
    summary: TwoTexts
    papers: tuple[TwoTexts, ...] = Field(default=(), strict=False)
    minutes: Minutes = Field(ge=5, le=240)
    buffer_before: Minutes = Field(default=0, ge=0, le=120)
    buffer_after: Minutes = Field(default=5, ge=0, le=120)
    lead_minutes: int = Field(default=60, ge=0, le=43200)
    horizon_days: int = Field(default=30, ge=1, le=365)
    channels: Annotated[tuple[Channel, ...], Field(strict=False), AfterValidator(_each_once)] = ("video",)
    second_clerk: bool = False
    deliveries: tuple[str, ...] = Field(default=(), strict=False)
    due_days: int | None = Field(default=None, ge=1, le=3650)
    certificate: ServiceKey | None = None
    approval: bool = False
    sample: bool = False


class Capacity(Entry):
    """How many appointments an office can hold at once, by channel; None is without a limit."""

    video: Places | None = None
    phone: Places | None = None
    in_person: Places | None = None


class OfficeEntry(Entry):
    """A counter of the municipality."""

    key: Key
    name: TwoTexts
    address: TwoTexts
    opening: TwoTexts
    phone: str = Field(max_length=20)
    email: Email
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Athens"
    capacity: Capacity = Capacity()
    protocol: Series | None = None

    @property
    def series(self) -> str:
        """What stands before the numbers of its protocol."""
        return self.protocol or self.key.upper()


class StaffEntry(Entry):
    """A person's post in one office; somebody who serves in two offices has two entries."""

    login: str = Field(min_length=1, max_length=255)
    first_name: str = Field(min_length=1, max_length=100)
    last_name: str = Field(min_length=1, max_length=100)
    email: Email = ""
    office: str
    role: Literal["clerk", "supervisor", "administrator", "interpreter"]
    approves: bool = False
    languages: tuple[Language, ...] = Field(default=("el",), min_length=1, strict=False)
    skills: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_skills)] = ()
    hours: tuple[Hours, ...] = Field(default=(), strict=False)

    @property
    def spells(self) -> list[Spell]:
        """The weekly plan."""
        return [spell for line in self.hours for spell in line]


class ClosureEntry(Entry):
    """Days on which an office is closed beyond the public holidays; all offices where none is named."""

    office: str | None = None
    first_day: date
    last_day: date | None = None
    reason: TwoTexts

    @property
    def until(self) -> date:
        """The last closed day."""
        return self.last_day or self.first_day


class OpenDayEntry(Entry):
    """A public holiday on which an office works all the same; all offices where none is named."""

    office: str | None = None
    day: date
    reason: TwoTexts


class Catalogue(Entry):
    """Everything that one file says, checked."""

    fields: tuple[FieldEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    offices: tuple[OfficeEntry, ...] = ()
    staff: tuple[StaffEntry, ...] = ()
    closures: tuple[ClosureEntry, ...] = ()
    open_days: tuple[OpenDayEntry, ...] = ()

    def skills_of(self, post: StaffEntry) -> set[str]:
        """Keys of the services which the holder of ``post`` can give."""
        if ALL_SERVICES in post.skills:
            return {service.key for service in self.services}
        return set(post.skills)
