"""The processes that share a control plane, and which of them are through with a deletion."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("host_name", sa.String(255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_processes"),
    )
    op.create_table(
        "deletion_passes",
        sa.Column("deletion_id", sa.Integer, nullable=False),
        sa.Column("process_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["deletion_id"], ["deletions.id"], name="fk_deletion_passes_deletion_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["process_id"], ["processes.id"], name="fk_deletion_passes_process_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("deletion_id", "process_id", name="pk_deletion_passes"),
    )
