"""A real MCP server, instrumented by the SDK, and a client that calls it: two calls answered, one failed, one unknown.

MCP_OBS_API_KEY=... MCP_OBS_ENDPOINT=... MCP_OBS_METRICS=true python instrumented.py
"""

import anyio
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

import mcp_obs
from mcp_obs import _exit

# On a busy machine all of it takes more than an exit's half second to arrive.
_exit.EXIT_SECONDS = 60.0
server = MCPServer("weather")


@server.tool()
def forecast(city: str) -> str:
    """The weather of tomorrow."""
    if city == "Atlantis":
        raise ToolError("No such city.")
    return f"Fair in {city}"


async def main() -> None:
    """Make the calls over a session."""
    mcp_obs.configure_mcp_telemetry(server_name="weather")
    async with Client(mcp_obs.instrument(server), mode="legacy") as client:
        for city in ("Lima", "Oslo", "Atlantis"):
            await client.call_tool("forecast", {"city": city})
        await client.call_tool("made_up", {})


if __name__ == "__main__":
    anyio.run(main)
