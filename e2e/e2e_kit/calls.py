"""Calls a real MCP server, instrumented by the SDK, a known number of times.

A program of its own, because the SDK is configured once for each process:
MCP_OBS_API_KEY=... MCP_OBS_ENDPOINT=... python calls.py
"""

import anyio
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

import mcp_obs

FORECASTS = 12
FAILED_FORECASTS = 3
ALERTS = 5
CALLS = FORECASTS + FAILED_FORECASTS + ALERTS


def build_server() -> MCPServer:
    """A server with two tools, one of which fails for places it doesn't know."""
    server = MCPServer("weather")

    @server.tool()
    def forecast(city: str) -> str:  # pyright: ignore[reportUnusedFunction]
        """The weather of tomorrow."""
        if city == "Atlantis":
            raise ToolError("No such city.")
        return f"Fair in {city}"

    @server.tool()
    def alerts(region: str) -> list[str]:  # pyright: ignore[reportUnusedFunction]
        """Warnings for a region."""
        return [f"Storm over {region}"]

    return server


async def main() -> None:
    """Make the calls over the protocol."""
    mcp_obs.configure_mcp_telemetry(server_name="weather")
    async with Client(mcp_obs.instrument(build_server())) as client:
        for _ in range(FORECASTS):
            await client.call_tool("forecast", {"city": "Lima"})
        for _ in range(FAILED_FORECASTS):
            await client.call_tool("forecast", {"city": "Atlantis"})
        for _ in range(ALERTS):
            await client.call_tool("alerts", {"region": "north"})


if __name__ == "__main__":
    anyio.run(main)
