"""Serves over stdio: the agent works on this machine, for the one client that started the server."""

import os

import mcp_obs
from claude_code_mcp.server import create_server
from claude_code_mcp.settings import Settings

server = create_server(Settings.from_environment(os.environ))

mcp_obs.configure_mcp_telemetry(server_name="claude-code-mcp")
mcp_obs.instrument(server)

if __name__ == "__main__":
    server.run("stdio")
