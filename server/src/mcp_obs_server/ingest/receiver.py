"""What every door does with an export once its bytes are there: whose is it, can it be kept, is it durable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from mcp_obs_server.ingest.admission import Admitted, admit
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.errors import UnauthenticatedExport
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Signal, Window

# Below these a parse takes about a millisecond; above, other requests go on meanwhile.
_PROTOBUF_IN_PLACE_BYTES = 1 << 20
_JSON_IN_PLACE_BYTES = 1 << 15


class Tenant(Protocol):
    """Whose an export is."""

    @property
    def org_id(self) -> int: ...
    @property
    def server_id(self) -> int: ...


class Receiver:
    """The way of an export behind OTLP/HTTP and OTLP/gRPC."""

    def __init__(
        self,
        verify_key: Callable[[str], Awaitable[Tenant | None]],
        committers: Iterable[tuple[Signal, Committer]],
        now: Callable[[], int],
        retention_nanoseconds: int,
    ) -> None:
        self._verify_key = verify_key
        self._committers = {signal.name: (signal, committer) for signal, committer in committers}
        self._now = now
        self._retention = retention_nanoseconds

    def signal(self, name: str) -> Signal | None:
        """The signal of this name, when it is received here."""
        found = self._committers.get(name)
        return found and found[0]

    async def authenticate(self, authorization: str) -> Tenant:
        """The tenant of `Bearer {key}`. Raises UnauthenticatedExport."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise UnauthenticatedExport("Send an API key as 'Authorization: Bearer mcpobs_...'.")
        tenant = await self._verify_key(key.strip())
        if tenant is None:
            raise UnauthenticatedExport(
                "This API key is unknown or revoked: create one with 'mcp-obs keys create'."
            )
        return tenant

    async def take(self, tenant: Tenant, signal: Signal, body: bytes, is_json: bool) -> Mapping[Reason, int]:
        """Return once all that can be kept is durable; what can't be, by reason.

        Raises MalformedExport or Overloaded, and then nothing was kept.
        """
        admitted = await self._admit(signal, body, is_json)
        if admitted.kept:
            body_digest = digest(tenant.org_id, tenant.server_id, admitted.body)
            _, committer = self._committers[signal.name]
            await committer.commit(Export(tenant.org_id, tenant.server_id, admitted.body, body_digest))
        return admitted.rejected

    async def _admit(self, signal: Signal, body: bytes, is_json: bool) -> Admitted:
        window = Window.around(self._now(), self._retention)
        if len(body) < (_JSON_IN_PLACE_BYTES if is_json else _PROTOBUF_IN_PLACE_BYTES):
            return admit(signal, body, is_json, window)
        return await asyncio.to_thread(admit, signal, body, is_json, window)
