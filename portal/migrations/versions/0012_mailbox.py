"""documents that their owner opens, archives and deletes

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FIRST_OPENED = """
UPDATE issued_document SET opened_at = (
    SELECT MIN(line.at) FROM audit_line AS line
    JOIN document_request AS request ON line.subject = 'appointment:' || request.appointment_id
    WHERE request.id = issued_document.request_id
    AND line.deed = 'document opened' AND line.at >= issued_document.added_at
)
"""


def upgrade() -> None:
    with op.batch_alter_table("issued_document", schema=None) as batch_op:
        for name in ("opened_at", "archived_at", "deleted_at"):
            batch_op.add_column(sa.Column(name, sa.DateTime(), nullable=True))
    op.execute(FIRST_OPENED)


def downgrade() -> None:
    with op.batch_alter_table("issued_document", schema=None) as batch_op:
        for name in ("deleted_at", "archived_at", "opened_at"):
            batch_op.drop_column(name)
