"""How many mails the worker sends, beside smtplib that sends the same message on one connection."""

from __future__ import annotations

import secrets
import smtplib
import time
from collections.abc import Iterator
from datetime import timedelta

from benchmarks import crowd
from benchmarks.data import Size
from benchmarks.figures import Figure
from benchmarks.rounds import interleaved, say
from benchmarks.servers import Relay
from benchmarks.worlds import Bench, World
from portal import clock, outbox
from portal.db import transaction

NAMES = ("worker's mails", "mails")


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group."""
    many = 30 if bench.quick else 60
    with Relay() as relay:
        world = bench.world("mailing", Size(booked=0.5), relay=relay)
        with bench.worker("mailing"):
            say(f"{many} mails of the worker; beside them smtplib")
            _send(world, relay, 5)
            sides = {
                "smtplib": lambda: _bare(relay, many),
                "worker": lambda: _send(world, relay, many),
            }
            speeds = interleaved(sides, bench.rounds)
    name = "worker's mails beside smtplib on a reused connection"
    yield Figure(name, speeds["worker"], "mails/s", speeds["smtplib"], ">= 0.8")


def _send(world: World, relay: Relay, many: int) -> float:
    """Post so many confirmations and let the worker send them; mails per second from the first to the last.

    All are posted in one transaction, so the worker never waits for the next one.
    """
    before = len(relay.taken)
    with world.inside(), transaction():
        for number in range(1, many + 1):
            outbox.post(
                "appointment.notice",
                f"appointment:{number}:v1",
                {"appointment_id": number, "notice": "booked", "version": 1},
                key=f"bench-{secrets.token_hex(8)}",
                give_up_at=clock.now() + timedelta(days=1),
            )
    relay.await_mails(before + many)
    taken = relay.taken[before : before + many]
    return (many - 1) / (taken[-1] - taken[0])


def _bare(relay: Relay, many: int) -> float:
    """Send the last message again and again, from a process of its own, as the worker is one."""
    message = relay.last

    def send() -> float:
        with smtplib.SMTP("127.0.0.1", relay.port) as connection:
            connection.sendmail("kep@example.gr", ["maria@example.gr"], message)
            begin = time.perf_counter()
            for _ in range(many):
                connection.sendmail("kep@example.gr", ["maria@example.gr"], message)
            return many / (time.perf_counter() - begin)

    _, speeds = crowd.together(1, lambda number: send)
    return float(speeds[0])
