"""How long an organisation keeps what it sends."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("organisations", sa.Column("retention_days", sa.Integer))
