"""Appointments of a former system come in through the same guard, all problems told at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from portal.appointments import lifecycle
from portal.appointments.importing import ImportProblems, import_appointments
from portal.appointments.models import Appointment, Claim
from portal.audit import AuditLine
from portal.cli import main
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Membership, Person, WorkingHours

HEADER = "service,office,clerk,day,time,name,email,phone,language,channel"
GOOD = "birth-certificate,kep-central,k.alexiou,2026-12-03,09:30,Ελένη Ρήγα,eleni@example.gr,6900000001,el,"
ANYONE = "procedures-information,kep-central,,2026-12-03,10:00,Jane Doe,,+306900000002,en,phone"

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def write(tmp_path):
    """``write(line, …)``: the lines below the header as a file."""

    def write(*lines, header=HEADER, encoding="utf-8"):
        file = tmp_path / "old.csv"
        file.write_text("\n".join([header, *lines, ""]), encoding=encoding)
        return file

    return write


def booked():
    db.session.rollback()
    return list(db.session.scalars(select(Appointment).order_by(Appointment.id)))


def problems_of(counter, file, **options):
    with pytest.raises(ImportProblems) as caught:
        import_appointments(file, counter.config, **options)
    assert booked() == []
    assert db.session.scalars(select(Claim)).all() == []
    return [problem.removeprefix("old.csv ") for problem in caught.value.problems]


def test_lines_become_booked_appointments_and_nobody_is_written_to(each_counter, write):
    report, told = import_appointments(write(GOOD, "", ANYONE), each_counter.config)
    assert (report.made, report.known, told) == (2, 0, [])
    first, second = booked()
    assert (first.state, first.clerk.login, first.channel) == ("booked", "k.alexiou", "video")
    assert first.starts_at == datetime(2026, 12, 3, 7, 30, tzinfo=UTC)
    assert (first.citizen_name, first.email, first.phone) == (
        "Ελένη Ρήγα",
        "eleni@example.gr",
        "+306900000001",
    )
    assert (second.channel, second.language, second.email) == ("phone", "en", "")
    assert first.participants[0].name == "Ελένη Ρήγα"
    kinds = set(db.session.scalars(select(OutboxRow.kind).where(OutboxRow.state == "waiting")))
    assert "appointment.notice" not in kinds
    imported = db.session.scalars(select(AuditLine).filter_by(deed="imported")).all()
    assert [(line.actor_id, line.facts) for line in imported] == [(None, {"line": 2}), (None, {"line": 4})]


def test_citizens_are_written_to_when_that_is_asked_for(counter, write):
    import_appointments(write(GOOD), counter.config, notify=True)
    rows = db.session.scalars(select(OutboxRow).filter_by(kind="appointment.notice"))
    assert sorted(row.payload["notice"] for row in rows) == ["booked", "reminder"]


def test_the_same_file_again_changes_nothing_even_after_a_cancellation(each_counter, clock, write):
    file = write(GOOD, ANYONE)
    import_appointments(file, each_counter.config)
    first, _ = booked()
    with transaction():
        lifecycle.cancel(first, each_counter.booking, first.clerk)
    clock.move_to(datetime(2026, 12, 4, tzinfo=UTC))
    report, told = import_appointments(file, each_counter.config)
    assert (report.made, report.known, told) == (0, 2, [])
    assert [appointment.state for appointment in booked()] == ["cancelled", "booked"]


def test_semicolons_and_a_byte_order_mark_are_understood(counter, write):
    file = write(
        GOOD.replace(",", ";").replace("Ελένη Ρήγα", '"Ρήγα; Ελένη"'),
        header=HEADER.replace(",", ";"),
        encoding="utf-8-sig",
    )
    import_appointments(file, counter.config)
    assert booked()[0].citizen_name == "Ρήγα; Ελένη"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "birth-c",
            "birht-c",
            'service: there is no service "birht-certificate"; did you mean birth-certificate?',
        ),
        ("birth-certificate", "", "service: is missing; write its key"),
        ("kep-central", "kep-centre", 'office: there is no office "kep-centre"; did you mean kep-central?'),
        ("k.alexiou", "k.alexio", 'clerk: there is no clerk "k.alexio"; did you mean k.alexiou?'),
        ("k.alexiou", "d.vlachou", "clerk: d.vlachou does not give birth-certificate in kep-central"),
        ("k.alexiou", "a.petrou", "clerk: a.petrou does not give birth-certificate in kep-central"),
        ("2026-12-03", "3/12/2026", 'day: "3/12/2026" is no day; write it like 2026-12-03'),
        ("2026-12-03", "2026-02-30", 'day: "2026-02-30" is no day; write it like 2026-12-03'),
        ("2026-12-03", "2026-11-27", "day: 2026-11-27 09:30 is past; import only what is ahead"),
        (
            "2026-12-03",
            "2027-02-03",
            "day: 2027-02-03 is too far ahead; birth-certificate is booked for 30 days "
            "(horizon_days in the catalogue)",
        ),
        ("09:30", "9.30", 'time: "9.30" is no time of day; write it like 09:30'),
        ("09:30", "24:00", 'time: "24:00" is no time of day; write it like 09:30'),
        ("09:30", "09:35", "time: 2026-12-03 09:35 is not offered; appointments begin every 10 minutes"),
        (
            "09:30",
            "14:00",
            "time: 2026-12-03 14:00 for 15 minutes is outside the hours of k.alexiou "
            "for birth-certificate by video in kep-central",
        ),
        (
            "k.alexiou,2026-12-03,09:30",
            ",2026-12-05,09:30",
            "time: 2026-12-05 09:30 for 15 minutes is outside everybody's hours "
            "for birth-certificate by video in kep-central",
        ),
        (
            "2026-12-03,09:30",
            "2027-03-28,03:30",
            "time: there is no 2027-03-28 03:30 in Europe/Athens: the clock jumps over it",
        ),
        ("Ελένη Ρήγα", " ", "name: is missing; write who comes"),
        (
            "eleni@example.gr",
            "eleni@",
            "email: This e-mail address is not complete. Write it like name@example.gr.",
        ),
        (
            "6900000001",
            "many",
            "phone: This is not a phone number. Write ten digits, like 6900000000, or + and the country.",
        ),
        (
            "eleni@example.gr,6900000001",
            ",",
            "phone: is missing, and so is email; write one of them, so that the citizen can be reached",
        ),
        (",el,", ",fr,", 'language: "fr" is not spoken here; write el or en'),
        (",el,", ",el,fax", 'channel: birth-certificate is not given by "fax"; write one of: video'),
        (",el,", ",el", "has 9 cells; the first line names 10 columns"),
    ],
)
def test_a_problem_names_its_line_and_the_mend(counter, write, old, new, problem):
    assert problems_of(counter, write(ANYONE, GOOD.replace(old, new))) == [f"line 3: {problem}"]


def test_an_appointment_by_phone_needs_a_number(counter, write):
    line = ANYONE.replace(",,+306900000002", ",jane@example.org,")
    assert problems_of(counter, write(line)) == [
        "line 2: phone: is missing; an appointment by phone needs it"
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_file(counter, write):
    found = problems_of(
        counter,
        write(
            GOOD,
            GOOD.replace("Ελένη", "Άννα"),
            GOOD,
            GOOD.replace("09:30", "soon"),
            GOOD.replace("kep-central", "kep"),
        ),
    )
    assert found[:2] == [
        "line 3: time: 2026-12-03 09:30 is taken already",
        "line 4: is the same as line 2; leave one of them out",
    ]
    assert [problem.split(":")[0] for problem in found[2:]] == ["line 5", "line 6"]


def test_what_is_possible_is_imported_and_the_rest_listed(each_counter, write):
    file = write(GOOD, GOOD.replace("Ελένη", "Άννα"), GOOD.replace("09:30", "soon"), ANYONE)
    report, told = import_appointments(file, each_counter.config, keep_going=True)
    assert report.in_words() == "2 new, 0 known already, 2 with a problem"
    assert told == [
        "old.csv line 3: time: 2026-12-03 09:30 is taken already",
        'old.csv line 4: time: "soon" is no time of day; write it like 09:30',
    ]
    assert [row.citizen_name for row in booked()] == ["Ελένη Ρήγα", "Jane Doe"]


def test_a_check_tells_what_would_happen_and_writes_nothing(each_counter, write):
    file = write(GOOD, GOOD.replace("Ελένη", "Άννα"), ANYONE)
    report, told = import_appointments(file, each_counter.config, check=True)
    assert (report.made, told) == (2, ["old.csv line 3: time: 2026-12-03 09:30 is taken already"])
    assert booked() == []
    assert db.session.scalars(select(Claim)).all() == []


def test_time_kept_for_staff_may_be_imported(counter, write):
    import_appointments(write(GOOD.replace("2026-12-03,09:30", "2026-11-30,13:00")), counter.config)
    assert booked()[0].clerk.login == "k.alexiou"


def test_an_hour_that_comes_twice_means_its_first_run(counter, clock, write):
    with transaction():
        post = db.session.scalar(select(Membership).join(Person).where(Person.login == "k.alexiou"))
        post.hours.append(WorkingHours(weekday=6, from_minute=180, to_minute=240))
    clock.move_to(datetime(2026, 10, 20, tzinfo=UTC))
    import_appointments(write(GOOD.replace("2026-12-03,09:30", "2026-10-25,03:30")), counter.config)
    assert booked()[0].starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (HEADER.replace("clerk", "clark"), 'line 1: there is no column "clark"; did you mean clerk?'),
        (HEADER.removesuffix(",channel"), "line 1: these columns are missing: channel"),
        (HEADER + ",name", "line 1: a column is named twice"),
    ],
)
def test_the_columns_are_checked(counter, write, header, problem):
    assert problems_of(counter, write(GOOD, header=header)) == [f"old.csv: {problem}"]


def test_what_is_no_csv_is_told(counter, write, tmp_path):
    assert problems_of(counter, tmp_path / "none.csv") == [
        "none.csv: cannot be read: No such file or directory"
    ]
    assert problems_of(counter, write(GOOD, encoding="iso8859-7")) == [
        "old.csv: is not UTF-8; save it with that encoding"
    ]
    (problem,) = problems_of(counter, write(GOOD.replace("Ελένη", '"Ελένη" ')))
    assert problem.startswith("old.csv: line 2: is no CSV: ")


def test_the_command_tells_what_it_did(counter, write, monkeypatch, capsys):
    monkeypatch.setattr("portal.cli._app", lambda: counter.app)
    file = write(GOOD, GOOD.replace("Ελένη", "Άννα"))
    assert main(["import-appointments", str(file)]) == 1
    assert "no appointment was imported: 1 problem\n  old.csv line 3: time:" in capsys.readouterr().err
    assert main(["import-appointments", "--check", str(file)]) == 1
    told = capsys.readouterr()
    assert told.out == "nothing was written; it would be: 1 new, 0 known already, 1 with a problem\n"
    assert told.err == "old.csv line 3: time: 2026-12-03 09:30 is taken already\n"
    assert main(["import-appointments", "--keep-going", str(file)]) == 1
    assert capsys.readouterr().out == "1 new, 0 known already, 1 with a problem\n"
    assert main(["import-appointments", str(write(GOOD))]) == 0
    assert capsys.readouterr().out == "0 new, 1 known already, 0 with a problem\n"
