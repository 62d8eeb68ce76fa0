"""The demonstration: a small municipality with everything embedded, and nobody real served."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import select

from portal import files
from portal.catalogue import import_file
from portal.config import Config
from portal.db import db, transaction
from portal.demo import bookings, documents, own_documents
from portal.offices.models import Office

CATALOGUE = Path(__file__).parent / "catalogue.toml"


def prepare(app: Flask) -> None:
    """Give the demonstration something to show; called at each of its starts.

    The catalogue is imported where there is none yet. Bookings of invented citizens are made when
    none is ahead, so that a demonstration which rested for a month opens with a full week again.
    """
    config: Config = app.config["PORTAL"]
    with app.app_context():
        if db.session.scalar(select(Office.id).limit(1)) is None:
            import_file(CATALOGUE, config.providers.delivery)
        if not bookings.any_ahead():
            samples = documents.samples(bookings.MOST_ISSUED)
            own = documents.samples(len(own_documents.LOT))
            with transaction():
                others = bookings.make(config, samples)
                own_documents.make(config, others, own)
            for unused in samples + own:
                files.let_go(unused.stored.stored_as)
