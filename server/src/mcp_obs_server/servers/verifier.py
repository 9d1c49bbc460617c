"""From a presented API key to a tenant, on the path of every export."""

import asyncio
import hashlib
import secrets
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from cachetools import LRUCache, TTLCache
from sqlalchemy import select

from mcp_obs_server.accounts.models import Organisation
from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.servers.key_hasher import KeyHasher
from mcp_obs_server.servers.keys import prefix_of
from mcp_obs_server.servers.last_used import LastUsed
from mcp_obs_server.servers.models import ApiKey, Server

RECHECK_SECONDS = 5.0  # how long another process's revocation can go unseen
UNKNOWN_SECONDS = 30.0
KNOWN_KEYS = 10_000  # about 6 MB
UNKNOWN_KEYS = 10_000  # about 3 MB


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose telemetry a key brings."""

    org_id: OrgId
    server_id: int
    key_id: int
    retention_days: int | None = None
    """How long the organisation keeps what it sends; None as long as the server does."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A key that bcrypt has agreed to; `hash` is the row's, `digest` is of the whole key."""

    tenant: Tenant
    hash: str
    digest: bytes
    checked_at: float


class ApiKeyVerifier:
    """Checks API keys; bcrypt is paid once per key and process.

    One prefix has one secret, so once a key is known, a wrong secret under its prefix costs nothing.
    Memory holds digests under a key of this process, never the keys.
    """

    def __init__(
        self,
        sessions: Sessions,
        hasher: KeyHasher,
        last_used: LastUsed,
        timer: Callable[[], float] = time.monotonic,
        known_keys: int = KNOWN_KEYS,
        unknown_keys: int = UNKNOWN_KEYS,
    ) -> None:
        self._sessions = sessions
        self._hasher = hasher
        self._last_used = last_used
        self._timer = timer
        self._digest_key = secrets.token_bytes(32)
        self._known = LRUCache[str, _Known](known_keys)
        self._unknown = TTLCache[bytes, None](unknown_keys, UNKNOWN_SECONDS, timer)
        self.hits = 0
        self.misses = 0
        self._forgotten = 0  # how often `forget` was called
        # A lock lives only while someone holds it, so this stays as small as the requests in flight.
        self._locks = weakref.WeakValueDictionary[str, asyncio.Lock]()

    async def verify(self, presented: str) -> Tenant | None:
        """The tenant of this key; None when it is malformed, unknown, wrong or revoked."""
        prefix = prefix_of(presented)
        if prefix is None:
            return None
        digest = hashlib.blake2b(presented.encode(), digest_size=32, key=self._digest_key).digest()
        if known := self._fresh(prefix):
            self.hits += 1
        else:
            self.misses += 1
            known = await self._check(prefix, digest, presented)
        if known is None or not compare_digest(known.digest, digest):
            return None
        self._last_used.note(known.tenant.key_id)
        return known.tenant

    @property
    def known_keys(self) -> int:
        """How many keys are remembered."""
        return len(self._known)

    def forget(self, prefix: str) -> None:
        """Ask the database again before this key is believed again."""
        self._forgotten += 1
        self._known.pop(prefix, None)

    def forget_server(self, server_id: int) -> None:
        """The same for every key of a server."""
        self._forgotten += 1
        for prefix in [
            prefix for prefix, known in self._known.items() if known.tenant.server_id == server_id
        ]:
            del self._known[prefix]

    async def write_uses(self) -> None:
        """Write when keys were last used, before somebody looks."""
        await self._last_used.flush_before_reading()

    def _fresh(self, prefix: str) -> _Known | None:
        known = self._known.get(prefix)
        return known if known and self._timer() < known.checked_at + RECHECK_SECONDS else None

    async def _check(self, prefix: str, digest: bytes, presented: str) -> _Known | None:
        # One at a time per prefix: concurrent first uses share one bcrypt, and secrets tried under
        # one prefix hold one place in the hasher's queue.
        async with self._locks.setdefault(prefix, asyncio.Lock()):
            if known := self._fresh(prefix):
                return known
            if digest in self._unknown:
                return None
            forgotten = self._forgotten
            known = await self._read(prefix, digest, presented)
            if known is None:
                self._known.pop(prefix, None)
                self._unknown[digest] = None
            elif forgotten == self._forgotten:  # else it may have been revoked since it was read
                self._known[prefix] = known
            return known

    async def _read(self, prefix: str, digest: bytes, presented: str) -> _Known | None:
        checked_at = self._timer()
        columns = (
            select(ApiKey.id, ApiKey.hash, ApiKey.server_id, Server.org_id, Organisation.retention_days)
            .join(Server, Server.id == ApiKey.server_id)
            .join(Organisation, Organisation.id == Server.org_id)
        )
        async with self._sessions() as db:
            row = (
                await db.execute(columns.where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None)))
            ).one_or_none()
        if row is None:
            return None
        tenant = Tenant(row.org_id, row.server_id, row.id, row.retention_days)
        before = self._known.get(prefix)
        if before and before.hash == row.hash:
            return _Known(tenant, row.hash, before.digest, checked_at)
        if await self._hasher.matches(presented, row.hash):
            return _Known(tenant, row.hash, digest, checked_at)
        return None
