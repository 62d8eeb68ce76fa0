"""Freed time: it waits out a pause, is offered to one citizen after the other, and is never lost, on both
databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import availability, choosing, earlier, jobs, lifecycle
from portal.appointments.citizen.earlier_pages import OfferOver, move_to_offered
from portal.appointments.models import Claim, EarlierWish
from portal.appointments.occupancy import TimeTaken, staff_resource
from portal.appointments.rules import Wish
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Person

SERVICE = "birth-certificate"


@pytest.fixture
def town(each_counter, clock, first_free):
    """A counter with many citizens, whose clock, rules, workers and appointments are at hand."""
    return Town(each_counter, clock, first_free)


class Town(SimpleNamespace):
    def __init__(self, counter, clock, first_free):
        service = counter.service(SERVICE)
        starts = availability.offer(service, counter.booking).starts
        # Days ahead, so that no lead time is in the way.
        super().__init__(counter=counter, clock=clock, service=service, start=starts[40], later=starts[80:])
        self.count = 0

    @property
    def rules(self):
        return self.counter.app.config["PORTAL"].booking

    def set_rules(self, **rules):
        config = self.counter.app.config["PORTAL"]
        changed = replace(config, booking=config.booking.model_copy(update=rules))
        self.counter.app.config["PORTAL"] = changed

    def book(self, start, clerk_id=None, wishes=False, channel="video"):
        self.count += 1
        person = Person(first_name=f"Πολίτης {self.count}")
        details = lifecycle.Details(person.first_name, "p@example.gr", "+306900000000", "el", "id_card")
        with transaction():
            db.session.add(person)
            wish = Wish(channel, clerk_id=clerk_id)
            row = lifecycle.hold(self.service, self.rules, None, start, None, "el", wish)
            lifecycle.confirm(row, self.rules, person, details, person, notify=False)
            if wishes:
                assert earlier.join(row, self.rules)
        self.clock.shift(timedelta(seconds=1))
        return row

    def hour_of_two_clerks(self):
        """A later start at which two clerks of one office are free, and one of the two."""
        for start in self.later:
            offices = {}
            for choice in choosing.candidates(self.service, self.rules, None, start, "el"):
                if choice.office_id in offices:
                    return start, choice.clerk_id
                offices[choice.office_id] = choice.clerk_id
        raise AssertionError("no office has two clerks")

    def line(self, count):
        """Appointments on later days whose citizens wait, whoever wished first leading."""
        return [self.book(self.later[7 * number], wishes=True) for number in range(count)]

    def fill(self, start):
        """Nobody else is free at this start."""
        while start in self.offered():
            self.book(start)

    def offered(self):
        db.session.rollback()
        return availability.offer(self.service, self.rules).starts

    def pauses(self, count):
        """For how long each of so many cancelled times waits."""
        starts = self.later[::5][:count]
        for start in starts:
            self.cancel(self.book(start))
        rows = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "time.return"))
        return [row.due_at - row.posted_at for row in rows]

    def move_as_staff(self, row, start):
        with transaction():
            lifecycle.move(row, self.rules, None, start, row.clerk)

    def cancel(self, row):
        with transaction():
            lifecycle.cancel(row, self.rules, row.citizen)

    def accept(self, row, start):
        with transaction():
            move_to_offered(row, self.rules, start, row.citizen)

    def decline(self, row, start):
        with transaction():
            earlier.decline(row, self.rules, start)

    def work(self):
        db.session.rollback()
        outbox.run_due(self.counter.app)
        db.session.rollback()

    def asked(self, rows):
        """Which of the rows are asked at this moment."""
        db.session.rollback()
        return [number for number, row in enumerate(rows) if earlier.offer_to(row)]

    def letters(self):
        query = select(OutboxRow).where(OutboxRow.kind == "time.letter").order_by(OutboxRow.id)
        return [row.payload["appointment_id"] for row in db.session.scalars(query)]

    def wait(self, minutes):
        self.clock.shift(timedelta(minutes=minutes))


@pytest.fixture
def freed(town):
    """A full hour, of which one appointment was cancelled while three citizens wait for an earlier time."""
    town.fill(town.start)
    rows = town.line(3)
    former = rows_at(town, town.start)[0]
    town.cancel(former)
    town.former, town.rows = former, rows
    return town


def rows_at(town, start):
    query = select(lifecycle.Appointment).where(lifecycle.Appointment.starts_at == start)
    return list(db.session.scalars(query.order_by(lifecycle.Appointment.id)))


def claims_of_clerk(row, clerk_id):
    query = select(Claim).where(Claim.resource == staff_resource(clerk_id), Claim.appointment_id == row.id)
    return list(db.session.scalars(query))


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


# --- The citizen's pages ----------------------------------------------------------------------------


@pytest.fixture
def browse(app, visit, hall, clock, first_free):
    """The same on one database, with a browser: ``browse.visit(person)``."""
    counter = SimpleNamespace(app=app, booking=hall.booking, service=hall.service)
    town = Town(counter, clock, first_free)
    town.visit = visit
    return town


def test_the_page_of_an_appointment_leads_onto_the_list_and_off_it(browse):
    row = browse.book(browse.later[0])
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    assert "Put me on the list" in client.get(page).text
    answer = client.submit(f"{page}/earlier/join", page=page)
    assert answer.status_code == 302
    assert "You are on the list for earlier times, at place 1." in client.get(page).text
    client.submit(f"{page}/earlier/leave", page=page)
    assert "Put me on the list" in client.get(page).text
    assert db.session.get(EarlierWish, row.id) is None


def test_the_offer_is_read_accepted_once_and_then_over(browse):
    browse.fill(browse.start)
    [row] = browse.line(1)
    browse.cancel(rows_at(browse, browse.start)[0])
    browse.work()
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    assert "An earlier time is kept for you" in client.get(page).text
    offer = client.get(f"{page}/earlier/")
    assert "Yes, move my appointment" in offer.text
    start = {"start": browse.start.isoformat()}
    for place in (page, f"{page}/earlier/"):
        answer = client.submit(f"{page}/earlier/accept", start, page=page)
        assert answer.location.endswith(place)
    assert row.starts_at == browse.start
    assert "No earlier time is kept for you now" in client.get(f"{page}/earlier/").text


def test_a_no_keeps_the_time_and_the_place(browse):
    browse.fill(browse.start)
    [row] = browse.line(1)
    before = row.starts_at
    browse.cancel(rows_at(browse, browse.start)[0])
    browse.work()
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    client.submit(f"{page}/earlier/decline", {"start": browse.start.isoformat()}, page=f"{page}/earlier/")
    assert "You keep your place on the list" in client.get(page).text
    again = client.submit(f"{page}/earlier/decline", {"start": browse.start.isoformat()}, page=page)
    assert again.location.endswith("/earlier/")
    assert row.starts_at == before
    browse.wait(2.1)
    assert browse.start in browse.offered()


def test_a_stranger_finds_no_offer_and_answers_none(browse):
    row = browse.book(browse.later[0], wishes=True)
    own = browse.book(browse.later[9])
    client = browse.visit(own.citizen)
    page = f"/appointments/{row.key}/earlier"
    assert client.get(f"{page}/").status_code == 404
    for deed in ("join", "leave", "accept", "decline"):
        start = {"start": browse.start.isoformat()}
        answer = client.submit(f"{page}/{deed}", start, page=f"/appointments/{own.key}")
        assert answer.status_code == 404
    assert db.session.get(EarlierWish, row.id) is not None
