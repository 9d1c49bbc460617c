"""What Alembic runs: the steps on the connection it was given."""

from alembic import context

from mcp_obs_server.accounts import models as accounts_models
from mcp_obs_server.deletions import models as deletions_models
from mcp_obs_server.ingest import models as ingest_models
from mcp_obs_server.kit.database import Base
from mcp_obs_server.processes import models as processes_models
from mcp_obs_server.servers import models as servers_models

TABLES = (
    accounts_models,
    servers_models,
    ingest_models,
    deletions_models,
    processes_models,
)  # importing them fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
