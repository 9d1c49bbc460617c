"""Several processes with folders of their own, in front of one PostgreSQL and one ClickHouse."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from clickhouse_front import Front
from clickhouse_front.process import PASSWORD, USER
from command_line import CommandLine
from mcp_obs_server.accounts.models import Organisation
from mcp_obs_server.accounts.tokens import new_access_token
from mcp_obs_server.app import open_application
from mcp_obs_server.http_protocol import with_door
from mcp_obs_server.kit.database import open_database, sessions_of
from mcp_obs_server.kit.database_url import parse_control_url
from mcp_obs_server.serve import StartupError, serve
from mcp_obs_server.servers.keys import new_key
from mcp_obs_server.settings import Settings
from mcp_obs_server.store import StoreLocation, TelemetryStore
from mcp_obs_server.store.engine import Engine
from otlp_exports import SECOND, export
from postgresql import PostgreSQL, running_postgresql
from serving import serving
from waiting import until

DATABASE = "shared"
CALLS = 20
_START_SECONDS = 180


def store_url(front: Front) -> str:
    return f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{front.port}/{DATABASE}"


@asynccontextmanager
async def started(*shells: CommandLine) -> AsyncGenerator[list[str]]:
    """`mcp-obs start` in every shell at once, and what each printed."""
    processes = [await shell.start("start", "--port", "0") for shell in shells]

    async def printed(process: Process) -> str:
        assert process.stdout is not None
        return (await process.stdout.readuntil(b"Ctrl-C stops.\n")).decode()

    try:
        async with asyncio.timeout(_START_SECONDS):
            yield await asyncio.gather(*map(printed, processes))
    finally:
        for process in processes:
            process.kill()
            await process.wait()


def word_after(printed: str, words: str) -> str:
    return printed.partition(words)[2].split()[0]


async def post(url: str, key: str, seed: int) -> int:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    body = export(CALLS, seed, start=time.time_ns() - 60 * SECOND).SerializeToString()
    async with httpx2.AsyncClient(timeout=60) as client:
        return (await client.post(f"{url}/v1/traces", content=body, headers=headers)).status_code


async def test_two_that_start_at_once_are_one_organisation_s_and_one_shows_the_key(
    tmp_path: Path, front: Front, postgresql: PostgreSQL
) -> None:
    control = postgresql.new_database()
    environment = {"MCP_OBS_CONTROL": control, "MCP_OBS_STORE": store_url(front)}
    shells = [CommandLine(tmp_path / name, environment) for name in ("first", "second")]
    for shell in shells:
        shell.folder.mkdir()
    async with started(*shells) as printed:
        (key,) = [word_after(each, "(shown only now):") for each in printed if "mcpobs_live_" in each]
        urls = [word_after(each, "mcp-obs is ready at") for each in printed]
        assert [await post(url, key, seed) for seed, url in enumerate(urls)] == [200, 200]
        # Each folder has an access token of its own, for the verbs on its machine.
        links = [await shell("sign-in-link", "--url", url) for shell, url in zip(shells, urls, strict=True)]
        assert [link.code for link in links] == [0, 0]
        # A link made at one of them signs in at the other.
        async with httpx2.AsyncClient(timeout=60) as browser:
            token = links[0].out.strip().partition("#token=")[2]
            (await browser.post(f"{urls[1]}/api/sign-in", json={"token": token})).raise_for_status()

        async def everything_is_stored() -> bool:
            return engine.rows("SELECT count() AS spans FROM spans")[0]["spans"] == 2 * CALLS

        engine = Engine.connect(front.location(DATABASE))
        await until(everything_is_stored)
        engine.command(f"DROP DATABASE {DATABASE}")
        engine.close()
    database = open_database(parse_control_url(control))
    async with sessions_of(database)() as db:
        assert await db.scalar(select(func.count()).select_from(Organisation)) == 1
    await database.dispose()


async def test_a_process_that_was_forgotten_while_it_ran_ends_with_an_error_and_starts_again(
    tmp_path: Path, front: Front, postgresql: PostgreSQL
) -> None:
    control = postgresql.new_database()
    shell = CommandLine(tmp_path, {"MCP_OBS_CONTROL": control, "MCP_OBS_STORE": store_url(front)})
    database = open_database(parse_control_url(control))
    process = await shell.start("start", "--port", "0")
    async with asyncio.timeout(_START_SECONDS):
        assert process.stdout is not None
        await process.stdout.readuntil(b"Ctrl-C stops.\n")
        async with database.begin() as connection:
            await connection.execute(text("DELETE FROM processes"))
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().endswith("while it was silent: start it again.\n")
    async with started(shell):
        pass
    await database.dispose()
    engine = Engine.connect(front.location(DATABASE))
    engine.command(f"DROP DATABASE {DATABASE}")
    engine.close()


@pytest.fixture
def restartable() -> Iterator[PostgreSQL]:
    """A cluster that no other test uses."""
    with running_postgresql() as cluster:
        yield cluster


def test_a_postgresql_that_goes_away_during_the_start_is_told_in_a_sentence(
    tmp_path: Path, front: Front, restartable: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_and_open(location: StoreLocation, retention: timedelta, *, spans_wait: bool) -> TelemetryStore:
        # The schema is there by now, and nobody is registered yet.
        restartable.stop()
        return open_store(location, retention, spans_wait=spans_wait)

    open_store = TelemetryStore.open
    monkeypatch.setattr(TelemetryStore, "open", stop_and_open)
    settings = Settings(
        data_dir=tmp_path / "data",
        port=0,
        control=SecretStr(restartable.new_database()),
        store=SecretStr(store_url(front)),
    )
    told = r"^Accounts and keys can't be reached: PostgreSQL at .* says: .* correct MCP_OBS_CONTROL"
    try:
        with pytest.raises(StartupError, match=told):
            serve(settings, lambda _addresses, _first: None)
    finally:
        restartable.start()


class Caller:
    """Who sends to a server and asks whether it is ready."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=60)

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, key: str) -> int:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        return (await self._client.post("/v1/traces", content=b"{}", headers=headers)).status_code

    async def ask(self, token: str) -> tuple[int, str | None, dict[str, Any]]:
        """Status, Retry-After and body of an answer of the API."""
        answer = await self._client.get("/api/me", headers={"authorization": f"Bearer {token}"})
        return answer.status_code, answer.headers.get("retry-after"), answer.json()

    async def failed_checks(self) -> list[str]:
        checks = (await self._client.get("/readyz")).json()["checks"]
        return [name for name, state in checks.items() if state == "failed"]


async def test_while_postgresql_is_away_keys_that_can_t_be_checked_are_answered_503_and_afterwards_as_before(
    tmp_path: Path, front: Front, restartable: PostgreSQL
) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        control=SecretStr(restartable.new_database()),
        store=SecretStr(store_url(front)),
    )
    async with (
        open_application(settings) as application,
        serving(application, with_door(application.otlp, application.refused_requests)) as url,
        Caller(url) as caller,
    ):
        assert application.first_start
        key = application.first_start.api_key
        assert (await caller.send(new_key("live")), await caller.failed_checks()) == (401, [])
        restartable.stop()
        assert await caller.send(key) == 503
        assert await caller.send(new_key("live")) == 503
        message = "Accounts and keys can't be reached right now: try again in a few seconds."
        assert await caller.ask(new_access_token()) == (
            503,
            "5",
            {"code": "database_unavailable", "message": message},
        )

        async def says_so() -> bool:
            return await caller.failed_checks() == ["control_database"]

        await until(says_so)
        restartable.start()
        # The first that asks meets the new server, not a connection to the old one.
        assert await caller.send(key) == 200
        assert await caller.send(new_key("live")) == 401
        assert (await caller.ask(new_access_token()))[0] == 401

        async def is_ready_again() -> bool:
            return await caller.failed_checks() == []

        await until(is_ready_again)
