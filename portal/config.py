"""The municipality's configuration: one TOML file and the environment, checked as a whole.

Every problem is reported at once, each on a line that names the file, the key and the mend.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from portal.clock import is_time_zone
from portal.document_settings import BUCKET_KEYS, DocumentSettings

BASE_URL = r"^https?://[^/]+$"
DEMO_FILE = Path(__file__).parent / "demo" / "municipality.toml"


class ConfigProblems(Exception):
    """The portal cannot start. ``problems`` are complete sentences for an administrator."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__("\n  ".join([f"portal cannot start: {count}", *problems]))


def _known_zone(value: str) -> str:
    if not is_time_zone(value):
        raise ValueError("unknown time zone; write one like Europe/Athens")
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("write a colour as # and six hexadecimal digits")
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(BASE_URL, value):
        raise ValueError("write scheme and host without a path, like https://counter.example.gr")
    return value


def _whole_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", value):
        raise ValueError("write a whole address, like https://tsa.example.gr/tsr")
    return value


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class TwoTexts(_Table):
    """A text in both languages."""

    el: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.el


class Municipality(_Table):
    """Who runs this portal."""

    name: TwoTexts
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Europe/Athens"
    default_language: Literal["el", "en"] = "el"
    phone: str = ""
    email: str = ""
    website: str = ""
    data_protection_email: str = ""
    colour: Annotated[str, AfterValidator(_colour)] = "#003375"
    accent_colour: Annotated[str, AfterValidator(_colour)] = "#0065b3"


class PortalSettings(_Table):
    """Where the portal is reached and how it keeps its things."""

    base_url: Annotated[str, AfterValidator(_web_address)] = "http://127.0.0.1:8000"
    instance: str = "instance"
    document_days: int = Field(default=30, ge=1, le=3650)
    case_days: int = Field(default=50, ge=1, le=3650)
    """In how many days a case is to be decided, unless its service says otherwise."""
    paper_days: int = Field(default=30, ge=1, le=3650)
    """How long the papers of a case are kept after its end."""
    demo: bool = False
    proxies: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies of ours stand in front; their X-Forwarded headers are believed."""


class BookingRules(_Table):
    """Rules of booking that hold for all services. Minutes unless said."""

    hold_minutes: int = Field(default=10, ge=2, le=60)
    hold_extensions: int = Field(default=3, ge=0, le=20)
    reminder_minutes: int = Field(default=120, ge=5, le=10080)
    door_opens_minutes: int = Field(default=15, ge=0, le=120)
    """How long before the start the citizen may wait at the door."""
    change_until_minutes: int = Field(default=30, ge=0, le=10080)
    """How long before the start the citizen may still move or cancel."""
    open_appointments: int = Field(default=5, ge=1, le=100)
    """How many appointments one citizen may have ahead of him."""
    raster_minutes: Literal[5, 10, 15, 20, 30] = 10
    open_per_service: int = Field(default=5, ge=1, le=100)
    """How many of them may be for the same service."""
    interpreted_extra_minutes: int = Field(default=15, ge=0, le=120, multiple_of=5)
    """How much longer an appointment with an interpreter is."""
    interpreter_buffer_minutes: int = Field(default=10, ge=0, le=120, multiple_of=5)
    """Distance between two appointments of an interpreter."""
    cooling_off_minutes: int = Field(default=0, ge=0, le=1440)
    """After a cancellation the time returns at a moment between half of this and this; 0 is at once."""
    earlier_offer_minutes: int = Field(default=15, ge=0, le=120)
    """How long a freed time waits for one citizen of the earlier-time list; 0 switches the list off."""


class SessionRules(_Table):
    """How long a login lasts. Minutes unless said; the reader is warned and can stay."""

    citizen_idle_minutes: int = Field(default=30, ge=5, le=240)
    """Without a page or a press for so long a citizen is logged out."""
    citizen_hours: int = Field(default=8, ge=1, le=24)
    staff_idle_minutes: int = Field(default=60, ge=5, le=720)
    staff_hours: int = Field(default=12, ge=1, le=24)
    """However busy: after so many hours one logs in again."""
    warning_minutes: int = Field(default=2, ge=1, le=4)
    """How long before the end the page warns and offers to stay."""

    def idle(self, door: str) -> timedelta:
        """How long somebody who came through ``door`` may do nothing."""
        return timedelta(minutes=self.staff_idle_minutes if door == "staff" else self.citizen_idle_minutes)

    def longest(self, door: str) -> timedelta:
        """How long a login through ``door`` lasts at most."""
        return timedelta(hours=self.staff_hours if door == "staff" else self.citizen_hours)


class MailSettings(_Table):
    """The relay that takes our mail. The password is ``PORTAL_MAIL_PASSWORD``."""

    sender: str = "no-reply@localhost"
    return_path: str = ""
    """Where mail servers report what they could not deliver; empty for the sender."""
    host: str = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""


class CertificateSettings(_Table):
    """Documents issued from templates, and the code by which anybody can check an issued document."""

    verification: bool = False
    """Draw a code into each issued PDF, to be typed or scanned at the page /verify."""
    verification_days: int = Field(default=3650, ge=30, le=36500)
    """How long the page answers; the file itself may be erased long before."""


class SealSettings(_Table):
    """The municipality's electronic seal. The password is ``PORTAL_SEAL_PASSWORD``."""

    certificate: str = Field(min_length=1)
    """A PKCS#12 file, beside this file unless the whole path is given."""
    tsa_url: Annotated[str, AfterValidator(_whole_address)] = ""
    """Where time stamps come from (RFC 3161); empty for none."""


class ChosenIdentity(_Table):
    """Which identity provider serves which door."""

    citizens: str
    staff: str


class ChosenProviders(_Table):
    """Providers by name; the first of a list is preferred."""

    identity: ChosenIdentity
    video: tuple[str, ...] = Field(min_length=1, strict=False)
    delivery: tuple[str, ...] = Field(min_length=1, strict=False)


class ChosenPlugins(_Table):
    """Which installed plugins run."""

    enabled: tuple[str, ...] = Field(strict=False)


class _File(_Table):
    municipality: Municipality
    portal: PortalSettings = PortalSettings()
    booking: BookingRules = BookingRules()
    sessions: SessionRules = SessionRules()
    mail: MailSettings = MailSettings()
    documents: DocumentSettings = DocumentSettings()
    certificates: CertificateSettings = CertificateSettings()
    seal: SealSettings | None = None
    plugins: ChosenPlugins
    providers: ChosenProviders
    plugin: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """Everything the portal was told, checked. Secrets do not show in its ``repr``."""

    source: str
    """The file's name, for messages."""
    municipality: Municipality
    portal: PortalSettings
    booking: BookingRules
    sessions: SessionRules
    mail: MailSettings
    documents: DocumentSettings
    certificates: CertificateSettings
    seal: SealSettings | None
    enabled_plugins: tuple[str, ...]
    providers: ChosenProviders
    plugin_tables: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, str] = field(repr=False)
    """The environment as it was at the start; plugin secrets are read from it."""
    instance: Path
    operator_folder: Path | None
    """Folder of the TOML file; its ``translations/``, if there is one, may re-word every text."""
    secret_keys: tuple[str, ...] = field(repr=False)
    """The first one signs and encrypts; the others are still accepted."""
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    mail_password: str = field(repr=False)
    bucket_keys: tuple[str, str] = field(repr=False)
    """What opens the bucket: the access key and its secret; empty on the disk."""

    @property
    def demo(self) -> bool:
        """True when nobody real is served."""
        return self.portal.demo


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Read the file named by ``PORTAL_CONFIG`` (the demo's if there is none) and the environment.

    Raises ConfigProblems with the complete list.
    """
    environment = dict(os.environ if environment is None else environment)
    path = Path(environment.get("PORTAL_CONFIG") or DEMO_FILE)
    parsed = _parse(path)
    instance = Path(environment.get("PORTAL_INSTANCE") or parsed.portal.instance).absolute()
    problems: list[str] = []
    secret_keys = _secret_keys(environment, parsed.portal.demo, instance, problems)
    database_url = environment.get("PORTAL_DATABASE_URL", "")
    redis_url = environment.get("PORTAL_REDIS_URL", "")
    problems += _wrong_base_url(environment) + parsed.documents.missing(environment, path.name)
    if not parsed.portal.demo:
        problems += _missing_in_production(database_url, redis_url)
    if problems:
        raise ConfigProblems(problems)
    return Config(
        source=path.name,
        municipality=parsed.municipality,
        portal=_with_base_url(parsed.portal, environment),
        booking=parsed.booking,
        sessions=parsed.sessions,
        mail=parsed.mail,
        documents=parsed.documents,
        certificates=parsed.certificates,
        seal=parsed.seal,
        enabled_plugins=parsed.plugins.enabled,
        providers=parsed.providers,
        plugin_tables=parsed.plugin,
        environment=environment,
        instance=instance,
        operator_folder=None if path == DEMO_FILE else path.absolute().parent,
        secret_keys=secret_keys,
        database_url=database_url or f"sqlite:///{instance / 'portal.sqlite3'}",
        redis_url=redis_url or f"unix://{instance / 'store.sock'}",
        mail_password=environment.get("PORTAL_MAIL_PASSWORD", ""),
        bucket_keys=(environment.get(BUCKET_KEYS[0], ""), environment.get(BUCKET_KEYS[1], "")),
    )


def explain(error: ValidationError, prefix: str, fields: Mapping[str, Any] | None = None) -> list[str]:
    """One line for each problem that pydantic found: ``prefix``, key, what is wrong, the mend."""
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), list(fields or ()), 1)
            guess = f" (did you mean {near[0]}?)" if near else ""
            lines.append(f"{prefix} {key}: unknown setting{guess}")
        elif item["type"] == "missing":
            lines.append(f"{prefix} {key}: is missing; add it")
        else:
            message = item["msg"].removeprefix("Value error, ")
            lines.append(f"{prefix} {key}: {message[0].lower()}{message[1:]}")
    return lines


def _parse(path: Path) -> _File:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigProblems([f"{path.name}: there is no such file; set PORTAL_CONFIG to yours"]) from None
    except OSError as error:
        raise ConfigProblems([f"{path.name}: cannot be read ({error.strerror}); make it readable"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblems([f"{path.name}: is not valid TOML: {error}"]) from None
    try:
        return _File.model_validate(table)
    except ValidationError as error:
        known = {name for model in _known_tables() for name in model.model_fields}
        raise ConfigProblems(explain(error, path.name, dict.fromkeys(known))) from None


def _known_tables() -> list[type[BaseModel]]:
    tables: list[type[BaseModel]] = [_File, Municipality, PortalSettings, BookingRules, SessionRules]
    return [
        *tables,
        MailSettings,
        DocumentSettings,
        CertificateSettings,
        SealSettings,
        ChosenProviders,
        ChosenPlugins,
    ]


def _with_base_url(settings: PortalSettings, environment: Mapping[str, str]) -> PortalSettings:
    base_url = environment.get("PORTAL_BASE_URL")
    return settings.model_copy(update={"base_url": base_url.rstrip("/")}) if base_url else settings


def _wrong_base_url(environment: Mapping[str, str]) -> list[str]:
    base_url = environment.get("PORTAL_BASE_URL", "").rstrip("/")
    if not base_url or re.match(BASE_URL, base_url):
        return []
    return ["environment PORTAL_BASE_URL: write it like https://counter.example.gr"]


def _secret_keys(
    environment: Mapping[str, str], demo: bool, instance: Path, problems: list[str]
) -> tuple[str, ...]:
    keys = tuple(environment.get("PORTAL_SECRET_KEY", "").split())
    if not keys and demo:
        return (_demo_key(instance),)
    if not keys:
        problems.append(
            "environment PORTAL_SECRET_KEY: is missing; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    problems += [
        "environment PORTAL_SECRET_KEY: is too short; use at least 32 characters"
        for key in keys
        if len(key) < 32
    ]
    return keys


def _demo_key(instance: Path) -> str:
    """The demo's own key, made once and kept in its instance folder."""
    instance.mkdir(parents=True, exist_ok=True)
    file = instance / "secret_key"
    if not file.exists():
        draft = instance / f"secret_key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(48))
        # Of two processes that start at once the first one's key holds, and nobody reads half a key.
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text()


def _missing_in_production(database_url: str, redis_url: str) -> list[str]:
    problems = []
    if not database_url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
        problems.append(
            "environment PORTAL_DATABASE_URL: set it, like postgresql://portal:password@127.0.0.1/portal"
        )
    if not redis_url.startswith(("redis://", "rediss://", "unix://")):
        problems.append("environment PORTAL_REDIS_URL: set it, like redis://127.0.0.1:6379/0")
    return problems
