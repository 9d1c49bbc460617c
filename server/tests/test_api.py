from pathlib import Path
from typing import cast

import grpc
import httpx2
import pytest
from sqlalchemy import text
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from mcp_obs_server.api import build_api
from mcp_obs_server.app import Application
from mcp_obs_server.ingest.http import OtlpHttp
from mcp_obs_server.kit.database import open_database
from mcp_obs_server.kit.refused_requests import RefusedRequests
from mcp_obs_server.store import StoreUnavailableError


async def test_while_the_store_is_away_the_api_says_when_to_try_again() -> None:
    api = build_api()

    @api.get("/api/away")
    async def away() -> None:  # pyright: ignore[reportUnusedFunction]  FastAPI calls it
        raise StoreUnavailableError("the engine is away")

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://test") as client:
        response = await client.get("/api/away")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["code"] == "store_unavailable"


async def test_a_statement_that_is_wrong_is_a_bug_and_not_a_database_that_is_away(tmp_path: Path) -> None:
    api = build_api()
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'control.db'}")

    @api.get("/api/wrong")
    async def wrong() -> None:  # pyright: ignore[reportUnusedFunction]  FastAPI calls it
        async with database.connect() as connection:
            await connection.execute(text("SELECT 1 FROM nowhere"))

    transport = httpx2.ASGITransport(api, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/api/wrong")
    await database.dispose()
    assert (response.status_code, response.json()["code"]) == (500, "internal")


@pytest.mark.parametrize(("behind_https", "scheme"), [(True, "https"), (False, "http")])
async def test_behind_a_proxy_that_ends_tls_requests_count_as_https(behind_https: bool, scheme: str) -> None:
    seen: list[str] = []

    async def part(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["scheme"])
        await PlainTextResponse("ok")(scope, receive, send)

    class NoGrpc(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
            raise NotImplementedError

    no_exports = cast("OtlpHttp", None)
    application = Application(no_exports, RefusedRequests(), part, part, NoGrpc(), None, None, behind_https)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(application), base_url="http://test"
    ) as client:
        for path in ("/api/me", "/"):
            await client.get(path)
    assert seen == [scheme] * 2
