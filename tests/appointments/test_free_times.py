"""Free times as pages and programs see them: days, months, JSON, channels, interpreters, many offices."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import create_engine, insert, select, update

from portal.appointments import availability, lifecycle, roster
from portal.appointments.citizen import advice
from portal.appointments.models import Appointment, RosterVersion
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.db import Bilingual, attempt, db, transaction
from portal.offices.models import Closure, Office, Service
from portal.offices.search import searchable
from portal.people.models import Membership, Person, WorkingHours

SERVICE = "birth-certificate"
TIMES = f"/services/{SERVICE}/times"
MONTH = f"/services/{SERVICE}/month"
JSON = f"/services/{SERVICE}/free.json"


@pytest.fixture
def many_offices(hall):
    """Thirty more offices, each with a clerk who gives the service."""
    service = hall.service(SERVICE)
    with transaction():
        for number in range(30):
            name = f"ΚΕΠ Χωριού {number}"
            office = Office(
                key=f"village-{number:02}",
                name=Bilingual(name, f"Village {number}"),
                address=Bilingual(f"Πλατεία {number}", f"Square {number}"),
                opening=Bilingual("", ""),
                phone="2100000000",
                email="kep@example.gr",
                time_zone="Europe/Athens",
                search_text=searchable(f"{name} Village {number} Πλατεία {number}"),
            )
            clerk = Person(last_name=f"Υπάλληλος {number}")
            db.session.add_all([office, clerk])
            db.session.flush()
            hours = [WorkingHours(weekday=day, from_minute=480, to_minute=840) for day in range(5)]
            post = Membership(person_id=clerk.id, office_id=office.id, role="clerk", hours=hours)
            post.skills = [service]
            db.session.add(post)


def starts_in(answer):
    return [start for day in answer.json["days"] for start in day["starts"]]


# ---------- For programs ----------


def test_a_program_gets_each_day_with_its_free_starts_in_utc(hall, client):
    answer = client.get(f"{JSON}?office=any&days=14")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    expected = availability.offer(hall.service(SERVICE), hall.booking, days=14)
    assert [datetime.fromisoformat(start) for start in starts_in(answer)] == expected.starts
    assert [day["day"] for day in answer.json["days"]] == [
        day.isoformat() for day in expected.window.all_days()
    ]
    assert answer.json["time_zone"] == "Europe/Athens"
    saturday = next(day for day in answer.json["days"] if day["day"] == "2026-12-05")
    assert saturday == {"day": "2026-12-05", "open": False, "starts": []}


def test_a_program_gets_the_days_it_names_and_no_more(hall, client):
    answer = client.get(f"{JSON}?office=kep-branch&from=2026-12-07&days=2")
    assert [day["day"] for day in answer.json["days"]] == ["2026-12-07", "2026-12-08"]
    assert answer.json["office"] == "kep-branch"
    assert client.get(f"{JSON}?from=2031-01-01").json["days"] == []


@pytest.mark.parametrize("question", ["from=tomorrow", "days=0", "days=63", "days=many", "days=%C2%B2"])
def test_a_question_that_cannot_be_read_is_told_the_mend(hall, visit, question):
    answer = visit().get(f"{JSON}?{question}")
    assert answer.status_code == 400
    assert answer.json["error"].startswith(f"{question.split('=')[0]}: write a")


def test_an_office_that_there_is_not_is_not_found(hall, client):
    for address in (JSON, TIMES, MONTH):
        assert client.get(f"{address}?office=nowhere").status_code == 404


# ---------- The month ----------


def test_the_month_tells_how_many_hours_each_day_has(hall, visit):
    page = visit().get(f"{MONTH}?month=2026-12").text
    offer = availability.offer(hall.service(SERVICE), hall.booking)
    for day in (date(2026, 12, 1), date(2026, 12, 3)):
        link = re.search(rf'href="([^"]*day={day})".*?month-note">(\d+)<', page)
        assert link, day
        assert int(link[2]) == offer.count_on(day) > 0
    assert "day=2026-12-05" not in page  # a Saturday


def test_the_month_goes_no_further_than_can_be_booked(hall, visit):
    client = visit()
    first = client.get(f"{MONTH}?month=2026-11").text
    assert 'rel="next"' in first and 'rel="prev"' not in first
    for month in ("2031-01", "nonsense", "0000-00"):
        assert client.get(f"{MONTH}?month={month}").status_code == 200
    assert 'rel="next"' not in client.get(f"{MONTH}?month=2031-01").text


# ---------- One form, one appointment ----------


def token_of(page):
    return re.search(r'name="once" value="([^"]+)"', page.text)[1]


def held():
    return db.session.scalars(select(Appointment).where(Appointment.state == "held")).all()


def test_the_same_form_sent_twice_holds_one_time(hall, visit, first_free):
    client = visit()
    token = token_of(client.get(TIMES))
    start = first_free(hall, hall.service(SERVICE), 5).isoformat()
    for _ in range(2):
        client.submit(TIMES, {"start": start, "office": "any", "once": token})
    assert len(held()) == 1


def test_going_back_to_choose_another_time_gives_the_first_one_back(hall, visit, first_free):
    client = visit()
    token = token_of(client.get(TIMES))
    for number in (5, 9):
        start = first_free(hall, hall.service(SERVICE), number)
        client.submit(TIMES, {"start": start.isoformat(), "office": "any", "once": token})
    [row] = held()
    assert row.starts_at == start


def test_the_form_that_has_booked_leads_to_the_appointment(hall, visit, booked, first_free):
    client = visit(hall.citizen)
    token = token_of(client.get(TIMES))
    fields = {"start": first_free(hall, hall.service(SERVICE), 5).isoformat(), "office": "any", "once": token}
    client.submit(TIMES, fields)
    client.get("/booking")
    client.submit(
        "/booking",
        {
            "email": "maria@example.gr",
            "phone": "6900000000",
            "paper": "passport",
            "language": "en",
            "delivery": "pickup",
        },
    )
    [row] = db.session.scalars(select(Appointment).where(Appointment.state == "booked")).all()
    client.submit(TIMES, fields)
    assert client.get("/booking").location.startswith(f"/appointments/{row.key}")
    assert not held()


def test_two_clicks_at_the_same_moment_hold_one_time(hall, app, visit, first_free):
    client = visit()
    token = token_of(client.get(TIMES))
    start = first_free(hall, hall.service(SERVICE), 5)
    service, rules = hall.service(SERVICE).id, hall.booking
    keys, barrier = [], Barrier(4)

    def click():
        with app.app_context():
            barrier.wait()
            chosen = db.session.get(Service, service)
            keys.append(
                attempt(lambda: lifecycle.hold(chosen, rules, None, start, None, "el", None, token).key)
            )

    threads = [Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert len(keys) == 4
    assert len(set(keys)) == len(held()) == 1


# ---------- Channels and interpreters ----------


def test_an_interpreter_is_held_together_with_the_clerk(hall, visit):
    client = visit()
    page = client.get(f"{TIMES}?interpreter=1")
    assert 'name="interpreter" value="1"' in page.text
    offer = availability.offer(hall.service(SERVICE), hall.booking, wish=Wish("video", interpreted=True))
    client.submit(TIMES, {"start": offer.starts[0].isoformat(), "office": "any", "interpreter": "1"})
    [row] = held()
    assert row.interpreter_id is not None
    assert row.minutes == hall.service(SERVICE).minutes + hall.booking.interpreted_extra_minutes


def test_a_channel_that_the_service_has_not_is_the_usual_one(hall, visit):
    answer = visit().get(f"{JSON}?channel=pigeon")
    assert answer.json["channel"] == hall.service(SERVICE).channels[0]


def test_by_phone_no_paper_and_no_delivery_is_asked(hall, visit):
    with transaction():
        hall.service(SERVICE).channels = ["video", "phone"]
    client = visit(hall.citizen)
    assert "by phone" in client.get(TIMES).text
    offer = availability.offer(hall.service(SERVICE), hall.booking, wish=Wish("phone"))
    client.submit(TIMES, {"start": offer.starts[0].isoformat(), "office": "any", "channel": "phone"})
    page = client.get("/booking").text
    assert 'name="paper"' not in page and 'name="delivery"' not in page
    answer = client.submit("/booking", {"email": "maria@example.gr", "phone": "6900000000", "language": "el"})
    assert answer.status_code == 302
    [row] = db.session.scalars(select(Appointment).where(Appointment.state == "booked")).all()
    assert (row.channel, row.delivery) == ("phone", "")
    shown = client.get(f"/appointments/{row.key}").text
    assert "The clerk calls you at" in shown and "Check camera" not in shown


# ---------- Many offices ----------


def test_among_many_offices_the_citizen_searches(hall, visit, many_offices):
    client = visit()
    page = client.get(f"/services/{SERVICE}").text
    assert "Find your office" in page and "Village 7" not in page
    found = client.get(f"/services/{SERVICE}?find=χωριου 17").text
    assert "Village 17" in found and "Village 7<" not in found
    assert "Next free:" in found
    assert "No office for this service" in client.get(f"/services/{SERVICE}?find=Ατλαντίδα").text
    assert "Village" not in client.get(TIMES).text


def test_a_search_lists_ten_offices_at_most(hall, visit, many_offices):
    page = visit().get(f"/services/{SERVICE}?find=χωριου").text
    assert page.count("Village ") // 2 == 10  # the name and the words for the screen reader
    assert "There are more offices with these words." in page


# ---------- Advice ----------


def test_what_this_process_books_is_seen_at_once(hall, client, booked):
    before = starts_in(client.get(f"{JSON}?office=kep-branch"))
    branch = db.session.scalar(select(Office).filter_by(key="kep-branch"))
    first = datetime.fromisoformat(before[0])
    while True:
        try:
            with transaction():
                lifecycle.hold(hall.service(SERVICE), hall.booking, branch, first, None, "el")
        except TimeTaken:
            break
    assert starts_in(client.get(f"{JSON}?office=kep-branch"))[0] != before[0]


def test_what_others_book_is_seen_a_second_later(hall, client, monkeypatch):
    service, rules = hall.service(SERVICE), hall.booking
    asked = []
    real = availability.offer
    monkeypatch.setattr(availability, "offer", lambda *a, **k: asked.append(1) or real(*a, **k))
    for seconds in (0, 0.4, 0.4, 0.4):
        hall.clock.shift(timedelta(seconds=seconds))
        advice.offer(service, rules, None, None, 7, Wish())
    assert len(asked) == 2


def close_everything():
    """The statements of another process that closes all offices for two months."""
    today = date(2026, 11, 30)
    reason = Bilingual("Δοκιμή", "Test")
    return [
        insert(Closure).values(first_day=today, last_day=today + timedelta(days=60), reason=reason),
        update(RosterVersion).values(number=RosterVersion.number + 1),
    ]


def test_a_closed_day_is_seen_at_once_by_the_process_that_closed_it(hall, client):
    assert starts_in(client.get(JSON))
    with transaction():
        for statement in close_everything():
            db.session.execute(statement)
        roster.changed()
    assert starts_in(client.get(JSON)) == []


def test_what_another_process_closes_is_seen_a_second_later_and_not_sold_meanwhile(hall, client):
    start = starts_in(client.get(JSON))[0]
    db.session.rollback()
    other = create_engine(db.engine.url)
    with other.begin() as connection:
        for statement in close_everything():
            connection.execute(statement)
    other.dispose()
    assert starts_in(client.get(JSON))[0] == start
    with pytest.raises(TimeTaken), transaction():
        first = datetime.fromisoformat(start)
        lifecycle.hold(hall.service(SERVICE), hall.booking, None, first, None, "el")
    hall.clock.shift(timedelta(seconds=1))
    assert starts_in(client.get(JSON)) == []
