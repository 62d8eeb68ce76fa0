"""The citizen's pages: from the deep link to the booked appointment, and what can be done with it."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from portal.appointments import availability, lifecycle
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.db import db, transaction
from portal.offices.models import Closure, Office
from portal.people.models import Person
from portal.testing.fakes import FakeDelivery, choose

SERVICE = "birth-certificate"
TIMES = f"/services/{SERVICE}/times"
ANSWERS = {
    "email": "maria@example.gr",
    "phone": "690 000 0000",
    "paper": "passport",
    "language": "en",
    "delivery": "pickup",
    "needs": "sign_language",
    "remark": "Για το παιδί μου",
}


def appointments(*states):
    return db.session.scalars(select(Appointment).where(Appointment.state.in_(states))).all()


def take_away(hall, row):
    """Everybody who could serve at this time is taken by others."""
    while True:
        try:
            with transaction():
                lifecycle.hold(hall.service(SERVICE), hall.booking, None, row.starts_at, None, "el")
        except TimeTaken:
            return


def field_errors(page):
    """Which fields carry an error of their own."""
    return set(re.findall(r'class="field-error" id="([a-z_]+)-error"', page.text))


# ---------- Choosing ----------


def test_a_deep_link_leads_to_the_service_and_its_times(hall, visit):
    page = visit().get(f"/services/{SERVICE}")
    assert "Copy of a birth record" in page.text
    assert TIMES in page.text


def test_a_link_with_the_national_code_leads_to_the_same_service(hall, client):
    assert client.get("/mitos/080734").location == "/services/permanent-residence"
    assert client.get("/mitos/999999").status_code == 404
    assert client.get("/services/unknown").status_code == 404


def test_the_times_of_one_office_are_held_at_that_office(hall, visit):
    client = visit()
    branch = db.session.scalar(select(Office).filter_by(key="kep-branch"))
    page = client.get(f"{TIMES}?office=kep-branch")
    assert '<input type="hidden" name="office" value="kep-branch">' in page.text
    start = availability.offer(hall.service(SERVICE), hall.booking, branch).starts[0]
    client.submit(TIMES, {"start": start.isoformat(), "office": "kep-branch"})
    [held] = appointments("held")
    assert (held.office_id, held.any_office) == (branch.id, False)


def test_a_day_without_a_free_hour_says_so_and_offers_others(hall, visit):
    page = visit().get(f"{TIMES}?day=2026-12-05")  # a Saturday
    assert page.status_code == 200
    assert "There is no free hour on this day" in page.text
    assert "Next free time:" in page.text


def test_a_day_that_cannot_be_booked_is_no_error(hall, client):
    for day in ("1999-01-01", "9999-12-31", "nonsense"):
        assert client.get(f"{TIMES}?day={day}").status_code == 200


def test_a_closed_municipality_says_why_there_is_no_time(hall, visit):
    first = availability.offer(hall.service(SERVICE), hall.booking).window.first_day
    with transaction():
        db.session.add(Closure(first_day=first, last_day=first + timedelta(days=400)))
    assert "The office is closed on all days that can be booked now." in visit().get(TIMES).text


def test_a_time_that_somebody_else_took_leads_back_to_the_times(hall, visit, first_free):
    client = visit()
    start = first_free(hall, hall.service(SERVICE), 3)
    client.get(TIMES)
    take_away(hall, Appointment(starts_at=start))
    answer = client.submit(TIMES, {"start": start.isoformat(), "office": "any"})
    assert urlsplit(answer.location).path == TIMES
    assert "Somebody else has just taken this time." in client.get(TIMES).text


def test_a_start_that_is_none_is_refused(hall, client):
    borders = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59+00:00")
    for start in ("", "tomorrow", "2026-12-01T09:00", *borders):
        assert client.submit(TIMES, {"start": start, "office": "any"}).status_code == 400


def test_choosing_another_time_gives_the_first_one_back(hall, visit, chosen):
    client = visit()
    chosen(client, 20)
    second = chosen(client, 25)
    assert [row.starts_at for row in appointments("held")] == [second]
    assert len(appointments("expired")) == 1


# ---------- Login on the way ----------


def test_the_choice_survives_the_login(hall, visit, chosen):
    client = visit()
    start = chosen(client)
    to_login = client.get("/booking").location
    assert urlsplit(to_login).path == "/login"
    people = client.get(to_login).location
    back = client.submit(people, {"subject": "maria.papadopoulou"}).location
    after = client.get(back).location
    assert after == "/booking"
    page = client.get(after)
    assert "Μαρία Παπαδοπούλου" in page.text
    answer = client.submit("/booking", ANSWERS)
    [row] = appointments("booked")
    assert row.starts_at == start
    assert answer.location == f"/appointments/{row.key}?booked=1"


def test_nobody_inherits_the_choice_of_another_citizen(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    visit(hall.stranger)
    assert client.get("/booking").location == "/fields"


# ---------- The form ----------


def test_every_answer_is_kept_with_the_appointment(hall, visit, chosen):
    client = visit(hall.citizen)
    start = chosen(client)
    page = client.submit("/booking", ANSWERS)
    [row] = appointments("booked")
    assert page.location == f"/appointments/{row.key}?booked=1"
    assert (row.starts_at, row.citizen_name, row.email, row.phone) == (
        start,
        "Μαρία Παπαδοπούλου",
        "maria@example.gr",
        "+306900000000",
    )
    assert (row.paper, row.language, row.delivery, row.needs) == (
        "passport",
        "en",
        "pickup",
        ["sign_language"],
    )
    assert row.remark == "Για το παιδί μου"
    assert "We have sent an e-mail to maria@example.gr" in client.get(page.location).text


def test_errors_stand_beside_their_fields_and_everything_typed_is_kept(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    wrong = {**ANSWERS, "email": "maria@", "phone": "12", "paper": "", "delivery": ""}
    page = client.submit("/booking", wrong)
    assert page.status_code == 422
    assert field_errors(page) == {"email", "phone", "paper", "delivery"}
    assert "This e-mail address is not complete. Write it like name@example.gr." in page.text
    assert "This is not a phone number." in page.text
    assert "Choose a way of delivery." in page.text
    for typed in ('value="maria@"', 'value="12"', "Για το παιδί μου"):
        assert typed in page.text
    assert re.search(r'name="needs" value="sign_language"[^>]* checked', page.text)
    assert re.search(r'name="language" value="en"[^>]* checked', page.text)
    assert not appointments("booked")


def test_a_required_choice_is_not_called_optional(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    page = client.get("/booking").text
    legend = re.search(r"<legend>\s*(How shall the document reach you\?.*?)</legend>", page, re.DOTALL)
    assert "optional" not in legend[1]


def test_greek_phone_numbers_are_understood_however_they_are_written(hall, visit, chosen):
    client = visit(hall.citizen)
    for number, (typed, stored) in enumerate(
        {
            "6900000000": "+306900000000",
            "+30 690 000 0000": "+306900000000",
            "0030 210-000 0000": "+302100000000",
            "(210) 0000000": "+302100000000",
        }.items()
    ):
        start = chosen(client, 10 + 10 * number)
        client.submit("/booking", {**ANSWERS, "phone": typed})
        assert db.session.scalar(select(Appointment.phone).filter_by(starts_at=start)) == stored


class Reluctant(FakeDelivery):
    """Delivers to nobody with a landline."""

    def objection(self, recipient):
        return "We call mobile phones only." if recipient.phone.startswith("+302") else ""


def test_a_way_that_does_not_lead_to_the_citizen_is_told_before_he_books(hall, visit, chosen, tmp_path):
    choose(hall.app, delivery=(Reluctant(tmp_path, "pickup"),))
    client = visit(hall.citizen)
    chosen(client)
    refused = client.submit("/booking", {**ANSWERS, "phone": "2100000000"})
    assert refused.status_code == 422
    assert "We call mobile phones only." in refused.text
    assert appointments("booked") == []
    assert client.submit("/booking", ANSWERS).status_code == 302
    assert len(appointments("booked")) == 1


def test_the_next_booking_begins_with_what_was_told_before(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client, 10)
    client.submit("/booking", {**ANSWERS, "keep": "y", "street": "Οδός", "number": "5"})
    chosen(client, 30)
    page = client.get("/booking").text
    assert 'value="maria@example.gr"' in page
    assert 'value="6900000000"' in page
    assert 'value="Οδός"' in page
    assert re.search(r'name="keep"[^>]* checked', page)


def test_without_the_citizens_consent_nothing_of_it_is_kept(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client, 10)
    client.submit("/booking", ANSWERS)
    chosen(client, 30)
    assert 'value="6900000000"' not in client.get("/booking").text


def test_whoever_unticks_it_takes_his_consent_back(hall, visit, chosen):
    client = visit(hall.citizen)
    for number, keep in enumerate(("y", "")):
        chosen(client, 10 + 20 * number)
        client.submit("/booking", {**ANSWERS, **({"keep": keep} if keep else {})})
    assert db.session.get(Person, hall.citizen.id).contact_kept_at is None


# ---------- What every page has ----------


def test_the_language_stays_switched_and_the_address_stays_the_same(hall, client):
    answer = client.get(f"{TIMES}?office=kep-branch&lang=en")
    assert answer.location == f"{TIMES}?office=kep-branch"
    assert '<html lang="en"' in client.get(answer.location).text
    assert '<html lang="en"' in client.get("/fields").text
    client.get("/?lang=el")
    assert '<html lang="el"' in client.get("/fields").text
    client.get("/?lang=fr")
    assert '<html lang="el"' in client.get("/fields").text


def test_every_page_forbids_foreign_and_inline_content_and_the_camera(hall, visit, chosen, booked):
    row = booked(hall, number=40)
    client = visit(hall.citizen)
    chosen(client)
    for address in ("/", TIMES, "/booking", "/appointments", f"/appointments/{row.key}", "/nowhere"):
        headers = client.get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert "camera=(), microphone=()" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_no_address_tells_who_the_citizen_is(hall, visit, chosen, booked):
    row = booked(hall, number=40)
    client = visit(hall.citizen)
    chosen(client)
    booked_page = client.submit("/booking", ANSWERS).location
    addresses = {booked_page}
    for page in ("/appointments", booked_page, f"/appointments/{row.key}", f"/appointments/{row.key}/move"):
        addresses |= set(re.findall(r'(?:href|action|src)="([^"]+)"', client.get(page).text))
    for address in addresses:
        for personal in ("maria", "%CE%9C", "690000", "Μαρία", "Παπαδ"):
            assert personal not in address


def test_a_citizen_who_is_elsewhere_then_is_told_so_and_offered_other_hours(hall, visit, booked, log_in):
    row = booked(hall)
    client = visit()
    times = "/services/birth-certificate/times"
    client.submit(times, {"start": row.starts_at.isoformat(), "office": "any"})
    log_in(client, hall.citizen)
    page = client.submit("/booking", ANSWERS)
    assert page.status_code == 409
    assert "You have another appointment at this hour" in page.text
    others = re.findall(r'name="start" value="([^"]+)"', page.text)
    assert others and row.starts_at.isoformat() not in others
    client.submit("/booking", {**ANSWERS, "start": others[0]})
    assert sorted(a.starts_at.isoformat() for a in appointments("booked")) == sorted(
        [row.starts_at.isoformat(), others[0]]
    )


def test_a_logged_in_citizen_cannot_even_hold_an_hour_at_which_he_is_elsewhere(hall, visit, booked):
    row = booked(hall)
    client = visit(hall.citizen)
    times = "/services/birth-certificate/times"
    client.submit(times, {"start": row.starts_at.isoformat(), "office": "any"})
    assert "You have another appointment at this hour" in client.get(times).text
    assert not appointments("held")
