"""following parcels

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("number_missing", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("sending_since", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("news", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("label_file", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("label_file")
        batch_op.drop_column("news")
        batch_op.drop_column("sending_since")
        batch_op.drop_column("number_missing")
