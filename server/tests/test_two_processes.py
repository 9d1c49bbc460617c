"""Two processes with folders of their own keep, together, what one promises."""

import os
import signal
import time
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx2

from clickhouse_front import Front
from clickhouse_front.process import PASSWORD, USER
from mcp_obs_server.store.engine import Engine
from otlp_exports import SECOND, export
from postgresql import PostgreSQL
from server_process import Running, new_key, running
from waiting import until

DATABASE = "two_processes"
CALLS = 20


class Client:
    """Who sends to both and looks at what is stored."""

    def __init__(self, engine: Engine, key: str) -> None:
        self._engine = engine
        self._http = httpx2.AsyncClient(timeout=60)
        self.key = key

    async def send(self, server: Running, body: bytes) -> int:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/x-protobuf"}
        return (await self._http.post(f"{server.url}/v1/traces", content=body, headers=headers)).status_code

    async def api(self, method: str, server: Running, folder: Path, path: str) -> httpx2.Response:
        headers = {"authorization": f"Bearer {(folder / 'access-token').read_text().strip()}"}
        answer = await self._http.request(method, f"{server.url}/api/{path}", headers=headers)
        return answer.raise_for_status()

    def stored(self) -> dict[str, int]:
        (row,) = self._engine.rows(
            "SELECT count() AS spans,"
            " (SELECT toUInt64(sum(calls)) FROM operations_15m WHERE grain = 'server') AS quarters,"
            " (SELECT toUInt64(sum(calls)) FROM operations_1h WHERE grain = 'server') AS hours FROM spans"
        )
        return row

    async def everything_is_stored(self, folder: Path, calls: int) -> None:
        async def is_stored() -> bool:
            return not list(folder.rglob("*.segment")) and min(self.stored().values()) >= calls

        await until(is_stored)
        assert self.stored() == {"spans": calls, "quarters": calls, "hours": calls}

    async def close(self) -> None:
        await self._http.aclose()
        self._engine.close()


def body(seed: int) -> bytes:
    return export(CALLS, seed, start=time.time_ns() - 60 * SECOND).SerializeToString()


async def test_two_processes_store_once_and_delete_whole_whichever_is_killed(
    tmp_path: Path, front: Front, postgresql: PostgreSQL
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    start = partial(
        running,
        MCP_OBS_STORE=f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{front.port}/{DATABASE}",
        MCP_OBS_CONTROL=postgresql.new_database(),
    )
    with start(other) as second:
        with start(one) as first:
            client = Client(Engine.connect(front.location(DATABASE)), new_key(first, one))
            repeated = body(1)
            assert await client.send(first, repeated) == 200
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        # Its sender had no answer, or lost it, and asks the other one.
        assert [await client.send(second, each) for each in (repeated, body(2))] == [200, 200]
        with start(one) as first:
            await client.everything_is_stored(tmp_path, 2 * CALLS)

            found = (await client.api("GET", first, one, "processes")).json()
            assert {each["id"] for each in found} == {
                (folder / "process-id").read_text().strip() for folder in (one, other)
            }

            revoked = client.key
            keys = (await client.api("GET", second, other, "servers/1/keys")).json()
            client.key = new_key(second, other)
            newest = max(each["id"] for each in keys)
            await client.api("DELETE", first, one, f"servers/1/keys/{newest}")
            kept, client.key = client.key, revoked

            async def is_refused() -> bool:
                return await client.send(second, repeated) == 401

            await until(is_refused)
            client.key = kept

            assert await client.send(second, body(3)) == 200
            os.kill(second.process.pid, signal.SIGKILL)
            second.process.wait()
            deletion = (await client.api("DELETE", first, one, "servers/1")).json()
            path = f"deletions/{deletion['id']}"

            async def is_finished() -> bool:
                return (await client.api("GET", first, one, path)).json()["finished_at"] is not None

            # It is down with what it acknowledged, or was about to say that nothing is left.
            assert not await is_finished()
            with start(other) as again:
                await until(is_finished)
                assert client.stored() == {"spans": 0, "quarters": 0, "hours": 0}
                again.process.terminate()
                assert again.process.wait(60) == 0
            (left,) = (await client.api("GET", first, one, "processes")).json()
            assert left["id"] == (one / "process-id").read_text().strip()
            assert not list(tmp_path.rglob("*.segment"))
    await client.close()
