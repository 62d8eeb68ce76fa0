"""Brings in appointments of a former system from a CSV file, through the same guard as every booking.

Called by `portal import-appointments`; docs/running.md tells how the file is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal import audit, clock, scheduling
from portal.appointments import availability, lifecycle, messages, roster
from portal.appointments.imported_lines import Line, Problem, UnreadableFile, read_lines
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.catalogue.checks import no_such
from portal.config import Config
from portal.db import attempt, db
from portal.offices.models import Office, Service
from portal.people.models import Membership, Person

BATCH = 50
"""Lines that are written together with ``keep_going``; others who book wait no longer than these take."""


class ImportProblems(Exception):
    """Nothing was imported. ``problems`` are complete lines, in the order of the file."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__("\n  ".join([f"no appointment was imported: {count}", *problems]))


@dataclass
class Report:
    """What an import did, or would do."""

    made: int = 0
    known: int = 0
    """Lines that had been imported before."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Count ``other`` in."""
        self.made += other.made
        self.known += other.known
        self.problems += other.problems

    def in_words(self) -> str:
        """The numbers, for whoever ran the import."""
        return f"{self.made} new, {self.known} known already, {len(self.problems)} with a problem"


@dataclass(frozen=True)
class Order:
    """One line with everything that it names, ready to be booked."""

    line: Line
    service: Service
    office: Office
    starts_at: datetime
    wish: Wish


class _Refused(Exception):
    """The line cannot be booked; the text says why."""


def import_appointments(
    path: Path, config: Config, check: bool = False, keep_going: bool = False, notify: bool = False
) -> tuple[Report, list[str]]:
    """Import the whole file or nothing of it; with ``keep_going`` all that can be.

    ``check`` tells what would happen and writes nothing; citizens get messages only with ``notify``. The
    answer is the report with its problems as complete lines. A line that was imported before is left
    alone. Raises ImportProblems.
    """
    try:
        lines, problems = read_lines(path, config.municipality.default_language)
    except UnreadableFile as reason:
        raise ImportProblems([f"{path.name}: {reason}"]) from None
    importing = _Importing(config, lines, notify)
    report = importing.in_batches() if keep_going and not check else importing.at_once(problems, check)
    if keep_going and not check:
        report.problems += problems
    told = [f"{path.name} line {number}: {text}" for number, text in sorted(report.problems)]
    if told and not keep_going and not check:
        raise ImportProblems(told)
    return report, told


class _Undone(Exception):
    """Leaves the transaction without writing, with what was found out."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class _Importing:
    """One run over the lines of one file."""

    def __init__(self, config: Config, lines: Sequence[Line], notify: bool) -> None:
        self._config, self._lines, self._notify = config, lines, notify
        self._services = {row.key: row for row in db.session.scalars(select(Service).filter_by(active=True))}
        self._offices = {row.key: row for row in db.session.scalars(select(Office).filter_by(active=True))}
        self._clerks = _clerks()
        self._first = _first_lines(lines)

    def at_once(self, problems: Sequence[Problem], check: bool) -> Report:
        """All lines in one transaction, which is undone when there is any problem or for a check."""

        def bring_in_all() -> Report:
            report = self._bring_in(self._lines)
            report.problems += problems
            if report.problems or check:
                raise _Undone(report)
            return report

        try:
            return attempt(bring_in_all)
        except _Undone as undone:
            return undone.report

    def in_batches(self) -> Report:
        """Some lines at a time, so that others can book meanwhile."""
        report = Report()
        rest = iter(self._lines)
        while batch := list(islice(rest, BATCH)):
            report.add(attempt(lambda lines=batch: self._bring_in(lines)))  # type: ignore[misc]
        return report

    def _bring_in(self, lines: Sequence[Line]) -> Report:
        report = Report()
        for line in lines:
            try:
                if self._is_known(line):
                    report.known += 1
                else:
                    self._book(self._order(line))
                    report.made += 1
            except _Refused as reason:
                report.problems.append((line.number, str(reason)))
        return report

    def _is_known(self, line: Line) -> bool:
        first = self._first[line.request_key]
        if first != line.number:
            raise _Refused(f"is the same as line {first}; leave one of them out")
        return lifecycle.made_by(line.request_key) is not None

    def _order(self, line: Line) -> Order:
        """What the line names, looked up. Raises _Refused."""
        service, office = self._services.get(line.service), self._offices.get(line.office)
        if service is None:
            raise _Refused(f"service: {no_such('service', line.service, self._services)}")
        if office is None:
            raise _Refused(f"office: {no_such('office', line.office, self._offices)}")
        channel = line.channel or service.channels[0]
        if channel not in service.channels:
            given = ", ".join(service.channels)
            raise _Refused(f'channel: {service.key} is not given by "{channel}"; write one of: {given}')
        if channel == "phone" and not line.phone:
            raise _Refused("phone: is missing; an appointment by phone needs it")
        wish = Wish(channel, clerk_id=self._clerk(line, service, office), by_staff=True)
        return Order(line, service, office, self._start(line, office), wish)

    def _clerk(self, line: Line, service: Service, office: Office) -> int | None:
        if not line.clerk:
            return None
        clerk = self._clerks.get(line.clerk)
        if clerk is None:
            raise _Refused(f"clerk: {no_such('clerk', line.clerk, self._clerks)}")
        posts = roster.of_service(service).posts
        if not any(post.person == clerk and post.office == office.id for post in posts):
            raise _Refused(f"clerk: {line.clerk} does not give {service.key} in {office.key}")
        return clerk

    def _start(self, line: Line, office: Office) -> datetime:
        """The instant that the clock of the office means; of an hour that comes twice the first run."""
        starts_at = scheduling.wall_clock(line.day, line.minute, office.time_zone)
        local = starts_at.astimezone(ZoneInfo(office.time_zone))
        if local.hour * 60 + local.minute != line.minute:
            raise _Refused(f"time: there is no {line.when} in {office.time_zone}: the clock jumps over it")
        if starts_at <= clock.now():
            raise _Refused(f"day: {line.when} is past; import only what is ahead")
        raster = self._config.booking.raster_minutes
        if line.minute % raster:
            raise _Refused(f"time: {line.when} is not offered; appointments begin every {raster} minutes")
        return starts_at

    def _book(self, order: Order) -> None:
        line, rules = order.line, self._config.booking
        try:
            with db.session.begin_nested():
                appointment = lifecycle.hold(
                    order.service,
                    rules,
                    order.office,
                    order.starts_at,
                    None,
                    line.language,
                    order.wish,
                    line.request_key,
                )
                lifecycle.confirm(appointment, rules, None, _details(line), None, self._notify)
                audit.record(None, "imported", messages.subject(appointment), line=line.number)
        except TimeTaken:
            raise _Refused(self._why_not(order)) from None

    def _why_not(self, order: Order) -> str:
        """Why nobody could take the time: too far ahead, outside the hours, or taken already."""
        line, service, office = order.line, order.service, order.office
        today = clock.now().astimezone(ZoneInfo(office.time_zone)).date()
        if line.day > today + timedelta(days=service.horizon_days):
            return (
                f"day: {line.day} is too far ahead; {service.key} is booked for {service.horizon_days} days "
                "(horizon_days in the catalogue)"
            )
        asked = availability.search(service, self._config.booking, office, line.day, 1, None, order.wish)
        bit = 1 << (scheduling.quantum_of(order.starts_at) - asked.window.first_quantum)
        if not any(fit & bit for _, fit in asked.crew(office.id)):
            whose = f"the hours of {line.clerk}" if line.clerk else "everybody's hours"
            return (
                f"time: {line.when} for {asked.minutes} minutes is outside {whose} "
                f"for {service.key} by {order.wish.channel} in {office.key}"
            )
        return f"time: {line.when} is taken already"


def _first_lines(lines: Sequence[Line]) -> Mapping[str, int]:
    """For each different line, where it stands first."""
    found: dict[str, int] = {}
    for line in lines:
        found.setdefault(line.request_key, line.number)
    return found


def _clerks() -> Mapping[str, int]:
    """Who serves somewhere, by login."""
    rows = db.session.execute(
        select(Person.login, Person.id)
        .join(Membership, Membership.person_id == Person.id)
        .where(Person.login.is_not(None), Membership.active, Membership.role != roster.INTERPRETER)
    )
    return {login: number for login, number in rows if login}


def _details(line: Line) -> lifecycle.Details:
    return lifecycle.Details(line.name, line.email, line.phone, line.language, paper="")
