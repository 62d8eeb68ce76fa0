"""Importing: again without duplicates, with changes, and with what is gone retiring."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.appointments.models import Appointment, RosterVersion
from portal.catalogue import CatalogueProblems, import_file
from portal.db import Bilingual, db, transaction
from portal.offices.models import Closure, Field, Office, OpenDay, Service
from portal.people.models import Membership, Person, WorkingHours

WAYS = ("email", "pickup")

pytestmark = pytest.mark.usefixtures("database_app")


def bring_in(file):
    return import_file(file, WAYS)


def counts():
    tables = (Field, Service, Office, Person, Membership, WorkingHours, Closure)
    return [db.session.scalar(select(func.count()).select_from(table)) for table in tables]


def the(model, **facts):
    return db.session.scalars(select(model).filter_by(**facts)).one()


def test_the_first_import_writes_everything(write):
    report = bring_in(write())
    assert counts() == [1, 2, 2, 2, 2, 6, 1]
    assert (len(report.created), report.updated, report.retired) == (8, [], [])
    service = the(Service, key="residence")
    assert service.mitos_code == "080734"
    assert service.name == Bilingual("Βεβαίωση μόνιμης κατοικίας", "Certificate of residence")
    assert service.papers[0] == {"el": "Ταυτότητα", "en": "Identity card"}
    clerk = the(Person, login="k.alexiou")
    (post,) = clerk.memberships
    assert {service.key for service in post.skills} == {"residence", "advice"}
    assert (post.role, post.languages, post.office.key) == ("clerk", ["el", "en"], "central")


def test_importing_again_changes_nothing(write):
    file = write()
    bring_in(file)
    before = counts()
    report = bring_in(file)
    assert report.in_words() == "0 new, 0 changed, 0 retired"
    assert counts() == before


def test_a_changed_entry_changes_its_row_only(write):
    bring_in(write())
    number = the(Service, key="residence").id
    report = bring_in(write(("minutes = 15", "minutes = 20")))
    assert (report.created, report.updated, report.retired) == ([], ["service residence"], [])
    assert (the(Service, key="residence").id, the(Service, key="residence").minutes) == (number, 20)


def test_new_hours_replace_the_old_ones(write):
    bring_in(write())
    report = bring_in(write(('["Mon-Fri 08:00-14:00", "Tue 15:00-17:00"]', '["Sat 09:00-12:00"]')))
    assert report.updated == ["staff k.alexiou in central"]
    plan = db.session.scalars(select(WorkingHours)).all()
    assert [(spell.weekday, spell.from_minute, spell.to_minute) for spell in plan] == [(5, 540, 720)]


def test_the_rules_of_offering_are_written(write):
    hours = '["Thu 08:00-14:00 phone staff until 24h before", "2026-12-03 off"]'
    open_day = '[[open_days]]\nday = 2026-12-26\nreason = { el = "Ουρές", en = "Queues" }\n'
    office = 'email = "central@town.example"'
    file = write(
        ('["Mon-Fri 08:00-14:00", "Tue 15:00-17:00"]', hours),
        ("minutes = 10", 'minutes = 10\nchannels = ["phone", "video"]\nsecond_clerk = true'),
        (office, f"{office}\ncapacity = {{ video = 4, in_person = 2 }}"),
        more=open_day,
    )
    bring_in(file)
    assert (the(Service, key="advice").channels, the(Service, key="advice").second_clerk) == (
        ["phone", "video"],
        True,
    )
    assert the(Service, key="residence").channels == ["video"]
    assert the(Office, key="central").capacity == {"video": 4, "in_person": 2}
    assert the(Office, key="branch").capacity == {}
    assert the(OpenDay).reason == Bilingual("Ουρές", "Queues")
    kept, off = db.session.scalars(select(WorkingHours).order_by(WorkingHours.id))
    assert (kept.channels, kept.released_minutes, kept.on_day) == (["phone"], 1440, None)
    assert (off.on_day, off.from_minute, off.to_minute) == (date(2026, 12, 3), 0, 0)
    assert bring_in(file).in_words() == "0 new, 0 changed, 0 retired"
    file.write_text(file.read_text(encoding="utf-8").replace(open_day, ""), encoding="utf-8")
    assert bring_in(file).retired == ["open day 2026-12-26"]


def test_each_import_lets_every_process_read_the_roster_anew(write):
    bring_in(write())
    before = the(RosterVersion).number
    report = bring_in(write(('office = "branch"\nfirst_day', 'office = "central"\nfirst_day')))
    assert report.retired == ["closure 2026-12-24"]
    db.session.rollback()
    assert the(RosterVersion).number != before


def test_what_the_file_does_not_name_any_more_retires_and_can_come_back(write):
    full = write().read_text(encoding="utf-8")
    file = write()
    bring_in(file)
    kept = full[: full.index('[[services]]\nkey = "advice"')] + full[full.index("[[offices]]") :]
    kept = kept[: kept.index('[[offices]]\nkey = "branch"')] + kept[kept.index("[[staff]]") :]
    kept = kept[: kept.index('[[staff]]\nlogin = "m.stathis"')]
    file.write_text(kept, encoding="utf-8")
    report = bring_in(file)
    assert report.retired == [
        "service advice",
        "office branch",
        "staff m.stathis in central",
        "closure 2026-12-24",
    ]
    assert not the(Service, key="advice").active
    assert not the(Office, key="branch").active
    assert not the(Person, login="m.stathis").memberships[0].active
    assert {service.key for service in the(Person, login="k.alexiou").memberships[0].skills} == {"residence"}
    bring_in(write())
    assert the(Service, key="advice").active
    assert the(Office, key="branch").active
    assert the(Person, login="m.stathis").memberships[0].active
    assert len(db.session.scalars(select(Closure)).all()) == 1


def test_appointments_with_somebody_who_retired_are_named(write):
    bring_in(write())
    clerk, service, office = (
        the(Person, login="k.alexiou"),
        the(Service, key="advice"),
        the(Office, key="central"),
    )
    tomorrow = clock.now() + timedelta(days=1)
    facts = {"clerk": clerk, "service": service, "office": office, "starts_at": tomorrow, "minutes": 10}
    with transaction():
        db.session.add(Appointment(key="booked", state="booked", **facts))
        db.session.add(Appointment(key="cancelled", state="cancelled", **facts))
    assert bring_in(write()).stranded == []
    report = bring_in(write(('login = "k.alexiou"', 'login = "e.markou"')))
    assert report.stranded == ["booked"]
    assert report.in_words().endswith("retired: booked")


def test_a_field_goes_only_when_no_service_was_ever_in_it(write):
    texts = '{ el = "α", en = "a" }'
    bring_in(write(more=f'[[fields]]\nkey = "empty"\nname = {texts}\nsummary = {texts}\n'))
    report = bring_in(write())
    assert report.retired == ["field empty"]


def test_posts_that_a_directory_granted_are_left_alone(write):
    bring_in(write())
    office = the(Office, key="central")
    with transaction():
        db.session.add(Membership(person=Person(first_name="Νέα"), office=office, role="clerk"))
    report = import_file(write(), WAYS)
    assert report.retired == []


def test_a_file_with_a_problem_changes_nothing(write):
    bring_in(write())
    with pytest.raises(CatalogueProblems):
        bring_in(write(("minutes = 15", "minutes = 20"), ("minutes = 10", "minutes = 11")))
    assert the(Service, key="residence").minutes == 15
