"""The signals that are received."""

from mcp_obs_server.ingest.traces import TRACES

SIGNALS = (TRACES,)
