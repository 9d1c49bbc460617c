"""Who asks, and how long it takes to answer."""

from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client import Metric

from mcp_obs_server.kit.histogram import Histogram
from mcp_obs_server.kit.refused_requests import RefusedBecause, RefusedRequests
from mcp_obs_server.monitoring.families import counter, gauge, histogram
from mcp_obs_server.monitoring.request_times import Request
from mcp_obs_server.servers.verifier import ApiKeyVerifier


def requests(seconds: Mapping[Request, Histogram]) -> Iterator[Metric]:
    """The API's requests."""
    yield histogram(
        "api_request_duration_seconds",
        "Answering a request of the API, its queries included.",
        Request._fields,
        dict(seconds).items(),
    )


def refused_requests(counts: RefusedRequests) -> Iterator[Metric]:
    """What HTTP refused by itself; every reason is there from the start, so that the first of one is an increase."""
    yield counter(
        "http_refused_requests",
        "Connections and requests that HTTP refused before anybody asked whose they were.",
        ("reason",),
        (((reason,), counts[reason]) for reason in get_args(RefusedBecause)),
    )


def api_keys(verifier: ApiKeyVerifier) -> Iterator[Metric]:
    """How often an export's key was known without asking the database."""
    yield counter(
        "api_key_lookups",
        "Checks of API keys: a hit needs no database.",
        ("result",),
        [(("hit",), verifier.hits), (("miss",), verifier.misses)],
    )
    yield gauge("api_keys_known", "API keys remembered in memory.", (), [((), verifier.known_keys)])
