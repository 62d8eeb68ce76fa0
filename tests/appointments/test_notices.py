"""What the citizen is told by e-mail: each thing once, at its time, in his language, while it is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from portal import mailbox
from portal.appointments import availability, call, lifecycle
from portal.appointments.calendar_file import calendar_file
from portal.appointments.links import join_url
from portal.db import db, transaction
from portal.outbox import OutboxRow


@pytest.fixture
def work(outbox_runner):
    """``work()`` does what is due; afterwards the rows are looked at as the workers left them."""

    def work():
        outbox_runner()
        db.session.rollback()

    return work


@pytest.fixture
def subjects(hall):
    """``subjects()``: the subjects of all mails, oldest first."""
    return lambda: [letter.subject for letter in letters(hall)][::-1]


@pytest.fixture
def book(hall, first_free):
    """``book(language)``: an appointment of the citizen, written to in this language."""

    def book(language="en", number=30, starts_at=None):
        details = lifecycle.Details(
            name=hall.citizen.name,
            email="maria@example.gr",
            phone="+306900000000",
            language=language,
            paper="id_card",
        )
        service = hall.service("birth-certificate")
        start = starts_at or first_free(hall, service, number)
        with transaction():
            row = lifecycle.hold(service, hall.booking, None, start, hall.citizen, language)
            lifecycle.confirm(row, hall.booking, hall.citizen, details, hall.citizen)
        return row

    return book


def letters(hall):
    return mailbox.letters(hall.app.config["PORTAL"].instance / "mailbox")


def newest(hall):
    return letters(hall)[0]


def entry(content):
    """The one event of a calendar file."""
    calendar = Calendar.from_ical(content)
    [found] = calendar.walk("VEVENT")
    return found


def attached(letter):
    [file] = letter.attachments
    assert (file.get_filename(), file.get_content_type()) == ("appointment.ics", "text/calendar")
    return file.get_payload(decode=True)


def test_booking_is_told_once_and_the_reminder_once_at_its_time(hall, book, work, subjects):
    row = book()
    work()
    work()
    assert [s.split(":")[0] for s in subjects()] == ["Your appointment by video"]
    due = row.starts_at - timedelta(minutes=hall.booking.reminder_minutes)
    hall.clock.move_to(due - timedelta(seconds=1))
    work()
    assert len(subjects()) == 1
    hall.clock.move_to(due)
    work()
    work()
    assert len(subjects()) == 2
    assert newest(hall).subject.startswith("Reminder")
    sent = db.session.query(OutboxRow).filter_by(kind="appointment.notice").all()
    assert sorted(r.payload["notice"] for r in sent) == ["booked", "reminder"]


def test_a_booking_at_short_notice_has_no_reminder(hall, book, work, subjects):
    first = availability.offer(hall.service("birth-certificate"), hall.booking).starts[0]
    hall.clock.move_to(first - timedelta(minutes=hall.booking.reminder_minutes - 5))
    row = book(number=0)
    hall.clock.move_to(row.starts_at)
    work()
    assert [s.split(":")[0] for s in subjects()] == ["Your appointment by video"]


def test_after_a_move_the_old_reminder_is_silent_and_the_new_one_says_the_new_time(
    hall, book, work, subjects, first_free
):
    row = book(number=60)
    work()
    before, new = row.starts_at, first_free(hall, row.service, 200)
    with transaction():
        lifecycle.move(row, hall.booking, None, new, hall.citizen)
    work()
    assert newest(hall).subject.startswith("Your appointment has moved")
    hall.clock.move_to(before)
    work()
    assert len(subjects()) == 2
    hall.clock.move_to(new - timedelta(minutes=hall.booking.reminder_minutes))
    work()
    assert len(subjects()) == 3
    reminder = newest(hall)
    assert reminder.subject.startswith("Reminder")
    assert entry(attached(reminder)).decoded("dtstart") == new


def test_after_a_cancellation_nobody_is_reminded(hall, book, work, subjects):
    row = book(number=60)
    work()
    with transaction():
        lifecycle.cancel(row, hall.booking, hall.citizen)
    work()
    hall.clock.move_to(row.starts_at)
    work()
    assert len(subjects()) == 2
    cancelled = newest(hall)
    assert join_url(row.participants[0]) not in cancelled.text
    assert "/services/birth-certificate" in cancelled.text
    assert entry(attached(cancelled))["status"] == "CANCELLED"


def test_a_booking_cancelled_before_the_worker_came_is_never_told_as_booked(hall, book, work, subjects):
    row = book(number=60)
    with transaction():
        lifecycle.cancel(row, hall.booking, hall.citizen)
    work()
    assert len(subjects()) == 1
    assert entry(attached(newest(hall)))["status"] == "CANCELLED"


def test_a_missed_appointment_is_told_with_the_way_to_a_new_one(hall, book, work):
    row = book()
    hall.clock.move_to(row.starts_at + timedelta(minutes=10))
    with transaction():
        lifecycle.miss(row, row.clerk)
    work()
    assert "/services/birth-certificate" in newest(hall).text


@pytest.mark.parametrize(
    ("language", "subject", "service", "words"),
    [
        ("en", "Your appointment by video: Mon 30 Nov", "Copy of a birth record", "Your personal link"),
        ("el", "Το ραντεβού σας", "Αντίγραφο ληξιαρχικής πράξης γέννησης", "Ο προσωπικός σας σύνδεσμος"),
    ],
)
def test_a_mail_speaks_the_citizens_language_and_carries_link_and_calendar(
    hall, book, work, language, subject, service, words
):
    row = book(language)
    work()
    letter = newest(hall)
    link = join_url(row.participants[0])
    assert letter.language == language
    assert letter.subject.startswith(subject)
    assert words in letter.text
    for text in (letter.text, letter.html):
        assert link in text and service in text
    assert letter.message["To"] == "maria@example.gr"
    assert entry(attached(letter)).decoded("dtstart") == row.starts_at


def test_a_guest_is_invited_once_in_his_language_with_his_own_link(hall, book, work):
    row = book("el")
    work()
    with transaction():
        guest = call.invite(row, "interpreter", "Jane Doe", "jane@example.org", "en", row.clerk)
    work()
    work()
    [letter] = [one for one in letters(hall) if one.message["To"] == "jane@example.org"]
    assert letter.language == "en"
    assert join_url(guest) in letter.text
    assert join_url(row.participants[0]) not in letter.text
    assert row.citizen_name not in letter.subject


def test_the_calendar_file_keeps_its_name_grows_and_strikes_itself_out(hall, book, first_free):
    row = book(number=60)
    files = [calendar_file(row)]
    with transaction():
        lifecycle.move(row, hall.booking, None, first_free(hall, row.service, 100), hall.citizen)
    files.append(calendar_file(row))
    with transaction():
        lifecycle.cancel(row, hall.booking, hall.citizen)
    files.append(calendar_file(row))
    entries = [entry(file) for file in files]
    assert len({str(e["uid"]) for e in entries}) == 1
    sequences = [int(e["sequence"]) for e in entries]
    assert sequences == sorted(set(sequences))
    assert [str(e["status"]) for e in entries] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [str(Calendar.from_ical(f)["method"]) for f in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert [bool(e.walk("VALARM")) for e in entries] == [True, True, False]


def test_the_calendar_file_holds_no_personal_data_and_the_right_instants(hall, book, visit):
    row = book()
    answer = visit(hall.citizen).get(f"/appointments/{row.key}/appointment.ics")
    assert answer.mimetype == "text/calendar"
    whole = answer.data.replace(b"\r\n ", b"").decode()
    for personal in ("Μαρία", "Παπαδοπούλου", "maria@", "6900000000", "ATTENDEE", "ORGANIZER", "/join/"):
        assert personal not in whole
    found = entry(answer.data)
    assert found.decoded("dtstart") == row.starts_at
    assert found.decoded("dtend") == row.ends_at
    assert found.decoded("dtstart").utcoffset() == timedelta(0)


def test_after_the_change_of_the_clocks_the_wall_clock_is_told(hall, book, work):
    # Booked in winter time for the first Monday of summer time: 08:00 UTC is 11:00 in Athens by then.
    hall.clock.move_to(datetime(2027, 3, 24, 7, 0, tzinfo=UTC))
    book(starts_at=datetime(2027, 3, 29, 8, 0, tzinfo=UTC))
    work()
    letter = newest(hall)
    assert letter.subject.endswith("Mon 29 Mar at 11:00")
    assert "11:00–11:15 (Europe/Athens)" in letter.text
    assert entry(attached(letter)).decoded("dtstart") == datetime(2027, 3, 29, 8, 0, tzinfo=UTC)
    hall.clock.move_to(datetime(2027, 3, 29, 6, 0, tzinfo=UTC))
    work()
    assert newest(hall).subject.endswith("Mon 29 Mar at 11:00")
