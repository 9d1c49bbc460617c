"""Processes over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from mcp_obs_server.accounts.authentication import Operator
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.processes.schemas import ProcessOut
from mcp_obs_server.processes.service import ProcessesService

router = APIRouter(prefix="/api", tags=["processes"], responses=ERROR_RESPONSES)

Processes = Annotated[ProcessesService, Depends(provided(ProcessesService))]


@router.get("/processes", operation_id="list_processes")
async def list_processes(_: Operator, processes: Processes) -> list[ProcessOut]:
    """The processes that share this control plane, none when it is a file; for the owner of the first organisation."""
    return [ProcessOut.model_validate(each) for each in await processes.processes()]


@router.delete("/processes/{process_id}", operation_id="forget_process", status_code=204)
async def forget_process(process_id: str, _: Operator, processes: Processes) -> None:
    """Wait no longer for a process whose data directory is lost; for the owner of the first organisation."""
    await processes.forget(process_id)
