"""mcp-obs about itself, for probes and scrapers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from mcp_obs_server.kit.services import provided
from mcp_obs_server.monitoring.metrics import Metrics
from mcp_obs_server.monitoring.readiness import Readiness
from mcp_obs_server.monitoring.schemas import Health, ReadinessOut
from mcp_obs_server.monitoring.scraper import ScraperToken

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""All of them need no account."""

router = APIRouter(tags=["monitoring"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", operation_id="get_health")
async def get_health() -> Health:
    """Whether the process is up."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="get_readiness", responses={503: {"model": ReadinessOut}})
async def get_readiness(
    readiness: Annotated[Readiness, Depends(provided(Readiness))], response: Response
) -> ReadinessOut:
    """Whether requests and exports can be served; 503 when not."""
    failed = await readiness.failed()
    if failed:
        response.status_code = 503
    return ReadinessOut(
        status="not_ready" if failed else "ready",
        checks={each.name: "failed" if each.name in failed else "ok" for each in readiness.checks},
        advice=[each.advice for each in readiness.checks if each.name in failed],
    )


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
async def get_metrics(
    scraper: Annotated[ScraperToken, Depends(provided(ScraperToken))],
    metrics: Annotated[Metrics, Depends(provided(Metrics))],
    authorization: Annotated[str, Header()] = "",
    accept: Annotated[str, Header()] = "",
) -> Response:
    """What was counted since the start, for Prometheus."""
    scraper.check(authorization)
    body, media_type = await metrics.render(accept)
    return Response(body, media_type=media_type, headers={"cache-control": "no-store"})
