"""Where the document shall lie: the citizen, or the clerk for him, looks for a point and chooses one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.lifecycle import keep_contact
from portal.plugin_api import PickupPoint
from portal.points import lists
from portal.providers import current_providers
from portal.testing.fakes import FakePoints, choose
from portal.testing.page_lint import lint

SERVICE = "birth-certificate"
TIMES = f"/services/{SERVICE}/times"
WAY = "fake_points"
ANSWERS = {
    "email": "maria@example.gr",
    "phone": "690 000 0000",
    "paper": "passport",
    "language": "en",
    "delivery": WAY,
    "remark": "Για το παιδί μου",
}
STAFF = {"name": "Γεωργία Νικολάου", "asked": "counter", **ANSWERS, "paper": ""}
SHOW = {"show_points": "1"}


@pytest.fixture
def points(hall: SimpleNamespace, tmp_path: Path) -> list[PickupPoint]:
    """A way with points beside the usual ones, with its list; the service's document can come so."""
    way = FakePoints(tmp_path)
    choose(hall.app, delivery=(*current_providers().delivery.values(), way))
    with transaction():
        lists.keep(WAY, way.listed)
        hall.service(SERVICE).deliveries = ["email", WAY]
    return way.listed


@pytest.fixture
def booking(hall: SimpleNamespace, points: Any, visit: Any, first_free: Any) -> Any:
    """The citizen's browser, before the form of a time that he has chosen."""
    client = visit(hall.citizen)
    start = first_free(hall, hall.service(SERVICE), 20)
    client.submit(TIMES, {"start": start.isoformat(), "office": "any"})
    return client


def booked() -> list[Appointment]:
    return db.session.query(Appointment).filter_by(state="booked").all()


def shown(page: Any) -> list[str]:
    """The codes of the points on a page."""
    return re.findall(r'name="point" value="([^"]*)"', page.text)


def ticked(page: Any) -> list[str]:
    return re.findall(r'name="point" value="([^"]*)" checked', page.text)


# --- The citizen -----------------------------------------------------------------------------------------


def test_the_form_shows_points_near_the_address_that_is_known(
    hall: SimpleNamespace, booking: Any, points: Any
) -> None:
    assert shown(booking.get("/booking")) == []
    with transaction():
        keep_contact(hall.citizen, "maria@example.gr", "", {"postal_code": "15701"})
    page = booking.get("/booking")
    assert shown(page) == ["P1"]
    assert "Κατάστημα Α, Δοκιμής 1, 15772 Ζωγράφου" in page.text
    assert "Monday to Friday: 08:00-20:00" in page.text
    assert lint(page.text, "en") == []


@pytest.mark.parametrize(("asked", "codes"), [("157 72", ["P1"]), ("Θεσσαλονίκη", ["P2"])])
def test_the_button_brings_points_and_nothing_typed_is_lost(
    booking: Any, asked: str, codes: list[str]
) -> None:
    page = booking.submit("/booking", {**ANSWERS, "email": "not yet", "point_search": asked, **SHOW})
    assert page.status_code == 200
    assert shown(page) == codes
    for kept in ('value="not yet"', "6900000000", "Για το παιδί μου", f'value="{asked}"'):
        assert kept in page.text
    assert "field-error" not in page.text
    assert lint(page.text, "en") == []
    assert booked() == []


def test_what_a_carrier_writes_is_no_html(booking: Any, points: list[PickupPoint]) -> None:
    with transaction():
        lists.keep(WAY, [replace(points[0], title="<b>", weekdays="<i>9-5</i>")])
    page = booking.submit("/booking", {**ANSWERS, "point_search": "15772", **SHOW}).text
    assert "&lt;b&gt;" in page and "&lt;i&gt;9-5" in page
    assert "<b>" not in page and "<i>" not in page


def test_the_chosen_point_is_kept_with_its_words(booking: Any, points: list[PickupPoint]) -> None:
    answer = booking.submit("/booking", {**ANSWERS, "point_search": "15772", "point": "P1"})
    assert answer.status_code == 302
    [row] = booked()
    assert row.delivery == WAY
    assert row.recipient == {"pickup_point": lists.kept(points[0])}
    page = booking.get(f"/appointments/{row.key}")
    assert "Test points: Κατάστημα Α, Δοκιμής 1, 15772 Ζωγράφου" in page.text


def test_a_choice_stays_readable_when_the_point_is_gone(booking: Any, points: list[PickupPoint]) -> None:
    booking.submit("/booking", {**ANSWERS, "point": "P2"})
    with transaction():
        lists.keep(WAY, points[:1])
    assert "Store B, 2 Dokimis, 54624 Θεσσαλονίκη" in booking.get(f"/appointments/{booked()[0].key}").text


def test_a_chosen_point_stays_ticked_while_others_are_looked_at(booking: Any) -> None:
    page = booking.submit("/booking", {**ANSWERS, "point": "P1", "point_search": "54624", **SHOW})
    assert shown(page) == ["P1", "P2"]
    assert ticked(page) == ["P1"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "Write a postal code or a town"),
        ({"point_search": "Ατλαντίδα"}, "No point was found there."),
        ({"point_search": "15772"}, "Choose a point."),
        ({"point_search": "15772", "point": "P9"}, "This point is not offered any more."),
        ({"point": "P9"}, "Write a postal code or a town"),
    ],
)
def test_without_a_point_nothing_is_booked_and_the_page_says_what_to_do(
    booking: Any, typed: dict[str, str], words: str
) -> None:
    page = booking.submit("/booking", {**ANSWERS, **typed})
    assert page.status_code == 422
    assert page.text.count(words) == 2, "in the summary and at the field"
    assert lint(page.text, "en") == []
    assert booked() == []


def test_nowhere_is_said_at_once(booking: Any) -> None:
    page = booking.submit("/booking", {**ANSWERS, "point_search": "Ατλαντίδα", **SHOW})
    assert re.search(r'role="status">\s*No point was found there', page.text)


def test_a_point_of_another_carrier_is_refused(booking: Any) -> None:
    with transaction():
        lists.keep("other_post", [PickupPoint("X1", "Α", "Β", "Γ", "15772")])
    assert booking.submit("/booking", {**ANSWERS, "point": "X1"}).status_code == 422
    assert booked() == []


def test_another_way_needs_no_point(booking: Any) -> None:
    """Enter in any field presses the first button of a form, which may be the one that shows points."""
    answer = booking.submit("/booking", {**ANSWERS, "delivery": "email", **SHOW})
    assert answer.status_code == 302
    assert booked()[0].recipient == {"email": "maria@example.gr", "attachment_wish": False}


def test_more_time_is_given_and_the_points_stay(booking: Any) -> None:
    page = booking.submit("/booking", {**ANSWERS, "point_search": "15772", "point": "P1", "extend": "1"})
    assert ticked(page) == ["P1"]


def test_without_a_list_the_way_is_not_offered(booking: Any) -> None:
    with transaction():
        lists.keep(WAY, [])
    page = booking.get("/booking")
    assert f'value="{WAY}"' not in page.text and "point_search" not in page.text
    assert booking.submit("/booking", {**ANSWERS, "point": "P1"}).status_code == 422


def test_the_page_of_the_service_names_the_way_only_with_its_list(
    hall: SimpleNamespace, points: Any, visit: Any
) -> None:
    client = visit()
    assert "Test points" in client.get(f"/services/{SERVICE}").text
    with transaction():
        lists.keep(WAY, [])
    assert "Test points" not in client.get(f"/services/{SERVICE}").text


def test_a_form_without_points_asks_nothing_about_them(
    hall: SimpleNamespace, visit: Any, first_free: Any
) -> None:
    client = visit(hall.citizen)
    start = first_free(hall, hall.service(SERVICE), 20)
    client.submit(TIMES, {"start": start.isoformat(), "office": "any"})
    assert "point" not in re.findall(r'name="([^"]+)"', client.get("/booking").text)


# --- What several ways need ------------------------------------------------------------------------------


class Posted(FakePoints):
    """Needs a postal address, as another way does too."""

    needs = frozenset({"postal_address"})  # type: ignore[arg-type]


def test_what_several_ways_need_is_asked_once(booking: Any, hall: SimpleNamespace, tmp_path: Path) -> None:
    """Two fields of one name would send two answers, and the one that is hidden would win."""
    posts = [Posted(tmp_path, name) for name in ("post_a", "post_b")]
    choose(hall.app, delivery=(*current_providers().delivery.values(), *posts))
    with transaction():
        db.session.query(Service).filter_by(key=SERVICE).one().deliveries = ["post_a", "post_b"]
    page = booking.get("/booking")
    assert page.text.count('name="street"') == 1
    assert page.text.count("needs-postal_address") == 2
    assert 'class="part part-postal_address"' in page.text
    assert lint(page.text, "en") == []
    address = {"street": "Δοκιμής", "number": "1", "postal_code": "15772", "town": "Ζωγράφου"}
    assert booking.submit("/booking", {**ANSWERS, **address, "delivery": "post_b"}).status_code == 302
    assert booked()[0].recipient == {"postal_address": address}


# --- The clerk for him -----------------------------------------------------------------------------------


@pytest.fixture
def at_counter(points: Any, desk: Callable[[str], Any]) -> tuple[Any, dict[str, str]]:
    """A clerk's browser, and what the form sends by itself."""
    client = desk("k.alexiou")
    asked = {"office": "kep-central", "service": SERVICE, "clerk": "anyone", "channel": "video"}
    page = client.get("/staff/book/", query_string=asked)
    assert lint(page.text, "en") == []
    form = page.text[page.text.index('method="post" novalidate action="/staff/book/"') :]
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    start = re.findall(r'name="start" value="([^"]+)"', form)[0]
    return client, {**hidden, "start": start}


def test_the_clerk_looks_for_a_point_and_books_with_it(at_counter: tuple[Any, dict[str, str]]) -> None:
    client, hidden = at_counter
    typed = {**hidden, **STAFF, "point_search": "Ζωγράφου"}
    page = client.post("/staff/book/", data={**typed, **SHOW})
    assert page.status_code == 200
    assert shown(page) == ["P1"]
    assert "Where will the citizen collect it?" in page.text
    assert "Γεωργία Νικολάου" in page.text
    assert re.search(rf'name="start" value="{re.escape(hidden["start"])}" checked', page.text)
    assert lint(page.text, "en") == []
    assert client.post("/staff/book/", data={**typed, "point": "P1"}).status_code == 302
    [row] = booked()
    assert row.recipient["pickup_point"]["code"] == "P1"
    assert "Test points: Κατάστημα Α" in client.get(f"/staff/appointments/{row.key}").text


def test_the_clerk_may_look_for_points_before_he_has_chosen_a_time(
    at_counter: tuple[Any, dict[str, str]],
) -> None:
    client, hidden = at_counter
    del hidden["start"]
    page = client.post("/staff/book/", data={**hidden, **STAFF, "point_search": "15772", **SHOW})
    assert (page.status_code, shown(page)) == (200, ["P1"])
