"""keys by which older verification codes are found, kept when the secret key is removed

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_lookup_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_encrypted", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_lookup_key")),
    )


def downgrade() -> None:
    op.drop_table("former_lookup_key")
