"""Senders with no SDK of ours: what they export arrives, and reads like ours does."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, open_door
from sender import SENDERS, environment, running

COLUMNS = "method, tool, outcome, error_type, kind, scope_name"


async def run(door: Door, *command: str | Path, **variables: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment(door.url, KEY), **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    assert b"Failed to export" not in errors


async def test_mcp_2_reports_natively(now_door: Door) -> None:
    await run(now_door, sys.executable, SENDERS / "mcp_native.py")
    handled = [tuple(row.values()) for row in await now_door.spans(COLUMNS) if row["kind"] == "server"]
    assert handled == snapshot(
        [
            ("server/discover", "", "ok", "", "server", "mcp-python-sdk"),
            ("tools/list", "", "ok", "", "server", "mcp-python-sdk"),
            ("tools/call", "add", "ok", "", "server", "mcp-python-sdk"),
            ("tools/call", "add", "ok", "", "server", "mcp-python-sdk"),
            ("tools/call", "fail", "error", "tool_error", "server", "mcp-python-sdk"),
        ]
    )


async def test_fastmcp_4_reports_natively(now_door: Door) -> None:
    await run(now_door, sys.executable, SENDERS / "fastmcp_native.py", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    handled = [tuple(row.values()) for row in await now_door.spans(COLUMNS) if row["kind"] == "server"]
    assert handled == snapshot(
        [
            ("server/discover", "", "ok", "", "server", "fastmcp"),
            ("tools/call", "add", "ok", "", "server", "fastmcp"),
            ("tools/list", "", "ok", "", "server", "fastmcp"),
            ("tools/call", "add", "ok", "", "server", "fastmcp"),
            ("tools/call", "fail", "error", "tool_error", "server", "fastmcp"),
        ]
    )


async def test_rusts_exporter_over_grpc_is_understood(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    arrived = asyncio.Event()

    class Watched(Receiver):
        async def take(self, passage: Passage, body: bytes, is_json: bool) -> Mapping[Reason, int]:
            taken = await super().take(passage, body, is_json)
            arrived.set()
            return taken

    async with open_door(tmp_path, store, org_id, now=time.time_ns, receiver_type=Watched) as door:
        command = (sys.executable, SENDERS / "rust_grpc.py")
        variables = environment(f"http://{door.grpc_address}", KEY)
        async with running(*command, variables=variables), asyncio.timeout(60):
            await arrived.wait()
        (point, *_) = await door.metric_points(
            "metric_name, int_value, attributes['tool'] AS tool,"
            " resource_attributes['telemetry.sdk.language'] AS language"
        )
        assert point == {"metric_name": "tool.calls", "int_value": 3, "tool": "add", "language": "rust"}


@pytest.mark.parametrize(
    "way", [{}, {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100"}], ids=["lean", "OpenTelemetry's"]
)
async def test_calls_of_which_a_tenth_is_kept_are_counted_as_all_that_there_were(
    now_door: Door, way: dict[str, str]
) -> None:
    variables = {"MCP_OBS_ENDPOINT": now_door.url, "MCP_OBS_API_KEY": KEY, "MCP_OBS_SAMPLER": "ratio:0.1"}
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_HEADERS": ""}
    await run(now_door, sys.executable, SENDERS / "sampled.py", **variables | ours | way)
    kept = await now_door.spans("outcome, sampling_weight")
    assert {row["sampling_weight"] for row in kept} == {10.0}
    (counted,) = await now_door.store.rows(
        "SELECT toUInt64(sum(calls)) AS calls, toUInt64(sum(errors)) AS errors FROM operations_15m"
        " WHERE grain = 'server' AND org_id = {org_id:UInt32}",
        {"org_id": now_door.org_id},
    )
    errors = sum(row["outcome"] == "error" for row in kept)
    assert counted == {"calls": 10 * len(kept), "errors": 10 * errors}
    # 5,000 calls and 250 errors: within three standard deviations, which the fixed ids make the same every time.
    assert 4_364 < counted["calls"] < 5_636
    assert 108 < counted["errors"] < 392
