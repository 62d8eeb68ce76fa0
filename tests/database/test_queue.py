"""Writers of a SQLite database: each gets his turn soon, nothing is lost, a killed one holds nobody up."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from portal import create_app
from portal.config import load
from portal.db import db, transaction

WRITER = Path(__file__).with_name("writer.py")
LONGEST_WAIT = 2.0

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def counted(counter):
    """Reads the number that the writers of a test count up."""
    with transaction():
        db.session.execute(text("CREATE TABLE counted (number INTEGER)"))
        db.session.execute(text("INSERT INTO counted VALUES (0)"))

    def read():
        db.session.rollback()
        return db.session.execute(text("SELECT number FROM counted")).scalar_one()

    return read


@contextmanager
def _writer(counter, *words):
    environment = dict(os.environ) | {
        "PORTAL_INSTANCE": str(counter.config.instance),
        "PORTAL_DATABASE_URL": counter.config.database_url,
    }
    process = subprocess.Popen(
        [sys.executable, str(WRITER), *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def write_together(counter, deed):
    """Two processes of sixteen threads for one second: their answers."""
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(counter, deed, "16", "1")) for _ in range(2)]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        return [json.loads(writer.communicate(timeout=60)[0]) for writer in writers]


def test_every_writer_gets_his_turn_soon_and_nothing_is_lost(counter, counted):
    answers = write_together(counter, "add")
    written = [number for answer in answers for number in answer["written"]]
    assert len(written) == 32
    assert min(written) > 0
    assert sum(written) == counted()
    assert max(answer["longest"] for answer in answers) < LONGEST_WAIT


def test_the_same_writers_lose_numbers_when_they_read_too_early(counter, counted):
    answers = write_together(counter, "forget")
    assert sum(number for answer in answers for number in answer["written"]) > counted()


def test_a_killed_writer_holds_nobody_up(counter, counted):
    with _writer(counter, "hold", "1", "0") as holder:
        assert holder.stdout.readline() == "inside\n"
        assert not _is_free(counter)
        holder.kill()
        holder.wait()
        began = time.monotonic()
        with transaction():
            db.session.execute(text("UPDATE counted SET number = 7"))
    assert time.monotonic() - began < LONGEST_WAIT
    assert counted() == 7
    assert _is_free(counter)


def test_the_turn_ends_with_a_failure_too(counter):
    with pytest.raises(ZeroDivisionError), transaction():
        assert not _is_free(counter)
        raise ZeroDivisionError
    assert _is_free(counter)


def test_a_database_in_memory_needs_no_queue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = create_app(load({"PORTAL_INSTANCE": str(tmp_path), "PORTAL_DATABASE_URL": "sqlite:///:memory:"}))
    with app.app_context():
        with transaction():
            db.session.execute(text("SELECT 1"))
        db.session.remove()
        db.engine.dispose()
    assert not list(tmp_path.rglob("*.lock"))


def _is_free(counter):
    with open(counter.config.database_url.removeprefix("sqlite:///") + ".lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
