"""cases: protocol numbers, due dates, decisions, citizens' papers

Revision ID: 0009
Revises: 0008
"""

from collections import Counter
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DAYS = 50
"""In so many days the cases of before were due."""

office = sa.table("office", sa.column("id"), sa.column("key"), sa.column("time_zone"))
appointment = sa.table("appointment", sa.column("id"), sa.column("office_id"))
request = sa.table(
    "document_request",
    sa.column("id"),
    sa.column("appointment_id"),
    sa.column("state"),
    sa.column("created_at", sa.DateTime()),
    sa.column("office_id"),
    sa.column("series"),
    sa.column("year"),
    sa.column("number"),
    sa.column("due_on", sa.Date()),
    sa.column("decision"),
)
counter = sa.table(
    "protocol_counter", sa.column("office_id"), sa.column("series"), sa.column("year"), sa.column("last")
)
KINDS: dict[str, Any] = {"series": sa.String(length=40), "due_on": sa.Date()}
GIVEN = ("office_id", "series", "year", "number", "due_on")


def upgrade() -> None:
    _make_tables()
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("protocol_series", sa.String(length=40), nullable=False, server_default="")
        )
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_days", sa.Integer(), nullable=True))
    with op.batch_alter_table("document_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("office_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("series", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("year", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("number", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("decision", sa.String(length=10), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    _number_old_cases()
    with op.batch_alter_table("document_request", schema=None) as batch_op:
        for name in GIVEN:
            batch_op.alter_column(name, existing_type=KINDS.get(name, sa.Integer()), nullable=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_document_request_office_id_office"), "office", ["office_id"], ["id"]
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_document_request_office_id"), ["office_id", "series", "year", "number"]
        )
        batch_op.create_index(batch_op.f("ix_document_request_due_on"), ["due_on"], unique=False)




def _number_old_cases() -> None:
    """Cases of before get the numbers that they would have had, in the order in which they were opened."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(request.c.id, request.c.state, request.c.created_at, office.c.id, office.c.key, office.c.time_zone)
        .join(appointment, appointment.c.id == request.c.appointment_id)
        .join(office, office.c.id == appointment.c.office_id)
        .order_by(request.c.id)
    ).all()
    last: Counter[tuple[int, str, int]] = Counter()
    for number, state, created_at, office_id, key, zone in rows:
        day = created_at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        place = (office_id, key.upper(), day.year)
        last[place] += 1
        values = (*place, last[place], day + timedelta(days=DAYS))
        decision = "granted" if state in ("issued", "completed") else ""
        connection.execute(
            sa.update(request)
            .where(request.c.id == number)
            .values(**dict(zip(GIVEN, values, strict=True)), decision=decision)
        )
    for (office_id, series, year), number in last.items():
        connection.execute(
            sa.insert(counter).values(office_id=office_id, series=series, year=year, last=number)
        )


def _make_tables() -> None:
    op.create_table(
        "protocol_counter",
        sa.Column("office_id", sa.Integer(), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id"], ["office.id"], name=op.f("fk_protocol_counter_office_id_office")
        ),
        sa.PrimaryKeyConstraint("office_id", "series", "year", name=op.f("pk_protocol_counter")),
    )
    op.create_table(
        "asked_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["document_request.id"], name=op.f("fk_asked_paper_request_id_document_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_paper")),
        sa.UniqueConstraint("key", name=op.f("uq_asked_paper_key")),
    )
    op.create_index(op.f("ix_asked_paper_request_id"), "asked_paper", ["request_id"])
    op.create_table(
        "sent_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=150), nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_as", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=False),
        sa.Column("sent_by", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["asked_paper.id"], name=op.f("fk_sent_paper_paper_id_asked_paper")
        ),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_sent_paper_sent_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_paper")),
        sa.UniqueConstraint("key", name=op.f("uq_sent_paper_key")),
    )
    op.create_index(op.f("ix_sent_paper_paper_id"), "sent_paper", ["paper_id"])


def downgrade() -> None:
    op.drop_table("sent_paper")
    op.drop_table("asked_paper")
    op.drop_table("protocol_counter")
    connection = op.get_bind()
    # The version of before knows one state of what is not issued yet, and one of what never will be.
    connection.execute(
        sa.update(request).where(request.c.state.in_(["needs_papers", "in_review"])).values(state="to_issue")
    )
    connection.execute(sa.update(request).where(request.c.state == "refused").values(state="withdrawn"))
    with op.batch_alter_table("document_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_document_request_due_on"))
        batch_op.drop_constraint(batch_op.f("uq_document_request_office_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_document_request_office_id_office"), type_="foreignkey")
        for name in (*GIVEN, "version", "decision", "decided_at", "reason"):
            batch_op.drop_column(name)
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.drop_column("due_days")
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.drop_column("protocol_series")
