"""By video, by phone and in person: what each channel needs, says and allows, on both databases."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from icalendar import Calendar
from sqlalchemy import select

from portal import mailbox, outbox
from portal.appointments import availability, call, lifecycle, rooms
from portal.appointments.calendar_file import calendar_file
from portal.appointments.door_state import state_of
from portal.appointments.lifecycle import NotPossible
from portal.appointments.links import join_token, join_url
from portal.appointments.models import Claim
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.appointments.staff.presence import presence
from portal.db import db, transaction
from portal.documents import lifecycle as documents
from portal.offices.models import Office
from portal.people.models import Person

RECORD = call.IdentityRecord("id_card", paper_shown=True, face_matches=True, name_matches=True)
SERVICES = {"video": "birth-certificate", "phone": "disability-information", "in_person": "parking-card"}


@pytest.fixture
def town(each_counter, clock):
    return Town(each_counter, clock)


@pytest.fixture
def desk(town, log_in):
    """``desk(row, page)``: what the clerk of the appointment sees there, in English."""

    def see(row, page="call"):
        client = town.counter.app.test_client()
        log_in(client, row.clerk, door="staff")
        return client.get(f"/staff/appointments/{row.key}/{page}?lang=en", follow_redirects=True).text

    return see


class Town(SimpleNamespace):
    """A counter where citizens book by every channel."""

    def __init__(self, counter, clock):
        super().__init__(counter=counter, clock=clock, rules=counter.booking, count=0)

    def offered(self, channel, office=None):
        service = self.counter.service(SERVICES[channel])
        return availability.offer(service, self.rules, office, wish=Wish(channel)).starts

    def book(self, channel, start=None, office=None, with_login=True):
        """Booked by a citizen with a login, or by staff for one without."""
        self.count += 1
        service = self.counter.service(SERVICES[channel])
        start = start or self.offered(channel, office)[30]
        details = lifecycle.Details("Μαρία", "maria@example.gr", "+306900000000", "en", "id_card")
        with transaction():
            citizen = Person(first_name="Μαρία")
            db.session.add(citizen)
            row = lifecycle.hold(service, self.rules, office, start, None, "en", Wish(channel))
            lifecycle.confirm(row, self.rules, citizen if with_login else None, details, citizen)
        return row

    def begin(self, row):
        with transaction():
            call.start(row, ["video_direct"], row.clerk)

    def letters(self):
        db.session.rollback()
        outbox.run_due(self.counter.app)
        db.session.rollback()
        return mailbox.letters(self.counter.config.instance / "mailbox")[::-1]

    def page(self, row):
        """What the citizen's personal link shows, in English."""
        token = join_token(row.participants[0])
        return self.counter.app.test_client().get(f"/join/{token}?lang=en", follow_redirects=True).text


def entry(row):
    [found] = Calendar.from_ical(calendar_file(row)).walk("VEVENT")
    return found


def places_of(row):
    query = select(Claim.resource).where(Claim.appointment_id == row.id, Claim.resource.like("place:%"))
    return sorted(set(db.session.scalars(query)))


def test_by_phone_there_is_no_room_nobody_waits_and_everybody_is_inside_at_once(town):
    row = town.book("phone")
    town.clock.move_to(row.starts_at)
    assert [presence(person) for person in row.participants] == ["expected"]
    town.begin(row)
    assert (row.state, list(row.rooms)) == ("in_call", [])
    assert [presence(person) for person in row.participants] == ["inside"]
    with pytest.raises(NotPossible), transaction():
        rooms.change_provider(row, ["video_direct"], row.clerk)


def test_by_phone_nobody_is_identified_and_no_document_is_issued(town):
    row = town.book("phone")
    town.clock.move_to(row.starts_at)
    town.begin(row)
    with pytest.raises(NotPossible), transaction():
        call.record_identity(row, RECORD, row.clerk)
    with pytest.raises(NotPossible), transaction():
        call.finish(row, "issue", row.clerk)
    assert (row.state, row.identity_check) == ("in_call", None)
    with transaction():
        call.finish(row, "nothing", row.clerk)
    assert (row.state, documents.request_of(row)) == ("done", None)


def test_in_person_the_clerk_sees_the_paper_and_issues_without_a_room(town):
    row = town.book("in_person")
    town.clock.move_to(row.starts_at)
    town.begin(row)
    with transaction():
        call.record_identity(row, RECORD, row.clerk)
        call.finish(row, "issue", row.clerk)
    assert list(row.rooms) == []
    assert documents.request_of(row).state == "to_issue"


def test_a_phone_call_that_broke_off_is_called_again_without_a_door(town):
    row = town.book("phone")
    town.clock.move_to(row.starts_at)
    town.begin(row)
    with transaction():
        call.call_again(row, row.clerk)
    assert [presence(person) for person in row.participants] == ["expected"]
    town.begin(row)
    assert row.state == "in_call"


@pytest.mark.parametrize("channel", ["phone", "in_person"])
def test_whoever_is_invited_to_a_meeting_without_a_door_is_in_it_at_once(town, channel):
    row = town.book(channel)
    town.clock.move_to(row.starts_at)
    town.begin(row)
    with transaction():
        guest = call.invite(row, "companion", "Νίκος", "nikos@example.gr", "en", row.clerk)
    assert guest.admitted_at == row.starts_at
    letter = town.letters()[-1]
    assert letter.message["To"] == "nikos@example.gr"
    assert "/join/" not in letter.text


def test_the_mail_says_where_to_be_and_only_by_video_has_it_a_link(town):
    video, phone, desk = (town.book(channel) for channel in ("video", "phone", "in_person"))
    by_video, by_phone, at_desk = town.letters()
    assert join_url(video.participants[0]) in by_video.text
    assert "We will call you at 6900000000" in by_phone.text
    assert desk.office.address.en in at_desk.text
    for letter in (by_phone, at_desk):
        for text in (letter.text, letter.html):
            assert "/join/" not in text and "camera" not in text
    assert [letter.subject.split(":")[0] for letter in (by_video, by_phone, at_desk)] == [
        "Your appointment by video",
        "Your appointment by phone",
        "Your appointment at the office",
    ]
    assert phone.channel == "phone"


def test_the_calendar_has_the_address_only_of_who_must_come(town):
    files = {channel: entry(town.book(channel)) for channel in SERVICES}
    desk = files["in_person"]
    assert "Παραδείγματος" in str(desk["location"]) or "Δείγματος" in str(desk["location"])
    assert "location" not in files["video"] and "location" not in files["phone"]
    assert len({str(file["summary"]).split(":")[0] for file in files.values()}) == 3
    alarms = {channel: file.walk("VALARM")[0].decoded("trigger") for channel, file in files.items()}
    assert alarms["in_person"] < alarms["video"] == alarms["phone"]


def test_who_has_no_login_is_sent_to_the_phone_of_the_office_and_not_to_a_page(town):
    row = town.book("in_person", with_login=False)
    [letter] = town.letters()
    file = entry(row)
    assert row.office.phone in letter.text and row.office.phone in str(file["description"])
    assert "url" not in file
    assert f"/appointments/{row.key}" not in letter.text + str(file["description"])
    own = town.book("in_person")
    assert str(entry(own)["url"]).endswith(f"/appointments/{own.key}")


@pytest.mark.parametrize(
    ("channel", "words"),
    [("phone", "the clerk calls you at the number that you gave"), ("in_person", "Please come to")],
)
def test_the_link_of_a_meeting_without_a_door_only_explains_where_it_takes_place(town, channel, words):
    row = town.book(channel)
    for instant in (row.starts_at - timedelta(days=1), row.starts_at):
        town.clock.move_to(instant)
        assert words in town.page(row)
    town.begin(row)
    assert state_of(row.participants[0]) == channel
    page = town.page(row)
    assert "camera" not in page.replace("You need no camera", "")
    assert row.participants[0].seen_at is None
    with transaction():
        call.finish(row, "nothing", row.clerk)
    assert state_of(row.participants[0]) == "over"


def test_a_call_by_video_has_a_door_and_a_room(town):
    row = town.book("video")
    town.clock.move_to(row.starts_at)
    assert state_of(row.participants[0]) == "waiting"
    town.begin(row)
    assert [room.state for room in row.rooms] == ["opening"]
    assert state_of(row.participants[0]) == "opening"


def test_an_office_serves_no_more_at_once_by_a_channel_than_it_has_places(town):
    branch = db.session.scalars(select(Office).filter_by(key="kep-branch")).one()
    with transaction():
        branch.capacity = {"video": 1}
    start = town.offered("video", branch)[30]
    first = town.book("video", start, branch)
    assert places_of(first) == [f"place:{branch.id}:video:1"]
    assert start not in town.offered("video", branch)
    with pytest.raises(TimeTaken):
        town.book("video", start, branch)
    with transaction():
        lifecycle.cancel(first, town.rules, first.citizen)
    assert places_of(first) == []
    assert places_of(town.book("video", start, branch)) == [f"place:{branch.id}:video:1"]


def test_a_move_keeps_the_channel(town):
    row = town.book("phone")
    with transaction():
        lifecycle.move(row, town.rules, None, town.offered("phone")[60], row.citizen)
    assert row.channel == "phone"
    letter = town.letters()[-1]
    assert "Your appointment by phone has a new time." in letter.text
    assert "/join/" not in letter.text


def test_hours_that_are_meant_for_the_phone_are_offered_for_nothing_else(town):
    # She is on the phone alone on Wednesdays from 12:30 to 14:30.
    clerk = db.session.scalars(select(Person).filter_by(login="d.vlachou")).one()
    service = town.counter.service("parking-card")
    with transaction():
        service.channels = list(SERVICES)
    by_phone, by_video, at_desk = (
        set(availability.offer(service, town.rules, wish=Wish(channel, clerk_id=clerk.id)).starts)
        for channel in ("phone", "video", "in_person")
    )
    assert by_video == at_desk < by_phone
    assert {start.weekday() for start in by_phone - by_video} == {2}


def test_the_clerk_is_told_to_call_and_finds_no_identity_check_by_phone(town, desk):
    row = town.book("phone")
    town.clock.move_to(row.starts_at)
    town.begin(row)
    page = desk(row)
    assert "Call the citizen now:" in page and "6900000000" in page
    assert "No room could be opened" not in page
    assert "Record the check" not in page


@pytest.mark.parametrize(
    ("channel", "words"), [("phone", ["by phone"]), ("in_person", ["in person"]), ("video", [])]
)
def test_the_list_of_the_day_tells_what_is_not_by_video(town, log_in, channel, words):
    row = town.book(channel)
    town.clock.move_to(row.starts_at)
    client = town.counter.app.test_client()
    log_in(client, row.clerk, door="staff")
    page = client.get("/staff/?lang=en", follow_redirects=True).text
    assert "Μαρία" in page
    assert [said for said in ("by phone", "in person") if said in page] == words


def test_the_clerk_at_the_desk_has_the_identity_check_and_no_room(town, desk):
    row = town.book("in_person")
    town.clock.move_to(row.starts_at)
    town.begin(row)
    page = desk(row)
    assert "The citizen comes to your desk." in page
    assert "No room could be opened" not in page
    assert "Record the check" in page
