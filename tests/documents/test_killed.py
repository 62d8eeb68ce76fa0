"""Workers are ended with SIGKILL at every step of every way of delivery: one parcel, one visible state.

Each death is real: a forked child works on the outbox and kills itself at one step. ELTA Courier is a strict
stand-in; the other ways are the bundled ones.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from portal_delivery_elta.courier import EltaCourier
from sqlalchemy import event
from time_machine import Traveller

from portal import files, mail, outbox
from portal.db import db, transaction
from portal.documents.models import Delivery
from portal.outbox import run_due
from portal.plugin_api import DeliveryProvider
from portal.providers import current_providers
from portal.testing.elta import EltaSimulator

FORK = multiprocessing.get_context("fork")
LONGEST = 60
LATER = timedelta(minutes=15)
"""Longer than any lease, and than ELTA Courier may still be at work on a lost call."""
STATES = {
    "email": "sent",
    "mailbox": "sent",
    "pickup": "prepared",
    "elta": "prepared",
    "elta_registered": "prepared",
}


class Steps:
    """Counts the steps of a worker, and kills it at the one that was chosen."""

    def __init__(self, fatal: int = 0) -> None:
        self.fatal, self.done = fatal, 0

    def step(self, *_about: object) -> None:
        self.done += 1
        if self.done == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Calling ``owner.name`` is two steps: before and after."""
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **words: Any) -> Any:
            self.step()
            result = real(*arguments, **words)
            self.step()
            return result

        setattr(owner, name, wrapped)


def in_a_child(app: Any, fatal: int = 0) -> tuple[int, int]:
    """Do all due work in a process of its own; the answers are its exit code and how many steps it made."""
    db.session.remove()
    db.engine.dispose()
    ear, mouth = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_work, args=(app, Steps(fatal), mouth))
    child.start()
    mouth.close()
    try:
        steps = ear.recv() if ear.poll(LONGEST) else 0
    except EOFError:
        steps = 0
    child.join(LONGEST)
    ear.close()
    code = child.exitcode
    child.close()
    return code or 0, steps


def _work(app: Any, steps: Steps, mouth: Any) -> None:
    try:
        elta = current_providers().delivery.get("elta")
        if elta is not None:
            steps.around(elta.services, "ask")  # type: ignore[attr-defined]
        steps.around(mail.mailbox, "put")
        steps.around(files, "store_pdf")
        # After a commit nothing happens that the step before the next one does not know too.
        event.listen(db.engine, "commit", steps.step)
        run_due(app)
        mouth.send(steps.done)
    finally:
        os._exit(0)


def issued(case: Any, way: str) -> int:
    """A document that is to go this way; the answer is the number of the attempt."""
    db.session.add(case.citizen)
    number = int(case.issued(way, **case.needs[way]).deliveries[0].id)
    with transaction():
        other = (outbox.OutboxRow.state == "waiting") & ~outbox.OutboxRow.kind.startswith("delivery.send")
        db.session.execute(sqlalchemy.update(outbox.OutboxRow).where(other).values(state="cancelled"))
    return number


def work_until_nothing_is_due(case: Any, clock: Traveller) -> None:
    """What is left is done by others, after the lease of the dead and all pauses."""
    for _round in range(2):
        clock.shift(LATER)
        case.work()


def effects(case: Any, elta: EltaSimulator, way: str, number: int) -> int:
    """How many parcels, or mails, somebody got because of this attempt."""
    delivery = db.session.get_one(Delivery, number)
    if way == "elta":
        return len(
            [one for one in elta.parcels if one.told["pel_ref_no"] == delivery.data["sender_reference"]]
        )
    if way == "elta_registered":
        return 1
    return len(case.letters())


@pytest.mark.parametrize("way", STATES)
def test_a_worker_killed_at_any_step_leaves_one_parcel_and_one_state(
    case: Any, clock: Traveller, elta: EltaSimulator, ways: dict[str, DeliveryProvider], way: str
) -> None:
    issued(case, way)
    _code, steps = in_a_child(case.app)
    assert steps >= 4, "the walk has fewer steps than one delivery"
    before = len(case.letters())
    for fatal in range(1, steps + 1):
        number = issued(case, way)
        code, _steps = in_a_child(case.app, fatal)
        assert code == -signal.SIGKILL, f"the worker outlived step {fatal}"
        work_until_nothing_is_due(case, clock)
        delivery = db.session.get_one(Delivery, number)
        assert delivery.state == STATES[way], f"killed at step {fatal}"
        told = effects(case, elta, way, number)
        assert told == (1 if way.startswith("elta") else before + 1), f"killed at step {fatal}"
        if way == "elta":
            assert delivery.number_missing != bool(delivery.label_file), f"killed at step {fatal}"
        before = len(case.letters())
    assert elta.refused == []


def test_without_the_look_up_the_walk_would_find_two_parcels(
    case: Any,
    clock: Traveller,
    elta: EltaSimulator,
    ways: dict[str, DeliveryProvider],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: the same deaths, and a provider that does not look."""
    monkeypatch.setattr(EltaCourier, "find", lambda self, key: None)
    issued(case, "elta")
    _code, steps = in_a_child(case.app)
    doubled = 0
    for fatal in range(1, steps + 1):
        if doubled:
            break
        number = issued(case, "elta")
        in_a_child(case.app, fatal)
        work_until_nothing_is_due(case, clock)
        doubled += effects(case, elta, "elta", number) > 1
    assert doubled >= 1


# --- Killed while ELTA Courier is still at work ----------------------------------------------------------


def killed_in_the_middle(case: Any, elta: EltaSimulator) -> Callable[[], None]:
    """Issue, and kill the worker while ELTA Courier has the order and has not begun with it.

    The answer lets ELTA Courier go on, and comes back when it has finished.
    """
    begun, released, finished = threading.Event(), threading.Event(), threading.Event()
    create = elta.services.createawb02

    def slowly(asked: Any) -> Any:
        if begun.is_set():
            return create(asked)
        begun.set()
        released.wait(LONGEST)
        try:
            return create(asked)
        finally:
            finished.set()

    elta.services.createawb02 = slowly  # type: ignore[method-assign]
    db.session.remove()
    db.engine.dispose()
    child = FORK.Process(target=lambda: run_due(case.app))
    child.start()
    assert begun.wait(LONGEST)
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join(LONGEST)
    with transaction():
        for row_id in db.session.scalars(
            sqlalchemy.select(outbox.OutboxRow.id).filter_by(kind="delivery.send")
        ):
            outbox.release(row_id)  # as the worker does whose child has died

    def go_on() -> None:
        released.set()
        assert finished.wait(LONGEST)

    return go_on


def test_an_order_that_elta_is_still_at_work_on_is_not_sent_again(
    case: Any, clock: Traveller, elta: EltaSimulator, ways: dict[str, DeliveryProvider]
) -> None:
    number = issued(case, "elta")
    go_on = killed_in_the_middle(case, elta)
    in_a_child(case.app)
    assert db.session.get_one(Delivery, number).state == "waiting"
    go_on()
    work_until_nothing_is_due(case, clock)
    delivery = db.session.get_one(Delivery, number)
    assert (delivery.state, delivery.number_missing) == ("prepared", True)
    assert len(elta.parcels) == 1


def test_without_waiting_there_would_be_two_parcels(
    case: Any,
    clock: Traveller,
    elta: EltaSimulator,
    ways: dict[str, DeliveryProvider],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: whoever asks at once finds nothing, and sends it again."""
    monkeypatch.setattr(EltaCourier, "settles_after", timedelta())
    issued(case, "elta")
    go_on = killed_in_the_middle(case, elta)
    in_a_child(case.app)
    go_on()
    assert len(elta.parcels) == 2


def test_news_asked_for_by_a_killed_worker_are_asked_for_again(
    case: Any, clock: Traveller, elta: EltaSimulator, ways: dict[str, DeliveryProvider]
) -> None:
    number = issued(case, "elta")
    case.work()
    elta.parcels[0].move("Άφιξη σε")
    clock.shift(timedelta(hours=3))
    code, steps = in_a_child(case.app, 5)
    assert (code, steps) == (-signal.SIGKILL, 0)
    work_until_nothing_is_due(case, clock)
    delivery = db.session.get_one(Delivery, number)
    assert (delivery.state, delivery.news) == ("sent", "Άφιξη σε, ΖΩΓΡΑΦΟΥ")
