"""Deletions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from mcp_obs_server.accounts.authentication import Authenticated, Owner
from mcp_obs_server.deletions.schemas import DeletionOut
from mcp_obs_server.deletions.service import DeletionsService
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.dependencies import AuthorisedServer, Id

router = APIRouter(prefix="/api", tags=["deletions"], responses=ERROR_RESPONSES)

Deletions = Annotated[DeletionsService, Depends(provided(DeletionsService))]


@router.delete("/servers/{server_id}", operation_id="delete_server", status_code=202)
async def delete_server(_: Owner, scope: AuthorisedServer, deletions: Deletions) -> DeletionOut:
    """End a server and its keys at once, and delete everything it sent; for owners."""
    return DeletionOut.model_validate(await deletions.delete_server(scope))


@router.get("/deletions/{deletion_id}", operation_id="get_deletion")
async def get_deletion(deletion_id: Id, principal: Authenticated, deletions: Deletions) -> DeletionOut:
    """How far a deletion is."""
    return DeletionOut.model_validate(await deletions.deletion(deletion_id, principal))
