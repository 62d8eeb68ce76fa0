"""What the database alone does: bookings without a portal, to be measured beside those with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psycopg

from benchmarks import crowd
from benchmarks.worlds import driver_url

TABLE = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE bare_booking (
    id bigserial PRIMARY KEY,
    clerk integer NOT NULL,
    s integer NOT NULL,
    e integer NOT NULL,
    EXCLUDE USING gist (clerk WITH =, int4range(s, e) WITH &&)
);
CREATE INDEX ON bare_booking (s)
"""

ONE_STATEMENT = """
INSERT INTO bare_booking (clerk, s, e)
SELECT clerk.id, %(s)s, %(e)s FROM generate_series(1, 10) AS clerk (id)
WHERE NOT EXISTS (
    SELECT 1 FROM bare_booking b
    WHERE b.clerk = clerk.id AND int4range(b.s, b.e) && int4range(%(s)s, %(e)s)
)
ORDER BY random() LIMIT 1
ON CONFLICT DO NOTHING RETURNING clerk
"""
"""Picks a free clerk and books him."""

ANY_FREE = """
SELECT count(*) < 10 FROM bare_booking WHERE int4range(s, e) && int4range(%(s)s, %(e)s)
"""

GUARDED = "INSERT INTO bare_booking (clerk, s, e) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING clerk"

LENGTH = 6
"""Quanta of one booking, with its buffer."""


class BareBookings:
    """A table with an exclusion constraint in a database of its own."""

    def __init__(self, url: str) -> None:
        self.url = driver_url(url)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(TABLE)

    def fight(self, clients: int, starts: Sequence[int]) -> float:
        """So many processes try all starts with any of ten clerks; the answer is attempts per second."""

        def prepare(number: int) -> Callable[[], None]:
            connection = psycopg.connect(self.url, autocommit=True, prepare_threshold=0)
            return lambda: _try_all(connection, starts)

        self._clear()
        seconds, _ = crowd.together(clients, prepare)
        with psycopg.connect(self.url) as connection:
            (count,) = connection.execute("SELECT count(*) FROM bare_booking").fetchone() or (0,)
        assert count == 10 * len(starts), f"the bare bookings are wrong themselves: {count}"
        return clients * len(starts) / seconds

    def inserts_per_second(self, seconds: float) -> float:
        """Guarded inserts of free times, one after the other on one connection."""
        self._clear()
        count = 0
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=0) as connection:
            begin = time.perf_counter()
            while (passed := time.perf_counter() - begin) < seconds:
                start = count // 10 * LENGTH
                connection.execute(GUARDED, (count % 10, start, start + LENGTH))
                count += 1
        return count / passed

    def _clear(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("TRUNCATE bare_booking")


def _try_all(connection: psycopg.Connection, starts: Sequence[int]) -> None:
    with connection:
        for start in starts:
            times = {"s": start, "e": start + LENGTH}
            while connection.execute(ONE_STATEMENT, times).fetchone() is None:
                free = connection.execute(ANY_FREE, times).fetchone()
                if not (free and free[0]):
                    break
