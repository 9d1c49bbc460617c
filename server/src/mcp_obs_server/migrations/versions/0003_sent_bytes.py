"""What organisations sent today, for their quota."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "sent_bytes",
        sa.Column("org_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "day", name="pk_sent_bytes"),
    )
