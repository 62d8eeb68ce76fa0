"""The national demonstration, made small: it agrees with itself as if everything had been booked."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, text

from portal import cli, demo
from portal.appointments import availability, occupancy
from portal.appointments.models import Appointment, BusyDay, Claim, RosterVersion
from portal.db import db, transaction
from portal.demo import national, national_days, national_offices
from portal.demo.national_days import Season
from portal.demo.national_offices import staffing
from portal.demo.progress import Progress
from portal.offices.models import Office, Service
from portal.people.models import Membership

SMALL = national.Size(offices=12, clerks=40, past_days=20, coming_days=14)


def silent(done, total):
    """Nobody watches."""


def fill(counter):
    return national.fill(counter.config, SMALL, silent)


def busy_rows():
    rows = db.session.execute(select(BusyDay.__table__).order_by(BusyDay.resource, BusyDay.day))
    return [tuple(row) for row in rows]


def test_there_are_as_many_offices_and_clerks_as_asked_for(each_counter, clock):
    count = fill(each_counter)
    assert db.session.scalar(select(func.count(Office.id))) == SMALL.offices
    serving = Membership.role.in_(("clerk", "supervisor"))
    assert db.session.scalar(select(func.count(Membership.id)).where(serving)) == SMALL.clerks
    assert count == db.session.scalar(select(func.count(Appointment.id))) > 500
    states = Counter(db.session.scalars(select(Appointment.state)))
    assert set(states) == {"booked", "done", "missed"}


def test_nobody_is_booked_twice_and_claims_agree_with_appointments(each_counter, clock):
    fill(each_counter)
    booked = db.session.scalars(select(Appointment).where(Appointment.state == "booked"))
    wanted = Counter(
        (*piece, row.id) for row in booked for piece in occupancy.pieces_of(row, each_counter.booking)
    )
    claims = db.session.execute(select(Claim.resource, Claim.quantum, Claim.appointment_id))
    assert wanted == Counter((resource, quantum, number) for resource, quantum, number in claims)
    assert max(Counter((resource, quantum) for resource, quantum, _ in wanted).values()) == 1
    assert any(resource.startswith("place:") for resource, _, _ in wanted)


def test_busy_days_agree_with_what_bookings_would_have_written(each_counter, clock):
    fill(each_counter)
    bulk = busy_rows()
    with transaction():
        pieces = db.session.execute(select(Claim.resource, Claim.quantum)).all()
        db.session.execute(text("DELETE FROM busy_day"))
        occupancy.busy_days.mark((resource, quantum) for resource, quantum in pieces)
    assert busy_rows() == bulk != []


def test_no_citizen_has_more_ahead_than_is_allowed(counter, clock):
    fill(counter)
    ahead = select(func.count(Appointment.id)).where(Appointment.state == "booked")
    most = max(db.session.scalars(ahead.group_by(Appointment.citizen_id)))
    assert most <= counter.booking.open_appointments


def test_everybody_notices_the_new_staff_and_numbers_go_on(each_counter, clock, booked):
    before = db.session.scalar(select(RosterVersion.number))
    fill(each_counter)
    assert db.session.scalar(select(RosterVersion.number)) != before
    highest = db.session.scalar(select(func.max(Appointment.id)))
    assert booked(each_counter).id == highest + 1


def test_the_next_start_is_the_first_of_all_that_are_offered(counter, clock):
    fill(counter)
    for service in db.session.scalars(select(Service)):
        offered = availability.offer(service, counter.booking)
        assert availability.next_start(service, counter.booking) == offered.next_start() is not None


def test_the_same_day_makes_the_same_data(counter, clock):
    services = db.session.scalars(select(Service).where(~Service.second_clerk)).all()

    def made():
        office = national_offices.counter(4, 5, 9, 100, "Europe/Athens", services)
        season = Season(
            datetime(2026, 11, 30, 6, tzinfo=UTC),
            [date(2026, 11, 27)],
            [date(2026, 11, 30), date(2026, 12, 1)],
        )
        return office, national_days.rows_of(office, season, counter.booking, 1)

    first, second = made(), made()
    assert first == second
    assert len(first[1].appointments) > 10


@pytest.mark.parametrize(
    ("offices", "clerks", "few", "many"),
    [(1021, 2994, 2, 10), (10, 38, 3, 10), (3, 40, 10, 20), (5, 5, 1, 1)],
)
def test_clerks_are_spread_over_small_and_large_offices(offices, clerks, few, many):
    numbers = staffing(offices, clerks)
    assert (len(numbers), sum(numbers)) == (offices, clerks)
    assert (min(numbers), max(numbers)) == (few, many)


class Terminal(io.StringIO):
    """Somebody watches."""

    def isatty(self):
        return True


def test_the_bar_grows_on_a_terminal_and_is_a_few_lines_elsewhere():
    watched, logged = Terminal(), io.StringIO()
    for stream in (watched, logged):
        progress = Progress(stream, "offices")
        for done in range(1, 201):
            progress(done, 200)
    assert watched.getvalue().endswith(f"\roffices [{'#' * 40}] 100 %\n")
    assert logged.getvalue().splitlines()[-2:] == ["offices: 90 %", "offices: 100 %"]
    assert len(logged.getvalue().splitlines()) == 11


@pytest.fixture
def command(monkeypatch, tmp_path):
    """``command()`` runs the command at the small size, in a folder of its own."""
    for name in ("PORTAL_CONFIG", "PORTAL_DATABASE_URL", "PORTAL_REDIS_URL", "PORTAL_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setattr("os.umask", lambda mask: 0)
    monkeypatch.setattr(national, "Size", lambda: SMALL)
    return lambda: cli.main(["demo", "--scale", "national"])


def test_the_command_makes_it_once(command, clock, capsys):
    assert command() == 0
    told = capsys.readouterr()
    assert "national demonstration: 100 %" in told.err
    assert "appointments" in told.out
    assert command() == 0
    assert capsys.readouterr().out == "the national demonstration is there already\n"


def test_the_command_leaves_other_data_alone(command, tmp_path, clock, capsys):
    other = tmp_path / "other.toml"
    other.write_text(demo.CATALOGUE.read_text().replace("kep-branch", "kep-of-somebody"))
    assert cli.main(["db", "upgrade"]) == 0
    assert cli.main(["import", str(other)]) == 0
    capsys.readouterr()
    assert command() == 1
    told = capsys.readouterr()
    assert 'other data than the demonstration\'s (office "kep-of-somebody")' in told.err
    assert "there" not in told.out
