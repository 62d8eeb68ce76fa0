"""Earlier times at odd moments: who is not asked, two at once, what the office moves meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.appointments import availability, earlier, lifecycle
from portal.appointments.citizen.earlier_pages import OfferOver
from portal.appointments.models import EarlierWish
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.db import db, transaction
from portal.outbox import OutboxRow
from tests.appointments.earlier.test_offers import repeat
from tests.appointments.earlier.town import claims_of_clerk, rows_at


def test_who_could_not_move_any_more_or_is_elsewhere_or_has_an_earlier_time_is_not_asked(town):
    town.fill(town.start)
    busy, last = town.line(2)
    with transaction():
        other = lifecycle.hold(town.counter.service("parking-card"), town.rules, None, town.start, None, "el")
        lifecycle.confirm(other, town.rules, busy.citizen, details_of(busy), busy.citizen)
    town.cancel(rows_at(town, town.start)[0])
    town.work()
    assert town.asked([busy, last]) == [1]
    town.set_rules(change_until_minutes=10080)
    town.decline(last, town.start)
    assert town.asked([busy, last]) == []


def details_of(row):
    return lifecycle.Details(row.citizen_name, row.email, row.phone, "el", "id_card")


def test_a_time_too_near_to_be_booked_is_offered_to_nobody(freed):
    freed.clock.move_to(freed.start - timedelta(minutes=freed.service.lead_minutes + 4))
    other = rows_at(freed, freed.start)[1]
    with transaction():
        lifecycle.cancel(other, freed.rules, other.clerk)
    freed.work()
    assert freed.asked(freed.rows) == []
    assert freed.letters() == []


def test_two_freed_times_are_offered_to_two_citizens(freed):
    freed.cancel(rows_at(freed, freed.start)[1])
    freed.work()
    assert freed.asked(freed.rows) == [0, 1]


def test_the_list_can_be_switched_off(town):
    town.set_rules(earlier_offer_minutes=0)
    row = town.book(town.later[0])
    with transaction():
        assert not earlier.join(row, town.rules)
    assert db.session.get(EarlierWish, row.id) is None


def test_nobody_knows_beforehand_when_freed_time_returns(town):
    town.set_rules(cooling_off_minutes=60)
    pauses = town.pauses(6)
    assert len(pauses) == 6
    assert len(set(pauses)) > 1
    assert all(timedelta(minutes=30) <= pause <= timedelta(minutes=60) for pause in pauses)


def test_what_is_rolled_back_frees_nothing_and_tells_nobody(town):
    town.set_rules(cooling_off_minutes=60)
    [waiting] = town.line(1)
    row = town.book(town.start)
    before = db.session.query(OutboxRow).count(), len(claims_of_clerk(row, row.clerk_id))
    with pytest.raises(ZeroDivisionError), transaction():
        lifecycle.cancel(row, town.rules, row.citizen)
        raise ZeroDivisionError
    assert (db.session.query(OutboxRow).count(), len(claims_of_clerk(row, row.clerk_id))) == before
    assert all(claim.expires_at is None for claim in claims_of_clerk(row, row.clerk_id))
    town.work()
    assert town.asked([waiting]) == []


def test_an_offer_that_is_broken_off_in_the_middle_is_made_when_the_job_runs_again(freed, monkeypatch):
    def fall_over(*args):
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(earlier.messages, "post_end_of_offer", fall_over)
        freed.work()
    assert freed.asked(freed.rows) == []
    assert freed.letters() == []
    assert len(claims_of_clerk(freed.former, freed.former.clerk_id)) > 0
    freed.wait(1)
    freed.work()
    assert freed.asked(freed.rows) == [0]


def test_a_second_click_on_yes_changes_nothing(freed):
    freed.work()
    first = freed.rows[0]
    freed.accept(first, freed.start)
    with pytest.raises(OfferOver):
        freed.accept(first, freed.start)
    assert (first.starts_at, first.version) == (freed.start, 2)


def test_nobody_accepts_a_time_about_which_another_one_is_asked(freed):
    freed.work()
    with pytest.raises(OfferOver):
        freed.accept(freed.rows[1], freed.start)
    with pytest.raises(TimeTaken):
        freed.move_as_staff(freed.rows[1], freed.start)


def test_whom_the_office_moves_keeps_his_place_and_the_offer_that_is_still_earlier(freed):
    first, second, _ = freed.rows
    before = first.starts_at
    freed.work()
    freed.move_as_staff(first, freed.later[40])
    freed.work()
    assert earlier.place_of(earlier.wish_for(first)) == 1
    assert earlier.offer_to(first).time.starts_at == freed.start
    assert earlier.offer_to(second).time.starts_at == before
    freed.accept(first, freed.start)
    assert first.clerk_id == freed.former.clerk_id


def test_the_letter_of_an_offer_survives_that_the_office_moves_the_appointment(freed):
    offer = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "time.offer")).one()
    repeat(freed, offer)
    freed.move_as_staff(freed.rows[0], freed.later[40])
    letter = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "time.letter")).one()
    assert letter.state == "waiting"
    freed.work()
    assert letter.state == "done"


def test_an_offer_that_is_no_earlier_time_any_more_goes_to_the_next(freed):
    freed.work()
    sooner = next(start for start in freed.offered() if start < freed.start)
    freed.move_as_staff(freed.rows[0], sooner)
    assert freed.asked(freed.rows) == [1]
    assert earlier.wish_for(freed.rows[0]) is not None


def test_nobody_is_asked_about_the_time_from_which_the_office_moved_him(town):
    [row] = town.line(1)
    before = row.starts_at
    town.move_as_staff(row, town.later[60])
    town.work()
    assert town.asked([row]) == []
    assert earlier.wish_for(row) is not None
    town.wait(2.1)
    assert before in town.offered()


def test_who_waits_for_another_service_or_channel_is_not_asked(town):
    start, service = town.start, town.counter.service("procedures-information")
    video, phone = (
        book_for(town, service, channel, start + timedelta(days=2)) for channel in ("video", "phone")
    )
    other = town.line(1)[0]
    former = book_for(town, service, "phone", start)
    with transaction():
        for row in (video, phone):
            assert earlier.join(row, town.rules)
        lifecycle.cancel(former, town.rules, former.citizen)
    town.work()
    assert town.asked([video, other, phone]) == [2]


def book_for(town, service, channel, start):
    free = availability.offer(service, town.rules, wish=Wish(channel)).starts
    chosen, town.service = town.service, service
    row = town.book(next(each for each in free if each >= start), channel=channel)
    town.service = chosen
    return row
