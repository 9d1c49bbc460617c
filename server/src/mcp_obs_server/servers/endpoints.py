"""Servers and API keys over HTTP."""

from fastapi import APIRouter

from mcp_obs_server.accounts.authentication import Authenticated
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.limits import JSON_BODY_BYTES
from mcp_obs_server.servers.dependencies import AuthorisedServer, Id, Servers
from mcp_obs_server.servers.schemas import ApiKeyCreated, ApiKeyIn, ApiKeyOut, ServerIn, ServerOut

router = APIRouter(
    prefix="/api/servers", tags=["servers"], responses=ERROR_RESPONSES, max_body_size=JSON_BODY_BYTES
)


@router.get("", operation_id="list_servers")
async def list_servers(principal: Authenticated, servers: Servers) -> list[ServerOut]:
    """The organisation's servers by name."""
    listed = await servers.list_servers(principal)
    return [
        ServerOut(id=server.id, name=server.name, created_at=server.created_at, last_used_at=last_used_at)
        for server, last_used_at in listed
    ]


@router.post("", operation_id="create_server", status_code=201)
async def create_server(body: ServerIn, principal: Authenticated, servers: Servers) -> ServerOut:
    """Register a server."""
    return ServerOut.model_validate(await servers.create_server(principal, body.name))


@router.get("/{server_id}/keys", operation_id="list_keys")
async def list_keys(scope: AuthorisedServer, servers: Servers) -> list[ApiKeyOut]:
    """The server's keys, newest first, revoked ones included."""
    return [ApiKeyOut.model_validate(key) for key in await servers.list_keys(scope)]


@router.post("/{server_id}/keys", operation_id="create_key", status_code=201)
async def create_key(body: ApiKeyIn, scope: AuthorisedServer, servers: Servers) -> ApiKeyCreated:
    """Make a key; its secret is in this answer and nowhere else."""
    created = await servers.create_key(scope, body.environment)
    return ApiKeyCreated(key=ApiKeyOut.model_validate(created.key), secret=created.secret)


@router.delete("/{server_id}/keys/{key_id}", operation_id="revoke_key", status_code=204)
async def revoke_key(key_id: Id, scope: AuthorisedServer, servers: Servers) -> None:
    """Revoke a key; doing it again changes nothing."""
    await servers.revoke_key(scope, key_id)
