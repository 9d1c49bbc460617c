"""A server process that was left an export which its engine can't read."""

from pathlib import Path
from typing import Any

import httpx2
from inline_snapshot import snapshot

from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.ingest.spool import Spool
from server_process import running
from waiting import until


async def test_an_export_that_the_engine_can_not_read_is_shown_to_its_server_s_owner(tmp_path: Path) -> None:
    body = b"no protobuf"
    of_it = digest(1, 1, body)
    spool = Spool(tmp_path / "spool" / "metrics")
    spool.append([frame(1, 1, body, of_it)], [of_it])
    spool.seal()
    found: list[dict[str, Any]] = []
    with running(tmp_path) as server:
        token = (tmp_path / "access-token").read_text().strip()
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as client:

            async def is_shown() -> bool:
                answer = await client.get(f"{server.url}/api/servers/1/rejections")
                found[:] = answer.raise_for_status().json()["rejections"]
                return bool(found)

            await until(is_shown)
    (rejection,) = found
    del rejection["day"], rejection["last_at"]
    assert rejection == snapshot(
        {
            "signal": "metrics",
            "reason": "unreadable",
            "items": 0,
            "exports": 1,
            "last_message": "the engine could not read it; it is kept in the spool's folder 'refused'",
        }
    )
    assert len(list((tmp_path / "spool" / "metrics" / "refused").iterdir())) == 1
