"""accounts, sessions, kept forms

Revision ID: 0004
Revises: 0003
"""

from contextlib import suppress

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import InvalidToken

from portal.encryption import decrypt, lookup_hashes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("door", sa.String(length=10), nullable=False),
        sa.Column("provider", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("last_login_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("door", "provider", "subject", name=op.f("uq_account_door")),
    )
    op.create_index(op.f("ix_account_person_id"), "account", ["person_id"])
    op.create_table(
        "login_session",
        sa.Column("key", sa.String(length=43), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("door", sa.String(length=10), nullable=False),
        sa.Column("provider", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("provider_session", sa.String(length=255), nullable=False),
        sa.Column("logout_hint_encrypted", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_login_session_person_id_person")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_ends_at"), "login_session", ["ends_at"])
    op.create_index(op.f("ix_login_session_person_id"), "login_session", ["person_id"])
    op.create_index(op.f("ix_login_session_subject"), "login_session", ["subject"])
    op.create_index("ix_login_session_known_as", "login_session", ["provider", "provider_session"])
    op.create_table(
        "kept_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.String(length=500), nullable=False),
        sa.Column("fields_encrypted", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_kept_form_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_form")),
    )
    op.create_index(op.f("ix_kept_form_until"), "kept_form", ["until"])
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("login", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("tax_number_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("address", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("contact_kept_at", sa.DateTime(), nullable=True))
    _take_over_people()
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.alter_column("address", existing_type=sa.JSON(), server_default=None)
        batch_op.drop_constraint(batch_op.f("uq_person_provider"), type_="unique")
        batch_op.drop_column("provider")
        batch_op.drop_column("subject")
        batch_op.create_unique_constraint(batch_op.f("uq_person_login"), ["login"])
        batch_op.create_unique_constraint(batch_op.f("uq_person_tax_number_hash"), ["tax_number_hash"])


def _take_over_people() -> None:
    """Who holds a post is known by his login; whoever was a citizen has an account at the citizens' door.

    Contact details of citizens were kept without asking, so they go; appointments have their own.
    """
    posts = "SELECT person_id FROM membership"
    # A former staff provider may have left a second person of the same name behind; the newer one holds.
    newest = "SELECT MAX(p.id) FROM person p JOIN membership m ON m.person_id = p.id GROUP BY p.subject"
    op.execute(f"UPDATE person SET login = subject WHERE id IN ({newest})")  # noqa: S608
    came = "SELECT citizen_id FROM appointment WHERE citizen_id IS NOT NULL"
    op.execute(
        "INSERT INTO account (person_id, door, provider, subject, last_login_at) "  # noqa: S608
        "SELECT id, 'citizens', provider, subject, created_at FROM person "
        f"WHERE id NOT IN ({posts}) OR id IN ({came})"
    )
    op.execute(f"UPDATE person SET email = '', phone = '' WHERE id NOT IN ({posts})")  # noqa: S608
    _write_hashes()


def _write_hashes() -> None:
    """Citizens are looked up by the hash from now on; of two rows with one number the newer one gets it."""
    person = sa.table("person", *map(sa.column, ("id", "tax_number_encrypted", "tax_number_hash")))
    known = sa.select(person.c.id, person.c.tax_number_encrypted).where(person.c.tax_number_encrypted != "")
    newest = {}
    for number, sealed in op.get_bind().execute(known.order_by(person.c.id)).all():
        with suppress(InvalidToken):
            newest[lookup_hashes(decrypt(sealed.encode()).decode())[0]] = number
    for found, number in newest.items():
        op.execute(person.update().where(person.c.id == number).values(tax_number_hash=found))


def downgrade() -> None:
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=30), nullable=True))
        batch_op.add_column(sa.Column("subject", sa.String(length=255), nullable=True))
    first = "FROM account WHERE account.person_id = person.id ORDER BY account.id LIMIT 1"
    op.execute(
        f"UPDATE person SET provider = COALESCE((SELECT provider {first}), 'unknown'), "  # noqa: S608
        f"subject = COALESCE(login, (SELECT subject {first}), 'person-' || id)"
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_person_login"), type_="unique")
        batch_op.drop_constraint(batch_op.f("uq_person_tax_number_hash"), type_="unique")
        batch_op.alter_column("provider", existing_type=sa.String(length=30), nullable=False)
        batch_op.alter_column("subject", existing_type=sa.String(length=255), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_person_provider"), ["provider", "subject"])
        for name in ("login", "tax_number_hash", "address", "contact_kept_at"):
            batch_op.drop_column(name)
    for table in ("kept_form", "login_session", "account"):
        op.drop_table(table)
