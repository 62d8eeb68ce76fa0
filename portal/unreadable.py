"""Deals with what no keyboard writes before a page, and then the database, stumbles over it.

A NUL cannot stand in a text of PostgreSQL, a query may hold bytes that are no letters, and a number in an
address may be larger than that of any row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map, ValidationError

LARGEST_NUMBER = 2**31 - 1
"""What a column of whole numbers holds."""


class RowNumber(IntegerConverter):
    """``<int:…>`` of an address; a number that no row can have is not found."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_NUMBER)

    def to_python(self, value: str) -> int:
        # Python refuses to read very long ones at all.
        if len(value) > len(str(LARGEST_NUMBER)):
            raise ValidationError
        return int(super().to_python(value))


def init_app(app: Flask) -> None:
    """Look at each request before anything else does. Called before the first route is added."""
    app.url_map.converters["int"] = RowNumber
    app.wsgi_app = _with_quoted_query(app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(_refuse_nul)


def _with_quoted_query(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Write raw bytes of the query as every browser does, ``%ff``: Flask breaks down over them."""

    def quoted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = quote(query.encode("latin-1"), safe="%=&+;/?:@!$'()*,-._~")
        return application(environ, start_response)

    return quoted


def _refuse_nul() -> None:
    if any("\0" in text for text in _texts()):
        abort(400)


def _texts() -> Iterator[str]:
    yield request.path
    for fields in (request.args, request.form):
        for name, value in fields.items(multi=True):
            yield from (name, value)
    for upload in request.files.values():
        yield upload.filename or ""
