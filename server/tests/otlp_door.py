"""The OTLP door on a real socket, in front of the real spool and the real store."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_obs_server.http_protocol import BoundedProtocol, with_door
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer, Insert
from mcp_obs_server.ingest.grpc import OtlpGrpc
from mcp_obs_server.ingest.grpc_listener import GrpcListener
from mcp_obs_server.ingest.http import OtlpHttp
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.signal import Signal, SignalName
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.ingest.turns import LoopTurns, ThreadTurns, Turns
from mcp_obs_server.kit.clock import utc_now
from mcp_obs_server.kit.database import open_database, sessions_of
from mcp_obs_server.kit.refused_requests import RefusedRequests
from mcp_obs_server.store import Row, TelemetryStore
from otlp_exports import NOW
from serving import running_server

KEY = "mcpobs_test_key"
MAX_BODY_BYTES = 100_000
MAX_MESSAGE_BYTES = 32_000
BREAKS_THE_CHECK = "mcpobs_test_defect"
_OURS = "WHERE org_id = {org_id:UInt32}"


@dataclass(frozen=True)
class Tenant:
    """Whose the test's exports are."""

    org_id: int
    server_id: int = 1
    key_id: int = 1
    retention_days: int | None = None


@dataclass
class Door:
    """A running receiver."""

    url: str
    server: uvicorn.Server
    listener: GrpcListener
    org_id: int
    store: TelemetryStore
    committers: Mapping[SignalName, Committer]
    receiver: Receiver
    rejections: Rejections
    spool: Budget
    in_flight: Budget

    @property
    def grpc_address(self) -> str:
        """Where OTLP/gRPC is."""
        return f"127.0.0.1:{self.listener.port}"

    async def spans(self, columns: str = "*") -> list[Row]:
        """What is stored once everything acknowledged has reached the engine."""
        return await self._stored("traces", f"SELECT {columns} FROM spans {_OURS} ORDER BY time, span_id")

    async def metric_points(self, columns: str = "*") -> list[Row]:
        """The same for metrics."""
        sql = f"SELECT {columns} FROM metric_points {_OURS} ORDER BY time, metric_name"
        return await self._stored("metrics", sql)

    async def logs(self, columns: str = "*") -> list[Row]:
        """The same for logs."""
        return await self._stored("logs", f"SELECT {columns} FROM logs {_OURS} ORDER BY time")

    async def rows(self, signal: SignalName, columns: str) -> list[Row]:
        """The same for any signal."""
        table = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}[signal]
        return await self._stored(signal, f"SELECT {columns} FROM {table} {_OURS} ORDER BY time")

    async def count(self, signal: SignalName) -> int:
        """How many items of a signal are stored."""
        return len(await self.rows(signal, "1 AS stored"))

    async def _stored(self, signal: SignalName, sql: str) -> list[Row]:
        await self.committers[signal].stop()
        return await self.store.rows(sql, {"org_id": self.org_id})


@asynccontextmanager
async def open_door(
    folder: Path,
    store: TelemetryStore,
    org_id: int,
    spool_max_bytes: int = 2**20,
    in_flight_bytes: int = 2**20,
    now: int | Callable[[], int] = NOW,
    body_seconds: float = 30,
    retention_days: int | None = None,
    insert: Insert | None = None,
    limits: Limits | None = None,
    receiver_type: type[Receiver] = Receiver,
    protocol: type[BoundedProtocol] = BoundedProtocol,
    others: ASGIApp | None = None,
) -> AsyncGenerator[Door]:
    """A receiver with limits small enough to reach; one key, one organisation; the clock stands still unless it is one.

    `others` answers what is not below /v1/.
    """

    async def verify(key: str) -> Tenant | None:
        if key == BREAKS_THE_CHECK:
            raise RuntimeError("a defect")
        return Tenant(org_id, retention_days=retention_days) if key == KEY else None

    in_flight = Budget(in_flight_bytes, "Too many exports are under way: try again later.")
    spool = Budget(spool_max_bytes, "The spool is full: try again later.")
    committers: dict[SignalName, Committer] = {
        signal.name: _committer(
            signal, folder / signal.name, insert or partial(store.insert, signal.name), spool
        )
        for signal in SIGNALS
    }
    for committer in committers.values():
        await committer.start()
    # Nothing is written here: whose counts the control plane keeps has tests of its own.
    rejections = Rejections(sessions_of(open_database("sqlite+aiosqlite://")), utc_now)
    long_turns = ThreadTurns()
    receiver = receiver_type(
        verify_key=verify,
        committers=[(signal, committers[signal.name]) for signal in SIGNALS],
        now=now if callable(now) else lambda: now,
        retention_nanoseconds=30 * 86_400 * 10**9,
        in_flight=in_flight,
        turns=Turns(LoopTurns(), long_turns),
        limits=limits or Limits(),
        rejections=rejections,
    )
    otlp_http = OtlpHttp(receiver, MAX_BODY_BYTES, body_seconds)
    otlp_grpc = OtlpGrpc(receiver, MAX_BODY_BYTES, MAX_MESSAGE_BYTES, body_seconds)
    listener = GrpcListener("127.0.0.1", 0, MAX_MESSAGE_BYTES)
    try:
        behind = running_server(others or _nothing_else, with_door(otlp_http, RefusedRequests(), protocol))
        async with behind as (url, server), listener.serving(otlp_grpc):
            yield Door(
                url, server, listener, org_id, store, committers, receiver, rejections, spool, in_flight
            )
    finally:
        for committer in committers.values():
            await committer.stop()
        long_turns.close()


def _committer(signal: Signal, folder: Path, insert: Insert, spool: Budget) -> Committer:
    return Committer(Spool(folder, partial(rewritten, signal)), RecentExports(folder), insert, spool)


async def _nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(f"{scope['path']} is no export's")
