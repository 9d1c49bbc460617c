import httpx2

from mcp_obs_server.api import build_api
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
