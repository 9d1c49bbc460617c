"""Registered servers and their keys, always within one organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.accounts.principal import OrgId, Principal
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.errors import ConflictError, NotFoundError
from mcp_obs_server.kit.remembered import Remembered
from mcp_obs_server.servers.key_hasher import KeyHasher
from mcp_obs_server.servers.keys import new_key, prefix_of
from mcp_obs_server.servers.models import ApiKey, Environment, Server
from mcp_obs_server.servers.verifier import ApiKeyVerifier


@dataclass(frozen=True, slots=True)
class ServerScope:
    """A server that the caller was found to own: what a query of telemetry is limited to."""

    org_id: OrgId
    server_id: int


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key's row and the key itself, which is not kept."""

    key: ApiKey
    secret: str


class ServersService:
    """The one door to servers and API keys."""

    def __init__(self, sessions: Sessions, clock: Clock, hasher: KeyHasher, verifier: ApiKeyVerifier) -> None:
        self._sessions = sessions
        self._clock = clock
        self._hasher = hasher
        self._verifier = verifier
        self._owned = Remembered[ServerScope, int]()

    async def server_scope(self, server_id: int, principal: Principal) -> ServerScope:
        """The caller's right to this server; raises NotFoundError for another organisation's, as for none."""
        scope = ServerScope(principal.org_id, server_id)
        if await self._owned.get(scope, lambda: self._find(scope)) is None:
            raise _no_server(server_id)
        return scope

    async def _find(self, scope: ServerScope) -> int | None:
        owned = select(Server.id).where(Server.id == scope.server_id, Server.org_id == scope.org_id)
        async with self._sessions() as db:
            return await db.scalar(owned)

    async def list_servers(self, principal: Principal) -> Sequence[tuple[Server, datetime | None]]:
        """The organisation's servers by name, each with when one of its keys was last used."""
        await self._verifier.write_uses()
        query = (
            select(Server, func.max(ApiKey.last_used_at))
            .outerjoin(ApiKey)
            .where(Server.org_id == principal.org_id)
            .group_by(Server.id)
            .order_by(Server.name, Server.id)
        )
        async with self._sessions() as db:
            return [(server, last_used_at) for server, last_used_at in await db.execute(query)]

    async def create_server(self, principal: Principal, name: str) -> Server:
        """Register a server; raises ConflictError when the organisation has one of this name."""
        server = Server(org_id=principal.org_id, name=name, created_at=self._clock())
        try:
            async with self._sessions.begin() as db:
                db.add(server)
        except IntegrityError as error:
            raise ConflictError(f"You already have a server named {name!r}; choose another name.") from error
        return server

    async def server_name(self, db: AsyncSession, scope: ServerScope) -> str:
        """What the server is called. Raises NotFoundError when somebody else just deleted it."""
        name = await db.scalar(select(Server.name).where(Server.id == scope.server_id))
        if name is None:
            raise _no_server(scope.server_id)
        return name

    async def remove_server(self, db: AsyncSession, scope: ServerScope) -> str:
        """Take the server and its keys out within the caller's transaction; its name.

        Call `forget_server` after the commit. Raises NotFoundError when somebody else just did.
        """
        removed = delete(Server).where(Server.id == scope.server_id).returning(Server.name)
        name = await db.scalar(removed)
        if name is None:
            raise _no_server(scope.server_id)
        return name

    def forget_server(self, scope: ServerScope) -> None:
        """Refuse its keys and its pages: here at once, in other processes within seconds."""
        self._owned.forget(scope)
        self._verifier.forget_server(scope.server_id)

    async def list_keys(self, scope: ServerScope) -> Sequence[ApiKey]:
        """The server's keys, newest first, revoked ones included."""
        query = select(ApiKey).where(ApiKey.server_id == scope.server_id).order_by(ApiKey.id.desc())
        async with self._sessions() as db:
            return (await db.scalars(query)).all()

    async def create_key(self, scope: ServerScope, environment: Environment) -> CreatedKey:
        """A new key for this server. Raises NotFoundError when another process just deleted it."""
        secret = new_key(environment)
        prefix = prefix_of(secret)
        assert prefix is not None
        key = ApiKey(
            server_id=scope.server_id,
            environment=environment,
            prefix=prefix,
            hash=await self._hasher.hash(secret),
            created_at=self._clock(),
            last_used_at=None,
            revoked_at=None,
        )
        try:
            async with self._sessions.begin() as db:
                db.add(key)
        except IntegrityError as error:
            raise _no_server(scope.server_id) from error
        return CreatedKey(key, secret)

    async def revoke_key(self, scope: ServerScope, key_id: int) -> None:
        """End a key: here at once, in other processes within seconds. Raises NotFoundError."""
        query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.server_id == scope.server_id)
        async with self._sessions.begin() as db:
            key = await db.scalar(query)
            if key is None:
                raise NotFoundError(f"This server has no key {key_id}; `mcp-obs keys list` shows its keys.")
            key.revoked_at = key.revoked_at or self._clock()
        self._verifier.forget(key.prefix)


def _no_server(server_id: int) -> NotFoundError:
    return NotFoundError(f"There is no server {server_id}; `mcp-obs servers list` shows yours.")
