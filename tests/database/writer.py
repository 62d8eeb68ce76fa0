"""One process of writers: ``python writer.py DEED THREADS SECONDS``; the environment names the database.

``add`` reads a number and writes the next one, inside one transaction; ``forget`` reads before it and so
loses what others add meanwhile; ``hold`` goes into a transaction and stays there.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from flask import Flask
from sqlalchemy import text

from portal import create_app
from portal.config import load
from portal.db import db, transaction


def main(deed: str, threads: int, seconds: float) -> dict[str, object]:
    """Write with all threads at once; tell how often each got through, and the longest wait in seconds."""
    app = create_app(load())
    if deed == "hold":
        hold(app)
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + seconds
    waits: list[list[float]] = [[] for _ in range(threads)]
    writers = [threading.Thread(target=write, args=(app, deed, end, own)) for own in waits]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return {"written": [len(own) for own in waits], "longest": max(max(own) for own in waits)}


def write(app: Flask, deed: str, end: float, waits: list[float]) -> None:
    """Add one again and again; note how long each turn was waited for."""
    with app.app_context():
        while time.monotonic() < end:
            number = read()
            asked = time.monotonic()
            with transaction():
                waits.append(time.monotonic() - asked)
                number = read() if deed == "add" else number
                db.session.execute(text("UPDATE counted SET number = :number"), {"number": number + 1})


def read() -> int:
    """The number as it stands."""
    return int(db.session.execute(text("SELECT number FROM counted")).scalar_one())


def hold(app: Flask) -> None:
    """Go into a transaction and stay."""
    with app.app_context(), transaction():
        print("inside", flush=True)
        time.sleep(60)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
