"""What servers sent and was not kept, by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "rejections",
        sa.Column("server_id", sa.Integer, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signal", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("org_id", sa.Integer, nullable=False),
        sa.Column("items", sa.BigInteger, nullable=False),
        sa.Column("exports", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message", sa.String(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["servers.id"], name="fk_rejections_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("server_id", "hour", "signal", "reason", name="pk_rejections"),
    )
