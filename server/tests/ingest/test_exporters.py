"""Senders with no SDK of ours: what they export arrives, and reads like ours does."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, open_door

SENDERS = Path(__file__).parents[1] / "senders"
COLUMNS = "method, tool, outcome, error_type, kind, scope_name"


async def run(door: Door, *command: str | Path, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": door.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{KEY}",
            "OTEL_SERVICE_NAME": "sender",
            **environment,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
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


async def test_opentelemetrys_javascript_exports_in_protobuf_and_json_are_stored_alike(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    stored: list[object] = []
    for number, encoding in enumerate(("protobuf", "json")):
        async with open_door(tmp_path / encoding, store, org_id * 10 + number, now=None) as door:
            await run(door, "node", SENDERS / "javascript" / "export.mjs", encoding)
            (row,) = await door.spans(
                "name, kind, status, status_message, method, tool, outcome, attribute_types, scope_name, scope_version,"
                " mapFilter((k, v) -> k != 'list', attributes) AS attributes,"
                " arrayMap(e -> (e.name, e.attributes, e.attribute_types), events) AS events,"
                " resource_attributes['service.name'] AS service"
            )
            stored.append(row)
    assert stored[0] == stored[1]
    assert stored[0] == snapshot(
        {
            "name": "tools/call add",
            "kind": "server",
            "status": "error",
            "status_message": "broken",
            "method": "tools/call",
            "tool": "add",
            "outcome": "error",
            "attribute_types": {"zero": "int", "half": "double", "no": "bool", "list": "array"},
            "scope_name": "javascript",
            "scope_version": "1.0",
            "attributes": {"zero": "0", "half": "0.5", "no": "false", "empty": ""},
            "events": [("started", {"attempt": "1"}, {"attempt": "int"})],
            "service": "unknown_service:node",
        }
    )


@pytest.mark.parametrize(
    "way", [{}, {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100"}], ids=["lean", "OpenTelemetry's"]
)
async def test_calls_of_which_a_tenth_is_kept_are_counted_as_all_that_there_were(
    now_door: Door, way: dict[str, str]
) -> None:
    environment = {"MCP_OBS_ENDPOINT": now_door.url, "MCP_OBS_API_KEY": KEY, "MCP_OBS_SAMPLER": "ratio:0.1"}
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_HEADERS": ""}
    await run(now_door, sys.executable, SENDERS / "sampled.py", **environment | ours | way)
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
