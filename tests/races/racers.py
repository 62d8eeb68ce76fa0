"""Forks racers who do their deeds at the same moment, and takes a guard away for the controls."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.appointments import busy_days, lifecycle, occupancy
from portal.appointments.citizen.earlier_pages import OfferOver
from portal.appointments.occupancy import TimeTaken
from portal.db import UtcDateTime, db, retries

from ..histories import ledger
from .deeds import Scene

FORK = multiprocessing.get_context("fork")
RACERS = 6
ROUNDS = 4
LONGEST = 60
"""Seconds that a race may take."""

Deed = Callable[[int, int], None]
"""What a racer does, told his own number and that of the round."""


class Race:
    """Processes that wait for each other before every round. Those that are killed tell nothing."""

    def __init__(self, deed: Deed, racers: int = RACERS, rounds: int = ROUNDS, together: bool = True) -> None:
        self.told: Counter[str] = Counter()
        """How many deeds were won, lost, refused and broken off, and how often work was done anew."""
        self.killed = 0
        # Nothing of the database may be open when a process is forked: both would use it.
        db.session.remove()
        db.engine.dispose()
        barrier = FORK.Barrier(racers)
        self._ears: list[Connection] = []
        self._racers = []
        for number in range(racers):
            ear, mouth = FORK.Pipe(duplex=False)
            racer = FORK.Process(target=_run, args=(deed, number, rounds, together, barrier, mouth))
            racer.start()
            mouth.close()
            self._ears.append(ear)
            self._racers.append(racer)

    def kill(self, number: int) -> None:
        """End a racer wherever he is."""
        os.kill(self._racers[number].pid or 0, signal.SIGKILL)

    def finish(self) -> Counter[str]:
        """Wait for all; what they told, together."""
        try:
            for ear, racer in zip(self._ears, self._racers, strict=True):
                self._listen(ear)
                racer.join(LONGEST)
                self.killed += racer.exitcode == -signal.SIGKILL
        finally:
            for ear, racer in zip(self._ears, self._racers, strict=True):
                racer.kill()
                racer.join()
                racer.close()
                ear.close()
        return self.told

    def _listen(self, ear: Connection) -> None:
        assert ear.poll(LONGEST), "a racer does not come to an end"
        try:
            said = ear.recv()
        except EOFError:
            return
        assert isinstance(said, Counter), said
        self.told += said


def race(deed: Deed, racers: int = RACERS, rounds: int = ROUNDS) -> Counter[str]:
    """All racers do ``deed`` at once, round after round."""
    return Race(deed, racers, rounds).finish()


def _run(deed: Deed, number: int, rounds: int, together: bool, barrier: Barrier, mouth: Connection) -> None:
    try:
        told: Counter[str] = Counter()
        before = retries()
        for turn in range(rounds):
            if together or turn == 0:
                barrier.wait(LONGEST)
            told[outcome(deed, number, turn)] += 1
        told["retries"] = retries() - before
        mouth.send(told)
    except BaseException:
        barrier.abort()
        mouth.send(traceback.format_exc())
    finally:
        os._exit(0)


def outcome(deed: Deed, number: int, turn: int) -> str:
    """What came of it, as a page would tell."""
    try:
        LOOK[0]()
        deed(number, turn)
    except TimeTaken:
        return "lost"
    except (lifecycle.NotPossible, lifecycle.TooMany, OfferOver):
        return "refused"
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in ("40P01", "40001"):
            raise
        return "broken off"
    finally:
        db.session.rollback()
    return "won"


def books_of(scene: Scene) -> ledger.Books:
    """The books as they stand; what is kept without an appointment must return by itself."""
    db.session.rollback()
    books = ledger.open_books(scene.booking)
    assert None not in books.kept_from_others().values(), "time is lost"
    return books


# --- Without the guard -----------------------------------------------------------------------------------


def _see_for_himself() -> None:
    """With the guard nobody needs to look before his transaction."""


LOOK: list[Callable[[], None]] = [_see_for_himself]
"""What a racer does before each deed."""


@contextmanager
def guard_off(looking: bool = True) -> Iterator[None]:
    """Sell time as others do: look, and insert afterwards what was free then. Or do not even look."""
    seen: dict[ledger.Piece, int] = {}

    def look() -> None:
        db.session.rollback()
        seen.clear()
        if looking:
            seen.update((piece, owner) for piece, (owner, _ends) in ledger.all_claims().items())
        db.session.rollback()
        time.sleep(0.02)

    def insert(number: int, wanted: Any, ends: Any) -> set[ledger.Piece]:
        free = [piece for piece in wanted if seen.get(piece, number) == number]
        for resource, quantum in free:
            values = {"resource": resource, "quantum": quantum, "number": number}
            db.session.execute(OVERWRITE, values | {"ends": UtcDateTime().process_bind_param(ends, None)})  # type: ignore[arg-type]
        return set(free)

    before = LOOK[0], busy_days.calendars, occupancy._insert
    LOOK[0], occupancy._insert = look, insert
    busy_days.calendars = lambda resources, window, ignoring=None: {}
    try:
        yield
    finally:
        LOOK[0], busy_days.calendars, occupancy._insert = before


OVERWRITE = text(
    "INSERT INTO claim (resource, quantum, appointment_id, expires_at) "
    "VALUES (:resource, :quantum, :number, :ends) ON CONFLICT (resource, quantum) "
    "DO UPDATE SET appointment_id = excluded.appointment_id, expires_at = excluded.expires_at"
)
