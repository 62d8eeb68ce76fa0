"""Who is who: one person through several providers, staff of the catalogue, posts that a directory grants."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from portal.appointments import availability, lifecycle
from portal.appointments.models import Appointment
from portal.audit import AuditLine
from portal.catalogue import import_file
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.models import Account, Membership, Person
from portal.plugin_api import Identity, StaffPost

DEMO_CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"
MARIA = Identity("m-1", first_name="Μαρία", last_name="Παππά", tax_number="999100005")


@pytest.fixture
def staffed(app, clock, demonstration):
    """The demonstration's offices and staff."""
    return app


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def person(subject):
    return db.session.scalars(select(Person).join(Account).filter_by(subject=subject)).one()


def posts(person):
    return {(post.office.key, post.role) for post in person.memberships if post.active}


def test_two_logins_with_the_same_tax_number_are_one_person(app, client, provider, arrive):
    arrive(MARIA)
    provider.name = "taxisnet"
    arrive(Identity("t-9", first_name="ΜΑΡΙΑ", last_name="ΠΑΠΠΑ", tax_number="999100005"))
    assert (count(Person), count(Account)) == (1, 2)
    assert person("m-1").id == person("t-9").id


def test_two_tax_numbers_are_two_people_though_they_share_a_name(app, client, arrive):
    arrive(MARIA)
    arrive(Identity("m-2", first_name="Μαρία", last_name="Παππά", tax_number="999100017"))
    assert count(Person) == 2


def test_an_account_that_gets_another_tax_number_is_another_person(app, client, arrive):
    arrive(MARIA)
    first = person("m-1").id
    arrive(Identity("m-1", first_name="Νίκη", last_name="Νέα", tax_number="999100017"))
    assert person("m-1").id != first
    assert db.session.get(Person, first).name == "Μαρία Παππά"


def test_the_tax_number_is_found_by_a_hash_that_nobody_without_the_key_can_make(app, client, arrive):
    import hashlib

    arrive(MARIA)
    stored = dict(db.session.execute(text("SELECT * FROM person")).mappings().one())
    assert "999100005" not in str(stored)
    assert stored["tax_number_hash"] != hashlib.sha256(b"999100005").hexdigest()
    account = dict(db.session.execute(text("SELECT * FROM account")).mappings().one())
    assert "999100005" not in str(account)


def test_what_is_longer_than_any_name_or_number_stops_no_login(each_counter):
    from portal.people import lifecycle as people

    identity = Identity("m-1", last_name="Ω" * 300, email="a" * 300, phone="6" * 40, tax_number="999100005")
    with transaction():
        maria = people.recognise("citizens", "directory", identity, "el").person
    assert (len(maria.last_name), maria.email, maria.phone) == (100, "", "")


def test_after_a_change_of_the_secret_key_the_same_person_is_found(app, client, arrive):
    from dataclasses import replace

    from portal import encryption

    arrive(MARIA)
    config = app.config["PORTAL"]
    keys = ("a-new-secret-key-with-more-than-32-letters", *config.secret_keys)
    encryption.init_app(app, replace(config, secret_keys=keys))
    before = person("m-1").tax_number_hash
    arrive(Identity("m-7", tax_number="999100005"))
    assert count(Person) == 1
    assert person("m-1").tax_number_hash != before


def test_a_changed_surname_is_shown_and_used_in_what_lies_ahead(staffed, client, arrive):
    arrive(MARIA)
    client.get("/?lang=en")
    maria = person("m-1")
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    rules = staffed.config["PORTAL"].booking
    start = availability.offer(service, rules).starts[3]
    details = lifecycle.Details("Μαρία Παππά", "m@example.gr", "+306900000000", "el", "id_card")
    with transaction():
        row = lifecycle.hold(service, rules, None, start, maria, "el")
        lifecycle.confirm(row, rules, maria, details, maria)
    home = arrive(Identity("m-1", first_name="Μαρία", last_name="Νέου", tax_number="999100005"))
    page = client.get(home.location).text
    assert "your name as Μαρία Νέου (until now: Μαρία Παππά)" in page
    row = db.session.get(Appointment, row.id)
    assert (row.citizen_name, row.participants[0].name) == ("Μαρία Νέου", "Μαρία Νέου")
    deeds = db.session.scalars(select(AuditLine.deed).filter_by(subject=f"appointment:{row.id}")).all()
    assert "citizen renamed" in deeds


def test_staff_of_the_catalogue_are_found_by_their_login_once_and_then_by_their_account(
    staffed, client, arrive
):
    assert arrive(Identity("uuid-1", username="k.alexiou"), "staff").location == "/staff/"
    clerk = db.session.scalars(select(Person).filter_by(login="k.alexiou")).one()
    assert person("uuid-1").id == clerk.id
    # The directory has renamed him, and then given his old name to a newcomer.
    arrive(Identity("uuid-1", username="k.alexiou2"), "staff")
    assert person("uuid-1").id == clerk.id
    arrive(Identity("uuid-2", username="k.alexiou"), "staff")
    assert person("uuid-2").id != clerk.id
    assert client.get("/staff/").status_code == 403


def test_whoever_came_before_the_catalogue_listed_him_is_found_there_afterwards(app, client, arrive, clock):
    arrive(Identity("uuid-1", username="k.alexiou"), "staff")
    assert client.get("/staff/").status_code == 403
    import_file(DEMO_CATALOGUE, app.config["PORTAL"].providers.delivery)
    arrive(Identity("uuid-1", username="k.alexiou"), "staff")
    assert client.get("/staff/").status_code == 200
    assert person("uuid-1").login == "k.alexiou"


def test_whoever_takes_the_name_of_a_clerk_but_has_no_post_takes_nothing_from_him(staffed, client, arrive):
    arrive(Identity("uuid-9", username="k.alexiou", posts=()), "staff")
    clerk = db.session.scalars(select(Person).filter_by(login="k.alexiou")).one()
    assert person("uuid-9").id != clerk.id
    assert posts(clerk)


def test_a_login_of_the_catalogue_opens_nothing_at_the_citizens_door(staffed, client, arrive):
    arrive(Identity("uuid-1", username="k.alexiou"))
    assert person("uuid-1").login is None
    assert client.get("/staff/").status_code == 302


def test_the_citizens_door_grants_no_post_whatever_the_provider_says(staffed, client, arrive):
    arrive(Identity("boss", posts=(StaffPost("administrator"),)))
    assert count(Membership) == db.session.scalar(
        select(func.count()).select_from(Membership).where(Membership.person_id != person("boss").id)
    )
    assert client.get("/staff/").status_code == 302


def test_a_tax_number_from_the_staffs_directory_opens_nothing_of_the_citizen(staffed, client, arrive):
    arrive(MARIA)
    arrive(Identity("clerk", tax_number="999100005"), "staff")
    assert person("clerk").id != person("m-1").id
    assert person("clerk").tax_number_encrypted == ""


def test_the_portal_follows_the_posts_that_the_directory_grants(staffed, client, arrive):
    office, other = sorted(m.office.key for m in db.session.scalars(select(Membership)))[0], None
    other = next(
        key for key in sorted({m.office.key for m in db.session.scalars(select(Membership))}) if key != office
    )
    granted = (StaffPost("clerk", office), StaffPost("supervisor", office), StaffPost("clerk", other))
    assert arrive(Identity("s-1", posts=granted), "staff").location == "/staff/"
    assert posts(person("s-1")) == {(office, "supervisor"), (other, "clerk")}
    arrive(Identity("s-1", posts=(StaffPost("clerk", other),)), "staff")
    assert posts(person("s-1")) == {(other, "clerk")}
    arrive(Identity("s-1", posts=()), "staff")
    assert posts(person("s-1")) == set()
    assert client.get("/staff/").status_code == 403
    deeds = db.session.scalars(select(AuditLine.deed).filter_by(subject=f"person:{person('s-1').id}"))
    assert {"post granted", "post withdrawn", "logged in"} <= set(deeds)


def test_an_office_that_the_catalogue_does_not_know_grants_nothing(staffed, client, arrive, logged):
    arrive(Identity("s-1", posts=(StaffPost("clerk", "no-such-office"),)), "staff")
    assert posts(person("s-1")) == set()
    assert "no-such-office" in logged()


def test_an_administrator_of_the_directory_needs_no_office(staffed, client, arrive):
    arrive(Identity("boss", posts=(StaffPost("administrator"),)), "staff")
    assert {role for _, role in posts(person("boss"))} == {"administrator"}
    assert client.get("/staff/planning/").status_code == 200


def test_a_provider_that_knows_no_posts_leaves_those_of_the_catalogue(staffed, client, arrive):
    arrive(Identity("uuid-1", username="k.alexiou"), "staff")
    assert posts(person("uuid-1"))


def test_two_first_logins_at_the_same_moment_make_one_person(each_counter):
    import threading

    from portal.people import lifecycle as people

    app, barrier, seen = each_counter.app, threading.Barrier(2), []

    def visit(provider):
        with app.app_context():
            for _ in range(2):
                with suppress(threading.BrokenBarrierError):
                    barrier.wait(2)
                try:
                    with transaction():
                        seen.append(people.recognise("citizens", provider, MARIA, "el").person.id)
                    break
                except Exception:
                    db.session.rollback()
            db.session.remove()

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 2 and len(set(seen)) == 1


def test_two_rows_of_one_tax_number_become_the_older_one_with_all_that_is_theirs(
    staffed, client, arrive, logged
):
    from dataclasses import replace

    from portal import encryption

    def with_keys(*keys):
        encryption.init_app(staffed, replace(staffed.config["PORTAL"], secret_keys=keys))

    old, new = staffed.config["PORTAL"].secret_keys[0], "a-new-secret-key-with-more-than-32-letters"
    arrive(MARIA)
    first = person("m-1").id
    # The former key was forgotten at the change, and put back a day later.
    with_keys(new)
    arrive(Identity("t-1", first_name="Μαρία", last_name="Παππά", tax_number="999100005"))
    second = person("t-1").id
    assert second != first
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    rules = staffed.config["PORTAL"].booking
    details = lifecycle.Details("Μαρία Παππά", "m@example.gr", "+306900000000", "el", "id_card")
    with transaction():
        twin = db.session.get(Person, second)
        row = lifecycle.hold(service, rules, None, availability.offer(service, rules).starts[3], twin, "el")
        lifecycle.confirm(row, rules, twin, details, twin)
    with_keys(new, old)
    for subject in ("t-1", "m-1", "t-2"):
        assert arrive(Identity(subject, last_name="Παππά", tax_number="999100005")).status_code == 302
        assert person(subject).id == first
    assert db.session.get(Appointment, row.id).citizen_id == first
    assert client.get(f"/appointments/{row.key}").status_code == 200
    assert db.session.get(Person, second).tax_number_hash is None
    assert "joined" in logged() and "Παππά" not in logged() and "999100005" not in logged()


def test_staff_are_known_by_the_name_that_their_account_had_under_a_former_secret_key(
    staffed, client, arrive
):
    arrive(Identity("old-name", username="k.alexiou"), "staff")
    clerk = person("old-name").id
    arrive(Identity("new-name", username="k.alexiou", former_subjects=("old-name",)), "staff")
    assert person("new-name").id == clerk
    assert client.get("/staff/").status_code == 200
    assert count(Account) == 1


def test_the_registrys_longest_names_fit_an_appointment(each_counter, first_free):
    from dataclasses import replace

    from portal.people import lifecycle as people

    longest = replace(MARIA, first_name="Α" * 100, last_name="Β" * 100)
    service = each_counter.service("birth-certificate")
    start = first_free(each_counter, service, 3)
    with transaction():
        maria = people.recognise("citizens", "directory", MARIA, "el").person
        row = lifecycle.hold(service, each_counter.booking, None, start, maria, "el")
        details = lifecycle.Details(maria.name, "m@example.gr", "+306900000000", "el", "id_card")
        lifecycle.confirm(row, each_counter.booking, maria, details, maria)
    with transaction():
        recognised = people.recognise("citizens", "directory", longest, "el")
        lifecycle.rename_citizen(recognised.person, recognised.former_name)
    assert row.citizen_name == f"{'Α' * 100} {'Β' * 99}"
