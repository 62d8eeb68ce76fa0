"""A kept connection that has rested is tried before it is used: a restart of the database is survived."""

from __future__ import annotations

import math

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from portal import db as database
from portal.db import db


@pytest.fixture
def cut_off(open_counter, postgres):
    """A portal whose kept connections the database has just ended."""
    open_counter(postgres)
    db.session.execute(text("SELECT 1"))
    db.session.remove()
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert ended


def test_a_connection_that_rested_is_replaced(cut_off, monkeypatch):
    monkeypatch.setattr(database, "RESTED", 0)
    assert db.session.scalar(text("SELECT 1")) == 1


def test_without_the_trial_the_restart_would_be_noticed(cut_off, monkeypatch):
    monkeypatch.setattr(database, "RESTED", math.inf)
    with pytest.raises(OperationalError):
        db.session.scalar(text("SELECT 1"))
    db.session.rollback()
