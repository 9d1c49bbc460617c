"""The telemetry engine and everything that is kept in it."""

from mcp_obs_server.store.deletion import delete_older_rows, delete_server_rows
from mcp_obs_server.store.engine import Row
from mcp_obs_server.store.errors import BatchRefusedError, StoreError, StoreLockedError, StoreUnavailableError
from mcp_obs_server.store.location import ClickHouse, StoreLocation
from mcp_obs_server.store.lock import FolderLock
from mcp_obs_server.store.table_size import TableSize
from mcp_obs_server.store.telemetry_store import TelemetryStore
from mcp_obs_server.store.user_deletion import delete_user_rows

__all__ = [
    "BatchRefusedError",
    "ClickHouse",
    "FolderLock",
    "Row",
    "StoreError",
    "StoreLocation",
    "StoreLockedError",
    "StoreUnavailableError",
    "TableSize",
    "TelemetryStore",
    "delete_older_rows",
    "delete_server_rows",
    "delete_user_rows",
]
