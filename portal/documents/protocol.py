"""The protocol of an office: each case gets the next number of its series and year, and a due date.

The number is taken by one statement in the transaction that opens the case. Whoever comes second waits for
that transaction: if it is rolled back, he gets the number, so that none is given twice and none is left out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.db import db, must_be_writing
from portal.documents.models import DocumentRequest, ProtocolCounter
from portal.offices.models import Office

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def enter(request: DocumentRequest) -> None:
    """Give the case its number and the day by which it is to be decided, on the office's calendar."""
    must_be_writing()
    office, service = request.appointment.office, request.appointment.service
    today = clock.now().astimezone(ZoneInfo(office.time_zone)).date()
    days = service.due_days or current_app.config["PORTAL"].portal.case_days
    request.office_id, request.series, request.year = office.id, series_of(office), today.year
    request.due_on = today + timedelta(days=days)
    request.number = _next_number(office.id, request.series, today.year)


def series_of(office: Office) -> str:
    """What stands before the numbers of this office."""
    return office.protocol_series or office.key.upper()


def _next_number(office_id: int, series: str, year: int) -> int:
    insert = INSERTS[db.engine.dialect.name](ProtocolCounter)
    first = insert.values(office_id=office_id, series=series, year=year, last=1)
    following = first.on_conflict_do_update(
        index_elements=["office_id", "series", "year"], set_={"last": ProtocolCounter.last + 1}
    )
    number: int = db.session.execute(following.returning(ProtocolCounter.last)).scalar_one()
    return number
