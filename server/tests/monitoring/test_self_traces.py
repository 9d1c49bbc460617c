"""mcp-obs's own traces: what is recorded, that it comes to rest, and that nobody notices when it fails."""

import asyncio
import re
import signal
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from inline_snapshot import snapshot
from opentelemetry.sdk.trace import TracerProvider
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from control_plane import ControlPlane, Time
from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.ingest.committer import Committer
from mcp_obs_server.monitoring.request_times import Request, RequestTimes
from mcp_obs_server.monitoring.self_traces import SelfTraces
from mcp_obs_server.monitoring.thinned import Thinned
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import StoreUnavailableError, TelemetryStore
from otlp_door import KEY, Door, open_door
from otlp_exports import export
from server_process import new_key, running
from waiting import until

OWN = 77


@dataclass
class Watched:
    """A door, and the spans about it."""

    door: Door
    self_traces: SelfTraces
    provider: TracerProvider

    @property
    def committer(self) -> Committer:
        return self.door.committers["traces"]

    async def send(self, seed: int) -> None:
        """An export by the door."""
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/x-protobuf"}
        async with httpx2.AsyncClient(base_url=self.door.url, headers=headers, timeout=60) as client:
            sent = await client.post("/v1/traces", content=export(1, seed=seed).SerializeToString())
        assert sent.status_code == 200

    async def own_spans(self) -> Counter[str]:
        """How many spans of each name are stored, once all that were recorded and all that waited are."""
        await asyncio.to_thread(self.provider.force_flush)
        await self.committer.drain()
        sql = "SELECT name FROM spans WHERE org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
        rows = await self.door.store.rows(sql, {"org_id": self.door.org_id, "server_id": OWN})
        return Counter(row["name"] for row in rows)


@asynccontextmanager
async def watched(
    folder: Path, store: TelemetryStore, org_id: int, fails: threading.Event | None = None
) -> AsyncGenerator[Watched]:
    """A door that is watched; its inserts fail once when they are told to."""
    self_traces = SelfTraces()

    def insert(batch: bytes | Path, token: str) -> None:
        if fails and fails.is_set():
            fails.clear()
            raise StoreUnavailableError("the engine is away")
        store.insert("traces", batch, token)

    async with open_door(folder, store, org_id, insert=self_traces.watched("traces", insert)) as door:
        door.receiver.watch = self_traces.export
        scope = ServerScope(OrgId(org_id), OWN)
        async with self_traces.storing(door.committers["traces"], scope) as provider:
            yield Watched(door, self_traces, provider)


async def answer(app: ASGIApp, self_traces: SelfTraces, *paths: str) -> list[int]:
    """The statuses of these requests, each of them watched."""
    transport = httpx2.ASGITransport(RequestTimes(app, self_traces.request))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return [(await client.get(path)).status_code for path in paths]


async def test_requests_exports_and_inserts_are_recorded_with_what_they_were(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: ControlPlane
) -> None:
    async with watched(tmp_path, store, org_id) as parts:
        await answer(control.app, parts.self_traces, "/api/me", "/api/servers/7/overview", "/healthz")
        parts.self_traces.request(Request("GET", "/api/servers", 503), 0.25)
        await parts.send(1)
        await parts.committer.drain()
        await parts.own_spans()
        rows = await store.rows(
            "SELECT name, kind, status, error_type, sampling_weight, attributes, scope_name,"
            " mapKeys(resource_attributes) AS resource, duration_ns > 0 AS took_time FROM spans"
            " WHERE org_id = {org_id:UInt32} AND server_id = 77 ORDER BY name",
            {"org_id": org_id},
        )
    assert rows == snapshot(
        [
            {
                "name": "GET /api/me",
                "kind": "server",
                "status": "unset",
                "error_type": "",
                "sampling_weight": 1.0,
                "attributes": {
                    "http.request.method": "GET",
                    "http.route": "/api/me",
                    "http.response.status_code": "401",
                },
                "scope_name": "mcp_obs_server",
                "resource": ["service.name", "service.version", "service.instance.id"],
                "took_time": 1,
            },
            {
                "name": "GET /api/servers",
                "kind": "server",
                "status": "error",
                "error_type": "503",
                "sampling_weight": 1.0,
                "attributes": {
                    "http.request.method": "GET",
                    "http.route": "/api/servers",
                    "http.response.status_code": "503",
                },
                "scope_name": "mcp_obs_server",
                "resource": ["service.name", "service.version", "service.instance.id"],
                "took_time": 1,
            },
            {
                "name": "GET /api/servers/{server_id}/overview",
                "kind": "server",
                "status": "unset",
                "error_type": "",
                "sampling_weight": 1.0,
                "attributes": {
                    "http.request.method": "GET",
                    "http.route": "/api/servers/{server_id}/overview",
                    "http.response.status_code": "401",
                },
                "scope_name": "mcp_obs_server",
                "resource": ["service.name", "service.version", "service.instance.id"],
                "took_time": 1,
            },
            {
                "name": "INSERT otlp_traces",
                "kind": "client",
                "status": "unset",
                "error_type": "",
                "sampling_weight": 0.0,
                "attributes": {
                    "db.system.name": "clickhouse",
                    "db.operation.name": "INSERT",
                    "db.collection.name": "otlp_traces",
                },
                "scope_name": "mcp_obs_server",
                "resource": ["service.name", "service.version", "service.instance.id"],
                "took_time": 1,
            },
            {
                "name": "export traces",
                "kind": "server",
                "status": "unset",
                "error_type": "",
                "sampling_weight": 1.0,
                "attributes": {},
                "scope_name": "mcp_obs_server",
                "resource": ["service.name", "service.version", "service.instance.id"],
                "took_time": 1,
            },
        ]
    )


async def test_own_spans_come_to_rest_and_are_bounded_by_what_others_did(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: ControlPlane
) -> None:
    async with watched(tmp_path, store, org_id) as parts:
        requests, exports = 9, 6
        await answer(control.app, parts.self_traces, *["/api/me"] * requests)
        for seed in range(1, exports + 1):
            await parts.send(seed)
        counts = [await parts.own_spans()]
        while len(counts) < 4 or not counts[-1] == counts[-2] == counts[-3]:
            # Each look stores what was recorded since the last one: a span about that would show in the next.
            assert len(counts) < 12, counts
            counts.append(await parts.own_spans())
    names = counts[-1]
    assert names["GET /api/me"] == requests
    assert 1 <= names["export traces"] <= exports
    assert 1 <= names["INSERT otlp_traces"] <= exports
    assert set(names) == {"GET /api/me", "export traces", "INSERT otlp_traces"}


async def test_an_insert_that_fails_is_recorded_as_an_error(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    fails = threading.Event()
    fails.set()
    async with watched(tmp_path, store, org_id, fails) as parts:
        await parts.send(1)
        await parts.committer.drain()
        await parts.own_spans()
        found = await store.rows(
            "SELECT name, status, error_type FROM spans WHERE org_id = {org_id:UInt32} AND server_id = 77"
            " AND kind = 'client'",
            {"org_id": org_id},
        )
    assert found == [{"name": "INSERT otlp_traces", "status": "error", "error_type": "StoreUnavailableError"}]


async def test_spans_that_can_not_be_stored_are_lost_and_requests_are_answered(
    tmp_path: Path, store: TelemetryStore, org_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path, store, org_id) as parts:
        await parts.committer.stop()
        statuses = await answer(PlainTextResponse("ok"), parts.self_traces, *["/api/me"] * 3)
        await asyncio.to_thread(parts.provider.force_flush)
    assert statuses == [200] * 3
    lost = re.findall(r"(\d+) own spans were not stored: The server is not working", caplog.text)
    assert sum(map(int, lost)) == 3


def test_a_flood_is_thinned_and_what_is_kept_stands_for_all() -> None:
    clock = Time()
    thinned = Thinned(2, clock.timer)
    weights: list[int | None] = []
    for _ in range(3):
        weights += [thinned.weight() for _ in range(4)]
        clock.seconds += 1
    weights.append(thinned.weight())
    assert weights == [1, 1, None, None, 3, 1, None, None, 3, 1, None, None, 3]


def spans_of(url: str, headers: dict[str, str], server_id: int) -> list[dict[str, Any]]:
    """All of them: to look makes spans too."""
    spans: list[dict[str, Any]] = []
    parameters = {"limit": "200"}
    while True:
        path = f"{url}/api/servers/{server_id}/spans"
        page = httpx2.get(path, params=parameters, headers=headers, timeout=60).raise_for_status().json()
        spans += page["spans"]
        if page["next_cursor"] is None:
            return spans
        parameters["cursor"] = page["next_cursor"]


async def test_a_server_that_is_told_to_traces_itself_under_a_server_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, MCP_OBS_SELF_TRACES="true") as server:
        assert new_key(server, tmp_path)
        headers = {"authorization": f"Bearer {(tmp_path / 'access-token').read_text().strip()}"}
        servers = httpx2.get(f"{server.url}/api/servers", headers=headers, timeout=60).json()
        ids = {each["name"]: each["id"] for each in servers}
        assert set(ids) == {"default", "mcp-obs"}
        wanted = {"POST /api/servers/{server_id}/keys", "GET /api/servers"}

        async def both_are_stored() -> bool:
            return wanted <= {each["name"] for each in spans_of(server.url, headers, ids["mcp-obs"])}

        await until(both_are_stored)
        assert spans_of(server.url, headers, ids["default"]) == []
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    with running(tmp_path, MCP_OBS_SELF_TRACES="true") as server:
        again = httpx2.get(f"{server.url}/api/servers", headers=headers, timeout=60).json()
        assert {each["name"]: each["id"] for each in again} == ids
