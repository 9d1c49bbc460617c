"""Telemetry for MCP servers that run sessions of a command-line agent, such as Claude Code.

`TracedSessionManager` creates and restores sessions, whose `message`, `checkpoint` and `end` are spans of their own;
`MetricsCollector` counts them.
"""

from mcp_obs.agent_sessions._manager import AgentProcess, Binary, BinaryManager, TracedSessionManager
from mcp_obs.agent_sessions._metrics import MetricsCollector
from mcp_obs.agent_sessions._session import Answer, Session

__all__ = [
    "AgentProcess",
    "Answer",
    "Binary",
    "BinaryManager",
    "MetricsCollector",
    "Session",
    "TracedSessionManager",
]
