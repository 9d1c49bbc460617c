"""The real control plane on a real database, with time and bcrypt's cost in the test's hands."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import URL, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_obs_server import migrations
from mcp_obs_server.accounts.models import Organisation
from mcp_obs_server.accounts.principal import Principal
from mcp_obs_server.accounts.service import AccountsService
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.api import build_api
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.deletions.service import DeletionsService
from mcp_obs_server.deletions.worker import DeletionWorker, Intake, Together
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.kit.database import Sessions, open_database, sessions_of
from mcp_obs_server.kit.services import provide
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock
from mcp_obs_server.processes.models import Process
from mcp_obs_server.processes.service import ProcessesService
from mcp_obs_server.rejections.service import RejectionsService
from mcp_obs_server.servers.key_hasher import KeyHasher
from mcp_obs_server.servers.last_used import LastUsed
from mcp_obs_server.servers.service import ServerScope, ServersService
from mcp_obs_server.servers.verifier import ApiKeyVerifier
from mcp_obs_server.store import TelemetryStore

BASE_URL = "http://mcp-obs.test"
EACH_DATABASE = pytest.mark.parametrize("control_url", ["sqlite", "postgresql"], indirect=True)


@dataclass
class Time:
    """A clock and a timer that stand still until the test moves them."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seconds: float = 1000.0

    def __call__(self) -> datetime:
        return self.now

    def timer(self) -> float:
        return self.seconds

    def pass_by(self, time: timedelta) -> None:
        self.now += time
        self.seconds += time.total_seconds()


class CountingHasher(KeyHasher):
    """The real bcrypt at its lowest cost, counting what it is asked."""

    def __init__(self) -> None:
        super().__init__(work_factor=4)
        self.checks = 0

    async def matches(self, key: str, stored: str) -> bool:
        self.checks += 1
        return await super().matches(key, stored)


@dataclass(frozen=True)
class Tenancy:
    """One organisation with everything that the API can show of it."""

    principal: Principal
    token: str
    scope: ServerScope
    key_id: int
    key: str


@dataclass
class ControlPlane:
    """Everything that the composition root builds for accounts and servers."""

    engine: AsyncEngine
    sessions: Sessions
    time: Time
    hasher: CountingHasher
    last_used: LastUsed
    rejections: Rejections
    verifier: ApiKeyVerifier
    accounts: AccountsService
    servers: ServersService
    app: FastAPI

    def client(
        self, token: str | None = None, base_url: str = BASE_URL, **headers: str
    ) -> httpx2.AsyncClient:
        """A client of the API; with a token it is the command line, without one a browser."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(transport=transport, base_url=base_url, headers=sent)

    @asynccontextmanager
    async def browser(self, principal: Principal) -> AsyncGenerator[httpx2.AsyncClient]:
        """A browser that has used a sign-in link."""
        link = await self.accounts.create_sign_in_link(principal)
        async with self.client(origin=BASE_URL) as client:
            (await client.post("/api/sign-in", json={"token": link.token})).raise_for_status()
            yield client

    async def number_organisations(self, last: int) -> None:
        """Give the next ones the ids after `last`, unless there are some."""
        async with self.sessions.begin() as db:
            if await db.scalar(select(func.count()).select_from(Organisation)):
                return
            if self.engine.dialect.name == "postgresql":
                await db.execute(text(f"SELECT setval('organisations_id_seq', {last})"))
            else:
                await db.execute(
                    text(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('organisations', {last})")
                )

    async def owner(self, name: str = "acme") -> Principal:
        """The owner of a new organisation."""
        return await self.accounts.create_organisation(name, f"{name}@example.com", name.title())

    async def tenancy(self, name: str) -> Tenancy:
        """A new organisation with an owner, an access token, a server and a key."""
        principal = await self.owner(name)
        server = await self.servers.create_server(principal, f"{name} server")
        scope = await self.servers.server_scope(server.id, principal)
        created = await self.servers.create_key(scope, "live")
        token = await self.accounts.create_access_token(principal)
        return Tenancy(principal, token, scope, created.key.id, created.secret)


@asynccontextmanager
async def open_control_plane(
    url: URL, store: TelemetryStore, intakes: Sequence[Intake] = (), process_id: str | None = None
) -> AsyncGenerator[ControlPlane]:
    """A control plane on this database, which deletes only while it is open."""
    engine = open_database(url)
    await migrations.upgrade(engine)
    sessions, time, hasher = sessions_of(engine), Time(), CountingHasher()
    last_used = LastUsed(sessions, time)
    verifier = ApiKeyVerifier(sessions, hasher, last_used, time.timer)
    accounts = AccountsService(sessions, time)
    servers = ServersService(sessions, time, hasher, verifier)
    rejections = Rejections(sessions, time)
    if process_id:
        async with sessions.begin() as db:
            await db.merge(Process(id=process_id, host_name="host", started_at=time(), seen_at=time()))
    together = Together(
        Passes(sessions, process_id),
        TransactionLock(engine, Locked.INSERTS),
        TransactionLock(engine, Locked.DELETIONS),
    )
    worker = DeletionWorker(sessions, time, store, intakes, together, retry_seconds=0.05, look_seconds=0.05)
    app = build_api()
    rejections_service = RejectionsService(sessions, time, rejections)
    deletions = DeletionsService(sessions, time, servers, worker, together.passes)
    processes = ProcessesService(sessions, time)
    analytics = AnalyticsService(store, time)
    provide(app, accounts, servers, verifier, deletions, processes, analytics, rejections_service)
    try:
        async with worker:
            yield ControlPlane(
                engine, sessions, time, hasher, last_used, rejections, verifier, accounts, servers, app
            )
    finally:
        hasher.close()
        await engine.dispose()


@pytest.fixture
async def control(control_url: URL, store: TelemetryStore) -> AsyncIterator[ControlPlane]:
    """A fresh control plane."""
    async with open_control_plane(control_url, store) as control:
        yield control
