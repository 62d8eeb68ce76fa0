"""Settings of delivery by e-mail, and of the mailbox to which delivery reports come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from portal.plugin_api import CertificateFile, PluginSettings, Secret

VARIABLE = "PORTAL_DELIVERY_EMAIL_REPORTS_PASSWORD"
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")

Security = Literal["tls", "starttls", "none"]


class EmailSettings(PluginSettings):
    """Without ``reports_host`` nobody looks whether mails come back."""

    largest_attachment_megabytes: int = Field(default=7, ge=0, le=20)
    """Mail servers refuse large mails; what is larger than this comes by the link alone."""
    reports_host: str = ""
    reports_username: str = Field(default="", validate_default=True)
    reports_password: Secret | None = Field(default=None, validate_default=True)
    reports_security: Security = Field(default="tls", validate_default=True)
    reports_port: int = Field(default=0, ge=0, le=65535)
    reports_folder: str = "INBOX"
    reports_ca_bundle: CertificateFile = ""

    @field_validator("reports_username", "reports_password")
    @classmethod
    def _login_is_whole(cls, value: str | Secret | None, info: ValidationInfo) -> str | Secret | None:
        mend = f"set {VARIABLE}" if info.field_name == "reports_password" else "write who logs in there"
        if info.data.get("reports_host") and not value:
            raise ValueError(f"is missing although reports_host is set; {mend}")
        return value

    @field_validator("reports_security")
    @classmethod
    def _password_is_not_shown(cls, security: Security, info: ValidationInfo) -> Security:
        if security == "none" and info.data.get("reports_host", "") not in ("", *THIS_MACHINE):
            raise ValueError('"none" shows the password to the network; write "tls" or "starttls"')
        return security

    @field_validator("reports_folder")
    @classmethod
    def _folder_can_be_named(cls, folder: str) -> str:
        if not folder or not folder.isascii() or not folder.isprintable():
            raise ValueError("must be a name in Latin letters; give the folder such a name")
        return folder

    @field_validator("reports_password", "reports_username", "reports_port", "reports_ca_bundle")
    @classmethod
    def _means_something(
        cls, value: str | int | Secret | None, info: ValidationInfo
    ) -> str | int | Secret | None:
        if value and info.data.get("reports_host") == "":
            name = VARIABLE if info.field_name == "reports_password" else info.field_name
            raise ValueError(f"is set without reports_host; set reports_host, or remove {name}")
        return value

    def mailbox(self) -> MailboxAccount | None:
        """The mailbox of the delivery reports, if there is one."""
        if not self.reports_host or self.reports_password is None:
            return None
        return MailboxAccount(
            self.reports_host,
            self.reports_port or (993 if self.reports_security == "tls" else 143),
            self.reports_security,
            self.reports_username,
            self.reports_password,
            self.reports_folder,
            self.reports_ca_bundle,
        )


@dataclass(frozen=True)
class MailboxAccount:
    """Where the delivery reports are, and who may read them."""

    host: str
    port: int
    security: Security
    username: str
    password: Secret = field(repr=False)
    folder: str
    ca_bundle: str
