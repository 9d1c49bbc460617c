"""What every door does with an export once its bytes are there: whose is it, can it be kept, is it durable."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from mcp_obs_server.ingest.admission import Admitted, admit
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.errors import ExportRefused, UnauthenticatedExport
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.senders import Senders
from mcp_obs_server.ingest.signal import Signal, SignalName, Window
from mcp_obs_server.ingest.tenant import Tenant
from mcp_obs_server.ingest.totals import Acknowledged
from mcp_obs_server.ingest.turns import Turns
from mcp_obs_server.kit.histogram import Histogram

# Below these a parse takes a few milliseconds; longer ones wait for each other, not in the way of short ones.
_PROTOBUF_IN_PLACE_BYTES = 1 << 18
_JSON_IN_PLACE_BYTES = 1 << 15
_DAY_NANOSECONDS = 86_400 * 10**9


class Receiver:
    """The way of an export behind OTLP/HTTP and OTLP/gRPC."""

    def __init__(
        self,
        verify_key: Callable[[str], Awaitable[Tenant | None]],
        committers: Iterable[tuple[Signal, Committer]],
        now: Callable[[], int],
        retention_nanoseconds: int,
        in_flight: Budget,
        turns: Turns,
        limits: Limits,
        rejections: Rejections,
    ) -> None:
        self._verify_key = verify_key
        self._committers = {signal.name: (signal, committer) for signal, committer in committers}
        self._senders = Senders()
        self._now = now
        self._retention = retention_nanoseconds
        self._in_flight = in_flight
        self._turns = turns
        self._limits = limits
        self._rejections = rejections
        self.acknowledged: dict[tuple[SignalName, int, int], Acknowledged] = {}
        """By signal, organisation and server."""
        self.seconds = {name: Histogram() for name in self._committers}
        """By signal: from an export's last byte until all that can be kept of it is durable."""
        self.watch: Callable[[SignalName, float], None] | None = None
        """Is told of every export and its seconds."""

    @property
    def signals(self) -> list[Signal]:
        """Every signal that is received here."""
        return [signal for signal, _ in self._committers.values()]

    def signal(self, name: str) -> Signal | None:
        """The signal of this name, when it is received here."""
        found = self._committers.get(name)
        return found and found[0]

    async def authenticate(self, authorization: str, signal: Signal) -> Tenant:
        """The tenant of `Bearer {key}`. Raises UnauthenticatedExport."""
        try:
            return await self._authenticate(authorization)
        except ExportRefused as error:
            self.refuse_stranger(signal, error)
            raise

    async def _authenticate(self, authorization: str) -> Tenant:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise UnauthenticatedExport("Send an API key as 'Authorization: Bearer mcpobs_...'.")
        tenant = await self._verify_key(key.strip())
        if tenant is None:
            raise UnauthenticatedExport(
                "This API key is unknown or revoked: create one with 'mcp-obs keys create'."
            )
        return tenant

    def refuse_stranger(self, signal: Signal | None, error: ExportRefused) -> None:
        """Count a refusal before anybody knows whose the request is."""
        self._rejections.note_stranger(signal and signal.name, error)

    def passage(self, tenant: Tenant, signal: Signal) -> Passage:
        """What a door opens around an export: all it does for it, it does within."""
        return Passage(tenant, signal, self._in_flight, self._turns, self._limits, self._rejections)

    async def take(self, passage: Passage, body: bytes, is_json: bool) -> Mapping[Reason, int]:
        """Return once all that can be kept is durable; what can't be, by reason.

        Raises RateLimited, ExportTooLarge, MalformedExport or Overloaded, and then nothing was kept.
        """
        tenant, signal = passage.tenant, passage.signal
        began = time.perf_counter()
        passage.charge(len(body))
        admitted, export = await self._admit(tenant, signal, body, is_json)
        if admitted.kept:
            _, committer = self._committers[signal.name]
            await committer.commit(export)
        self._count(tenant, signal, admitted.kept, len(body), time.perf_counter() - began)
        if admitted.rejected:
            self._rejections.note_items(tenant, signal.name, admitted.rejected)
        return admitted.rejected

    def _count(self, tenant: Tenant, signal: Signal, kept: int, size: int, seconds: float) -> None:
        key = signal.name, tenant.org_id, tenant.server_id
        acknowledged = self.acknowledged.get(key)
        if acknowledged is None:
            acknowledged = self.acknowledged[key] = Acknowledged()
        acknowledged.add(kept, size)
        self.seconds[signal.name].observe(seconds)
        if self.watch:
            self.watch(signal.name, seconds)

    def _retention_of(self, tenant: Tenant) -> int:
        days = tenant.retention_days
        return self._retention if days is None else min(days * _DAY_NANOSECONDS, self._retention)

    async def _admit(
        self, tenant: Tenant, signal: Signal, body: bytes, is_json: bool
    ) -> tuple[Admitted, Export]:
        window = Window.around(self._now(), self._retention_of(tenant))
        sender = (tenant.org_id, tenant.server_id, signal.name)
        is_trusted = signal.as_sent and self._senders.is_trusted(*sender)
        is_short = len(body) < (_JSON_IN_PLACE_BYTES if is_json else _PROTOBUF_IN_PLACE_BYTES)
        turns = self._turns.loop if is_short else self._turns.thread
        admission = partial(_admit, tenant, signal, body, is_json, window, is_trusted)
        admitted, export = await turns.run(tenant.org_id, admission)
        if admitted.as_sent is not None:
            self._senders.compared(*sender, admitted.as_sent)
        return admitted, export


def _admit(
    tenant: Tenant, signal: Signal, body: bytes, is_json: bool, window: Window, is_trusted: bool
) -> tuple[Admitted, Export]:
    admitted = admit(signal, body, is_json, window, is_trusted)
    sent_digest = digest(tenant.org_id, tenant.server_id, admitted.sent)
    is_as_sent = admitted.body == admitted.sent
    return admitted, Export(
        tenant.org_id, tenant.server_id, admitted.body, sent_digest, window, is_as_sent=is_as_sent
    )
