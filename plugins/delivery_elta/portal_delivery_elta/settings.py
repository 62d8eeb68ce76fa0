"""What ELTA Courier gave the municipality: its account, and where the services are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from portal.plugin_api import CertificateFile, PluginSettings, Secret, Url

VARIABLE = "PORTAL_DELIVERY_ELTA_PASSWORD"


def _is_user_code(value: str) -> str:
    if value and not re.fullmatch(r"\d{7}", value):
        raise ValueError("has exactly seven digits; write zeros in front of a shorter one")
    return value


def _is_code(value: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z]*", value):
        raise ValueError(
            'write digits without a space: a customer code "010101 0005" is '
            'sender_code = "010101" and sender_sub_code = "0005"'
        )
    return value


UserCode = Annotated[str, AfterValidator(_is_user_code)]
Code = Annotated[str, AfterValidator(_is_code), Field(max_length=15)]


class EltaSettings(PluginSettings):
    """Without ``user_code`` there is no contract with ELTA Courier: then there is registered mail alone."""

    base_url: Url = "https://wsprod.elta-courier.gr"
    user_code: UserCode = ""
    password: Secret | None = Field(default=None, validate_default=True)
    sender_code: Code = Field(default="", validate_default=True)
    sender_sub_code: Code = ""
    label_paper: Literal["A4", "A6"] = "A6"
    label_with_sub_code: bool = False
    wsdl_dir: str = ""
    ca_bundle: CertificateFile = ""

    @field_validator("password")
    @classmethod
    def _password_has_its_user(cls, password: Secret | None, info: ValidationInfo) -> Secret | None:
        # A code that is wrong has its own line.
        if info.data.get("user_code") and password is None:
            raise ValueError(f"is missing although user_code is set; set {VARIABLE}")
        if info.data.get("user_code") == "" and password is not None:
            raise ValueError(f"is set without user_code; set user_code, or remove {VARIABLE}")
        return password

    @field_validator("sender_code")
    @classmethod
    def _sender_has_its_user(cls, code: str, info: ValidationInfo) -> str:
        if info.data.get("user_code") and not code:
            raise ValueError("is missing although user_code is set; ELTA Courier calls it the master code")
        if info.data.get("user_code") == "" and code:
            raise ValueError("is set without user_code; set user_code, or delete sender_code")
        return code

    @field_validator("sender_sub_code", "label_with_sub_code", "wsdl_dir", "ca_bundle")
    @classmethod
    def _means_something(cls, value: str | bool, info: ValidationInfo) -> str | bool:
        if value and info.data.get("user_code") == "":
            raise ValueError(f"is set without user_code; set user_code, or delete {info.field_name}")
        if value is True and not info.data.get("sender_sub_code"):
            raise ValueError("is true without sender_sub_code; set that, or delete label_with_sub_code")
        return value

    @field_validator("wsdl_dir")
    @classmethod
    def _folder_is_there(cls, folder: str) -> str:
        if folder and not Path(folder).is_dir():
            raise ValueError("is no folder; write the folder with the WSDL files of ELTA, or delete it")
        return folder

    def contract(self) -> Contract | None:
        """The account at ELTA Courier, if there is one."""
        if not self.user_code or self.password is None:
            return None
        return Contract(self.user_code, self.password, self.sender_code, self.sender_sub_code)


@dataclass(frozen=True)
class Contract:
    """Who we are, as every call has to say in its body."""

    user_code: str
    password: Secret = field(repr=False)
    sender_code: str
    sender_sub_code: str

    def named(self, user: str, password: str, sender: str) -> dict[str, str]:
        """The three values under the names that one service has for them."""
        return {
            user: self.user_code,
            password: self.password.get_secret_value(),
            sender: self.sender_code,
        }
