"""Translatable texts for plugins."""

from __future__ import annotations

from typing import Protocol

from flask_babel import gettext, lazy_gettext


class LazyText(Protocol):
    """A text that is translated when it is shown: ``str(text)`` inside a page or a forced locale."""

    def __str__(self) -> str: ...


def lazy(text: str) -> LazyText:
    """Mark ``text`` (English) for translation at the time of showing."""
    result: LazyText = lazy_gettext(text)
    return result


def translate(text: str, **values: object) -> str:
    """Translate ``text`` (English) now, into the reader's language."""
    result: str = gettext(text, **values)
    return result


__all__ = ["LazyText", "lazy", "translate"]
