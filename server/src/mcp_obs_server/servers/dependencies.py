"""What a route about one server asks for."""

from typing import Annotated

from fastapi import Depends, Path, Request

from mcp_obs_server.accounts.authentication import Authenticated
from mcp_obs_server.kit.errors import UnauthenticatedError
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.service import ServerScope, ServersService
from mcp_obs_server.servers.verifier import ApiKeyVerifier

Servers = Annotated[ServersService, Depends(provided(ServersService))]
Verifier = Annotated[ApiKeyVerifier, Depends(provided(ApiKeyVerifier))]


# What the databases can hold; anything else is nobody's id.
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def server_scope(server_id: Id, principal: Authenticated, servers: Servers) -> ServerScope:
    """The caller's right to the `server_id` of the path; 404 when it isn't theirs."""
    return await servers.server_scope(server_id, principal)


AuthorisedServer = Annotated[ServerScope, Depends(server_scope)]
"""Annotate a parameter of a route under `/api/servers/{server_id}/` with this."""


async def sending_server(request: Request, verifier: Verifier) -> ServerScope:
    """The server that an API key sends for; raises UnauthenticatedError."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    tenant = await verifier.verify(key.strip()) if scheme.lower() == "bearer" else None
    if tenant is None:
        raise UnauthenticatedError(
            "This API key is unknown or revoked: create one with `mcp-obs keys create`."
        )
    return ServerScope(tenant.org_id, tenant.server_id)


SendingServer = Annotated[ServerScope, Depends(sending_server)]
"""Annotate a parameter with this where an API key asks. Whoever finds one must learn nothing that it did not send."""
