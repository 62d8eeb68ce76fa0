"""Figures of the explanation and of other hours, counted by hand for one clerk on one morning."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from portal.appointments import explanation, lifecycle
from portal.appointments.rules import Wish
from portal.catalogue.hours import parse_hours
from portal.db import Bilingual, db, transaction
from portal.offices.models import Closure, Office, Service
from portal.people.models import Absence, Membership, Person, WorkingHours

MORNING = date(2026, 12, 7)
"""The clerk works from eight to ten for everybody and until eleven for staff: 17 starts for meetings of 20
minutes, of which 6 fit with the buffer of 10 minutes between them."""
NINE = datetime(2026, 12, 7, 7, tzinfo=UTC)
FULL = {"hours": (17, 6), "open": (17, 6), "present": (17, 6), "public": (11, 4), "in_time": (11, 4)}


@pytest.fixture
def room(each_counter: SimpleNamespace, clock: Any) -> SimpleNamespace:
    """A counter of its own with one clerk, on both databases; a Monday a week before `MORNING`."""
    name = Bilingual("Δείγμα", "Sample")
    sample = each_counter.service("birth-certificate")
    with transaction():
        office = Office(
            key="room",
            name=name,
            address=name,
            opening=name,
            phone="",
            email="",
            time_zone="Europe/Athens",
            capacity={"video": 1},
        )
        service = Service(
            key="sample",
            field=sample.field,
            name=name,
            summary=name,
            papers=[],
            minutes=20,
            buffer_before=0,
            buffer_after=10,
            horizon_days=20,
            channels=["video", "phone"],
            deliveries=[],
            position=99,
        )
        clerk = Person(first_name="Άννα", last_name="Μία")
        post = Membership(person=clerk, office=office, role="clerk", skills=[service], hours=[])
        for spell in (*parse_hours("Mon 08:00-10:00"), *parse_hours("Mon 10:00-11:00 staff")):
            post.hours.append(
                WorkingHours(
                    weekday=spell.weekday,
                    from_minute=spell.from_minute,
                    to_minute=spell.to_minute,
                    channels=[],
                    released_minutes=spell.released_minutes,
                )
            )
        db.session.add(post)
    return SimpleNamespace(
        booking=each_counter.booking, office=office, service=service, clerk=clerk, post=post
    )


def explain(
    room: SimpleNamespace, day: date = MORNING, **wish: Any
) -> tuple[dict[str, tuple[int, int]], str]:
    """The stages as numbers, and which one took the last."""
    found = explanation.explain(room.service, room.booking, room.office, Wish(**wish), day, 1)
    return {stage.name: (stage.starts, stage.appointments) for stage in found.stages}, found.verdict


def book(room: SimpleNamespace, starts_at: datetime) -> None:
    with transaction():
        lifecycle.hold(
            room.service, room.booking, room.office, starts_at, None, "el", Wish(by_staff=True), None
        )


def a_colleague(room: SimpleNamespace, from_minute: int, to_minute: int) -> Membership:
    """One more clerk of the service, on Mondays; minutes of the day."""
    hours = WorkingHours(weekday=0, from_minute=from_minute, to_minute=to_minute, channels=[])
    other = Person(first_name="Βασιλική", last_name="Δύο")
    with transaction():
        post = Membership(
            person=other, office=room.office, role="clerk", skills=[room.service], hours=[hours]
        )
        db.session.add(post)
    return post


def test_each_stage_tells_what_it_leaves(room):
    assert explain(room) == ({**FULL, "free": (11, 4), "place": (11, 4)}, "")
    book(room, NINE)
    # Nine and what would touch it are gone: 8:40 to 9:20, for the buffers want ten minutes.
    assert explain(room) == ({**FULL, "free": (6, 3), "place": (6, 3)}, "")


def test_staff_are_not_asked_about_kept_time(room):
    stages, verdict = explain(room, by_staff=True)
    assert "public" not in stages and stages["free"] == (17, 6) and verdict == ""


def test_a_channel_without_limited_places_has_no_such_stage(room):
    stages, _verdict = explain(room, channel="phone")
    assert list(stages) == ["hours", "open", "present", "public", "in_time", "free"]


def test_a_day_without_hours_ends_at_the_first_stage(room):
    stages, verdict = explain(room, date(2026, 12, 8))
    assert set(stages.values()) == {(0, 0)} and verdict == "hours"


def test_a_closed_day_ends_at_the_second(room):
    with transaction():
        reason = Bilingual("Έργα", "Works")
        db.session.add(Closure(office_id=room.office.id, first_day=MORNING, last_day=MORNING, reason=reason))
    stages, verdict = explain(room)
    assert (stages["hours"], stages["open"], verdict) == ((17, 6), (0, 0), "open")


def test_an_absence_takes_its_part_and_then_everything(room):
    with transaction():
        away = Absence(person_id=room.clerk.id, starts_at=NINE, ends_at=datetime(2026, 12, 7, 12, tzinfo=UTC))
        db.session.add(away)
    stages, verdict = explain(room)
    assert (stages["present"], stages["free"], verdict) == ((5, 2), (5, 2), "")
    with transaction():
        away.starts_at = datetime(2026, 12, 7, 0, tzinfo=UTC)
    assert explain(room)[1] == "present"


def test_time_that_is_kept_for_staff_can_be_all_there_is(room):
    with transaction():
        room.post.hours[0].released_minutes = 0
    stages, verdict = explain(room)
    assert (stages["present"], stages["public"], verdict) == ((17, 6), (0, 0), "public")


def test_what_is_too_soon_is_taken_by_the_lead_time(room, clock):
    clock.move_to(datetime(2026, 12, 7, 6, 30, tzinfo=UTC))
    stages, verdict = explain(room)
    # At half past eight, an hour ahead leaves the starts at 9:30 and 9:40.
    assert (stages["public"], stages["in_time"], verdict) == ((11, 4), (2, 1), "")
    clock.move_to(datetime(2026, 12, 7, 8, 0, tzinfo=UTC))
    assert explain(room)[1] == "in_time"


def test_a_morning_that_is_booked_out_ends_at_what_is_free(room):
    with transaction():
        room.office.capacity = {}
    for minutes in (0, 30, 60, 90):
        book(room, datetime.fromtimestamp(NINE.timestamp() - 3600 + minutes * 60, UTC))
    stages, verdict = explain(room)
    assert (stages["in_time"], stages["free"], verdict) == ((11, 4), (0, 0), "free")


def test_without_interpreters_an_interpreted_appointment_ends_there(room):
    with transaction():
        for post in db.session.query(Membership).filter_by(role="interpreter"):
            post.active = False
    stages, verdict = explain(room, interpreted=True)
    assert stages["free"][0] > 0 and (stages["interpreter"], verdict) == ((0, 0), "interpreter")


def test_a_place_that_a_colleague_uses_ends_at_the_places(room):
    a_colleague(room, from_minute=480, to_minute=660)
    free_before = explain(room)[0]
    assert free_before["free"] == (17, 10)
    for minutes in range(0, 180, 30):
        book(room, datetime.fromtimestamp(NINE.timestamp() - 3600 + minutes * 60, UTC))
    stages, verdict = explain(room)
    # Somebody is free at every start, but the one place only between the meetings, for ten minutes.
    assert stages["free"][0] > 0 and (stages["place"], verdict) == ((0, 0), "place")


def test_a_service_for_two_clerks_needs_hours_of_both(room):
    with transaction():
        room.service.second_clerk = True
    stages, verdict = explain(room)
    assert stages["hours"][0] == 0 and verdict == "hours"


def test_a_named_clerk_of_two_is_free_only_when_he_is_free_himself(room):
    a_colleague(room, from_minute=480, to_minute=720)
    a_colleague(room, from_minute=480, to_minute=720)
    with transaction():
        room.service.second_clerk = True
    assert explain(room, clerk_id=room.post.person_id)[0]["free"][0] > 0
    assert explain(room)[0]["free"][0] > 0
    with transaction():
        for hours in room.post.hours:
            db.session.delete(hours)
    stages, verdict = explain(room, clerk_id=room.post.person_id)
    assert (stages["hours"], verdict) == ((0, 0), "hours")


def test_other_hours_are_those_of_the_clerk_who_is_asked_about_though_two_serve_together(room):
    late = a_colleague(room, from_minute=600, to_minute=720)
    with transaction():
        room.service.second_clerk = True

    def starts_of(post: Membership) -> int:
        found = explanation.what_if(
            room.service, room.booking, post, parse_hours("Mon 08:00-12:00"), MORNING, 1
        )
        return found.starts_before

    assert 0 < starts_of(late) < starts_of(room.post)


def test_other_hours_are_compared_with_what_is_booked_already(room):
    book(room, NINE)

    def compare(*lines: str) -> tuple[int, int, int, int]:
        spells = [spell for line in lines for spell in parse_hours(line)]
        found = explanation.what_if(room.service, room.booking, room.post, spells, MORNING, 1)
        return found.before, found.after, found.starts_before, found.starts_after

    assert compare("Mon 08:00-12:00") == (5, 7, 12, 18)
    assert compare("Mon 08:00-09:00") == (5, 2, 12, 4)
    assert compare("Tue 08:00-12:00") == (5, 0, 12, 0)
    assert compare("Mon 08:00-11:00", "2026-12-07 off") == (5, 0, 12, 0)


def test_other_hours_bring_nothing_to_a_service_that_the_clerk_does_not_give(room, each_counter):
    spells = parse_hours("Mon-Fri 08:00-20:00")
    foreign = each_counter.service("birth-certificate")
    found = explanation.what_if(foreign, room.booking, room.post, spells, MORNING, 5)
    assert found == explanation.WhatIf(0, 0, 0, 0)
