"""mcp-obs as a process in front of a cluster: what is sent is stored once, and leaves when its server is deleted."""

import time
from pathlib import Path
from urllib.parse import quote

import httpx2

from clickhouse_front import Front
from clickhouse_front.process import PASSWORD, USER
from mcp_obs_server.store.engine import Engine
from otlp_exports import SECOND, export
from server_process import new_key, running
from waiting import until

DATABASE = "whole"
CALLS = 40


async def test_calls_of_a_process_on_a_cluster_are_stored_once_and_deleted(
    front: Front, tmp_path: Path
) -> None:
    store = f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{front.port}/{DATABASE}?cluster=main"
    with running(tmp_path, MCP_OBS_STORE=store) as server:
        engine = Engine.connect(front.location(DATABASE, cluster="main"))

        def stored() -> dict[str, int]:
            (row,) = engine.rows(
                "SELECT (SELECT count() FROM spans) AS spans, (SELECT count() FROM spans_local) AS of_the_shard,"
                " (SELECT toUInt64(sum(calls)) FROM operations_15m WHERE grain = 'server') AS quarters"
            )
            return row

        headers = {
            "authorization": f"Bearer {new_key(server, tmp_path)}",
            "content-type": "application/x-protobuf",
        }
        body = export(CALLS, start=time.time_ns() - 60 * SECOND).SerializeToString()
        owner = {"authorization": f"Bearer {(tmp_path / 'access-token').read_text().strip()}"}
        async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
            for _ in range(2):
                (await client.post("/v1/traces", content=body, headers=headers)).raise_for_status()

            async def everything_is_stored() -> bool:
                return min(stored().values()) >= CALLS

            await until(everything_is_stored)
            assert stored() == {"spans": CALLS, "of_the_shard": CALLS, "quarters": CALLS}

            deletion = (await client.delete("/api/servers/1", headers=owner)).raise_for_status().json()

            async def deletion_is_finished() -> bool:
                path = f"/api/deletions/{deletion['id']}"
                return (await client.get(path, headers=owner)).json()["finished_at"] is not None

            await until(deletion_is_finished)
            assert stored() == {"spans": 0, "of_the_shard": 0, "quarters": 0}
        engine.command(f"DROP DATABASE {DATABASE}")
        engine.close()
