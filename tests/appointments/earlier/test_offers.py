"""Freed time: it waits out a pause, is offered to one citizen after the other, and is never lost, on both
databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import earlier, jobs, lifecycle
from portal.appointments.citizen.earlier_pages import OfferOver
from portal.appointments.occupancy import TimeTaken
from portal.db import db, transaction
from portal.outbox import OutboxRow
from tests.appointments.earlier.town import claims_of_clerk, rows_at


def test_freed_time_is_for_nobody_before_its_pause_is_over_and_then_for_all_without_a_worker(town):
    town.set_rules(cooling_off_minutes=60)
    town.fill(town.start)
    former = rows_at(town, town.start)[0]
    town.cancel(former)
    town.wait(29)
    assert town.start not in town.offered()
    with pytest.raises(TimeTaken):
        town.book(town.start)
    town.wait(31.1)
    assert town.start in town.offered()
    assert town.book(town.start).clerk_id == former.clerk_id


def test_without_a_pause_and_without_wishes_freed_time_is_free_at_once(town):
    town.fill(town.start)
    town.cancel(rows_at(town, town.start)[0])
    assert town.start in town.offered()


def test_the_time_that_a_move_frees_waits_too_and_the_mover_may_come_back(town):
    town.set_rules(cooling_off_minutes=60)
    town.fill(town.start)
    row = rows_at(town, town.start)[0]
    with transaction():
        lifecycle.move(row, town.rules, None, town.later[0], row.citizen)
    assert town.start not in town.offered()
    with transaction():
        lifecycle.move(row, town.rules, None, town.start, row.citizen)
    town.wait(61)
    town.work()
    assert row.starts_at == town.start
    assert town.start not in town.offered()


def test_who_wished_first_is_asked_first_and_alone(freed):
    freed.work()
    assert freed.asked(freed.rows) == [0]
    assert freed.letters() == [freed.rows[0].id]
    assert freed.start not in freed.offered()
    assert [earlier.place_of(earlier.wish_for(row)) for row in freed.rows] == [1, 2, 3]


def test_whoever_accepts_has_the_time_and_his_former_one_goes_to_the_next(freed):
    freed.work()
    first, before = freed.rows[0], freed.rows[0].starts_at
    freed.accept(first, freed.start)
    assert (first.starts_at, first.clerk_id, first.version) == (freed.start, freed.former.clerk_id, 2)
    assert earlier.wish_for(first) is None
    freed.work()
    assert earlier.offer_to(freed.rows[1]).time.starts_at == before
    freed.wait(60)
    freed.work()
    assert all(claim.expires_at is None for claim in claims_of_clerk(first, first.clerk_id))
    assert freed.start not in freed.offered()


def test_whoever_declines_keeps_time_and_place_and_the_next_is_asked_at_once(freed):
    freed.work()
    first, before = freed.rows[0], freed.rows[0].starts_at
    freed.decline(first, freed.start)
    assert freed.asked(freed.rows) == [1]
    assert first.starts_at == before
    assert earlier.place_of(earlier.wish_for(first)) == 1
    with pytest.raises(OfferOver):
        freed.accept(first, freed.start)


def test_an_offer_without_an_answer_goes_on_and_at_last_the_time_returns_to_everybody(freed):
    freed.work()
    for number in (0, 1, 2):
        assert freed.asked(freed.rows) == [number]
        assert freed.start not in freed.offered()
        freed.wait(freed.rules.earlier_offer_minutes + 0.1)
        freed.work()
    assert freed.asked(freed.rows) == []
    assert freed.letters() == [row.id for row in freed.rows]
    assert freed.start in freed.offered()


def test_when_all_workers_are_dead_the_time_returns_by_itself(freed):
    assert freed.start not in freed.offered()
    freed.wait(2.1)
    assert freed.start in freed.offered()


def test_when_the_workers_die_in_the_middle_of_an_offer_the_time_returns_by_itself(freed):
    freed.work()
    freed.wait(freed.rules.earlier_offer_minutes + 2.1)
    assert freed.start in freed.offered()
    taker = freed.book(freed.start)
    freed.work()
    assert freed.asked(freed.rows) == []
    assert freed.letters() == [freed.rows[0].id]
    assert len(claims_of_clerk(taker, freed.former.clerk_id)) > 0


def test_each_job_may_run_twice_and_nobody_is_asked_twice(freed):
    freed.work()
    for row in list(db.session.scalars(select(OutboxRow).where(OutboxRow.kind.like("time.%")))):
        repeat(freed, row)
    assert freed.asked(freed.rows) == [0]
    freed.wait(freed.rules.earlier_offer_minutes + 0.1)
    freed.work()
    for row in list(db.session.scalars(select(OutboxRow).where(OutboxRow.kind.like("time.%")))):
        repeat(freed, row)
    assert freed.asked(freed.rows) == [1]
    assert freed.letters() == [freed.rows[0].id, freed.rows[1].id]
    assert freed.start not in freed.offered()


def repeat(town, row):
    outbox.jobs()[row.kind].do(**row.payload)
    db.session.rollback()


def test_a_late_end_of_an_offer_does_not_touch_the_time_of_whoever_accepted(freed):
    freed.work()
    ends_at = earlier.wish_for(freed.rows[0]).offer_ends_at
    freed.accept(freed.rows[0], freed.start)
    freed.wait(30)
    jobs.end_offer(freed.rows[0].id, ends_at.isoformat())
    jobs.return_time(freed.rows[0].id)
    assert freed.start not in freed.offered()
    assert claims_of_clerk(freed.rows[0], freed.former.clerk_id)


def test_an_offer_whose_end_is_over_cannot_be_accepted_even_before_a_worker_comes(freed):
    freed.work()
    before = freed.rows[0].starts_at
    freed.wait(freed.rules.earlier_offer_minutes + 0.1)
    with pytest.raises(OfferOver):
        freed.accept(freed.rows[0], freed.start)
    assert freed.rows[0].starts_at == before


@pytest.mark.parametrize("deed", ["cancel", "move", "leave"])
def test_whoever_cancels_moves_or_leaves_gives_the_offered_time_to_the_next(freed, deed):
    freed.work()
    first = freed.rows[0]
    with transaction():
        if deed == "cancel":
            lifecycle.cancel(first, freed.rules, first.citizen)
        elif deed == "move":
            lifecycle.move(first, freed.rules, None, freed.later[30], first.citizen)
        else:
            earlier.leave(first, freed.rules)
    assert earlier.wish_for(first) is None
    assert freed.asked(freed.rows) == [1]
    assert freed.start not in freed.offered()
    freed.accept(freed.rows[1], freed.start)
    assert freed.rows[1].clerk_id == freed.former.clerk_id


def test_another_clerk_for_the_same_hour_leaves_the_offer_open(town):
    town.fill(town.start)
    row = town.book(*town.hour_of_two_clerks(), wishes=True)
    town.cancel(rows_at(town, town.start)[0])
    town.work()
    former = row.clerk_id
    with transaction():
        lifecycle.reassign(row, town.rules, row.clerk)
    assert row.clerk_id != former
    town.accept(row, town.start)
    assert row.starts_at == town.start


def test_a_pause_goes_on_when_nobody_wants_the_time(town):
    town.set_rules(cooling_off_minutes=60)
    town.fill(town.start)
    [only] = town.line(1)
    town.cancel(rows_at(town, town.start)[0])
    town.work()
    town.wait(5)
    town.decline(only, town.start)
    town.work()
    town.wait(20)
    assert town.start not in town.offered()
    town.wait(36)
    assert town.start in town.offered()
