"""Where documents and papers lie: on the disk or in a bucket, chosen in the file. They come here encrypted.

`portal.files` is the only one to ask: it checks, encrypts and names. A place keeps the promises of
`DocumentStore`, the same ones everywhere; the tests hold each place to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.config import Config
from portal.plugin_api import ConfigurationFailure, TemporaryFailure

PAGE = 1000
"""So many names are asked for at a time."""


class StoreTrouble(Exception):
    """A document can be neither kept nor read now, and nothing was written by halves.

    The text is for logs and administrators, ``told`` for who waits for a page. A job comes back later.
    """

    kind = "away"
    """One word for `/health`."""
    told: LazyString = _l(
        "The place where documents are kept does not answer at the moment. Nothing was changed and nothing "
        "is lost. Please try again in a few minutes."
    )


class StoreAway(StoreTrouble, TemporaryFailure):
    """It does not answer, or not in order; that may be over in a moment."""


class StoreFull(StoreTrouble, TemporaryFailure):
    """There is no room left for another file."""

    kind = "full"
    told = _l(
        "There is no room left for new files. Nothing was changed and nothing is lost. The administrator has "
        "to make room; please try again later."
    )


class StoreMisconfigured(StoreTrouble, ConfigurationFailure):
    """Address, bucket or keys are wrong: the text names the setting and the mend."""

    kind = "misconfigured"


class KeyMissing(StoreTrouble, ConfigurationFailure):
    """What lies there was encrypted with a key that is not in ``PORTAL_SECRET_KEY`` any more."""

    kind = "key missing"
    told = _l(
        "This document cannot be opened at the moment, because a key is missing on our side. It is not lost. "
        "The administrator has to put the key back; please try again later."
    )


class DocumentStore(Protocol):
    """What each place promises. Every method raises StoreTrouble when it cannot do what it says."""

    is_far: bool
    """True when it is asked over a network."""

    def write(self, name: str, content: bytes) -> None:
        """All of it or nothing; when this returns it is kept for good."""

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError when there is no such file."""

    def exists(self, name: str) -> bool:
        """True when the file is there."""

    def remove(self, name: str) -> None:
        """For good; it may be gone already."""

    def pages(self, older_than: datetime, after: str = "") -> Iterator[list[str]]:
        """The names of all files that were written before, at most `PAGE` at a time.

        Where the place has an order, only those that come ``after``.
        """

    def check(self) -> None:
        """Try out all that the portal needs; the trouble's text tells an administrator what to mend."""

    def trouble_nearby(self) -> str:
        """The kind of the trouble, as far as it is known without waiting; empty if all is well."""


def init_app(app: Flask, config: Config) -> None:
    """Choose the place that the file names."""
    from portal.document_store.bucket import Bucket
    from portal.document_store.disk import Disk

    chosen: DocumentStore = (
        Bucket.configured(config) if config.documents.store == "s3" else Disk(config.instance / "documents")
    )
    app.extensions["portal.document_store"] = chosen


def current_store() -> DocumentStore:
    """The place of the running application."""
    store: DocumentStore = current_app.extensions["portal.document_store"]
    return store
