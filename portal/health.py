"""`/health` for machines: is the database there, is the store, and does the work get done?

It tells numbers and names of providers, to anybody who asks. Without the database nothing works and the
answer is 503. Without the store, with work left lying, with documents that can be neither kept nor read, or
with a provider that is paused after failures in a row, the counter stays open, so it is 200 and ``degraded``.
Retried transactions, and troubles with a bucket, are those of the answering process since it began.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal import due, files, queues
from portal.db import db, retries
from portal.providers import paused_providers
from portal.security import public

blueprint = Blueprint("health", __name__)

OVERDUE = timedelta(minutes=5)
"""Work that is due for so long shows that a worker or the dispatcher is missing."""


def init_app(app: Flask) -> None:
    """Answer under /health."""
    app.register_blueprint(blueprint)


@blueprint.get("/health")
@public
def health() -> ResponseReturnValue:
    """The state of this portal."""
    age = _oldest_due_age()
    store = _store_answers()
    paused = [] if age is None else paused_providers()
    documents = files.trouble()
    well = age is not None and age < OVERDUE and store and not paused and not documents
    status = "down" if age is None else "ok" if well else "degraded"
    answer = jsonify(
        status=status,
        version=version("thyrida"),
        database=age is not None,
        store=store,
        documents=documents or "ok",
        oldest_due_seconds=None if age is None else round(age.total_seconds()),
        paused_providers=paused,
        retried_transactions=retries(),
    )
    return answer, 503 if age is None else 200


def _oldest_due_age() -> timedelta | None:
    """None when the database does not answer."""
    try:
        return due.oldest_due_age()
    except SQLAlchemyError:
        db.session.rollback()
        return None


def _store_answers() -> bool:
    try:
        return bool(queues.store(current_app).ping())
    except RedisError:
        return False
