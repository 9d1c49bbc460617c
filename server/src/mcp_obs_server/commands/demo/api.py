"""What the demo asks of the running server's HTTP API."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import httpx2

from mcp_obs_server.commands.demo.children import tail


class Api:
    """The API as the owner of a personal access token sees it."""

    def __init__(self, http: httpx2.AsyncClient, log: Path) -> None:
        self._http = http
        self._log = log

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, access_token: str, log: Path) -> AsyncGenerator["Api"]:
        """Open connections to the server at `url`; `log` explains what it fails at."""
        headers = {"Authorization": f"Bearer {access_token}"}
        async with httpx2.AsyncClient(trust_env=False, base_url=url, headers=headers, timeout=30) as http:
            yield cls(http, log)

    async def register(self, name: str) -> int:
        """The id of the server of this name, registered now unless it already was."""
        servers = await self._ask("GET", "/api/servers")
        known = {server["name"]: server["id"] for server in servers}
        if name in known:
            return known[name]
        return (await self._ask("POST", "/api/servers", {"name": name}))["id"]

    async def create_key(self, server_id: int) -> str:
        """The secret of a new API key."""
        path = f"/api/servers/{server_id}/keys"
        return (await self._ask("POST", path, {"environment": "dev"}))["secret"]

    async def sign_in_link(self) -> str:
        """A fresh address that signs a browser in once."""
        return (await self._ask("POST", "/api/sign-in-links"))["url"]

    async def overview(self, server_id: int, time_range: str) -> dict[str, Any]:
        """One server's numbers."""
        return await self._ask("GET", f"/api/servers/{server_id}/overview?range={time_range}")

    async def tools(self, server_id: int, time_range: str) -> list[dict[str, Any]]:
        """One server's table of tools."""
        return (await self._ask("GET", f"/api/servers/{server_id}/tools?range={time_range}"))["tools"]

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        try:
            response = await self._http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise click.ClickException(f"{method} {path} failed: {error or type(error).__name__}") from error
        if response.is_error:
            reason = f"{method} {path} was answered with {response.status_code}: {response.text}"
            raise click.ClickException(f"{reason}\n{tail(self._log)}" if response.is_server_error else reason)
        return response.json()
