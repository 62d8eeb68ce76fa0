"""Many processes want the same times, on every path and on both databases; nobody's time is sold twice.

Each race is run once more with the guard off, and must find double bookings then, or it proves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import clock, outbox
from portal.appointments import availability, earlier
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Absence
from portal.scheduling import wall_clock

from ..histories import ledger, town
from .deeds import IN_PERSON, INTERPRETED, VIDEO
from .racers import RACERS, ROUNDS, books_of, guard_off, race

pytestmark = pytest.mark.timeout(120)


def booked(**facts):
    rows = select(func.count(Appointment.id)).filter_by(state="booked", **facts)
    return db.session.scalar(rows)


def run(scene, prepare, racers=RACERS, rounds=ROUNDS, looking=True):
    """Run what ``prepare`` gives with the guard, then in a new town without it."""
    told = race(prepare(scene), racers, rounds)
    assert books_of(scene).faults() == []
    assert told["broken off"] == 0
    assert told["won"] > 0
    assert told["lost"] + told["refused"] > 0, "nobody was in anybody's way"
    sold = booked()
    town.close_all_files()
    deed = prepare(scene)
    with guard_off(looking):
        race(deed, racers, rounds)
    db.session.rollback()
    assert ledger.open_books(scene.booking).sold_twice(), "the race would not have found double bookings"
    return told, sold


def of_round(starts):
    """The start for which all race in a round."""
    return lambda turn: starts[turn % len(starts)]


def citizens_book(scene):
    start = of_round(scene.starts())
    return lambda number, turn: scene.book(number, start(turn))


def staff_books(scene):
    start = of_round(scene.starts())
    return lambda number, turn: scene.book_at_counter(start(turn))


def places_are_few(scene):
    start = of_round(scene.starts(VIDEO, "east"))
    return lambda number, turn: scene.book(number, start(turn), VIDEO, "east")


def interpreter_and_clerk(scene):
    start = of_round(scene.starts(INTERPRETED))
    return lambda number, turn: scene.book(number, start(turn), INTERPRETED)


def files_are_imported(scene):
    starts = scene.starts()
    return lambda number, turn: scene.import_lines(f"file-{number}-{turn}", starts[turn : turn + 2])


@pytest.mark.parametrize(
    "path", [citizens_book, staff_books, places_are_few, interpreter_and_clerk, files_are_imported]
)
def test_the_last_times_are_sold_once_however_many_want_them(scene, path):
    told, sold = run(scene, path)
    if path is not files_are_imported:
        assert sold == told["won"]


def test_all_that_can_be_sold_is_sold(scene):
    start = scene.starts()[0]
    race(lambda number, turn: scene.book_at_counter(start), rounds=1)
    assert booked(starts_at=start) == 3, "Anna, Babis and Chloe work then"
    left = availability.offer(scene.service(), scene.booking, None, town.FIRST_DAY, 1, wish=IN_PERSON).starts
    assert start not in left


def everybody_moves(scene):
    """Each has an appointment on Tuesday and wants to come on Monday."""
    tuesday = town.FIRST_DAY + timedelta(days=1)
    own = []
    for number in range(RACERS):
        free = availability.offer(scene.service(), scene.booking, None, tuesday, 1, wish=IN_PERSON).starts
        own.append(scene.book(number, free[0]))
    start = of_round(scene.starts())
    return lambda number, turn: scene.move(own[number], start(turn))


def test_moved_appointments_keep_the_old_time_until_they_have_the_new_one(scene):
    _, sold = run(scene, everybody_moves)
    assert sold == RACERS


def clerks_are_ill(scene):
    """Two appointments at a time whose clerks are ill, and one clerk who could take over."""
    times = [(day, minute) for day in (0, 1) for minute in (540, 600)]
    starts = [wall_clock(town.FIRST_DAY + timedelta(days=day), minute, town.ATHENS) for day, minute in times]
    ill = [scene.people[name] for name in ("Anna", "Babis")]
    pairs = [[scene.book_at_counter(at, replace(IN_PERSON, clerk_id=who)) for who in ill] for at in starts]
    with transaction():
        for who in ill:
            away = Absence(person_id=who, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=3))
            db.session.add(away)
    return lambda number, turn: scene.reassign(pairs[turn][number % 2])


def test_two_who_are_handed_on_do_not_get_the_same_clerk(scene):
    run(scene, clerks_are_ill, racers=4)


def time_is_offered_to_the_list(scene):
    """A freed time is kept for each of some citizens; two clicks accept it while others want it too."""
    starts = scene.starts(VIDEO, "west")[:3]
    freed = [scene.book_at_counter(start, VIDEO, "west") for start in starts]
    tuesday = town.FIRST_DAY + timedelta(days=1)
    heirs = []
    for number in range(len(starts)):
        free = availability.offer(scene.service(), scene.booking, scene.office("west"), tuesday, 1).starts
        heirs.append(scene.book(number, free[0], VIDEO, "west"))
        with transaction():
            earlier.join(db.session.get_one(Appointment, heirs[-1]), scene.booking)
    for row in freed:
        scene.cancel(row)
    ask_who_waits()
    assert all(earlier.offer_to(db.session.get_one(Appointment, heir)) for heir in heirs)

    def deed(number, turn):
        if number < 2:
            scene.accept(heirs[turn])
        else:
            scene.book_at_counter(starts[turn], VIDEO, "west")

    return deed


def ask_who_waits():
    """What a worker does after a cancellation."""
    rows = select(OutboxRow.payload).filter_by(kind="time.offer").order_by(OutboxRow.id)
    for payload in list(db.session.scalars(rows)):
        outbox.jobs()["time.offer"].do(**payload)


def test_time_that_is_kept_for_one_citizen_is_his(scene):
    told, _ = run(scene, time_is_offered_to_the_list, rounds=3, looking=False)
    assert told["won"] == 3


def everybody_does_anything(scene):
    starts = scene.starts()
    return lambda number, turn: scene.anything(number, turn, starts)


def test_all_paths_at_once_never_meet(scene):
    run(scene, everybody_does_anything, rounds=10)


# --- The same form, and those who wait for each other ----------------------------------------------------


def test_the_same_form_sent_at_once_makes_one_appointment(scene):
    starts = scene.starts()

    def send(number, turn):
        scene.confirm(scene.hold(starts[turn], IN_PERSON, form=f"form-{turn}"), turn)

    told = race(send)
    assert books_of(scene).faults() == []
    assert told == {"won": ROUNDS, "refused": ROUNDS * (RACERS - 1)}
    assert booked() == db.session.scalar(select(func.count(Appointment.id))) == ROUNDS


def test_forms_without_a_key_make_several(scene):
    start = scene.starts()[0]
    race(lambda number, turn: scene.hold(start, IN_PERSON), rounds=1)
    assert db.session.scalar(select(func.count(Appointment.id))) > 1


def test_those_who_wait_for_each_other_are_broken_off_done_anew_and_counted(scene):
    """Files with the same times in the opposite order, each imported in one transaction."""
    starts = scene.starts()

    def bring_in(number, turn):
        scene.import_lines(f"file-{number}-{turn}", starts if number % 2 else starts[::-1])

    told = race(bring_in, racers=4, rounds=3)
    assert told["broken off"] == 0
    assert told["won"] > 0
    assert (told["retries"] > 0) == (db.engine.dialect.name == "postgresql")
    assert books_of(scene).faults() == []
