"""The signals that are received."""

from mcp_obs_server.ingest.logs import LOGS
from mcp_obs_server.ingest.metrics import METRICS
from mcp_obs_server.ingest.traces import TRACES

SIGNALS = (TRACES, METRICS, LOGS)
