"""The telemetry engine and everything that is kept in it."""

from mcp_obs_server.store.engine import Row
from mcp_obs_server.store.errors import StoreError, StoreLockedError, StoreUnavailableError
from mcp_obs_server.store.telemetry_store import TelemetryStore

__all__ = ["Row", "StoreError", "StoreLockedError", "StoreUnavailableError", "TelemetryStore"]
