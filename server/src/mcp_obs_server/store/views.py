"""Every view of the store: derived from the contract and the tables, so rebuilt when they change, never migrated."""

from mcp_obs_server.store import (
    decode,
    decode_logs,
    decode_metrics,
    named_views,
    roll_up_metrics,
    roll_up_operations,
)

# In the order in which they stand on each other.
VIEWS = {
    **decode.VIEWS,
    **roll_up_operations.VIEWS,
    **decode_metrics.VIEWS,
    **roll_up_metrics.VIEWS,
    **decode_logs.VIEWS,
    **named_views.VIEWS,
}
