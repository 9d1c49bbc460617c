"""The composition root: settings in, a running application out. Nothing else builds objects."""

import asyncio
import logging
import os
import signal as signals
import socket
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import grpc
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_obs_server.accounts.service import AccountsService
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.api import build_api
from mcp_obs_server.backup.service import BackupService
from mcp_obs_server.control_plane import begin
from mcp_obs_server.dashboard import Dashboard
from mcp_obs_server.deletions.expiry import Expiry
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.deletions.service import DeletionsService
from mcp_obs_server.deletions.worker import DeletionWorker, Together
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.claims import Claims
from mcp_obs_server.ingest.committer import Among, Committer, Insert
from mcp_obs_server.ingest.daily_quota import DailyQuota
from mcp_obs_server.ingest.errors import Overloaded
from mcp_obs_server.ingest.grpc import OtlpGrpc
from mcp_obs_server.ingest.http import OtlpHttp
from mcp_obs_server.ingest.key_rate import KeyRate
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.old_claims import OldClaims
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.ingest.turns import LoopTurns, ThreadTurns, Turns
from mcp_obs_server.joining import join
from mcp_obs_server.kit.clock import Clock, utc_now
from mcp_obs_server.kit.database import UNAVAILABLE, Sessions, open_database, sessions_of
from mcp_obs_server.kit.refused_requests import RefusedRequests
from mcp_obs_server.kit.services import provide
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock, is_shared
from mcp_obs_server.monitoring import endpoints as monitoring
from mcp_obs_server.monitoring.metrics import Budgets, Metrics, Observed
from mcp_obs_server.monitoring.parts import checks
from mcp_obs_server.monitoring.readiness import Readiness
from mcp_obs_server.monitoring.request_times import RequestTimes
from mcp_obs_server.monitoring.scraper import ScraperToken
from mcp_obs_server.monitoring.self_traces import SelfTraces
from mcp_obs_server.processes.registration import Registration
from mcp_obs_server.processes.service import ProcessesService
from mcp_obs_server.rejections.service import RejectionsService
from mcp_obs_server.servers.bootstrap import FirstStart, bootstrap, own_server
from mcp_obs_server.servers.key_hasher import KeyHasher
from mcp_obs_server.servers.last_used import LastUsed
from mcp_obs_server.servers.service import ServersService
from mcp_obs_server.servers.verifier import ApiKeyVerifier, Tenant
from mcp_obs_server.settings import Settings
from mcp_obs_server.store import FolderLock, TelemetryStore

log = logging.getLogger(__name__)

_IN_FLIGHT_FULL = "Too many exports are under way: try again later."
_SPOOL_FULL = "The telemetry store is behind and its spool is full: try again later."


@dataclass(frozen=True)
class Application:
    """The ASGI application; `first_start` has what to show once when there was nothing before."""

    otlp: OtlpHttp
    """What answers below /v1/, past ASGI."""
    refused_requests: RefusedRequests
    """Where whoever speaks HTTP counts what it refuses itself."""
    api: ASGIApp
    dashboard: ASGIApp
    otlp_grpc: grpc.GenericRpcHandler
    """What answers on gRPC's own port."""
    first_start: FirstStart | None
    registration: Registration | None
    """Its place among the processes that share the control plane, when it does."""
    behind_https: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request to its part."""
        if self.behind_https:
            # The proxy ends TLS; cookies and the check of Origin go by what the browser sees.
            scope["scheme"] = "https"
        path = scope["path"]
        if path.startswith("/api/") or path in monitoring.PATHS:
            await self.api(scope, receive, send)
        else:
            await self.dashboard(scope, receive, send)


async def _verify(verifier: ApiKeyVerifier, key: str) -> Tenant | None:
    try:
        return await verifier.verify(key)
    except UNAVAILABLE as error:
        log.error("API keys can't be checked: %s", error)
        raise Overloaded("API keys can't be checked right now: try again later.") from error


def _spool(settings: Settings, signal: Signal) -> Spool:
    return Spool(settings.data_dir / "spool" / signal.name, partial(rewritten, signal))


@asynccontextmanager
async def _registered(
    settings: Settings,
    sessions: Sessions,
    clock: Clock,
    spools: Collection[Spool],
    deletions: TransactionLock,
) -> AsyncGenerator[Registration]:
    registration = Registration(
        sessions,
        clock,
        settings.data_dir,
        socket.gethostname(),
        is_empty=lambda: all(spool.is_empty for spool in spools),
        # It ends with an error, a supervisor starts it again, and then it joins as one that was gone.
        on_forgotten=partial(os.kill, os.getpid(), signals.SIGTERM),
    )
    await join(registration, spools, sessions, deletions)
    async with registration:
        yield registration


@asynccontextmanager
async def _committer(
    spool: Spool,
    insert: Insert,
    budget: Budget,
    among: Among | None,
    note_unreadable: Callable[[int, int], None],
) -> AsyncGenerator[Committer]:
    committer = Committer(spool, RecentExports(spool.folder), insert, budget, among, note_unreadable)
    await committer.start()
    try:
        yield committer
    finally:
        await committer.stop()


def _inserts(store: TelemetryStore, self_traces: SelfTraces | None) -> Iterator[tuple[Signal, Insert]]:
    for signal in SIGNALS:
        insert = partial(store.insert, signal.name)
        yield signal, self_traces.watched(signal.name, insert) if self_traces else insert


@asynccontextmanager
async def _limits(settings: Settings, sessions: Sessions, clock: Clock) -> AsyncGenerator[Limits]:
    rate, quota = settings.key_bytes_per_second, settings.org_bytes_per_day
    key_rate = KeyRate(rate) if rate else None
    if quota is None:
        yield Limits(key_rate)
        return
    async with DailyQuota(sessions, clock, quota) as daily_quota:
        yield Limits(key_rate, daily_quota)


@asynccontextmanager
async def open_application(settings: Settings, clock: Clock = utc_now) -> AsyncGenerator[Application]:
    """Everything opened in order and closed in reverse.

    Raises StoreError, ControlPlaneError, and OSError when the folder can't be used.
    """
    # Telemetry and digests of credentials are nobody else's on this machine.
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        # The spool takes one process, wherever the telemetry is.
        stack.callback(FolderLock.acquire(settings.data_dir).release)
        engine = open_database(settings.control_url)
        stack.push_async_callback(engine.dispose)
        starting = await stack.enter_async_context(AsyncExitStack())
        await begin(engine, starting)
        spools = {signal.name: _spool(settings, signal) for signal in SIGNALS}
        spans_wait = spools["traces"].census().segments > 0
        store = await asyncio.to_thread(
            TelemetryStore.open, settings.store_location, settings.retention, spans_wait=spans_wait
        )
        stack.push_async_callback(asyncio.to_thread, store.close)
        sessions = sessions_of(engine)
        together = Together(
            Passes(sessions),
            TransactionLock(engine, Locked.INSERTS),
            TransactionLock(engine, Locked.DELETIONS),
        )
        among = registration = None
        if is_shared(engine):
            registration = await stack.enter_async_context(
                _registered(settings, sessions, clock, spools.values(), together.deletions)
            )
            together = replace(together, passes=Passes(sessions, registration.id))
            among = Claims(engine, together.inserts, clock, registration.holds)
            await stack.enter_async_context(OldClaims(engine, clock))
        rejections = await stack.enter_async_context(Rejections(sessions, clock))
        spool_budget = Budget(settings.spool_max_bytes, _SPOOL_FULL)
        self_traces = SelfTraces() if settings.self_traces else None
        committers = [
            (
                signal,
                await stack.enter_async_context(
                    _committer(
                        spools[signal.name],
                        insert,
                        spool_budget,
                        among,
                        partial(rejections.note_unreadable, signal.name),
                    )
                ),
            )
            for signal, insert in _inserts(store, self_traces)
        ]

        hasher = KeyHasher()
        stack.callback(hasher.close)
        last_used = await stack.enter_async_context(LastUsed(sessions, clock))
        verifier = ApiKeyVerifier(sessions, hasher, last_used)
        accounts = AccountsService(sessions, clock, settings.public_url, settings.retention_days)
        servers = ServersService(sessions, clock, hasher, verifier)
        intakes = [committer for _, committer in committers]
        worker = await stack.enter_async_context(DeletionWorker(sessions, clock, store, intakes, together))
        deletions = DeletionsService(sessions, clock, servers, worker, together.passes)
        await stack.enter_async_context(Expiry(accounts.shorter_retentions, clock, store, together.deletions))

        def now() -> int:
            return int(clock().timestamp() * 1e9)

        in_flight = Budget(settings.max_in_flight_bytes, _IN_FLIGHT_FULL)
        long_turns = ThreadTurns()
        stack.callback(long_turns.close)
        receiver = Receiver(
            verify_key=partial(_verify, verifier),
            committers=committers,
            now=now,
            retention_nanoseconds=int(settings.retention.total_seconds()) * 10**9,
            in_flight=in_flight,
            turns=Turns(LoopTurns(), long_turns),
            limits=await stack.enter_async_context(_limits(settings, sessions, clock)),
            rejections=rejections,
        )
        otlp = OtlpHttp(receiver, settings.max_body_bytes)
        otlp_grpc = OtlpGrpc(receiver, settings.max_body_bytes, settings.max_grpc_message_bytes)
        api = build_api()
        request_times = RequestTimes(api, self_traces.request if self_traces else None)
        by_signal = {signal.name: committer for signal, committer in committers}
        budgets = Budgets(in_flight, spool_budget)
        refused_requests = RefusedRequests()
        observed = Observed(
            receiver, rejections, by_signal, budgets, store, verifier, request_times, refused_requests
        )
        provide(
            api,
            accounts,
            servers,
            verifier,
            deletions,
            BackupService(settings.data_dir, store, by_signal, clock, settings.control is not None),
            AnalyticsService(store, clock),
            ProcessesService(sessions, clock),
            RejectionsService(sessions, clock, rejections),
            Readiness(checks(sessions, store, by_signal.values(), spool_budget)),
            Metrics(observed, now),
            ScraperToken(settings.metrics_token),
        )
        first_start = await bootstrap(accounts, servers, settings.data_dir / "access-token")
        if self_traces:
            receiver.watch = self_traces.export
            scope = await own_server(accounts, servers)
            await stack.enter_async_context(self_traces.storing(by_signal["traces"], scope))
        await starting.aclose()
        behind_https = (settings.public_url or "").startswith("https:")
        yield Application(
            otlp,
            refused_requests,
            request_times,
            Dashboard(),
            otlp_grpc,
            first_start,
            registration,
            behind_https,
        )
