"""How much of a trace has been stored?"""

from mcp_obs_server.analytics.span_schemas import ReceivedTrace
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore

# As many as a trace shows; what is sent twice is stored once.
SQL = """
SELECT count() AS spans
FROM spans
WHERE org_id = {org_id:UInt32} AND server_id = {server_id:UInt32} AND trace_id = unhex({trace_id:String})
"""


async def received(store: TelemetryStore, scope: ServerScope, trace_id: str) -> ReceivedTrace:
    """The number of this server's spans in a trace, and nothing of what they say."""
    parameters = {"org_id": scope.org_id, "server_id": scope.server_id, "trace_id": trace_id}
    rows = await store.rows(SQL, parameters)
    return ReceivedTrace(trace_id=trace_id.lower(), spans=rows[0]["spans"])
