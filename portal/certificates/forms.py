"""What a template asks the clerk for, beside what the case knows already: its TOML file, read and checked."""

from __future__ import annotations

import keyword
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from portal.config import TwoTexts, explain

Kind = Literal["text", "long_text", "date", "number", "choice", "yes_no"]


class TemplateProblem(Exception):
    """A template cannot be used; the text names file, line and mend."""


def _key(value: str) -> str:
    if not (value.isascii() and value.isidentifier() and value == value.lower()) or keyword.iskeyword(value):
        raise ValueError(f'"{value}" is no key; use small Latin letters, digits and underscores')
    if value.startswith("_") or value in ("csrf_token", "deed"):
        raise ValueError(f'"{value}" is taken; choose another key')
    return value


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Asked(_Table):
    """One field of the clerk's form; the template knows its answer as ``fields.<key>``."""

    key: Annotated[str, Field(max_length=40), AfterValidator(_key)]
    label: TwoTexts
    hint: TwoTexts | None = None
    kind: Kind = "text"
    required: bool = True
    longest: int = Field(default=300, ge=1, le=5000)
    choices: tuple[TwoTexts, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _choices_where_they_belong(self) -> Asked:
        if self.kind == "choice" and len(self.choices) < 2:
            raise ValueError("a choice needs at least two choices")
        if self.kind != "choice" and self.choices:
            raise ValueError('choices belong to kind = "choice"')
        return self


class Form(_Table):
    """The TOML file beside a template."""

    title: TwoTexts
    fields: tuple[Asked, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _each_key_once(self) -> Form:
        keys = [asked.key for asked in self.fields]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f'the key "{key}" is used twice; give each field its own')
        return self


def read(path: Path) -> Form:
    """What the file asks for. Raises TemplateProblem."""
    try:
        return Form.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise TemplateProblem(
            f"{path.name}: is missing; write it beside the template, with a title"
        ) from None
    except OSError as error:
        raise TemplateProblem(f"{path.name}: cannot be read ({error.strerror}); make it readable") from None
    except UnicodeDecodeError:
        raise TemplateProblem(f"{path.name}: is not UTF-8; save it with that encoding") from None
    except tomllib.TOMLDecodeError as error:
        raise TemplateProblem(f"{path.name}: is not valid TOML: {error}") from None
    except ValidationError as error:
        known = dict.fromkeys([*Form.model_fields, *Asked.model_fields])
        raise TemplateProblem("\n".join(explain(error, path.name, known))) from None
