"""scheduling rules

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('busy_day',
    sa.Column('resource', sa.String(length=40), nullable=False),
    sa.Column('day', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('word_0', sa.BigInteger(), nullable=False),
    sa.Column('word_1', sa.BigInteger(), nullable=False),
    sa.Column('word_2', sa.BigInteger(), nullable=False),
    sa.Column('word_3', sa.BigInteger(), nullable=False),
    sa.Column('word_4', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('resource', 'day', name=op.f('pk_busy_day'))
    )
    op.create_table('roster_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_roster_version'))
    )
    op.create_table('open_day',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('office_id', sa.Integer(), nullable=True),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('reason', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_open_day_office_id_office')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_open_day'))
    )
    op.create_table('earlier_wish',
    sa.Column('appointment_id', sa.Integer(), nullable=False),
    sa.Column('wished_at', sa.DateTime(), nullable=False),
    sa.Column('offered_at', sa.DateTime(), nullable=True),
    sa.Column('offer_ends_at', sa.DateTime(), nullable=True),
    sa.Column('offered', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['appointment_id'], ['appointment.id'], name=op.f('fk_earlier_wish_appointment_id_appointment')),
    sa.PrimaryKeyConstraint('appointment_id', name=op.f('pk_earlier_wish'))
    )
    with op.batch_alter_table('earlier_wish', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_earlier_wish_wished_at'), ['wished_at'], unique=False)

    with op.batch_alter_table('appointment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('second_clerk_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('interpreter_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('channel', sa.String(length=12), nullable=False, server_default='video'))
        batch_op.add_column(sa.Column('place', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('request_key', sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f('ix_appointment_interpreter_id'), ['interpreter_id'], unique=False)
        batch_op.create_unique_constraint(batch_op.f('uq_appointment_request_key'), ['request_key'])
        batch_op.create_foreign_key(batch_op.f('fk_appointment_interpreter_id_person'), 'person', ['interpreter_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_appointment_second_clerk_id_person'), 'person', ['second_clerk_id'], ['id'])

    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.create_index('ix_claim_expires_at', ['expires_at'], unique=False, postgresql_where=sa.text('expires_at IS NOT NULL'), sqlite_where=sa.text('expires_at IS NOT NULL'))

    with op.batch_alter_table('office', schema=None) as batch_op:
        batch_op.add_column(sa.Column('capacity', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('search_text', sa.String(length=600), nullable=False, server_default=''))

    with op.batch_alter_table('service', schema=None) as batch_op:
        batch_op.add_column(sa.Column('channels', sa.JSON(), nullable=False, server_default='["video"]'))
        batch_op.add_column(sa.Column('second_clerk', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('working_hours', schema=None) as batch_op:
        batch_op.add_column(sa.Column('on_day', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('channels', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('released_minutes', sa.Integer(), nullable=True))

    op.execute("INSERT INTO roster_version (id, number) VALUES (1, 1)")
    op.execute("UPDATE claim SET resource = 'staff:' || substr(resource, 7) WHERE resource LIKE 'clerk:%'")
    _fill_busy_days()


def _fill_busy_days() -> None:
    """The bits of all claims there are; portal.appointments.busy_days keeps them from now on."""
    words = ", ".join(
        f"CAST(SUM(CASE WHEN (quantum % 288) / 60 = {number} "
        "THEN CAST(1 AS BIGINT) << ((quantum % 288) % 60) ELSE 0 END) AS BIGINT)"
        for number in range(5)
    )
    op.execute(
        "INSERT INTO busy_day (resource, day, word_0, word_1, word_2, word_3, word_4) "
        f"SELECT resource, quantum / 288, {words} FROM claim "
        "WHERE resource NOT LIKE 'citizen:%' GROUP BY resource, quantum / 288"
    )


def downgrade() -> None:
    op.execute("DELETE FROM claim WHERE resource LIKE 'place:%'")
    op.execute("UPDATE claim SET resource = 'clerk:' || substr(resource, 7) WHERE resource LIKE 'staff:%'")
    with op.batch_alter_table('working_hours', schema=None) as batch_op:
        batch_op.drop_column('released_minutes')
        batch_op.drop_column('channels')
        batch_op.drop_column('on_day')

    with op.batch_alter_table('service', schema=None) as batch_op:
        batch_op.drop_column('second_clerk')
        batch_op.drop_column('channels')

    with op.batch_alter_table('office', schema=None) as batch_op:
        batch_op.drop_column('search_text')
        batch_op.drop_column('capacity')

    with op.batch_alter_table('claim', schema=None) as batch_op:
        batch_op.drop_index('ix_claim_expires_at', postgresql_where=sa.text('expires_at IS NOT NULL'), sqlite_where=sa.text('expires_at IS NOT NULL'))

    with op.batch_alter_table('appointment', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_appointment_second_clerk_id_person'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_appointment_interpreter_id_person'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_appointment_request_key'), type_='unique')
        batch_op.drop_index(batch_op.f('ix_appointment_interpreter_id'))
        batch_op.drop_column('request_key')
        batch_op.drop_column('place')
        batch_op.drop_column('channel')
        batch_op.drop_column('interpreter_id')
        batch_op.drop_column('second_clerk_id')

    with op.batch_alter_table('earlier_wish', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_earlier_wish_wished_at'))

    op.drop_table('earlier_wish')
    op.drop_table('open_day')
    op.drop_table('roster_version')
    op.drop_table('busy_day')
