"""sound only, calls that go on by phone, links for one browser

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("video_room", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sound_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_phone_since", sa.DateTime(), nullable=True))
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("browser", sa.String(length=22), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.drop_column("browser")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_column("by_phone_since")
    with op.batch_alter_table("video_room", schema=None) as batch_op:
        batch_op.drop_column("sound_only")
