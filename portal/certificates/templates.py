"""The municipality's templates: which there are, and how one is filled in.

They lie in the folder ``certificates`` beside the configuration file; bundled examples of the same name
give way. A template sees values, and nothing of the portal: Jinja's sandbox, no file outside of the two
folders, and an unknown name is an error instead of a gap in a certificate.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import current_app
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from portal.certificates import forms, values
from portal.certificates.forms import Form, TemplateProblem
from portal.config import Config

BUNDLED = Path(__file__).parent / "bundled"
FOLDER = "certificates"


@dataclass(frozen=True)
class Template:
    """One certificate: its HTML lies in ``name.html``, its form in ``name.toml``."""

    name: str
    form: Form


def folders(config: Config) -> list[Path]:
    """Where templates, pictures and fonts may lie; the municipality's own come first."""
    own = [config.operator_folder / FOLDER] if config.operator_folder else []
    return [*own, BUNDLED]


def names(config: Config) -> list[str]:
    """All templates; a file that begins with an underscore is a part of others."""
    return _in(folders(config))


def own_names(config: Config) -> list[str]:
    """The templates that the municipality itself has written."""
    return _in([folder for folder in folders(config) if folder != BUNDLED])


def find(config: Config, name: str) -> Template:
    """The template with this name. Raises TemplateProblem."""
    for folder in folders(config):
        if (folder / f"{name}.html").is_file() and name in names(config):
            return Template(name, forms.read(folder / f"{name}.toml"))
    there = ", ".join(names(config))
    raise TemplateProblem(f"{name}.html: there is no such file in the folder {FOLDER}; there are: {there}")


def fill_in(name: str, given: Mapping[str, Any]) -> str:
    """The HTML of the template with the values in it, escaped. Raises TemplateProblem."""
    try:
        return _environment(current_app.config["PORTAL"]).get_template(f"{name}.html").render(given)
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{error.name or name} line {error.lineno}: {_mend(error)}") from None
    except TemplateNotFound as error:
        raise TemplateProblem(
            f"{name}.html: there is no file {error.name}; add it or mend its name"
        ) from None
    except UnicodeDecodeError:
        raise TemplateProblem(f"{name}.html: is not UTF-8; save it with that encoding") from None
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        file, line = _place(error.__traceback__) or (f"{name}.html", 1)
        raise TemplateProblem(f"{file} line {line}: {_mend(error)}") from None


def _in(searched: list[Path]) -> list[str]:
    found = {path.stem for folder in searched for path in folder.glob("*.html")}
    return sorted(name for name in found if not name.startswith("_"))


def _environment(config: Config) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folders(config)), undefined=StrictUndefined, autoescape=True, cache_size=0
    )
    environment.filters["capitals"] = values.capitals
    return environment


def _place(trace: TracebackType | None) -> tuple[str, int] | None:
    """The innermost line of a template in which it went wrong."""
    found = None
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".html"):
            found = (Path(file).name, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _mend(error: Exception) -> str:
    """What is wrong in words for the author of a template, with the names that there are."""
    message = str(error)
    known = {cls.__name__: [one.name for one in dataclasses.fields(cls)] for cls in values.KINDS}
    if unknown := re.search(r"'(?:[\w.]+\.)?(\w+) object' has no attribute '(\w+)'", message):
        kind, name = unknown.groups()
        if kind in known:
            return f"{kind.lower()} has no {name}; it has {', '.join(known[kind])}"
        return f"there is no field {name}; add it to the TOML file beside the template, or mend the name"
    if unknown := re.match(r"'(\w+)' is undefined", message):
        return f"there is no {unknown[1]}; there are {', '.join(values.NAMES)}"
    return f"{message}; mend this line"
