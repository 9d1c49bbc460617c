"""A backup over HTTP: the archive is the answer."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_obs_server.accounts.authentication import Operator
from mcp_obs_server.backup.archive import size_of, write
from mcp_obs_server.backup.entry import Entry
from mcp_obs_server.backup.service import BackupService
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided

router = APIRouter(prefix="/api", tags=["backup"], responses=ERROR_RESPONSES)

Backups = Annotated[BackupService, Depends(provided(BackupService))]


class BackupResponse(StreamingResponse):
    """Streams an archive and holds its files until it is sent, or the other side is gone."""

    media_type = "application/x-tar"

    def __init__(self, entries: list[Entry], held: AsyncExitStack) -> None:
        super().__init__(write(entries), headers={"content-length": str(size_of(entries))})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._held:
            await super().__call__(scope, receive, send)


@router.post(
    "/backups",
    operation_id="take_backup",
    response_class=Response,
    responses={200: {"content": {"application/x-tar": {}}, "description": "The backup"}},
)
async def take_backup(_: Operator, backups: Backups) -> BackupResponse:
    """Everything that this server holds, of every organisation; for the owner of the first one."""
    return await hold(backups.take())


async def hold(taking: AbstractAsyncContextManager[list[Entry]]) -> BackupResponse:
    """The answer that holds a backup once it is taken. Raises what taking it does, but RuntimeError for OSError."""
    async with AsyncExitStack() as stack:
        try:
            entries = await stack.enter_async_context(taking)
        except OSError as error:
            # Under /api an OSError is a database that is away.
            raise RuntimeError("The backup can't be taken") from error
        return BackupResponse(entries, stack.pop_all())
