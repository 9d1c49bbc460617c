"""Deletions of what a server sent of one user."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("deletions", sa.Column("subject", sa.String(6), nullable=False, server_default="server"))
    op.add_column("deletions", sa.Column("user_id", sa.String(1024)))
