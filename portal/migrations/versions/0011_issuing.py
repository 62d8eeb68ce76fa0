"""certificates from templates, approval by a second person, records of verification

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("document_type", sa.JSON(), nullable=False),
        sa.Column("issuer", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("time_zone", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_verification_code_hash")),
    )
    op.create_table(
        "prepared_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=150), nullable=False),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_as", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=30), nullable=False),
        sa.Column("recipient", sa.JSON(), nullable=False),
        sa.Column("prepared_by", sa.Integer(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("verification_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["person.id"], name=op.f("fk_prepared_document_approved_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["prepared_by"], ["person.id"], name=op.f("fk_prepared_document_prepared_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["document_request.id"],
            name=op.f("fk_prepared_document_request_id_document_request"),
        ),
        sa.ForeignKeyConstraint(
            ["verification_id"],
            ["verification.id"],
            name=op.f("fk_prepared_document_verification_id_verification"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_document")),
        sa.UniqueConstraint("key", name=op.f("uq_prepared_document_key")),
        sa.UniqueConstraint("request_id", name=op.f("uq_prepared_document_request_id")),
    )
    with op.batch_alter_table("issued_document", schema=None) as batch_op:
        batch_op.add_column(sa.Column("approved_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("verification_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_issued_document_approved_by_person"), "person", ["approved_by"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_issued_document_verification_id_verification"),
            "verification",
            ["verification_id"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("document_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sent_back", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.add_column(sa.Column("approves", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("certificate", sa.String(length=60), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("approval", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.drop_column("approval")
        batch_op.drop_column("certificate")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_column("approves")
    with op.batch_alter_table("document_request", schema=None) as batch_op:
        batch_op.drop_column("sent_back")
    with op.batch_alter_table("issued_document", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_issued_document_verification_id_verification"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("fk_issued_document_approved_by_person"), type_="foreignkey")
        batch_op.drop_column("verification_id")
        batch_op.drop_column("approved_by")
    op.drop_table("prepared_document")
    op.drop_table("verification")
