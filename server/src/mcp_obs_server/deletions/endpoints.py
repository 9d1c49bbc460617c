"""Deletions over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends

from mcp_obs_server.accounts.authentication import Authenticated, Owner
from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.deletions.schemas import DeletionOut, NewUserDeletion, SilentProcessOut
from mcp_obs_server.deletions.service import DeletionsService
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.dependencies import AuthorisedServer, Id

router = APIRouter(prefix="/api", tags=["deletions"], responses=ERROR_RESPONSES)

Deletions = Annotated[DeletionsService, Depends(provided(DeletionsService))]


@router.delete("/servers/{server_id}", operation_id="delete_server", status_code=202)
async def delete_server(_: Owner, scope: AuthorisedServer, deletions: Deletions) -> DeletionOut:
    """End a server and its keys at once, and delete everything it sent; for owners."""
    (told,) = await _told(deletions, [await deletions.delete_server(scope)])
    return told


@router.post("/servers/{server_id}/deletions", operation_id="delete_user_data", status_code=202)
async def delete_user_data(
    _: Owner, scope: AuthorisedServer, wanted: NewUserDeletion, deletions: Deletions
) -> DeletionOut:
    """Delete everything that a server has sent of one of its users; for owners."""
    (told,) = await _told(deletions, [await deletions.delete_user(scope, wanted.user_id)])
    return told


@router.get("/servers/{server_id}/deletions", operation_id="list_deletions")
async def list_deletions(scope: AuthorisedServer, deletions: Deletions) -> list[DeletionOut]:
    """The latest deletions of users' data of a server, newest first, at most 100."""
    return await _told(deletions, await deletions.of_users(scope))


@router.get("/deletions/{deletion_id}", operation_id="get_deletion")
async def get_deletion(deletion_id: Id, principal: Authenticated, deletions: Deletions) -> DeletionOut:
    """How far a deletion is."""
    (told,) = await _told(deletions, [await deletions.deletion(deletion_id, principal)])
    return told


async def _told(deletions: DeletionsService, found: Sequence[Deletion]) -> list[DeletionOut]:
    waits_for = await deletions.waits_for(found)
    told: list[DeletionOut] = []
    for each in found:
        silent = [SilentProcessOut.model_validate(process) for process in waits_for.get(each.id, ())]
        told.append(DeletionOut.model_validate(each).model_copy(update={"waits_for": silent}))
    return told
