"""The planning pages: why no time is free, and what other hours of a clerk would bring."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from portal.appointments.staff.planning_forms import hours_as_written, read_hours
from portal.db import Bilingual, db, transaction
from portal.offices.models import Closure, Office
from portal.people.models import Absence, Membership, Person
from portal.testing.page_lint import lint

SUPERVISOR, CLERK, ADMINISTRATOR = "s.ioannou", "k.alexiou", "m.stathis"
PLANNING = "/staff/planning/"
HOURS = "/staff/planning/hours"
BIRTH = {"service": "birth-certificate"}


def person(login: str) -> Person:
    return db.session.query(Person).filter_by(login=login).one()


def words(page: Any, status: int = 200) -> str:
    """The words of a page that has no fault."""
    assert page.status_code == status
    assert lint(page.text, "en") == []
    text = html.unescape(re.sub(r"<[^>]+>", " ", page.text.split("<main", 1)[1].split("</main>")[0]))
    return re.sub(r"\s+", " ", text)


def table(page: Any) -> dict[str, list[int]]:
    """The figures of each stage: times left, taken away, appointments."""
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page.text, re.S)
    return {
        re.sub(r"<[^>]+>", " ", title).split("  ")[0].strip(): [int(n) for n in re.findall(r">(-?\d+)<", row)]
        for title, row in rows
    }


def test_the_pages_are_for_those_who_plan(hall, desk, visit):
    assert desk(CLERK).get(PLANNING).status_code == 403
    assert "Planning" not in desk(CLERK).get("/staff/").text
    client = desk(SUPERVISOR)
    assert f'href="{PLANNING}"' in client.get("/staff/").text
    assert "Why is no time free?" in words(client.get(PLANNING))


def test_a_supervisor_asks_about_her_own_office_only(hall, desk):
    client = desk(SUPERVISOR)
    for page in (PLANNING, HOURS):
        assert client.get(page, query_string={"office": "kep-branch"}).status_code == 404
    client = desk(ADMINISTRATOR)
    for page in (PLANNING, HOURS):
        shown = client.get(page, query_string={"office": "kep-branch"})
        assert words(shown) and '<option selected value="kep-branch">' in shown.text


def test_where_times_are_free_the_stages_show_how_many_are_left(hall, desk):
    day = {**BIRTH, "first_day": "2026-12-01", "last_day": "2026-12-01"}
    page = desk(SUPERVISOR).get(PLANNING, query_string=day)
    assert "There are free times" in words(page)
    stages = table(page)
    assert next(iter(stages)) == "Hours of the clerks who give the service"
    left = [starts for starts, _lost, _fit in stages.values()]
    assert left == sorted(left, reverse=True) and left[-1] > 0
    assert [lost for _starts, lost, _fit in stages.values()][1:] == [
        before - now for before, now in pairwise(left)
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first_day": "2026-12-05", "last_day": "2026-12-06"}, "No clerk has hours for it on these days"),
        ({"first_day": "2026-12-25", "last_day": "2026-12-25"}, "The office is closed on all these days"),
        ({"first_day": "2026-12-01", "clerk": "away"}, "Everybody who would have hours is away"),
    ],
)
def test_what_took_the_last_time_is_said_with_what_can_be_done(hall, desk, asked, said):
    with transaction():
        alexiou = person(CLERK)
        begin = datetime(2026, 11, 30, 22, tzinfo=UTC)
        db.session.add(Absence(person_id=alexiou.id, starts_at=begin, ends_at=begin + timedelta(days=60)))
    asked = {**BIRTH, **asked}
    if asked.get("clerk") == "away":
        asked["clerk"] = str(alexiou.id)
    page = desk(SUPERVISOR).get(PLANNING, query_string=asked)
    text = words(page)
    assert said in text and "nothing is left here" in text
    assert ("Absences of the office" in text) == ("is away" in said)


def test_a_service_that_nobody_gives_is_said_to_be_so(hall, desk):
    with transaction():
        service = hall.service("birth-certificate")
        for post in db.session.query(Membership):
            post.skills = [skill for skill in post.skills if skill.key != service.key]
    text = words(desk(SUPERVISOR).get(PLANNING, query_string=BIRTH))
    assert "Nobody at this office gives the service" in text


def test_days_that_cannot_be_booked_are_refused_and_the_form_stays_as_it_was(hall, desk):
    client = desk(SUPERVISOR)
    far = client.get(PLANNING, query_string={**BIRTH, "first_day": "2027-06-01", "interpreted": "y"})
    assert "can be booked until" in words(far, 422) and 'value="2027-06-01"' in far.text
    assert re.search(r'id="interpreted"[^>]*checked', far.text)
    over = client.get(PLANNING, query_string={**BIRTH, "last_day": "2026-11-01"})
    assert "This day is over." in words(over, 422)
    crossed = {**BIRTH, "first_day": "2026-12-04", "last_day": "2026-12-03"}
    assert "before the first one" in words(client.get(PLANNING, query_string=crossed), 422)
    assert client.get(PLANNING, query_string={"service": "nothing"}).status_code == 404


def test_where_nothing_is_free_those_who_plan_are_led_to_the_reason(hall, desk):
    with transaction():
        closed = {"first_day": date(2026, 11, 30), "last_day": date(2027, 3, 1)}
        db.session.add(Closure(reason=Bilingual("Έργα", "Works"), **closed))
    asked = {"office": "kep-central", **BIRTH}
    page = desk(SUPERVISOR).get("/staff/book/", query_string=asked)
    found = re.search(r'href="([^"]+)">See why<', page.text)
    assert found is not None
    assert "The office is closed on all these days" in words(desk(SUPERVISOR).get(html.unescape(found[1])))
    assert "See why" not in desk(CLERK).get("/staff/book/", query_string=asked).text


def test_the_hours_of_a_clerk_stand_in_the_form_as_the_catalogue_writes_them(hall, desk):
    client = desk(SUPERVISOR)
    page = client.get(HOURS, query_string={"clerk": str(person(CLERK).id)})
    assert "Hours of Κώστας Αλεξίου" in words(page)
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)
    assert shown is not None
    assert shown[1].strip().splitlines() == [
        "Mon-Fri 08:00-13:00",
        "Mon-Fri 13:00-14:00 staff until 1440min before",
        "Tue 15:00-18:30",
    ]


def test_what_is_written_for_a_post_reads_as_its_hours(hall):
    for post in db.session.query(Membership):
        read = read_hours(hours_as_written(post.hours, date(2026, 11, 30)))
        assert sorted((s.weekday, s.from_minute, s.to_minute) for s in read) == sorted(
            (row.weekday, row.from_minute, row.to_minute) for row in post.hours
        )


def compare(client: Any, login: str, **more: str) -> Any:
    number = str(person(login).id)
    asked = {"office": "kep-central", "clerk": number, **BIRTH, **more}
    return client.submit(HOURS, asked, page=f"{HOURS}?clerk={number}")


def test_longer_hours_bring_more_appointments_and_change_nothing(hall, desk):
    client = desk(SUPERVISOR)
    days = {"first_day": "2026-12-02", "last_day": "2026-12-02"}
    text = words(compare(client, SUPERVISOR, hours="Wed 10:00-15:00", **days))
    more = re.search(r"(\d+) more appointments would fit", text)
    figures = re.findall(r"hours: (\d+), at (\d+) possible times", text)
    assert more is not None and len(figures) == 2
    assert int(figures[1][0]) - int(figures[0][0]) == int(more[1]) == 6
    text = words(compare(client, SUPERVISOR, hours="Wed 10:00-10:30", **days))
    assert "appointments less would fit" in text
    assert "Just as many" in words(compare(client, SUPERVISOR, hours="Mon,Wed,Fri 10:00-13:00"))
    post = db.session.query(Membership).filter_by(person_id=person(SUPERVISOR).id).one()
    assert sorted((row.weekday, row.to_minute) for row in post.hours) == [(0, 780), (2, 780), (4, 780)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write the hours, like Mon-Fri 08:00-14:30."),
        ("Mon 08:00-12:00\nsometimes", "Line 2 cannot be read: sometimes."),
        ("Mon-Fri 08:02-12:00", "in steps of five minutes"),
        ("Mon-Fri 08:00-12:00\nTue 11:00-13:00", "Line 2 contradicts what is written before it"),
    ],
)
def test_hours_that_cannot_be_read_come_back_with_the_line_to_mend(hall, desk, typed, said):
    page = compare(desk(SUPERVISOR), SUPERVISOR, hours=typed, last_day="2026-12-11")
    assert said in words(page, 422)
    assert 'value="2026-12-11"' in page.text
    assert typed in page.text.replace("\r\n", "\n")


def test_nobody_elses_clerk_is_found(hall: SimpleNamespace, desk):
    client = desk(SUPERVISOR)
    branch = db.session.query(Office).filter_by(key="kep-branch").one()
    number = str(person("n.georgiou").id)
    assert client.get(HOURS, query_string={"clerk": number}).status_code == 404
    asked = {"clerk": number, **BIRTH, "hours": "Mon 08:00-10:00"}
    page = f"{HOURS}?clerk={person(CLERK).id}"
    assert client.submit(HOURS, {**asked, "office": "kep-central"}, page=page).status_code == 404
    assert client.submit(HOURS, {**asked, "office": branch.key}, page=page).status_code == 404
