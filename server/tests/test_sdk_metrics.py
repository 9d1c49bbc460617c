"""What the SDK counts in a real MCP server, asked for at a running mcp-obs."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from server_process import new_key, running
from waiting import until

# In the order in which the contract names what is exported, after all the others that have buckets.
LAST = "mcp.session.duration"
SENDER = Path(__file__).parent / "senders/instrumented.py"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """The read API of the server's own, after that server has run and ended."""
    folder = tmp_path_factory.mktemp("metrics")
    with running(folder) as server:
        environment = {
            **os.environ,
            "MCP_OBS_API_KEY": new_key(server, folder),
            "MCP_OBS_ENDPOINT": server.url,
            "MCP_OBS_METRICS": "true",
        }
        await anyio.run_process([sys.executable, SENDER], env=environment)
        token = (folder / "access-token").read_text().strip()
        async with httpx2.AsyncClient(
            base_url=f"{server.url}/api/servers/1/",
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        ) as client:

            async def have_come() -> bool:
                # The metric is known a moment before its buckets are.
                groups = (await client.get("metrics/series", params={"name": LAST})).json()["groups"]
                return any(point["count"] for group in groups for point in group["points"])

            await until(have_come)
            yield client


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def series(
    api: httpx2.AsyncClient, name: str, by: str | None = None
) -> dict[str | None, dict[str, Any]]:
    """The only bucket that has something, by the value that it is split by."""
    query = {"name": name, "range": "24h"} | ({"by": by} if by else {})
    answer = (await api.get("metrics/series", params=query)).raise_for_status().json()
    return {
        one["value"]: next(
            point for point in one["points"] if point.get("count") or point.get("last") is not None
        )
        for one in answer["groups"]
    }


async def test_every_metric_is_recognised_with_its_unit_and_category(api: httpx2.AsyncClient) -> None:
    metrics = (await api.get("metrics")).raise_for_status().json()["metrics"]
    found = {one["name"]: (one["kind"], one["unit"], one["category"]) for one in metrics}
    assert found == {
        "mcp.server.operation.duration": ("histogram", "s", "performance"),
        "mcp.message.latency": ("histogram", "ms", "performance"),
        "mcp.errors": ("sum", "1", "performance"),
        "mcp_obs.feature.usage": ("sum", "{call}", "usage"),
        "mcp.sessions.total": ("sum", "1", "session"),
        "mcp.sessions.active": ("sum", "1", "session"),
        "mcp.session.duration": ("histogram", "s", "session"),
        "mcp.server.session.duration": ("histogram", "s", "session"),
        "process.cpu.time": ("sum", "s", "performance"),
        "process.memory.usage": ("sum", "By", "performance"),
        "process.memory.virtual": ("sum", "By", "performance"),
        "process.unix.file_descriptor.count": ("sum", "{file_descriptor}", "performance"),
        "process.thread.count": ("sum", "{thread}", "performance"),
        "process.uptime": ("gauge", "s", "performance"),
        "otel.sdk.processor.span.processed": ("sum", "{span}", "performance"),
        "otel.sdk.exporter.span.exported": ("sum", "{span}", "performance"),
        "otel.sdk.exporter.operation.duration": ("histogram", "s", "performance"),
        "mcp_obs.exporter.circuit_breaker.state": ("sum", "1", "performance"),
    }


async def test_calls_are_counted_by_tool_and_the_made_up_one_is_other(api: httpx2.AsyncClient) -> None:
    by_tool = await series(api, "mcp.server.operation.duration", by="gen_ai.tool.name")
    assert {tool: point["count"] for tool, point in by_tool.items() if tool} == {"forecast": 3, "_OTHER": 1}
    latency = await series(api, "mcp.message.latency")
    assert latency[None]["count"] == sum(point["count"] for point in by_tool.values())


async def test_the_session_is_over_and_was_one(api: httpx2.AsyncClient) -> None:
    duration = await series(api, "mcp.server.session.duration", by="mcp.protocol.version")
    assert {revision: point["count"] for revision, point in duration.items()} == {"2025-11-25": 1}
    active = await series(api, "mcp.sessions.active")
    assert active[None]["last"] == 0


async def test_the_process_says_what_it_uses(api: httpx2.AsyncClient) -> None:
    memory = await series(api, "process.memory.usage")
    assert 10_000_000 < memory[None]["last"] < 1_000_000_000


async def test_a_dashboard_s_view_has_every_point(api: httpx2.AsyncClient) -> None:
    answer = (await api.get("performance_metrics")).raise_for_status().json()
    names = {row["metric_name"] for row in answer["rows"]}
    assert {"mcp.errors", "mcp.message.latency.count", "process.cpu.time"} <= names
