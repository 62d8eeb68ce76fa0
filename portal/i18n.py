"""Languages of the portal, and the one place where an instant becomes words.

Catalogues are merged in the order plugins, core, operator; the last one wins, so a plugin can never
re-word the core and the operator can re-word everything.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import Flask, has_request_context, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from portal import clock
from portal.config import Config

LANGUAGES = ("el", "en")


class InTwoLanguages(Protocol):
    """A text of the municipality: `portal.db.Bilingual` or `portal.config.TwoTexts`."""

    def in_language(self, language: str) -> str: ...


def init_app(app: Flask, config: Config, plugin_folders: list[Path]) -> None:
    """Set up the catalogues and the choice of language.

    One Babel object for each application: it caches the merged catalogues, and a second application
    in the same process (every test run) must not get those of the first.
    """
    folders = [*plugin_folders, Path(str(files("portal.translations")))]
    if config.operator_folder and (config.operator_folder / "translations").is_dir():
        folders.append(config.operator_folder / "translations")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(str(folder) for folder in folders)
    default = config.municipality.default_language
    babel = Babel(app, default_locale=default, locale_selector=lambda: _choose_language(default))
    _find_texts_faster(app, babel)
    app.before_request(_switch_language)
    app.jinja_env.filters.update(
        text=in_readers_language,
        weekday_date=weekday_date,
        clock_time=clock_time,
        short_date=short_date,
        wall_clock=wall_clock,
    )
    app.context_processor(lambda: {"current_language": current_language, "now": clock.now})


def _find_texts_faster(app: Flask, babel: Babel) -> None:
    """Keep texts at hand for templates: Flask-Babel and Jinja seek the catalogue anew for each of them."""
    catalogues: dict[str, Any] = {}

    def catalogue(language: str) -> Any:
        if language not in catalogues:
            catalogues[language] = babel.domain_instance.get_translations()
        return catalogues[language]

    @lru_cache(maxsize=4096)
    def fixed(language: str, text: str) -> Markup:
        return Markup(catalogue(language).ugettext(text) % {})  # noqa: S704 - a text of ours

    def filled(said: str, values: dict[str, Any], escape: bool) -> str:
        return (Markup(said) if escape else said) % values  # noqa: S704 - a text of ours

    @pass_eval_context
    def gettext(template: EvalContext, text: str, /, **values: Any) -> str:
        language = current_language()
        if template.autoescape and not values:
            return fixed(language, text)
        return filled(catalogue(language).ugettext(text), values, bool(template.autoescape))

    @pass_eval_context
    def ngettext(template: EvalContext, one: str, many: str, count: int, /, **values: Any) -> str:
        said = catalogue(current_language()).ungettext(one, many, count)
        return filled(said, {"num": count, **values}, bool(template.autoescape))

    app.jinja_env.globals.update(_=gettext, gettext=gettext, ngettext=ngettext)


def current_language() -> str:
    """``el`` or ``en``: the reader's language, or the one forced for a message."""
    locale = get_locale()
    return locale.language if locale else "el"


def in_readers_language(text: InTwoLanguages | dict[str, str]) -> str:
    """A text of the municipality in the reader's language."""
    if isinstance(text, dict):
        return (text.get(current_language()) or text["el"]) if text else ""
    return text.in_language(current_language())


def weekday_date(instant: datetime | date, zone: str) -> str:
    """``Monday 30 November 2026`` in the reader's language; an instant is told in ``zone``."""
    day = instant.astimezone(ZoneInfo(zone)).date() if isinstance(instant, datetime) else instant
    return _formatted(day, "EEEE d MMMM yyyy", current_language())


def short_date(instant: datetime | date, zone: str) -> str:
    """``Mon 30 Nov`` in the reader's language."""
    day = instant.astimezone(ZoneInfo(zone)).date() if isinstance(instant, datetime) else instant
    return _formatted(day, "EEE d MMM", current_language())


@lru_cache(maxsize=1024)
def _formatted(day: date, pattern: str, language: str) -> str:
    """The same few days stand on every page."""
    return format_date(day, pattern, locale=language)


@lru_cache(maxsize=4096)
def clock_time(instant: datetime, zone: str) -> Markup:
    """``09:30`` on the office's wall clock, marked up for machines too."""
    local = instant.astimezone(ZoneInfo(zone))
    return Markup(f'<time datetime="{local.isoformat()}">{local:%H:%M}</time>')  # noqa: S704 - digits alone


def wall_clock(instant: datetime, zone: str) -> str:
    """``09:30`` on the office's wall clock, as plain text for messages."""
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def _choose_language(default: str) -> str:
    if not has_request_context():
        return default
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES, default) or default


def _switch_language() -> ResponseReturnValue | None:
    """``?lang=en`` on any page switches the language and leads back to the same page."""
    chosen = request.args.get("lang")
    if request.method != "GET" or chosen not in LANGUAGES:
        return None
    session["language"] = chosen
    others = [(k, v) for k, v in request.args.items(multi=True) if k != "lang"]
    return redirect(request.path + (f"?{urlencode(others)}" if others else ""))
