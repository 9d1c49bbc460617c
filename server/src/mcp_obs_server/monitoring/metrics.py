"""/metrics: everything that was counted, in the formats that Prometheus reads."""

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.spool import Census
from mcp_obs_server.kit.refused_requests import RefusedRequests
from mcp_obs_server.monitoring.families.commit import commit, spool
from mcp_obs_server.monitoring.families.engine import engine
from mcp_obs_server.monitoring.families.ingest import in_flight, ingest, rejections
from mcp_obs_server.monitoring.families.requests import api_keys, refused_requests, requests
from mcp_obs_server.monitoring.request_times import RequestTimes
from mcp_obs_server.servers.verifier import ApiKeyVerifier
from mcp_obs_server.store import StoreUnavailableError, TableSize, TelemetryStore

# A scraper gives up after ten seconds, and what is known without the engine is worth having.
_ENGINE_SECONDS = 5.0


@dataclass(frozen=True)
class Budgets:
    """What all organisations share: memory, and the spool's disk."""

    in_flight: Budget
    spool: Budget


@dataclass(frozen=True)
class Observed:
    """The parts that count."""

    receiver: Receiver
    rejections: Rejections
    committers: Mapping[str, Committer]
    budgets: Budgets
    store: TelemetryStore
    verifier: ApiKeyVerifier
    request_times: RequestTimes
    refused_requests: RefusedRequests


class Metrics:
    """Reads the counts when a scraper asks."""

    def __init__(self, observed: Observed, now: Callable[[], int]) -> None:
        self._observed = observed
        self._now = now
        self._process = ProcessCollector(registry=None)

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their media type, by what the scraper accepts: OpenMetrics or Prometheus text."""
        censuses = {name: await each.census() for name, each in self._observed.committers.items()}
        sizes = await self._sizes()
        registry = CollectorRegistry()
        registry.register(self._process)
        registry.register(_Scrape(self._families(censuses, sizes)))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    async def _sizes(self) -> Sequence[TableSize] | None:
        try:
            async with asyncio.timeout(_ENGINE_SECONDS):
                return await self._observed.store.table_sizes()
        except (StoreUnavailableError, TimeoutError):
            return None

    def _families(
        self, censuses: Mapping[str, Census], sizes: Sequence[TableSize] | None
    ) -> Iterator[Metric]:
        observed = self._observed
        committers = observed.committers
        yield from ingest(observed.receiver)
        yield from rejections(observed.rejections.totals())
        yield from in_flight(observed.budgets.in_flight)
        yield from commit({name: each.totals for name, each in committers.items()})
        waiting = {name: each.waiting_bytes for name, each in committers.items()}
        yield from spool(censuses, waiting, observed.budgets.spool.limit, self._now())
        yield from engine(sizes)
        yield from api_keys(observed.verifier)
        yield from requests(observed.request_times.seconds)
        yield from refused_requests(observed.refused_requests)
        build = {"version": version("mcp-obs-server"), "python": platform.python_version()}
        yield InfoMetricFamily("mcp_obs_build", "The running version.", value=build)


class _Scrape(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
