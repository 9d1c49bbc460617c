"""What happened in this trace?"""

from mcp_obs_server.analytics.span_row import WHOLE, whole
from mcp_obs_server.analytics.span_schemas import Trace
from mcp_obs_server.kit.errors import NotFoundError
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore

# A page can't show more, and a loop that never ends its trace would not fit into memory.
MOST_SPANS = 2000

# The index on trace_id leaves a few thousand rows of millions to read.
SQL = f"""
SELECT {WHOLE}
FROM spans
WHERE org_id = {{org_id:UInt32}} AND server_id = {{server_id:UInt32}} AND trace_id = unhex({{trace_id:String}})
ORDER BY time, span_id
LIMIT {MOST_SPANS + 1}
"""


async def trace(store: TelemetryStore, scope: ServerScope, trace_id: str) -> Trace:
    """Every span of a trace that this server sent, whole. Raises NotFoundError when there is none."""
    parameters = {"org_id": scope.org_id, "server_id": scope.server_id, "trace_id": trace_id}
    rows = await store.rows(SQL, parameters)
    if not rows:
        raise NotFoundError(f"This server sent no span of the trace {trace_id}, or none that is still kept.")
    spans = [whole(row) for row in rows[:MOST_SPANS]]
    return Trace(trace_id=trace_id.lower(), spans=spans, is_truncated=len(rows) > MOST_SPANS)
