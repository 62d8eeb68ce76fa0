"""Work that the database breaks off is done anew, counted, and never done twice."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal import db as database
from portal.db import after_commit, attempt, db, retries, transaction

ADD = text("UPDATE pair SET number = number + 1 WHERE id = :id")


@pytest.fixture
def pair():
    """Makes a table of two rows; both numbers can be read."""

    def make():
        with transaction():
            db.session.execute(text("DROP TABLE IF EXISTS pair"))
            db.session.execute(text("CREATE TABLE pair (id INTEGER PRIMARY KEY, number INTEGER)"))
            db.session.execute(text("INSERT INTO pair VALUES (1, 0), (2, 0)"))

        def numbers():
            db.session.rollback()
            return list(db.session.execute(text("SELECT number FROM pair ORDER BY id")).scalars())

        return numbers

    return make


def lock_crosswise(app, tries):
    """Two transactions, each of which has the row that the other wants; gives the errors that remain."""
    both_have_one = threading.Barrier(2)
    errors = []

    def add(first, second):
        runs = []

        def work():
            runs.append(first)
            db.session.execute(ADD, {"id": first})
            if len(runs) == 1:
                both_have_one.wait(20)
            db.session.execute(ADD, {"id": second})

        with app.app_context():
            try:
                attempt(work, tries)
            except DBAPIError as error:
                errors.append(error.orig.sqlstate)

    writers = [threading.Thread(target=add, args=rows) for rows in ((1, 2), (2, 1))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return errors


def test_two_that_wait_for_each_other_both_get_through(open_counter, postgres, pair):
    app = open_counter(postgres).app
    numbers, before = pair(), retries()
    assert lock_crosswise(app, tries=5) == []
    assert numbers() == [2, 2]
    assert retries() - before == 1


def test_without_a_second_try_one_of_them_is_broken_off(open_counter, postgres, pair):
    app = open_counter(postgres).app
    numbers, before = pair(), retries()
    assert lock_crosswise(app, tries=1) == ["40P01"]
    assert numbers() == [1, 1]
    assert retries() == before


def busy_sqlite(counter):
    """A writer that does not queue; our own patience with it is made short."""
    db.session.execute(text("PRAGMA busy_timeout=20"))
    db.session.rollback()
    path = counter.config.database_url.removeprefix("sqlite:///")
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    return closing(stranger)


def test_a_locked_sqlite_is_asked_again_and_the_health_page_tells_it(counter, pair, monkeypatch):
    numbers = pair()
    client = counter.app.test_client()
    before = client.get("/health").json["retried_transactions"]
    with busy_sqlite(counter) as stranger:
        monkeypatch.setattr(database.time, "sleep", lambda seconds: stranger.rollback())
        attempt(lambda: db.session.execute(ADD, {"id": 1}))
    assert numbers() == [1, 0]
    assert client.get("/health").json["retried_transactions"] == before + 1


def test_a_database_that_stays_locked_is_given_up(counter, pair, monkeypatch):
    numbers = pair()
    pauses = []
    monkeypatch.setattr(database.time, "sleep", pauses.append)
    with busy_sqlite(counter), pytest.raises(DBAPIError, match="locked"):
        attempt(lambda: db.session.execute(ADD, {"id": 1}), tries=3)
    assert len(pauses) == 2
    assert numbers() == [0, 0]


def test_other_failures_are_not_repeated(each_counter, pair):
    numbers, before = pair(), retries()

    def twice_the_same():
        db.session.execute(ADD, {"id": 1})
        db.session.execute(text("INSERT INTO pair VALUES (1, 0)"))

    with pytest.raises(IntegrityError):
        attempt(twice_the_same)
    assert numbers() == [0, 0]
    assert retries() == before


def test_what_follows_the_commit_never_repeats_it(counter, pair):
    numbers = pair()

    def work():
        db.session.execute(ADD, {"id": 1})
        after_commit(fail_busily)
        return "done"

    with pytest.raises(DBAPIError, match="locked"):
        attempt(work)
    assert numbers() == [1, 0]


def fail_busily():
    """Meet a locked database after the own transaction."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise DBAPIError("BEGIN", None, cause)


def test_the_answer_is_given_and_the_callbacks_are_called_once(each_counter, pair):
    numbers = pair()
    called = []

    def work():
        db.session.execute(ADD, {"id": 2})
        after_commit(lambda: called.append(numbers()))
        return "done"

    assert attempt(work) == "done"
    assert called == [[0, 1]]
