"""pick-up points of carriers

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pickup_point",
        sa.Column("provider", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("postal_number", sa.Integer(), nullable=False),
        sa.Column("town", sa.String(length=80), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "code", name=op.f("pk_pickup_point")),
    )
    op.create_index("ix_pickup_point_postal", "pickup_point", ["provider", "postal_number"])
    op.create_table(
        "pickup_point_word",
        sa.Column("provider", sa.String(length=30), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("provider", "word", "code", name=op.f("pk_pickup_point_word")),
    )


def downgrade() -> None:
    op.drop_table("pickup_point_word")
    op.drop_index("ix_pickup_point_postal", table_name="pickup_point")
    op.drop_table("pickup_point")
