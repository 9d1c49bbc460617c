"""What a route about one server asks for."""

from typing import Annotated

from fastapi import Depends, Path

from mcp_obs_server.accounts.authentication import Authenticated
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.service import ServerScope, ServersService

Servers = Annotated[ServersService, Depends(provided(ServersService))]


# What the databases can hold; anything else is nobody's id.
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def server_scope(server_id: Id, principal: Authenticated, servers: Servers) -> ServerScope:
    """The caller's right to the `server_id` of the path; 404 when it isn't theirs."""
    return await servers.server_scope(server_id, principal)


AuthorisedServer = Annotated[ServerScope, Depends(server_scope)]
"""Annotate a parameter of a route under `/api/servers/{server_id}/` with this."""
