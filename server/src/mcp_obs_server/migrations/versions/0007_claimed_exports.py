"""Which segment brings an export into the store."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "claimed_exports",
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("origin", sa.String(46), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_claimed_exports"),
    )
    op.create_index("ix_claimed_exports_claimed_at", "claimed_exports", ["claimed_at"])
